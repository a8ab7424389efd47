"""`/v1/reminders`: the ledger."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from chassis.web import Blueprint, Page, PageQuery, caller, decode_cursor, encode_cursor, requires
from contracts.envelope import format_time, parse_time
from contracts.fields import UtcTime
from notifications.operations.context import Notifications
from notifications.operations.ledger import list_reminders


class ReminderQuery(PageQuery):
    session_id = fields.String(load_default=None)


class ReminderOut(Schema):
    id = fields.String()
    session_id = fields.String()
    client_id = fields.String()
    kind = fields.String()
    channel = fields.String()
    starts_at = UtcTime(metadata={"description": "the start of the session that it reminds of"})
    due_at = UtcTime()
    status = fields.String()
    reason = fields.String(allow_none=True)


class ReminderPage(Page):
    data = fields.List(fields.Nested(ReminderOut))


def blueprint(context: Notifications) -> Blueprint:
    routes = Blueprint("reminders", __name__, url_prefix="/v1/reminders")

    @routes.get("")
    @requires("notifications:read", "notifications:write")
    @routes.arguments(ReminderQuery, location="query")
    @routes.response(200, ReminderPage)
    def index(query: dict[str, Any]) -> dict[str, Any]:
        """What is planned, and for what was not sent, why."""
        limit = query["limit"]
        after = _position(query["cursor"])
        rows = list_reminders(
            context,
            caller().account_id,
            session_id=query["session_id"],
            updated_since=query["updated_since"],
            after=after,
            limit=limit + 1,
        )
        more = len(rows) > limit
        rows = rows[:limit]
        return {
            "data": rows,
            "next_cursor": encode_cursor([format_time(rows[-1].due_at), rows[-1].id]) if more else None,
        }

    return routes


def _position(cursor: str | None) -> tuple[Any, str] | None:
    if cursor is None:
        return None
    due_at, id_ = decode_cursor(cursor, 2)
    try:
        return parse_time(str(due_at)), str(id_)
    except ValueError:
        from chassis.problems import Invalid

        raise Invalid.field("/cursor", "Not a cursor of this list.") from None
