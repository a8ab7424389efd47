"""What a service is made of, as one value: the composition root fills it, the roles (api, relay, consume, jobs, work) take what they need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chassis.clock import Clock
from chassis.inbox import Event, Handler
from chassis.jobs import Job
from chassis.outbox import Outbox
from chassis.settings import ServiceSettings
from chassis.store import Store
from chassis.telemetry import Metrics
from chassis.wakeups import Wakeups

if TYPE_CHECKING:
    from flask_smorest import Blueprint

CHASSIS_MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The present state of one subject, for a service that is filled anew."""

    type: str
    subject: str
    account_id: str
    sequence: int
    data: Mapping[str, Any]
    occurred_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Invariant:
    """Something that must always hold of the data; `query` returns the ids of what breaks it."""

    name: str
    query: Callable[[], list[str]]


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Sends what a queue says is due; `run` is called outside any unit of work, and again after a crash."""

    queue: str
    run: Callable[[Event], None]


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service. The callables keep a role from importing what only another needs; `workers` are named by their channel."""

    name: str
    settings: ServiceSettings
    clock: Clock
    store: Store
    wakeups: Wakeups
    outbox: Outbox
    migrations: Path
    handlers: Callable[[], Mapping[str, Handler]]
    jobs: Callable[[], Sequence[Job]]
    blueprints: Callable[[], Sequence[Blueprint]]
    snapshots: Callable[[str], Iterator[Snapshot]]
    invariants: Callable[[], Sequence[Invariant]]
    workers: Callable[[], Mapping[str, Worker]] = dict
    metrics: Metrics = field(default_factory=Metrics)


def parts(name: str, settings: ServiceSettings, clock: Clock) -> tuple[Store, Wakeups, Outbox]:
    """The store of `settings`, and what writes events into it."""
    store = Store(settings.store_url, pool_size=settings.store_pool_size)
    wakeups = Wakeups(store)
    return store, wakeups, Outbox(name, store, wakeups, clock)


def migrate(service: Service) -> list[str]:
    """Bring the store's tables up to date; safe for any number of starters at once. Returns what was applied now."""
    return service.store.migrate(CHASSIS_MIGRATIONS, service.migrations)
