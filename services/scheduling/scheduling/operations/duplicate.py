"""Booking again what was booked before, at another time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scheduling.operations.book import book, meet_client
from scheduling.operations.context import Actor, Scheduling, reading, unit_of_work
from scheduling.operations.finding import the_account, the_session
from scheduling.operations.sessions import money_data
from scheduling.store.models import Session

_COPIED = ("client_id", "service_id", "calendar_id", "duration_minutes", "notes")


def meet_client_of_copy(
    context: Scheduling, account_id: str, session_id: str, body: Mapping[str, Any], key: str, expected: int | None
) -> dict[str, Any] | None:
    """Outside of any unit of work, as `book.meet_client`."""
    return meet_client(context, account_id, _body_of_copy(context, account_id, session_id, body, expected), key)


@unit_of_work
def duplicate(
    context: Scheduling,
    account_id: str,
    session_id: str,
    actor: Actor,
    body: Mapping[str, Any],
    prepared: Mapping[str, Any] | None,
    expected: int | None,
) -> dict[str, Any]:
    """A new session like this one, with what `body` changes: all is copied but private notes, status, deposit and series.

    Raises as `book.book`, `NotFound`, and `Stale` where this one's version is not the `expected` one.
    """
    original = the_session(the_account(account_id), session_id, expected, locked=False)
    copied = {"id": original.id, "client_message": original.client_message}
    return book(context, account_id, actor, _merged(original, body), prepared, action="duplicated", copied=copied)


@reading
def _body_of_copy(
    context: Scheduling, account_id: str, session_id: str, body: Mapping[str, Any], expected: int | None
) -> dict[str, Any]:
    return _merged(the_session(the_account(account_id), session_id, expected, locked=False), body)


def _merged(original: Session, body: Mapping[str, Any]) -> dict[str, Any]:
    copied = {name: getattr(original, name) for name in _COPIED} | {"price": money_data(original.price)}
    if body.get("client"):
        del copied["client_id"]
    return copied | dict(body)
