"""`/v1/manage/{token}`: the client's own link for one session. No token of ours but the link itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, redirect, request
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
    pay_by = UtcTime(
        allow_none=True,
        metadata={
            "description": "when it is released if the deposit is unpaid; null before payments has told, and where it will not be"
        },
    )
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
    refund_quote_id = text(
        2000, allow_none=True, metadata={"description": "of payments' quote by this link: it refunds exactly that"}
    )


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
        answer.vary.add("Accept")
        return answer

    def page(token: str) -> str | None:
        """Where a person who follows the link is led; None for a program, which gets JSON, and where there is no console."""
        console = context.settings.console_public_url
        # Given a free choice, as by Accept: */*, the first is meant.
        wanted = request.accept_mimetypes.best_match(["application/json", "text/html"])
        return f"{console}/manage/{quote(token, safe='')}" if console and wanted == "text/html" else None

    def of_this_link() -> str:
        """Whose an Idempotency-Key is."""
        return managing.owner(context, (request.view_args or {})["token"])

    @routes.get("/<token>")
    @public
    @routes.response(200, LinkOut)
    @routes.alt_response(
        303, description="A browser (`Accept: text/html`) is led to the console's page, where there is one"
    )
    def show(token: str) -> Any:
        found = page(token)
        return redirect(found, code=303) if found else managing.show(context, token)

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
