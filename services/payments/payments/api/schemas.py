"""The forms of what callers send and get; amounts are integers in minor units."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from chassis.web import Body, Page, PageQuery, Query
from contracts.fields import Currency, UtcTime, minor_units
from contracts.sessions import DepositStatus

_LARGEST = 99_999_999_999


class DayOrTime(fields.Field[date | datetime]):
    """A day (`2026-11-01`), or a moment with its offset."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date | datetime:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            try:
                day = date.fromisoformat(value)
            except ValueError as error:
                raise ValidationError("Not a day.") from error
            # East of Greenwich it begins before there are any moments.
            if day == date.min:
                raise ValidationError("Not a day.")
            return day
        moment: datetime = UtcTime().deserialize(value)
        return moment


def _percentage(**kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=0, max=100), **kwargs)


def _amount(**kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=1, max=_LARGEST), **kwargs)


class TierBody(Body):
    hours_before = fields.Integer(required=True, strict=True, validate=validate.Range(min=0, max=8760))
    percentage = _percentage(required=True)


class SettingsBody(Body):
    """One percentage or tiers; what is left out goes back to its default."""

    refund_percentage = _percentage(load_default=None, allow_none=True)
    refund_tiers = fields.List(
        fields.Nested(TierBody), load_default=None, allow_none=True, validate=validate.Length(max=20)
    )
    provider_cancellation_percentage = _percentage(load_default=None, allow_none=True)
    deposit_due_hours = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=1, max=8760)
    )


class SimulationBody(SettingsBody):
    amount = _amount(required=True)


class TierOut(Schema):
    hours_before = fields.Integer()
    percentage = fields.Integer()


class SettingsOut(Schema):
    version = fields.Integer()
    refund_percentage = fields.Integer(allow_none=True)
    refund_tiers = fields.List(fields.Nested(TierOut), allow_none=True)
    provider_cancellation_percentage = fields.Integer(allow_none=True)
    deposit_due_hours = fields.Integer()


class SimulatedOut(Schema):
    hours_before = fields.Integer()
    percentage = fields.Integer()
    amount = fields.Integer()
    provider_percentage = fields.Integer()
    provider_amount = fields.Integer()


class SimulationOut(Schema):
    amount = fields.Integer()
    currency = fields.String()
    data = fields.List(fields.Nested(SimulatedOut))


class ConnectBody(Body):
    country = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"^[A-Z]{2}$", error="Two capital letters (ISO 3166-1)."),
    )


class RequirementsOut(Schema):
    currently_due = fields.List(fields.String())
    disabled_reason = fields.String(allow_none=True)


class ConnectOut(Schema):
    status = fields.String()
    charges_enabled = fields.Boolean()
    payouts_enabled = fields.Boolean()
    requirements = fields.Nested(RequirementsOut)
    capabilities = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "what the account may do, as Stripe names it: active, pending or inactive"},
    )
    country = fields.String(allow_none=True)
    dashboard = fields.String(allow_none=True)
    stripe_account_id = fields.String(allow_none=True)
    version = fields.Integer()


class OnboardingOut(ConnectOut):
    onboarding_url = fields.String()


class RefundOut(Schema):
    id = fields.String()
    version = fields.Integer()
    deposit_id = fields.String()
    session_id = fields.String()
    cancellation_id = fields.String(allow_none=True)
    status = fields.String()
    pending_reason = fields.String(allow_none=True)
    amount = fields.Integer()
    currency = fields.String()
    percentage = fields.Integer(allow_none=True)
    reason = fields.String(allow_none=True)
    stripe_refund_id = fields.String(allow_none=True)
    stripe_refund_ids = fields.List(fields.String())
    failure = fields.String(allow_none=True)
    created_at = UtcTime()
    updated_at = UtcTime()


class DepositOut(Schema):
    id = fields.String()
    account_id = fields.String()
    version = fields.Integer()
    session_id = fields.String()
    client_id = fields.String()
    status = fields.String()
    reason = fields.String(allow_none=True)
    amount = minor_units()
    held_amount = minor_units()
    due_amount = minor_units()
    refunded_amount = minor_units()
    currency = Currency()
    payment_url = fields.String(allow_none=True)
    pay_by = UtcTime(
        allow_none=True,
        metadata={"description": "when an online booking is released if this is unpaid; null where it will not be"},
    )
    refunds = fields.List(fields.Nested(RefundOut))
    created_at = UtcTime()
    updated_at = UtcTime()


class DepositPage(Page):
    data = fields.List(fields.Nested(DepositOut))


class DepositsQuery(PageQuery):
    session_id = fields.String(load_default=None)
    status = fields.String(load_default="", metadata={"description": "comma-separated"})

    @validates_schema
    def known_statuses(self, data: dict[str, Any], **_: Any) -> None:
        unknown = set(filter(None, data["status"].split(","))) - {status.value for status in DepositStatus}
        if unknown:
            raise ValidationError(f"Unknown: {', '.join(sorted(unknown))}.", "status")


class NewRefund(Body):
    percentage = fields.Integer(load_default=None, strict=True, validate=validate.Range(min=1, max=100))
    amount = _amount(load_default=None)
    reason = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=500))

    @validates_schema
    def one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if (data["percentage"] is None) == (data["amount"] is None):
            raise ValidationError("Give percentage or amount, one of both.", "amount")


class MarkPaid(Body):
    amount = _amount(load_default=None, allow_none=True)


class QuoteQuery(Query):
    at = UtcTime(load_default=None)
    by = fields.String(load_default="provider", validate=validate.OneOf(["provider", "client"]))


class ChangeOut(Schema):
    at = UtcTime()
    percentage = fields.Integer()
    amount = fields.Integer()


class QuoteOut(Schema):
    quote_id = fields.String(allow_none=True)
    expires_at = UtcTime(allow_none=True)
    session_id = fields.String()
    deposit_id = fields.String()
    at = UtcTime()
    percentage = fields.Integer()
    amount = fields.Integer()
    currency = fields.String()
    tier = fields.Nested(TierOut, allow_none=True)
    changes = fields.List(fields.Nested(ChangeOut))


class StatementQuery(Query):
    """A period, half-open: moments, or days, which begin at midnight in the account's timezone."""

    from_ = DayOrTime(data_key="from", load_default=None)
    to = DayOrTime(load_default=None)


class DifferencesQuery(Query):
    settled = fields.Boolean(load_default=False)
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))
    cursor = fields.String(load_default=None)


class DifferenceOut(Schema):
    id = fields.String()
    account_id = fields.String(allow_none=True)
    kind = fields.String()
    what_to_do = fields.String()
    stripe_account = fields.String(allow_none=True)
    payment_intent = fields.String(allow_none=True)
    deposit_id = fields.String(allow_none=True)
    subject = fields.String(metadata={"description": "the object at Stripe, or ours where Stripe has none"})
    ours = fields.String(allow_none=True)
    theirs = fields.String(allow_none=True)
    repaired = fields.Boolean()
    first_seen_at = UtcTime()
    last_seen_at = UtcTime()
    settled_at = UtcTime(allow_none=True)


class DifferencePage(Page):
    data = fields.List(fields.Nested(DifferenceOut))
