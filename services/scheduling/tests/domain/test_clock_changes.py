"""Working hours and slots keep their wall time across every jump that clocks make, compared with walking from minute to minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.domain.hours import WEEKDAYS, WorkingHours
from scheduling.domain.slots import Busy, Shape, free_starts, grid
from scheduling.domain.spans import DAY, MINUTE, covers, micros, moment
from scheduling.domain.wall import stretches

# Everything here happens at multiples of it: jumps, hours, the grid.
TICK, ONE_MINUTE, ONE_DAY = timedelta(minutes=5), timedelta(minutes=1), timedelta(days=1)
YEARS = {
    "Europe/Berlin": (2015, 2037),
    "America/New_York": (2015, 2037),
    "Australia/Lord_Howe": (2015, 2037),  # by half an hour
    "America/Sao_Paulo": (2005, 2019),  # at midnight
    "Pacific/Apia": (2009, 2022),  # and a day that never was
}


@cache
def jumps(zone: str) -> list[date]:
    """Every local date, in these years, on which the clocks of `zone` jump, or that they leave out."""
    first, last = YEARS[zone]
    days = [date(first, 1, 1) + timedelta(days=n) for n in range((last - first) * 365)]
    offsets = [datetime.combine(day, time(12), ZoneInfo(zone)).utcoffset() for day in days]
    return [day for day, before, here in zip(days[1:], offsets, offsets[1:], strict=False) if before != here]


def clock(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows."""
    return at.astimezone(zone).replace(tzinfo=None)


