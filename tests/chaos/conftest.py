"""A deployment of its own for each test that will break it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from contracts.registry import SERVICES
from support.backing import Broker, Postgres
from support.processes import Processes
from support.suite import Deployment


@pytest.fixture
def new_deployment(
    own_broker: Broker, own_postgres: Postgres, processes: Processes
) -> Iterator[Callable[[], Deployment]]:
    """Starts the suite, every role of it, on a fresh virtual host and fresh databases of servers that the test may end."""

    def start() -> Deployment:
        return Deployment(
            processes=processes,
            broker_url=own_broker.vhost(),
            store_urls={service: own_postgres.database() for service in SERVICES},
        ).start()

    yield start
    processes.end()
    own_broker.drop_vhosts()
    own_postgres.drop_databases()
