"""The suite as it is deployed, on a real broker and database, for the tests across services."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.registry import SERVICES
from embedded.practice import Practice
from support.backing import Broker, Postgres
from support.processes import Processes
from support.suite import Deployment


@pytest.fixture(scope="module")
def deployment(
    broker: Broker, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    """Every role of every service, shared by a module's tests; each takes a practice of its own."""
    started = Deployment(
        processes=Processes(directory=tmp_path_factory.mktemp("logs")),
        broker_url=broker.vhost(),
        store_urls={service: postgres.database() for service in SERVICES},
    )
    failed_before = request.session.testsfailed
    try:
        yield started.start()
    finally:
        started.processes.end()
        if request.session.testsfailed > failed_before:
            print(started.processes.report())
        broker.drop_vhosts()
        postgres.drop_databases()


@pytest.fixture
def practice(deployment: Deployment) -> Practice:
    """A provider of its own: provisioned, connected to Stripe, with refund tiers, open at all hours."""
    # What waits for the work of a role that has ended would else say no more than that it waited in vain.
    assert not deployment.ended()
    return deployment.new_practice()
