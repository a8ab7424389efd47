"""How long an event lasts: so much time, or whole days from local midnight to local midnight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from scheduling.domain.spans import moment
from scheduling.domain.wall import instant, local_date

_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)


def whole_days(starts_at: datetime, ends_at: datetime | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the first midnight to the last one of the local days that the time touches; of one day without an end."""
    first = local_date(starts_at, zone)
    last = first if ends_at is None else local_date(ends_at - _MICROSECOND, zone)
    return moment(instant(first, 0, zone)), moment(instant(last + _DAY, 0, zone))


@dataclass(frozen=True, kw_only=True)
class Length:
    """`days` of the calendar, or where that is None the `elapsed` time: so a day of 23 hours is a day, and an hour is an hour."""

    days: int | None
    elapsed: timedelta

    @classmethod
    def between(cls, starts_at: datetime, ends_at: datetime, *, all_day: bool, zone: ZoneInfo) -> Length:
        """How long it is from one moment to the other; `all_day`: they are local midnights."""
        days = (local_date(ends_at - _MICROSECOND, zone) - local_date(starts_at, zone)).days + 1
        return cls(days=days if all_day else None, elapsed=ends_at - starts_at)

    def end(self, starts_at: datetime, zone: ZoneInfo) -> datetime:
        """When what begins at `starts_at` is over."""
        if self.days is None:
            return starts_at + self.elapsed
        return moment(instant(local_date(starts_at, zone) + self.days * _DAY, 0, zone))

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Length:
        """From what `as_data` made."""
        return cls(days=data["days"], elapsed=timedelta(microseconds=data["elapsed"]))

    def as_data(self) -> dict[str, Any]:
        return {"days": self.days, "elapsed": self.elapsed // _MICROSECOND}
