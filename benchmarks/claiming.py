"""Claiming what is due among ten thousand planned reminders, and among a million."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from benchmarks.ground import Ground
from benchmarks.reminders import environment, plan
from benchmarks.report import Row, Section, ratio, say
from chassis.settings import read_settings
from chassis.store import Store
from notifications.settings import Settings
from notifications.store import reminders
from notifications.store.models import database

_FEW, _MANY = 10_000, 1_000_000
_ROUNDS, _AT_ONCE = 60, 200
_WITHIN = 1.3


def measure(ground: Ground) -> list[Section]:
    """Claims take turns between the two stores; each is undone, so that the next finds the same."""
    stores = {count: _planned(ground, count) for count in (_FEW, _MANY)}
    took: dict[int, list[float]] = {count: [] for count in stores}
    for _ in range(ground.some(_ROUNDS)):
        for count, store in stores.items():
            took[count].append(_claim(store))
    for store in stores.values():
        store.close()
    few, many = (Row(what="", values=took[count], unit="").median for count in (_FEW, _MANY))
    return [
        Section(
            title=f"Claiming {_AT_ONCE} due reminders among all that are planned",
            how=(
                f"The statements of the dispatcher by which it locks and reads what is due, {_AT_ONCE} at once, by our store on PostgreSQL. "
                "What is not due yet is spread over a year."
            ),
            rows=[
                Row(what=f"among {ground.some(_FEW):,}", values=took[_FEW], unit="ms"),
                Row(
                    what=f"**among {ground.some(_MANY):,}**",
                    values=took[_MANY],
                    unit="ms",
                    beside=ratio(many, few, "among fewer", places=2),
                    target=f"≤ {_WITHIN} ×",
                    met=many <= _WITHIN * few,
                ),
            ],
        )
    ]


def _planned(ground: Ground, count: int) -> Store:
    told = environment(ground, "http://127.0.0.1:1")
    ground.processes.run("notifications", "migrate", environment=told)
    some, now = ground.some(count), datetime.now(UTC)
    say(f"planning {some:,} reminders")
    plan(told["STORE_URL"], first=0, count=_AT_ONCE, due_at=now - timedelta(hours=1))
    plan(
        told["STORE_URL"],
        first=_AT_ONCE,
        count=some,
        due_at=now + timedelta(days=1),
        apart=timedelta(days=365) / some,
    )
    settings = read_settings(Settings.read, told)
    return Store(settings.store_url, pool_size=2)


def _claim(store: Store) -> float:
    """How many milliseconds claiming took."""
    store.bind(database)
    began = time.perf_counter()
    try:
        with store.transaction():
            claimed = reminders.claim_due(store, datetime.now(UTC), _AT_ONCE)
            took = time.perf_counter() - began
            assert len(claimed) == _AT_ONCE
            raise _Undone
    except _Undone:
        return took * 1000


class _Undone(Exception):
    """Ends a unit of work without a commit."""
