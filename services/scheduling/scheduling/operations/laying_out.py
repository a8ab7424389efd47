"""Laying a series out: which occurrences are due to be made, what is in the way of each, and a session or an event for every other one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from dateutil.relativedelta import relativedelta

from chassis.ids import new_id
from chassis.problems import Conflict, Invalid
from contracts.fields import rfc3339
from contracts.money import Money
from contracts.sessions import SessionStatus
from scheduling.domain.blocks import Length
from scheduling.domain.recurrence import moments
from scheduling.domain.wall import on_the_wall
from scheduling.operations import blocked_times
from scheduling.operations.book import Plan, new_session
from scheduling.operations.context import Actor, Scheduling
from scheduling.operations.finding import calendar_for, known_client, offered_type
from scheduling.operations.holds import redeem
from scheduling.operations.placement import Block, Override, Placed, Placement, alternatives, claim, conflict, look
from scheduling.operations.series_deposits import hold_back
from scheduling.operations.sessions import Batch, record
from scheduling.store import claims
from scheduling.store.models import Account, Calendar, Client, Hold, Occurrence, Series, SessionType

SESSION, EVENT = "session", "event"
OUTSIDE = "outside_working_hours"
# How far ahead of their start occurrences are made, by the calendar; and how many of them at once.
AHEAD = relativedelta(months=12)
MOST_AT_ONCE = 750
# What a rule is followed through: two a day for a lifetime.
_MOST_AT_ALL = 60_000

# An occurrence as the rule has it: its wall time, which names it for good, and the moment at which it takes place.
Laid = tuple[datetime, datetime]


class Maker(Protocol):
    """Makes the occurrences of one series, of what its template says."""

    @property
    def calendar(self) -> Calendar: ...

    def placement(self, starts_at: datetime) -> Placement:
        """The time of a new occurrence, which has its own id."""
        ...

    def make(self, place: Placement, placed: Placed, override: Override, actor: Actor, batch: Batch | None) -> None:
        """Store the occurrence whose time is claimed, with its history and what is told of it."""
        ...


@dataclass(frozen=True, kw_only=True)
class SessionMaker:
    context: Scheduling
    account: Account
    series: Series
    session_type: SessionType
    calendar: Calendar
    client: Client | None

    def placement(self, starts_at: datetime) -> Placement:
        return Placement(
            session_id=new_id("ses"),
            calendar_id=self.calendar.id,
            starts_at=starts_at,
            duration_minutes=self.series.template["duration_minutes"],
            before_minutes=self.session_type.buffer_before_minutes,
            after_minutes=self.session_type.buffer_after_minutes,
        )

    def make(self, place: Placement, placed: Placed, override: Override, actor: Actor, batch: Batch | None) -> None:
        assert self.client is not None
        template = self.series.template
        session = new_session(
            self.context,
            self.account,
            Plan(
                session_type=self.session_type,
                calendar=self.calendar,
                placement=place,
                price=Money(**template["price"]) if template["price"] else None,
                status=SessionStatus(template["status"]),
                override=override,
                hold=None,
            ),
            self.client,
            outside_hours=placed.outside_hours,
            source="series",
            notes=template["notes"],
            session_notes=template["session_notes"],
        )
        session.series_id = self.series.id
        hold_back(self.context, session)
        record(
            self.context,
            self.account,
            session,
            "session.created",
            actor=actor,
            action="created",
            changes=placed.as_changes(),
            reason=override.reason if placed.overlaps or placed.outside_hours else None,
            new=True,
            session_type=self.session_type,
            batch=batch,
        )


@dataclass(frozen=True, kw_only=True)
class EventMaker:
    context: Scheduling
    account: Account
    series: Series
    calendar: Calendar

    def placement(self, starts_at: datetime) -> Placement:
        ends_at = Length.read(self.series.template["length"]).end(starts_at, self.series.zone)
        return blocked_times.block_for(new_id("evt"), self.calendar.id, starts_at, ends_at)

    def make(self, place: Placement, placed: Placed, override: Override, actor: Actor, batch: Batch | None) -> None:
        assert isinstance(place, Block)
        template = self.series.template
        blocked_times.put_down(
            self.context,
            self.account,
            place,
            placed,
            actor=actor,
            texts=template,
            all_day=template["all_day"],
            reason=override.reason,
            series_id=self.series.id,
        )


def maker_for(context: Scheduling, account: Account, series: Series, *, client_known: bool = True) -> Maker:
    """What makes the series' occurrences, as things stand; without a client where that is not known yet it can only look.

    Raises:
        Invalid: its session type, calendar or client is not to be booked (any more).
    """
    template: Mapping[str, Any] = series.template
    if series.kind == EVENT:
        calendar = blocked_times.calendar_named(context, account, template["calendar_id"])
        return EventMaker(context=context, account=account, series=series, calendar=calendar)
    session_type = offered_type(account, template["service_id"])
    client = known_client(account, series.client_id or "")
    if client is None and client_known:
        raise Invalid.field("/client_id", "There is no client of this id.")
    return SessionMaker(
        context=context,
        account=account,
        series=series,
        session_type=session_type,
        calendar=calendar_for(account, session_type, template["calendar_id"]),
        client=client,
    )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of one occurrence: `placed`, its time being claimed, or None because of the `conflicts`."""

    wall: datetime
    wanted: Placement
    placed: Placed | None
    conflicts: list[dict[str, str]] = field(default_factory=list)


def all_laid(series: Series) -> Iterator[Laid]:
    """Every occurrence that the rule names, in the order of the clocks, whether it was made or not."""
    return moments(series.rule.walls(series.starts_wall, series.zone), series.zone, series.shifted)


