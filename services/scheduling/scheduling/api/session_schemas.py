"""What the sessions' routes take and show."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from webargs.fields import DelimitedList

from chassis.web import Body, Page, PageQuery
from contracts.fields import UtcTime
from contracts.sessions import RefundDecision, SessionStatus
from scheduling.api.values import MoneyIn, MoneyOut, Versioned, moment, name, scope, text, whole, yes
from scheduling.operations.look import SORTS

_FIRST_STATUSES = [SessionStatus.CONFIRMED, SessionStatus.PENDING, SessionStatus.COMPLETED, SessionStatus.NO_SHOW]


class OverrideFlags(Body):
    """To book over a conflict on purpose; a flag needs a reason."""

    allow_overlap = yes()
    allow_outside_hours = yes()
    override_reason = text(1000, allow_none=True)


class ClientOnTheSpot(Body):
    """What the clients service is asked to record."""

    name = name(required=True)
    email = text(254, allow_none=True)
    phone = text(50, allow_none=True)


class SessionFields(OverrideFlags):
    """What may be said of a session when it is made or changed."""

    service_id = text(100)
    starts_at = moment()
    duration_minutes = whole(1, 1440)
    calendar_id = text(100)
    notes = text(10_000, allow_none=True)
    session_notes = text(50_000, allow_none=True)
    price = fields.Nested(MoneyIn, allow_none=True)


class NewFields(SessionFields):
    client_id = text(100)
    client = fields.Nested(ClientOnTheSpot)
    status = fields.String(validate=validate.OneOf([status.value for status in _FIRST_STATUSES]))
    hold_id = text(100, allow_none=True)

    @validates_schema
    def one_client(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "client_id" in data and "client" in data:
            raise ValidationError("Give client_id or client, not both.", "client")


class NewSession(NewFields):
    service_id = text(100, required=True)
    starts_at = moment(required=True)

    @validates_schema
    def some_client(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "client_id" not in data and "client" not in data:
            raise ValidationError("Give client_id, or client to make one on the spot.", "client_id")


class SessionCopy(NewFields):
    starts_at = moment(required=True)


class SessionPatch(SessionFields):
    """A merge patch: what is left out stays; with a time it is a reschedule."""

    scope = scope()


class Reschedule(OverrideFlags):
    starts_at = moment(required=True)
    duration_minutes = whole(1, 1440)
    scope = scope()


class Cancel(Body):
    reason = text(1000, allow_none=True)
    refund = fields.String(validate=validate.OneOf([decision.value for decision in RefundDecision]), allow_none=True)
    refund_quote_id = text(2000, allow_none=True)
    scope = scope()


class SessionQuery(PageQuery):
    since = UtcTime(data_key="from", metadata={"description": "on the start, included"})
    until = UtcTime(data_key="to", metadata={"description": "on the start, excluded"})
    status = DelimitedList(fields.String(validate=validate.OneOf([status.value for status in SessionStatus])))
    client_id = fields.String()
    calendar_id = fields.String()
    service_id = fields.String()
    q = fields.String(metadata={"description": "the client's name, email or phone"})
    sort = fields.String(load_default="starts_at", validate=validate.OneOf(SORTS))


class ClientOut(Schema):
    name = fields.String()
    email = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)


class TypeOut(Schema):
    name = fields.String()
    color = fields.String()


class DepositOut(Schema):
    id = fields.String(allow_none=True)
    status = fields.String()
    reason = fields.String(allow_none=True)
    amount = fields.Integer()
    held_amount = fields.Integer()
    due_amount = fields.Integer()
    refunded_amount = fields.Integer()
    currency = fields.String()


class CancellationOut(Schema):
    id = fields.String()
    reason = fields.String(allow_none=True)
    by = fields.String()
    at = UtcTime()
    refund = fields.String(allow_none=True)


class SessionOut(Versioned):
    client_id = fields.String()
    client = fields.Nested(ClientOut)
    service_id = fields.String()
    service = fields.Nested(TypeOut)
    calendar_id = fields.String()
    starts_at = UtcTime()
    ends_at = UtcTime()
    duration_minutes = fields.Integer()
    timezone = fields.String()
    status = fields.String()
    notes = fields.String()
    session_notes = fields.String(allow_none=True, metadata={"description": "null without the scope sessions:notes"})
    client_message = fields.String()
    auto_confirm_at = UtcTime(allow_none=True)
    price = fields.Nested(MoneyOut, allow_none=True)
    deposit = fields.Nested(DepositOut, allow_none=True)
    payment_url = fields.String(allow_none=True)
    source = fields.String()
    series_id = fields.String(allow_none=True)
    cancellation = fields.Nested(CancellationOut, allow_none=True)


class SessionPage(Page):
    data = fields.List(fields.Nested(SessionOut))


class ChangeOut(Schema):
    at = UtcTime()
    actor = fields.String()
    action = fields.String()
    changes = fields.Dict(keys=fields.String(), values=fields.Raw())
    reason = fields.String(allow_none=True)


class HistoryOut(Schema):
    data = fields.List(fields.Nested(ChangeOut))
