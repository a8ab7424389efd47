"""The composition root: every part of the service, readable in one look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from chassis.clock import Clock, SystemClock
from chassis.inbox import Handler
from chassis.jobs import Job
from chassis.peers import Peer
from chassis.service import Service, parts
from clients.gateways.holdings import Holdings
from clients.operations import imports, present_state
from clients.operations.context import Clients
from clients.settings import Settings
from clients.store.models import database
from contracts.registry import SERVICES

if TYPE_CHECKING:
    from chassis.web import Blueprint

NAME = "clients"


def build(settings: Settings, clock: Clock = SystemClock()) -> Service:  # noqa: B008 - it holds no state
    """The service, put together; nothing is connected or started yet."""
    store, wakeups, outbox = parts(NAME, settings, clock)
    store.bind(database)
    peers = {
        name: Peer(base_url=getattr(settings, f"{name}_url"), secret=settings.service_jwt_secret, name=name)
        for name in SERVICES
        if name != NAME
    }
    context = Clients(
        store=store, outbox=outbox, clock=clock, settings=settings, wakeups=wakeups, holdings=Holdings(peers)
    )

    def handlers() -> Mapping[str, Handler]:
        from clients.handlers import handlers

        return handlers(context)

    def blueprints() -> Sequence[Blueprint]:
        from clients.api import files
        from clients.api.clients import blueprint

        return [blueprint(context), files.blueprint(context)]

    def jobs() -> Sequence[Job]:
        from clients.api.file_schemas import read_row

        return [
            Job(
                name="imports",
                run=lambda: store.run(lambda: imports.work(context, read_row)),
                every=timedelta(seconds=5),
                wake=imports.WORK,
            ),
            Job(name="import-retention", run=lambda: imports.forget_old(context), every=timedelta(hours=6)),
        ]

    return Service(
        name=NAME,
        settings=settings,
        clock=clock,
        store=store,
        wakeups=wakeups,
        outbox=outbox,
        migrations=Path(__file__).parent / "store" / "migrations",
        handlers=handlers,
        jobs=jobs,
        blueprints=blueprints,
        snapshots=lambda to: present_state.snapshots(context),
        invariants=lambda: present_state.invariants(context),
    )
