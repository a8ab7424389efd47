"""Scheduling's composition root: everything it is made of, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chassis.clock import Clock, SystemClock
from chassis.links import Links
from chassis.peers import Peer
from chassis.service import Service, parts
from scheduling.gateways.clients import ClientsService
from scheduling.handlers import handlers
from scheduling.jobs import jobs
from scheduling.operations.context import Scheduling
from scheduling.operations.invariants import invariants
from scheduling.operations.resync import snapshots
from scheduling.settings import Settings
from scheduling.store.models import database

if TYPE_CHECKING:
    from chassis.web import Blueprint


def build(settings: Settings, clock: Clock | None = None) -> Service:
    """The service; what only one role needs is imported when that role asks for it."""
    clock = clock or SystemClock()
    store, wakeups, outbox = parts("scheduling", settings, clock)
    store.bind(database)
    context = Scheduling(
        store=store,
        outbox=outbox,
        wakeups=wakeups,
        clock=clock,
        settings=settings,
        links=Links(settings.service_jwt_secret),
        clients=ClientsService(Peer(base_url=settings.clients_url, secret=settings.service_jwt_secret, name="clients")),
    )

    def blueprints() -> list[Blueprint]:
        from scheduling.api import blueprints as all_blueprints

        return all_blueprints(context)

    return Service(
        name="scheduling",
        settings=settings,
        clock=clock,
        store=store,
        wakeups=wakeups,
        outbox=outbox,
        migrations=Path(__file__).parent / "store" / "migrations",
        handlers=lambda: handlers(context),
        jobs=lambda: jobs(context),
        blueprints=blueprints,
        snapshots=lambda to: snapshots(context, to),
        invariants=lambda: invariants(context),
    )
