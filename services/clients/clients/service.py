"""The composition root: every part of the service, readable in one look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chassis.clock import Clock, SystemClock
from chassis.inbox import Handler
from chassis.service import Service, parts
from clients.operations import present_state
from clients.operations.context import Clients
from clients.settings import Settings
from clients.store.models import database

if TYPE_CHECKING:
    from chassis.web import Blueprint

NAME = "clients"


def build(settings: Settings, clock: Clock = SystemClock()) -> Service:  # noqa: B008 - it holds no state
    """The service, put together; nothing is connected or started yet."""
    store, wakeups, outbox = parts(NAME, settings, clock)
    store.bind(database)
    context = Clients(store=store, outbox=outbox, clock=clock, settings=settings)

    def handlers() -> Mapping[str, Handler]:
        from clients.handlers import handlers

        return handlers(context)

    def blueprints() -> Sequence[Blueprint]:
        from clients.api.clients import blueprint

        return [blueprint(context)]

    return Service(
        name=NAME,
        settings=settings,
        clock=clock,
        store=store,
        wakeups=wakeups,
        outbox=outbox,
        migrations=Path(__file__).parent / "store" / "migrations",
        handlers=handlers,
        # Nothing of this service falls due by the clock.
        jobs=list,
        blueprints=blueprints,
        snapshots=lambda to: present_state.snapshots(context),
        invariants=lambda: present_state.invariants(context),
    )
