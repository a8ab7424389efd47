"""The path that the product lives on, by the real SDK: connect, ask for a deposit, pay it, refund it."""

import pytest
import requests
import stripe
from deploy.sandbox.tests.driver import Running, wait_until


def test_an_account_can_charge_once_its_onboarding_page_is_finished(running: Running) -> None:
    account = running.stripe.v1.accounts.create(
        {"type": "express", "country": "DE", "capabilities": {"card_payments": {"requested": True}}}
    )
    assert (account.charges_enabled, account.details_submitted) == (False, False)
    assert account.requirements is not None
    assert account.requirements.currently_due

    connected = running.stripe.v1.accounts.retrieve(running.connected())

    assert connected.charges_enabled
    assert connected.payouts_enabled
    assert connected.details_submitted
    assert connected.capabilities is not None
    assert connected.capabilities.card_payments == "active"
    event = running.event("account.updated")
    assert (event.account, event.data.object["charges_enabled"]) == (connected.id, True)


def test_an_onboarding_link_works_once(running: Running) -> None:
    account = running.connected()
    link = running.stripe.v1.account_links.create(
        {
            "account": account,
            "type": "account_onboarding",
            "return_url": "https://example.com/done",
            "refresh_url": "https://example.com/again",
        }
    )
    assert requests.get(link.url, timeout=10).status_code == 200
    assert requests.post(link.url, data={"outcome": "later"}, allow_redirects=False, timeout=10).status_code == 303
    second = requests.post(link.url, allow_redirects=False, timeout=10)
    assert second.headers["Location"] == "https://example.com/again"


def test_a_paid_checkout_page_completes_and_is_told_by_signed_webhooks(running: Running) -> None:
    account = running.connected()
    session = running.checkout(account, 2000, metadata={"deposit_id": "dep_1"}, customer_email="mia@example.com")
    assert session.id.startswith("cs_test_")
    assert session.id in str(session.url)
    assert session.payment_intent is None
    page = requests.get(str(session.url), timeout=10)
    assert page.status_code == 200
    assert "€20.00" in page.text
    assert "Deposit: Coaching" in page.text

    answer = running.pay(session, "4242 4242 4242 4242")

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"https://example.com/paid?session={session.id}"
    completed = running.event("checkout.session.completed")
    assert completed.account == account
    assert completed.data.object["payment_status"] == "paid"
    assert completed.data.object["metadata"].to_dict() == {"deposit_id": "dep_1"}
    intent = running.stripe.v1.payment_intents.retrieve(
        completed.data.object["payment_intent"],
        {"expand": ["latest_charge.balance_transaction"]},
        {"stripe_account": account},
    )
    assert (intent.status, intent.amount_received, intent.metadata.to_dict()) == (
        "succeeded",
        2000,
        {"deposit_id": "dep_1"},
    )
    assert isinstance(intent.latest_charge, stripe.Charge)
    entry = intent.latest_charge.balance_transaction
    assert isinstance(entry, stripe.BalanceTransaction)
    assert (entry.amount, entry.fee, entry.net) == (2000, 55, 1945)
    assert {"charge.succeeded", "payment_intent.succeeded"} <= {event.type for event in running.events()}


def test_a_paid_page_cannot_be_paid_twice(running: Running) -> None:
    session = running.checkout(running.connected())
    running.pay(session)
    assert running.pay(session).status_code == 409


def test_a_declined_card_leaves_the_page_open_and_says_so(running: Running) -> None:
    account = running.connected()
    session = running.checkout(account)

    answer = running.pay(session, "4000000000000002")

    assert answer.status_code == 402
    assert "Your card was declined." in answer.text
    failed = running.event("payment_intent.payment_failed").data.object
    assert failed["last_payment_error"]["decline_code"] == "generic_decline"
    assert running.event("charge.failed").data.object["paid"] is False
    assert running.pay(session).status_code == 303
    charges = running.stripe.v1.charges.list({"payment_intent": failed["id"]}, {"stripe_account": account})
    assert [charge.status for charge in charges.data] == ["succeeded", "failed"]


def test_a_number_that_is_no_card_is_refused_on_the_page(running: Running) -> None:
    session = running.checkout(running.connected())
    answer = running.pay(session, "4242 4242")
    assert answer.status_code == 402
    assert "card number is incorrect" in answer.text


def test_an_expired_page_is_gone_and_told(running: Running) -> None:
    account = running.connected()
    session = running.checkout(account)

    ended = running.stripe.v1.checkout.sessions.expire(session.id, {}, {"stripe_account": account})

    assert (ended.status, ended.url) == ("expired", None)
    assert running.pay(session).status_code == 410
    assert running.event("checkout.session.expired").data.object["id"] == session.id
    with pytest.raises(stripe.InvalidRequestError, match="Only Checkout Sessions with a status"):
        running.stripe.v1.checkout.sessions.expire(session.id, {}, {"stripe_account": account})


def test_a_partial_and_then_the_remaining_refund(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account, 2000)

    first = running.refund(account, intent, amount=500, reason="requested_by_customer", metadata={"refund_id": "ref_1"})

    assert (first.status, first.amount, first.to_dict()["metadata"]) == ("succeeded", 500, {"refund_id": "ref_1"})
    assert running.event("refund.created").data.object["id"] == first.id
    assert running.event("charge.refunded").data.object["amount_refunded"] == 500
    with pytest.raises(stripe.InvalidRequestError) as refused:
        running.refund(account, intent, amount=1501)
    assert refused.value.param == "amount"
    assert "(€15.01) is greater than unrefunded amount on charge (€15.00)" in str(refused.value)
    rest = running.refund(account, intent)
    assert rest.amount == 1500
    with pytest.raises(stripe.InvalidRequestError) as again:
        running.refund(account, intent)
    assert again.value.code == "charge_already_refunded"
    assert [refund.id for refund in running.refunds(account, intent)] == [rest.id, first.id]
    shown = running.get("/stripe/refunds")["data"]
    assert [(refund["id"], refund["account"]) for refund in shown] == [(rest.id, account), (first.id, account)]


