"""A calendar's feed: what lies on it, for whoever has its secret link."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

from chassis.problems import NotFound
from contracts.sessions import SessionStatus
from scheduling.domain.feeds import Entry, Feed
from scheduling.operations.context import Scheduling, reading
from scheduling.operations.finding import the_account
from scheduling.operations.sessions import client_view
from scheduling.store.models import Account, Calendar, Client, Session, SessionType

# What a feed holds: the sessions nearest to now, within so much time before and after.
_BEFORE, _AHEAD = timedelta(days=92), timedelta(days=400)
_MOST_BEFORE, _MOST_AHEAD = 500, 2000
_STATUS = {SessionStatus.PENDING: "TENTATIVE", SessionStatus.CANCELLED: "CANCELLED"}


@reading
def feed(context: Scheduling, calendar_id: str, token: str) -> Feed:
    """What the calendar's feed shows to who has the link.

    Raises:
        NotFound: it is not the calendar's link, or not any more.
    """
    calendar: Calendar | None = Calendar.get_or_none(Calendar.id == calendar_id, Calendar.retired_at.is_null())
    if calendar is None or not calendar.feed_token or not compare_digest(calendar.feed_token.encode(), token.encode()):
        raise NotFound()
    account = the_account(context, calendar.account_id)
    return Feed(
        name=calendar.name,
        timezone=account.timezone,
        entries=_sessions(account, calendar, context.clock.now()),
    )


def link(context: Scheduling, calendar: Calendar) -> str | None:
    """Where the feed is to be had."""
    if not calendar.feed_token:
        return None
    return f"{context.settings.public_url}/v1/calendars/{calendar.id}/feed.ics?token={calendar.feed_token}"


def _sessions(account: Account, calendar: Calendar, now: datetime) -> list[Entry]:
    mine = Session.select().where(Session.account_id == account.id, Session.calendar_id == calendar.id)
    past = mine.where(Session.starts_at >= now - _BEFORE, Session.starts_at < now)
    ahead = mine.where(Session.starts_at >= now, Session.starts_at < now + _AHEAD)
    rows = [
        *reversed(list(past.order_by(Session.starts_at.desc(), Session.id.desc()).limit(_MOST_BEFORE))),
        *ahead.order_by(Session.starts_at, Session.id).limit(_MOST_AHEAD),
    ]
    types = _by_id(SessionType, (row.service_id for row in rows))
    clients = _by_id(Client, (row.client_id for row in rows))
    return [_entry(row, types[row.service_id], clients.get(row.client_id)) for row in rows]


def _entry(session: Session, session_type: SessionType, client: Client | None) -> Entry:
    """A session as its provider sees it; private notes and how to reach the client stay where they are."""
    return Entry(
        id=session.id,
        version=session.version,
        status=_STATUS.get(session.state, "CONFIRMED"),
        starts=session.starts_at,
        ends=session.ends_at,
        summary=f"{session_type.name}: {client_view(client)['name']}",
        description=session.notes,
        created_at=session.created_at,
        updated_at=session.updated_at,
    )


def _by_id(model: Any, ids: Iterable[str]) -> dict[str, Any]:
    return {row.id: row for row in model.select().where(model.id.in_(sorted(set(ids))))}
