"""Payment intents and charges: what becomes of a card that was typed into a Checkout page."""

from typing import Any

from sandbox.stripe import disputes
from sandbox.stripe.accounts import account_of
from sandbox.stripe.cards import Card
from sandbox.stripe.events import emit
from sandbox.stripe.ledger import fee, record
from sandbox.stripe.money import processing_fee
from sandbox.stripe.params import Metadata, Text, body, listing
from sandbox.stripe.refunds import settle_waiting
from sandbox.stripe.resources import PLATFORM, Body, get, insert, merged, new_id, page, save
from sandbox.stripe.world import Work


def new_intent(work: Work, *, amount: int, currency: str, data: dict[str, Any], email: str | None) -> Body:
    """A payment intent as Checkout makes it when a card is first tried; `data` is `payment_intent_data`."""
    id_ = new_id("payment_intent")
    transfer = data.get("transfer_data")
    intent: Body = {
        "id": id_,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": data.get("application_fee_amount"),
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{id_}_secret_{new_id('request')[4:]}",
        "confirmation_method": "automatic",
        "created": work.now,
        "currency": currency,
        "customer": None,
        "description": data.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": merged({}, data.get("metadata", {})),
        "next_action": None,
        "on_behalf_of": data.get("on_behalf_of"),
        "payment_method": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": data.get("receipt_email"),
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": data.get("statement_descriptor"),
        "statement_descriptor_suffix": data.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": transfer,
        "transfer_group": data.get("transfer_group"),
        "_email": email,
    }
    insert(work.tx, work.account, intent)
    return intent


def try_card(work: Work, intent: Body, card: Card, last4: str) -> Body:
    """Charges the card: the charge succeeds or fails, the intent follows, events tell. Returns the charge."""
    charge = _charge(work, intent, card, last4)
    intent["latest_charge"] = charge["id"]
    if card.decline:
        _decline(work, intent, charge, card)
    else:
        _succeed(work, intent, charge, card)
    return charge


