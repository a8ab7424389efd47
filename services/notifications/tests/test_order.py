"""In whatever order events come, and however often: the same reminders, the same messages."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from services.notifications.tests.conftest import MakePractice
from services.notifications.tests.driver import (
    NOON,
    Practice,
    account,
    cancellation,
    client,
    deposit,
    refund,
    session,
    terms,
)

from chassis.ids import new_event_id

LATER = NOON + timedelta(days=9)
PAID = {"status": "paid", "held_amount": 2000, "due_amount": 0}
BACK = {"status": "partially_refunded", "held_amount": 1000, "due_amount": 0, "refunded_amount": 1000}
DECIDED = [cancellation(refund="refund")]
RESTORED = [cancellation(refund="refund", restored_at=NOON)]
HISTORY: list[tuple[str, dict[str, Any]]] = [
    ("account.created", account()),
    ("client.created", client()),
    ("client.updated", client(2, name="Ada W.")),
    ("session.created", session(deposit=terms())),
    ("deposit.required", deposit()),
    ("session.updated", session(2, deposit=terms(id="dep_1"))),
    ("deposit.paid", deposit(2, **PAID)),
    ("session.updated", session(3, deposit=terms("paid", id="dep_1", held_amount=2000, due_amount=0))),
    ("session.rescheduled", session(4, starts_at=LATER)),
    ("session.cancelled", session(5, starts_at=LATER, status="cancelled", cancellations=DECIDED)),
    ("deposit.refund_pending", deposit(3, **PAID | {"status": "refund_pending"})),
    ("refund.succeeded", refund(2, deposit=deposit(4, **BACK))),
    ("deposit.partially_refunded", deposit(4, **BACK)),
    ("session.updated", session(6, starts_at=LATER, status="cancelled", cancellations=DECIDED)),
    ("session.restored", session(7, starts_at=LATER, cancellations=RESTORED, deposit=terms(id="dep_1"))),
    ("deposit.required", deposit(5, status="required", held_amount=1000, due_amount=1000)),
]  # fmt: skip


def outcome(practice: Practice) -> dict[str, list[Any]]:
    """What the events made: the messages called for by their keys, the reminders, the replicas."""
    names = ("session_id", "client_id", "kind", "channel", "starts_at", "due_at", "status", "reason")
    return {
        "messages": sorted(row["key"] for row in practice.rows("deliveries") if not row["reminder_id"]),
        "reminders": sorted(tuple(str(row[name]) for name in names) for row in practice.rows("reminders")),
        **{table: practice.rows(table) for table in ("accounts", "clients", "sessions", "deposits", "refunds")},
    }


def empty(practice: Practice) -> None:
    with practice.service.store.transaction():
        for table in (
            "accounts",
            "clients",
            "sessions",
            "deposits",
            "refunds",
            "reminders",
            "deliveries",
            "inbox",
            "outbox",
        ):
            practice.service.store.execute(f"DELETE FROM {table}")


def test_every_order_ends_the_same(make_practice: MakePractice, store_url: str) -> None:
    practice = make_practice(store_url)
    for type_, data in HISTORY:
        practice.hear(type_, data)
    expected = outcome(practice)
    assert len(expected["messages"]) == 8

    for seed in range(8):
        empty(practice)
        events = [(new_event_id(), type_, data) for type_, data in HISTORY] * 2
        random.Random(seed).shuffle(events)
        for event_id, type_, data in events:
            practice.hear(type_, data, event_id=event_id)
        assert outcome(practice) == expected, f"seed {seed}"


def test_of_what_was_overtaken_before_it_was_sent_nothing_is_told(make_practice: MakePractice, sqlite_url: str) -> None:
    practice = make_practice(sqlite_url)
    for type_, data in HISTORY:
        practice.hear(type_, data)
    practice.work()

    kinds = sorted(kind for kind, _, status in practice.fared() if status == "sent")
    assert kinds == ["confirmation", "deposit_paid", "deposit_received", "refund_sent"]
    assert len(practice.mails()) == 4