def test_the_application_fee_goes_to_the_platform_and_comes_back_with_the_refund(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account, 2000, payment_intent_data={"application_fee_amount": 200})
    fees = running.stripe.v1.application_fees.list()
    assert [(fee.amount, fee.account) for fee in fees.data] == [(200, account)]

    running.refund(account, intent, amount=1000, refund_application_fee=True)

    assert running.stripe.v1.application_fees.retrieve(fees.data[0].id).amount_refunded == 100


def test_a_destination_charge_is_sent_on_and_its_transfer_reversed(running: Running) -> None:
    account = running.connected()
    session = running.checkout(
        None, 2000, payment_intent_data={"transfer_data": {"destination": account}, "application_fee_amount": 200}
    )
    running.pay(session)
    done = running.stripe.v1.checkout.sessions.retrieve(session.id)
    balance = running.stripe.v1.balance.retrieve({}, {"stripe_account": account})
    assert balance.available[0].amount == 1800

    refund = running.stripe.v1.refunds.create(
        {"payment_intent": str(done.payment_intent), "reverse_transfer": True, "refund_application_fee": True}
    )

    assert refund.status == "succeeded"
    assert running.stripe.v1.balance.retrieve({}, {"stripe_account": account}).available[0].amount == 0


def test_another_accounts_objects_do_not_exist(running: Running) -> None:
    mine, other = running.connected(), running.connected()
    intent = running.paid(mine)
    for account in (other, None):
        with pytest.raises(stripe.InvalidRequestError) as missing:
            running.stripe.v1.payment_intents.retrieve(intent, {}, {"stripe_account": account} if account else {})
        assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        running.refund(other, intent)
    assert refused.value.code == "resource_missing"
    with pytest.raises(stripe.PermissionError) as denied:
        running.stripe.v1.balance.retrieve({}, {"stripe_account": "acct_unknown"})
    assert "does not have access to account 'acct_unknown'" in str(denied.value)


def test_an_account_that_cannot_charge_gets_no_checkout_page(running: Running) -> None:
    account = running.stripe.v1.accounts.create(
        {"type": "express", "capabilities": {"card_payments": {"requested": True}, "transfers": {"requested": True}}}
    )
    with pytest.raises(stripe.InvalidRequestError, match="without the `card_payments` capability"):
        running.checkout(account.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        running.checkout(None, payment_intent_data={"transfer_data": {"destination": account.id}})
    assert refused.value.code == "insufficient_capabilities_for_transfer"


def test_lists_are_paged_newest_first(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account, 5000)
    made = [running.refund(account, intent, amount=100 + number).id for number in range(5)]
    options: stripe.RequestOptions = {"stripe_account": account}
    first = running.stripe.v1.refunds.list({"limit": 2, "payment_intent": intent}, options)
    assert ([refund.id for refund in first.data], first.has_more) == (made[:2:-1], True)
    everything = running.stripe.v1.refunds.list({"limit": 2}, options).auto_paging_iter()
    assert [refund.id for refund in everything] == made[::-1]
    before = running.stripe.v1.refunds.list({"ending_before": made[2], "limit": 10}, options)
    assert [refund.id for refund in before.data] == [made[4], made[3]]
    since = running.stripe.v1.refunds.list({"created": {"gte": 1}, "limit": 100}, options)
    assert len(since.data) == 5
    assert running.stripe.v1.refunds.list({"created": {"lt": 1}}, options).data == []


def test_events_can_be_asked_for_as_well(running: Running) -> None:
    account = running.connected()
    running.paid(account)
    listed = running.stripe.v1.events.list({"type": "checkout.session.completed"}, {"stripe_account": account})
    assert [event.type for event in listed.data] == ["checkout.session.completed"]
    again = running.stripe.v1.events.retrieve(listed.data[0].id, {}, {"stripe_account": account})
    assert again.data.object["status"] == "complete"


def test_an_endpoint_made_by_the_api_has_its_own_secret_and_its_own_events(running: Running) -> None:
    endpoint = running.stripe.v1.webhook_endpoints.create(
        {"url": f"{running.receiver.url}/own", "enabled_events": ["refund.created"], "connect": True}
    )
    account = running.connected()
    running.refund(account, running.paid(account), amount=100)

    received = wait_until(lambda: [each for each in running.receiver.requests if each.path == "/own"])

    event = stripe.Webhook.construct_event(
        received[0].body, received[0].headers["Stripe-Signature"], str(endpoint.secret)
    )
    assert event.type == "refund.created"
    wait_until(running.sandbox.idle)
    assert len([each for each in running.receiver.requests if each.path == "/own"]) == 1
    assert running.stripe.v1.webhook_endpoints.retrieve(endpoint.id).to_dict().get("secret") is None
    running.stripe.v1.webhook_endpoints.delete(endpoint.id)
    assert running.stripe.v1.webhook_endpoints.list().data == []


def test_a_restricted_account_can_refund_but_not_charge(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    link = running.stripe.v1.account_links.create(
        {
            "account": account,
            "type": "account_onboarding",
            "return_url": "https://example.com/done",
            "refresh_url": "https://example.com/again",
        }
    )
    requests.post(link.url, data={"outcome": "restricted"}, allow_redirects=False, timeout=10)
    assert not running.stripe.v1.accounts.retrieve(account).charges_enabled
    with pytest.raises(stripe.InvalidRequestError, match="disabled_reason"):
        running.checkout(account)
    assert running.refund(account, intent).status == "succeeded"
