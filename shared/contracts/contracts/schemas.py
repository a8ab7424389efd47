"""The data of every event: the whole public state of its subject, and nothing private.

What is absent here cannot leave its service: `session_notes`, a client's private notes, birth date and address.
Outgoing data is checked strictly; incoming data drops what it does not know, so that old consumers live with new producers.
A field that is added later must be optional (`load_default`); anything else is a new version of the event.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from contracts.fields import Currency, Flag, UtcTime, Whole, minor_units
from contracts.plans import Plan
from contracts.sessions import DepositStatus, RefundDecision, RefundStatus, SessionStatus

_PERCENT = validate.Range(min=0, max=100)


def _one_of(values: Any) -> validate.OneOf:
    return validate.OneOf([str(value) for value in values])


def _text(**kwargs: Any) -> fields.String:
    kwargs.setdefault("required", True)
    return fields.String(**kwargs)


def _id() -> fields.String:
    return _text(validate=validate.Length(min=1))


def _maybe(field: type[fields.Field[Any]] = fields.String, **kwargs: Any) -> fields.Field[Any]:
    return field(required=True, allow_none=True, **kwargs)


class MoneyData(Schema):
    amount = minor_units(required=True)
    currency = Currency(required=True)


class Subject(Schema):
    """What the data of every subject begins with."""

    id = _id()
    account_id = _id()
    version = Whole(required=True, validate=validate.Range(min=1))


class AccountData(Subject):
    name = _text()
    email = _text()
    username = _text()
    plan = _text(validate=_one_of(Plan))
    timezone = _text()
    currency = Currency(required=True)
    locale = _text()
    country = _text()


class DepositTermsData(Schema):
    """A session type's deposit: `fixed` has an amount, `percent` a percentage of the price."""

    type = _text(validate=validate.OneOf(["fixed", "percent"]))
    amount = minor_units(load_default=None, allow_none=True)
    percent = Whole(load_default=None, allow_none=True, validate=validate.Range(min=1, max=100))


class ServiceData(Subject):
    name = _text()
    description = _text()
    duration_minutes = Whole(required=True, validate=validate.Range(min=1))
    buffer_before_minutes = Whole(required=True, validate=validate.Range(min=0))
    buffer_after_minutes = Whole(required=True, validate=validate.Range(min=0))
    price = _maybe(fields.Nested, nested=MoneyData)
    deposit = _maybe(fields.Nested, nested=DepositTermsData)
    color = _text()
    online = Flag(required=True)
    active = Flag(required=True)


class ContactData(Schema):
    email = Flag(required=True)
    sms = Flag(required=True)


class ClientData(Subject):
    name = _text()
    email = _maybe()
    phone = _maybe()
    locale = _maybe()
    timezone = _maybe()
    contact = fields.Nested(ContactData, required=True)
    deleted = Flag(required=True)
    merged_into = _maybe(metadata={"description": "the id that answers for this one since a merge"})
    created_at = UtcTime(load_default=None, allow_none=True)


class QuoteData(Schema):
    """What a quote promised: a cancellation that carries it refunds exactly this."""

    id = _id()
    percentage = Whole(required=True, validate=_PERCENT)
    amount = minor_units(required=True)


class CancellationData(Schema):
    """One cancellation of a session; a session that was restored and cancelled again has several."""

    id = _id()
    at = UtcTime(required=True)
    by = _text(validate=validate.OneOf(["provider", "client", "system"]))
    reason = _maybe()
    starts_at = UtcTime(
        required=True,
        metadata={"description": "the start that stood when it was cancelled: a refund is measured by it"},
    )
    refund = _maybe(validate=_one_of(RefundDecision), metadata={"description": "null while nobody has decided"})
    quote = _maybe(fields.Nested, nested=QuoteData)
    restored_at = _maybe(UtcTime)


class SessionDepositData(Schema):
    """The deposit as the session knows it: the terms that scheduling decided, and what payments said last."""

    id = _maybe()
    status = _text(validate=_one_of(DepositStatus))
    reason = _maybe()
    amount = minor_units(required=True)
    held_amount = minor_units(required=True)
    due_amount = minor_units(required=True)
    refunded_amount = minor_units(required=True)
    currency = Currency(required=True)


