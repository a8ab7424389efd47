"""A service that was not there when events were published receives them all when it comes: its queue was declared by who started first."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pika
import psycopg
import pytest

from contracts import topology
from contracts.registry import SERVICES
from support.backing import Broker, Postgres
from support.processes import Processes
from support.suite import Deployment
from support.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def publishing(
    broker: Broker, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    """Scheduling's API and relay alone: nobody has ever consumed anything on this broker."""
    suite = Deployment(
        processes=Processes(directory=tmp_path_factory.mktemp("logs")),
        broker_url=broker.vhost(),
        store_urls={service: postgres.database() for service in SERVICES},
    )
    failed_before = request.session.testsfailed
    try:
        suite.start_role("scheduling", "api", wait=False)
        suite.start_role("scheduling", "relay", wait=False)
        suite.wait_ready()
        yield suite
    finally:
        suite.processes.end()
        if request.session.testsfailed > failed_before:
            print(suite.processes.report())
        broker.drop_vhosts()
        postgres.drop_databases()


def provision(suite: Deployment, count: int) -> set[str]:
    """Make `count` accounts, each an event, and wait until all of them are with the broker."""
    ids = [f"acc_{secrets.token_hex(6)}" for _ in range(count)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: suite.practice(one).provision(), ids))
    ops = suite.practice()
    wait_until(
        lambda: ops.get("scheduling", "/v1/ops/outbox")["unpublished"] == 0,
        what="every event to be published",
    )
    return set(ids)


def known(suite: Deployment, service: str) -> set[str]:
    """The accounts that a service has heard of."""
    with psycopg.connect(suite.store_urls[service]) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM accounts")}


def expect_to_know(suite: Deployment, service: str, ids: set[str]) -> None:
    wait_until(lambda: ids <= known(suite, service), interval=0.1, what=f"{service} to know all accounts")
    with psycopg.connect(suite.store_urls[service]) as connection:
        assert connection.execute("SELECT count(*) FROM inbox WHERE status <> 'done'").fetchone() == (0,)


def test_a_consumer_that_has_never_run_receives_500_events_that_came_before_it(publishing: Deployment) -> None:
    before = provision(publishing, 500)
    publishing.start_role("clients", "consume")
    expect_to_know(publishing, "clients", before)


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_a_consumer_that_was_away_catches_up(publishing: Deployment, end: str) -> None:
    consumer = publishing.start_role("payments", "consume")
    heard = provision(publishing, 1)
    expect_to_know(publishing, "payments", heard)
    getattr(consumer, end)()
    missed = provision(publishing, 30)
    assert not missed & known(publishing, "payments")
    consumer = publishing.start_role("payments", "consume")
    expect_to_know(publishing, "payments", missed)
    consumer.terminate()


def test_a_service_new_to_an_old_broker_hears_what_is_new_at_once_and_what_was_by_resync(
    publishing: Deployment,
) -> None:
    # As after an upgrade: the relays that run were started when this service, and its queues, did not exist.
    forget_queues_of(publishing, "notifications")
    before = provision(publishing, 3)
    publishing.start_role("notifications", "consume")
    after = provision(publishing, 3)
    expect_to_know(publishing, "notifications", after)
    assert not before & known(publishing, "notifications")
    publishing.practice().post("scheduling", "/v1/ops/resync", {"to": "notifications"})
    expect_to_know(publishing, "notifications", before)


def forget_queues_of(suite: Deployment, service: str) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(suite.broker_url))
    channel = connection.channel()
    for queue in topology.queues():
        if queue.name.partition(".")[0] == service:
            channel.queue_delete(queue.name)
    connection.close()
