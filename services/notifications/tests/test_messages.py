"""What is told to whom about a session and its money, once."""

from __future__ import annotations

import itertools
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from icalendar import Calendar
from services.notifications.tests.driver import (
    NOON,
    Practice,
    cancellation,
    client,
    deposit,
    refund,
    session,
    terms,
)

ADA, SOMMER = "ada@example.com", "sommer@praxis.example"
ORDERS = list(itertools.permutations(range(3)))


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def calendar_of(mail: EmailMessage) -> Calendar:
    part = next(part for part in mail.iter_attachments() if part.get_content_type() == "text/calendar")
    return Calendar.from_ical(part.get_content())


def cancelled(decision: str, deposit_status: str) -> dict[str, Any]:
    """A session with a paid deposit, cancelled with this decision."""
    money = terms(deposit_status, id="dep_1", held_amount=2000, due_amount=0)
    return session(2, status="cancelled", deposit=money, cancellations=[cancellation(refund=decision)])


def test_a_confirmed_session_is_confirmed_to_its_client_with_notes_and_an_invitation(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()

    [mail] = practice.mails()
    assert mail["To"] == "Ada Winter <ada@example.com>"
    assert mail["From"] == "Praxis Sommer <bookings@timeblu.example>"
    assert mail["Reply-To"] == SOMMER
    assert mail["Subject"] == "Confirmed: Coaching on Monday, 9 March 2026"
    assert "Monday, 9 March 2026, 13:00–14:00" in text_of(mail)
    assert "Bring the letter." in text_of(mail)
    calendar = calendar_of(mail)
    [event] = calendar.walk("VEVENT")
    assert (calendar["METHOD"], event["UID"], event["SEQUENCE"]) == ("REQUEST", "ses_1@timeblu", 1)
    assert event.decoded("DTSTART") == NOON + timedelta(days=7)


def test_a_provider_hears_of_a_move_that_the_client_made_and_not_of_the_own(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.hear("session.rescheduled", session(2, starts_at=NOON + timedelta(days=8), changed_by="provider"))
    practice.work()
    practice.hear("session.rescheduled", session(3, starts_at=NOON + timedelta(days=9), changed_by="client"))
    practice.work()

    assert sorted(kind for kind, _, _ in practice.fared()) == [
        "confirmation",
        "rescheduled",
        "rescheduled",
        "rescheduled_by_client",
    ]
    [told] = [mail for mail in practice.mails() if SOMMER in mail["To"]]
    assert "Wednesday, 11 March 2026" in text_of(told)


def test_a_second_payment_is_judged_only_once_all_before_it_is_here(practice: Practice) -> None:
    """Paid, refunded, paid again: while the refund is still on its way the second payment would seem to be none."""
    practice.hear("session.created", session(deposit=terms(id="dep_1")))
    practice.hear("deposit.required", deposit(1))
    practice.hear("deposit.paid", deposit(2, status="paid", held_amount=2000, due_amount=0))
    practice.work()
    practice.hear("deposit.paid", deposit(4, status="paid", held_amount=2000, due_amount=0))
    practice.work()
    assert [kind for kind, _, status in practice.fared() if status == "sent"].count("deposit_received") == 1

    practice.hear("deposit.refunded", deposit(3, status="refunded", due_amount=0, refunded_amount=2000))
    practice.work()
    assert [kind for kind, _, status in practice.fared() if status == "sent"].count("deposit_received") == 2


def test_an_event_that_comes_twice_is_told_once(practice: Practice) -> None:
    event_id = practice.hear("session.created", session())
    practice.work()
    practice.hear("session.created", session(), event_id=event_id)
    practice.hear("session.created", session())
    practice.work()

    assert practice.fared() == [("confirmation", "email", "sent")]
    assert len(practice.mails()) == 1


def test_the_confirmation_waits_for_payments_and_then_holds_the_payment_link(practice: Practice) -> None:
    practice.hear("session.created", session(deposit=terms(), payment_url="https://pay.example/v1/pay/secret"))
    practice.work()
    assert practice.mails() == []

    practice.hear("deposit.required", deposit())
    practice.work()

    [mail] = practice.mails()
    assert "https://pay.example/v1/pay/secret" in text_of(mail)
    assert "A deposit of €20.00 is due" in text_of(mail)


def test_the_confirmation_waits_for_payments_no_longer_than_a_minute(practice: Practice) -> None:
    practice.hear("session.created", session(deposit=terms(), payment_url="https://pay.example/v1/pay/secret"))
    practice.pass_time(seconds=59)
    assert practice.mails() == []

    practice.pass_time(seconds=1)

    [mail] = practice.mails()
    assert "https://pay.example/v1/pay/secret" in text_of(mail)


def test_the_confirmation_says_nothing_of_a_deposit_that_is_not_asked(practice: Practice) -> None:
    practice.hear("session.created", session(deposit=terms(), payment_url="https://pay.example/v1/pay/secret"))
    practice.hear("deposit.not_asked", deposit(status="not_asked", reason="not_connected"))
    practice.work()

    assert practice.subjects(ADA) == ["Confirmed: Coaching on Monday, 9 March 2026"]
    assert "pay.example" not in text_of(practice.mails(ADA)[0])
    assert practice.subjects(SOMMER) == ["No deposit was asked: Ada Winter, Coaching on Monday, 9 March 2026"]


def test_a_pending_session_is_told_by_pending_and_confirmed_when_it_is(practice: Practice) -> None:
    practice.hear("session.created", session(status="pending"))
    practice.work()
    practice.hear("session.confirmed", session(2))
    practice.work()

    assert practice.fared() == [("pending", "email", "sent"), ("confirmation", "email", "sent")]
    tentative, confirmed = (calendar_of(mail).walk("VEVENT")[0] for mail in practice.mails())
    assert (tentative["STATUS"], tentative["SEQUENCE"]) == ("TENTATIVE", 1)
    assert (confirmed["STATUS"], confirmed["SEQUENCE"]) == ("CONFIRMED", 2)


def test_moving_a_session_is_told_with_a_higher_sequence(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.hear("session.rescheduled", session(2, starts_at=NOON + timedelta(days=8)))
    practice.work()

    [_, moved] = practice.mails()
    assert moved["Subject"] == "Moved: Coaching is now on Tuesday, 10 March 2026"
    assert calendar_of(moved).walk("VEVENT")[0]["SEQUENCE"] == 2


def test_a_move_that_the_confirmation_already_told_is_not_told_again(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.hear("session.rescheduled", session(2, starts_at=NOON + timedelta(days=8)))
    practice.work()

    assert practice.subjects() == ["Confirmed: Coaching on Tuesday, 10 March 2026"]
    assert [row["error"] for row in practice.deliveries("status=skipped")] == ["overtaken"]


def test_a_move_is_told_by_text_too_where_the_account_wants_it(practice: Practice) -> None:
    practice.call("PUT", "/v1/settings", {"kinds": {"rescheduled": {"email": True, "sms": True}}})
    practice.hear("session.created", session())
    practice.work()
    practice.hear("session.rescheduled", session(2, starts_at=NOON + timedelta(days=8), changed_by="provider"))
    practice.pass_time(minutes=5)

    assert sorted(practice.fared("kind=rescheduled")) == [
        ("rescheduled", "email", "sent"),
        ("rescheduled", "sms", "sent"),
    ]


def test_a_cancellation_is_told_with_what_becomes_of_the_deposit(practice: Practice) -> None:
    practice.hear("session.created", session(deposit=terms("paid", id="dep_1", held_amount=2000, due_amount=0)))
    practice.hear("deposit.paid", deposit(2, status="paid", held_amount=2000, due_amount=0))
    practice.work()
    practice.hear("session.cancelled", cancelled("skip", "kept"))
    practice.work()

    mail = practice.mails(ADA)[-1]
    assert mail["Subject"] == "Cancelled: Coaching on Monday, 9 March 2026"
    assert "Your deposit is not refunded" in text_of(mail)
    assert calendar_of(mail)["METHOD"] == "CANCEL"


@pytest.mark.parametrize(
    ("event", "amount", "status", "words"),
    [
        ("refund.pending", 1000, "refund_pending", "€10.00 of your deposit will be refunded"),
        ("refund.skipped", 0, "kept", "Your deposit is not refunded"),
        ("refund.skipped", 0, "disputed", "You will hear from Praxis Sommer about your deposit"),
    ],
)
def test_a_cancellation_with_a_refund_waits_for_payments_to_say_how_much(
    practice: Practice, event: str, amount: int, status: str, words: str
) -> None:
    practice.hear("session.created", session(deposit=terms("paid", id="dep_1", held_amount=2000, due_amount=0)))
    practice.hear("deposit.paid", deposit(2, status="paid", held_amount=2000, due_amount=0))
    practice.work()
    practice.hear("session.cancelled", cancelled("refund", "refund_pending"))
    practice.work()
    assert "cancelled" not in [kind for kind, _, status in practice.fared("status=sent")]

    left = deposit(3, status=status, held_amount=2000, due_amount=0)
    practice.hear(event, refund(status=event.partition(".")[2], amount=amount, deposit=left))
    practice.work()

    mail = practice.mails(ADA)[-1]
    assert mail["Subject"] == "Cancelled: Coaching on Monday, 9 March 2026"
    assert words in text_of(mail)


def test_a_cancellation_is_told_within_a_minute_even_if_payments_is_silent(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.hear("session.cancelled", cancelled("refund", "refund_pending"))
    practice.pass_time(seconds=59)
    assert practice.subjects(ADA) == ["Confirmed: Coaching on Monday, 9 March 2026"]

    practice.pass_time(seconds=1)

    assert "will be refunded as far as agreed" in text_of(practice.mails(ADA)[-1])


def test_a_cancellation_restored_before_it_was_told_is_not_told_whichever_message_a_worker_takes_first(
    practice: Practice,
) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.hear("session.cancelled", cancelled("refund", "refund_pending"))
    back = terms("paid", id="dep_1", held_amount=2000, due_amount=0)
    undone = [cancellation(refund="refund", restored_at=NOON)]
    practice.hear("session.restored", session(3, deposit=back, cancellations=undone))
    for message in reversed(practice.on_the_queues()):
        practice.send(message)

    assert practice.subjects(ADA) == ["Confirmed: Coaching on Monday, 9 March 2026"]


def test_a_refund_is_told_with_its_amount_and_how_long_banks_take(practice: Practice) -> None:
    practice.hear("session.created", session(3, status="cancelled", cancellations=[cancellation(refund="refund")]))
    practice.hear("refund.succeeded", refund())
    practice.work()

    mail = practice.mails(ADA)[-1]
    assert mail["Subject"] == "Your refund of €10.00 is on its way"
    assert "5–10 business days" in text_of(mail)


def test_a_refund_that_failed_before_its_success_was_told_is_told_once_it_succeeds_again(practice: Practice) -> None:
    practice.hear("session.created", session(3, status="cancelled", cancellations=[cancellation(refund="refund")]))
    practice.hear("refund.failed", refund(3, status="failed", failure="declined", deposit=deposit(5)))
    practice.hear("refund.succeeded", refund(2))
    practice.work()
    assert practice.fared("kind=refund_sent") == []

    practice.hear("refund.succeeded", refund(5, deposit=deposit(7)))
    practice.work()

    assert practice.subjects(ADA) == ["Your refund of €10.00 is on its way"]


def test_a_refund_that_fails_and_succeeds_again_before_any_is_told_is_told_once(practice: Practice) -> None:
    practice.hear("session.created", session(3, status="cancelled", cancellations=[cancellation(refund="refund")]))
    practice.hear("refund.succeeded", refund(2))
    practice.hear("refund.failed", refund(3, status="failed", failure="declined", deposit=deposit(5)))
    practice.hear("refund.succeeded", refund(5, deposit=deposit(7)))
    practice.work()

    assert practice.subjects(ADA) == ["Your refund of €10.00 is on its way"]
    assert practice.fared("kind=refund_failed") == []


def test_a_refund_that_failed_is_told_to_the_provider_each_time_it_fails(practice: Practice) -> None:
    practice.hear("session.created", session(3, status="cancelled", cancellations=[cancellation(refund="refund")]))
    left = deposit(5, status="refund_failed", held_amount=2000, due_amount=0)
    practice.hear("refund.failed", refund(2, status="failed", failure="expired_or_canceled_card", deposit=left))
    practice.work()
    practice.hear(
        "refund.failed", refund(4, status="failed", failure="expired_or_canceled_card", deposit={**left, "version": 7})
    )
    practice.work()

    failures = [mail for mail in practice.mails(SOMMER) if "refund failed" in str(mail["Subject"])]
    assert len(failures) == 2
    assert "expired_or_canceled_card" in text_of(failures[0])


def test_a_payment_is_told_to_both_and_only_when_money_came(practice: Practice) -> None:
    practice.hear("session.created", session(deposit=terms(id="dep_1")))
    practice.hear("deposit.required", deposit(1))
    practice.hear("deposit.paid", deposit(2, status="paid", held_amount=2000, due_amount=0))
    practice.work()
    # Kept at a cancellation and, after the restore, paid again: nobody paid anything.
    practice.hear("deposit.kept", deposit(3, status="kept", held_amount=2000, due_amount=0))
    practice.hear("deposit.paid", deposit(4, status="paid", held_amount=2000, due_amount=0))
    practice.work()

    assert practice.subjects(ADA)[-1] == "Deposit received: Coaching on Monday, 9 March 2026"
    assert practice.fared("status=sent").count(("deposit_received", "email", "sent")) == 1
    assert practice.fared("status=sent").count(("deposit_paid", "email", "sent")) == 1


def test_a_payment_on_its_way_while_cancelling_asks_the_provider_to_decide(practice: Practice) -> None:
    undecided = [cancellation(refund=None)]
    practice.hear("session.cancelled", session(2, status="cancelled", deposit=terms(), cancellations=undecided))
    paid = terms("paid", id="dep_1", held_amount=2000, due_amount=0)
    practice.hear("session.updated", session(3, status="cancelled", deposit=paid, cancellations=undecided))
    practice.hear("deposit.paid", deposit(2, status="paid", held_amount=2000, due_amount=0))
    practice.work()

    assert "Your decision is needed: deposit of Ada Winter" in practice.subjects(SOMMER)


def test_a_decision_is_asked_for_even_if_scheduling_tells_of_the_payment_before_payments_does(
    practice: Practice,
) -> None:
    undecided = {"status": "cancelled", "cancellations": [cancellation()]}
    practice.hear("session.created", session(deposit=terms()))
    practice.hear("deposit.required", deposit())
    practice.hear("session.cancelled", session(2, deposit=terms(id="dep_1"), **undecided))
    paid: dict[str, Any] = {"status": "paid", "held_amount": 2000, "due_amount": 0}
    practice.hear("session.updated", session(3, deposit=terms(id="dep_1", **paid), **undecided))
    practice.work()
    practice.hear("deposit.paid", deposit(2, **paid))
    practice.work()

    assert practice.fared("kind=refund_decision_needed") == [("refund_decision_needed", "email", "sent")]


def test_a_slot_released_unpaid_is_told_to_both_as_such(practice: Practice) -> None:
    practice.hear(
        "session.cancelled",
        session(
            2,
            status="cancelled",
            source="online",
            deposit=terms("canceled", id="dep_1", due_amount=0),
            cancellations=[cancellation(by="system", reason="deposit_unpaid")],
        ),
    )
    practice.work()

    assert practice.subjects(ADA) == ["Released: Coaching on Monday, 9 March 2026"]
    assert practice.subjects(SOMMER) == ["Released unpaid: Ada Winter, Coaching on Monday, 9 March 2026"]


def test_a_cancellation_and_its_restore_between_two_looks_are_told_to_nobody(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[cancellation()]))
    practice.hear("session.restored", session(3, cancellations=[cancellation(restored_at=NOON)]))
    practice.work()

    assert practice.fared() == [("confirmation", "email", "sent")]


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("looked_at_while_cancelled", [True, False])
def test_a_move_a_cancellation_and_a_restore_before_any_is_told_are_told_once_as_the_new_time(
    practice: Practice, looked_at_while_cancelled: bool, order: tuple[int, ...]
) -> None:
    later = NOON + timedelta(days=8)
    practice.hear("session.created", session())
    practice.work()
    practice.hear("session.rescheduled", session(2, starts_at=later))
    practice.hear("session.cancelled", session(3, starts_at=later, status="cancelled", cancellations=[cancellation()]))
    if looked_at_while_cancelled:
        practice.send(practice.on_the_queues()[0])
    practice.hear("session.restored", session(4, starts_at=later, cancellations=[cancellation(restored_at=NOON)]))
    waiting = practice.on_the_queues()
    for number in order:
        practice.send(waiting[number])

    [told] = practice.subjects(ADA)[1:]
    assert told.endswith("Tuesday, 10 March 2026")


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_client_who_heard_of_a_cancellation_hears_once_that_it_was_taken_back_though_there_was_another_meanwhile(
    practice: Practice, order: tuple[int, ...]
) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.clock.advance(60)
    first, back = cancellation("can_1"), cancellation("can_1", restored_at=NOON)
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[first]))
    practice.work()
    practice.hear("session.restored", session(3, cancellations=[back]))
    practice.hear("session.cancelled", session(4, status="cancelled", cancellations=[back, cancellation("can_2")]))
    both = [back, cancellation("can_2", restored_at=NOON)]
    practice.hear("session.restored", session(5, cancellations=both))
    waiting = practice.on_the_queues()
    for number in order:
        practice.send(waiting[number])

    assert [subject.partition(":")[0] for subject in practice.subjects(ADA)] == ["Confirmed", "Cancelled", "Back on"]


def test_a_restore_that_was_put_off_is_not_told_after_a_later_one(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    first, back = cancellation("can_1"), cancellation("can_1", restored_at=NOON)
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[first]))
    practice.work()
    practice.fault("smtp", "rate_limit")
    practice.hear("session.restored", session(3, cancellations=[back]))
    practice.work()
    practice.hear("session.cancelled", session(4, status="cancelled", cancellations=[back, cancellation("can_2")]))
    practice.work()
    practice.hear("session.restored", session(5, cancellations=[back, cancellation("can_2", restored_at=NOON)]))
    practice.work()
    practice.pass_time(minutes=10)

    told = [subject.partition(":")[0] for subject in practice.subjects(ADA)]
    assert told == ["Confirmed", "Cancelled", "Cancelled", "Back on"]


def test_who_hears_of_no_cancellation_hears_each_time_that_a_session_is_back_on(practice: Practice) -> None:
    practice.call("PUT", "/v1/settings", {"kinds": {"cancelled": {"email": False}}})
    practice.hear("session.created", session())
    practice.work()
    first, back = cancellation("can_1"), cancellation("can_1", restored_at=NOON)
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[first]))
    practice.hear("session.restored", session(3, cancellations=[back]))
    practice.work()
    practice.hear("session.cancelled", session(4, status="cancelled", cancellations=[back, cancellation("can_2")]))
    practice.hear("session.restored", session(5, cancellations=[back, cancellation("can_2", restored_at=NOON)]))
    practice.work()

    assert [subject.partition(":")[0] for subject in practice.subjects(ADA)] == ["Confirmed", "Back on", "Back on"]


