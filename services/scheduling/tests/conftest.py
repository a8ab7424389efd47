"""The world of a test: the service with two accounts, on either store or on SQLite alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from services.scheduling.tests.driver import World, build_world

from chassis.service import CHASSIS_MIGRATIONS
from scheduling import store
from support.backing import Schema


@pytest.fixture(scope="session")
def schema() -> Schema:
    """What a store of this service holds before anything happens."""
    return CHASSIS_MIGRATIONS, Path(store.__file__).parent / "migrations"


@pytest.fixture
def world(store_url: str) -> Iterator[World]:
    """The service on each of the two stores."""
    built = build_world(store_url)
    yield built
    built.close()


@pytest.fixture
def light_world(sqlite_url: str) -> Iterator[World]:
    """The service on SQLite alone, for what no store can change."""
    built = build_world(sqlite_url)
    yield built
    built.close()


@pytest.fixture
def light_settings(sqlite_url: str) -> Iterator[Callable[..., World]]:
    """Starts the service on SQLite with other settings than usual."""
    built: list[World] = []

    def start(**settings: object) -> World:
        built.append(build_world(sqlite_url, **settings))
        return built[-1]

    yield start
    for world in built:
        world.close()
