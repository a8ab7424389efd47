"""`/v1/deliveries`: the log of what was sent, its export, and sending one again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate

from chassis.spreadsheets import harmless, line
from chassis.web import (
    Blueprint,
    Nothing,
    Page,
    PageQuery,
    Query,
    caller,
    decode_cursor,
    encode_cursor,
    if_match,
    once,
    requires,
)
from contracts.fields import UtcTime
from notifications.domain.kinds import Channel, Kind
from notifications.domain.statuses import DeliveryStatus
from notifications.operations.context import Notifications
from notifications.operations.ledger import get_delivery, list_deliveries, resend

_STATUSES = [status.value for status in DeliveryStatus if status is not DeliveryStatus.SENDING]
_EXPORTED_AT_ONCE = 500
_COLUMNS = (
    "id kind channel session_id client_id to status attempts sent_at error provider_id segments created_at".split()
)


class _Statuses(fields.String):
    """Statuses, separated by commas."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        chosen = [word for word in super()._deserialize(value, *args, **kwargs).split(",") if word]
        if not set(chosen) <= set(_STATUSES):
            raise ValidationError(f"Must be some of: {', '.join(_STATUSES)}.")
        return chosen


class ExportQuery(Query):
    session_id = fields.String(load_default=None)
    status = _Statuses(load_default=[])
    kind = fields.String(load_default=None, validate=validate.OneOf([kind.value for kind in Kind]))
    channel = fields.String(load_default=None, validate=validate.OneOf([channel.value for channel in Channel]))
    q = fields.String(
        load_default=None,
        validate=validate.Length(max=200),
        metadata={"description": "in the address or the client's name"},
    )
    updated_since = UtcTime(load_default=None)


class DeliveryQuery(ExportQuery, PageQuery):
    """The same, page by page."""


class DeliveryOut(Schema):
    id = fields.String()
    kind = fields.String()
    channel = fields.String()
    session_id = fields.String()
    client_id = fields.String()
    to = fields.String(attribute="address", allow_none=True)
    status = fields.Function(lambda row: "queued" if row.status == DeliveryStatus.SENDING else row.status)
    attempts = fields.Integer()
    due_at = UtcTime()
    sent_at = UtcTime(allow_none=True)
    error = fields.Function(lambda row: row.reason if row.status == DeliveryStatus.SKIPPED else row.error)
    provider_id = fields.String(
        allow_none=True, metadata={"description": "Twilio's SID, or the Message-ID of an email"}
    )
    segments = fields.Integer(allow_none=True, metadata={"description": "how many text messages it was"})
    resend_of = fields.String(allow_none=True)
    created_at = UtcTime()
    version = fields.Integer(metadata={"description": "grows with what is told of it by events"})
    updated_at = UtcTime()


class DeliveryPage(Page):
    data = fields.List(fields.Nested(DeliveryOut))


def blueprint(context: Notifications) -> Blueprint:
    routes = Blueprint("deliveries", __name__, url_prefix="/v1/deliveries")

    @routes.get("")
    @requires("notifications:read", "notifications:write")
    @routes.arguments(DeliveryQuery, location="query")
    @routes.response(200, DeliveryPage)
    def index(query: dict[str, Any]) -> dict[str, Any]:
        """Newest first. What was skipped was never sent: it is listed where `status=skipped` asks for it, its reason as `error`."""
        limit = query["limit"]
        after = decode_cursor(query["cursor"], 1)[0] if query["cursor"] else None
        rows = list_deliveries(
            context,
            caller().account_id,
            session_id=query["session_id"],
            statuses=query["status"],
            kind=query["kind"],
            channel=query["channel"],
            text=query["q"],
            updated_since=query["updated_since"],
            after=after and str(after),
            limit=limit + 1,
        )
        more = len(rows) > limit
        rows = rows[:limit]
        return {"data": rows, "next_cursor": encode_cursor([rows[-1].id]) if more else None}

    @routes.get("/export")
    @requires("notifications:read", "notifications:write")
    @routes.arguments(ExportQuery, location="query")
    @routes.response(200, {"type": "string"}, content_type="text/csv")
    def export(query: dict[str, Any]) -> Response:
        """The same as CSV."""
        account_id = caller().account_id
        return Response(_csv(context, account_id, query), mimetype="text/csv")

    @routes.get("/<delivery_id>")
    @requires("notifications:read", "notifications:write")
    @routes.response(200, DeliveryOut)
    def show(delivery_id: str) -> Any:
        """One delivery."""
        return get_delivery(context, caller().account_id, delivery_id)

    @routes.post("/<delivery_id>/resend")
    @requires("notifications:write")
    @routes.arguments(Nothing, required=False)
    @once(context.store)
    @routes.response(201, DeliveryOut)
    def send_again(body: dict[str, Any], delivery_id: str) -> Any:
        """Send it again as a delivery of its own, rendered anew."""
        return resend(context, caller().account_id, delivery_id, if_match())

    return routes


def _csv(context: Notifications, account_id: str, query: dict[str, Any]) -> Iterator[str]:
    yield line(_COLUMNS)
    after = None
    schema = DeliveryOut()
    while True:
        rows = list_deliveries(
            context,
            account_id,
            session_id=query["session_id"],
            statuses=query["status"],
            kind=query["kind"],
            channel=query["channel"],
            text=query["q"],
            updated_since=query["updated_since"],
            after=after,
            limit=_EXPORTED_AT_ONCE,
        )
        for row in rows:
            shown = schema.dump(row)
            yield line([harmless(shown[column], phone=True) for column in _COLUMNS])
        if len(rows) < _EXPORTED_AT_ONCE:
            return
        after = rows[-1].id
