"""What the events' routes take and show."""

from __future__ import annotations

from marshmallow import fields

from chassis.web import Body, Page, PageQuery, Query
from contracts.fields import UtcTime
from scheduling.api.values import Versioned, moment, name, scope, text, yes


class EventFields(Body):
    """What may be said of an event when it is made or changed."""

    title = name()
    starts_at = moment()
    ends_at = moment()
    all_day = yes(metadata={"description": "the local days that it touches, from midnight to midnight"})
    calendar_id = text(100)
    notes = text(10_000, allow_none=True)
    allow_overlap = yes()
    override_reason = text(1000, allow_none=True)


class EventTemplate(EventFields):
    """An event; one of whole days may be without an end and is one day then."""

    title = name(required=True)
    starts_at = moment(required=True)
    all_day = yes(load_default=False)


class EventPatch(EventFields):
    """A merge patch: what is left out stays."""

    scope = scope()


class EventQuery(PageQuery):
    since = UtcTime(data_key="from", metadata={"description": "events that end later"})
    until = UtcTime(data_key="to", metadata={"description": "events that begin earlier"})
    calendar_id = fields.String()


class ScopeQuery(Query):
    scope = scope(load_default="this")


class EventOut(Versioned):
    title = fields.String()
    starts_at = UtcTime()
    ends_at = UtcTime()
    all_day = fields.Boolean()
    calendar_id = fields.String()
    notes = fields.String()
    series_id = fields.String(allow_none=True)


class EventPage(Page):
    data = fields.List(fields.Nested(EventOut))
