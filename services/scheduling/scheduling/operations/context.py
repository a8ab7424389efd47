"""What every operation of scheduling is given, and who acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, Literal, ParamSpec, TypeVar

from chassis.clock import Clock
from chassis.links import Links
from chassis.outbox import Outbox
from chassis.store import Store
from chassis.wakeups import Wakeups
from scheduling.gateways.clients import ClientsService
from scheduling.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Scheduling:
    store: Store
    outbox: Outbox
    wakeups: Wakeups
    clock: Clock
    settings: Settings
    links: Links
    clients: ClientsService


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts: `name` stands in the history, `by` in a cancellation."""

    name: str
    by: Literal["provider", "client", "system"] = "provider"


SYSTEM = Actor(name="system", by="system")

P = ParamSpec("P")
T = TypeVar("T")


def unit_of_work(operation: Callable[Concatenate[Scheduling, P], T]) -> Callable[Concatenate[Scheduling, P], T]:
    """All that the operation does commits together, or nothing; it joins a unit of work that is open."""

    @wraps(operation)
    def in_one_transaction(context: Scheduling, /, *args: P.args, **kwargs: P.kwargs) -> T:
        def attempt() -> T:
            with context.store.transaction():
                return operation(context, *args, **kwargs)

        return context.store.run(attempt)

    return in_one_transaction


def reading(operation: Callable[Concatenate[Scheduling, P], T]) -> Callable[Concatenate[Scheduling, P], T]:
    """The operation only reads."""

    @wraps(operation)
    def with_a_connection(context: Scheduling, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with context.store.reading():
            return operation(context, *args, **kwargs)

    return with_a_connection
