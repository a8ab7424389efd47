"""Finding a session or an event its time: the check against hours and other claims, what was allowed on purpose, and the claim itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from chassis.problems import Conflict, Invalid
from contracts.fields import rfc3339
from scheduling.domain.slots import Shape, nearest
from scheduling.domain.spans import DAY, MINUTE, Span, covers, micros, moment
from scheduling.operations.context import Scheduling
from scheduling.operations.free_slots import bounds_for_clients, free_slots, open_spans
from scheduling.store import claims
from scheduling.store.claims import Claim, Met, Overlap, Owner
from scheduling.store.models import Account, Calendar, Sanction, Session

_ALTERNATIVES = 5
_DAYS_BEFORE, _DAYS_AFTER = 7, 14


@dataclass(frozen=True, kw_only=True)
class Override:
    """What the caller allows on purpose, and why."""

    overlap: bool = False
    outside_hours: bool = False
    reason: str | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Override:
        """From `allow_overlap`, `allow_outside_hours` and `override_reason`.

        Raises:
            Invalid: a flag without a reason.
        """
        override = cls(
            overlap=body.get("allow_overlap", False),
            outside_hours=body.get("allow_outside_hours", False),
            reason=(body.get("override_reason") or "").strip() or None,
        )
        if (override.overlap or override.outside_hours) and override.reason is None:
            raise Invalid.field("/override_reason", "Say why this is booked over a conflict.")
        return override


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The time that a session, or a hold for one, asks for, on one calendar. `for_client`: a client asks, who is told and offered less."""

    session_id: str
    calendar_id: str
    starts_at: datetime
    duration_minutes: int
    before_minutes: int
    after_minutes: int
    for_client: bool = False

    @classmethod
    def of(cls, session: Session) -> Placement:
        return cls(
            session_id=session.id,
            calendar_id=session.calendar_id,
            starts_at=session.starts_at,
            duration_minutes=session.duration_minutes,
            before_minutes=session.buffer_before_minutes,
            after_minutes=session.buffer_after_minutes,
        )

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.duration_minutes)

    @property
    def core(self) -> Span:
        return micros(self.starts_at), micros(self.ends_at)

    @property
    def padded(self) -> Span:
        start, end = self.core
        return start - self.before_minutes * MINUTE, end + self.after_minutes * MINUTE

    @property
    def shape(self) -> Shape:
        return Shape(
            duration=self.duration_minutes * MINUTE,
            before=self.before_minutes * MINUTE,
            after=self.after_minutes * MINUTE,
        )

    @property
    def keeps_hours(self) -> bool:
        """Whether it belongs into the calendar's working hours."""
        return True

    def claim(self, account_id: str, owner: Owner = Owner.SESSION, expires_at: datetime | None = None) -> Claim:
        return Claim(
            account_id=account_id,
            owner_id=self.session_id,
            owner_type=owner,
            calendar_id=self.calendar_id,
            core=self.core,
            padded=self.padded,
            expires_at=expires_at,
        )


@dataclass(frozen=True, kw_only=True)
class Block(Placement):
    """The time that an event takes, at any hour; `session_id` is the event's. It meets sessions and holds alone, without their buffers."""

    until: datetime

    @property
    def ends_at(self) -> datetime:
        return self.until

    @property
    def keeps_hours(self) -> bool:
        return False

    def claim(self, account_id: str, owner: Owner = Owner.EVENT, expires_at: datetime | None = None) -> Claim:
        return replace(super().claim(account_id, owner, expires_at), core=None)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What the placement had to be allowed: the ids it overlaps, and whether it lies outside the working hours. `ended` are holds that make room for it."""

    overlaps: tuple[str, ...] = ()
    outside_hours: bool = False
    ended: tuple[str, ...] = ()

    def as_changes(self) -> dict[str, list[Any]]:
        """For the history."""
        return {
            **({"overlaps": [[], list(self.overlaps)]} if self.overlaps else {}),
            **({"outside_working_hours": [False, True]} if self.outside_hours else {}),
        }


def check(
    context: Scheduling,
    account: Account,
    calendar: Calendar,
    wanted: Placement,
    override: Override,
    *,
    permitted: frozenset[str] = frozenset(),
    outside_permitted: bool = False,
    besides: Sequence[str] = (),
) -> Placed:
    """Whether the time can be had, as things stand. `permitted` are overlaps that were sanctioned before, `besides` in nobody's way.

    Raises:
        Conflict: `slot_taken` or `outside_working_hours`, with what is in the way and what is free nearby.
    """
    found = look(context, account, calendar, wanted, besides=besides)
    in_the_way = [overlap for overlap in found.met.standing if overlap.owner_id not in permitted]
    if in_the_way and not override.overlap:
        raise slot_taken(context, account, calendar, wanted, in_the_way)
    if found.outside_hours and not (override.outside_hours or outside_permitted):
        raise Conflict(
            "This lies outside the calendar's working hours.",
            code="outside_working_hours",
            alternatives=alternatives(context, account, calendar, wanted),
        )
    return found.allowed


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is at a time that is wanted: who has it already, and whether it lies outside the working hours."""

    met: Met
    outside_hours: bool

    @property
    def allowed(self) -> Placed:
        overlaps = tuple(overlap.owner_id for overlap in self.met.standing)
        return Placed(overlaps=overlaps, outside_hours=self.outside_hours, ended=self.met.ended)


