"""What one act does to the sessions of a series is told once; what is added later is told to nobody; each is reminded of."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from services.notifications.tests.driver import (
    NOON,
    Practice,
    cancellation,
    client,
    deposit,
    session,
    terms,
)
from services.notifications.tests.test_messages import calendar_of, text_of

WEEKS = 4


def occurrence(week: int, version: int = 1, **others: Any) -> dict[str, Any]:
    """The session of that week, made with the others of its series unless said otherwise."""
    starts_at = NOON + timedelta(days=7 * (week + 1), minutes=30)
    return session(
        version,
        **{
            "id": f"ses_{week}",
            "starts_at": starts_at,
            "source": "series",
            "series_id": "srs_1",
            "batch": {"id": "bat_1", "size": WEEKS},
            "manage_url": f"https://book.example/manage/{week}",
        }
        | others,
    )


def uids(mail: Any) -> list[str]:
    return sorted(str(event["UID"]).partition("@")[0] for event in calendar_of(mail).walk("VEVENT"))


def hear_all(practice: Practice, type_: str, sessions: Sequence[dict[str, Any]]) -> None:
    for each in sessions:
        practice.hear(type_, each)


def confirmed(practice: Practice) -> None:
    """A series whose confirmation went out."""
    hear_all(practice, "session.created", [occurrence(week) for week in range(WEEKS)])
    practice.work()
    assert len(practice.mails()) == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_series_is_confirmed_once_whatever_the_order_and_however_often(practice: Practice, seed: int) -> None:
    order = [occurrence(week) for week in range(WEEKS)]
    order += order[:2]
    random.Random(seed).shuffle(order)
    for count, each in enumerate(order, 1):
        practice.hear("session.created", each, event_id=f"evt-{each['id']}")
        if count < WEEKS:
            practice.work()
            assert practice.mails() == []
    practice.work()
    practice.pass_time(hours=3)

    [mail] = practice.mails()
    assert uids(mail) == ["ses_0", "ses_1", "ses_2", "ses_3"]
    assert mail["Subject"] == "Confirmed: Coaching, 4 appointments from Monday, 9 March 2026"
    assert all(day in text_of(mail) for day in ("9 March", "16 March", "23 March", "30 March"))
    assert practice.fared() == [("confirmation", "email", "sent")]


def test_the_last_to_come_may_be_hours_late_and_is_waited_for_an_hour(practice: Practice) -> None:
    hear_all(practice, "session.created", [occurrence(week) for week in (3, 1)])
    practice.pass_time(minutes=59)
    assert practice.mails() == []
    practice.pass_time(minutes=2)
    [mail] = practice.mails()
    assert uids(mail) == ["ses_1", "ses_3"]
    hear_all(practice, "session.created", [occurrence(week) for week in (0, 2)])
    practice.pass_time(hours=3)
    assert len(practice.mails()) == 1


def test_what_happened_to_one_meanwhile_is_in_the_confirmation(practice: Practice) -> None:
    moved = NOON + timedelta(days=8)
    practice.hear("session.cancelled", occurrence(0, 2, batch=None, status="cancelled", cancellations=[cancellation()]))
    practice.hear("session.rescheduled", occurrence(1, 2, batch=None, starts_at=moved))
    practice.work()
    hear_all(practice, "session.created", [occurrence(week) for week in range(WEEKS)])
    practice.work()

    subjects = practice.subjects()
    assert sum("appointments" in subject for subject in subjects) == 1
    [mail] = [mail for mail in practice.mails() if "appointments" in mail["Subject"]]
    assert uids(mail) == ["ses_1", "ses_2", "ses_3"]
    [start] = [event.start for event in calendar_of(mail).events if str(event["UID"]) == "ses_1@timeblu"]
    assert start == moved


def test_a_series_of_which_all_was_cancelled_meanwhile_is_not_confirmed(practice: Practice) -> None:
    hear_all(practice, "session.created", [occurrence(week) for week in range(WEEKS)])
    gone = {"status": "cancelled", "cancellations": [cancellation()]}
    hear_all(
        practice,
        "session.cancelled",
        [occurrence(week, 2, batch={"id": "bat_2", "size": WEEKS}, **gone) for week in range(WEEKS)],
    )
    practice.work()
    assert practice.fared() == [("cancelled", "email", "sent")]
    assert [row["kind"] for row in practice.deliveries("status=skipped")] == ["confirmation"]


def test_what_is_added_later_is_confirmed_to_nobody_and_reminded_of(practice: Practice) -> None:
    confirmed(practice)
    practice.hear("session.created", occurrence(9, batch=None))
    practice.pass_time(hours=3)

    assert len(practice.mails()) == 1
    for each in ("ses_0", "ses_3", "ses_9"):
        assert practice.reminders(each)["reminder_24h", "email"] == ("planned", None)
    practice.clock.moment = NOON + timedelta(days=6, minutes=31)
    practice.work()
    assert practice.subjects()[1:] == ["Reminder: Coaching on Monday, 9 March 2026 at 13:30"]


def test_a_single_session_of_a_series_has_its_own_confirmation(practice: Practice) -> None:
    practice.hear("session.created", occurrence(0, batch={"id": "bat_1", "size": 1}))
    practice.work()
    assert practice.subjects() == ["Confirmed: Coaching on Monday, 9 March 2026"]


def test_a_pending_series_is_told_once_with_the_link_of_each(practice: Practice) -> None:
    hear_all(practice, "session.created", [occurrence(week, status="pending") for week in range(WEEKS)])
    practice.work()
    [mail] = practice.mails()
    assert mail["Subject"] == "Coaching, 4 appointments from Monday, 9 March 2026: awaiting confirmation"
    assert all(f"https://book.example/manage/{week}" in text_of(mail) for week in range(WEEKS))
    practice.hear("session.confirmed", occurrence(2, 2, batch=None))
    practice.work()
    assert practice.subjects()[1:] == ["Confirmed: Coaching on Monday, 23 March 2026"]


def test_a_series_that_moves_is_told_once_and_one_that_moves_by_itself_on_its_own(practice: Practice) -> None:
    confirmed(practice)
    later = timedelta(hours=1)
    practice.clock.advance(60)
    moved = [occurrence(week, 2, batch={"id": "bat_2", "size": WEEKS}) for week in range(WEEKS)]
    moved = [each | {"starts_at": each["starts_at"] + later, "ends_at": each["ends_at"] + later} for each in moved]
    hear_all(practice, "session.rescheduled", [moved[2], moved[0], moved[3], moved[1]])
    practice.work()
    mail = practice.mails()[-1]
    assert (mail["Subject"], uids(mail)) == (
        "Moved: Coaching, 4 appointments from Monday, 9 March 2026",
        ["ses_0", "ses_1", "ses_2", "ses_3"],
    )
    assert {event["SEQUENCE"] for event in calendar_of(mail).walk("VEVENT")} == {2}

    # One that goes away and comes back has never been told of as anywhere else.
    practice.clock.advance(60)
    practice.hear(
        "session.rescheduled", moved[1] | {"version": 3, "batch": None, "starts_at": NOON + timedelta(days=20)}
    )
    practice.hear("session.rescheduled", moved[1] | {"version": 4, "batch": None})
    practice.work()
    assert len(practice.mails()) == 2
    practice.hear(
        "session.rescheduled", moved[1] | {"version": 5, "batch": None, "starts_at": NOON + timedelta(days=20)}
    )
    practice.work()
    assert practice.subjects()[2:] == ["Moved: Coaching is now on Sunday, 22 March 2026"]


def test_a_series_that_is_cancelled_is_told_once_with_what_becomes_of_the_deposits(practice: Practice) -> None:
    confirmed(practice)
    paid = terms("refund_pending", id="dep_0", held_amount=2000, due_amount=0)
    act = {"batch": {"id": "bat_2", "size": WEEKS}, "status": "cancelled"}
    sessions = [
        occurrence(
            week,
            2,
            deposit=paid if week == 1 else None,
            cancellations=[cancellation(f"can_{week}", refund="refund", reason="moving")],
            **act,
        )
        for week in range(WEEKS)
    ]
    hear_all(practice, "session.cancelled", sessions)
    practice.work()
    assert len(practice.mails()) == 1  # payments has yet to say what comes back
    practice.pass_time(seconds=61)
    mail = practice.mails()[-1]
    assert (mail["Subject"], uids(mail)) == (
        "Cancelled: Coaching, 4 appointments from Monday, 9 March 2026",
        ["ses_0", "ses_1", "ses_2", "ses_3"],
    )
    assert {str(event["STATUS"]) for event in calendar_of(mail).walk("VEVENT")} == {"CANCELLED"}
    assert "moving" in text_of(mail)
    assert "will be refunded" in text_of(mail)
    assert practice.reminders("ses_2")["reminder_24h", "email"] == ("cancelled", "session_cancelled")

    # One that comes back is told by itself.
    restored = [cancellation("can_2", refund="refund", restored_at=NOON)]
    practice.hear("session.restored", occurrence(2, 3, batch=None, cancellations=restored))
    practice.work()
    assert practice.subjects()[2:] == ["Back on: Coaching on Monday, 23 March 2026"]


def test_one_that_comes_back_before_its_cancellation_was_told_is_told_of_neither(practice: Practice) -> None:
    confirmed(practice)
    act = {"batch": {"id": "bat_2", "size": WEEKS}, "status": "cancelled"}
    for week in range(WEEKS):
        practice.hear("session.cancelled", occurrence(week, 2, cancellations=[cancellation(f"can_{week}")], **act))
    back = [cancellation("can_2", restored_at=NOON)]
    practice.hear("session.restored", occurrence(2, 3, batch=None, cancellations=back))
    practice.work()
    assert practice.fared() == [("confirmation", "email", "sent"), ("cancelled", "email", "sent")]
    assert uids(practice.mails()[-1]) == ["ses_0", "ses_1", "ses_3"]


def test_one_that_was_cancelled_while_all_were_told_to_move_and_came_back_untold_is_told_by_itself(
    practice: Practice,
) -> None:
    confirmed(practice)
    practice.clock.advance(60)
    act = {"batch": {"id": "bat_2", "size": WEEKS}}
    moved = [
        occurrence(week, 2, starts_at=NOON + timedelta(days=7 * (week + 1), hours=2), **act) for week in range(WEEKS)
    ]
    hear_all(practice, "session.rescheduled", moved)
    alone = moved[2] | {"batch": None}
    practice.hear("session.cancelled", alone | {"version": 3, "status": "cancelled", "cancellations": [cancellation()]})
    practice.send(practice.on_the_queues()[0])
    practice.hear("session.restored", alone | {"version": 4, "cancellations": [cancellation(restored_at=NOON)]})
    practice.work()

    assert uids(practice.mails()[1]) == ["ses_0", "ses_1", "ses_3"]
    assert practice.subjects()[2:] == ["Back on: Coaching on Monday, 23 March 2026"]


def test_the_confirmation_says_what_is_to_be_paid_of_each_and_waits_for_payments(practice: Practice) -> None:
    asked = [occurrence(week, deposit=terms() if week < 2 else None) for week in range(WEEKS)]
    hear_all(practice, "session.created", asked)
    practice.work()
    assert practice.mails() == []
    for week in range(2):
        url = f"https://pay.example/v1/pay/{week}"
        practice.hear("deposit.required", deposit(id=f"dep_{week}", session_id=f"ses_{week}", payment_url=url))
    practice.work()
    [mail] = practice.mails()
    assert "A deposit of €20.00 is due for Monday, 9 March 2026: https://pay.example/v1/pay/0" in text_of(mail)
    assert "A deposit of €20.00 is due for Monday, 16 March 2026: https://pay.example/v1/pay/1" in text_of(mail)


def test_a_deposit_that_is_asked_later_is_told_with_its_link(practice: Practice) -> None:
    confirmed(practice)
    url = "https://pay.example/v1/pay/2"
    practice.hear("session.updated", occurrence(2, 2, batch=None, deposit=terms(), payment_url=url))
    practice.work()
    assert len(practice.mails()) == 1
    practice.hear("deposit.required", deposit(id="dep_2", session_id="ses_2", payment_url=url))
    practice.hear("session.updated", occurrence(2, 3, batch=None, deposit=terms(id="dep_2"), payment_url=url))
    practice.work()
    assert practice.subjects()[1:] == ["Deposit of €20.00 for Coaching on Monday, 23 March 2026"]
    assert url in text_of(practice.mails()[-1])


def test_a_deposit_that_is_asked_later_is_told_with_its_link_even_if_payments_is_silent(practice: Practice) -> None:
    confirmed(practice)
    url = "https://pay.example/v1/pay/2"
    practice.hear("session.updated", occurrence(2, 2, batch=None, deposit=terms(), payment_url=url))
    practice.pass_time(seconds=61)
    assert practice.subjects()[1:] == ["Deposit of €20.00 for Coaching on Monday, 23 March 2026"]
    assert url in text_of(practice.mails()[-1])


def test_a_deposit_that_cannot_be_paid_yet_is_not_told(practice: Practice) -> None:
    confirmed(practice)
    practice.hear("session.updated", occurrence(2, 2, batch=None, deposit=terms()))
    answer = deposit(id="dep_2", session_id="ses_2", status="not_asked", reason="not_connected", due_amount=0)
    practice.hear("deposit.not_asked", answer)
    practice.pass_time(minutes=5)
    assert [kind for kind, _, _ in practice.fared()] == ["confirmation", "deposit_not_asked"]


def test_a_series_of_a_client_without_an_address_is_told_to_nobody(practice: Practice) -> None:
    practice.hear("client.updated", client(2, email=None))
    hear_all(practice, "session.created", [occurrence(week) for week in range(WEEKS)])
    practice.work()
    assert [(row["kind"], row["error"]) for row in practice.deliveries("status=skipped")] == [
        ("confirmation", "no_email")
    ]


def test_it_is_sent_again_as_it_is_then(practice: Practice) -> None:
    confirmed(practice)
    gone = {"status": "cancelled", "cancellations": [cancellation("can_3")]}
    practice.hear("session.cancelled", occurrence(3, 2, batch=None, **gone))
    practice.work()
    [delivery] = [row for row in practice.deliveries() if row["kind"] == "confirmation"]
    assert practice.call("POST", f"/v1/deliveries/{delivery['id']}/resend").status_code == 201
    practice.work()
    assert uids(practice.mails()[-1]) == ["ses_0", "ses_1", "ses_2"]


def test_consumers_at_once_let_one_confirmation_go(practice: Practice) -> None:
    """Each hears of some occurrences; whoever hears of the last of them lets it go, and nobody else."""
    sessions = [occurrence(week, batch={"id": "bat_1", "size": 16}) for week in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: practice.hear("session.created", each), sessions))
    practice.retry_kept()
    practice.work()
    [mail] = practice.mails()
    assert len(uids(mail)) == 16
