"""What clients may book: the provider's open page, the types on it, and the starts that its rules let them have."""

from __future__ import annotations

from datetime import datetime

import peewee

from chassis.problems import Conflict, Invalid, NotFound
from contracts.plans import Feature, includes
from scheduling.domain.slots import grid
from scheduling.domain.spans import MINUTE, micros
from scheduling.domain.wall import local_date, stretches
from scheduling.operations.context import Scheduling
from scheduling.operations.finding import offered_type
from scheduling.store.models import Account, SessionType


def open_page(username: str) -> Account:
    """The account whose booking page this is.

    Raises:
        NotFound: there is none, it is switched off, or its plan does not include it any more.
    """
    account: Account | None = Account.get_or_none(peewee.fn.lower(Account.username) == username.lower())
    if account is None or not account.rules.enabled or not includes(account.plan, Feature.ONLINE_BOOKING):
        raise NotFound("There is no booking page of this name.")
    return account


def online_type(context: Scheduling, account: Account, service_id: str) -> SessionType:
    """A session type that clients may book.

    Raises:
        Invalid: the page offers none of this id.
    """
    session_type = offered_type(account, service_id)
    if not session_type.online:
        raise Invalid.field("/service_id", "There is no session type of this id.")
    return session_type


def online_types(account: Account) -> list[SessionType]:
    """All that the page offers, the oldest first."""
    return list(
        SessionType.select()
        .where(
            SessionType.account_id == account.id,
            SessionType.online,
            SessionType.active,
            SessionType.retired_at.is_null(),
        )
        .order_by(SessionType.id)
    )


def check_offered(context: Scheduling, account: Account, starts_at: datetime) -> None:
    """Whether the provider's rules let a client have this start, free or not: notice, advance, and the grid of slots.

    Raises:
        Conflict: `slot_unavailable`.
    """
    rules, now, start = account.rules, context.clock.now(), micros(starts_at)
    if starts_at < rules.earliest(now):
        raise Conflict(f"This has to be booked at least {rules.min_notice_hours} hours ahead.", code="slot_unavailable")
    if starts_at > rules.latest(now):
        raise Conflict(f"This can be booked at most {rules.max_advance_days} days ahead.", code="slot_unavailable")
    day = local_date(starts_at, account.zone)
    marks = stretches(day, day, account.zone)
    if not any(grid([(start, start + 1)], marks, rules.slot_interval_minutes * MINUTE)):
        raise Conflict("No slot begins at this time.", code="slot_unavailable")
