"""`/v1/accounts/{id}` for the platform, `/v1/account` for the provider."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from chassis.problems import Invalid
from chassis.web import Blueprint, Body, caller, if_match, requires
from contracts.fields import Currency
from contracts.plans import Plan
from scheduling.api.values import Versioned, email, name, timezone, whole
from scheduling.domain.booking import AutoConfirm
from scheduling.domain.regions import is_country
from scheduling.operations import accounts
from scheduling.operations.context import Scheduling

_ACCOUNT_ID = re.compile(r"acc_[A-Za-z0-9_]{1,60}")
_YEAR_HOURS = 24 * 366


def _country(value: str) -> None:
    if not is_country(value):
        raise ValidationError("Not an ISO 3166-1 country code.")


class BookingIn(Body):
    enabled = fields.Boolean(truthy={True}, falsy={False})
    auto_confirm = fields.String(validate=validate.OneOf([mode.value for mode in AutoConfirm]))
    confirm_timeout_hours = whole(1, _YEAR_HOURS)
    min_notice_hours = whole(0, _YEAR_HOURS)
    max_advance_days = whole(1, 3660)
    client_cancellation = fields.Boolean(truthy={True}, falsy={False})
    cancel_cutoff_hours = whole(0, _YEAR_HOURS)
    reschedule_cutoff_hours = whole(0, _YEAR_HOURS)
    slot_interval_minutes = whole(1, 1440)


class AccountPatch(Body):
    name = name()
    email = email()
    username = fields.String(
        validate=validate.Regexp(
            r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z", error="Letters, digits, . _ and - within, 63 at most."
        )
    )
    timezone = timezone()
    currency = Currency()
    locale = fields.String(
        validate=validate.Regexp(r"[a-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}\Z", error="Not a language tag.")
    )
    country = fields.String(validate=_country)


class OwnAccount(AccountPatch):
    booking = fields.Nested(BookingIn)


class ProvisionedAccount(AccountPatch):
    """A new account needs all but plan (free), locale (en) and country (the timezone's); later what is left out stays."""

    plan = fields.String(validate=validate.OneOf([plan.value for plan in Plan]))
    country = fields.String(validate=_country, allow_none=True)


class BookingOut(Schema):
    enabled = fields.Boolean()
    auto_confirm = fields.String()
    confirm_timeout_hours = fields.Integer()
    min_notice_hours = fields.Integer()
    max_advance_days = fields.Integer()
    client_cancellation = fields.Boolean()
    cancel_cutoff_hours = fields.Integer()
    reschedule_cutoff_hours = fields.Integer()
    slot_interval_minutes = fields.Integer()


class AccountOut(Versioned):
    name = fields.String()
    email = fields.String()
    username = fields.String()
    plan = fields.String()
    timezone = fields.String()
    currency = fields.String()
    locale = fields.String()
    country = fields.String()
    booking = fields.Nested(BookingOut)


def provisioning(context: Scheduling) -> Blueprint:
    """The platform's door."""
    routes = Blueprint("accounts", __name__, url_prefix="/v1/accounts", description="Provisioning, by the platform")

    @routes.put("/<account_id>")
    @requires("ops")
    @routes.arguments(ProvisionedAccount)
    @routes.response(200, AccountOut)
    @routes.alt_response(201, schema=AccountOut)
    def provision(body: dict[str, Any], account_id: str) -> tuple[dict[str, Any], int]:
        if not _ACCOUNT_ID.fullmatch(account_id):
            raise Invalid.field("/id", "acc_ and up to 60 letters, digits or _.")
        account, new = accounts.provision(context, account_id, body, if_match())
        return account, 201 if new else 200

    return routes


def blueprint(context: Scheduling) -> Blueprint:
    """The provider's own account."""
    routes = Blueprint("account", __name__, url_prefix="/v1/account", description="The caller's own account")

    @routes.get("")
    @requires("sessions:read")
    @routes.response(200, AccountOut)
    def show() -> dict[str, Any]:
        return accounts.show(context, caller().account_id)

    @routes.patch("")
    @requires("sessions:write")
    @routes.arguments(OwnAccount(partial=True))
    @routes.response(200, AccountOut)
    def amend(body: dict[str, Any]) -> dict[str, Any]:
        return accounts.amend(context, caller().account_id, body, if_match())

    return routes