def test_a_booking_a_cancellation_and_a_restore_before_any_is_told_are_told_once(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[cancellation()]))
    practice.send(practice.on_the_queues()[0])
    practice.hear("session.restored", session(3, cancellations=[cancellation(restored_at=NOON)]))
    practice.work()

    assert practice.subjects(ADA) == ["Back on: Coaching on Monday, 9 March 2026"]


def test_a_restore_after_the_client_heard_of_the_cancellation_is_told(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[cancellation()]))
    practice.work()
    practice.hear("session.restored", session(3, cancellations=[cancellation(restored_at=NOON)]))
    practice.work()

    assert practice.fared() == [("cancelled", "email", "sent"), ("restored", "email", "sent")]


def test_a_restore_is_told_by_email_though_the_text_about_the_cancellation_still_waits(practice: Practice) -> None:
    kinds = {"cancelled": {"email": True, "sms": True}, "restored": {"email": True, "sms": True}}
    practice.call("PUT", "/v1/settings", {"kinds": kinds, "quiet_hours": {"start": "12:00", "end": "20:00"}})
    practice.hear("session.created", session())
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[cancellation()]))
    practice.work()
    practice.hear("session.restored", session(3, cancellations=[cancellation(restored_at=NOON)]))
    practice.pass_time(hours=12)

    assert practice.fared("channel=email") == [("cancelled", "email", "sent"), ("restored", "email", "sent")]
    assert practice.texts() == []


