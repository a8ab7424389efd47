"""Wall-clock time becomes instants: working hours keep it, across every kind of jump that clocks make."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.hours import DEFAULT_HOURS, BadHours, WorkingHours
from scheduling.domain.spans import DAY, MINUTE, micros, moment
from scheduling.domain.wall import instant, month_of

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "UTC",
    "Asia/Kathmandu",
]
# Days on which clocks jump: forward, back, by half an hour, at midnight, by a day.
JUMPS = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Apia", date(2011, 12, 31)),
]
any_day = st.one_of(
    st.sampled_from(JUMPS),
    st.tuples(st.sampled_from(ZONES), st.dates(min_value=date(2000, 1, 1), max_value=date(2037, 12, 31))),
)


@given(any_day, st.integers(0, 1439))
def test_an_instant_shows_its_own_wall_time_unless_the_clocks_skip_it(where: tuple[str, date], minute: int) -> None:
    zone, day = ZoneInfo(where[0]), where[1]
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    found = moment(instant(day, minute, zone))
    shown = found.astimezone(zone).replace(tzinfo=None)
    if shown == wall:
        earlier = found - timedelta(minutes=1)
        # Of two it is the first: a minute before, the clocks had not shown it yet.
        assert wall not in {(earlier - timedelta(minutes=k)).astimezone(zone).replace(tzinfo=None) for k in range(90)}
    else:
        # The skipped time is the moment of the jump: just before it the clocks showed less, and now they show more.
        assert shown > wall > (found - timedelta(microseconds=1)).astimezone(zone).replace(tzinfo=None)


@given(any_day, st.integers(0, 1440), st.integers(0, 1440))
def test_later_on_the_wall_is_never_earlier_in_time(where: tuple[str, date], one: int, other: int) -> None:
    zone = ZoneInfo(where[0])
    low, high = sorted((one, other))
    at_low, at_high = instant(where[1], low, zone), instant(where[1], high, zone)
    # Where a wall time comes twice its first counts, so only a return across the repeated stretch could turn them round.
    assert at_low <= at_high


@given(any_day)
def test_a_day_ends_where_the_next_begins(where: tuple[str, date]) -> None:
    zone = ZoneInfo(where[0])
    assert instant(where[1], 1440, zone) == instant(where[1] + timedelta(days=1), 0, zone)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Pacific/Apia", date(2011, 12, 31), 24),
    ],
)
def test_days_are_as_long_as_they_were(zone: str, day: date, hours: float) -> None:
    assert instant(day, 1440, ZoneInfo(zone)) - instant(day, 0, ZoneInfo(zone)) == hours * 60 * MINUTE


def test_nine_to_five_keeps_its_wall_time_on_both_sides_of_a_jump() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    hours = WorkingHours.read(DEFAULT_HOURS, [])
    spans = hours.spans(date(2026, 3, 27), date(2026, 3, 30), berlin)  # Friday, the jump on Sunday, Monday
    assert [(moment(start), moment(end)) for start, end in spans] == [
        (datetime(2026, 3, 27, 8, tzinfo=UTC), datetime(2026, 3, 27, 16, tzinfo=UTC)),
        (datetime(2026, 3, 30, 7, tzinfo=UTC), datetime(2026, 3, 30, 15, tzinfo=UTC)),
    ]


def test_hours_that_lie_in_a_skipped_hour_are_no_hours() -> None:
    hours = WorkingHours.read([{"weekday": "sun", "start": "02:15", "end": "02:45"}], [])
    assert hours.spans(date(2026, 3, 29), date(2026, 3, 29), ZoneInfo("Europe/Berlin")) == []


def test_hours_that_begin_in_a_skipped_hour_begin_where_it_ends() -> None:
    hours = WorkingHours.read([{"weekday": "sun", "start": "02:30", "end": "04:00"}], [])
    spans = hours.spans(date(2026, 3, 29), date(2026, 3, 29), ZoneInfo("Europe/Berlin"))
    assert spans == [(micros(datetime(2026, 3, 29, 1, tzinfo=UTC)), micros(datetime(2026, 3, 29, 2, tzinfo=UTC)))]


def test_hours_to_midnight_run_on_into_the_next_day() -> None:
    hours = WorkingHours.read(
        [{"weekday": "mon", "start": "20:00", "end": "24:00"}, {"weekday": "tue", "start": "00:00", "end": "02:00"}], []
    )
    (span,) = hours.spans(date(2026, 11, 30), date(2026, 12, 1), ZoneInfo("Europe/Berlin"))
    assert span[1] - span[0] == 6 * 60 * MINUTE


def test_an_override_replaces_the_day_and_an_empty_one_is_a_day_off() -> None:
    hours = WorkingHours.read(
        DEFAULT_HOURS,
        [{"date": "2026-12-24", "hours": []}, {"date": "2026-12-26", "hours": [{"start": "10:00", "end": "12:00"}]}],
    )
    assert hours.on(date(2026, 12, 24)) == ()
    assert hours.on(date(2026, 12, 25)) == ((540, 1020),)
    assert hours.on(date(2026, 12, 26)) == ((600, 720),)


@pytest.mark.parametrize(
    ("working_hours", "overrides", "path"),
    [
        ([{"weekday": "mon", "start": "10:00", "end": "09:00"}], [], "/working_hours/0/end"),
        ([{"weekday": "mon", "start": "10:00", "end": "10:00"}], [], "/working_hours/0/end"),
        (
            [
                {"weekday": "mon", "start": "09:00", "end": "12:00"},
                {"weekday": "mon", "start": "11:00", "end": "13:00"},
            ],
            [],
            "/working_hours/1",
        ),
        ([], [{"date": "2026-12-24", "hours": []}, {"date": "2026-12-24", "hours": []}], "/overrides/1/date"),
    ],
)
def test_hours_that_cannot_be_kept_are_refused_with_a_path(
    working_hours: list[dict[str, str]], overrides: list[dict[str, object]], path: str
) -> None:
    with pytest.raises(BadHours) as refused:
        WorkingHours.read(working_hours, overrides)
    assert refused.value.path == path


@given(any_day, st.integers(0, DAY - 1))
def test_a_moment_lies_within_its_own_month(where: tuple[str, date], later: int) -> None:
    zone = ZoneInfo(where[0])
    now = moment(instant(where[1], 0, zone) + later)
    first, following = month_of(now, zone)
    assert first <= micros(now) < following
    assert moment(first).astimezone(zone).day == 1
