"""What every operation of scheduling is given, and who acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, Literal, ParamSpec, TypeVar

from chassis.clock import Clock
from chassis.links import Links
from chassis.outbox import Outbox
from chassis.statements import Question
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

    return unit_of_work_asking(lambda *_, **__: ())(operation)


def unit_of_work_asking(
    questions: Callable[..., Sequence[Question]],
) -> Callable[[Callable[Concatenate[Scheduling, P], T]], Callable[Concatenate[Scheduling, P], T]]:
    """The same, for an operation that surely asks what `questions`, called with its arguments, gives: that is put together with the beginning."""

    def decorate(operation: Callable[Concatenate[Scheduling, P], T]) -> Callable[Concatenate[Scheduling, P], T]:
        @wraps(operation)
        def in_one_transaction(context: Scheduling, /, *args: P.args, **kwargs: P.kwargs) -> T:
            def attempt() -> T:
                with context.store.transaction(*questions(context, *args, **kwargs)):
                    return operation(context, *args, **kwargs)

            return context.store.run(attempt)

        return in_one_transaction

    return decorate


def reading(operation: Callable[Concatenate[Scheduling, P], T]) -> Callable[Concatenate[Scheduling, P], T]:
    """The operation only reads."""

    @wraps(operation)
    def with_a_connection(context: Scheduling, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with context.store.reading():
            return operation(context, *args, **kwargs)

    return with_a_connection