def test_what_an_email_has_told_or_left_untold_counts_for_texts_where_there_is_no_text_of_it(
    practice: Practice,
) -> None:
    practice.call("PUT", "/v1/settings", {"kinds": {"rescheduled": {"sms": True}, "restored": {"sms": True}}})
    later = NOON + timedelta(days=8)
    practice.hear("session.created", session())
    practice.hear("session.rescheduled", session(2, starts_at=later, changed_by="provider"))
    practice.work()
    undone = [cancellation(restored_at=NOON)]
    practice.hear("session.cancelled", session(3, starts_at=later, status="cancelled", cancellations=[cancellation()]))
    practice.hear("session.restored", session(4, starts_at=later, cancellations=undone))
    practice.work()

    assert practice.subjects() == ["Confirmed: Coaching on Tuesday, 10 March 2026"]
    assert practice.texts() == []


def test_an_online_booking_is_told_to_the_provider(practice: Practice) -> None:
    practice.hear("session.created", session(status="pending", source="online", client_message="I may be late."))
    practice.work()

    [mail] = practice.mails(SOMMER)
    assert mail["Subject"] == "New booking: Ada Winter, Coaching on Monday, 9 March 2026"
    assert "I may be late." in text_of(mail)


def test_a_fact_older_than_its_lateness_is_told_to_nobody(practice: Practice) -> None:
    practice.hear("session.created", session(), at=NOON - timedelta(hours=25))
    practice.work()

    assert practice.mails() == []
    assert [row["error"] for row in practice.deliveries("status=skipped")] == ["too_late"]


