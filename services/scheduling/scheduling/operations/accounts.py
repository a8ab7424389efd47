"""Accounts: provisioned by the platform, and shaped by their provider."""

from __future__ import annotations

from typing import Any

import peewee

from chassis.ids import new_id
from chassis.problems import Conflict, Invalid
from contracts.plans import Feature, includes
from scheduling.domain.booking import AutoConfirm, BookingRules
from scheduling.domain.hours import DEFAULT_HOURS
from scheduling.domain.regions import UnknownTimezone, country_of, zone
from scheduling.operations.context import Scheduling, reading, unit_of_work
from scheduling.operations.finding import fresh, the_account
from scheduling.store.models import Account, Calendar

_PROVISIONED = ("name", "email", "username", "plan", "timezone", "currency", "locale", "country")
_NEEDED = ("name", "email", "username", "timezone", "currency")
_DEFAULTS = {"plan": "free", "locale": "en"}
_CALENDAR_COLOR = "#2f6fed"


@unit_of_work
def provision(
    context: Scheduling, account_id: str, body: dict[str, Any], expected: int | None
) -> tuple[dict[str, Any], bool]:
    """Make the account, with its default calendar, or bring it up to date; what is left out keeps its value.

    Returns the account and whether it is new.

    Raises:
        Invalid: a new account lacks a field, or has a timezone whose country has to be said.
        Conflict: `duplicate`, another account has this username.
        Stale: its version is not the expected one.
    """
    query = Account.select().where(Account.id == account_id)
    account = (query.for_update() if context.store.on_postgresql else query).first()
    if account is not None or expected is not None:
        return _changed(context, fresh(account, expected), body), False
    missing = [name for name in _NEEDED if name not in body]
    if missing:
        raise Invalid(errors=[{"pointer": f"/{name}", "detail": "A new account needs this."} for name in missing])
    now = context.clock.now()
    account = Account(
        id=account_id,
        version=1,
        **(_DEFAULTS | body | {"country": _country(body.get("country"), body["timezone"])}),
        booking=BookingRules().as_data(),
        created_at=now,
        updated_at=now,
    )
    _save(account, new=True)
    Calendar.insert(
        id=new_id("cal"),
        account_id=account_id,
        version=1,
        name=account.name,
        color=_CALENDAR_COLOR,
        working_hours=DEFAULT_HOURS,
        overrides=[],
        is_default=True,
        created_at=now,
        updated_at=now,
    ).execute()
    _publish(context, account, "account.created")
    return view(account), True


@unit_of_work
def amend(context: Scheduling, account_id: str, body: dict[str, Any], expected: int | None) -> dict[str, Any]:
    """Change what the provider may change of the own account.

    Raises:
        Conflict: `plan_required` for online booking below pro, `duplicate` for a username that is taken.
        Stale: its version is not the expected one.
    """
    account = fresh(the_account(account_id, locked=True), expected)
    return _changed(context, account, body)


@reading
def show(context: Scheduling, account_id: str) -> dict[str, Any]:
    """The caller's account."""
    return view(the_account(account_id))


def view(account: Account) -> dict[str, Any]:
    return {
        **event_data(account),
        "booking": account.rules.as_data(),
        "created_at": account.created_at,
        "updated_at": account.updated_at,
    }


def _changed(context: Scheduling, account: Account, body: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: body[name] for name in _PROVISIONED if name in body and name != "country"}
    timezone = wanted.get("timezone", account.timezone)
    if "country" in body:
        wanted["country"] = _country(body["country"], timezone)
    elif account.country == country_of(account.timezone):
        # It was the timezone's, so it moves with it; one that somebody said stays.
        wanted["country"] = country_of(timezone) or account.country
    if "booking" in body:
        wanted["booking"] = _rules(account, body["booking"], wanted.get("plan", account.plan)).as_data()
    if all(getattr(account, name) == value for name, value in wanted.items()):
        return view(account)
    for name, value in wanted.items():
        setattr(account, name, value)
    account.version += 1
    account.updated_at = context.clock.now()
    _save(account, new=False)
    _publish(context, account, "account.updated")
    return view(account)


def _rules(account: Account, changes: dict[str, Any], plan: str) -> BookingRules:
    before = account.rules
    after = BookingRules.read(before.as_data() | changes)
    if after.enabled and not before.enabled and not includes(plan, Feature.ONLINE_BOOKING):
        raise Conflict("Online booking is part of the plans pro and max.", code="plan_required")
    confirms = after.auto_confirm is not before.auto_confirm and after.auto_confirm is not AutoConfirm.MANUAL
    if confirms and not includes(plan, Feature.AUTO_CONFIRMATION):
        raise Conflict("Auto-confirmation is part of the plans pro and max.", code="plan_required")
    return after


def _country(given: str | None, timezone: str) -> str:
    try:
        zone(timezone)
    except UnknownTimezone as error:
        raise Invalid.field("/timezone", str(error)) from None
    country = given or country_of(timezone)
    if country is None:
        raise Invalid.field("/country", f"{timezone} lies in no country: say which one.")
    return country


def _save(account: Account, *, new: bool) -> None:
    taken = Account.select(Account.id).where(
        peewee.fn.lower(Account.username) == account.username.lower(), Account.id != account.id
    )
    duplicate = Conflict("Another account has this username.", code="duplicate")
    if taken.exists():
        raise duplicate
    try:
        account.save(force_insert=new)
    except peewee.IntegrityError as error:
        if "accounts_username" in str(error) or "lower" in str(error):
            raise duplicate from None
        raise


def _publish(context: Scheduling, account: Account, event: str) -> None:
    context.outbox.publish(
        event,
        subject=account.id,
        account_id=account.id,
        sequence=account.version,
        data=event_data(account),
        occurred_at=account.updated_at,
    )


def event_data(account: Account) -> dict[str, Any]:
    """The account as its events tell it."""
    return {"id": account.id, "account_id": account.id, "version": account.version} | {
        name: getattr(account, name) for name in _PROVISIONED
    }
