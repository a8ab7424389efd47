"""Calendars: where sessions lie, each with its own working hours."""

from __future__ import annotations

from typing import Any

from chassis.ids import new_id
from chassis.problems import Conflict, Invalid
from scheduling.domain.hours import BadHours, WorkingHours
from scheduling.operations import feeds
from scheduling.operations.context import Scheduling, reading, unit_of_work
from scheduling.operations.finding import the_account, the_calendar
from scheduling.operations.lists import Page, page_of
from scheduling.store.models import Account, Calendar, draw_token

_PLAIN = ("name", "color", "working_hours", "overrides")


@unit_of_work
def create(context: Scheduling, account_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Make a calendar.

    Raises:
        Invalid: hours that overlap or end before they start.
        Conflict: `plan_limit_reached`.
    """
    # The account's lock makes the count of its calendars, and which one is the default, one caller's business at a time.
    account = the_account(account_id, locked=True)
    limit = account.terms.calendars
    if limit is not None and _in_use(account).count() >= limit:
        raise Conflict(
            f"The plan {account.plan} includes {limit} calendar{'s' if limit > 1 else ''}.", code="plan_limit_reached"
        )
    now = context.clock.now()
    calendar = Calendar(
        id=new_id("cal"),
        account_id=account_id,
        version=1,
        **{name: body[name] for name in _PLAIN},
        is_default=body["is_default"],
        created_at=now,
        updated_at=now,
    )
    _check_hours(calendar)
    if calendar.is_default:
        _no_other_default(context, account, calendar.id)
    calendar.save(force_insert=True)
    return view(context, calendar)


@unit_of_work
def amend(
    context: Scheduling, account_id: str, calendar_id: str, body: dict[str, Any], expected: int | None
) -> dict[str, Any]:
    """Change a calendar; sessions that lie outside its new hours stay. Making it the default takes that from the other.

    Raises:
        Invalid: hours as in `create`, or an account left without a default.
        Stale: its version is not the expected one.
    """
    account = the_account(account_id, locked="is_default" in body)
    calendar = the_calendar(account, calendar_id, expected, locked=True)
    before = view(context, calendar)
    for name in _PLAIN:
        if name in body:
            setattr(calendar, name, body[name])
    _check_hours(calendar)
    if body.get("is_default", calendar.is_default) != calendar.is_default:
        if calendar.is_default:
            raise Invalid.field("/is_default", "Make another calendar the default instead.")
        _no_other_default(context, account, calendar.id)
        calendar.is_default = True
    if view(context, calendar) != before:
        _save(context, calendar)
    return view(context, calendar)


@unit_of_work
def retire(context: Scheduling, account_id: str, calendar_id: str, expected: int | None) -> None:
    """Use the calendar no more; its sessions stay.

    Raises:
        Conflict: it is the default one.
    """
    account = the_account(account_id, locked=True)
    calendar = the_calendar(account, calendar_id, expected, locked=True)
    if calendar.is_default:
        raise Conflict("This is the default calendar: make another one the default first.", code="invalid_transition")
    calendar.retired_at = context.clock.now()
    _save(context, calendar)


@unit_of_work
def renew_feed(context: Scheduling, account_id: str, calendar_id: str, expected: int | None) -> dict[str, Any]:
    """Give the calendar's feed a new link; the old one leads nowhere from now on.

    Raises:
        NotFound, Stale: as always.
    """
    calendar = the_calendar(the_account(account_id), calendar_id, expected, locked=True)
    calendar.feed_token = draw_token()
    _save(context, calendar)
    return view(context, calendar)


@reading
def show(context: Scheduling, account_id: str, calendar_id: str) -> dict[str, Any]:
    """One calendar."""
    return view(context, the_calendar(the_account(account_id), calendar_id))


@reading
def listing(context: Scheduling, account_id: str, page: Page) -> tuple[list[dict[str, Any]], list[str] | None]:
    """The calendars in use, in the order they were made."""
    rows, following = page_of(_in_use(the_account(account_id)), Calendar, page)
    return [view(context, row) for row in rows], following


def view(context: Scheduling, calendar: Calendar) -> dict[str, Any]:
    return {
        "id": calendar.id,
        "account_id": calendar.account_id,
        **{name: getattr(calendar, name) for name in _PLAIN},
        "is_default": calendar.is_default,
        "feed_url": feeds.link(context, calendar),
        "version": calendar.version,
        "created_at": calendar.created_at,
        "updated_at": calendar.updated_at,
    }


def _in_use(account: Account) -> Any:
    return Calendar.select().where(Calendar.account_id == account.id, Calendar.retired_at.is_null())


def _check_hours(calendar: Calendar) -> None:
    try:
        WorkingHours.read(calendar.working_hours, calendar.overrides)
    except BadHours as bad:
        raise Invalid.field(bad.path, str(bad)) from None


def _no_other_default(context: Scheduling, account: Account, calendar_id: str) -> None:
    other = Calendar.get_or_none(Calendar.account_id == account.id, Calendar.is_default, Calendar.id != calendar_id)
    if other is not None:
        other.is_default = False
        _save(context, other)


def _save(context: Scheduling, calendar: Calendar) -> None:
    calendar.version += 1
    calendar.updated_at = context.clock.now()
    calendar.save()