class BatchData(Schema):
    """One act that changed several sessions of a series at once: whoever is told of it is told once."""

    id = _id()
    size = Whole(
        required=True,
        validate=validate.Range(min=1),
        metadata={"description": "how many sessions it changed, each with one event that carries this"},
    )


class SessionData(Subject):
    client_id = _id()
    service_id = _id()
    service_name = _text()
    calendar_id = _id()
    starts_at = UtcTime(required=True)
    ends_at = UtcTime(required=True)
    duration_minutes = Whole(required=True, validate=validate.Range(min=1))
    timezone = _text()
    status = _text(validate=_one_of(SessionStatus))
    notes = _text(metadata={"description": "what the client may see; private notes are never here"})
    client_message = _text()
    price = _maybe(fields.Nested, nested=MoneyData)
    deposit = _maybe(fields.Nested, nested=SessionDepositData)
    payment_url = _maybe(metadata={"description": "payments' stable link; null where no deposit is asked"})
    manage_url = _maybe(metadata={"description": "the client's own link for this session"})
    source = _text(validate=validate.OneOf(["manual", "online", "series"]))
    series_id = _maybe()
    auto_confirm_at = _maybe(UtcTime)
    changed_by = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(["provider", "client", "system"]),
        metadata={
            "description": "who made the change that this event tells; null where only the present state is told"
        },
    )
    batch = fields.Nested(
        BatchData,
        load_default=None,
        allow_none=True,
        metadata={"description": "the act that this event is part of; null where it changed this session alone"},
    )
    cancellations = fields.List(fields.Nested(CancellationData), required=True)
    created_at = UtcTime(required=True)
    updated_at = UtcTime(required=True)


class DepositData(Subject):
    session_id = _id()
    client_id = _id()
    status = _text(validate=_one_of(DepositStatus))
    reason = _maybe()
    amount = minor_units(required=True)
    held_amount = minor_units(required=True)
    due_amount = minor_units(required=True)
    refunded_amount = minor_units(required=True)
    currency = Currency(required=True)
    payment_url = _maybe()
    pay_by = UtcTime(
        load_default=None,
        allow_none=True,
        metadata={"description": "when an online booking whose deposit is unpaid is released; null where none will be"},
    )


class RefundData(Subject):
    deposit_id = _id()
    session_id = _id()
    client_id = _id()
    cancellation_id = _maybe()
    status = _text(validate=_one_of(RefundStatus))
    pending_reason = _maybe()
    amount = minor_units(required=True)
    currency = Currency(required=True)
    percentage = _maybe(Whole, validate=_PERCENT)
    reason = _maybe()
    failure = _maybe()
    deposit = fields.Nested(DepositData, required=True, metadata={"description": "the deposit as this refund left it"})


class NotificationData(Subject):
    """A delivery: ids only, never an address or a text."""

    kind = _text()
    channel = _text(validate=validate.OneOf(["email", "sms"]))
    session_id = _maybe()
    client_id = _maybe()
    status = _text()
    error = _maybe()


class ContactChangeData(Subject):
    """A client's wish, or an address that failed, learnt by notifications: `id` is the client's."""

    channel = _text(validate=validate.OneOf(["email", "sms"]))
    allowed = Flag(required=True)
    source = _text()
    at = UtcTime(required=True)


class ErasureRequestedData(Subject):
    """The client (`id`) asked to be forgotten; each service blanks what it holds and answers."""

    requested_at = UtcTime(required=True)


class ErasedData(Subject):
    """A service's answer: `id` is the client's, `blanked` counts by kind of record, `kept` says what stays and why."""

    service = _text()
    blanked = fields.Dict(keys=fields.String(), values=Whole(validate=validate.Range(min=0)), required=True)
    kept = fields.List(fields.Dict(keys=fields.String(), values=fields.String()), required=True)


class DeliveryDueData(Subject):
    """Work for a sender: the id of a delivery; what it says is looked up when it is sent."""

    channel = _text(validate=validate.OneOf(["email", "sms"]))
