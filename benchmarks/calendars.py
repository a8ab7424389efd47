"""Looking at calendars: free slots and a week, with ten thousand and with a million sessions in the past."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from zoneinfo import ZoneInfo

from benchmarks.agenda import CALENDARS, Agenda, at_noon
from benchmarks.ground import Ground
from benchmarks.report import Row, Section, percentile, say
from scheduling.domain.hours import DEFAULT_HOURS, WorkingHours
from scheduling.domain.slots import Busy, Shape, free_starts, grid
from scheduling.domain.spans import MINUTE, clipped, micros
from scheduling.domain.wall import stretches

_SHORT, _LONG = 10_000, 1_000_000
_BUSY, _DAYS = 1000, 30
_ROUNDS, _ASKED = 5, 60
_WALKS = 3
_TARGET_MS, _TARGET_CHEAPER, _TARGET_RATIO = 100.0, 20.0, 1.3
_ZONE = ZoneInfo("Europe/Berlin")
_HOUR, _STEP, _AFTER = timedelta(hours=1), timedelta(minutes=15), timedelta(minutes=15)
# Calendar id, start and end of what is booked, its buffer included.
Booked = list[tuple[str, datetime, datetime]]


def measure(ground: Ground) -> list[Section]:
    """Two practices that differ by the length of their past, asked in turns."""
    now = at_noon()
    sizes = ground.some(_SHORT), ground.some(_LONG)
    agendas, booked = [], Booked()
    for size in sizes:
        say(f"a past of {size:,} sessions …")
        agenda = Agenda(ground=ground)
        booked = agenda.book_ahead(_BUSY, now)
        agenda.give_past(size, now)
        agendas.append(agenda)
    slots: dict[int, list[float]] = defaultdict(list)
    weeks: dict[int, list[float]] = defaultdict(list)
    callers = [agenda.caller() for agenda in agendas]
    for number in range((_ROUNDS if ground.share == 1 else 2) + 1):
        for size, agenda, caller in zip(sizes, agendas, callers, strict=True):
            month = {
                "service_id": agenda.service,
                "from": (now + timedelta(days=1)).isoformat(),
                "to": (now + timedelta(days=1 + _DAYS)).isoformat(),
            }
            week = {
                "calendar_id": agenda.calendars[0],
                "from": (now - timedelta(days=3)).isoformat(),
                "to": (now + timedelta(days=4)).isoformat(),
                "limit": 200,
            }
            # The first round is not counted.
            for _ in range(ground.some(_ASKED)):
                taken = caller.milliseconds("/v1/availability", **month), caller.milliseconds("/v1/sessions", **week)
                if number:
                    slots[size].append(taken[0])
                    weeks[size].append(taken[1])
    for agenda in agendas:
        agenda.api.terminate()
    return [_availability(sizes, slots), _week(sizes, weeks), _walking(booked, now)]


def _availability(sizes: tuple[int, int], took: dict[int, list[float]]) -> Section:
    short, long = (Row(what="", values=took[size], unit="ms") for size in sizes)
    p95 = percentile(short.values, 95)
    return Section(
        title="Free slots",
        how=(
            f"`GET /v1/availability` of {_DAYS} days on {CALENDARS} calendars with {_BUSY:,} sessions to come, one request at a time over one connection, until the last byte; "
            "from PostgreSQL each time, nothing is kept in between."
        ),
        rows=[
            Row(what=f"a past of {sizes[0]:,} sessions", values=short.values, unit="ms"),
            Row(
                what="**the same, 95th percentile**",
                values=[p95],
                unit="ms",
                target=f"< {_TARGET_MS:.0f} ms",
                met=p95 < _TARGET_MS,
            ),
            _compared("free slots", sizes, short, long),
        ],
    )


def _week(sizes: tuple[int, int], took: dict[int, list[float]]) -> Section:
    short, long = (Row(what="", values=took[size], unit="ms") for size in sizes)
    return Section(
        title="A calendar's week",
        how="`GET /v1/sessions` of seven days on one calendar, as its page shows them, one request at a time over one connection.",
        rows=[
            Row(what=f"a past of {sizes[0]:,} sessions", values=short.values, unit="ms"),
            _compared("a week", sizes, short, long),
        ],
    )


def _compared(what: str, sizes: tuple[int, int], short: Row, long: Row) -> Row:
    times = long.median / short.median
    return Row(
        what=f"**{what} after a past of {sizes[1]:,} sessions**",
        values=long.values,
        unit="ms",
        beside=f"{times:.2f} × of {sizes[0]:,}",
        target=f"≤ {_TARGET_RATIO} ×",
        met=times <= _TARGET_RATIO,
    )


def _walking(booked: Booked, now: datetime) -> Section:
    """Processor time of the search alone, both from the same rows."""
    since, until = now + timedelta(days=1), now + timedelta(days=1 + _DAYS)
    assert _subtracted(booked, since, until) == _walked(booked, since, until)
    walked = [_cost(lambda: _walked(booked, since, until)) for _ in range(_WALKS)]
    subtracted = [_cost(lambda: _subtracted(booked, since, until)) for _ in range(10 * _WALKS)]
    ours, naive = Row(what="", values=subtracted, unit="ms"), Row(what="", values=walked, unit="ms")
    cheaper = naive.median / ours.median
    return Section(
        title="Searching",
        how=(
            f"The processor time of finding the free slots of the same {_DAYS} days, {CALENDARS} calendars and {_BUSY:,} busy times in memory: by subtracting merged spans of "
            "integers, and by walking every candidate with `datetime` along its calendar's busy times. Both find the same."
        ),
        rows=[
            Row(
                what="**by subtraction**",
                values=ours.values,
                unit="ms",
                beside=f"{cheaper:.0f} times cheaper",
                target=f"≥ {_TARGET_CHEAPER:.0f} times cheaper",
                met=cheaper >= _TARGET_CHEAPER,
            ),
            Row(what="by walking", values=naive.values, unit="ms"),
        ],
    )


def _cost(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def _by_calendar(booked: Booked) -> dict[str, list[tuple[datetime, datetime]]]:
    found: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for calendar, start, end in booked:
        found[calendar].append((start, end))
    return found


def _subtracted(booked: Booked, since: datetime, until: datetime) -> list[tuple[int, str]]:
    """As `operations/free_slots.py` does it, from rows to slots."""
    hours, window = WorkingHours.read(DEFAULT_HOURS, []), (micros(since), micros(until))
    first, last = _day(since), _day(until + _HOUR)
    marks = stretches(first, last, _ZONE)
    shape = Shape(duration=60 * MINUTE, before=0, after=15 * MINUTE)
    found: list[tuple[int, str]] = []
    for calendar, busy in _by_calendar(booked).items():
        padded = [(micros(start), micros(end)) for start, end in busy]
        core = [(start, end - 15 * MINUTE) for start, end in padded]
        free = clipped(free_starts(hours.spans(first, last, _ZONE), Busy(core=core, padded=padded), shape), window)
        found += [(start, calendar) for start in grid(free, marks, 15 * MINUTE)]
    return sorted(found)


def _walked(booked: Booked, since: datetime, until: datetime) -> list[tuple[int, str]]:
    """As one would write it: every quarter of an hour, is it within the hours, and does it meet any of these?"""
    found: list[tuple[int, str]] = []
    for calendar, busy in _by_calendar(booked).items():
        start = since
        while start < until:
            end = start + _HOUR
            if _within_hours(start.astimezone(_ZONE), end.astimezone(_ZONE)) and not any(
                (start < taken_until and taken < end) or (start < taken_until - _AFTER and taken < end + _AFTER)
                for taken, taken_until in busy
            ):
                found.append((micros(start), calendar))
            start += _STEP
    return sorted(found)


def _within_hours(start: datetime, end: datetime) -> bool:
    return (
        start.weekday() < 5
        and start.date() == end.date()
        and clock_time(9) <= start.time()
        and end.time() <= clock_time(17)
    )


def _day(moment: datetime) -> date:
    return moment.astimezone(_ZONE).date()
