"""Composition root of notifications: every part, in one look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import Gauge

from chassis.clock import Clock, SystemClock
from chassis.service import Invariant, Service, Snapshot, Worker, parts
from chassis.telemetry import Metrics
from notifications.domain.kinds import Channel
from notifications.operations.context import Notifications
from notifications.operations.dispatching import oldest_due_age
from notifications.operations.related import related
from notifications.settings import Settings
from notifications.store.models import database

if TYPE_CHECKING:
    from chassis.inbox import Handler
    from chassis.jobs import Job
    from chassis.web import Blueprint


def build(settings: Settings, clock: Clock | None = None, real_clock: Clock | None = None) -> Service:
    """The service on the store and broker of `settings`."""
    clock = clock or SystemClock()
    store, wakeups, outbox = parts("notifications", settings, clock)
    store.bind(database)
    context = Notifications(
        settings=settings,
        clock=clock,
        store=store,
        outbox=outbox,
        wakeups=wakeups,
        real_clock=real_clock or SystemClock(),
    )
    metrics = Metrics()
    due = Gauge(
        "oldest_due_age_seconds",
        "For how long the oldest message that is due has waited to be sent",
        registry=metrics.registry,
    )
    due.set_function(lambda: oldest_due_age(context))

    def handlers() -> Mapping[str, Handler]:
        from notifications.handlers import handlers

        return handlers(context)

    def jobs() -> Sequence[Job]:
        from notifications.jobs import jobs

        return jobs(context)

    def workers() -> dict[str, Worker[Any, Any]]:
        from notifications.gateways.mail import Mailer
        from notifications.gateways.texts import Texter
        from notifications.operations.pacing import ProviderPace
        from notifications.operations.sending import email_worker, sms_worker

        mailer, email_pace = Mailer(settings), ProviderPace(context, Channel.EMAIL, settings.email_per_second)
        texter = Texter(settings) if settings.sms_possible else None
        sms_pace = ProviderPace(context, Channel.SMS, settings.sms_per_second)
        return {
            "email": email_worker(context, mailer, email_pace),
            "sms": sms_worker(context, texter, sms_pace),
        }

    def blueprints() -> Sequence[Blueprint]:
        from chassis import held
        from notifications.api import deliveries, reminders, settings, templates, unsubscribe, webhooks
        from notifications.operations import holding

        resources = (settings, templates, reminders, deliveries, webhooks, unsubscribe)
        holdings = held.blueprint(store, ["notifications:read"], partial(holding.held, context))
        return [*(resource.blueprint(context) for resource in resources), holdings]

    def invariants() -> Sequence[Invariant]:
        from notifications.operations.invariants import invariants

        return [Invariant(name=name, query=query) for name, query in invariants(context).items()]

    return Service(
        name="notifications",
        settings=settings,
        clock=clock,
        store=store,
        wakeups=wakeups,
        outbox=outbox,
        migrations=Path(__file__).parent / "store" / "migrations",
        handlers=handlers,
        jobs=jobs,
        workers=workers,
        blueprints=blueprints,
        snapshots=_none,
        invariants=invariants,
        related=related,
        metrics=metrics,
    )


def _none(_: str) -> Iterator[Snapshot]:
    """Nobody keeps a replica of anything that notifications owns."""
    return iter(())
