"""When reminders are due, and why they are not sent: the rules by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.domain.kinds import REMINDERS, TERMS, Channel, Kind
from notifications.domain.preferences import Preferences, from_json
from notifications.domain.quiet_hours import QuietHours
from notifications.domain.reminders import Reach, Situation, judge, plan
from notifications.domain.statuses import Reason, ReminderStatus

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"]
BY_DAY = Situation(
    status="confirmed",
    starts_at=NOW + timedelta(days=7),
    calendar_id="cal_1",
    service_id="svc_1",
    plan="max",
    preferences=Preferences(),
    reach=Reach(
        email="ada@example.com",
        phone="+491701234567",
        email_allowed=True,
        sms_allowed=True,
        hidden=False,
        timezone="Europe/Berlin",
    ),
    sms_possible=True,
)

moments = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)
walls = st.times().map(lambda t: t.replace(second=0, microsecond=0))
quiet_spans = st.builds(QuietHours, start=walls, end=walls)
reminders = st.sampled_from(
    [(kind, channel) for kind in REMINDERS for channel in Channel if (kind, channel) != (Kind.REMINDER_2H, Channel.SMS)]
)


@given(starts_at=moments, zone=st.sampled_from(ZONES))
def test_a_day_before_is_24_elapsed_hours_whatever_the_clocks_do(starts_at: datetime, zone: str) -> None:
    situation = replace(BY_DAY, starts_at=starts_at, reach=replace(BY_DAY.reach, timezone=zone))
    verdict = judge(situation, Kind.REMINDER_24H, Channel.EMAIL, starts_at - timedelta(days=3), standing=False)

    assert verdict.due_at == starts_at - timedelta(hours=24)
    assert verdict.status is ReminderStatus.PLANNED


@given(starts_at=moments, zone=st.sampled_from(ZONES), quiet=quiet_spans)
def test_no_text_is_due_in_the_client_s_quiet_hours_or_after_the_start(
    starts_at: datetime, zone: str, quiet: QuietHours
) -> None:
    situation = replace(
        BY_DAY,
        starts_at=starts_at,
        reach=replace(BY_DAY.reach, timezone=zone),
        preferences=Preferences(quiet_hours=quiet),
    )
    verdict = judge(situation, Kind.REMINDER_24H, Channel.SMS, starts_at - timedelta(days=3), standing=False)

    assert verdict.due_at >= starts_at - timedelta(hours=24)
    if verdict.status is ReminderStatus.PLANNED:
        assert verdict.due_at < starts_at
        assert not quiet.cover(verdict.due_at.astimezone(ZoneInfo(zone)).time())
    else:
        assert verdict.reason is Reason.QUIET_HOURS


@given(reminder=reminders, early=st.timedeltas(timedelta(0), timedelta(days=9)), quiet=st.none() | quiet_spans)
def test_what_is_planned_now_is_never_due_at_once(
    reminder: tuple[Kind, Channel], early: timedelta, quiet: QuietHours | None
) -> None:
    now = BY_DAY.starts_at - early
    verdict = judge(replace(BY_DAY, preferences=Preferences(quiet_hours=quiet)), *reminder, now, standing=False)

    if verdict.status is ReminderStatus.PLANNED:
        assert verdict.due_at > now


@given(reminder=reminders, late=st.timedeltas(timedelta(0), timedelta(days=3)), quiet=st.none() | quiet_spans)
def test_a_standing_reminder_is_sent_within_its_lateness_and_never_in_quiet_hours_or_after_the_start(
    reminder: tuple[Kind, Channel], late: timedelta, quiet: QuietHours | None
) -> None:
    situation = replace(BY_DAY, preferences=Preferences(quiet_hours=quiet))
    planned = judge(situation, *reminder, BY_DAY.starts_at - timedelta(days=5), standing=False)
    now = planned.due_at + late
    verdict = judge(situation, *reminder, now, standing=True)

    if verdict.status is ReminderStatus.PLANNED and verdict.due_at <= now:
        assert now < BY_DAY.starts_at
        if reminder[1] is Channel.SMS and quiet:
            assert not quiet.cover(now.astimezone(ZoneInfo("Europe/Berlin")).time())
        else:
            assert late <= TERMS[reminder[0]].max_lateness


@pytest.mark.parametrize(
    ("moment", "held_until"),
    [
        ("2026-03-28T22:30:00+01:00", "2026-03-29T08:00:00+02:00"),  # the night that is an hour shorter
        ("2026-10-24T22:30:00+02:00", "2026-10-25T08:00:00+01:00"),  # the one that is an hour longer
        ("2026-03-02T07:59:00+01:00", "2026-03-02T08:00:00+01:00"),
        ("2026-03-02T08:00:00+01:00", "2026-03-02T08:00:00+01:00"),
        ("2026-03-02T20:59:00+01:00", "2026-03-02T20:59:00+01:00"),
    ],
)
def test_quiet_hours_are_the_wall_clock_s(moment: str, held_until: str) -> None:
    night = QuietHours(start=time(21), end=time(8))

    held = night.held_until(datetime.fromisoformat(moment).astimezone(UTC), "Europe/Berlin")

    assert held == datetime.fromisoformat(held_until)


@given(moment=moments, quiet=quiet_spans, zone=st.sampled_from(ZONES))
def test_quiet_hours_hold_for_a_day_at_most_and_end_outside_of_themselves(
    moment: datetime, quiet: QuietHours, zone: str
) -> None:
    held = quiet.held_until(moment, zone)

    assert timedelta(0) <= held - moment <= timedelta(hours=25)
    if held != moment:
        assert not quiet.cover(held.astimezone(ZoneInfo(zone)).time())


def test_of_several_reasons_the_first_of_the_list_is_given() -> None:
    late = BY_DAY.starts_at - timedelta(hours=1)
    situation = replace(
        BY_DAY,
        status="cancelled",
        plan="free",
        preferences=from_json({"sms": {"enabled": False}, "quiet_hours": {"start": "00:00", "end": "23:59"}}),
        reach=replace(BY_DAY.reach, phone=None, sms_allowed=False),
    )
    found = []
    for repaired in (
        {"status": "confirmed"},
        {"plan": "max"},
        {"preferences": from_json({"quiet_hours": {"start": "00:00", "end": "23:59"}})},
        {"reach": replace(situation.reach, phone="+491701234567")},
        {"reach": BY_DAY.reach},
        {},
    ):
        found.append(judge(situation, Kind.REMINDER_24H, Channel.SMS, late, standing=False).reason)
        situation = replace(situation, **repaired)

    assert found == ["session_cancelled", "plan", "turned_off", "no_phone", "opted_out", "too_late"]


def test_a_session_that_is_over_or_took_place_is_not_reminded_of() -> None:
    for status in ("completed", "no_show"):
        verdicts = list(plan(replace(BY_DAY, status=status, starts_at=NOW - timedelta(hours=1)), NOW))
        assert {verdict.reason for verdict in verdicts} == {Reason.TOO_LATE}


@given(
    kinds=st.dictionaries(
        st.sampled_from([kind.value for kind in Kind]), st.dictionaries(st.sampled_from(["email"]), st.booleans())
    ),
    quota=st.integers(0, 1000),
)
def test_settings_survive_being_shown_and_replaced(kinds: dict[str, dict[str, bool]], quota: int) -> None:
    preferences = from_json(
        {"kinds": kinds, "sms": {"quota": quota}, "quiet_hours": {"start": "21:00", "end": "08:00"}}
    )

    assert from_json(preferences.as_json()).as_json() == preferences.as_json()
