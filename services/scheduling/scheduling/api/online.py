"""`/v1/booking/{username}`: the page on which clients book. No token; so many requests a minute from one address."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from marshmallow import Schema, fields

from chassis.web import Blueprint, Body, once, public
from contracts.fields import UtcTime
from scheduling.api.availability import SlotQuery, Slots, shown_in, slots_answer
from scheduling.api.manage import LinkOut
from scheduling.api.rate import per_address
from scheduling.api.sessions import client_key
from scheduling.api.values import MoneyOut, email, moment, name, text, timezone
from scheduling.operations import online
from scheduling.operations.context import Scheduling


class ClientAtThePage(Body):
    """Who books. The email finds them again, and brings the link to what they booked."""

    name = name(required=True)
    email = email(required=True)
    phone = text(50, allow_none=True)


class OnlineBooking(Body):
    service_id = text(100, required=True)
    starts_at = moment(required=True)
    calendar_id = text(100, allow_none=True, metadata={"description": "the specialist; none: any available"})
    timezone = timezone(allow_none=True, metadata={"description": "the client's; kept where they are new"})
    client = fields.Nested(ClientAtThePage, required=True)
    hold_id = text(100, allow_none=True)
    notes = text(10_000, allow_none=True, metadata={"description": "what the client has to say"})


class OnlineHold(Body):
    service_id = text(100, required=True)
    starts_at = moment(required=True)
    calendar_id = text(100, allow_none=True)


class OnlineHoldOut(Schema):
    id = fields.String()
    service_id = fields.String()
    calendar_id = fields.String()
    starts_at = UtcTime()
    ends_at = UtcTime()
    duration_minutes = fields.Integer()
    expires_at = UtcTime()


class RulesOut(Schema):
    auto_confirm = fields.String()
    min_notice_hours = fields.Integer()
    max_advance_days = fields.Integer()
    client_cancellation = fields.Boolean()
    cancel_cutoff_hours = fields.Integer()
    reschedule_cutoff_hours = fields.Integer()


class OfferingCalendarOut(Schema):
    id = fields.String()
    name = fields.String()
    color = fields.String()


class OfferOut(Schema):
    id = fields.String()
    name = fields.String()
    description = fields.String()
    duration_minutes = fields.Integer()
    price = fields.Nested(MoneyOut, allow_none=True, metadata={"description": "null: free"})
    deposit = fields.Nested(MoneyOut, allow_none=True, metadata={"description": "what is to be paid on booking"})
    color = fields.String()
    auto_assign = fields.Boolean(metadata={"description": "clients choose no specialist"})
    calendars = fields.List(fields.Nested(OfferingCalendarOut), metadata={"description": "the specialists"})


class PageOut(Schema):
    name = fields.String()
    username = fields.String()
    timezone = fields.String()
    currency = fields.String()
    locale = fields.String()
    booking = fields.Nested(RulesOut)
    services = fields.List(fields.Nested(OfferOut))


def blueprint(context: Scheduling) -> Blueprint:
    """The public booking pages."""
    routes = Blueprint("booking", __name__, url_prefix="/v1/booking", description="What clients see and book")
    routes.before_request(
        per_address(context.settings.public_requests_per_minute, proxies=context.settings.trusted_proxies)
    )

    def of_this_page() -> str:
        """Whose an Idempotency-Key is."""
        return online.owner(context, (request.view_args or {})["username"])

    def meet_client(body: dict[str, Any], username: str) -> dict[str, Any]:
        return online.meet_client(context, username, body, client_key("page", body))

    @routes.get("/<username>")
    @public
    @routes.response(200, PageOut)
    def show(username: str) -> dict[str, Any]:
        return online.page(context, username)

    @routes.get("/<username>/slots")
    @public
    @routes.arguments(SlotQuery, location="query")
    @routes.response(200, Slots)
    def slots(query: dict[str, Any], username: str) -> Response:
        found, duration = online.slots(
            context, username, query["service_id"], query.get("calendar_id"), query["since"], query["until"]
        )
        return slots_answer(found, duration, shown_in(query))

    @routes.post("/<username>/holds")
    @public
    @routes.arguments(OnlineHold)
    @once(context.store, scope=of_this_page)
    @routes.response(201, OnlineHoldOut)
    def hold(body: dict[str, Any], username: str) -> dict[str, Any]:
        return online.hold(context, username, body)

    @routes.delete("/<username>/holds/<hold_id>")
    @public
    @routes.response(204)
    def release(username: str, hold_id: str) -> None:
        online.release(context, username, hold_id)

    @routes.post("/<username>/sessions")
    @public
    @routes.arguments(OnlineBooking)
    @once(context.store, prepare=meet_client, scope=of_this_page)
    @routes.response(201, LinkOut)
    def book(body: dict[str, Any], username: str, prepared: dict[str, Any]) -> dict[str, Any]:
        return online.book(context, username, body, prepared)

    return routes
