"""The rows that operations begin with, found by account, so that another account's id is simply not there."""

from __future__ import annotations

from typing import TypeVar

import peewee

from chassis.problems import Invalid, NotFound, Stale, Unavailable
from scheduling.operations.context import Scheduling
from scheduling.store.models import Account, BlockedTime, Calendar, Client, Series, Session, SessionType

M = TypeVar("M", bound=peewee.Model)


def the_account(context: Scheduling, account_id: str, *, locked: bool = False) -> Account:
    """The caller's account.

    Raises:
        Unavailable: it was not provisioned yet.
    """
    account = _first(context, Account.select().where(Account.id == account_id), locked)
    if account is None:
        raise Unavailable("this account has not been provisioned yet")
    return account


def the_session(
    context: Scheduling, account: Account, session_id: str, expected: int | None = None, *, locked: bool = True
) -> Session:
    """A session of the account; `locked` keeps others from changing it until the unit of work ends.

    Raises:
        NotFound: the account has none of this id.
        Stale: its version is not the `expected` one.
    """
    query = Session.select().where(Session.id == session_id, Session.account_id == account.id)
    return fresh(_first(context, query, locked), expected)


def the_type(
    context: Scheduling, account: Account, service_id: str, expected: int | None = None, *, locked: bool = False
) -> SessionType:
    """A session type of the account, a retired one too. Raises as `the_session`."""
    query = SessionType.select().where(SessionType.id == service_id, SessionType.account_id == account.id)
    return fresh(_first(context, query, locked), expected)


def the_calendar(
    context: Scheduling, account: Account, calendar_id: str, expected: int | None = None, *, locked: bool = False
) -> Calendar:
    """A calendar of the account that is in use. Raises as `the_session`."""
    query = Calendar.select().where(
        Calendar.id == calendar_id, Calendar.account_id == account.id, Calendar.retired_at.is_null()
    )
    return fresh(_first(context, query, locked), expected)


def the_event(
    context: Scheduling, account: Account, event_id: str, expected: int | None = None, *, locked: bool = True
) -> BlockedTime:
    """An event of the account that was not removed. Raises as `the_session`."""
    query = BlockedTime.select().where(
        BlockedTime.id == event_id, BlockedTime.account_id == account.id, BlockedTime.retired_at.is_null()
    )
    return fresh(_first(context, query, locked), expected)


def the_series(
    context: Scheduling, account: Account, series_id: str, expected: int | None = None, *, locked: bool = True
) -> Series:
    """A series of the account that was not removed. Raises as `the_session`."""
    query = Series.select().where(Series.id == series_id, Series.account_id == account.id, Series.retired_at.is_null())
    return fresh(_first(context, query, locked), expected)


def offered_type(context: Scheduling, account: Account, service_id: str) -> SessionType:
    """The session type that a body names.

    Raises:
        Invalid: the account offers none of this id.
    """
    found = SessionType.get_or_none(
        SessionType.id == service_id, SessionType.account_id == account.id, SessionType.retired_at.is_null()
    )
    if found is None:
        raise Invalid.field("/service_id", "There is no session type of this id.")
    if not found.active:
        raise Invalid.field("/service_id", "This session type is not active.")
    return found


def calendar_for(context: Scheduling, account: Account, session_type: SessionType, calendar_id: str | None) -> Calendar:
    """The calendar that a body names for the type; without a name the default one, or the first that offers the type.

    Raises:
        Invalid: there is none of this id, or it does not offer the type.
    """
    offering = calendars_for(account, session_type, calendar_id)
    if not offering:
        raise Invalid.field("/calendar_id", "No calendar offers this session type any more.")
    return offering[0]


def calendars_for(account: Account, session_type: SessionType, calendar_id: str | None = None) -> list[Calendar]:
    """The calendars in use that offer the type, the default one first; or that one alone which is named. Raises as `calendar_for`."""
    calendars = list(
        Calendar.select()
        .where(Calendar.account_id == account.id, Calendar.retired_at.is_null())
        .order_by(Calendar.is_default.desc(), Calendar.id)
    )
    offering = [
        calendar for calendar in calendars if not session_type.calendar_ids or calendar.id in session_type.calendar_ids
    ]
    if calendar_id is None:
        return offering
    if all(calendar.id != calendar_id for calendar in calendars):
        raise Invalid.field("/calendar_id", "There is no calendar of this id.")
    named = [calendar for calendar in offering if calendar.id == calendar_id]
    if not named:
        raise Invalid.field("/calendar_id", "This calendar does not offer the session type.")
    return named


def known_client(account: Account, client_id: str) -> Client | None:
    """The client that answers for `client_id`, as far as the replica knows; None also for a deleted one."""
    client = Client.get_or_none(Client.id == client_id, Client.account_id == account.id)
    if client is not None and client.merged_into is not None:
        client = Client.get_or_none(Client.id == answering(account.id, client_id), Client.account_id == account.id)
    return None if client is None or client.deleted or client.erased else client


def answering(account_id: str, client_id: str) -> str:
    """The id of who answers for this one since it was merged, and that one perhaps again."""
    seen = {client_id}
    while True:
        client = Client.get_or_none(Client.id == client_id, Client.account_id == account_id)
        if client is None or client.merged_into is None or client.merged_into in seen:
            return client_id
        client_id = client.merged_into
        seen.add(client_id)


def fresh(row: M | None, expected: int | None) -> M:
    """The row itself.

    Raises:
        NotFound: there is none.
        Stale: the caller has seen another version of it.
    """
    if row is None:
        raise NotFound()
    if expected is not None and row.version != expected:  # type: ignore[attr-defined]
        raise Stale()
    return row


def _first(context: Scheduling, query: peewee.ModelSelect[M], locked: bool) -> M | None:
    if locked and context.store.on_postgresql:
        query = query.for_update()
    found: M | None = query.first()
    return found
