"""What a service is made of, as one value: the composition root fills it, the roles (api, relay, consume, jobs, work) take what they need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from chassis.clock import Clock
from chassis.inbox import Event, Handler
from chassis.jobs import Job
from chassis.outbox import Outbox
from chassis.settings import ServiceSettings
from chassis.store import Store
from chassis.telemetry import Metrics, traceparent
from chassis.wakeups import Wakeups

if TYPE_CHECKING:
    from flask_smorest import Blueprint

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
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
class Done(Generic[Task, Outcome]):
    """A task, what came of it, and the trace that it was done in."""

    task: Task
    outcome: Outcome
    traceparent: str | None


@dataclass(frozen=True, kw_only=True)
class Worker(Generic[Task, Outcome]):
    """Does what the messages of a queue ask for, by calls to the outside of which many are under way at once.

    What has to be committed before and after a call is so for several messages together. After a crash each may come again.
    """

    queue: str
    take: Callable[[Sequence[Event]], Sequence[Task | None]]
    """Commits that the work on these has begun; returns the task of each, None where there is nothing to do. Where it returns fewer, the others
    are given to it again."""
    call: Callable[[Task], Outcome]
    """Does one task, outside any unit of work, beside others."""
    settle: Callable[[Sequence[Done[Task, Outcome]]], None]
    """Commits what came of these."""

    def run(self, event: Event) -> None:
        """All of it for one message, on this thread."""
        [task] = self.take([event])
        if task is not None:
            self.settle([Done(task=task, outcome=self.call(task), traceparent=traceparent())])


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
    workers: Callable[[], Mapping[str, Worker[Any, Any]]] = dict
    related: Callable[[Sequence[str]], Sequence[str]] = lambda _: ()
    """The further subjects whose events concern these, found through an index: the deposit and refunds of a session."""
    metrics: Metrics = field(default_factory=Metrics)


def parts(name: str, settings: ServiceSettings, clock: Clock) -> tuple[Store, Wakeups, Outbox]:
    """The store of `settings`, and what writes events into it."""
    store = Store(settings.store_url, pool_size=settings.store_pool_size)
    wakeups = Wakeups(store)
    return store, wakeups, Outbox(name, store, wakeups, clock)


def migrate(service: Service) -> list[str]:
    """Bring the store's tables up to date; safe for any number of starters at once. Returns what was applied now."""
    return service.store.migrate(CHASSIS_MIGRATIONS, service.migrations)
