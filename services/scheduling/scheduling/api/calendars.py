"""`/v1/calendars`: where sessions lie, and when they are open."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, request
from marshmallow import Schema, ValidationError, fields, validate

from chassis.web import Blueprint, Body, Nothing, Page, PageQuery, Query, caller, if_match, once, public, requires
from scheduling.api.values import Versioned, color, listed, name, page
from scheduling.domain.feeds import Feed, document, fingerprint
from scheduling.domain.hours import DEFAULT_HOURS, WEEKDAYS
from scheduling.operations import calendars, feeds
from scheduling.operations.context import Scheduling

_START = validate.Regexp(r"([01]\d|2[0-3]):[0-5]\d\Z", error="Not a time of day as HH:MM.")
_END = validate.Regexp(r"(([01]\d|2[0-3]):[0-5]\d|24:00)\Z", error="Not a time of day as HH:MM, 24:00 at the latest.")


def _date(value: str) -> None:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValidationError("There is no such day.") from None


class HoursIn(Body):
    start = fields.String(required=True, validate=_START)
    end = fields.String(required=True, validate=_END)


class WeekdayHoursIn(HoursIn):
    weekday = fields.String(required=True, validate=validate.OneOf(WEEKDAYS))


class OverrideIn(Body):
    """That date's hours instead of the week's; none is a day off."""

    date = fields.String(
        required=True,
        validate=validate.And(validate.Regexp(r"\d{4}-\d\d-\d\d\Z", error="Not a date as YYYY-MM-DD."), _date),
    )
    hours = fields.List(fields.Nested(HoursIn), required=True, validate=validate.Length(max=50))


class CalendarIn(Body):
    name = name(required=True)
    color = color(load_default="#2f6fed")
    working_hours = fields.List(
        fields.Nested(WeekdayHoursIn), load_default=lambda: DEFAULT_HOURS, validate=validate.Length(max=200)
    )
    overrides = fields.List(fields.Nested(OverrideIn), load_default=list, validate=validate.Length(max=2000))
    is_default = fields.Boolean(truthy={True}, falsy={False}, load_default=False)


class CalendarPatch(CalendarIn):
    """A merge patch: what is left out stays; hours and overrides are replaced as a whole."""


class HoursOut(Schema):
    start = fields.String()
    end = fields.String()


class WeekdayHoursOut(HoursOut):
    weekday = fields.String()


class OverrideOut(Schema):
    date = fields.String()
    hours = fields.List(fields.Nested(HoursOut))


class CalendarOut(Versioned):
    name = fields.String()
    color = fields.String()
    working_hours = fields.List(fields.Nested(WeekdayHoursOut))
    overrides = fields.List(fields.Nested(OverrideOut))
    is_default = fields.Boolean()
    feed_url = fields.String(allow_none=True)


class FeedQuery(Query):
    token = fields.String(load_default="")


class CalendarPage(Page):
    data = fields.List(fields.Nested(CalendarOut))


def blueprint(context: Scheduling) -> Blueprint:
    """Calendars in use."""
    routes = Blueprint(
        "calendars", __name__, url_prefix="/v1/calendars", description="Calendars and their working hours"
    )

    @routes.post("")
    @requires("sessions:write")
    @routes.arguments(CalendarIn)
    @once(context.store)
    @routes.response(201, CalendarOut)
    def create(body: dict[str, Any]) -> dict[str, Any]:
        return calendars.create(context, caller().account_id, body)

    @routes.get("")
    @requires("sessions:read")
    @routes.arguments(PageQuery, location="query")
    @routes.response(200, CalendarPage)
    def index(query: dict[str, Any]) -> dict[str, Any]:
        return page(*calendars.listing(context, caller().account_id, listed(query)))

    @routes.get("/<calendar_id>")
    @requires("sessions:read")
    @routes.response(200, CalendarOut)
    def show(calendar_id: str) -> dict[str, Any]:
        return calendars.show(context, caller().account_id, calendar_id)

    @routes.patch("/<calendar_id>")
    @requires("sessions:write")
    @routes.arguments(CalendarPatch(partial=("name", "color", "working_hours", "overrides", "is_default")))
    @routes.response(200, CalendarOut)
    def amend(body: dict[str, Any], calendar_id: str) -> dict[str, Any]:
        return calendars.amend(context, caller().account_id, calendar_id, body, if_match())

    @routes.delete("/<calendar_id>")
    @requires("sessions:write")
    @routes.response(204)
    def retire(calendar_id: str) -> None:
        calendars.retire(context, caller().account_id, calendar_id, if_match())

    @routes.post("/<calendar_id>/feed/renew")
    @requires("sessions:write")
    @routes.arguments(Nothing, required=False)
    @once(context.store)
    @routes.response(200, CalendarOut)
    def renew_feed(body: dict[str, Any], calendar_id: str) -> dict[str, Any]:
        return calendars.renew_feed(context, caller().account_id, calendar_id, if_match())

    @routes.get("/<calendar_id>/feed.ics")
    @public
    @routes.arguments(FeedQuery, location="query")
    @routes.response(200, {"type": "string"}, content_type="text/calendar")
    @routes.alt_response(304, description="It is what the caller has seen (`If-None-Match`)")
    def feed(query: dict[str, Any], calendar_id: str) -> Response:
        return _subscribed(feeds.feed(context, calendar_id, query["token"]))

    return routes


def _subscribed(feed: Feed) -> Response:
    """The document, or that it is the one seen before, which is found out without writing it."""
    tag = fingerprint(feed)
    seen = request.if_none_match.contains_weak(tag)
    response = Response(status=304) if seen else Response(document(feed), mimetype="text/calendar")
    response.set_etag(tag)
    # For whoever has the link alone, and asked about again each time.
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Disposition"] = 'inline; filename="calendar.ics"'
    return response
