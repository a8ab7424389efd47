"""Webhooks: forged, old, repeated, reordered, of somebody else."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from services.payments.tests.conftest import Open
from services.payments.tests.practice import DISPUTED, Practice, code_of, until

from payments.domain.charging import ChargeModel
from payments.gateways.stripe import CheckoutPage, RefundState, StripeGateway
from payments.operations import refunding, webhooks
from payments.service import context_of
from payments.store.models import Checkout, Payment, RefundPart, Webhook


def _signed(secret: str, body: bytes, at: float) -> str:
    signature = hmac.new(secret.encode(), f"{int(at)}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={int(at)},v1={signature}"


def _event(type: str, object_id: str, account: str | None, **more: Any) -> bytes:
    return json.dumps(
        {
            "id": f"evt_{hashlib.sha256(f'{type}{object_id}{account}'.encode()).hexdigest()[:20]}",
            "object": "event",
            "type": type,
            "api_version": "2026-10-28.endive",
            "created": int(time.time()),
            "livemode": False,
            "pending_webhooks": 1,
            "request": None,
            "data": {"object": {"id": object_id, "object": type.partition(".")[0], **more}},
            **({"account": account} if account else {}),
        }
    ).encode()


def _send(practice: Practice, body: bytes, *, secret: str | None = None, at: float | None = None) -> Any:
    signature = _signed(secret or practice.sandbox.keys.stripe_webhook_secret, body, at or time.time())
    return practice.http.post("/v1/webhooks/stripe", data=body, headers={"Stripe-Signature": signature})


def _states(practice: Practice) -> dict[str, str]:
    with practice.service.store.reading():
        return {webhook.type: webhook.state for webhook in Webhook.select()}


def test_a_forged_an_old_and_an_unsigned_webhook_are_refused_and_not_kept(stranger: Practice) -> None:
    body = _event("account.updated", "acct_1", "acct_1")
    for answer in (
        _send(stranger, body, secret="whsec_wrong"),
        _send(stranger, body, at=time.time() - 301),
        stranger.http.post("/v1/webhooks/stripe", data=body),
        stranger.http.post("/v1/webhooks/stripe", data=b"nonsense", headers={"Stripe-Signature": "t=1,v1=2"}),
        stranger.http.post("/v1/webhooks/stripe", data=body, headers={"Stripe-Signature": f"t={time.time():.0f},v1=é"}),
    ):
        assert (answer.status_code, code_of(answer)) == (400, "bad_signature")
    assert _states(stranger) == {}


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"\xff", b"[]", b"{}", b"3", b'{"id": "evt_1", "type": "account.updated"}']
)
def test_a_signed_body_that_is_no_event_is_400(stranger: Practice, body: bytes) -> None:
    answer = _send(stranger, body)
    assert answer.status_code == 400
    assert _states(stranger) == {}


def test_an_altered_body_is_refused(stranger: Practice) -> None:
    body = _event("account.updated", "acct_1", "acct_1")
    signature = _signed(stranger.sandbox.keys.stripe_webhook_secret, body, time.time())
    answer = stranger.http.post(
        "/v1/webhooks/stripe", data=body.replace(b"acct_1", b"acct_2"), headers={"Stripe-Signature": signature}
    )
    assert answer.status_code == 400


def test_secrets_are_a_list_so_that_they_can_be_changed(stranger: Practice) -> None:
    body = _event("account.updated", "acct_1", "acct_1")
    assert _send(stranger, body, secret="whsec_an_old_one").status_code == 200


def test_webhooks_of_unknown_accounts_are_kept_and_not_acted_upon(stranger: Practice) -> None:
    assert _send(stranger, _event("charge.refunded", "ch_1", "acct_unknown")).status_code == 200
    stranger.settle_down()
    assert _states(stranger) == {"charge.refunded": "unknown"}


def test_a_kind_that_is_of_no_interest_is_done_at_once(practice: Practice) -> None:
    account = practice.get("/v1/connect")["stripe_account_id"]
    _send(practice, _event("payout.paid", "po_1", account))
    practice.settle_down()
    assert _states(practice)["payout.paid"] == "done"


def test_repeated_and_reordered_webhooks_end_in_the_same_state(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.cancel(session_id)
    told = practice.told()
    with practice.service.store.transaction():
        Webhook.update(state="stored", next_attempt_at=practice.clock.now()).execute()
    practice.settle_down()
    assert practice.told() == told
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    assert practice.violations() == {}


@pytest.mark.parametrize("model", list(ChargeModel))
def test_a_payment_can_be_heard_of_by_its_refund_or_its_dispute_first(opened: Open, model: ChargeModel) -> None:
    practice = opened(charge_model=model)
    practice.introduce()
    practice.connect()
    disputed, refunded = practice.book(), practice.book()
    practice.hold_hooks(True)
    client = context_of(practice.service).stripe()._client
    account = practice.get("/v1/connect")["stripe_account_id"] if model is ChargeModel.DIRECT else None
    options: Any = {"stripe_account": account} if account else {}
    practice.pay_at(practice.open_page(disputed), DISPUTED)
    [dispute] = client.v1.disputes.list({}, options).data
    practice.pay_at(practice.open_page(refunded))
    newest = client.v1.charges.list({"limit": 1}, options).data[0]
    refund = client.v1.refunds.create({"charge": newest.id, "amount": 500}, options)
    _send(practice, _event("charge.dispute.created", dispute.id, account))
    _send(practice, _event("refund.created", refund.id, account, status=refund.status, metadata={}))
    practice.settle_down()
    expected = {disputed: ("disputed", 0, 0, 0), refunded: ("partially_refunded", 1500, 0, 500)}
    assert {id: practice.standing(id) for id in expected} == expected
    practice.hold_hooks(False)
    practice.settle_down()
    assert {id: practice.standing(id) for id in expected} == expected
    assert practice.violations() == {}


@pytest.mark.parametrize("model", list(ChargeModel))
def test_a_payment_that_went_through_is_taken_in_though_its_page_is_not_told_of(
    opened: Open, model: ChargeModel
) -> None:
    practice = opened(charge_model=model)
    practice.introduce()
    practice.connect()
    session_id = practice.book()
    practice.hold_hooks(True)
    practice.pay_at(practice.open_page(session_id))
    account = practice.get("/v1/connect")["stripe_account_id"] if model is ChargeModel.DIRECT else None
    options: Any = {"stripe_account": account} if account else {}
    [intent] = context_of(practice.service).stripe()._client.v1.payment_intents.list({}, options).data
    metadata = intent.metadata.to_dict()
    _send(practice, _event("payment_intent.succeeded", intent.id, account, metadata=metadata))
    practice.settle_down()
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)


def test_news_of_our_own_refunds_are_done_with_without_asking_stripe(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hold_hooks(True)
    practice.cancel(session_id)
    practice.fault("error_500", 1000, method="GET")
    practice.hold_hooks(False)
    practice.settle_down()
    assert {_states(practice)[type] for type in ("refund.created", "charge.refunded")} == {"done"}


def test_news_of_a_refund_that_is_being_made_wait_for_the_answer_to_it(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hear(practice.cancelled(session_id))
    [claimed] = refunding.claim(context_of(practice.service), 8)
    account, metadata = claimed.payment.stripe_account, {"timeblu_refund_part": claimed.part.id}
    _send(practice, _event("refund.created", "re_1", account, status="succeeded", metadata=metadata))
    with practice.service.store.reading():
        [webhook] = list(Webhook.select().where(Webhook.type == "refund.created"))
    assert webhook.next_attempt_at > webhook.received_at


def test_webhooks_that_tell_nothing_new_are_done_with_together_up_to_one_that_does(practice: Practice) -> None:
    sessions = [practice.paid_session() for _ in range(3)]
    for session_id in sessions:
        practice.cancel(session_id)
    account = practice.get("/v1/connect")["stripe_account_id"]
    with practice.service.store.reading():
        parts, charges = list(RefundPart.select()), [payment.charge for payment in Payment.select()]
    bodies = [
        _event("refund.updated", parts[0].stripe_refund, account, status="succeeded"),
        _event("charge.refunded", charges[0], account, amount_refunded=2000, currency="eur"),
        _event("refund.updated", parts[1].stripe_refund, account, status="succeeded", metadata=_named(parts[1])),
        _event("refund.updated", parts[2].stripe_refund, account, status="failed", metadata=_named(parts[2])),
        _event("charge.refunded", charges[1], account, amount_refunded=2000, currency="eur"),
    ]
    for number, body in enumerate(bodies):
        _send(practice, body)
        due = practice.clock.now() + timedelta(microseconds=number)
        with practice.service.store.transaction():
            id = json.loads(body)["id"]
            Webhook.update(state="stored", body=body.decode(), next_attempt_at=due).where(Webhook.id == id).execute()
    practice.advance(seconds=1)
    practice.fault("error_500", 1000, method="GET")
    context = context_of(practice.service)
    assert [webhooks.process_due(context) for _ in range(3)] == [4, 1, 0]
    with practice.service.store.reading():
        states = [Webhook.get_by_id(json.loads(body)["id"]).state for body in bodies]
    assert states == ["done", "done", "done", "stored", "done"]


def _named(part: RefundPart) -> dict[str, str]:
    return {"timeblu_refund_part": part.id}


def test_the_same_webhook_twice_is_kept_once(practice: Practice) -> None:
    body = _event("payout.paid", "po_1", practice.get("/v1/connect")["stripe_account_id"])
    assert [_send(practice, body).get_json()["new"] for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    "type", ["checkout.session.completed", "refund.updated", "charge.refunded", "charge.dispute.created"]
)
def test_a_webhook_of_another_account_cannot_speak_for_ours(practice: Practice, type: str) -> None:
    session_id = practice.book()
    practice.open_page(session_id)
    page = practice.service.store
    with page.reading():
        checkout_id = page.execute("SELECT stripe_session FROM checkouts")[0][0]
    practice.hear(practice.account_told(account_id="acc_other"))
    answer = practice.call("POST", "/v1/connect", json={}, account="acc_other")
    other = answer.get_json()["stripe_account_id"]
    assert _send(practice, _event(type, checkout_id, other)).status_code == 200
    practice.run_jobs()
    assert practice.standing(session_id) == ("required", 0, 2000, 0)


def test_what_a_webhook_said_is_forgotten_once_it_is_done(practice: Practice) -> None:
    practice.paid_session()
    with practice.service.store.reading():
        bodies = [webhook.body for webhook in Webhook.select()]
    assert bodies
    assert set(bodies) == {None}


def test_a_webhook_that_fails_is_tried_again_and_stops_no_other(practice: Practice) -> None:
    account = practice.get("/v1/connect")["stripe_account_id"]
    _send(practice, _event("refund.updated", "re_nowhere", account))
    session_id = practice.book()
    practice.pay_at(practice.open_page(session_id))

    def paid() -> bool:
        practice.run_jobs()
        return practice.standing(session_id)[0] == "paid"

    until(paid, "the payment's webhook to be processed")
    assert _states(practice)["refund.updated"] == "stored"
    practice.advance(days=1)
    for _ in range(30):
        practice.run_jobs()
        practice.advance(hours=1)
    assert _states(practice)["refund.updated"] == "failed"


def test_a_webhook_outlives_a_day_in_which_stripe_cannot_be_asked(practice: Practice) -> None:
    session_id = practice.book()
    page = practice.open_page(session_id)
    practice.fault("error_500", 1000)
    practice.pay_at(page)
    for _ in range(48):
        practice.run_jobs()
        practice.advance(minutes=30)
    practice.fault("error_500", 0)
    practice.settle_down()
    assert practice.standing(session_id)[0] == "paid"


def test_an_account_that_cut_us_off_is_disconnected_and_no_new_deposit_is_asked(practice: Practice) -> None:
    account = practice.get("/v1/connect")["stripe_account_id"]
    _send(practice, _event("account.application.deauthorized", "ca_1", account))
    practice.settle_down()
    seen = practice.get("/v1/connect")
    assert (seen["status"], seen["charges_enabled"]) == ("disconnected", False)
    assert practice.deposit(practice.book())["reason"] == "not_connected"


def test_a_bank_that_refused_before_the_page_is_told_complete_leaves_it_to_be_paid_anew(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = practice.book()
    practice.open_page(session_id)
    with practice.service.store.reading():
        page = Checkout.get()
    real = StripeGateway.checkout

    def unpaid(self: StripeGateway, account: str, model: ChargeModel, session: str) -> CheckoutPage:
        seen = real(self, account, model, session)
        if session != page.stripe_session:
            return seen
        return replace(seen, status="complete", payment=None, refused=refused.pop(), url=None)

    # What was read before the bank's word is kept after it.
    refused = [False, True]
    monkeypatch.setattr(StripeGateway, "checkout", unpaid)
    for type in ("checkout.session.async_payment_failed", "checkout.session.completed"):
        _send(practice, _event(type, page.stripe_session, page.stripe_account))
        practice.settle_down()
    with practice.service.store.reading():
        assert Checkout.get().state == "failed"
    practice.pay(session_id)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)


def test_a_second_refund_that_names_the_same_part_does_not_undo_the_first(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice.put_settings(refund_percentage=50)
    session_id = practice.paid_session()
    practice.cancel(session_id)
    with practice.service.store.reading():
        part, account = RefundPart.get(), Payment.get().stripe_account
    real = StripeGateway.refund

    def refund(self: StripeGateway, account: str, model: ChargeModel, id: str) -> RefundState:
        if id != "re_twice":
            return real(self, account, model, id)
        return replace(real(self, account, model, part.stripe_refund), id=id, status="canceled")

    monkeypatch.setattr(StripeGateway, "refund", refund)
    metadata = {"timeblu_refund_part": part.id}
    _send(practice, _event("refund.updated", "re_twice", account, status="canceled", metadata=metadata))
    practice.settle_down()
    assert _states(practice)["refund.updated"] == "done"
    assert practice.standing(session_id) == ("partially_refunded", 1000, 0, 1000)
    assert practice.violations() == {}
