"""What Stripe and the network do wrong, and crashes in between: always one refund, and the right state here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from services.payments.tests.conftest import Open
from services.payments.tests.practice import DISPUTED, REFUND_FAILS, REFUND_PENDING, Practice, until

from payments.domain.charging import ChargeModel
from payments.gateways.stripe import StripeBusy, StripeGateway
from payments.operations import refunding
from payments.operations.context import Payments
from payments.operations.money import take_in_part
from payments.store.models import Payment, RefundPart

REFUNDS: dict[str, Any] = {"method": "POST", "path": "/v1/refunds"}


@pytest.mark.parametrize(
    "fault", ["error_500", "error_500_after_processing", "rate_limit", "drop_after_processing", "timeout"]
)
def test_whatever_stripe_does_there_is_one_refund(practice: Practice, fault: str) -> None:
    session_id = practice.paid_session()
    practice.hear(practice.cancelled(session_id))
    practice.fault(fault, 2 if fault != "timeout" else 1, **REFUNDS)
    practice.settle_down()
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    assert [refund["amount"] for refund in practice.refunds_at_stripe()] == [2000]
    assert practice.violations() == {}


def test_an_answer_that_does_not_come_in_time_is_asked_for(opened: Open) -> None:
    practice = opened(stripe_timeout_seconds=1.0, stripe_sleeps=1.6)
    practice.introduce()
    practice.connect()
    session_id = practice.paid_session()
    practice.hear(practice.cancelled(session_id))
    practice.fault("timeout", 1, **REFUNDS)
    practice.settle_down()
    with practice.service.store.reading():
        [part] = list(RefundPart.select())
    assert part.tries == 2
    assert practice.standing(session_id)[0] == "refunded"
    assert len(practice.refunds_at_stripe()) == 1


def test_a_connection_that_is_refused_was_never_used() -> None:
    nobody = StripeGateway(secret_key="sk_test_nobody", api_base="http://127.0.0.1:9", webhook_secrets=())
    with pytest.raises(StripeBusy):
        nobody.refund("acct_1", ChargeModel.DIRECT, "re_1")


def test_an_account_out_of_reach_fails_with_what_to_do_and_can_be_tried_again(practice: Practice) -> None:
    session_id = practice.paid_session()
    payment = _payment_of(practice, session_id)
    with practice.service.store.transaction():
        Payment.update(stripe_account="acct_gone").where(Payment.id == payment.id).execute()
    practice.cancel(session_id)
    deposit = practice.deposit(session_id)
    assert (deposit["status"], deposit["held_amount"]) == ("refund_failed", 2000)
    assert "connect it again" in deposit["refunds"][0]["failure"]
    assert practice.told("refund") == ["refund.pending", "refund.failed"]
    with practice.service.store.transaction():
        Payment.update(stripe_account=payment.stripe_account).where(Payment.id == payment.id).execute()
    practice.post(f"/v1/deposits/{deposit['id']}/retry-refund")
    practice.settle_down()
    assert practice.standing(session_id)[0] == "refunded"
    assert practice.violations() == {}


def test_a_server_error_that_its_key_remembers_is_left_behind_by_a_new_key(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hear(practice.cancelled(session_id))
    practice.fault("error_500", **REFUNDS)
    practice.settle_down()
    with practice.service.store.reading():
        [part] = list(RefundPart.select())
    assert (part.attempt, part.tries) == (2, 2)
    assert len(practice.refunds_at_stripe()) == 1


def test_when_stripe_cannot_be_asked_either_nothing_is_repeated(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hear(practice.cancelled(session_id))
    practice.fault("drop_after_processing", 1, **REFUNDS)
    practice.fault("error_500", 3, method="GET", path="/v1/refunds")
    practice.settle_down()
    assert practice.standing(session_id)[0] == "refunded"
    with practice.service.store.reading():
        [part] = list(RefundPart.select())
    # Trouble in asking says nothing about the key.
    assert part.attempt == 1
    assert len(practice.refunds_at_stripe()) == 1


def test_a_crash_after_the_intent_asks_stripe_and_does_it_once(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hear(practice.cancelled(session_id))
    context = _context(practice)
    [claimed] = refunding.claim(context, 8)  # … and then the process is killed
    assert not claimed.ask_first
    practice.run_jobs()
    assert practice.refunds_at_stripe() == []
    practice.advance(seconds=46)
    practice.settle_down()
    assert practice.standing(session_id)[0] == "refunded"
    assert len(practice.refunds_at_stripe()) == 1


def test_a_crash_after_stripe_did_it_finds_what_is_there(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hear(practice.cancelled(session_id))
    practice.hold_hooks(True)
    context = _context(practice)
    [claimed] = refunding.claim(context, 8)
    refunding._create(context, claimed)  # done at Stripe; the process is killed before it can note that
    # A day later Stripe has forgotten the key: only asking helps.
    practice.advance(hours=25)
    practice.settle_down()
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    assert len(practice.refunds_at_stripe()) == 1


def test_the_webhook_may_come_before_our_own_answer(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hear(practice.cancelled(session_id))
    context = _context(practice)
    [claimed] = refunding.claim(context, 8)
    seen = refunding._create(context, claimed)
    practice.settle_down()
    assert practice.standing(session_id)[0] == "refunded"
    take_in_part(context, claimed.part, seen)
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    assert practice.told("refund").count("refund.succeeded") == 1
    assert practice.violations() == {}


def test_a_refund_that_is_pending_first_is_shown_and_succeeds_by_webhook(practice: Practice) -> None:
    session_id = practice.paid_session(card=REFUND_PENDING)
    practice.cancel(session_id)
    [refund] = practice.deposit(session_id)["refunds"]
    assert (refund["status"], refund["pending_reason"]) == ("pending", "processing")
    assert practice.standing(session_id) == ("refund_pending", 2000, 0, 0)
    practice.advance(hours=2)
    practice.settle_down()
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)


def test_a_pending_refund_whose_webhook_was_lost_is_looked_at(practice: Practice) -> None:
    session_id = practice.paid_session(card=REFUND_PENDING)
    practice.cancel(session_id)
    practice.hold_hooks(True)
    practice.advance(hours=2)
    practice.sandbox.run_due()
    practice.settle_down()
    assert practice.standing(session_id)[0] == "refunded"


def test_a_refund_that_the_bank_sends_back_is_failed_with_what_to_do_and_can_be_tried_again(practice: Practice) -> None:
    session_id = practice.paid_session(card=REFUND_FAILS)
    practice.cancel(session_id)
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    practice.advance(hours=2)
    practice.settle_down()
    assert practice.standing(session_id) == ("refund_failed", 2000, 0, 0)
    deposit = practice.deposit(session_id)
    assert "return it another way" in deposit["refunds"][0]["failure"]
    practice.post(f"/v1/deposits/{deposit['id']}/retry-refund")
    assert practice.standing(session_id)[0] == "refund_pending"
    practice.settle_down()
    assert practice.standing(session_id)[0] == "refunded"
    assert practice.violations() == {}


def test_a_failed_refund_counts_as_paid_once_the_session_is_restored(practice: Practice) -> None:
    session_id = practice.paid_session(card=REFUND_FAILS)
    practice.cancel(session_id)
    practice.advance(hours=2)
    practice.settle_down()
    practice.restore(session_id)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)


@pytest.mark.parametrize("model", list(ChargeModel))
def test_disputed_money_is_not_refunded_on_top(opened: Open, model: ChargeModel) -> None:
    practice = _charging(opened, model)
    session_id = practice.paid_session(card=DISPUTED)
    _await_dispute(practice, session_id)
    assert practice.standing(session_id) == ("disputed", 0, 0, 0)
    practice.cancel(session_id)
    [refund] = practice.deposit(session_id)["refunds"]
    assert (refund["status"], refund["reason"]) == ("skipped", "disputed")
    assert practice.standing(session_id)[0] == "disputed"
    assert practice.violations() == {}


@pytest.mark.parametrize("model", list(ChargeModel))
def test_a_dispute_that_is_won_is_paid_again_and_one_that_is_lost_stays(opened: Open, model: ChargeModel) -> None:
    practice = _charging(opened, model)
    won, lost = practice.paid_session(card=DISPUTED), practice.paid_session(card=DISPUTED)
    _answer_dispute(practice, won, "winning_evidence")
    _answer_dispute(practice, lost, "losing_evidence")
    practice.advance(seconds=10)
    practice.sandbox.run_due()
    practice.settle_down()
    assert practice.standing(won) == ("paid", 2000, 0, 0)
    assert practice.standing(lost) == ("disputed", 0, 0, 0)
    practice.cancel(won)
    assert practice.standing(won) == ("refunded", 0, 0, 2000)
    assert practice.violations() == {}


def _charging(opened: Open, model: ChargeModel) -> Practice:
    practice = opened(charge_model=model)
    practice.introduce()
    practice.connect()
    return practice


def _await_dispute(practice: Practice, session_id: str) -> Payment:
    """The payment once its dispute, which the sandbox tells of in its own time, was taken in."""

    def disputed() -> bool:
        practice.settle_down()
        return _payment_of(practice, session_id).dispute is not None

    until(disputed, "the client's dispute")
    return _payment_of(practice, session_id)


def _answer_dispute(practice: Practice, session_id: str, evidence: str) -> None:
    payment = _await_dispute(practice, session_id)
    _context(practice).stripe()._client.v1.disputes.update(
        payment.dispute,
        {"evidence": {"uncategorized_text": evidence}, "submit": True},
        {"stripe_account": payment.stripe_account} if payment.charge_model == ChargeModel.DIRECT else {},
    )


def test_refunds_in_the_dashboard_are_taken_in_and_ours_return_only_the_rest(practice: Practice) -> None:
    session_id = practice.paid_session()
    context = _context(practice)
    payment = _payment_of(practice, session_id)
    client = context.stripe()._client
    client.v1.refunds.create(
        {"payment_intent": payment.payment_intent, "amount": 700}, {"stripe_account": payment.stripe_account}
    )
    practice.settle_down()
    assert practice.standing(session_id) == ("partially_refunded", 1300, 0, 700)
    assert practice.deposit(session_id)["refunds"][0]["reason"] == "stripe_dashboard"
    practice.cancel(session_id)
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    assert sorted(refund["amount"] for refund in practice.refunds_at_stripe()) == [700, 1300]
    assert practice.violations() == {}


def test_refunded_in_the_dashboard_while_ours_was_planned_the_money_goes_back_once(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hold_hooks(True)
    payment = _payment_of(practice, session_id)
    _context(practice).stripe()._client.v1.refunds.create(
        {"payment_intent": payment.payment_intent}, {"stripe_account": payment.stripe_account}
    )
    practice.hear(practice.cancelled(session_id))
    practice.settle_down()
    practice.hold_hooks(False)
    practice.settle_down()
    assert practice.standing(session_id)[1:] == (0, 0, 2000)
    assert [refund["amount"] for refund in practice.refunds_at_stripe()] == [2000]
    assert practice.violations() == {}


def test_many_cancellations_under_mixed_faults_are_refunded_once_each(practice: Practice) -> None:
    sessions = [practice.paid_session(amount=1000 + n) for n in range(8)]
    for fault, count in (
        ("error_500", 3),
        ("error_500_after_processing", 3),
        ("drop_after_processing", 3),
        ("rate_limit", 3),
    ):
        practice.fault(fault, count, **REFUNDS)
    practice.hear(*(practice.cancelled(session_id) for session_id in sessions))
    practice.settle_down(patience=120)
    practice.advance(minutes=2)
    practice.settle_down()
    assert [practice.standing(session_id)[0] for session_id in sessions] == ["refunded"] * 8
    assert sorted(refund["amount"] for refund in practice.refunds_at_stripe()) == [1000 + n for n in range(8)]
    assert practice.violations() == {}


def test_a_day_of_trouble_still_ends_in_one_refund(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hear(practice.cancelled(session_id))
    practice.fault("error_500", 1, **REFUNDS)
    practice.run_jobs()
    for _ in range(3):
        practice.advance(hours=12)
        practice.fault("rate_limit", 1, **REFUNDS)
        practice.run_jobs()
    practice.advance(minutes=10)
    practice.settle_down()
    assert practice.standing(session_id)[0] == "refunded"
    assert len(practice.refunds_at_stripe()) == 1


def _context(practice: Practice) -> Payments:
    crew = getattr(practice.service.jobs()[0].run, "__self__", None)
    assert isinstance(crew, refunding.RefundCrew)
    return crew._context


def _payment_of(practice: Practice, session_id: str) -> Payment:
    deposit_id = practice.deposit(session_id)["id"]
    with practice.service.store.reading():
        found: Payment = Payment.get(Payment.deposit_id == deposit_id)
        return found


def test_a_lost_lease_is_longer_than_stripes_longest_answer() -> None:
    assert 2 * timedelta(seconds=13) < refunding._LEASE
