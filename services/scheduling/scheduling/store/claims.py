"""Who needs which calendar when: the questions and statements behind "no slot is sold twice"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import peewee

from chassis import rows
from chassis.statements import Question
from chassis.store import Store, placeholders
from chassis.store import moment as read_moment
from scheduling.domain.slots import Busy
from scheduling.domain.spans import Span, micros, moment
from scheduling.store.models import Calendar


class Owner(StrEnum):
    SESSION = "session"
    HOLD = "hold"
    EVENT = "event"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`owner_id` needs `calendar_id` for `core` (None: an event, which has the padded row alone) and, buffers included, `padded`."""

    account_id: str
    owner_id: str
    owner_type: Owner
    calendar_id: str
    core: Span | None
    padded: Span
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Somebody who has the time already, as it is shown to the caller: without buffers."""

    owner_id: str
    owner_type: Owner
    starts_at: datetime
    ends_at: datetime


class Claimed(NamedTuple):
    """One row of the table: `kind` is `core` or `padded`."""

    calendar_id: str
    owner_id: str
    owner_type: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Met:
    """Whose claims a claim would meet: those that stand, by start, and the holds that have ended, which let go of the time when it is taken."""

    standing: list[Overlap]
    ended: tuple[str, ...]


class SlotTaken(Exception):
    """The database refused the claim: somebody came first, and the check before did not see it."""


def lock_calendars(account_id: str, ids: Iterable[str]) -> dict[str, Calendar]:
    """Lock these calendars of the account against other writers until the unit of work ends.

    Always in id order, so that nobody waits in a circle. On SQLite the unit of work has the only write lock as it is.
    """
    wanted = (rows.first(Calendar, lock=True, id=id, account_id=account_id) for id in sorted(set(ids)))
    return {calendar.id: calendar for calendar in wanted if calendar is not None}


@contextmanager
def locked(store: Store, calendar_ids: Iterable[str], claim: Claim) -> Iterator[dict[str, Calendar]]:
    """As `lock_calendars`; whose claims `claim` would meet under these locks is asked together with them."""
    locks = [rows.question(Calendar, lock=True, id=id, account_id=claim.account_id) for id in sorted(set(calendar_ids))]
    with store.asked_together(*locks, _overlapping(store, claim)):
        yield lock_calendars(claim.account_id, calendar_ids)


def met(store: Store, claim: Claim, now: datetime, *, besides: Sequence[str] = ()) -> Met:
    """Whose claims `claim` would meet; its own and those of `besides` left out. Core meets padded, nothing else."""
    found = store.ask(_overlapping(store, claim, besides))
    return Met(
        standing=[
            Overlap(owner_id=owner, owner_type=Owner(kind), starts_at=_at(starts), ends_at=_at(ends))
            for starts, ends, owner, kind, expires_at in found
            if expires_at is None or _at(expires_at) > now
        ],
        ended=tuple(owner for _, _, owner, _, expires_at in found if expires_at is not None and _at(expires_at) <= now),
    )


def _overlapping(store: Store, claim: Claim, besides: Sequence[str] = ()) -> Question:
    core = claim.core or claim.padded
    own = (claim.owner_id, *besides)
    return store.question(
        f"""SELECT DISTINCT shown.starts_at, shown.ends_at, met.owner_id, met.owner_type, met.expires_at
            FROM claims met JOIN claims shown ON shown.owner_id = met.owner_id AND (shown.kind = 'core' OR met.owner_type = 'event')
            WHERE met.calendar_id = %s AND met.ends_at > %s AND met.starts_at < %s
              AND ((met.kind = 'core') OR (%s AND met.kind = 'padded' AND met.ends_at > %s AND met.starts_at < %s))
              AND met.owner_id NOT IN ({placeholders(own)})
            ORDER BY shown.starts_at, met.owner_id""",
        (
            claim.calendar_id,
            moment(claim.padded[0]),
            moment(claim.padded[1]),
            claim.core is not None,
            moment(core[0]),
            moment(core[1]),
            *own,
        ),
    )


def take(store: Store, claim: Claim, *, ended: Sequence[str], sanctioned: bool = False) -> None:
    """Claim the time, of which the holds that have `ended` let go; what the owner claimed before is to be released first.

    Within `taking`, which tells that the database refused it.
    """
    if ended:
        store.execute(f"DELETE FROM claims WHERE owner_id IN ({placeholders(ended)})", ended)
    spans = [("padded", claim.padded)] + ([("core", claim.core)] if claim.core else [])
    values: list[Any] = []
    for kind, (start, end) in spans:
        values += [
            claim.owner_id,
            kind,
            claim.account_id,
            claim.owner_type.value,
            claim.calendar_id,
            moment(start),
            moment(end),
            sanctioned,
            claim.expires_at,
        ]
    store.write(
        f"""INSERT INTO claims (owner_id, kind, account_id, owner_type, calendar_id, starts_at, ends_at, sanctioned, expires_at)
            VALUES {", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s, %s)"] * len(spans))}""",
        values,
    )


@contextmanager
def taking(store: Store) -> Iterator[None]:
    """What is taken inside is stored at the end, as one with what else is written inside.

    Raises:
        SlotTaken: the database's own rule refused it.
    """
    try:
        with store.as_one():
            yield
    except peewee.IntegrityError as refused:
        if "claims_no_overlap" in str(refused):
            raise SlotTaken from refused
        raise


def release(store: Store, owner_id: str) -> bool:
    """Give up whatever the owner claims; whether there was anything."""
    return bool(store.execute("DELETE FROM claims WHERE owner_id = %s RETURNING kind", (owner_id,)))


def give_up(store: Store, owner_id: str) -> None:
    """The same, for whoever need not know; among what is written together."""
    store.write("DELETE FROM claims WHERE owner_id = %s", (owner_id,))


def drop_ended(store: Store, until: datetime, at_once: int) -> int:
    """Delete claims of holds that ended up to `until`, but for those that a writer has in hand; returns how many."""
    return len(
        store.execute(
            f"""DELETE FROM claims WHERE (owner_id, kind) IN
                (SELECT owner_id, kind FROM claims WHERE expires_at <= %s LIMIT {at_once} {store.skip_locked}) RETURNING kind""",
            (until,),
        )
    )


def within(
    store: Store, calendar_ids: Sequence[str], window: Span, now: datetime, *, besides: str | None = None
) -> list[Claimed]:
    """What is claimed on the calendars within `window`; holds that have ended and the claims of `besides` left out. One query."""
    if not calendar_ids:
        return []
    claimed = store.execute(
        f"""SELECT calendar_id, owner_id, owner_type, kind, starts_at, ends_at FROM claims
            WHERE calendar_id IN ({placeholders(calendar_ids)}) AND ends_at > %s AND starts_at < %s
              AND owner_id <> %s AND (expires_at IS NULL OR expires_at > %s)""",
        (*calendar_ids, moment(window[0]), moment(window[1]), besides or "", now),
    )
    return [
        Claimed(calendar, owner, owner_type, kind, micros(_at(starts)), micros(_at(ends)))
        for calendar, owner, owner_type, kind, starts, ends in claimed
    ]


def busy(
    store: Store, calendar_ids: Sequence[str], window: Span, now: datetime, *, besides: str | None = None
) -> dict[str, Busy]:
    """The same by calendar."""
    spans: dict[tuple[str, str], list[Span]] = {}
    for claimed in within(store, calendar_ids, window, now, besides=besides):
        spans.setdefault((claimed.calendar_id, claimed.kind), []).append((claimed.start, claimed.end))
    return {id: Busy(core=spans.get((id, "core"), []), padded=spans.get((id, "padded"), [])) for id in calendar_ids}


def _at(value: Any) -> datetime:
    at = read_moment(value)
    assert at is not None
    return at
