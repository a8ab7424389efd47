"""One fact, one message: of what a worker takes together, of what is judged while another is under way, and of what is judged while another waits."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from services.notifications.tests.driver import NOON, Practice, cancellation, deposit, session, terms
from services.notifications.tests.test_series import WEEKS, confirmed, hear_all, occurrence, uids

from contracts.envelope import Envelope

LATER, LAST = NOON + timedelta(days=8), NOON + timedelta(days=9)
SESSIONS = 20
KINDS = ("pending", "confirmation", "rescheduled", "cancelled", "restored")
WORDS = {
    "Confirmed": "Confirmed:|is confirmed",
    "Moved": "Moved:|has moved",
    "Cancelled": "Cancelled:|is cancelled",
    "Back on": "Back on:|takes place after all",
}


@pytest.fixture(params=["email", "sms"])
def by(request: pytest.FixtureRequest, practice: Practice) -> str:
    """The one channel by which the account tells of its sessions."""
    tell(practice, request.param, KINDS)
    return str(request.param)


def tell(practice: Practice, channel: str, kinds: tuple[str, ...]) -> None:
    wanted = {kind: {each: each == channel and kind in kinds for each in ("email", "sms")} for kind in KINDS}
    assert practice.call("PUT", "/v1/settings", {"kinds": wanted}).status_code == 200


def told(practice: Practice) -> list[tuple[str, str]]:
    """What the client has read of the session, and of which day in March, oldest first."""
    read = practice.subjects("ada@example.com") + [str(text["body"]) for text in practice.texts()]
    found = [(word, each) for each in read for word, form in WORDS.items() if re.search(form, each)]
    return [(word, re.findall(r"([1-9]\d*)(?: Mar|/03)", each)[0]) for word, each in found]


def waiting(practice: Practice) -> list[Envelope]:
    """The messages on the queue that no worker has taken, first those that were called for first."""
    untaken = {row["id"] for row in practice.rows("deliveries") if row["status"] == "queued" and row["claim"] is None}
    return [envelope for envelope in practice.on_the_queues() if envelope.subject in untaken]


def heard_of_cancellation(practice: Practice) -> None:
    """A session whose client was told that it is confirmed, then that it is cancelled."""
    practice.hear("session.created", session())
    practice.work()
    practice.clock.advance(60)
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[cancellation()]))
    practice.work()
    practice.clock.advance(60)


def test_two_moves_that_are_taken_together_are_told_once(practice: Practice, by: str) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.hear("session.rescheduled", session(2, starts_at=LATER))
    practice.hear("session.rescheduled", session(3, starts_at=LAST))
    practice.send(*waiting(practice))

    assert told(practice) == [("Confirmed", "9"), ("Moved", "11")]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_booking_and_its_move_that_are_taken_together_are_told_once(
    practice: Practice, by: str, reverse: bool
) -> None:
    practice.hear("session.created", session())
    practice.hear("session.rescheduled", session(2, starts_at=LATER))
    both = waiting(practice)
    practice.send(*(reversed(both) if reverse else both))

    assert told(practice) == [("Confirmed", "10")]


def test_a_restore_and_a_move_that_are_taken_together_are_told_once(practice: Practice, by: str) -> None:
    heard_of_cancellation(practice)
    back = [cancellation(restored_at=NOON)]
    practice.hear("session.restored", session(3, cancellations=back))
    practice.hear("session.rescheduled", session(4, starts_at=LATER, cancellations=back))
    practice.send(*waiting(practice))

    assert told(practice) == [("Confirmed", "9"), ("Cancelled", "9"), ("Back on", "10")]


def test_of_who_is_not_told_of_cancellations_a_restore_and_a_move_are_told_once(practice: Practice, by: str) -> None:
    tell(practice, by, ("confirmation", "rescheduled", "restored"))
    heard_of_cancellation(practice)
    back = [cancellation(restored_at=NOON)]
    practice.hear("session.restored", session(3, cancellations=back))
    practice.hear("session.rescheduled", session(4, starts_at=LATER, cancellations=back))
    practice.send(*waiting(practice))

    assert told(practice) == [("Confirmed", "9"), ("Back on", "10")]


def test_a_move_that_a_message_under_way_tells_is_not_told_again(practice: Practice, by: str) -> None:
    practice.hear("session.created", session())
    practice.hear("session.rescheduled", session(2, starts_at=LATER))
    confirmation, move = waiting(practice)
    finish = practice.begin(confirmation)
    practice.send(move)
    finish()

    assert told(practice) == [("Confirmed", "10")]


def test_workers_at_once_tell_a_booking_and_its_move_once(practice: Practice, by: str) -> None:
    for number in range(SESSIONS):
        practice.hear("session.created", session(id=f"ses_{number}"))
        practice.hear("session.rescheduled", session(2, id=f"ses_{number}", starts_at=LATER))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(practice.send, waiting(practice)))

    assert told(practice) == [("Confirmed", "10")] * SESSIONS


def test_a_move_that_a_message_under_way_does_not_tell_is_told(practice: Practice, by: str) -> None:
    practice.hear("session.created", session())
    finish = practice.begin(*waiting(practice))
    practice.hear("session.rescheduled", session(2, starts_at=LATER))
    practice.clock.advance(1)
    practice.send(*waiting(practice))
    finish()

    assert sorted(told(practice)) == [("Confirmed", "9"), ("Moved", "10")]


def test_a_restore_tells_the_time_that_a_message_under_way_does_not(practice: Practice, by: str) -> None:
    """The move to the first day is under way when that to the second is overtaken by a cancellation, which is taken back untold."""
    practice.hear("session.created", session())
    practice.work()
    practice.clock.advance(60)
    practice.hear("session.rescheduled", session(2, starts_at=LATER))
    finish = practice.begin(*waiting(practice))
    practice.hear("session.rescheduled", session(3, starts_at=LAST))
    there = {"starts_at": LAST}
    practice.hear("session.cancelled", session(4, status="cancelled", cancellations=[cancellation()], **there))
    practice.send(waiting(practice)[0])
    practice.hear("session.restored", session(5, cancellations=[cancellation(restored_at=NOON)], **there))
    for message in waiting(practice):
        practice.send(message)
    finish()

    assert sorted(told(practice)) == [("Back on", "11"), ("Confirmed", "9"), ("Moved", "10")]


def test_what_was_put_off_has_told_nothing_and_tells_it_later(practice: Practice, by: str) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.clock.advance(60)
    practice.hear("session.rescheduled", session(2, starts_at=LATER))
    practice.fault(*{"email": ("smtp", "rate_limit"), "sms": ("twilio", "rate_limit")}[by])
    practice.send(*waiting(practice))
    practice.pass_time(seconds=60)

    assert told(practice) == [("Confirmed", "9"), ("Moved", "10")]


def test_a_move_of_what_is_confirmed_once_payments_has_answered_is_told_by_that(practice: Practice, by: str) -> None:
    practice.hear("session.created", session(deposit=terms()))
    practice.hear("session.rescheduled", session(2, starts_at=LATER, deposit=terms()))
    practice.work()
    assert told(practice) == []
    practice.hear("deposit.required", deposit())
    practice.work()

    assert told(practice) == [("Confirmed", "10")]


def test_a_move_of_what_is_back_on_once_payments_has_answered_is_told_by_that(practice: Practice, by: str) -> None:
    paid: dict[str, Any] = {"status": "paid", "held_amount": 2000, "due_amount": 0}
    practice.hear("session.created", session(deposit=terms(id="dep_1", **paid)))
    practice.hear("deposit.paid", deposit(2, **paid))
    practice.work()
    practice.clock.advance(60)
    gone = session(2, status="cancelled", cancellations=[cancellation(refund="skip")], deposit=terms("kept"))
    practice.hear("session.cancelled", gone)
    practice.hear("deposit.kept", deposit(3, **paid | {"status": "kept"}))
    practice.work()
    practice.clock.advance(60)
    back: dict[str, Any] = {
        "cancellations": [cancellation(refund="skip", restored_at=NOON)],
        "deposit": terms("kept", id="dep_1"),
    }
    practice.hear("session.restored", session(3, **back))
    practice.hear("session.rescheduled", session(4, starts_at=LATER, **back))
    practice.work()
    practice.hear("deposit.paid", deposit(4, **paid))
    practice.work()

    assert told(practice) == [("Confirmed", "9"), ("Cancelled", "9"), ("Back on", "10")]


def test_a_series_and_the_move_of_one_that_are_taken_together_are_told_once(practice: Practice) -> None:
    hear_all(practice, "session.created", [occurrence(week) for week in range(WEEKS)])
    practice.hear("session.rescheduled", occurrence(1, 2, batch=None, starts_at=LATER))
    practice.send(*waiting(practice))

    [mail] = practice.mails()
    assert uids(mail) == ["ses_0", "ses_1", "ses_2", "ses_3"]


def test_a_series_that_moves_and_one_of_it_that_moves_on_are_each_told_once(practice: Practice) -> None:
    confirmed(practice)
    practice.clock.advance(60)
    act = {"batch": {"id": "bat_2", "size": WEEKS}}
    moved = [
        occurrence(week, 2, starts_at=NOON + timedelta(days=7 * (week + 1), hours=2), **act) for week in range(WEEKS)
    ]
    hear_all(practice, "session.rescheduled", moved)
    practice.hear("session.rescheduled", occurrence(1, 3, batch=None, starts_at=LATER))
    practice.send(*waiting(practice))

    assert sorted(uids(mail) for mail in practice.mails()[1:]) == [["ses_0", "ses_2", "ses_3"], ["ses_1"]]
