"""A series keeps its wall time, through every jump that clocks make, and follows no rule that is not one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.recurrence import BadRule, Rule, moments
from scheduling.domain.wall import on_the_wall, wall_of

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime.fromisoformat("2026-12-01T09:00")  # a Tuesday
NOWHERE = timedelta(0)
# By zone, the years in which its clocks jumped as they did then: forward and back, by half an hour, at midnight, by a day.
YEARS = {
    "Europe/Berlin": (1996, 2035),
    "America/New_York": (1990, 2035),
    "Australia/Lord_Howe": (1990, 2035),
    "America/Sao_Paulo": (1990, 2018),
    "Pacific/Apia": (2010, 2021),
}


def transitions(zone: ZoneInfo, years: tuple[int, int]) -> list[datetime]:
    """The moments at which the clocks of `zone` jump, to the minute, found by looking at every hour and then every minute."""
    found = []
    hour = datetime(years[0], 1, 1, tzinfo=UTC)
    while hour.year <= years[1]:
        if hour.astimezone(zone).utcoffset() != (hour + timedelta(days=1)).astimezone(zone).utcoffset():
            at = hour
            while at.astimezone(zone).utcoffset() == (at + timedelta(minutes=1)).astimezone(zone).utcoffset():
                at += timedelta(minutes=1)
            found.append(at + timedelta(minutes=1))
        hour += timedelta(days=1)
    return found


JUMPS = [(name, jump) for name, years in YEARS.items() for jump in transitions(ZoneInfo(name), years)]


def laid(rule: str, start: datetime, zone: ZoneInfo, count: int = 20) -> list[tuple[datetime, datetime]]:
    return list(islice(moments(Rule.read(rule).walls(start, zone), zone, NOWHERE), count))


def walls(rule: str, start: datetime = START, zone: ZoneInfo = BERLIN, count: int = 20) -> list[str]:
    return [f"{wall:%a %Y-%m-%d %H:%M}" for wall in islice(Rule.read(rule).walls(start, zone), count)]


def test_every_zone_has_its_jumps() -> None:
    by_zone = {name: sum(zone == name for zone, _ in JUMPS) for name in YEARS}
    assert all(count >= 20 for count in by_zone.values()), by_zone
    assert ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)) in JUMPS


@given(
    st.sampled_from(JUMPS),
    st.integers(-3 * 24 * 60, 3 * 24 * 60),
    st.sampled_from(["FREQ=DAILY", "FREQ=DAILY;INTERVAL=2", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU"]),
)
def test_each_occurrence_shows_its_wall_time_or_is_moved_on_by_the_gap(
    jump: tuple[str, datetime], minutes: int, rule: str
) -> None:
    zone = ZoneInfo(jump[0])
    start = wall_of(jump[1] + timedelta(minutes=minutes), zone) - timedelta(days=4)
    occurrences = laid(rule, start, zone, 10)
    assert all(wall.time() == start.time() for wall, _ in occurrences)
    for wall, moment in occurrences:
        shown = wall_of(moment, zone)
        fold = moment.astimezone(zone).fold
        if shown == wall:
            assert fold == 0  # of two it is the first
        else:
            before = (moment - timedelta(days=1)).astimezone(zone).utcoffset()
            after = moment.astimezone(zone).utcoffset()
            assert before is not None
            assert after is not None
            assert shown - wall == after - before > timedelta(0)


@given(st.sampled_from(JUMPS), st.integers(0, 24 * 60 - 1), st.integers(1, 1440))
def test_nothing_lands_in_a_gap_and_durations_are_elapsed(
    jump: tuple[str, datetime], minute: int, duration: int
) -> None:
    zone, at = ZoneInfo(jump[0]), jump[1]
    start = datetime.combine(wall_of(at, zone).date() - timedelta(days=3), time()) + timedelta(minutes=minute)
    for _, moment in laid("FREQ=DAILY", start, zone, 7):
        # A moment that the clocks show is one that they come back to: what lay in a gap would not.
        assert on_the_wall(wall_of(moment, zone), zone) in {moment, moment - _fold_width(moment, zone)}
        ends = moment + timedelta(minutes=duration)
        assert ends.astimezone(zone).astimezone(UTC) - moment == timedelta(minutes=duration)


def _fold_width(moment: datetime, zone: ZoneInfo) -> timedelta:
    shown = moment.astimezone(zone)
    first, second = shown.replace(fold=0).utcoffset(), shown.replace(fold=1).utcoffset()
    assert first is not None
    assert second is not None
    return first - second


@given(st.sampled_from(JUMPS), st.integers(0, 24 * 60 - 1))
def test_no_two_occurrences_fall_on_one_moment(jump: tuple[str, datetime], minute: int) -> None:
    zone, at = ZoneInfo(jump[0]), jump[1]
    start = datetime.combine(wall_of(at, zone).date() - timedelta(days=3), time()) + timedelta(minutes=minute)
    found = [moment for _, moment in laid("FREQ=DAILY", start, zone, 7)]
    assert len(set(found)) == len(found)
    assert all(one < other for one, other in pairwise(found))


def test_the_day_that_apia_left_out_moves_on_by_that_day_and_is_the_next_one() -> None:
    apia = ZoneInfo("Pacific/Apia")
    found = laid("FREQ=DAILY;COUNT=4", datetime.fromisoformat("2011-12-28T10:00"), apia)
    # The 30th did not exist: its occurrence counts, and is the 31st's.
    assert [wall_of(moment, apia).day for _, moment in found] == [28, 29, 31]
    assert [wall.day for wall, _ in found] == [28, 29, 30]


def test_the_hour_that_is_skipped_and_the_one_that_comes_twice() -> None:
    spring = laid("FREQ=DAILY;COUNT=3", datetime.fromisoformat("2026-03-28T02:30"), BERLIN)
    assert [f"{wall_of(moment, BERLIN):%d %H:%M}" for _, moment in spring] == ["28 02:30", "29 03:30", "30 02:30"]
    autumn = laid("FREQ=DAILY;COUNT=3", datetime.fromisoformat("2026-10-24T02:30"), BERLIN)
    assert [moment.hour for _, moment in autumn] == [0, 0, 1]  # summer time until the second 02:30 of the 25th


def test_midnight_that_is_skipped_is_one_o_clock() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    (_, before), (_, then) = laid("FREQ=DAILY;COUNT=2", datetime.fromisoformat("2018-11-03"), sao_paulo)
    assert wall_of(then, sao_paulo) == datetime.fromisoformat("2018-11-04T01:00")
    assert then - before == timedelta(hours=24)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=WEEKLY;COUNT=2", ["Tue 2026-12-01 09:00", "Tue 2026-12-08 09:00"]),
        ("RRULE:FREQ=WEEKLY;COUNT=1", ["Tue 2026-12-01 09:00"]),
        ("freq=weekly;count=1", ["Tue 2026-12-01 09:00"]),
        ("FREQ=MONTHLY;BYDAY=2TU;COUNT=2", ["Tue 2026-12-08 09:00", "Tue 2027-01-12 09:00"]),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", ["Fri 2026-12-25 09:00", "Fri 2027-01-29 09:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=2", ["Thu 2026-12-31 09:00", "Sun 2027-01-31 09:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=2", ["Thu 2026-12-31 09:00", "Sun 2027-01-31 09:00"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=1", ["Thu 2026-12-31 09:00"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=2", ["Tue 2028-02-29 09:00", "Sun 2032-02-29 09:00"]),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;COUNT=1", ["Mon 2027-01-04 09:00"]),
        ("FREQ=YEARLY;BYYEARDAY=100;COUNT=1", ["Sat 2027-04-10 09:00"]),
        ("FREQ=DAILY;BYHOUR=9,14;COUNT=3", ["Tue 2026-12-01 09:00", "Tue 2026-12-01 14:00", "Wed 2026-12-02 09:00"]),
        # The example of RFC 5545 on why the start of the week matters.
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            ["Tue 2026-12-01 09:00", "Sun 2026-12-06 09:00", "Tue 2026-12-15 09:00", "Sun 2026-12-20 09:00"],
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            ["Tue 2026-12-01 09:00", "Sun 2026-12-13 09:00", "Tue 2026-12-15 09:00", "Sun 2026-12-27 09:00"],
        ),
    ],
)
def test_rules_of_the_rfc(rule: str, expected: list[str]) -> None:
    assert walls(rule) == expected


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20261215", "Tue 2026-12-15 09:00"),  # the whole day
        ("20261215T090000", "Tue 2026-12-15 09:00"),  # its own moment included
        ("20261215T085959", "Tue 2026-12-08 09:00"),
        ("20261215T080000Z", "Tue 2026-12-15 09:00"),  # nine o'clock in Berlin
        ("20261215T075959Z", "Tue 2026-12-08 09:00"),
    ],
)
def test_until_is_a_date_a_wall_time_or_utc(until: str, last: str) -> None:
    assert walls(f"FREQ=WEEKLY;UNTIL={until}")[-1] == last


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "every tuesday",
        "FREQ=",
        "FREQ=HOURLY",
        "FREQ=MINUTELY;COUNT=3",
        "FREQ=SECONDLY",
        "COUNT=3",
        "FREQ=DAILY;",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;COUNT=1,2",
        "FREQ=DAILY;COUNT=100000",
        "FREQ=DAILY;COUNT=٣",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=1.5",
        "FREQ=DAILY;UNTIL=soon",
        "FREQ=DAILY;UNTIL=20261301",
        "FREQ=DAILY;UNTIL=20261201Z",
        "FREQ=DAILY;UNTIL=2026-12-31",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=DAILY;BYMONTHDAY=0",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=2TU",
        "FREQ=MONTHLY;BYDAY=0TU",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=2MO",
        "FREQ=WEEKLY;BYMONTHDAY=3",
        "FREQ=MONTHLY;BYWEEKNO=3",
        "FREQ=DAILY;BYYEARDAY=3",
        "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=DAILY;WKST=1",
        "FREQ=YEARLY;BYEASTER=1",
        "FREQ=DAILY;X-OWN=1",
        "FREQ=WEEKLY\nRRULE:FREQ=DAILY",
        "RRULE:RRULE:FREQ=WEEKLY",
        "DTSTART:20260101T090000\nRRULE:FREQ=DAILY",
        "FREQ=WEEKLY\nEXDATE:20261208T090000",
        "FREQ=WEEKLY;EXDATE=20261208T090000",
        "FREQ=WEEKLY;DTSTART=20261208T090000",
    ],
)
def test_what_is_no_rule_for_a_series_is_refused(rule: str) -> None:
    with pytest.raises(BadRule):
        Rule.read(rule)


@given(st.text(alphabet="FREQ=WEKLYDAI;COUNTBY0123456789,-+:TMOUVRS\n ", max_size=60))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        rule = Rule.read(text)
    except BadRule:
        return
    assert Rule.read(str(rule)) == rule
    list(islice(rule.walls(START, BERLIN), 3))


def test_a_rule_without_an_occurrence_has_none_and_says_so_soon() -> None:
    assert walls("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30") == []
    assert walls("FREQ=DAILY;UNTIL=20261130") == []


@given(
    st.sampled_from(
        [
            "FREQ=DAILY;COUNT=9",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU;COUNT=9",
            "FREQ=MONTHLY;BYDAY=2TU,-1FR;COUNT=9",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1;UNTIL=20270801",
            "FREQ=YEARLY;BYMONTH=1,6;BYMONTHDAY=1,15;UNTIL=20280101T000000Z",
            "FREQ=MONTHLY",
        ]
    ),
    st.integers(1, 8),
)
def test_a_rule_cut_in_two_names_what_it_named(text: str, cut: int) -> None:
    rule = Rule.read(text)
    whole = list(islice(rule.walls(START, BERLIN), 9))
    cut = min(cut, len(whole) - 1)
    earlier = list(rule.ending_at(whole[cut - 1]).walls(START, BERLIN))
    later = list(islice(rule.after(cut).walls(whole[cut], BERLIN), len(whole) - cut))
    assert earlier + later == whole


@given(st.dates(date(1970, 1, 2), date(2199, 1, 1)), st.sampled_from(["FREQ=WEEKLY", "FREQ=MONTHLY;BYDAY=-1SU"]))
def test_looking_far_ahead_changes_no_calendar(day: date, text: str) -> None:
    start = datetime.combine(day, time(9))
    found = list(islice(Rule.read(text).walls(start, BERLIN), 30))
    assert found == list(islice(rrulestr(text, dtstart=start), 30))


def test_microseconds_of_the_start_are_kept() -> None:
    start = START.replace(microsecond=5)
    assert list(Rule.read("FREQ=DAILY;COUNT=2").walls(start, BERLIN)) == [start, start + timedelta(days=1)]


def test_a_series_moved_on_the_wall_takes_place_at_its_new_wall_time() -> None:
    found = [
        wall_of(moment, BERLIN)
        for _, moment in moments(
            Rule.read("FREQ=MONTHLY;BYDAY=2TU;COUNT=6").walls(START, BERLIN), BERLIN, timedelta(days=1, hours=1)
        )
    ]
    assert {(f"{wall:%a %H:%M}") for wall in found} == {"Wed 10:00"}
