"""Looking at sessions: one, many by filter and page, and what happened to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.envelope import format_time
from contracts.sessions import SessionStatus
from scheduling.operations.client_replicas import searchable
from scheduling.operations.context import Scheduling, reading
from scheduling.operations.finding import answering, the_account, the_session
from scheduling.operations.sessions import view, views
from scheduling.store.models import Change, Client, Session

SORTS = ("starts_at", "-starts_at", "updated_at")
_PHONE_SIGNS = str.maketrans("", "", "+()./-")


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which sessions: `since` and `until` bound the start, half-open; `text` is looked for in the client's name, email and phone."""

    since: datetime | None = None
    until: datetime | None = None
    statuses: Sequence[SessionStatus] = ()
    client_id: str | None = None
    calendar_id: str | None = None
    service_id: str | None = None
    text: str | None = None
    updated_since: datetime | None = None


@reading
def show(context: Scheduling, account_id: str, session_id: str) -> dict[str, Any]:
    """One session."""
    account = the_account(account_id)
    return view(context, account, the_session(account, session_id, locked=False))


@reading
def listing(
    context: Scheduling, account_id: str, wanted: Filter, *, sort: str, limit: int, after: tuple[datetime, str] | None
) -> tuple[list[dict[str, Any]], list[str] | None]:
    """A page of sessions in the order of `sort` (one of SORTS); `after` is what the last page's cursor held.

    Returns the sessions and what the next cursor holds, None at the end.
    """
    account = the_account(account_id)
    column = Session.updated_at if sort == "updated_at" else Session.starts_at
    query = _filtered(account_id, wanted)
    if after is not None:
        at, session_id = after
        # The first condition alone bounds the index; the second decides among equals.
        if sort.startswith("-"):
            query = query.where(column <= at, (column < at) | (Session.id < session_id))
        else:
            query = query.where(column >= at, (column > at) | (Session.id > session_id))
    order = (column.desc(), Session.id.desc()) if sort.startswith("-") else (column, Session.id)
    rows = list(query.order_by(*order).limit(limit + 1))
    more = len(rows) > limit
    rows = rows[:limit]
    last = rows[-1] if rows else None
    following = (
        [format_time(last.updated_at if sort == "updated_at" else last.starts_at), last.id] if more and last else None
    )
    return views(context, account, rows), following


@reading
def history(context: Scheduling, account_id: str, session_id: str) -> list[dict[str, Any]]:
    """Who did what to the session, oldest first."""
    session = the_session(the_account(account_id), session_id, locked=False)
    return [
        {
            "at": change.at,
            "actor": change.actor,
            "action": change.action,
            "changes": change.changes,
            "reason": change.reason,
        }
        for change in Change.select().where(Change.session_id == session.id).order_by(Change.version)
    ]


def _filtered(account_id: str, wanted: Filter) -> Any:
    query = Session.select().where(Session.account_id == account_id)
    if wanted.since is not None:
        query = query.where(Session.starts_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Session.starts_at < wanted.until)
    if wanted.statuses:
        query = query.where(Session.status.in_([status.value for status in wanted.statuses]))
    if wanted.client_id is not None:
        query = query.where(Session.client_id == answering(account_id, wanted.client_id))
    if wanted.calendar_id is not None:
        query = query.where(Session.calendar_id == wanted.calendar_id)
    if wanted.service_id is not None:
        query = query.where(Session.service_id == wanted.service_id)
    if wanted.updated_since is not None:
        query = query.where(Session.updated_at >= wanted.updated_since)
    if wanted.text:
        query = query.where(Session.client_id.in_(_clients(account_id, wanted.text)))
    return query


def _clients(account_id: str, text: str) -> Any:
    """The clients in whose name, email or phone all the words of `text` occur; deleted ones are not found by what they were."""
    query = Client.select(Client.id).where(Client.account_id == account_id, ~Client.deleted)
    for word in searchable(text).split():
        # Phones are kept as E.164; one typed as people do has zeros in front, signs and spaces within: each word counts by itself.
        digits = word.translate(_PHONE_SIGNS)
        query = query.where(Client.search.contains(digits.lstrip("0") if digits.isdecimal() else word))
    return query
