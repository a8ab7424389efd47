"""Why a start can be booked by a client, or cannot: every rule with its verdict, for the provider who wonders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from scheduling.domain.booking import BookingRules
from scheduling.domain.hours import WorkingHours
from scheduling.domain.slots import Shape, grid
from scheduling.domain.spans import MINUTE, Span, micros, moment, without
from scheduling.domain.wall import local_date, stretches


class Rule(StrEnum):
    OUTSIDE_WORKING_HOURS = "outside_working_hours"
    MIN_NOTICE = "min_notice"
    MAX_ADVANCE = "max_advance"
    BUFFER = "buffer"
    EVENT = "event"
    SESSION = "session"
    HOLD = "hold"
    DAY_OFF = "day_off"
    OFF_GRID = "off_grid"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`reason` says to a person what is in the way; None where the rule lets the start pass."""

    rule: Rule
    reason: str | None

    @property
    def passed(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What somebody claims: a session's or a hold's `core` and `padded` time; an event has the padded one alone."""

    rule: Rule
    core: Span | None
    padded: Span


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The start that is asked about, the session that would be there, and the zone in which reasons name times."""

    start: int
    shape: Shape
    shown_in: ZoneInfo

    @property
    def core(self) -> Span:
        return self.start, self.start + self.shape.duration

    @property
    def padded(self) -> Span:
        return self.start - self.shape.before, self.start + self.shape.duration + self.shape.after

    def named(self, span: Span) -> str:
        """`span` as a person reads it."""
        begin, end = (moment(value).astimezone(self.shown_in) for value in span)
        until = f"{end:%H:%M}" if end.date() == begin.date() else f"{end:%Y-%m-%d %H:%M}"
        return f"{begin:%Y-%m-%d %H:%M} to {until}"


def explain(
    asked: Asked,
    *,
    hours: WorkingHours,
    zone: ZoneInfo,
    taken: Sequence[Taken],
    rules: BookingRules,
    now: datetime,
) -> list[Verdict]:
    """Every rule's verdict, in the order of `Rule`. A start is available where all of them pass.

    One obstacle fails one rule: on a day off it is that, not the hours; who is met by a buffer alone is not met as a session.
    What callers count on is the eight other rules: `OFF_GRID` is among them only where it fails.
    """
    closed = _closed_days(asked, hours, zone)
    reasons = {
        Rule.OUTSIDE_WORKING_HOURS: _sentences(
            _opening(day, hours) for day in closed if hours.overrides.get(day) != ()
        ),
        Rule.DAY_OFF: _sentences(f"{day} is a day off." for day in closed if hours.overrides.get(day) == ()),
        Rule.MIN_NOTICE: _notice(asked, rules, now),
        Rule.MAX_ADVANCE: (
            f"Clients book at most {rules.max_advance_days} days ahead."
            if asked.start > micros(rules.latest(now))
            else None
        ),
        Rule.BUFFER: _sentences(
            f"The buffers around this session and the {other.rule} of {asked.named(other.core)} meet."
            for other in taken
            if other.core and not _meet(asked.core, other.core) and _buffers_meet(asked, other)
        ),
        **{
            rule: _sentences(
                f"There is {article} {rule} of {asked.named(other.core or other.padded)}."
                for other in taken
                if other.rule is rule and _meet(asked.core, other.core or other.padded)
            )
            for rule, article in ((Rule.EVENT, "an"), (Rule.SESSION, "a"), (Rule.HOLD, "a"))
        },
        Rule.OFF_GRID: _off_grid(asked, rules, zone),
    }
    return [Verdict(rule=rule, reason=reasons[rule]) for rule in Rule if rule is not Rule.OFF_GRID or reasons[rule]]


def _closed_days(asked: Asked, hours: WorkingHours, zone: ZoneInfo) -> list[date]:
    """The local days on which a part of the session would lie in closed time."""
    first, last = (local_date(moment(value), zone) for value in (asked.core[0], asked.core[1] - 1))
    shut = without([asked.core], hours.spans(first, last, zone))
    return sorted({local_date(moment(value), zone) for start, end in shut for value in (start, end - 1)})


def _opening(day: date, hours: WorkingHours) -> str:
    spans = ", ".join(f"{_clock(start)}–{_clock(end)}" for start, end in hours.on(day))
    return f"On {day} the calendar is open {spans}." if spans else f"On {day} the calendar is closed."


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _notice(asked: Asked, rules: BookingRules, now: datetime) -> str | None:
    if asked.start >= micros(rules.earliest(now)):
        return None
    if asked.start < micros(now):
        return "This is in the past."
    return f"Clients book at least {rules.min_notice_hours} hours ahead."


def _off_grid(asked: Asked, rules: BookingRules, zone: ZoneInfo) -> str | None:
    day, minutes = local_date(moment(asked.start), zone), rules.slot_interval_minutes
    if any(grid([(asked.start, asked.start + 1)], stretches(day, day, zone), minutes * MINUTE)):
        return None
    return f"Clients are offered a start every {minutes} minutes from midnight."


def _buffers_meet(asked: Asked, other: Taken) -> bool:
    return _meet(asked.core, other.padded) or (other.core is not None and _meet(asked.padded, other.core))


def _meet(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _sentences(found: Iterable[str]) -> str | None:
    return " ".join(found) or None