def test_snapshots_tell_nothing(practice: Practice) -> None:
    practice.hear("session.snapshot", session(deposit=terms("paid", id="dep_1", held_amount=2000, due_amount=0)))
    practice.hear("deposit.snapshot", deposit(2, status="paid", held_amount=2000, due_amount=0))
    practice.work()

    assert practice.mails() == []
    assert practice.deliveries("status=skipped") == []


def test_events_of_a_former_life_that_are_replayed_after_a_snapshot_tell_nothing(practice: Practice) -> None:
    practice.hear("session.snapshot", session(3))
    practice.hear("session.created", session())
    practice.hear("session.updated", session(4))
    practice.work()

    assert practice.mails() == []


def test_a_session_before_its_client_waits_for_it(practice: Practice) -> None:
    practice.hear("session.created", session(client_id="cli_2"))
    practice.work()
    assert practice.rows("sessions") == []

    practice.hear("client.created", client(id="cli_2", name="Bo Herbst", email="bo@example.com"))
    practice.work()

    assert practice.subjects("bo@example.com") == ["Confirmed: Coaching on Monday, 9 March 2026"]


def test_a_client_is_written_to_in_their_language_and_timezone(practice: Practice) -> None:
    practice.hear("client.updated", client(2, locale="de-AT", timezone="America/New_York"))
    practice.hear("session.created", session())
    practice.work()

    [mail] = practice.mails()
    assert mail["Subject"] == "Bestätigt: Coaching am Montag, 9. März 2026"
    # New York is on daylight saving time on 9 March 2026, Berlin is not yet.
    assert "08:00–09:00" in text_of(mail)
    assert mail["Content-Language"] == "de"


def test_what_a_client_merged_into_another_is_told_goes_to_the_other(practice: Practice) -> None:
    practice.hear("client.created", client(id="cli_2", name="Ada W.", email="ada.w@example.com"))
    practice.hear("session.created", session())
    practice.hear("client.merged", client(2, merged_into="cli_2"))
    practice.work()

    assert practice.subjects(ADA) == []
    assert practice.subjects("ada.w@example.com") == ["Confirmed: Coaching on Monday, 9 March 2026"]


def test_a_client_without_an_address_is_passed_over_and_the_log_says_why(practice: Practice) -> None:
    practice.hear("client.updated", client(2, email=None))
    practice.hear("session.created", session())
    practice.work()

    assert practice.fared() == []
    assert [(row["kind"], row["error"]) for row in practice.deliveries("status=skipped")] == [
        ("confirmation", "no_email")
    ]
