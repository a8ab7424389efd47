"""Refunds that fail or wait, disputes, and what the suite's clock does to them."""

from datetime import UTC, datetime

import pytest
import stripe
from deploy.sandbox.tests.driver import Running, Serve


def test_a_refund_that_looked_done_fails_later(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account, 2000, "4000000000005126")
    refund = running.refund(account, intent, amount=500)
    assert refund.status == "succeeded"

    running.post("/clock", advance_seconds=3601)

    options: stripe.RequestOptions = {"stripe_account": account}
    failed = running.stripe.v1.refunds.retrieve(refund.id, {"expand": ["charge"]}, options)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert isinstance(failed.charge, stripe.Charge)
    assert failed.charge.amount_refunded == 0
    event = running.event("refund.failed")
    assert (event.account, event.data.object["id"]) == (account, refund.id)
    assert running.event("charge.refund.updated").data.object["status"] == "failed"


def test_a_pending_refund_succeeds_when_its_time_has_come(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account, 2000, "4000000000007726")
    refund = running.refund(account, intent)
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    due = running.sandbox.next_due()
    assert due is not None
    assert due > datetime.now(UTC)

    running.post("/clock", advance_seconds=3601)

    done = running.stripe.v1.refunds.retrieve(refund.id, {}, {"stripe_account": account})
    assert done.status == "succeeded"
    assert running.event("refund.updated").data.object["status"] == "succeeded"
    assert running.sandbox.next_due() is None


def test_a_pending_refund_settles_by_itself(serve: Serve) -> None:
    with serve(refund_settles_after=0.3) as running:
        account = running.connected()
        refund = running.refund(account, running.paid(account, 2000, "4000000000007726"))
        assert refund.status == "pending"
        assert running.event("refund.updated").data.object["status"] == "succeeded"


def test_only_refunds_that_wait_for_the_customer_can_be_cancelled(running: Running) -> None:
    account = running.connected()
    refund = running.refund(account, running.paid(account))
    with pytest.raises(stripe.InvalidRequestError, match="requires_action"):
        running.stripe.v1.refunds.cancel(refund.id, {}, {"stripe_account": account})


def test_a_refund_waits_for_money_and_goes_on_when_it_comes(running: Running) -> None:
    account = running.connected()
    options: stripe.RequestOptions = {"stripe_account": account}
    intent = running.paid(account, 2000)
    running.stripe.v1.payouts.create({"amount": 1945, "currency": "eur"}, options)

    refund = running.refund(account, intent, amount=1000)

    assert (refund.status, refund.pending_reason) == ("pending", "insufficient_funds")
    running.paid(account, 3000)
    assert running.stripe.v1.refunds.retrieve(refund.id, {}, options).status == "succeeded"
    assert running.event("refund.updated").data.object["id"] == refund.id
    with pytest.raises(stripe.InvalidRequestError, match="insufficient funds"):
        running.stripe.v1.payouts.create({"amount": 10**6, "currency": "eur"}, options)


def test_where_refunds_do_not_wait_for_money_they_are_refused(serve: Serve) -> None:
    with serve(refunds_wait_for_money=False) as running:
        account = running.connected()
        intent = running.paid(account, 2000)
        running.stripe.v1.payouts.create({"amount": 1945, "currency": "eur"}, {"stripe_account": account})
        with pytest.raises(stripe.InvalidRequestError) as refused:
            running.refund(account, intent)
        assert refused.value.code == "balance_insufficient"
        assert running.refunds(account, intent) == []


def test_a_charge_can_be_too_old_to_be_refunded(serve: Serve) -> None:
    with serve(refundable_for=180 * 86400.0) as running:
        account = running.connected()
        intent = running.paid(account, 2000)
        running.post("/clock", advance_seconds=180 * 86400 - 60)
        assert running.refund(account, intent, amount=500).status == "succeeded"
        running.post("/clock", advance_seconds=120)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            running.refund(account, intent, amount=500)
        assert refused.value.code == "charge_expired_for_refund"


def test_a_disputed_charge_cannot_be_refunded_until_the_dispute_is_won(running: Running) -> None:
    account = running.connected()
    options: stripe.RequestOptions = {"stripe_account": account}
    intent = running.paid(account, 2000, "4000000000000259")
    opened = running.event("charge.dispute.created").data.object
    assert (opened["payment_intent"], opened["reason"], opened["status"]) == (intent, "fraudulent", "needs_response")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        running.refund(account, intent)
    assert refused.value.code == "charge_disputed"

    running.stripe.v1.disputes.update(opened["id"], {"evidence": {"uncategorized_text": "winning_evidence"}}, options)
    running.post("/clock", advance_seconds=3)

    assert running.event("charge.dispute.closed").data.object["status"] == "won"
    assert running.refund(account, intent).status == "succeeded"


def test_a_dispute_that_is_not_answered_is_lost(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account, 2000, "4000000000000259")
    options: stripe.RequestOptions = {"stripe_account": account}
    [dispute] = running.stripe.v1.disputes.list({"payment_intent": intent}, options).data
    assert running.stripe.v1.disputes.close(dispute.id, {}, options).status == "lost"
    assert running.event("charge.dispute.closed").data.object["status"] == "lost"


def test_a_checkout_page_ends_by_the_suites_clock(running: Running) -> None:
    account = running.connected()
    now = int(running.sandbox.clock.now().timestamp())
    session = running.checkout(account, expires_at=now + 3600)
    running.post("/clock", advance_seconds=3500)
    assert running.stripe.v1.checkout.sessions.retrieve(session.id, {}, {"stripe_account": account}).status == "open"

    running.post("/clock", advance_seconds=101)

    event = running.event("checkout.session.expired")
    assert event.data.object["id"] == session.id
    assert event.created == now + 3600
    assert running.pay(session).status_code == 410


def test_the_clock_never_goes_back(running: Running) -> None:
    before = running.get("/clock")["now"]
    with pytest.raises(AssertionError):
        running.post("/clock", advance_seconds=-1)
    after = running.post("/clock", advance_seconds=86400)["now"]
    assert 86400 <= (datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds() < 86460


def test_everything_is_known_after_a_restart(serve: Serve) -> None:
    with serve() as first:
        account = first.connected()
        intent = first.paid(account)
        refund = first.refund(account, intent, amount=100)
        first.post("/clock", advance_seconds=86400)
        first.fault("twilio", "rate_limit", 7)
        first.post("/stripe/hooks", hold=True)
        secrets, port = first.get("/stripe"), first.sandbox.smtp_port
    with serve() as second:
        assert [each.id for each in second.refunds(account, intent)] == [refund.id]
        assert second.get("/stripe")["secret_key"] == secrets["secret_key"]
        assert second.get("/stripe")["webhook_secret"] == secrets["webhook_secret"]
        assert second.get("/stripe")["hold"] is True
        assert second.get("/faults")["data"][0]["count"] == 7
        assert second.sandbox.smtp_port == port
        now = datetime.fromisoformat(second.get("/clock")["now"])
        assert (now - datetime.now(UTC)).total_seconds() > 86300
