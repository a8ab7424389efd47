"""`/v1/manage/{token}`: the client's own link for one session. No token of ours but the link itself."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from marshmallow import Schema, fields

from chassis.web import Blueprint, Body, Nothing, once, public
from contracts.fields import UtcTime
from scheduling.api.session_schemas import CancellationOut, DepositOut, TypeOut
from scheduling.api.values import MoneyOut, moment, text
from scheduling.operations import managing
from scheduling.operations.context import Scheduling


class ProviderOut(Schema):
    name = fields.String()
    username = fields.String()
    online = fields.Boolean(metadata={"description": "whether the provider's booking page is open"})


class SpecialistOut(Schema):
    id = fields.String()
    name = fields.String()


class PossibleOut(Schema):
    confirm = fields.Boolean()
    cancel = fields.Boolean()
    reschedule = fields.Boolean()


class LinkOut(Schema):
    """A session as its client sees it."""

    id = fields.String()
    provider = fields.Nested(ProviderOut)
    service_id = fields.String()
    service = fields.Nested(TypeOut)
    calendar_id = fields.String()
    calendar = fields.Nested(SpecialistOut)
    starts_at = UtcTime()
    ends_at = UtcTime()
    duration_minutes = fields.Integer()
    timezone = fields.String()
    status = fields.String()
    notes = fields.String()
    client_message = fields.String()
    auto_confirm_at = UtcTime(allow_none=True)
    price = fields.Nested(MoneyOut, allow_none=True)
    deposit = fields.Nested(DepositOut, allow_none=True)
    payment_url = fields.String(allow_none=True)
    manage_url = fields.String(metadata={"description": "the client's own link; it ends in the token"})
    cancellation = fields.Nested(CancellationOut, allow_none=True)
    may = fields.Nested(PossibleOut, metadata={"description": "what the client can do just now"})
    cancel_until = UtcTime(allow_none=True, metadata={"description": "null where clients may not cancel"})
    reschedule_until = UtcTime()
    version = fields.Integer()
    created_at = UtcTime()
    updated_at = UtcTime()


class ClientCancel(Body):
    reason = text(1000, allow_none=True)


class ClientReschedule(Body):
    starts_at = moment(required=True)


def blueprint(context: Scheduling) -> Blueprint:
    """The client's link."""
    routes = Blueprint("manage", __name__, url_prefix="/v1/manage", description="The client's own link for a session")

    @routes.after_request
    def keep_private(answer: Response) -> Response:
        """The address is the key: it must not travel on in a Referer, nor be found by a search engine."""
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.headers["X-Robots-Tag"] = "noindex"
        return answer

    def of_this_link() -> str:
        """Whose an Idempotency-Key is."""
        return managing.owner(context, (request.view_args or {})["token"])

    @routes.get("/<token>")
    @public
    @routes.response(200, LinkOut)
    def show(token: str) -> dict[str, Any]:
        return managing.show(context, token)

    @routes.post("/<token>/confirm")
    @public
    @routes.arguments(Nothing)
    @once(context.store, scope=of_this_link)
    @routes.response(200, LinkOut)
    def confirm(body: dict[str, Any], token: str) -> dict[str, Any]:
        return managing.confirm(context, token)

    @routes.post("/<token>/cancel")
    @public
    @routes.arguments(ClientCancel)
    @once(context.store, scope=of_this_link)
    @routes.response(200, LinkOut)
    def cancel(body: dict[str, Any], token: str) -> dict[str, Any]:
        return managing.cancel(context, token, body)

    @routes.post("/<token>/reschedule")
    @public
    @routes.arguments(ClientReschedule)
    @once(context.store, scope=of_this_link)
    @routes.response(200, LinkOut)
    def reschedule(body: dict[str, Any], token: str) -> dict[str, Any]:
        return managing.reschedule(context, token, body)

    return routes
