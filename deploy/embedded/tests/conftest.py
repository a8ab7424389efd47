"""Embedded suites for the tests: one of its own for who kills it, one a module for the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from deploy.embedded.tests.driver import Running

from embedded.practice import Practice


def _made(place: Path) -> Running:
    logs = place / "logs"
    logs.mkdir()
    return Running(data_dir=place / "my data", logs=logs)


def _ended(suite: Running) -> None:
    if suite.process is not None and suite.process.poll() is None:
        suite.kill()


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Running]:
    """Not started yet."""
    made = _made(tmp_path)
    yield made
    _ended(made)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Started, for a module's tests; each takes a practice of its own."""
    made = _made(tmp_path_factory.mktemp("embedded"))
    yield made.start()
    _ended(made)


@pytest.fixture
def practice(shared: Running) -> Practice:
    """A provider of its own in the shared suite."""
    return shared.new_practice()