def made_from(series: Series, wall: datetime) -> datetime:
    """The moment from which on the occurrence at `wall` is to be made: twelve months before it, by the calendar."""
    return on_the_wall(wall + series.shifted - AHEAD, series.zone)


def laid_until(series: Series, now: datetime, most: int = _MOST_AT_ALL) -> list[Laid]:
    """The occurrences that are to be there at `now`: the first in any case, and whatever lies less than twelve months ahead.

    Of more than `most` it is the first ones, and one more.
    """
    found: list[Laid] = []
    for wall, starts_at in all_laid(series):
        if found and (made_from(series, wall) > now or len(found) > most):
            break
        found.append((wall, starts_at))
    return found


def first_laid(series: Series, now: datetime) -> list[Laid]:
    """The occurrences to make of a new series.

    Raises:
        Invalid: there is none, or there are too many.
    """
    found = laid_until(series, now, MOST_AT_ONCE)
    if not found:
        raise Invalid.field("/rrule", "From this start on, this rule names no occurrence.")
    if len(found) > MOST_AT_ONCE:
        raise Invalid.field("/rrule", f"These are more than {MOST_AT_ONCE} occurrences at once.")
    return found


def laid_since(series: Series) -> Iterator[Laid]:
    """The occurrences after those that were laid out."""
    return (laid for laid in all_laid(series) if laid[0] > series.made_until)


def claim_all(
    context: Scheduling,
    account: Account,
    maker: Maker,
    laid: Iterable[Laid],
    override: Override,
    hold: Hold | None = None,
) -> list[Verdict]:
    """Claim the time of each occurrence that can have it, under the calendar's lock; the first one may have been held.

    Raises:
        Conflict: `slot_taken`, of a writer who passed the locks by; `hold_invalid`.
    """
    claims.lock_calendars(account.id, {maker.calendar.id})
    verdicts = []
    for wall, starts_at in laid:
        wanted = maker.placement(starts_at)
        held = hold is not None and hold.starts_at == starts_at
        let_in = redeem(context, account, hold, wanted.session_id) if hold and held else frozenset()
        verdict = judge(context, account, maker, wall, wanted, override, permitted=let_in, held=held)
        if verdict.placed is not None:
            claim(context, account, wanted, verdict.placed, override, permitted=let_in)
        verdicts.append(verdict)
    return verdicts


def judge(
    context: Scheduling,
    account: Account,
    maker: Maker,
    wall: datetime,
    wanted: Placement,
    override: Override,
    *,
    permitted: frozenset[str] = frozenset(),
    held: bool = False,
    besides: Sequence[str] = (),
) -> Verdict:
    """Whether the occurrence can have its time, as things stand; one that was held belongs where it is."""
    found = look(context, account, maker.calendar, wanted, besides=besides)
    in_the_way = [overlap for overlap in found.met.standing if overlap.owner_id not in permitted]
    conflicts = [] if override.overlap else [conflict(overlap) for overlap in in_the_way]
    if found.outside_hours and not (override.outside_hours or held):
        conflicts.append(outside(wanted))
    return Verdict(wall=wall, wanted=wanted, placed=None if conflicts else found.allowed, conflicts=conflicts)


def outside(wanted: Placement) -> dict[str, str]:
    """That the time lies outside the calendar's working hours, as a conflict tells it."""
    return {"kind": OUTSIDE, "starts_at": rfc3339(wanted.starts_at), "ends_at": rfc3339(wanted.ends_at)}


def refuse_conflicts(context: Scheduling, account: Account, maker: Maker, verdicts: Sequence[Verdict]) -> None:
    """Let nothing stand in the way of any occurrence.

    Raises:
        Conflict: `slot_taken`, with all that does, and what is free instead of the first that cannot be.
    """
    refused = [verdict for verdict in verdicts if verdict.conflicts]
    if not refused:
        return
    own = {verdict.wanted.session_id for verdict in verdicts}
    conflicts = [
        # Where a series is in its own way, that occurrence has come to nothing, and so has its id.
        {name: value for name, value in each.items() if name != "id" or value not in own}
        for verdict in refused
        for each in verdict.conflicts
    ]
    raise all_taken(
        conflicts,
        count=len(refused),
        of=len(verdicts),
        alternatives=alternatives(context, account, maker.calendar, refused[0].wanted),
    )


def all_taken(conflicts: list[dict[str, str]], *, count: int, of: int, alternatives: list[dict[str, str]]) -> Conflict:
    """The 409 that says everything that is in the way of a series."""
    return Conflict(
        f"{count} of {of} occurrences cannot be had.", code="slot_taken", conflicts=conflicts, alternatives=alternatives
    )


def make_all(
    context: Scheduling,
    series: Series,
    maker: Maker,
    verdicts: Sequence[Verdict],
    override: Override,
    actor: Actor,
    *,
    announced: bool,
) -> None:
    """Store what was claimed, and of every occurrence what became of it. `announced`: clients are told of the sessions, together."""
    made = [verdict for verdict in verdicts if verdict.placed is not None]
    batch = Batch(id=new_id("bat"), size=len(made)) if announced else None
    for verdict in made:
        assert verdict.placed is not None
        maker.make(verdict.wanted, verdict.placed, override, actor, batch)
    if verdicts:
        Occurrence.insert_many(
            [
                {
                    "series_id": series.id,
                    "wall": verdict.wall,
                    "account_id": series.account_id,
                    "member_id": None if verdict.placed is None else verdict.wanted.session_id,
                    "conflicts": verdict.conflicts,
                }
                for verdict in verdicts
            ]
        ).execute()


def note_horizon(series: Series, made_until: datetime) -> None:
    """All until `made_until` (a wall time) is laid out: from when on is the next one due?"""
    series.made_until = made_until
    following = next(laid_since(series), None)
    series.extend_at = made_from(series, following[0]) if following else None
