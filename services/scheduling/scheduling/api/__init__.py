"""HTTP in: a blueprint per resource, its schemas beside it, no rules."""

from __future__ import annotations

from chassis import held
from chassis.web import Blueprint
from scheduling.api import (
    accounts,
    availability,
    calendars,
    events,
    holds,
    manage,
    online,
    series,
    services,
    sessions,
    stats,
)
from scheduling.operations import holding
from scheduling.operations.context import Scheduling


def blueprints(context: Scheduling) -> list[Blueprint]:
    """Every resource."""
    return [
        accounts.provisioning(context),
        accounts.blueprint(context),
        services.blueprint(context),
        calendars.blueprint(context),
        availability.blueprint(context),
        holds.blueprint(context),
        sessions.blueprint(context),
        events.blueprint(context),
        series.blueprint(context),
        online.blueprint(context),
        manage.blueprint(context),
        stats.blueprint(context),
        held.blueprint(context.store, ["sessions:read", "sessions:notes"], holding.held),
    ]
