"""Promises 2, 3 and 4: effects once, order does not matter, a bad event stops nobody."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from shared.chassis.tests.driver import DEAD, Bench, send_raw, together

from chassis import broker as chassis_broker
from chassis import inbox
from chassis.ids import new_event_id
from chassis.inbox import Event, Message
from chassis.problems import Conflict, NotFound
from chassis.statements import Question
from support.backing import Broker
from support.waiting import wait_until


def run_kept(bench: Bench, times: int = 1) -> None:
    """Let the retries run, each when it is due."""
    taking = bench.inbox()
    for _ in range(times):
        due = taking._next_due()
        if due is None:
            return
        bench.clock.jump_to(due)
        taking.retry_due()


# --- effects once ---------------------------------------------------------------------------------------------------


def test_the_same_event_twice_has_one_effect(stored: Bench) -> None:
    message = stored.message(id="evt-1")

    stored.inbox().take([message, message])
    stored.inbox().take([message])

    assert stored.entries("evt-1") == 1
    assert stored.metric("events_handled_total", type="account.created", outcome="repeated") == 2


def test_an_event_is_known_by_its_id_and_its_handler(stored: Bench) -> None:
    stored.inbox().take([stored.message(id="evt-1"), stored.message(id="evt-1", type="account.updated")])

    assert stored.entries("evt-1") == 2


def test_a_snapshot_says_nothing_of_the_lag(stored: Bench) -> None:
    stored.clock.jump_to(stored.clock.now() - timedelta(days=30))
    old = stored.message(type="account.snapshot")
    stored.clock.jump_to(stored.clock.now() + timedelta(days=30))

    stored.inbox().take([old])
    assert stored.metric("inbox_lag_seconds") == 0
    stored.inbox().take(
        [stored.message(subject="acc_two"), replace(old, headers={**old.headers, "cloudEvents_id": "evt-2"})]
    )
    assert stored.metric("inbox_lag_seconds") < 60


def test_the_same_events_in_several_consumers_at_once_have_one_effect(stored: Bench) -> None:
    messages = [stored.message(id=f"evt-{number}", subject=f"acc_{number}") for number in range(40)]

    def take(number: int) -> None:
        # Each in an order of its own, as queues give no promise of any.
        stored.inbox().take(messages if number % 2 else messages[::-1])

    assert together(6, take) == [None] * 6
    assert stored.rows("SELECT count(*), count(DISTINCT event_id) FROM entries") == [(40, 40)]


def test_what_a_handler_asks_is_asked_with_the_beginning_for_the_first_alone(stored: Bench) -> None:
    service, answers = stored.service, list[object]()
    note = service.handlers()["account.updated"]

    def asked(event: Event) -> list[Question]:
        return [service.store.question("SELECT name FROM subjects WHERE id = %s", (event.subject,))]

    def noted(event: Event) -> None:
        note(event)  # no handler is to do so before it has asked: it shows when that was
        answers.extend(service.store.ask(question) for question in asked(event))

    taking = inbox.Inbox(
        store=service.store,
        wakeups=service.wakeups,
        clock=service.clock,
        metrics=service.metrics,
        handlers={"account.updated": inbox.Asking(noted, asked)},
    )
    messages = [stored.message(id=f"evt-{name}", name=name, type="account.updated") for name in ("one", "two")]
    taking.take(messages)
    assert answers == [[], [("two",)]]
    taking.take(messages)  # they were seen before
    assert len(answers) == 2


def test_a_batch_that_fails_is_taken_one_at_a_time(stored: Bench) -> None:
    messages = [stored.message(id=f"evt-{number}", subject=f"acc_{number}") for number in range(10)]
    messages[4] = stored.message(id="evt-4", name="failing")

    stored.inbox().take(messages)

    assert stored.entries() == 9
    assert stored.status("evt-4") == "pending"
    assert [entry.error for entry in stored.kept("pending")] == ["Refused: the name says so"]


# --- failing, backing off, parking ----------------------------------------------------------------------------------


def test_a_failing_event_is_retried_with_backoff_then_parked_then_finished_by_hand(
    store_url: str, benches: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEDGER_MENDED", str(tmp_path / "mended"))
    bench = benches(store_url, inbox_attempts=4)
    bench.inbox().take([bench.message(id="evt-bad", name="failing"), bench.message(id="evt-good", subject="acc_two")])
    assert bench.inbox().retry_due() == 0, "it is not due at once"

    waits = []
    for _ in range(3):
        before = bench.clock.now()
        run_kept(bench)
        waits.append(bench.clock.now() - before)

    assert timedelta(seconds=0.2) < waits[0] <= timedelta(seconds=0.6)
    assert timedelta(seconds=0.9) < waits[2] <= timedelta(seconds=2.1)
    assert bench.status("evt-bad") == "parked"
    assert bench.entries("evt-good") == 1
    entry = inbox.entry(bench.service.store, "evt-bad")
    assert entry.attempts == 4
    assert entry.error == "Refused: the name says so"
    assert json.loads(entry.body or "")["name"] == "failing"

    (tmp_path / "mended").touch()
    inbox.retry(bench.service.store, bench.service.wakeups, "evt-bad", bench.clock.now())
    run_kept(bench)

    assert bench.status("evt-bad") == "done"
    assert bench.entries("evt-bad") == 1
    assert bench.rows("SELECT headers, body, error FROM inbox WHERE event_id = %s", "evt-bad") == [(None, None, None)]


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(0, 0.5), (1, 0.5), (2, 1), (5, 8), (11, 512), (12, 600), (50, 600), (10_000, 600)]
)
def test_the_pause_doubles_up_to_its_limit_however_often_something_is_tried(attempt: int, seconds: float) -> None:
    pauses = [inbox.backoff(attempt).total_seconds() for _ in range(50)]

    assert seconds / 2 <= min(pauses) < max(pauses) <= seconds
    assert inbox.backoff(attempt, timedelta(seconds=7)) <= timedelta(seconds=7)


def test_a_failing_event_does_not_hold_up_those_behind_it(bench: Bench) -> None:
    bench.relay()
    bench.consumer()

    bad = bench.publish(name="failing")
    good = [bench.publish(subject=f"acc_{number}") for number in range(5)]

    wait_until(lambda: all(bench.status(id_) == "done" for id_ in good), what="the good ones")
    assert bench.status(bad) in {"pending", "running"}


def test_an_attempt_that_a_later_one_overtook_changes_nothing(stored: Bench) -> None:
    stored.inbox().take([stored.message(id="evt-1", name="failing")])
    taking = stored.inbox()
    stored.clock.jump_to(stored.clock.now() + timedelta(seconds=5))
    slow = taking._claim_due()
    assert slow is not None
    stored.clock.jump_to(stored.clock.now() + timedelta(seconds=60))
    fast = taking._claim_due()
    assert fast is not None
    with stored.service.store.transaction():
        taking._settle(fast, inbox.InboxStatus.DONE, error=None, keep_message=False)

    taking._note_failure(slow, "too late", False)
    taking._park(slow, "too late")
    taking._wait(slow, "cli_one")

    assert stored.status("evt-1") == "done"
    assert taking._next_due() is None


def test_a_kept_row_that_cannot_be_read_any_more_holds_nothing_up(stored: Bench) -> None:
    stored.inbox().take([stored.message(id=f"evt-{n}", name="failing") for n in range(2)])
    stored.service.store.run(
        lambda: _write(
            stored, "UPDATE inbox SET headers = '{}', next_attempt_at = received_at WHERE event_id = 'evt-0'"
        )
    )

    run_kept(stored, 2)

    assert stored.status("evt-0") == "parked"
    assert stored.kept("pending")[0].attempts == 2


def test_a_newer_version_is_parked_until_an_upgrade(stored: Bench) -> None:
    message = stored.message(id="evt-1")
    headers = {**message.headers, "cloudEvents_dataschema": "urn:timeblu:account.created:7"}

    stored.inbox().take([replace(message, headers=headers)])

    assert stored.status("evt-1") == "parked"
    assert "version 7" in (stored.kept("parked")[0].error or "")


def test_what_was_handled_is_no_news_to_a_release_that_cannot_read_it(stored: Bench) -> None:
    def gone(_: Event) -> None:
        raise AssertionError("it was seen before")

    message = stored.message(id="evt-1")
    stored.inbox().take([message])
    newer = {**message.headers, "cloudEvents_dataschema": "urn:timeblu:account.created:7"}
    stored.inbox().take([replace(message, headers=newer)])
    stored.inbox().take([replace(message, body=b"no JSON"), stored.message(id="evt-2", subject="acc_two")])
    asking = inbox.Inbox(
        store=stored.service.store,
        wakeups=stored.service.wakeups,
        clock=stored.clock,
        metrics=stored.service.metrics,
        handlers={"account.created": inbox.Asking(gone, lambda _: [])},
    )
    asking.take([replace(message, headers=newer)])

    assert stored.metric("events_handled_total", type="account.created", outcome="repeated") == 3
    assert stored.metric("events_handled_total", type="account.created", outcome="parked") == 0
    assert stored.entries() == 2
    assert not stored.kept("parked")


def test_data_that_its_version_does_not_allow_is_parked(stored: Bench) -> None:
    message = stored.message(id="evt-1")

    stored.inbox().take([replace(message, body=message.body.replace(b'"max"', b'"huge"'))])

    assert stored.status("evt-1") == "parked"


def test_unknown_fields_are_passed_over(stored: Bench) -> None:
    message = stored.message(id="evt-1")

    stored.inbox().take([replace(message, body=message.body.replace(b'"plan"', b'"shoe_size":44,"plan"'))])

    assert stored.status("evt-1") == "done"


def test_an_event_that_nobody_here_handles_is_passed_over(stored: Bench) -> None:
    message = stored.message(id="evt-1", type="client.deleted", account_id="acc_one")

    stored.inbox().take([message])

    assert stored.status("evt-1") is None


def test_a_type_that_this_release_does_not_know_is_parked_until_an_upgrade(stored: Bench) -> None:
    message = stored.message(id="evt-1")
    newer = {
        **message.headers,
        "cloudEvents_type": "account.closed",
        "cloudEvents_dataschema": "urn:timeblu:account.closed:1",
    }

    stored.inbox().take([replace(message, headers=newer), stored.message(id="evt-good", subject="acc_two")])

    assert stored.status("evt-good") == "done"
    assert stored.kept("parked")[0].error == "NoHandler: no handler for account.closed"
    inbox.retry(stored.service.store, stored.service.wakeups, "evt-1", stored.clock.now())
    assert stored.inbox().retry_due() == 1
    assert stored.status("evt-1") == "parked", "trying again cannot help"


# --- what cannot be decoded -----------------------------------------------------------------------------------------

_GOOD = {
    "cloudEvents_specversion": "1.0",
    "cloudEvents_id": "evt-raw",
    "cloudEvents_source": "test",
    "cloudEvents_type": "account.created",
    "cloudEvents_subject": "acc_one",
    "cloudEvents_time": "2026-01-01T00:00:00Z",
    "cloudEvents_dataschema": "urn:timeblu:account.created:1",
    "cloudEvents_accountid": "acc_one",
    "cloudEvents_sequence": "1",
}


class _Millennia(datetime):
    """Milliseconds where AMQP counts seconds: a date of the year 55,000, which Python does not know."""

    def __new__(cls) -> Self:
        return super().__new__(cls, 2026, 1, 1)

    def utctimetuple(self) -> time.struct_time:
        return time.struct_time((1970, 1, 1, 470_000_000, 0, 0, 0, 1, 0))  # in hours


UNDECODABLE = {
    "not UTF-8": Message(headers=_GOOD, body=b"\xff\xfe\x00"),
    "not JSON": Message(headers=_GOOD, body=b"{"),
    "no object": Message(headers=_GOOD, body=b"[1]"),
    "empty": Message(headers=_GOOD, body=b""),
    "NaN": Message(headers=_GOOD, body=b'{"version": NaN}'),
    "too deep": Message(headers=_GOOD, body=b'{"a":' + b"[" * 100_000),
    "a raw NUL": Message(headers=_GOOD, body=b'{"name": "a\x00b"}'),
    "no headers": Message(headers={}, body=b"{}"),
    "a header of another kind": Message(headers={**_GOOD, "cloudEvents_id": {"a": [1, None]}}, body=b"{}"),
    "a NUL in a header": Message(headers={**_GOOD, "cloudEvents_id": "a\x00b"}, body=b"{}"),
}


@pytest.mark.parametrize("name", UNDECODABLE)
def test_what_cannot_be_decoded_is_parked_as_bytes_once(stored: Bench, name: str) -> None:
    message = UNDECODABLE[name]

    stored.inbox().take([message, stored.message(id="evt-good")])
    stored.inbox().take([replace(message, delivered_before=True)])

    (entry,) = stored.kept("parked")
    assert bytes.fromhex(inbox.entry(stored.service.store, entry.event_id).body or "") == message.body
    assert stored.status("evt-good") == "done"
    with pytest.raises(Conflict):
        inbox.retry(stored.service.store, stored.service.wakeups, entry.event_id, stored.clock.now())
    inbox.discard(stored.service.store, entry.event_id)
    assert stored.kept("parked") == []


@pytest.mark.parametrize("delivered_before", [False, True], ids=["first", "again"])
def test_what_no_column_takes_is_kept_all_the_same(stored: Bench, delivered_before: bool) -> None:
    # An escaped NUL is right JSON, and no text of PostgreSQL; an id of 10,000 random characters fits into no index.
    nul = stored.message(id="evt-nul", name="a\0b", delivered_before=delivered_before)
    longest = stored.message(
        id="".join(new_event_id() for _ in range(300)), name="failing", delivered_before=delivered_before
    )

    stored.inbox().take([nul, longest, stored.message(id="evt-good")])
    run_kept(stored, 3)

    assert stored.status("evt-good") == "done"
    assert len(stored.rows("SELECT 1 FROM inbox")) == 3, "each of them is kept, in one form or another"


@pytest.mark.integration
def test_whatever_lies_in_the_queue_the_consumer_goes_on(suite: Bench, broker: Broker) -> None:
    suite.consumer()
    strange = [
        replace(m, headers={k: v for k, v in m.headers.items() if v != {"a": [1, None]}}) for m in UNDECODABLE.values()
    ]
    strange.append(Message(headers={"x-delivery-count": "many", "x-death": "never", "compression": "zip"}, body=b"x"))
    strange.append(Message(headers={**_GOOD, "date": _Millennia()}, body=b"{ }"))

    send_raw(suite.service.settings.broker_url, [*strange, suite.message(id="evt-good")])
    send_raw(suite.service.settings.broker_url, [Message(headers={"x-death": 7}, body=b"\xff")], queue=DEAD)

    suite.wait_status("evt-good", "done")
    wait_until(lambda: len(suite.kept("dead")) == 1, what="the dead letter to be kept")
    assert len(suite.kept("parked")) == len(strange)
    assert broker.depth(suite.service.settings.broker_url, "payments.events") == 0


# --- waiting for a subject ------------------------------------------------------------------------------------------


def test_an_event_waits_for_its_subject_without_that_counting_as_a_failure(stored: Bench) -> None:
    stored.inbox().take(
        [stored.message(id="evt-client", type="client.created", subject="cli_one", account_id="acc_one")]
    )
    assert stored.status("evt-client") == "waiting"

    run_kept(stored, 20)
    (entry,) = stored.kept("waiting")
    assert entry.attempts == 0
    assert entry.waiting_for == "acc_one"
    assert entry.next_attempt_at is not None
    assert entry.next_attempt_at - stored.clock.now() <= timedelta(minutes=1)

    stored.inbox().take([stored.message(id="evt-account")])
    assert stored.inbox().retry_due() == 1, "it is due at once"
    assert stored.status("evt-client") == "done"
    assert stored.entries("evt-client") == 1


def test_waiting_is_over_within_moments_of_the_subjects_arrival(bench: Bench) -> None:
    bench.relay()
    bench.consumer()
    early = [bench.publish(type="client.created", subject=f"cli_{number}", account_id="acc_one") for number in range(5)]
    wait_until(lambda: len(bench.kept("waiting")) == 5, what="all to wait")

    bench.publish(subject="acc_one")

    wait_until(lambda: all(bench.status(id_) == "done" for id_ in early), deadline=3, what="all to be handled")


# --- what kills its worker, and the store's absence -----------------------------------------------------------------


def test_a_message_that_was_delivered_before_is_run_alone_and_its_attempt_is_committed_first(stored: Bench) -> None:
    stored.inbox().take(
        [stored.message(id="evt-1", delivered_before=True), stored.message(id="evt-2", subject="acc_2")]
    )

    assert stored.status("evt-2") == "done"
    assert stored.status("evt-1") == "pending"
    kept = stored.inbox()._claim_due()
    assert kept is not None
    assert stored.rows("SELECT status, attempts FROM inbox WHERE event_id = 'evt-1'") == [("running", 1)]


def test_an_event_whose_attempts_left_no_outcome_is_parked(stored: Bench) -> None:
    stored.inbox().take([stored.message(id="evt-1", delivered_before=True)])
    taking = stored.inbox()
    for _ in range(3):
        assert taking._claim_due() is not None  # and there the worker dies
        assert taking.retry_due() == 0, "its lease has not ended"
        stored.clock.jump_to(stored.clock.now() + timedelta(seconds=6))

    assert taking.retry_due() == 1

    assert stored.status("evt-1") == "parked"
    assert stored.kept("parked")[0].error == "its worker died 3 times"
    assert stored.entries() == 0


def test_an_attempt_that_the_stores_absence_cut_short_is_taken_back(
    stored: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chassis.store import StoreDown

    stored.inbox().take([stored.message(id="evt-1", delivered_before=True)])
    taking = stored.inbox()

    def down(event: Event) -> None:
        raise StoreDown

    handlers = taking._handlers
    for _ in range(5):
        taking._handlers = {"account.created": down}
        with pytest.raises(StoreDown):
            taking.retry_due()
        stored.clock.jump_to(stored.clock.now() + timedelta(seconds=6))
    taking._handlers = handlers
    assert taking.retry_due() == 1

    assert stored.status("evt-1") == "done"
    assert stored.rows("SELECT attempts FROM inbox") == [(1,)]


# --- operators ------------------------------------------------------------------------------------------------------


def test_an_operator_lists_retries_and_discards(stored: Bench) -> None:
    stored.inbox().take([stored.message(id="evt-1", name="failing"), stored.message(id="evt-2", name="failing")])
    store, wakeups = stored.service.store, stored.service.wakeups

    assert {entry.event_id for entry in inbox.entries(store, status=None, after=None, limit=10)} == {"evt-1", "evt-2"}
    assert inbox.retry(store, wakeups, "evt-1", stored.clock.now()).attempts == 0
    inbox.discard(store, "evt-2")

    assert [entry.event_id for entry in inbox.entries(store, status=None, after=None, limit=10)] == ["evt-1"]
    assert inbox.entry(store, "evt-2").body is None
    with pytest.raises(Conflict):
        inbox.discard(store, "evt-2")
    with pytest.raises(Conflict):
        inbox.retry(store, wakeups, "evt-2", stored.clock.now())
    with pytest.raises(NotFound):
        inbox.entry(store, "evt-unknown")
    stored.inbox().take([stored.message(id="evt-2")])
    assert stored.entries("evt-2") == 0, "a replay does not bring it back"


@pytest.mark.integration
def test_dead_letters_are_kept_and_can_be_requeued(suite: Bench) -> None:
    with chassis_broker.connect(suite.service.settings.broker_url) as connection:
        chassis_broker.declare(connection)
    send_raw(suite.service.settings.broker_url, [suite.message(id="evt-dead")])
    _reject_all(suite.service.settings.broker_url, "payments.events")
    suite.consumer()
    operator = suite.http()

    wait_until(lambda: suite.status("evt-dead") == "dead", what="the dead letter to be kept")
    (listed,) = (operator.get("/v1/ops/dead").json or {})["data"]
    assert listed["id"] == listed["event_id"] == "evt-dead"
    assert listed["error"] == "dead-lettered: rejected from payments.events"
    assert operator.post("/v1/ops/dead/evt-unknown/requeue").status_code == 404
    assert (operator.post("/v1/ops/dead/evt-dead/requeue").json or {})["status"] == "pending"

    suite.wait_status("evt-dead", "done")
    assert suite.entries("evt-dead") == 1
    assert operator.post("/v1/ops/dead/evt-dead/requeue").status_code == 404


@pytest.mark.integration
def test_a_senders_dead_letter_goes_back_to_its_queue(suite: Bench, broker: Broker) -> None:
    url = suite.service.settings.broker_url
    with chassis_broker.connect(url) as connection:
        chassis_broker.declare(connection)
    with suite.service.store.transaction():
        sent = suite.service.outbox.send(
            queue="notifications.email",
            type="delivery.due",
            subject="del_one",
            account_id="acc_one",
            sequence=1,
            data={"id": "del_one", "account_id": "acc_one", "version": 1, "channel": "email"},
        )
    suite.relay()
    wait_until(lambda: broker.depth(url, "notifications.email") == 1, what="the work")
    letter = _take_one(url, "notifications.email")
    suite.inbox().keep_dead(letter, "dead-lettered: delivery_limit from notifications.email")
    assert suite.status(sent) == "dead"

    assert suite.http().post(f"/v1/ops/dead/{sent}/requeue").status_code == 200

    wait_until(lambda: broker.depth(url, "notifications.email") == 1, what="the work again")
    assert suite.status(sent) is None


def test_done_ids_are_forgotten_after_their_time_and_what_is_kept_never(stored: Bench) -> None:
    stored.inbox().take([stored.message(id="evt-done"), stored.message(id="evt-kept", name="failing")])

    def forget() -> int:
        return inbox.delete_done(stored.service.store, now=stored.clock.now(), keep=timedelta(days=30))

    assert forget() == 0
    stored.clock.jump_to(stored.clock.now() + timedelta(days=31))
    assert forget() == 1
    assert stored.status("evt-kept") == "pending"


def test_tests_and_tools_can_hand_an_event_to_a_service(stored: Bench) -> None:
    data = json.loads(stored.message().body)
    event = Event(
        id=new_event_id(),
        type="account.created",
        subject="acc_one",
        account_id="acc_one",
        sequence=1,
        time=stored.clock.now(),
        data=data,
    )

    inbox.handle(stored.service, event)

    assert stored.entries(event.id) == 1


def _write(bench: Bench, sql: str) -> None:
    with bench.service.store.transaction():
        bench.service.store.execute(sql)


def _reject_all(url: str, queue: str) -> None:
    import pika

    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    method, _, _ = channel.basic_get(queue)
    assert method is not None
    channel.basic_reject(method.delivery_tag, requeue=False)
    connection.close()


def _take_one(url: str, queue: str) -> Message:
    import pika

    connection = pika.BlockingConnection(pika.URLParameters(url))
    method, properties, body = connection.channel().basic_get(queue, auto_ack=True)
    assert method is not None
    connection.close()
    return Message(headers=properties.headers or {}, body=body)
