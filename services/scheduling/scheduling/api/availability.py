"""`/v1/availability`: what a client could book, and why not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, current_app
from marshmallow import Schema, ValidationError, fields, validates_schema

from chassis.web import Blueprint, Query, caller, requires
from contracts.fields import UtcTime, rfc3339
from scheduling.api.values import moment, text, timezone
from scheduling.domain.regions import zone
from scheduling.domain.spans import moment as as_moment
from scheduling.operations import availability
from scheduling.operations.context import Scheduling
from scheduling.operations.free_slots import Slot

_LONGEST = timedelta(days=62)


class SlotQuery(Query):
    """From when to when slots may start (half-open), of which type, on which calendar."""

    service_id = text(100, required=True)
    calendar_id = text(100)
    since = moment(data_key="from", required=True)
    until = moment(data_key="to", required=True)
    timezone = timezone(metadata={"description": "the zone whose offset the answer's times have; UTC without"})

    @validates_schema
    def not_too_long(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "since" not in data or "until" not in data:
            return
        if data["until"] < data["since"]:
            raise ValidationError("This lies before `from`.", "to")
        if data["until"] - data["since"] > _LONGEST:
            raise ValidationError(f"At most {_LONGEST.days} days after `from`.", "to")


class ExplainQuery(SlotQuery):
    """The same; `from` and `to` may be left out, as `at` is what is asked about."""

    since = moment(data_key="from")
    until = moment(data_key="to")
    at = moment(required=True)


class SlotOut(Schema):
    starts_at = UtcTime()
    ends_at = UtcTime()
    calendar_id = fields.String()


class Slots(Schema):
    data = fields.List(fields.Nested(SlotOut))


class RuleOut(Schema):
    rule = fields.String()
    passed = fields.Boolean()
    reason = fields.String(allow_none=True)


class Explanation(Schema):
    available = fields.Boolean()
    calendar_id = fields.String(metadata={"description": "the calendar asked about, or the one that comes closest"})
    rules = fields.List(fields.Nested(RuleOut))


def slots_answer(slots: Iterable[Slot], duration: int, shown_in: ZoneInfo | None) -> Response:
    """`{"data": [{"starts_at", "ends_at", "calendar_id"}]}`, written without a schema: there may be many thousands, and few distinct times."""
    texts: dict[int, str] = {}

    def written(value: int) -> str:
        if value not in texts:
            at = as_moment(value)
            texts[value] = at.astimezone(shown_in).isoformat() if shown_in else rfc3339(at)
        return texts[value]

    data = [
        {"starts_at": written(start), "ends_at": written(start + duration), "calendar_id": calendar_id}
        for start, calendar_id in slots
    ]
    return current_app.response_class(
        current_app.json.dumps({"data": data}, separators=(",", ":")), mimetype="application/json"
    )


def blueprint(context: Scheduling) -> Blueprint:
    """Free slots."""
    routes = Blueprint("availability", __name__, url_prefix="/v1/availability", description="What a client could book")

    @routes.get("")
    @requires("sessions:read")
    @routes.arguments(SlotQuery, location="query")
    @routes.response(200, Slots)
    def index(query: dict[str, Any]) -> Response:
        slots, duration = availability.available(
            context,
            caller().account_id,
            query["service_id"],
            query.get("calendar_id"),
            query["since"],
            query["until"],
        )
        return slots_answer(slots, duration, shown_in(query))

    @routes.get("/explain")
    @requires("sessions:read")
    @routes.arguments(ExplainQuery, location="query")
    @routes.response(200, Explanation)
    def explain(query: dict[str, Any]) -> dict[str, Any]:
        return availability.explained(
            context,
            caller().account_id,
            query["service_id"],
            query.get("calendar_id"),
            query["at"],
            shown_in(query),
        )

    return routes


def shown_in(query: dict[str, Any]) -> ZoneInfo | None:
    """The zone that a query names."""
    return zone(query["timezone"]) if "timezone" in query else None
