"""The payment link reaches the client once: with the booking's own message, or by itself where the deposit is asked after that has gone out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from services.notifications.tests.driver import NOON, Practice, cancellation, client, deposit, session, terms
from services.notifications.tests.test_messages import ORDERS, text_of

URL = "https://pay.example/v1/pay/secret"
NOT_ASKED: dict[str, Any] = {"status": "not_asked", "reason": "not_connected", "due_amount": 0}


def booked(version: int = 1, **others: Any) -> dict[str, Any]:
    """A session whose deposit payments has not answered yet."""
    return session(version, **{"deposit": terms(), "payment_url": URL} | others)


def told_without_link(practice: Practice, **others: Any) -> None:
    """A session whose own message went out while its deposit could not be asked."""
    practice.hear("session.created", booked(**others))
    practice.hear("deposit.not_asked", deposit(**NOT_ASKED))
    practice.work()
    assert [URL in text_of(mail) for mail in practice.mails("ada@example.com")] == [False]


def told_to_client(practice: Practice) -> list[tuple[str, bool]]:
    """The kinds of what went to the client, oldest first, and whether the payment link was in it."""
    kinds = [kind for kind, _, status in practice.fared("status=sent") if kind not in _TO_PROVIDER]
    return [(kind, URL in text_of(mail)) for kind, mail in zip(kinds, practice.mails("ada@example.com"), strict=True)]


_TO_PROVIDER = ("deposit_not_asked", "booking_received", "deposit_paid")


@pytest.mark.parametrize(
    ("own", "others"),
    [("confirmation", {}), ("pending", {"status": "pending", "source": "online"})],
)
def test_a_deposit_asked_once_stripe_is_connected_is_told_with_its_link_and_reminded_of_later(
    practice: Practice, own: str, others: dict[str, Any]
) -> None:
    told_without_link(practice, **others)
    practice.hear("deposit.required", deposit(2))
    practice.hear("session.updated", booked(2, deposit=terms(id="dep_1"), **others))
    practice.work()
    assert told_to_client(practice) == [(own, False), ("deposit_due", True)]

    practice.pass_time(hours=72)
    practice.hear("deposit.due", deposit(2))
    practice.work()
    assert told_to_client(practice) == [(own, False), ("deposit_due", True), ("deposit_due", True)]


def test_a_deposit_asked_at_once_is_told_by_the_booking_s_own_message_alone(practice: Practice) -> None:
    practice.hear("session.created", booked())
    practice.hear("session.updated", booked(2, notes="Bring a pen"))
    practice.hear("deposit.required", deposit())
    practice.hear("session.updated", booked(3, deposit=terms(id="dep_1")))
    practice.work()
    assert told_to_client(practice) == [("confirmation", True)]


@pytest.mark.parametrize("payments_is_late", [True, False])
def test_a_change_that_comes_before_payments_has_answered_tells_the_link_no_second_time(
    practice: Practice, payments_is_late: bool
) -> None:
    practice.hear("session.created", booked())
    if payments_is_late:
        practice.pass_time(seconds=61)
    practice.hear("session.updated", booked(2, notes="Bring a pen"))
    practice.pass_time(seconds=61)
    practice.hear("deposit.required", deposit())
    practice.work()
    assert told_to_client(practice) == [("confirmation", True)]


def test_a_change_heard_of_before_the_booking_tells_the_link_no_second_time(practice: Practice) -> None:
    practice.hear("session.updated", booked(2, notes="Bring a pen"))
    practice.hear("session.created", booked())
    practice.hear("deposit.required", deposit())
    practice.work()
    assert told_to_client(practice) == [("confirmation", True)]


def test_a_deposit_asked_while_the_confirmation_is_still_to_go_is_told_by_that(practice: Practice) -> None:
    practice.hear("session.created", booked())
    practice.hear("deposit.not_asked", deposit(**NOT_ASKED))
    practice.hear("deposit.required", deposit(2))
    for message in reversed(practice.on_the_queues()):
        practice.send(message)
    assert told_to_client(practice) == [("confirmation", True)]


def test_a_deposit_that_another_session_type_brings_is_told_with_its_link(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.hear("session.updated", booked(2))
    practice.hear("deposit.required", deposit())
    practice.hear("session.updated", booked(3, deposit=terms(id="dep_1")))
    practice.work()
    assert told_to_client(practice) == [("confirmation", False), ("deposit_due", True)]


def test_asked_by_another_session_type_and_again_once_stripe_is_connected_it_is_told_once(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.hear("session.updated", booked(2))
    practice.hear("deposit.not_asked", deposit(**NOT_ASKED))
    practice.work()
    assert told_to_client(practice) == [("confirmation", False)]
    practice.hear("deposit.required", deposit(2))
    practice.work()
    assert told_to_client(practice) == [("confirmation", False), ("deposit_due", True)]


def test_of_two_that_would_tell_the_same_link_one_goes(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.hear("session.updated", booked(2))
    practice.hear("deposit.not_asked", deposit(**NOT_ASKED))
    practice.hear("deposit.required", deposit(2))
    practice.work()
    assert told_to_client(practice) == [("confirmation", False), ("deposit_due", True)]


def test_it_is_told_by_text_as_well_where_the_account_wants_that(practice: Practice) -> None:
    practice.call("PUT", "/v1/settings", {"kinds": {"deposit_due": {"email": True, "sms": True}}})
    told_without_link(practice)
    practice.hear("deposit.required", deposit(2))
    practice.work()
    assert sorted(practice.fared("kind=deposit_due")) == [
        ("deposit_due", "email", "sent"),
        ("deposit_due", "sms", "sent"),
    ]


def test_a_reminder_by_text_tells_no_link(practice: Practice) -> None:
    practice.call("PUT", "/v1/settings", {"kinds": {"deposit_due": {"email": True, "sms": True}}})
    practice.hear("client.updated", client(2, email=None))
    practice.hear("session.created", booked(starts_at=NOON + timedelta(hours=48)))
    practice.hear("deposit.not_asked", deposit(**NOT_ASKED))
    practice.work()
    practice.clock.moment += timedelta(hours=24)
    practice.hear("deposit.required", deposit(2))
    practice.work()
    assert sorted(URL in str(text["body"]) for text in practice.texts()) == [False, True]


def test_what_is_due_again_after_a_restore_is_told_by_the_message_about_that(practice: Practice) -> None:
    practice.hear("session.created", booked())
    practice.hear("deposit.required", deposit())
    practice.work()
    practice.hear("session.cancelled", booked(2, status="cancelled", cancellations=[cancellation()]))
    practice.hear("deposit.canceled", deposit(2, status="canceled", due_amount=0))
    practice.work()
    practice.hear("session.restored", booked(3, cancellations=[cancellation(restored_at=NOON)]))
    practice.hear("deposit.required", deposit(3))
    practice.work()
    assert told_to_client(practice) == [("confirmation", True), ("cancelled", False), ("restored", True)]


def test_a_restore_told_while_payments_was_silent_is_followed_by_the_link(practice: Practice) -> None:
    practice.hear("session.created", booked())
    practice.hear("deposit.required", deposit())
    practice.work()
    practice.hear("session.cancelled", booked(2, status="cancelled", cancellations=[cancellation()]))
    practice.hear("deposit.canceled", deposit(2, status="canceled", due_amount=0))
    practice.work()
    practice.hear("session.restored", booked(3, cancellations=[cancellation(restored_at=NOON)]))
    practice.pass_time(seconds=61)
    practice.hear("deposit.required", deposit(3))
    practice.work()
    assert told_to_client(practice)[2:] == [("restored", False), ("deposit_due", True)]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_deposit_asked_after_a_cancellation_that_was_taken_back_untold_is_told_whichever_message_a_worker_takes_first(
    practice: Practice, order: tuple[int, ...]
) -> None:
    told_without_link(practice)
    practice.hear("session.cancelled", booked(2, status="cancelled", cancellations=[cancellation()]))
    practice.hear("deposit.canceled", deposit(2, status="canceled", due_amount=0))
    practice.hear("session.restored", booked(3, cancellations=[cancellation(restored_at=NOON)]))
    practice.hear("deposit.required", deposit(3))
    waiting = practice.on_the_queues()
    for number in order:
        practice.send(waiting[number])

    assert [link for _, link in told_to_client(practice)] == [False, True]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_deposit_asked_before_a_cancellation_that_is_taken_back_untold_is_told_whichever_message_a_worker_takes_first(
    practice: Practice, order: tuple[int, ...]
) -> None:
    told_without_link(practice)
    practice.hear("deposit.required", deposit(2))
    asked: dict[str, Any] = {"deposit": terms(id="dep_1")}
    practice.hear("session.cancelled", booked(2, status="cancelled", cancellations=[cancellation()], **asked))
    practice.hear("session.restored", booked(3, cancellations=[cancellation(restored_at=NOON)], **asked))
    waiting = practice.on_the_queues()
    for number in order:
        practice.send(waiting[number])

    assert [link for _, link in told_to_client(practice)] == [False, True]


def test_a_link_that_an_email_told_calls_for_no_text_about_a_cancellation_that_was_taken_back_untold(
    practice: Practice,
) -> None:
    practice.call("PUT", "/v1/settings", {"kinds": {"restored": {"email": True, "sms": True}}})
    told_without_link(practice)
    practice.hear("deposit.required", deposit(2))
    practice.work()
    asked: dict[str, Any] = {"deposit": terms(id="dep_1")}
    practice.hear("session.cancelled", booked(2, status="cancelled", cancellations=[cancellation()], **asked))
    practice.hear("session.restored", booked(3, cancellations=[cancellation(restored_at=NOON)], **asked))
    practice.work()

    assert told_to_client(practice) == [("confirmation", False), ("deposit_due", True)]
    assert practice.texts() == []


def test_a_series_that_was_confirmed_with_the_link_of_one_is_not_told_of_it_again(practice: Practice) -> None:
    both: dict[str, Any] = {"source": "series", "series_id": "srs_1", "batch": {"id": "bat_1", "size": 2}}
    asked = booked(**both)
    later = NOON + timedelta(days=35)
    other = booked(id="ses_2", starts_at=later, deposit=None, payment_url=None, **both)
    practice.hear("session.created", asked)
    practice.hear("session.created", other)
    practice.hear("session.updated", asked | {"version": 2, "batch": None})
    practice.hear("deposit.required", deposit())
    practice.work()
    assert told_to_client(practice) == [("confirmation", True)]


def test_one_that_is_paid_before_it_was_told_is_not_told(practice: Practice) -> None:
    told_without_link(practice)
    practice.hear("deposit.required", deposit(2))
    practice.hear("deposit.paid", deposit(3, status="paid", held_amount=2000, due_amount=0))
    practice.work()
    assert [kind for kind, _ in told_to_client(practice)] == ["confirmation", "deposit_received"]
