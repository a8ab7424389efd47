"""Clients are looked up: one, a list as one types, what changed, and the years of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from chassis.problems import NotFound
from clients.domain import record, search, timeline
from clients.operations import accounts
from clients.operations.context import Clients
from clients.store import queries
from clients.store.models import Client
from clients.store.search import found


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a list is asked for: `q` as typed, a `tag`, changes since a moment; at most `limit` after `cursor`."""

    q: str = ""
    tag: str | None = None
    updated_since: datetime | None = None
    limit: int = 50


def one(context: Clients, account_id: str, client_id: str) -> record.Client:
    """A client, a hidden one too, so that a deletion can be looked at and undone; for one who was merged, who answers since.

    Raises:
        NotFound, Unavailable.
    """
    with context.store.reading():
        accounts.known(account_id)
        return queries.shown(_there(account_id, client_id))


def recent(
    context: Clients, account_id: str, wanted: Wanted, after: search.Reached | None
) -> tuple[list[record.Client], search.Reached | None]:
    """Live clients, those that `q` finds best first, then the most recent, from the one `after` on; and where to go on from.

    Raises:
        Unavailable.
    """
    with context.store.reading():
        accounts.known(account_id)
        hits = found(
            context.store,
            account_id,
            search.parse(wanted.q),
            tag_key=_tag_key(wanted),
            after=after,
            limit=wanted.limit + 1,
        )
        page = hits[: wanted.limit]
        return queries.records([row for _, row in page]), page[-1][0] if len(hits) > wanted.limit else None


def changed(
    context: Clients, account_id: str, wanted: Wanted, since: datetime, after: tuple[datetime, str] | None
) -> tuple[list[record.Client], tuple[datetime, str] | None]:
    """Clients changed at or after `since` in the order of their changes, hidden ones too: who follows must hear of deletions.

    Raises:
        Unavailable.
    """
    with context.store.reading():
        accounts.known(account_id)
        rows = queries.changed(
            account_id,
            search=search.parse(wanted.q),
            tag_key=_tag_key(wanted),
            since=since,
            after=after,
            limit=wanted.limit + 1,
        )
        page = queries.records(rows[: wanted.limit])
        return page, (page[-1].updated_at, page[-1].id) if len(rows) > wanted.limit else None


def everybody(context: Clients, account_id: str) -> Iterator[list[record.Client]]:
    """Every live client in batches, the oldest first; no connection is held while the caller works on one.

    Raises:
        Unavailable: at once, before the first batch.
    """
    with context.store.reading():
        accounts.known(account_id)

    def batches() -> Iterator[list[record.Client]]:
        last = ""
        while True:
            with context.store.reading():
                rows = queries.live_after(account_id, last)
                batch = queries.records(rows)
            if not batch:
                return
            yield batch
            last = batch[-1].id

    return batches()


def years(context: Clients, account_id: str, client_id: str) -> timeline.Timeline:
    """A client's sessions by year of the account's timezone.

    Raises:
        NotFound, Unavailable.
    """
    with context.store.reading():
        account = accounts.known(account_id)
        row = _there(account_id, client_id)
        # Sessions of who was merged into this one follow by events: until those are here they count all the same.
        sessions = queries.sessions_of(account_id, queries.merged_ids(account_id, row.id))
        return timeline.timeline(sessions, now=context.clock.now(), zone=ZoneInfo(account.timezone))


def _there(account_id: str, client_id: str) -> Client:
    row = queries.client(account_id, client_id)
    if row is None or row.erased_at is not None:
        raise NotFound
    return row


def _tag_key(wanted: Wanted) -> str | None:
    return None if wanted.tag is None else search.fold(wanted.tag)
