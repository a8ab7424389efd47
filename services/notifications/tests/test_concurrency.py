"""Any number of dispatchers and workers at once: each message goes out once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from services.notifications.tests.driver import NOON, Practice, cancellation, client, session

from chassis.inbox import event_of
from chassis.service import Done
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


def test_what_is_taken_together_is_each_judged_and_settled_by_itself(practice: Practice) -> None:
    """Of one portion: some are sent, one was cancelled, one comes twice, one is refused, one is not there, and the quota ends before the last."""
    practice.call("PUT", "/v1/settings", {"sms": {"quota": 5}})
    for number in range(8):
        phone = "+15005550009" if number == 3 else f"+4917012345{number:02}"
        practice.hear("client.created", client(id=f"cli_{number}", phone=phone))
        one = session(id=f"ses_{number}", client_id=f"cli_{number}")
        practice.hear("session.created", one, at=NOON - timedelta(days=2))
    practice.clock.moment += timedelta(days=6)
    dispatch(practice.context)
    cancelled = session(2, id="ses_2", client_id="cli_2", status="cancelled", cancellations=[cancellation()])
    practice.hear("session.cancelled", cancelled)
    # Receipts lead nowhere, so that what is told is told by the worker.
    object.__setattr__(practice.context.settings, "public_url", "http://127.0.0.1:1")
    events = [event_of(due) for due in practice.on_the_queues() if due.decoded()["channel"] == "sms"]
    events = [*events, events[0], replace(events[0], subject="dlv_nowhere")]

    worker = practice.service.workers()["sms"]
    tasks = worker.take(events)
    done = [
        Done(task=task, outcome=worker.call(task), traceparent=f"00-{number:032x}-{number:016x}-01")
        for number, task in enumerate(tasks, start=1)
        if task is not None
    ]
    worker.settle([*done, done[0]])

    assert len(done) == 5
    assert tasks[-2:] == [None, None]
    fared = Counter(row["status"] for row in practice.deliveries("channel=sms&status=queued,sent,failed,skipped"))
    assert fared == {"sent": 4, "failed": 1, "skipped": 3}
    assert len(practice.texts()) == 4
    reasons = Counter(practice.reminders(f"ses_{number}")["reminder_24h", "sms"] for number in range(8))
    assert reasons["skipped", "quota"] == 2
    assert reasons["cancelled", "session_cancelled"] == 1
    assert practice.rows("sms_usage")[0]["used"] == 4
    told = [row for row in practice.rows("outbox") if row["type"] in ("notification.sent", "notification.failed")]
    assert len(told) == 5
    # Each is told in the trace of its own call.
    assert len({str(row["traceparent"]).split("-")[1] for row in told}) == 5
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
