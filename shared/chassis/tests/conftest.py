"""The ledger on each pair of a store and a broker, with its parts at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from shared.chassis.tests.driver import Bench, Environment, environment_for, make_bench


@pytest.fixture(params=["embedded", "suite"])
def backing(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Addresses of a store and a broker: SQLite and the memory broker, then PostgreSQL and RabbitMQ."""
    if request.param == "embedded":
        return request.getfixturevalue("sqlite_url"), "memory://"
    return request.getfixturevalue("postgres_url"), request.getfixturevalue("broker_url")


@pytest.fixture
def benches() -> Iterator[Callable[..., Bench]]:
    """Makes ledgers; all their threads are ended after the test."""
    made: list[Bench] = []

    def make(store_url: str, broker_url: str = "memory://", **settings: object) -> Bench:
        made.append(make_bench(store_url, broker_url, **settings))
        return made[-1]

    yield make
    for bench in reversed(made):
        bench.close()


@pytest.fixture
def bench(backing: tuple[str, str], benches: Callable[..., Bench]) -> Bench:
    """A ledger on each pair of a store and a broker."""
    return benches(*backing)


@pytest.fixture
def stored(store_url: str, benches: Callable[..., Bench]) -> Bench:
    """A ledger on each store, for what needs no broker."""
    return benches(store_url)


@pytest.fixture
def plain(sqlite_url: str, benches: Callable[..., Bench]) -> Bench:
    """A ledger on SQLite, for what is the same on every store."""
    return benches(sqlite_url)


@pytest.fixture
def stored_once(stored: Bench) -> Bench:
    """The same, for properties: hypothesis tries many examples on one."""
    return stored


@pytest.fixture
def suite(postgres_url: str, broker_url: str, benches: Callable[..., Bench]) -> Bench:
    """A ledger on PostgreSQL and RabbitMQ."""
    return benches(postgres_url, broker_url)


@pytest.fixture
def environment(postgres_url: str, broker_url: str) -> Environment:
    """What a process of the ledger is told, on PostgreSQL and RabbitMQ."""
    return environment_for(postgres_url, broker_url)
