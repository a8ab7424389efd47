"""Disputes: what the client's bank takes leaves the purse in which it lies, and comes back there, in whatever order it is heard of."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from services.payments.tests.practice import DISPUTED, REFUND_PENDING, VISA, Practice

from payments.gateways.stripe import DisputeState, RefundState
from payments.operations.money import take_in_dispute, take_in_foreign_refund
from payments.service import context_of
from payments.store.models import Payment


@pytest.fixture
def practice(on_both_stores: Practice) -> Practice:
    return on_both_stores


def _payments(practice: Practice, session_id: str) -> list[Payment]:
    """The session's payments, oldest first."""
    deposit = practice.deposit_row(session_id)
    with practice.service.store.reading():
        return list(Payment.select().where(Payment.deposit_id == deposit.id).order_by(Payment.id))


def _hear(practice: Practice, payment: Payment, status: str, *, number: int = 1, amount: int | None = None) -> None:
    """Hear of the payment's first dispute, or of a later one: of all of it, or of `amount`."""
    seen = DisputeState(
        id=f"dp_{number}",
        created_at=payment.received_at + timedelta(days=number),
        status=status,
        amount=payment.amount if amount is None else amount,
        currency=payment.currency,
        payment_intent=payment.payment_intent,
        charge=payment.charge,
    )
    take_in_dispute(context_of(practice.service), payment, seen)


def _refund(practice: Practice, payment: Payment, amount: int = 500) -> RefundState:
    """What somebody has sent back in the dashboard."""
    return RefundState(
        id="re_1",
        created_at=practice.clock.now() - timedelta(minutes=1),
        status="succeeded",
        amount=amount,
        currency="EUR",
        payment_intent=payment.payment_intent,
        charge=payment.charge,
        pending_reason=None,
        failure_reason=None,
        metadata={},
    )


def _booked_in(practice: Practice, session_id: str) -> dict[str, int]:
    """The session's line of the statement."""
    answer = practice.call("GET", "/v1/statement.csv")
    [row] = [row for row in csv.DictReader(io.StringIO(answer.text)) if row["session_id"] == session_id]
    return {name: int(row[name]) for name in ("paid", "refunded", "disputed", "kept")}


def _close(practice: Practice, *, won: bool) -> None:
    """The bank decides the provider's newest dispute."""
    account = practice.get("/v1/connect")["stripe_account_id"]
    at_stripe: dict[str, Any] = {
        "auth": (practice.sandbox.keys.stripe_secret_key, ""),
        "headers": {"Stripe-Account": account},
        "timeout": 10,
    }
    url = f"{practice.sandbox_url}/stripe/v1/disputes"
    dispute = requests.get(url, **at_stripe).json()["data"][0]["id"]
    if won:
        data = {"evidence[uncategorized_text]": "winning_evidence", "submit": "true"}
        assert requests.post(f"{url}/{dispute}", data=data, **at_stripe).status_code == 200
        practice.advance(hours=1)
    else:
        assert requests.post(f"{url}/{dispute}/close", **at_stripe).status_code == 200
    practice.settle_down()


def _paid_twice(practice: Practice, *, second: str, cash: int = 0) -> str:
    """A session paid for by the client and, at a page that was lost to us, once more, whose dispute was heard of."""
    session_id = practice.book()
    page = practice.open_page(session_id)
    with practice.service.store.transaction():
        practice.service.store.execute("UPDATE checkouts SET state = 'failed'")
    if cash:
        practice.post(f"/v1/deposits/{practice.deposit(session_id)['id']}/mark-paid", amount=cash)
    else:
        practice.pay(session_id)
    assert practice.pay_at(page, second).status_code < 400
    practice.settle_down()
    return session_id


def test_the_link_is_no_receipt_while_the_bank_has_the_money(practice: Practice) -> None:
    session_id = practice.paid_session(card=DISPUTED)
    answer = practice.http.get(practice.link(session_id), headers={"Accept-Language": "de"})
    assert (answer.status_code, "Von Ihrer Bank zurückgeholt" in answer.text) == (410, True)
    _close(practice, won=True)
    answer = practice.http.get(practice.link(session_id), headers={"Accept-Language": "de"})
    assert (answer.status_code, "Bezahlt" in answer.text) == (200, True)


def test_a_second_payment_that_is_disputed_is_not_kept(practice: Practice) -> None:
    session_id = _paid_twice(practice, second=DISPUTED)
    assert practice.standing(session_id) == ("disputed", 2000, 0, 0)
    assert _booked_in(practice, session_id) == {"paid": 4000, "refunded": 0, "disputed": 2000, "kept": 2000}
    _close(practice, won=False)
    assert _booked_in(practice, session_id)["kept"] == 2000
    assert practice.violations() == {}