class Walk:
    """The days around a jump, walked through in five minutes at a time by somebody who knows nothing but what the clock shows."""

    def __init__(self, zone: str, day: date) -> None:
        self.zone, self.first, self.last = ZoneInfo(zone), day - ONE_DAY, day + ONE_DAY
        begin = datetime.combine(self.first, time(), UTC) - ONE_DAY
        self.ticks = [begin + n * TICK for n in range(5 * ONE_DAY // TICK)]
        self.shown = [clock(at, self.zone) for at in self.ticks]

    def moment_of(self, day: date, minute: int) -> datetime:
        """When the clock first shows that minute of the day, or jumps over it."""
        wanted = datetime.combine(day, time()) + minute * ONE_MINUTE
        shown = zip(self.ticks[1:], pairwise(self.shown), strict=True)
        return next(at for at, (before, now) in shown if before < wanted <= now)

    def slots(self, hours: WorkingHours, duration: timedelta, step: int, taken: tuple[datetime, datetime]) -> list[int]:
        open_: list[tuple[datetime, datetime]] = []
        for day in (self.first, self.first + ONE_DAY, self.last):
            for start, end in hours.on(day):
                begin, until = self.moment_of(day, start), self.moment_of(day, end)
                if open_ and open_[-1][1] == begin:
                    begin = open_.pop()[0]
                if begin < until:
                    open_.append((begin, until))
        return [
            micros(at)
            for at, shown in zip(self.ticks, self.shown, strict=True)
            if (shown.hour * 60 + shown.minute) % step == 0
            and any(begin <= at and at + duration <= until for begin, until in open_)
            and not (at < taken[1] and taken[0] < at + duration)
        ]


@cache
def walk(zone: str, day: date) -> Walk:
    return Walk(zone, day)


def found(
    zone: str, day: date, hours: WorkingHours, duration: timedelta, step: int, taken: tuple[Any, Any]
) -> list[int]:
    """The slots by subtraction."""
    first, last = day - ONE_DAY, day + ONE_DAY
    busy = [(micros(taken[0]), micros(taken[1]))] if taken[0] < taken[1] else []
    shape = Shape(duration=micros(moment(0) + duration), before=0, after=0)
    starts = free_starts(hours.spans(first, last, ZoneInfo(zone)), Busy(core=busy, padded=busy), shape)
    return list(grid(starts, stretches(first, last, ZoneInfo(zone)), step * MINUTE))


def every_day(*spans: tuple[str, str]) -> WorkingHours:
    return WorkingHours.read([{"weekday": d, "start": start, "end": end} for d in WEEKDAYS for start, end in spans], [])


ALL_DAY, OFFICE = every_day(("00:00", "24:00")), every_day(("09:00", "17:00"))
NIGHT = every_day(("22:00", "24:00"), ("00:00", "01:30"), ("01:45", "03:15"))
NOWHEN = (datetime(2000, 1, 1, tzinfo=UTC),) * 2


def test_the_zones_jump_as_often_as_they_did() -> None:
    assert {zone: len(jumps(zone)) for zone in YEARS} == {
        "Europe/Berlin": 44,
        "America/New_York": 44,
        "Australia/Lord_Howe": 44,
        "America/Sao_Paulo": 28,
        "Pacific/Apia": 23,
    }


@pytest.mark.parametrize("zone", YEARS)
@pytest.mark.parametrize("hours", [ALL_DAY, OFFICE, NIGHT], ids=["all day", "office", "night"])
def test_slots_are_those_of_a_walk_across_every_jump(zone: str, hours: WorkingHours) -> None:
    for day in jumps(zone):
        for duration, step in ((timedelta(hours=1), 15), (timedelta(minutes=50), 60)):
            expected = walk(zone, day).slots(hours, duration, step, NOWHEN)
            assert found(zone, day, hours, duration, step, NOWHEN) == expected, day


@pytest.mark.parametrize("zone", YEARS)
def test_office_hours_show_the_same_on_every_clock(zone: str) -> None:
    """Far from the night of the jump everything stays as it is: eight hours from nine to five, each day that there is."""
    for day in jumps(zone):
        for begin, end in OFFICE.spans(day - ONE_DAY, day + ONE_DAY, ZoneInfo(zone)):
            shown = [clock(moment(value), ZoneInfo(zone)).time() for value in (begin, end)]
            assert (shown, end - begin) == ([time(9), time(17)], 8 * 60 * MINUTE)


@pytest.mark.parametrize("zone", YEARS)
def test_the_clock_shows_every_slot_on_the_grid_and_its_end_a_duration_later(zone: str) -> None:
    """Nothing lies in a gap: what the clock shows at the start reads back as that very start."""
    place, duration = ZoneInfo(zone), timedelta(hours=2)
    for day in jumps(zone):
        for value in found(zone, day, ALL_DAY, duration, 45, NOWHEN):
            at = moment(value)
            shown = at.astimezone(place)
            assert shown.replace(tzinfo=None).replace(tzinfo=place, fold=shown.fold).astimezone(UTC) == at
            assert (shown.hour * 60 + shown.minute) % 45 == 0
            end = moment(value + micros(moment(0) + duration))
            assert end - at == duration
            assert covers(ALL_DAY.spans(day - ONE_DAY, day + ONE_DAY, place), (value, micros(end)))


some_hours = st.lists(st.integers(0, 96), min_size=2, max_size=6, unique=True).map(sorted)


@settings(deadline=None)
@given(st.data())
def test_whatever_the_hours_slots_are_those_of_a_walk(data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(sorted(YEARS)))
    day = data.draw(st.sampled_from(jumps(zone)))
    marks = data.draw(some_hours)
    text = [f"{mark // 4:02}:{mark % 4 * 15:02}" for mark in marks]
    hours = every_day(*zip(text[::2], text[1::2], strict=False))
    duration = timedelta(minutes=data.draw(st.sampled_from([15, 20, 45, 60, 90, 240])))
    step = data.draw(st.sampled_from([5, 10, 15, 20, 30, 45, 60, 90, 120]))
    begin = moment(micros(datetime.combine(day, time(), UTC)) + data.draw(st.integers(-DAY, DAY)))
    taken = (begin, begin + timedelta(minutes=data.draw(st.integers(1, 300))))
    assert found(zone, day, hours, duration, step, taken) == walk(zone, day).slots(hours, duration, step, taken)
