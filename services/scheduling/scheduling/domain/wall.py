"""Wall-clock time and instants: the one place where a date and a time of day become a moment, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from scheduling.domain.spans import micros, moment

# Days that several calendars ask for again and again: two months of them in some zones.
_REMEMBERED = 4096


class Stretch(NamedTuple):
    """A part of a day, from `start` to `end`, in which the clocks run without a jump.

    `midnight` is when they would have shown 00:00 of that day had they always run like that: the wall clock is as far on as
    the time is from there.
    """

    start: int
    end: int
    midnight: int


@lru_cache(maxsize=_REMEMBERED)
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


def on_the_wall(wall: datetime, zone: ZoneInfo) -> datetime:
    """When something takes place that is at the naive `wall` time in `zone`, as aware UTC.

    A time that comes twice is its first; one that the clocks skip is moved on by what they skip (PEP 495, RFC 5545 3.3.5).
    """
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def wall_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of `zone` show at `moment`, naive."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _transition(wall: datetime, zone: ZoneInfo) -> int:
    """The moment at which the clocks jump over `wall` (PEP 495: fold 1 reads it by the later offset, an earlier moment)."""
    low = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    high = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return _jump(micros(low), micros(high), zone)


def stretches(first: date, last: date, zone: ZoneInfo) -> list[Stretch]:
    """The days from `first` to `last`, both included, cut where the clocks jump; a day that was left out has none."""
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [stretch for day in days for stretch in _stretches_of(day, zone)]


@lru_cache(maxsize=_REMEMBERED)
def _stretches_of(day: date, zone: ZoneInfo) -> tuple[Stretch, ...]:
    wall = micros(datetime.combine(day, time(), UTC))
    start, end = instant(day, 0, zone), instant(day, 1440, zone)
    found = []
    while start < end:
        offset = _offset(start, zone)
        until = end if _offset(end - 1, zone) == offset else _jump(start, end - 1, zone)
        found.append(Stretch(start, until, wall - offset))
        start = until
    return tuple(found)


def _jump(low: int, high: int, zone: ZoneInfo) -> int:
    """The moment after `low`, up to `high`, from which on the clocks have another offset than at `low`."""
    before = _offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(value: int, zone: ZoneInfo) -> int:
    """How far the clocks are ahead of UTC, in microseconds."""
    ahead = moment(value).astimezone(zone).utcoffset()
    assert ahead is not None
    return ahead // timedelta(microseconds=1)


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The date that the calendars of `zone` show at `moment`."""
    return moment.astimezone(zone).date()


def month_of(moment: datetime, zone: ZoneInfo) -> tuple[int, int]:
    """The calendar month of `zone` in which `moment` lies, from its first instant to the next month's."""
    first = local_date(moment, zone).replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return instant(first, 0, zone), instant(following, 0, zone)