def test_a_second_payment_whose_dispute_is_won_can_go_back_as_it_was_to(practice: Practice) -> None:
    session_id = _paid_twice(practice, second=DISPUTED)
    _close(practice, won=True)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    assert _booked_in(practice, session_id) == {"paid": 4000, "refunded": 0, "disputed": 0, "kept": 4000}
    practice.post(f"/v1/deposits/{practice.deposit(session_id)['id']}/retry-refund")
    practice.settle_down()
    assert _booked_in(practice, session_id) == {"paid": 4000, "refunded": 2000, "disputed": 0, "kept": 2000}
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    assert practice.violations() == {}


def test_of_a_payment_that_was_partly_too_much_each_share_comes_back_where_it_was(practice: Practice) -> None:
    session_id = _paid_twice(practice, second=DISPUTED, cash=1500)
    assert practice.standing(session_id) == ("disputed", 1500, 0, 0)
    assert _booked_in(practice, session_id) == {"paid": 3500, "refunded": 0, "disputed": 2000, "kept": 1500}
    _close(practice, won=True)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    practice.post(f"/v1/deposits/{practice.deposit(session_id)['id']}/retry-refund")
    practice.settle_down()
    assert _booked_in(practice, session_id) == {"paid": 3500, "refunded": 1500, "disputed": 0, "kept": 2000}
    assert practice.violations() == {}


@pytest.mark.parametrize("dispute_first", [False, True])
def test_a_refund_made_before_a_dispute_ends_the_same_when_it_is_heard_of_after_it(
    practice: Practice, dispute_first: bool
) -> None:
    session_id = practice.paid_session(card=REFUND_PENDING)
    practice.post(f"/v1/deposits/{practice.deposit(session_id)['id']}/refunds", 201, amount=500)
    practice.settle_down()
    [payment] = _payments(practice, session_id)
    if dispute_first:
        _hear(practice, payment, "needs_response")
        assert practice.standing(session_id) == ("disputed", 0, 0, 0)
    practice.advance(hours=2)
    practice.settle_down()
    if not dispute_first:
        _hear(practice, payment, "needs_response")
    assert practice.standing(session_id) == ("disputed", 0, 0, 500)
    assert _booked_in(practice, session_id) == {"paid": 2000, "refunded": 500, "disputed": 1500, "kept": 0}
    _hear(practice, payment, "won")
    assert practice.standing(session_id) == ("partially_refunded", 1500, 0, 500)
    assert practice.violations() == {}


@pytest.mark.parametrize("dispute_first", [False, True])
@pytest.mark.parametrize("too_much", [False, True])
def test_a_refund_made_in_the_dashboard_before_a_dispute_ends_the_same_when_it_is_heard_of_after_it(
    practice: Practice, dispute_first: bool, too_much: bool
) -> None:
    session_id = practice.paid_session()
    [payment] = _payments(practice, session_id)
    if too_much:
        # As if all of it had come when nothing was due.
        with practice.service.store.transaction():
            practice.service.store.execute(
                """INSERT INTO ledger SELECT 'led_over', account_id, deposit_id, payment_id, NULL, 'moved', era, 'held', 'surplus', amount,
                   currency, at, recorded_at FROM ledger WHERE payment_id = %s""",
                (payment.id,),
            )
    made = _refund(practice, payment)
    if dispute_first:
        _hear(practice, payment, "needs_response")
    take_in_foreign_refund(context_of(practice.service), payment, made)
    if not dispute_first:
        _hear(practice, payment, "needs_response")
    assert _booked_in(practice, session_id) == {"paid": 2000, "refunded": 500, "disputed": 1500, "kept": 0}
    _hear(practice, payment, "won")
    with practice.service.store.reading():
        left = practice.service.store.execute(
            """SELECT sum(CASE 'surplus' WHEN given_to THEN amount WHEN taken_from THEN -amount ELSE 0 END) FROM ledger
               WHERE payment_id = %s""",
            (payment.id,),
        )[0][0]
    assert left == (1500 if too_much else 0)


