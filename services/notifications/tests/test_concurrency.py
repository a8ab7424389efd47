"""Any number of dispatchers and workers at once: each message goes out once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from services.notifications.tests.driver import NOON, Practice, cancellation, client, session

from notifications.operations.dispatching import dispatch
from notifications.operations.reminding import plan_account

SESSIONS = 25


def test_many_dispatchers_and_workers_send_each_reminder_once(practice: Practice) -> None:
    for number in range(SESSIONS):
        practice.hear("client.created", client(id=f"cli_{number:03}", email=f"ada{number:03}@example.com"))
        practice.hear(
            "session.created",
            session(id=f"ses_{number:03}", client_id=f"cli_{number:03}"),
            at=NOON - timedelta(days=2),
        )
    practice.clock.moment += timedelta(days=6)

    with ThreadPoolExecutor(8) as pool:
        claimed = sum(pool.map(lambda _: dispatch(practice.context), range(8)))
        assert claimed == 2 * SESSIONS
        # Every message of the queues is delivered three times.
        list(pool.map(practice.send, practice.on_the_queues() * 3))

    assert Counter(str(mail["To"]) for mail in practice.mails()) == {
        f"Ada Winter <ada{number:03}@example.com>": 1 for number in range(SESSIONS)
    }
    assert len(practice.texts()) == SESSIONS
    assert practice.rows("sms_usage")[0]["used"] == SESSIONS
    assert all(invariant.query() == [] for invariant in practice.service.invariants())


def test_the_quota_holds_for_many_workers_at_once(practice: Practice) -> None:
    practice.call("PUT", "/v1/settings", {"sms": {"quota": 5}})
    for number in range(15):
        practice.hear("session.created", session(id=f"ses_{number:03}"), at=NOON - timedelta(days=2))
    practice.clock.moment += timedelta(days=6)
    dispatch(practice.context)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(practice.send, practice.on_the_queues()))

    assert len(practice.texts()) == 5


def test_events_that_come_at_once_leave_what_they_leave_one_after_another(practice: Practice) -> None:
    """A session's versions, its client's and its account's, on eight consumers, while its account is planned anew."""
    versions = [session(1), *(session(n, starts_at=NOON + timedelta(days=7, hours=n)) for n in range(2, 12))]
    versions.append(session(12, status="cancelled", cancellations=[cancellation()]))
    versions.append(session(13, cancellations=[cancellation(restored_at=NOON)]))
    heard = [("session.created" if v["version"] == 1 else "session.updated", v) for v in versions]
    heard += [("client.updated", client(n, phone=None if n % 2 else "+491701234567")) for n in range(2, 9)]

    def take(event: tuple[str, dict[str, object]]) -> None:
        practice.hear(*event, at=NOON - timedelta(days=2))
        practice.call("PUT", "/v1/settings", {})
        plan_account(practice.context)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, heard))
    practice.work()

    rows = practice.rows("reminders")
    assert {str(row["status"]) for row in rows} == {"planned"}
    assert len(rows) == 3
    assert practice.due("reminder_24h") == "2026-03-08T12:00:00Z"
    assert all(invariant.query() == [] for invariant in practice.service.invariants())
