"""Events in any order, late and twice: the end is the same as once and in order."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import permutations

import pytest
from services.payments.tests.practice import Practice

from chassis.inbox import Event

Script = Callable[[Practice, str], list[Event]]


def _skip_restore_refund(practice: Practice, session_id: str) -> list[Event]:
    return [
        practice.cancelled(session_id, "skip"),
        practice.restored(session_id),
        practice.cancelled(session_id, "refund"),
    ]


def _refund_restore_cancel(practice: Practice, session_id: str) -> list[Event]:
    return [
        practice.cancelled(session_id, "refund"),
        practice.restored(session_id),
        practice.cancelled(session_id, None),
    ]


def _refund_restore_refund(practice: Practice, session_id: str) -> list[Event]:
    return [
        practice.cancelled(session_id, "refund"),
        practice.restored(session_id),
        practice.cancelled(session_id, "refund"),
    ]


def _undecided_then_refund(practice: Practice, session_id: str) -> list[Event]:
    return [
        practice.cancelled(session_id, None),
        practice.changed(session_id, notes="new"),
        practice.decided(session_id, "refund"),
    ]


def _refund_then_restore(practice: Practice, session_id: str) -> list[Event]:
    return [
        practice.cancelled(session_id, "refund"),
        practice.restored(session_id),
        practice.changed(session_id, notes="new"),
    ]


def _end(practice: Practice, session_id: str) -> tuple[object, ...]:
    deposit = practice.deposit(session_id)
    refunds = [(refund["status"], refund["amount"], refund["reason"]) for refund in deposit["refunds"]]
    return (*practice.standing(session_id), deposit["amount"], deposit["client_id"], sorted(refunds, key=str))


@pytest.mark.parametrize(
    "script",
    [
        _skip_restore_refund,
        _refund_restore_cancel,
        _refund_restore_refund,
        _undecided_then_refund,
        _refund_then_restore,
    ],
)
def test_a_paid_sessions_events_in_every_order(practice: Practice, script: Script) -> None:
    practice.put_settings(refund_percentage=50)
    in_order = practice.paid_session()
    for event in script(practice, in_order):
        practice.hear(event)
        practice.settle_down()
    expected = _end(practice, in_order)
    for order in permutations(range(3)):
        session_id = practice.paid_session()
        events = script(practice, session_id)
        for index in order:
            practice.hear(events[index], events[index])
        practice.hear(*events)
        practice.settle_down()
        assert _end(practice, session_id) == expected, order
    assert practice.violations() == {}


def test_a_session_that_is_first_heard_of_cancelled_ends_like_one_heard_of_in_order(practice: Practice) -> None:
    in_order, created = practice.booked()
    cancelled = practice.cancelled(in_order, None)
    practice.hear(created, cancelled)
    practice.settle_down()
    reversed_, created = practice.booked()
    cancelled = practice.cancelled(reversed_, None)
    practice.hear(cancelled, created)
    practice.settle_down()
    assert _end(practice, reversed_) == _end(practice, in_order)
    assert practice.standing(reversed_)[0] == "canceled"


def test_random_lives_of_sessions_end_the_same_shuffled_as_in_order(practice: Practice) -> None:
    choice = random.Random(20261201)
    for _ in range(8):
        lives = []
        actions = [choice.choice(["refund", "skip", None]) for _ in range(choice.randint(2, 4))]
        for shuffled in (False, True):
            session_id = practice.paid_session()
            events: list[Event] = []
            for action in actions:
                events += [practice.cancelled(session_id, action), practice.restored(session_id)]
            events.append(practice.cancelled(session_id, "refund"))
            if shuffled:
                choice.shuffle(events)
                for event in events:
                    practice.hear(event)
                practice.settle_down()
            else:
                for event in events:
                    practice.hear(event)
                    practice.settle_down()
            lives.append(_end(practice, session_id))
        assert lives[0] == lives[1], actions
    assert practice.violations() == {}


def test_a_session_before_its_client_or_account_waits_and_is_then_handled(practice: Practice) -> None:
    session_id, event = practice.booked(client_id="cli_late")
    practice.hear(event)
    assert practice.deposit(session_id) is None
    practice.hear(practice.client_told("cli_late"))
    _retry_inbox(practice)
    assert practice.standing(session_id)[0] == "required"


def _retry_inbox(practice: Practice) -> None:
    from chassis.inbox import inbox_of

    while inbox_of(practice.service).retry_due():
        pass


def test_older_news_of_a_session_does_not_undo_newer(practice: Practice) -> None:
    session_id, created = practice.booked()
    newer = practice.changed(session_id, terms={"amount": 3000})
    practice.hear(newer, created)
    assert practice.deposit(session_id)["amount"] == 3000


def test_a_payment_after_a_restore_is_not_touched_by_the_cancellation_before_it(practice: Practice) -> None:
    session_id = practice.book()
    cancelled, restored = practice.cancelled(session_id, "refund"), None
    practice.advance(minutes=1)
    restored = practice.restored(session_id)
    practice.advance(minutes=1)
    # Neither event has arrived when the client pays.
    practice.pay(session_id)
    practice.hear(restored, cancelled)
    practice.settle_down()
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    assert practice.refunds_at_stripe() == []
