"""Wall-clock time and instants: the one place where a date and a time of day become a moment, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduling.domain.spans import micros


def instant(day: date, minute: int, zone: ZoneInfo) -> int:
    """When the clocks of `zone` show `minute` (0 to 1440: 24:00) of `day`, in microseconds since 1970.

    A time that comes twice is its first; one that the clocks skip is the moment at which they skip it. So a stretch of
    wall time that does not exist is empty, be it the hour of a spring night or the day that Apia left out.
    """
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    early = wall.replace(tzinfo=zone).astimezone(UTC)
    if early.astimezone(zone).replace(tzinfo=None) == wall:
        return micros(early)
    return _transition(wall, zone)


def _transition(wall: datetime, zone: ZoneInfo) -> int:
    """The moment at which the clocks jump over `wall` (PEP 495: fold 1 reads it by the later offset, an earlier moment)."""
    low = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    high = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(microseconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return micros(high)


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The date that the calendars of `zone` show at `moment`."""
    return moment.astimezone(zone).date()


def month_of(moment: datetime, zone: ZoneInfo) -> tuple[int, int]:
    """The calendar month of `zone` in which `moment` lies, from its first instant to the next month's."""
    first = local_date(moment, zone).replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return instant(first, 0, zone), instant(following, 0, zone)
