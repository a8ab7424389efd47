"""A calendar's feed: what lies on it, for whoever has its secret link."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

from chassis.problems import NotFound
from contracts.sessions import SessionStatus
from scheduling.domain.feeds import Entry, Feed
from scheduling.domain.wall import local_date
from scheduling.operations.context import Scheduling, reading
from scheduling.operations.finding import the_account
from scheduling.operations.sessions import client_view
from scheduling.store.models import Account, BlockedTime, Calendar, Client, Session, SessionType

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
    account = the_account(calendar.account_id)
    return Feed(
        name=calendar.name,
        timezone=account.timezone,
        entries=[*_sessions(calendar, context.clock.now()), *_events(account, calendar, context.clock.now())],
    )


def link(context: Scheduling, calendar: Calendar) -> str | None:
    """Where the feed is to be had."""
    if not calendar.feed_token:
        return None
    return f"{context.settings.public_url}/v1/calendars/{calendar.id}/feed.ics?token={calendar.feed_token}"


def _sessions(calendar: Calendar, now: datetime) -> list[Entry]:
    rows = _nearest(Session, calendar, now)
    types = _by_id(SessionType, (row.service_id for row in rows))
    clients = _by_id(Client, (row.client_id for row in rows))
    return [_entry(row, types[row.service_id], clients.get(row.client_id)) for row in rows]


def _events(account: Account, calendar: Calendar, now: datetime) -> list[Entry]:
    """Blocked times; one that was removed is gone from the feed, and so from who subscribes."""
    return [
        Entry(
            id=event.id,
            version=event.version,
            status="CONFIRMED",
            starts=local_date(event.starts_at, account.zone) if event.all_day else event.starts_at,
            ends=local_date(event.ends_at, account.zone) if event.all_day else event.ends_at,
            summary=event.title,
            description=event.notes,
            created_at=event.created_at,
            updated_at=event.updated_at,
        )
        for event in _nearest(BlockedTime, calendar, now, BlockedTime.retired_at.is_null())
    ]


def _nearest(model: Any, calendar: Calendar, now: datetime, *conditions: Any) -> list[Any]:
    """What of the calendar starts nearest to now, by its start."""
    mine = model.select().where(model.account_id == calendar.account_id, model.calendar_id == calendar.id, *conditions)
    past = mine.where(model.starts_at >= now - _BEFORE, model.starts_at < now)
    ahead = mine.where(model.starts_at >= now, model.starts_at < now + _AHEAD)
    return [
        *reversed(list(past.order_by(model.starts_at.desc(), model.id.desc()).limit(_MOST_BEFORE))),
        *ahead.order_by(model.starts_at, model.id).limit(_MOST_AHEAD),
    ]


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