def test_a_dispute_that_is_heard_of_again_takes_only_what_it_could_not_before(practice: Practice) -> None:
    session_id = practice.paid_session()
    [payment] = _payments(practice, session_id)
    take_in_foreign_refund(context_of(practice.service), payment, _refund(practice, payment))
    for status in ("needs_response", "under_review"):
        _hear(practice, payment, status)
        assert _booked_in(practice, session_id) == {"paid": 2000, "refunded": 500, "disputed": 1500, "kept": 0}
    # The refund has failed: the bank holds all of it.
    failed = replace(_refund(practice, payment), status="failed")
    take_in_foreign_refund(context_of(practice.service), payment, failed)
    _hear(practice, payment, "lost")
    assert _booked_in(practice, session_id) == {"paid": 2000, "refunded": 0, "disputed": 2000, "kept": 0}
    assert practice.violations() == {}


@pytest.mark.parametrize("late", ["won", "lost", "needs_response"])
def test_late_news_of_an_older_dispute_change_nothing_of_a_newer_one(practice: Practice, late: str) -> None:
    session_id = practice.paid_session()
    [payment] = _payments(practice, session_id)
    _hear(practice, payment, "needs_response", number=1)
    _hear(practice, payment, "under_review", number=2)
    _hear(practice, payment, late, number=1)
    [payment] = _payments(practice, session_id)
    assert (payment.dispute, payment.dispute_status) == ("dp_2", "under_review")
    assert _booked_in(practice, session_id) == {"paid": 2000, "refunded": 0, "disputed": 2000, "kept": 0}
    _hear(practice, payment, "won", number=2)
    _hear(practice, payment, late, number=1)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    assert practice.violations() == {}


def test_a_second_dispute_of_a_payment_counts_from_when_it_is_heard_of(practice: Practice) -> None:
    session_id = practice.paid_session()
    [payment] = _payments(practice, session_id)
    for number, status in ((1, "needs_response"), (1, "won"), (2, "needs_response"), (2, "lost")):
        _hear(practice, payment, status, number=number)
    assert practice.standing(session_id) == ("disputed", 0, 0, 0)
    assert _booked_in(practice, session_id) == {"paid": 2000, "refunded": 0, "disputed": 2000, "kept": 0}


@pytest.mark.parametrize("disputed", [False, True])
def test_all_of_a_payment_that_was_partly_too_much_can_go_back_by_the_dashboard(
    practice: Practice, disputed: bool
) -> None:
    practice.fault("rate_limit", 100, method="POST", path="/v1/refunds")
    session_id = _paid_twice(practice, second=VISA, cash=1500)
    payment, context = _payments(practice, session_id)[-1], context_of(practice.service)
    made = _refund(practice, payment, 2000)
    if disputed:
        _hear(practice, payment, "needs_response")
    take_in_foreign_refund(context, payment, made)
    if disputed:
        _hear(practice, payment, "won")
    assert practice.standing(session_id) == ("partially_refunded", 1500, 0, 500)
    assert _booked_in(practice, session_id) == {"paid": 3500, "refunded": 2000, "disputed": 0, "kept": 1500}
    assert practice.violations() == {}
    # The bank did not take it: each share is back where it was.
    take_in_foreign_refund(context, payment, replace(made, status="failed"))
    assert practice.standing(session_id) == ("refund_failed", 2000, 0, 0)
    assert _booked_in(practice, session_id)["kept"] == 3500
    assert practice.violations() == {}


@pytest.mark.parametrize(("decided", "lost"), [("won", 500), ("lost", 1200)])
def test_what_was_lost_in_a_dispute_stays_lost_whatever_becomes_of_a_later_one(
    practice: Practice, decided: str, lost: int
) -> None:
    session_id = practice.paid_session()
    [payment] = _payments(practice, session_id)
    _hear(practice, payment, "needs_response", amount=500)
    _hear(practice, payment, "lost", amount=500)
    _hear(practice, payment, "needs_response", number=2, amount=700)
    _hear(practice, payment, "under_review", number=2, amount=700)
    assert _booked_in(practice, session_id)["disputed"] == 1200
    _hear(practice, payment, decided, number=2, amount=700)

    assert _booked_in(practice, session_id) == {"paid": 2000, "refunded": 0, "disputed": lost, "kept": 2000 - lost}
    assert practice.violations() == {}


def test_an_inquiry_after_a_lost_dispute_gives_nothing_back_when_it_is_closed(practice: Practice) -> None:
    session_id = practice.paid_session()
    [payment] = _payments(practice, session_id)
    _hear(practice, payment, "lost")
    _hear(practice, payment, "warning_needs_response", number=2)
    _hear(practice, payment, "warning_closed", number=2)

    assert _booked_in(practice, session_id) == {"paid": 2000, "refunded": 0, "disputed": 2000, "kept": 0}
    assert practice.violations() == {}
