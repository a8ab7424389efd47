"""What the series' routes take and show."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from chassis.web import Body, Page, Query
from contracts.fields import UtcTime
from contracts.sessions import RefundDecision
from scheduling.api.event_schemas import EventFields, EventTemplate
from scheduling.api.session_schemas import NewSession, SessionFields
from scheduling.api.values import Versioned, text
from scheduling.operations.laying_out import EVENT, SESSION
from scheduling.operations.series import FAIL, SKIP

_TEMPLATE = {"description": "the body of POST /v1/sessions or /v1/events; its starts_at is where the rule begins"}


def _refund(**kwargs: Any) -> fields.String:
    return fields.String(validate=validate.OneOf([decision.value for decision in RefundDecision]), **kwargs)


class NewRule(Body):
    rrule = text(500, required=True, metadata={"description": "RFC 5545, such as FREQ=WEEKLY;BYDAY=TU;COUNT=10"})
    on_conflict = fields.String(validate=validate.OneOf([FAIL, SKIP]), load_default=FAIL)


class NewSeries(NewRule):
    kind = fields.String(required=True, validate=validate.OneOf([SESSION, EVENT]))
    template = fields.Dict(keys=fields.String(), required=True, metadata=_TEMPLATE)

    @post_load
    def read_template(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        schema = NewSession() if data["kind"] == SESSION else EventTemplate()
        return data | {"template": _read(schema, data["template"])}


class NewEvent(EventTemplate, NewRule):
    """An event, or with `rrule` a series of them."""

    rrule = text(500)

    @validates_schema(pass_original=True)
    def conflicts_of_a_series(self, data: dict[str, Any], original: Any, **kwargs: Any) -> None:
        if "on_conflict" in original and "rrule" not in data:
            raise ValidationError("This is for a series: say its rrule.", "on_conflict")


class SeriesPatch(Body):
    """A merge patch of all that is to come: `template` takes the fields of a session or an event, `rrule` lays it out anew.

    What a new rule no longer names is cancelled: `refund` says what becomes of money that was paid for it.
    """

    template = fields.Dict(keys=fields.String(), metadata=_TEMPLATE)
    rrule = text(500)
    on_conflict = fields.String(validate=validate.OneOf([FAIL, SKIP]))
    refund = _refund(allow_none=True)


class SeriesEnd(Query):
    """What becomes of money that was paid for sessions to come."""

    refund = _refund()
    reason = text(1000)


class OccurrenceOut(Schema):
    starts_at = UtcTime()
    result = fields.String(validate=validate.OneOf(["created", "skipped"]))
    session_id = fields.String(allow_none=True)
    event_id = fields.String(allow_none=True)
    conflicts = fields.List(fields.Dict(keys=fields.String(), values=fields.String()))


class SeriesHead(Versioned):
    kind = fields.String()
    template = fields.Dict(keys=fields.String())
    rrule = fields.String()
    timezone = fields.String()
    shift_seconds = fields.Integer(
        metadata={"description": "by how much, on the wall clock, all was moved from where the rule lays it"}
    )


class SeriesOut(SeriesHead):
    occurrences = fields.List(fields.Nested(OccurrenceOut))


class SeriesPage(Page):
    data = fields.List(fields.Nested(SeriesHead))


def read_patch(kind: str, template: dict[str, Any]) -> dict[str, Any]:
    """A patch's template, as one of that kind of series.

    Raises:
        ValidationError: with messages below `template`.
    """
    return _read(SessionFields(partial=True) if kind == SESSION else EventFields(partial=True), template)


def _read(schema: Schema, template: dict[str, Any]) -> dict[str, Any]:
    try:
        read: dict[str, Any] = schema.load(template)
    except ValidationError as wrong:
        raise ValidationError({"template": wrong.messages}) from None
    return read
