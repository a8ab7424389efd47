"""Reminders as rows: planned, moved, cancelled, restored, and why one was not sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.notifications.tests.driver import (
    NOON,
    Practice,
    account,
    cancellation,
    client,
    session,
)

EMAIL_24H, SMS_24H, EMAIL_2H = ("reminder_24h", "email"), ("reminder_24h", "sms"), ("reminder_2h", "email")
WEEK = timedelta(days=7)


def hear_session(practice: Practice, **others: Any) -> None:
    """A session that was made a while ago, so that its confirmation is not told."""
    practice.hear("session.created", session(**others), at=NOON - timedelta(days=2))


def test_each_session_has_three_rows_whose_moments_are_before_its_start(practice: Practice) -> None:
    hear_session(practice)

    assert practice.reminders() == dict.fromkeys((EMAIL_24H, SMS_24H, EMAIL_2H), ("planned", None))
    assert practice.due("reminder_24h") == "2026-03-08T12:00:00Z"
    assert practice.due("reminder_2h") == "2026-03-09T10:00:00Z"


def test_reminders_go_out_at_their_moments_and_never_again(practice: Practice) -> None:
    hear_session(practice)
    practice.pass_time(days=5, hours=23, minutes=59)
    assert practice.fared() == []

    practice.pass_time(minutes=1)
    assert practice.reminders()[EMAIL_24H] == ("sent", None)
    assert practice.reminders()[SMS_24H] == ("sent", None)
    assert practice.reminders()[EMAIL_2H] == ("planned", None)
    practice.pass_time(hours=22)
    practice.pass_time(hours=3)

    assert practice.subjects() == [
        "Reminder: Coaching on Monday, 9 March 2026 at 13:00",
        "Soon: Coaching at 13:00",
    ]
    assert [row["body"] for row in practice.texts()] == [
        "Reminder: Coaching with Praxis Sommer on 09/03/2026 at 13:00. Reply STOP to get no more texts."
    ]


def test_a_moved_session_is_reminded_of_once_at_its_new_time(practice: Practice) -> None:
    hear_session(practice)
    practice.hear("session.rescheduled", session(2, starts_at=NOON + WEEK + timedelta(days=2)))
    practice.work()
    practice.pass_time(days=6, hours=12)
    assert [kind for kind, _, _ in practice.fared()] == ["rescheduled"]

    practice.pass_time(days=1, hours=12)

    assert practice.fared("status=sent").count(("reminder_24h", "email", "sent")) == 1
    assert len(practice.reminders()) == 3


def test_a_session_moved_after_its_reminder_is_reminded_of_again_at_the_new_time(practice: Practice) -> None:
    hear_session(practice)
    practice.pass_time(days=6)
    practice.hear("session.rescheduled", session(2, starts_at=NOON + timedelta(days=9)))
    practice.work()
    practice.pass_time(days=2)

    assert [kind for kind, channel, _ in practice.fared() if channel == "email"] == [
        "reminder_24h",
        "rescheduled",
        "reminder_24h",
    ]


def test_a_cancelled_session_is_reminded_of_by_nothing(practice: Practice) -> None:
    hear_session(practice)
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[cancellation()]))
    practice.work()
    practice.pass_time(days=8)

    assert practice.reminders() == dict.fromkeys((EMAIL_24H, SMS_24H, EMAIL_2H), ("cancelled", "session_cancelled"))
    assert practice.fared() == [("cancelled", "email", "sent")]


def test_a_session_cancelled_between_claim_and_sending_is_not_reminded_of(practice: Practice) -> None:
    from notifications.operations.dispatching import dispatch

    hear_session(practice)
    practice.clock.moment += timedelta(days=6)
    assert dispatch(practice.context) == 2
    practice.hear(
        "session.cancelled",
        session(2, status="cancelled", cancellations=[cancellation()]),
        at=NOON - timedelta(days=2),
    )
    practice.work()

    assert practice.mails() == []
    assert practice.texts() == []
    assert practice.reminders()[EMAIL_24H] == ("cancelled", "session_cancelled")


def test_a_restored_session_is_planned_anew_and_what_is_past_is_skipped(practice: Practice) -> None:
    hear_session(practice)
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[cancellation()]))
    practice.pass_time(days=6, hours=1)
    practice.hear("session.restored", session(3, cancellations=[cancellation(restored_at=NOON)]))

    assert practice.reminders() == {
        EMAIL_24H: ("skipped", "too_late"),
        SMS_24H: ("skipped", "too_late"),
        EMAIL_2H: ("planned", None),
    }


def test_a_session_made_shortly_before_its_start_says_what_it_is_too_late_for(practice: Practice) -> None:
    hear_session(practice, starts_at=NOON + timedelta(hours=3))

    assert practice.reminders() == {
        EMAIL_24H: ("skipped", "too_late"),
        SMS_24H: ("skipped", "too_late"),
        EMAIL_2H: ("planned", None),
    }


def test_what_the_plan_does_not_include_is_skipped_and_listed(practice: Practice) -> None:
    practice.hear("account.updated", account(2, plan="free"))
    hear_session(practice)

    assert practice.reminders() == {
        EMAIL_24H: ("planned", None),
        SMS_24H: ("skipped", "plan"),
        EMAIL_2H: ("skipped", "plan"),
    }


def test_a_downgrade_stops_what_is_no_longer_included_and_an_upgrade_plans_it_again(practice: Practice) -> None:
    hear_session(practice)
    practice.hear("account.updated", account(2, plan="pro"))
    practice.work()
    assert practice.reminders()[SMS_24H] == ("skipped", "plan")

    practice.hear("account.updated", account(3, plan="max"))
    practice.work()
    assert practice.reminders()[SMS_24H] == ("planned", None)


def test_a_downgrade_between_claim_and_sending_stops_the_text(practice: Practice) -> None:
    from notifications.operations.dispatching import dispatch

    hear_session(practice)
    practice.clock.moment += timedelta(days=6)
    dispatch(practice.context)
    practice.hear("account.updated", account(2, plan="pro"))
    practice.work()

    assert practice.texts() == []
    assert practice.reminders()[SMS_24H] == ("skipped", "plan")
    assert practice.reminders()[EMAIL_24H] == ("sent", None)


def test_a_client_who_gets_an_address_is_planned_for(practice: Practice) -> None:
    practice.hear("client.updated", client(2, email=None, phone=None))
    hear_session(practice)
    assert practice.reminders()[EMAIL_24H] == ("skipped", "no_email")
    assert practice.reminders()[SMS_24H] == ("skipped", "no_phone")

    practice.hear("client.updated", client(3))

    assert practice.reminders() == dict.fromkeys((EMAIL_24H, SMS_24H, EMAIL_2H), ("planned", None))


def test_reminders_of_a_deleted_client_stop_until_it_is_restored(practice: Practice) -> None:
    hear_session(practice)
    practice.hear("client.deleted", client(2, deleted=True))
    assert practice.reminders()[EMAIL_24H] == ("skipped", "turned_off")

    practice.hear("client.restored", client(3))
    assert practice.reminders()[EMAIL_24H] == ("planned", None)


def test_a_change_of_settings_reaches_sessions_to_come_and_sends_nothing_at_once(practice: Practice) -> None:
    off = {"kinds": {"reminder_24h": {"email": False}, "reminder_2h": {"email": False}}}
    assert practice.call("PUT", "/v1/settings", off).status_code == 200
    hear_session(practice)
    assert practice.reminders()[EMAIL_2H] == ("skipped", "turned_off")
    practice.pass_time(days=6, hours=1)

    practice.call("PUT", "/v1/settings", {})
    practice.work()

    assert practice.reminders()[EMAIL_24H] == ("skipped", "too_late")
    assert practice.reminders()[EMAIL_2H] == ("planned", None)
    assert practice.mails() == []


def test_the_three_switches_of_sms(practice: Practice) -> None:
    hear_session(practice)
    for switches in (
        {"enabled": False},
        {"calendars": {"cal_1": False}},
        {"services": {"svc_1": False}},
        {"enabled": False, "calendars": {"cal_1": True}},
    ):
        practice.call("PUT", "/v1/settings", {"sms": switches})
        practice.work()
        assert practice.reminders()[SMS_24H] == ("skipped", "turned_off"), switches
        practice.call("PUT", "/v1/settings", {})
        practice.work()
        assert practice.reminders()[SMS_24H] == ("planned", None)


def test_quiet_hours_hold_a_text_until_they_end(practice: Practice) -> None:
    practice.call("PUT", "/v1/settings", {"quiet_hours": {"start": "21:00", "end": "08:00"}})
    hear_session(practice, starts_at=NOON + WEEK + timedelta(hours=9))

    # 22:00 in Berlin, so that the text waits for 08:00; the email does not.
    assert practice.due("reminder_24h", "email") == "2026-03-08T21:00:00Z"
    assert practice.due("reminder_24h", "sms") == "2026-03-09T07:00:00Z"
    practice.pass_time(days=6, hours=10)
    assert practice.texts() == []
    practice.pass_time(hours=9)
    assert len(practice.texts()) == 1


def test_across_a_change_of_the_clocks_a_day_is_24_hours_and_quiet_hours_are_the_client_s(practice: Practice) -> None:
    """The night between is an hour shorter in New York, where the client is, and not in Berlin, where the account is."""
    practice.hear("client.updated", client(2, timezone="America/New_York"))
    practice.call("PUT", "/v1/settings", {"quiet_hours": {"start": "12:30", "end": "13:30"}})
    practice.hear("session.created", session(starts_at=datetime(2026, 3, 8, 18, tzinfo=UTC)))

    assert practice.due("reminder_24h") == "2026-03-07T18:00:00Z"
    assert practice.due("reminder_24h", "sms") == "2026-03-07T18:30:00Z"
    practice.clock.moment = datetime(2026, 3, 7, 18, tzinfo=UTC)
    practice.work()
    assert practice.texts() == []
    assert practice.reminders()["reminder_24h", "email"] == ("sent", None)
    mail = practice.mails()[-1].get_body(("plain",))
    assert mail is not None
    assert {"Sunday, 8 March 2026, 14:00–15:00", "Eastern Daylight Time"} <= set(mail.get_content().splitlines())
    practice.pass_time(minutes=30)
    assert len(practice.texts()) == 1


def test_quiet_hours_that_reach_past_the_start_skip_the_text(practice: Practice) -> None:
    night = {"start": "21:00", "end": "08:00"}
    practice.call("PUT", "/v1/settings", {"quiet_hours": night, "kinds": {"reminder_2h": {"sms": True}}})
    hear_session(practice, starts_at=NOON + WEEK - timedelta(hours=6))

    # 07:00 in Berlin: the text of 05:00 would have to wait for 08:00.
    assert practice.reminders()["reminder_2h", "sms"] == ("skipped", "quiet_hours")
    assert practice.reminders()[SMS_24H] == ("planned", None)


def test_the_quota_of_texts_counts_the_account_s_month(practice: Practice) -> None:
    practice.call("PUT", "/v1/settings", {"sms": {"quota": 1}})
    for number in (1, 2):
        hear_session(practice, id=f"ses_{number}", starts_at=NOON + WEEK + timedelta(minutes=number))
    practice.pass_time(days=6, minutes=5)

    assert practice.reminders("ses_1")[SMS_24H] == ("sent", None)
    assert practice.reminders("ses_2")[SMS_24H] == ("skipped", "quota")
    # Another month, another fifty.
    hear_session(practice, id="ses_3", starts_at=NOON + timedelta(days=40))
    practice.pass_time(days=33)
    assert practice.reminders("ses_3")[SMS_24H] == ("sent", None)


def test_a_reminder_later_than_it_may_be_is_skipped(practice: Practice) -> None:
    hear_session(practice)
    practice.clock.moment += timedelta(days=6, hours=6, seconds=1)
    practice.work()

    assert practice.reminders()[EMAIL_24H] == ("skipped", "too_late")
    assert practice.mails() == []


def test_a_reminder_that_is_late_within_bounds_is_sent(practice: Practice) -> None:
    hear_session(practice)
    practice.clock.moment += timedelta(days=6, hours=5)
    practice.work()

    assert practice.reminders()[EMAIL_24H] == ("sent", None)


def test_resync_fills_an_emptied_service_with_the_same_reminders_and_sends_nothing(practice: Practice) -> None:
    sessions = [
        session(id="ses_far", starts_at=NOON + timedelta(days=20)),
        session(2, id="ses_off", status="cancelled", cancellations=[cancellation()]),
        session(4, id="ses_near", starts_at=NOON + timedelta(hours=30)),
    ]
    for each in sessions:
        practice.hear("session.created", each, at=NOON - timedelta(days=2))
    before = ledger(practice)
    for table in ("accounts", "clients", "sessions", "reminders", "deliveries"):
        with practice.service.store.transaction():
            practice.service.store.execute(f"DELETE FROM {table}")

    for each in sessions:
        practice.hear("session.snapshot", each)
    practice.hear("client.snapshot", client())
    practice.hear("account.snapshot", account())
    practice.work()

    assert ledger(practice) == before
    assert practice.mails() == []
    assert practice.texts() == []


def ledger(practice: Practice) -> list[tuple[object, ...]]:
    names = ("session_id", "kind", "channel", "starts_at", "due_at", "status", "reason")
    return sorted(tuple(row[name] for name in names) for row in practice.rows("reminders"))


def test_invariants_hold_and_find_what_breaks_them(practice: Practice) -> None:
    hear_session(practice)
    practice.pass_time(days=6)
    assert all(invariant.query() == [] for invariant in practice.service.invariants())

    with practice.service.store.transaction():
        practice.service.store.execute("UPDATE sessions SET status = 'cancelled'")

    broken = {invariant.name for invariant in practice.service.invariants() if invariant.query()}
    assert broken == {"no reminder is planned for a cancelled session or another start"}


def test_the_dispatcher_tells_when_it_will_next_have_something_to_do(practice: Practice) -> None:
    [job] = [job for job in practice.service.jobs() if job.name == "dispatch"]
    assert job.next_due is not None
    assert job.next_due() is None

    hear_session(practice)

    assert job.next_due() == NOON + timedelta(days=6)
    assert b"oldest_due_age_seconds 0.0" in practice.app.test_client().get("/metrics").data
    practice.clock.moment += timedelta(days=6, seconds=42)
    assert b"oldest_due_age_seconds 42.0" in practice.app.test_client().get("/metrics").data
