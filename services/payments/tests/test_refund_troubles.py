"""Refunds that Stripe does not make at once, or not at all: too little balance, too old, an account that is gone; each shown, told, and tried again where that can help."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from services.payments.tests.conftest import Open, open_practice
from services.payments.tests.practice import REFUND_PENDING, Practice, until

from payments.domain.charging import ChargeModel
from payments.store.models import Payment, RefundPart

REFUNDS: dict[str, Any] = {"method": "POST", "path": "/v1/refunds"}
# What is left of a payment of 20.00 once Stripe's fee is off.
_NET = 1945


def _at_stripe(practice: Practice, method: str, path: str, *, account: str | None = None, **body: Any) -> Any:
    answer = requests.request(
        method,
        f"{practice.sandbox_url}/stripe/v1/{path}",
        data=body,
        auth=(practice.sandbox.keys.stripe_secret_key, ""),
        headers={"Stripe-Account": account} if account else {},
        timeout=10,
    )
    assert answer.status_code < 300, answer.text
    return answer.json()


def _account(practice: Practice) -> str:
    return str(practice.get("/v1/connect")["stripe_account_id"])


def _empty_the_balance(practice: Practice) -> None:
    _at_stripe(practice, "POST", "payouts", account=_account(practice), amount=_NET, currency="eur")


def _refund(practice: Practice, session_id: str) -> tuple[str, str | None]:
    """Status and pending reason of the only refund."""
    [refund] = practice.deposit(session_id)["refunds"]
    return refund["status"], refund["pending_reason"]


# --- too little balance ---------------------------------------------------------------------------------------------


def test_a_refund_that_waits_at_stripe_for_the_balance_is_shown_and_done_once_there_is_money(
    on_both_stores: Practice,
) -> None:
    practice = on_both_stores
    session_id = practice.paid_session()
    _empty_the_balance(practice)
    practice.cancel(session_id)
    assert _refund(practice, session_id) == ("pending", "insufficient_funds")
    assert practice.standing(session_id) == ("refund_pending", 2000, 0, 0)
    assert practice.last_told("refund.pending")["pending_reason"] == "insufficient_funds"
    practice.paid_session(amount=3000)
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    assert _refund(practice, session_id) == ("succeeded", None)
    assert practice.violations() == {}


@pytest.fixture
def refusing(opened: Open) -> Practice:
    """A practice whose Stripe refuses refunds that the balance does not cover, instead of letting them wait."""
    practice = opened(refunds_wait_for_money=False)
    practice.introduce()
    practice.connect()
    return practice


def test_a_refund_that_is_refused_for_the_balance_is_tried_again_until_there_is_money(refusing: Practice) -> None:
    session_id = refusing.paid_session()
    _empty_the_balance(refusing)
    refusing.cancel(session_id)
    assert _refund(refusing, session_id) == ("pending", "insufficient_funds")
    assert refusing.last_told("refund.pending")["pending_reason"] == "insufficient_funds"
    told = refusing.told("refund")
    # Stripe in trouble meanwhile does not hide what is waited for.
    refusing.fault("rate_limit", 1, **REFUNDS)
    refusing.advance(hours=1)
    refusing.settle_down()
    assert _refund(refusing, session_id) == ("pending", "insufficient_funds")
    assert refusing.told("refund") == told
    refusing.paid_session(amount=3000)
    assert refusing.standing(session_id)[0] == "refund_pending"
    refusing.advance(hours=1)
    refusing.settle_down()
    assert refusing.standing(session_id) == ("refunded", 0, 0, 2000)
    assert [refund["amount"] for refund in refusing.refunds_at_stripe()] == [2000]
    assert refusing.violations() == {}


def test_after_two_weeks_without_money_it_has_failed_with_what_to_do_and_can_be_tried_again(refusing: Practice) -> None:
    session_id = refusing.paid_session(hours_ahead=1000)
    _empty_the_balance(refusing)
    refusing.cancel(session_id)
    refusing.advance(days=14)
    refusing.settle_down()
    assert refusing.standing(session_id) == ("refund_failed", 2000, 0, 0)
    deposit = refusing.deposit(session_id)
    assert "add money to it" in deposit["refunds"][0]["failure"]
    assert refusing.told("refund")[-1] == "refund.failed"
    refusing.paid_session(amount=3000)
    refusing.post(f"/v1/deposits/{deposit['id']}/retry-refund")
    refusing.settle_down()
    assert refusing.standing(session_id) == ("refunded", 0, 0, 2000)
    assert refusing.violations() == {}


# --- too old --------------------------------------------------------------------------------------------------------


def test_a_payment_too_old_to_be_refunded_is_said_and_counts_as_paid_after_a_restore(opened: Open) -> None:
    practice = opened(refundable_for=180 * 86400.0)
    practice.introduce()
    practice.connect()
    session_id = practice.paid_session(hours_ahead=24 * 200)
    practice.advance(days=181)
    practice.cancel(session_id)
    assert practice.standing(session_id) == ("refund_failed", 2000, 0, 0)
    deposit = practice.deposit(session_id)
    assert "too old" in deposit["refunds"][0]["failure"]
    assert practice.told("refund") == ["refund.pending", "refund.failed"]
    practice.post(f"/v1/deposits/{deposit['id']}/retry-refund")
    practice.settle_down()
    assert practice.standing(session_id)[0] == "refund_failed"
    practice.restore(session_id)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    assert practice.refunds_at_stripe() == []
    assert practice.violations() == {}


# --- the way that the charge came -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charged", "setting_now"),
    [(ChargeModel.DESTINATION, ChargeModel.DIRECT), (ChargeModel.DIRECT, ChargeModel.DESTINATION)],
)
def test_a_refund_goes_the_way_that_its_charge_came_after_the_setting_has_changed(
    store_url: str, tmp_path: Path, charged: ChargeModel, setting_now: ChargeModel
) -> None:
    with open_practice(store_url, tmp_path, charge_model=charged, application_fee_percent=Decimal(10)) as before:
        before.introduce()
        before.connect()
        session_id = before.paid_session()
    with open_practice(store_url, tmp_path, charge_model=setting_now, application_fee_percent=Decimal(10)) as practice:
        practice.sessions.update(before.sessions)
        practice.cancel(session_id)
        assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
        [refund] = practice.refunds_at_stripe()
        on_the_platform = charged is ChargeModel.DESTINATION
        assert refund["account"] == (None if on_the_platform else _account(practice))
        # What was passed on comes back from the provider.
        assert bool(refund["transfer_reversal"]) == on_the_platform
        # The platform keeps its fee of a direct charge.
        if not on_the_platform:
            [fee] = _at_stripe(practice, "GET", "application_fees")["data"]
            assert (fee["amount"], fee["amount_refunded"]) == (200, 0)
        assert practice.violations() == {}


def test_a_destination_charge_refunded_in_parts_comes_back_from_the_provider(opened: Open) -> None:
    practice = opened(charge_model=ChargeModel.DESTINATION, application_fee_percent=Decimal(10))
    practice.introduce()
    practice.connect()
    practice.put_settings(refund_percentage=50)
    session_id = practice.paid_session()
    practice.cancel(session_id)
    assert practice.standing(session_id) == ("partially_refunded", 1000, 0, 1000)
    practice.post(f"/v1/deposits/{practice.deposit(session_id)['id']}/refunds", 201, amount=1000)
    practice.settle_down()
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    refunds = practice.refunds_at_stripe()
    assert [(refund["account"], refund["amount"]) for refund in refunds] == [(None, 1000), (None, 1000)]
    assert all(refund["transfer_reversal"] for refund in refunds)
    # All that was passed on, less the fee that was kept back, has come back from the provider.
    balance = _at_stripe(practice, "GET", "balance", account=_account(practice))
    assert [each["amount"] for each in balance["available"]] == [0]
    assert practice.violations() == {}


# --- refunds made in the dashboard ----------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True])
def test_a_refund_in_the_dashboard_before_a_restore_ends_the_same_when_it_is_heard_of_after_it(
    practice: Practice, late: bool
) -> None:
    session_id = practice.paid_session()
    practice.cancel(session_id, "skip")
    with practice.service.store.reading():
        intent = Payment.get().payment_intent
    practice.hold_hooks(late)
    _at_stripe(practice, "POST", "refunds", account=_account(practice), payment_intent=intent)
    practice.settle_down()
    practice.advance(minutes=1)
    practice.restore(session_id)
    practice.hold_hooks(False)
    practice.settle_down()
    assert practice.standing(session_id) == ("required", 0, 2000, 0)
    assert practice.violations() == {}


@pytest.mark.parametrize("late", [False, True])
def test_a_slot_of_which_no_part_is_held_any_more_is_released_whenever_that_is_heard_of(
    practice: Practice, late: bool
) -> None:
    practice.put_settings(refund_percentage=50)
    session_id = practice.paid_session(source="online", status="pending", hours_ahead=500)
    practice.cancel(session_id)
    with practice.service.store.reading():
        intent = Payment.get().payment_intent
    practice.hold_hooks(True)
    _at_stripe(practice, "POST", "refunds", account=_account(practice), payment_intent=intent)
    practice.advance(minutes=1)
    practice.hear(practice.restored(session_id, status="pending"))
    assert practice.standing(session_id) == ("required", 1000, 1000, 0)
    if late:
        # By now the slot was found to stay, as a part of its deposit was held.
        practice.advance(minutes=31)
        practice.settle_down()
        assert practice.deposit_row(session_id).release_at is None
    practice.hold_hooks(False)
    practice.settle_down()
    assert practice.standing(session_id) == ("required", 0, 2000, 0)
    practice.advance(minutes=29)
    practice.settle_down()
    assert practice.standing(session_id)[0] == "required"
    practice.advance(minutes=2)
    practice.settle_down()
    assert practice.standing(session_id)[0] == "canceled"
    assert practice.told("deposit")[-1] == "deposit.released"
    practice.advance(hours=80)
    practice.settle_down()
    assert "deposit.due" not in practice.told()
    assert practice.violations() == {}


def test_a_payment_too_much_that_goes_back_by_the_dashboard_is_no_refund_of_the_deposit(practice: Practice) -> None:
    session_id = practice.book()
    page = practice.open_page(session_id)
    # The row of the first page is lost to us, as after a restored backup: Stripe still takes money there.
    with practice.service.store.transaction():
        practice.service.store.execute("UPDATE checkouts SET state = 'failed'")
    practice.pay(session_id)
    assert practice.pay_at(page, REFUND_PENDING).status_code < 400

    def parts_once(number: int) -> list[RefundPart]:
        def known() -> list[RefundPart]:
            practice.sandbox.run_due()
            practice.jobs["webhooks"].run()
            with practice.service.store.reading():
                parts = list(RefundPart.select())
            return parts if len(parts) == number else []

        return until(known, f"{number} parts of refunds")

    [ours] = parts_once(1)
    assert (ours.purse, ours.status) == ("surplus", "planned")
    with practice.service.store.reading():
        intent = Payment.get_by_id(ours.payment_id).payment_intent
    _at_stripe(practice, "POST", "refunds", account=_account(practice), payment_intent=intent)
    parts_once(2)
    practice.cancel(session_id)
    practice.advance(hours=2)
    practice.settle_down()
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    assert practice.violations() == {}


# --- an account that is gone ----------------------------------------------------------------------------------------


def test_a_refund_finds_out_that_the_account_was_closed(practice: Practice) -> None:
    session_id = practice.paid_session()
    closed = _account(practice)
    _at_stripe(practice, "DELETE", f"accounts/{closed}")
    practice.cancel(session_id)
    assert practice.standing(session_id) == ("refund_failed", 2000, 0, 0)
    assert "connect it again" in practice.deposit(session_id)["refunds"][0]["failure"]
    seen = practice.get("/v1/connect")
    assert (seen["status"], seen["charges_enabled"], seen["payouts_enabled"]) == ("disconnected", False, False)
    waiting = practice.book()
    assert practice.deposit(waiting)["reason"] == "not_connected"
    practice.connect()
    assert _account(practice) != closed
    practice.pay(waiting)
    assert practice.standing(waiting) == ("paid", 2000, 0, 0)
    assert practice.violations() == {}


def test_a_payment_link_finds_out_that_the_account_was_closed(practice: Practice) -> None:
    session_id = practice.book()
    _at_stripe(practice, "DELETE", f"accounts/{_account(practice)}")
    assert practice.http.get(practice.link(session_id)).status_code == 410
    assert practice.get("/v1/connect")["status"] == "disconnected"
    practice.connect()
    practice.pay(session_id)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)


def test_an_account_that_can_be_reached_again_is_gone_on_with(practice: Practice) -> None:
    from payments.operations.connect import take_in_account
    from payments.service import context_of

    account = _account(practice)
    take_in_account(context_of(practice.service), account, None)
    assert practice.get("/v1/connect")["status"] == "disconnected"
    assert practice.post("/v1/connect")["stripe_account_id"] == account
    assert practice.get("/v1/connect")["status"] == "active"


def test_an_account_that_stripe_restricts_is_asked_no_new_deposit_until_it_may_charge_again(practice: Practice) -> None:
    asked = practice.book()
    url = practice.post("/v1/connect")["onboarding_url"]
    requests.post(url, data={"outcome": "restricted"}, timeout=10)
    practice.settle_down()
    seen = practice.get("/v1/connect")
    assert (seen["status"], seen["charges_enabled"]) == ("restricted", False)
    assert seen["requirements"]["disabled_reason"] == "requirements.past_due"
    later = practice.book()
    assert practice.deposit(later)["reason"] == "charges_disabled"
    assert practice.http.get(practice.link(asked)).status_code == 410
    practice.connect()
    assert practice.standing(later) == ("required", 0, 2000, 0)
    practice.pay(asked)
    assert practice.standing(asked) == ("paid", 2000, 0, 0)
