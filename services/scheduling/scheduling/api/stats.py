"""`/v1/stats`: the dashboard."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from chassis.web import Blueprint, Query, caller, requires
from scheduling.api.values import MoneyOut, moment
from scheduling.operations import stats
from scheduling.operations.context import Scheduling


class StatsQuery(Query):
    """On the session's start and the client's creation, half-open; without either it is the account's present month."""

    since = moment(data_key="from")
    until = moment(data_key="to")

    @validates_schema
    def in_order(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "since" in data and "until" in data and data["until"] < data["since"]:
            raise ValidationError("This lies before `from`.", "to")


class Counts(Schema):
    pending = fields.Integer()
    confirmed = fields.Integer()
    cancelled = fields.Integer()
    completed = fields.Integer()
    no_show = fields.Integer()


class Rates(Schema):
    completed = fields.Float(allow_none=True)
    cancelled = fields.Float(allow_none=True)
    no_show = fields.Float(allow_none=True)


class StatsOut(Schema):
    sessions = fields.Nested(Counts)
    upcoming = fields.Integer(metadata={"description": "pending and confirmed ones whose start is to come"})
    new_clients = fields.Integer()
    expected_revenue = fields.Nested(MoneyOut, metadata={"description": "of pending and confirmed sessions"})
    earned_revenue = fields.Nested(MoneyOut, metadata={"description": "of completed sessions"})
    rates = fields.Nested(
        Rates, metadata={"description": "shares of all that ended, on the plans pro and max; null where none has"}
    )


def blueprint(context: Scheduling) -> Blueprint:
    """Figures."""
    routes = Blueprint("stats", __name__, url_prefix="/v1/stats", description="The dashboard")

    @routes.get("")
    @requires("sessions:read")
    @routes.arguments(StatsQuery, location="query")
    @routes.response(200, StatsOut)
    def show(query: dict[str, Any]) -> dict[str, Any]:
        return stats.dashboard(context, caller().account_id, query.get("since"), query.get("until"))

    return routes
