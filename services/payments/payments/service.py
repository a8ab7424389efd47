"""The composition root: every part of the service, readable in one look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chassis.clock import Clock, SystemClock
from chassis.inbox import Handler
from chassis.jobs import Job
from chassis.links import Links
from chassis.service import Service, parts
from payments.operations import invariants, related, upkeep
from payments.operations.context import Payments
from payments.settings import Settings
from payments.store.models import database

if TYPE_CHECKING:
    from chassis.outbox import Outbox
    from chassis.store import Store
    from chassis.wakeups import Wakeups
    from chassis.web import Blueprint
    from payments.gateways.stripe import StripeGateway

NAME = "payments"


def build(settings: Settings, clock: Clock = SystemClock()) -> Service:  # noqa: B008 - it holds no state
    """The service, put together; nothing is connected or started yet."""
    store, wakeups, outbox = parts(NAME, settings, clock)
    store.bind(database)

    context = _context(settings, store, wakeups, outbox, clock)

    def handlers() -> Mapping[str, Handler]:
        from payments.handlers import handlers

        return handlers(context)

    def jobs() -> Sequence[Job]:
        from payments.jobs import jobs

        return jobs(context)

    def blueprints() -> Sequence[Blueprint]:
        from chassis import held
        from payments.api import connect, deposits, manage, operations, pay, settings, statement, webhooks
        from payments.operations import holding

        rooms = (connect, settings, deposits, statement, pay, manage, webhooks, operations)
        return [
            *(room.blueprint(context) for room in rooms),
            held.blueprint(store, ["payments:read"], holding.held),
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
        snapshots=lambda to: upkeep.snapshots(context, to),
        invariants=lambda: invariants.invariants(context),
        related=related.related,
    )


def context_of(service: Service) -> Payments:
    """What the operations of a service that was built here are given."""
    settings = service.settings
    assert isinstance(settings, Settings)
    return _context(settings, service.store, service.wakeups, service.outbox, service.clock)


def _context(settings: Settings, store: Store, wakeups: Wakeups, outbox: Outbox, clock: Clock) -> Payments:
    @cache
    def stripe() -> StripeGateway:
        # Stripe's SDK is large, and neither relay nor consumer needs it.
        from payments.gateways.stripe import StripeGateway

        return StripeGateway(
            secret_key=settings.stripe_secret_key,
            api_base=settings.stripe_api_base,
            webhook_secrets=settings.stripe_webhook_secrets,
            timeout_seconds=settings.stripe_timeout_seconds,
        )

    return Payments(
        store=store,
        outbox=outbox,
        wakeups=wakeups,
        clock=clock,
        settings=settings,
        links=Links(settings.service_jwt_secret),
        stripe=stripe,
    )