def _charge(work: Work, intent: Body, card: Card, last4: str) -> Body:
    transfer = intent["transfer_data"]
    return {
        "id": new_id("charge"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": intent["application_fee_amount"],
        "balance_transaction": None,
        "billing_details": {"address": None, "email": intent["_email"], "name": None, "phone": None, "tax_id": None},
        "calculated_statement_descriptor": "SANDBOX",
        "captured": False,
        "created": work.now,
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "destination": transfer["destination"] if transfer else None,
        "dispute": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": intent["on_behalf_of"],
        "outcome": {
            "advice_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": new_id("payment_method"),
        "payment_method_details": {
            "card": {
                "amount_authorized": intent["amount"],
                "brand": card.brand,
                "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
                "country": "US",
                "exp_month": 12,
                "exp_year": 2034,
                "funding": "credit",
                "last4": last4,
                "network": card.brand,
            },
            "type": "card",
        },
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed",
        "transfer": None,
        "transfer_data": transfer,
        "transfer_group": intent["transfer_group"],
        "_refund": card.refund,
    }


def _decline(work: Work, intent: Body, charge: Body, card: Card) -> None:
    decline = card.decline
    assert decline is not None  # the caller looked
    charge |= {"failure_code": decline.code, "failure_message": decline.message}
    charge["outcome"] |= {
        "network_status": "declined_by_network",
        "reason": decline.decline_code,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }
    intent["last_payment_error"] = {
        "charge": charge["id"],
        "code": decline.code,
        "decline_code": decline.decline_code,
        "message": decline.message,
        "type": "card_error",
    }
    intent["status"] = "requires_payment_method"
    insert(work.tx, work.account, charge)
    save(work.tx, intent)
    emit(work, "charge.failed", charge)
    emit(work, "payment_intent.payment_failed", intent)


def _succeed(work: Work, intent: Body, charge: Body, card: Card) -> None:
    amount = intent["amount"]
    charge |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": amount}
    charge["receipt_url"] = f"{work.world.settings.public_url}/receipts/{charge['id']}"
    intent |= {
        "status": "succeeded",
        "amount_received": amount,
        "payment_method": charge["payment_method"],
        "last_payment_error": None,
    }
    _book(work, charge)
    insert(work.tx, work.account, charge)
    save(work.tx, intent)
    emit(work, "charge.succeeded", charge)
    emit(work, "payment_intent.succeeded", intent)
    settle_waiting(work, charge["currency"])
    if card.disputed:
        disputes.open_dispute(work, charge)


def _book(work: Work, charge: Body) -> None:
    amount, currency = charge["amount"], charge["currency"]
    fees = [fee(processing_fee(amount, currency), currency, "stripe_fee", "Stripe processing fees")]
    if work.account and charge["application_fee_amount"]:
        charge["application_fee"] = _application_fee(work, charge, work.account)
        fees.append(fee(charge["application_fee_amount"], currency, "application_fee", "Application fee"))
    entry = record(work, work.account, type_="charge", amount=amount, currency=currency, source=charge["id"], fees=fees)
    charge["balance_transaction"] = entry["id"]
    if charge["transfer_data"]:
        _transfer(work, charge)


def _application_fee(work: Work, charge: Body, account: str) -> str:
    amount = charge["application_fee_amount"]
    collected: Body = {
        "id": new_id("application_fee"),
        "object": "application_fee",
        "account": account,
        "amount": amount,
        "amount_refunded": 0,
        "application": None,
        "charge": charge["id"],
        "created": work.now,
        "currency": charge["currency"],
        "livemode": False,
        "originating_transaction": None,
        "refunded": False,
    }
    entry = record(
        work,
        PLATFORM,
        type_="application_fee",
        amount=amount,
        currency=charge["currency"],
        source=collected["id"],
    )
    collected["balance_transaction"] = entry["id"]
    insert(work.tx, PLATFORM, collected)
    emit(work, "application_fee.created", collected, account=PLATFORM)
    return str(collected["id"])


def _transfer(work: Work, charge: Body) -> None:
    destination, currency = charge["transfer_data"]["destination"], charge["currency"]
    account_of(work, destination)
    amount = charge["transfer_data"].get("amount")
    if amount is None:
        amount = charge["amount"] - (charge["application_fee_amount"] or 0)
    transfer: Body = {
        "id": new_id("transfer"),
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "created": work.now,
        "currency": currency,
        "description": None,
        "destination": destination,
        "livemode": False,
        "metadata": {},
        "reversals": {"object": "list", "data": [], "has_more": False, "url": ""},
        "reversed": False,
        "source_transaction": charge["id"],
        "source_type": "card",
        "transfer_group": charge["transfer_group"],
    }
    entry = record(work, PLATFORM, type_="transfer", amount=-amount, currency=currency, source=transfer["id"])
    record(work, destination, type_="payment", amount=amount, currency=currency, source=transfer["id"])
    transfer["balance_transaction"] = entry["id"]
    insert(work.tx, PLATFORM, transfer)
    charge["transfer"] = transfer["id"]
    if charge["application_fee_amount"] and charge["transfer_data"].get("amount") is None:
        # What was kept back is the platform's already; the fee object only says so.
        charge["application_fee"] = None


RETRIEVE = body()
LIST_INTENTS = listing(customer=Text())
LIST_CHARGES = listing(customer=Text(), payment_intent=Text(), transfer_group=Text())
UPDATE = body(metadata=Metadata(), description=Text(unsettable=True))


def retrieve_intent(work: Work) -> Body:
    return get(work.tx, work.account, "payment_intent", work.path["id"], "intent")


def list_intents(work: Work) -> Body:
    match = [("$.customer", work.params.get("customer"))]
    return page(work.tx, work.account, "payment_intent", work.params, url="/v1/payment_intents", match=match)


def update_intent(work: Work) -> Body:
    return _update(work, retrieve_intent(work))


def retrieve_charge(work: Work) -> Body:
    return get(work.tx, work.account, "charge", work.path["id"])


def list_charges(work: Work) -> Body:
    params = work.params
    match = [("payment_intent", params.get("payment_intent"))]
    match += [(f"$.{name}", params.get(name)) for name in ("customer", "transfer_group")]
    return page(work.tx, work.account, "charge", params, url="/v1/charges", match=match)


def update_charge(work: Work) -> Body:
    charge = _update(work, retrieve_charge(work))
    emit(work, "charge.updated", charge)
    return charge


def _update(work: Work, subject: Body) -> Body:
    if "metadata" in work.params:
        subject["metadata"] = merged(subject["metadata"], work.params["metadata"])
    if "description" in work.params:
        subject["description"] = work.params["description"] or None
    save(work.tx, subject)
    return subject


RETRIEVE_FEE = body()
LIST_FEES = listing(charge=Text())


def retrieve_fee(work: Work) -> Body:
    return get(work.tx, work.account, "application_fee", work.path["id"])


def list_fees(work: Work) -> Body:
    match = [("charge", work.params.get("charge"))]
    return page(work.tx, work.account, "application_fee", work.params, url="/v1/application_fees", match=match)
