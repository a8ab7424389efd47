"""When a series takes place: a rule of RFC 5545, laid out by python-dateutil on the wall clock and only then made moments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from scheduling.domain.wall import on_the_wall

# By part: what its numbers may be; signed ones may count from the end. Source: RFC 5545, 3.3.10.
_NUMBERS = {
    "INTERVAL": (1, 1000), "COUNT": (1, 3660), "BYMONTH": (1, 12), "BYHOUR": (0, 23), "BYMINUTE": (0, 59), "BYSECOND": (0, 59),
}  # fmt: skip
_SIGNED = {"BYMONTHDAY": 31, "BYYEARDAY": 366, "BYWEEKNO": 53, "BYSETPOS": 366}
_SINGLE = {"INTERVAL", "COUNT"}
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ORDINAL_DAY = re.compile(rf"([+-]?[0-9]{{1,2}})?({'|'.join(_DAYS)})")
# Which parts make no sense at which frequency, by the table of the same section.
_NOT_WITH = {
    "BYWEEKNO": ("DAILY", "WEEKLY", "MONTHLY"),
    "BYYEARDAY": ("DAILY", "WEEKLY", "MONTHLY"),
    "BYMONTHDAY": ("WEEKLY",),
}
_UNTIL = re.compile(r"([0-9]{8})(T[0-9]{6})?(Z?)")
# The calendar is the same every 400 years. dateutil looks for an occurrence until the year 9999: laid out so far ahead, it
# gives up within two centuries where a rule has none (30 February), not within eighty.
_AHEAD = 400 * 19


class Scope(StrEnum):
    """How far a change of one member of a series reaches."""

    THIS = "this"
    FOLLOWING = "following"
    ALL = "all"


class BadRule(ValueError):
    """Not a rule that a series can follow; the text says why, for a person."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A recurrence rule; `parts` in the order in which they were written."""

    parts: Mapping[str, str]

    @classmethod
    def read(cls, text: str) -> Rule:
        """The rule that `text` says, as `FREQ=WEEKLY;BYDAY=TU;COUNT=10`, with or without `RRULE:` before it.

        Raises:
            BadRule: it is not one rule of RFC 5545, or one that is more often than daily or that never ends its own way.
        """
        parts: dict[str, str] = {}
        for part in text.upper().removeprefix("RRULE:").split(";"):
            name, _, value = part.partition("=")
            if name in parts:
                raise BadRule(f"{name} is said twice.")
            _check_part(name, value)
            parts[name] = value
        rule = cls(parts=parts)
        _check_together(rule)
        return rule

    def __str__(self) -> str:
        return ";".join(f"{name}={value}" for name, value in self.parts.items())

    def walls(self, start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """What the clocks of `zone` show at each occurrence from the naive `start` on, ascending; `start` itself where the rule names it."""
        text = ";".join(f"{name}={value}" for name, value in self.parts.items() if name != "UNTIL")
        for ahead in rrulestr(text, dtstart=start.replace(year=start.year + _AHEAD)):
            wall = ahead.replace(year=ahead.year - _AHEAD, microsecond=start.microsecond)
            if self._is_over(wall, zone):
                return
            yield wall

    def ending_at(self, last: datetime) -> Rule:
        """The same rule until its occurrence at `last`."""
        kept = {name: value for name, value in self.parts.items() if name not in {"COUNT", "UNTIL"}}
        return Rule(parts=kept | {"UNTIL": f"{last:%Y%m%dT%H%M%S}"})

    def after(self, passed: int) -> Rule:
        """What is left of the rule for a series that begins at a later occurrence, before which `passed` lie."""
        if "COUNT" not in self.parts:
            return self
        return Rule(parts={**self.parts, "COUNT": str(int(self.parts["COUNT"]) - passed)})

    def _is_over(self, wall: datetime, zone: ZoneInfo) -> bool:
        """Whether UNTIL, which includes its own moment or day, lies before `wall`."""
        until = self.parts.get("UNTIL")
        if until is None:
            return False
        moment = _until(until)
        if len(until) == 8:
            return wall.date() > moment.date()
        if until.endswith("Z"):
            return on_the_wall(wall, zone) > moment.replace(tzinfo=UTC)
        return wall.replace(microsecond=0) > moment


def moments(walls: Iterator[datetime], zone: ZoneInfo, shift: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Each of the `walls` with the moment at which it takes place once it is moved by `shift` on the wall clock.

    Two that fall on one moment, as on the day that Apia left out, are one occurrence: the first (RFC 5545, 3.8.5.3).
    """
    seen: set[datetime] = set()
    for wall in walls:
        moment = on_the_wall(wall + shift, zone)
        if moment not in seen:
            seen.add(moment)
            yield wall, moment


def _check_part(name: str, value: str) -> None:
    values = value.split(",")
    if name in _SINGLE and len(values) > 1:
        raise BadRule(f"{name} takes one number.")
    if name in _NUMBERS:
        low, high = _NUMBERS[name]
        if not all(re.fullmatch(r"[0-9]{1,5}", each) and low <= int(each) <= high for each in values):
            raise BadRule(f"{name} takes numbers from {low} to {high}.")
    elif name in _SIGNED:
        high = _SIGNED[name]
        if not all(re.fullmatch(r"[+-]?[0-9]{1,3}", each) and 1 <= abs(int(each)) <= high for each in values):
            raise BadRule(f"{name} takes numbers from 1 to {high}, and with a minus such that count from the end.")
    elif name == "BYDAY":
        matches = [_ORDINAL_DAY.fullmatch(each) for each in values]
        if not all(match and (match[1] is None or 1 <= abs(int(match[1])) <= 53) for match in matches):
            raise BadRule("BYDAY takes weekdays as MO, 2TU or -1FR.")
    elif name == "WKST":
        if value not in _DAYS:
            raise BadRule("WKST takes a weekday as MO.")
    elif name == "FREQ":
        if value not in _FREQUENCIES:
            raise BadRule(f"FREQ takes one of {', '.join(_FREQUENCIES)}.")
    elif name == "UNTIL":
        _until(value)
    else:
        raise BadRule("This is not one recurrence rule as FREQ=WEEKLY;BYDAY=TU;COUNT=10, without anything beside it.")


def _check_together(rule: Rule) -> None:
    parts = rule.parts
    frequency = parts.get("FREQ")
    if frequency is None:
        raise BadRule("FREQ is missing.")
    if "COUNT" in parts and "UNTIL" in parts:
        raise BadRule("COUNT and UNTIL exclude each other.")
    for name, frequencies in _NOT_WITH.items():
        if name in parts and frequency in frequencies:
            raise BadRule(f"{name} does not go with FREQ={frequency}.")
    ordinal = any(not day.isalpha() for day in parts.get("BYDAY", "").split(",") if day)
    if ordinal and (frequency not in {"MONTHLY", "YEARLY"} or "BYWEEKNO" in parts):
        raise BadRule("Numbered weekdays go with FREQ=MONTHLY and, without BYWEEKNO, FREQ=YEARLY.")
    if "BYSETPOS" in parts and not any(name.startswith("BY") for name in parts if name != "BYSETPOS"):
        raise BadRule("BYSETPOS chooses from what another BY part names: one is missing.")


def _until(value: str) -> datetime:
    match = _UNTIL.fullmatch(value)
    try:
        if match and (match[2] or not match[3]):
            return datetime.fromisoformat(match[1] + (match[2] or "T000000"))
    except ValueError:
        pass
    raise BadRule("UNTIL takes a date as 20261231, or a time as 20261231T235959, with Z for UTC.")