def look(
    context: Scheduling, account: Account, calendar: Calendar, wanted: Placement, *, besides: Sequence[str] = ()
) -> Found:
    """What stands against the time that is wanted; the claims of `besides` do not."""
    return Found(
        met=claims.met(context.store, wanted.claim(account.id), context.clock.now(), besides=besides),
        outside_hours=wanted.keeps_hours and not covers(open_spans(account, calendar, wanted.core), wanted.core),
    )


def place(
    context: Scheduling,
    account: Account,
    wanted: Placement,
    override: Override,
    *,
    leaving: str | None = None,
    permitted: frozenset[str] = frozenset(),
    outside_permitted: bool = False,
) -> Placed:
    """Claim the time for the session, under the locks of its calendar and of the one it is `leaving`, whose claim ends.

    Raises as `check`.
    """
    both = {wanted.calendar_id, leaving or wanted.calendar_id}
    with claims.locked(context.store, both, wanted.claim(account.id)) as calendars:
        calendar = calendars[wanted.calendar_id]
        placed = check(
            context, account, calendar, wanted, override, permitted=permitted, outside_permitted=outside_permitted
        )
    if leaving is not None:
        claims.release(context.store, wanted.session_id)
    claim(context, account, wanted, placed, override, permitted=permitted)
    return placed


def claim(
    context: Scheduling,
    account: Account,
    wanted: Placement,
    placed: Placed,
    override: Override,
    *,
    permitted: frozenset[str] = frozenset(),
) -> None:
    """Claim time that can be had, under its calendar's lock; overlaps that are new are sanctioned by the override's reason.

    Raises:
        Conflict: `slot_taken`.
    """
    take(context, wanted.claim(account.id), placed, sanctioned=bool(placed.overlaps))
    for other_id in set(placed.overlaps) - permitted:
        Sanction.insert(
            session_id=wanted.session_id,
            other_id=other_id,
            account_id=account.id,
            reason=override.reason,
            at=context.clock.now(),
        ).execute()


def take(context: Scheduling, claim: Claim, placed: Placed, *, sanctioned: bool = False) -> None:
    """Claim what `check` found to be free, under the same locks.

    Raises:
        Conflict: `slot_taken`, where not within `claiming`.
    """
    with claiming(context):
        claims.take(context.store, claim, ended=placed.ended, sanctioned=sanctioned)


@contextmanager
def claiming(context: Scheduling) -> Iterator[None]:
    """What is claimed inside is stored at the end, as one with what else is written inside.

    Raises:
        Conflict: `slot_taken`.
    """
    try:
        with claims.taking(context.store):
            yield
    except claims.SlotTaken:
        # Only a writer that passed the locks by can bring this about; it is a conflict all the same. What is in the way
        # cannot be asked any more: the unit of work is lost.
        raise Conflict("Somebody else has this time.", code="slot_taken", conflicts=[], alternatives=[]) from None


def sanctioned_with(session_id: str) -> frozenset[str]:
    """Whom the session (or hold) may overlap, as somebody allowed it before."""
    pairs = Sanction.select().where((Sanction.session_id == session_id) | (Sanction.other_id == session_id))
    return frozenset(pair.other_id if pair.session_id == session_id else pair.session_id for pair in pairs)


def forget_sanctions(session_id: str) -> None:
    """The session moves: what it was allowed to overlap, and who it, was for the old time alone."""
    Sanction.delete().where((Sanction.session_id == session_id) | (Sanction.other_id == session_id)).execute()


def slot_taken(
    context: Scheduling, account: Account, calendar: Calendar, wanted: Placement, in_the_way: list[Overlap]
) -> Conflict:
    """The 409 that says who has the time and what is free instead."""
    return Conflict(
        "Somebody else has this time.",
        code="slot_taken",
        conflicts=[conflict(overlap, to_client=wanted.for_client) for overlap in in_the_way],
        alternatives=alternatives(context, account, calendar, wanted),
    )


def conflict(overlap: Overlap, *, to_client: bool = False) -> dict[str, str]:
    """Who has the time, as a conflict tells it; clients are not told the id."""
    return {
        "kind": overlap.owner_type.value,
        **({} if to_client else {"id": overlap.owner_id}),
        "starts_at": rfc3339(overlap.starts_at),
        "ends_at": rfc3339(overlap.ends_at),
    }


def alternatives(context: Scheduling, account: Account, calendar: Calendar, wanted: Placement) -> list[dict[str, str]]:
    """The free slots nearest to the wanted start, none in the past and for clients none that they may not book, in order of time."""
    now, start = micros(context.clock.now()), wanted.core[0]
    window = (max(now, start - _DAYS_BEFORE * DAY), max(now, start) + _DAYS_AFTER * DAY)
    if wanted.for_client:
        window = bounds_for_clients(context, account, window)
    slots = free_slots(context, account, [calendar], wanted.shape, window, besides=wanted.session_id)
    duration = wanted.shape.duration
    return [
        {
            "starts_at": rfc3339(moment(slot)),
            "ends_at": rfc3339(moment(slot + duration)),
            "calendar_id": wanted.calendar_id,
        }
        for slot in nearest([slot for slot, _ in slots], start, _ALTERNATIVES)
    ]
