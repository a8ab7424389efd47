"""The rows that operations begin with, found by account, so that another account's id is simply not there."""

from __future__ import annotations

from typing import TypeVar

import peewee

from chassis import rows
from chassis.problems import Invalid, NotFound, Stale, Unavailable
from scheduling.store.models import Account, BlockedTime, Calendar, Client, Series, Session, SessionType

M = TypeVar("M", bound=peewee.Model)
_LONGEST_CHAIN = 20


def the_account(account_id: str, *, locked: bool = False) -> Account:
    """The caller's account.

    Raises:
        Unavailable: it was not provisioned yet.
    """
    account = rows.first(Account, lock=locked, id=account_id)
    if account is None:
        raise Unavailable("this account has not been provisioned yet")
    return account


def the_session(account: Account, session_id: str, expected: int | None = None, *, locked: bool = True) -> Session:
    """A session of the account; `locked` keeps others from changing it until the unit of work ends.

    Raises:
        NotFound: the account has none of this id.
        Stale: its version is not the `expected` one.
    """
    return fresh(rows.first(Session, lock=locked, id=session_id, account_id=account.id), expected)


def the_type(account: Account, service_id: str, expected: int | None = None, *, locked: bool = False) -> SessionType:
    """A session type of the account, a retired one too. Raises as `the_session`."""
    return fresh(rows.first(SessionType, lock=locked, id=service_id, account_id=account.id), expected)


def the_calendar(account: Account, calendar_id: str, expected: int | None = None, *, locked: bool = False) -> Calendar:
    """A calendar of the account that is in use. Raises as `the_session`."""
    return fresh(rows.first(Calendar, lock=locked, id=calendar_id, account_id=account.id, retired_at=None), expected)


def the_event(account: Account, event_id: str, expected: int | None = None, *, locked: bool = True) -> BlockedTime:
    """An event of the account that was not removed. Raises as `the_session`."""
    return fresh(rows.first(BlockedTime, lock=locked, id=event_id, account_id=account.id, retired_at=None), expected)


def the_series(account: Account, series_id: str, expected: int | None = None, *, locked: bool = True) -> Series:
    """A series of the account that was not removed. Raises as `the_session`."""
    return fresh(rows.first(Series, lock=locked, id=series_id, account_id=account.id, retired_at=None), expected)


def offered_type(account: Account, service_id: str) -> SessionType:
    """The session type that a body names.

    Raises:
        Invalid: the account offers none of this id.
    """
    found = rows.first(SessionType, id=service_id, account_id=account.id, retired_at=None)
    if found is None:
        raise Invalid.field("/service_id", "There is no session type of this id.")
    if not found.active:
        raise Invalid.field("/service_id", "This session type is not active.")
    return found


def calendar_for(account: Account, session_type: SessionType, calendar_id: str | None) -> Calendar:
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
    if calendar_id is None:
        in_use = rows.every(Calendar, account_id=account.id, retired_at=None)
        in_use.sort(key=lambda calendar: (not calendar.is_default, calendar.id))
        return [calendar for calendar in in_use if session_type.offered_on(calendar.id)]
    named = rows.first(Calendar, id=calendar_id, account_id=account.id, retired_at=None)
    if named is None:
        raise Invalid.field("/calendar_id", "There is no calendar of this id.")
    if not session_type.offered_on(named.id):
        raise Invalid.field("/calendar_id", "This calendar does not offer the session type.")
    return [named]


def known_client(account: Account, client_id: str) -> Client | None:
    """The client that answers for `client_id`, as far as the replica knows; None also for a deleted one.

    They stay who they are until the unit of work ends: whoever moves the sessions of one who is merged, or forgets them, waits for what is
    being booked, and finds it.
    """
    client = rows.first(Client, share=True, id=client_id, account_id=account.id)
    for _ in range(_LONGEST_CHAIN):
        if client is None or client.merged_into is None:
            break
        client = rows.first(Client, share=True, id=client.merged_into, account_id=account.id)
    return None if client is None or client.deleted or client.erased or client.merged_into else client


def answering(account_id: str, client_id: str) -> str:
    """The id of who answers for this one since it was merged, and that one perhaps again."""
    seen = {client_id}
    while True:
        client = rows.first(Client, id=client_id, account_id=account_id)
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
