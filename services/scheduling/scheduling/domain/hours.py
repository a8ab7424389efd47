"""When a calendar is open: weekly working hours and dated overrides, in wall-clock time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from scheduling.domain.spans import Span, merged
from scheduling.domain.wall import instant

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DEFAULT_HOURS: list[dict[str, str]] = [{"weekday": day, "start": "09:00", "end": "17:00"} for day in WEEKDAYS[:5]]

# From minute to minute of a day, 1440 being its end.
Minutes = tuple[int, int]


class BadHours(ValueError):
    """Hours that cannot be kept; `path` leads to them as in a JSON pointer."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(text)
        self.path = path


@dataclass(frozen=True, kw_only=True)
class WorkingHours:
    """`weekly` by weekday (0 is Monday), `overrides` by date: they replace that day's hours, an empty one is a day off."""

    weekly: Mapping[int, tuple[Minutes, ...]]
    overrides: Mapping[date, tuple[Minutes, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, working_hours: Iterable[Mapping[str, Any]], overrides: Iterable[Mapping[str, Any]]) -> WorkingHours:
        """From the form that the API shows: `[{"weekday","start","end"}]` and `[{"date","hours":[{"start","end"}]}]`.

        Raises:
            BadHours: a stretch that ends before it starts, two that overlap, or a date given twice.
        """
        weekly: dict[int, list[Minutes]] = {}
        for index, hours in enumerate(working_hours):
            day = weekly.setdefault(WEEKDAYS.index(hours["weekday"]), [])
            _add(day, hours, f"/working_hours/{index}")
        dated: dict[date, list[Minutes]] = {}
        for index, override in enumerate(overrides):
            when = date.fromisoformat(override["date"])
            if when in dated:
                raise BadHours(f"/overrides/{index}/date", "This date is overridden twice.")
            dated[when] = []
            for position, hours in enumerate(override["hours"]):
                _add(dated[when], hours, f"/overrides/{index}/hours/{position}")
        return cls(
            weekly={weekday: tuple(sorted(day)) for weekday, day in weekly.items()},
            overrides={when: tuple(sorted(day)) for when, day in dated.items()},
        )

    def on(self, day: date) -> tuple[Minutes, ...]:
        """The hours of `day`."""
        return self.overrides.get(day, self.weekly.get(day.weekday(), ()))

    def spans(self, first: date, last: date, zone: ZoneInfo) -> list[Span]:
        """When it is open from `first` to `last`, both included, merged: hours to 24:00 run on into those from 00:00."""
        days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
        return merged(
            (instant(day, start, zone), instant(day, end, zone)) for day in days for start, end in self.on(day)
        )


def minutes(text: str) -> int:
    """Minutes since midnight of `HH:MM`, 24:00 included.

    Raises:
        ValueError: it is not of that form.
    """
    hour, minute = int(text[:2]), int(text[3:])
    if len(text) != 5 or text[2] != ":" or not 0 <= minute < 60 or not 0 <= hour * 60 + minute <= 1440:
        raise ValueError(f"{text!r} is not a time of day")
    return hour * 60 + minute


def _add(day: list[Minutes], hours: Mapping[str, Any], path: str) -> None:
    start, end = minutes(hours["start"]), minutes(hours["end"])
    if start >= end:
        raise BadHours(f"{path}/end", "Hours end after they start, at 24:00 at the latest.")
    if any(start < other_end and other_start < end for other_start, other_end in day):
        raise BadHours(path, "These hours overlap others of the same day.")
    day.append((start, end))
