"""Checkout Sessions: a page that takes one payment, until it is paid or ends."""

from typing import Any

from sandbox.stripe.accounts import account_of, check_can_charge, check_can_receive
from sandbox.stripe.cards import Card
from sandbox.stripe.charges import new_intent, try_card
from sandbox.stripe.errors import invalid, missing_param
from sandbox.stripe.events import emit
from sandbox.stripe.money import check_step, minimum, too_small
from sandbox.stripe.params import (
    Anything,
    Boolean,
    Choice,
    Currency,
    Email,
    Integer,
    Many,
    Metadata,
    Text,
    Url,
    body,
    fields,
    listing,
)
from sandbox.stripe.resources import Body, find, get, insert, merged, new_id, page, save
from sandbox.stripe.world import Work

EXPIRE = "checkout.expire"
SHORTEST, LONGEST = 30 * 60, 24 * 3600
LOCALES = tuple(
    "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru "
    "sk sl sv th tr vi zh zh-HK zh-TW".split()
)

_product = fields(
    name=Text(required=True),
    description=Text(),
    images=Many(of=Url(), at_most=8),
    metadata=Metadata(),
    tax_code=Text(),
    unit_label=Text(),
)
_price = fields(
    currency=Currency(required=True),
    product=Text(),
    product_data=_product,
    tax_behavior=Choice(of=("exclusive", "inclusive", "unspecified")),
    unit_amount=Integer(minimum=0, maximum=99_999_999),
)
_item = fields(price=Text(), price_data=_price, quantity=Integer(minimum=1), metadata=Metadata())
_intent = fields(
    application_fee_amount=Integer(minimum=0),
    capture_method=Choice(of=("automatic", "automatic_async", "manual")),
    description=Text(max_length=1000),
    metadata=Metadata(),
    on_behalf_of=Text(),
    receipt_email=Email(),
    setup_future_usage=Choice(of=("off_session", "on_session")),
    statement_descriptor=Text(max_length=22),
    statement_descriptor_suffix=Text(max_length=22),
    transfer_data=fields(amount=Integer(minimum=0), destination=Text(required=True)),
    transfer_group=Text(),
)
_message = fields(message=Text(max_length=1200, required=True))
CREATE = body(
    adaptive_pricing=fields(enabled=Boolean()),
    allow_promotion_codes=Boolean(),
    allowed_payment_method_types=Many(of=Choice(of=("card",))),
    automatic_tax=fields(enabled=Boolean(required=True)),
    billing_address_collection=Choice(of=("auto", "required")),
    cancel_url=Url(),
    client_reference_id=Text(max_length=200),
    currency=Currency(),
    custom_text=fields(after_submit=_message, submit=_message),
    customer_creation=Choice(of=("always", "if_required")),
    customer_email=Email(max_length=800),
    expires_at=Integer(),
    line_items=Many(of=_item),
    locale=Choice(of=LOCALES),
    metadata=Metadata(),
    mode=Choice(of=("payment", "setup", "subscription")),
    payment_intent_data=_intent,
    payment_method_options=Anything(),
    phone_number_collection=fields(enabled=Boolean(required=True)),
    submit_type=Choice(of=("auto", "book", "donate", "pay", "subscribe")),
    success_url=Url(),
    ui_mode=Choice(of=("elements", "embedded_page", "form", "hosted_page")),
)
RETRIEVE = body()
EXPIRE_PARAMS = body()
UPDATE = body(metadata=Metadata())
LIST = listing(
    payment_intent=Text(), status=Choice(of=("complete", "expired", "open")), customer_details=fields(email=Email())
)
LINE_ITEMS = listing(dated=False)


def create(work: Work) -> Body:
    params = work.params
    _check_mode(params)
    items, currency = _line_items(work, params)
    total = sum(item["amount_total"] for item in items)
    if total < minimum(currency):
        raise too_small(currency)
    expires_at = _expiry(work, params.get("expires_at"))
    _check_accounts(work, params.get("payment_intent_data", {}), total)
    id_ = new_id("checkout.session")
    session: Body = {
        "id": id_,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": work.now,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {"after_submit": None, "shipping_address": None, "submit": None,
                        "terms_of_service_acceptance": None, **params.get("custom_text", {})},
        "customer": None,
        "customer_creation": params.get("customer_creation", "if_required"),
        "customer_details": _customer(params.get("customer_email")),
        "customer_email": params.get("customer_email"),
        "discounts": [],
        "expires_at": expires_at,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": merged({}, params.get("metadata", {})),
        "mode": "payment",
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": params.get("payment_method_options", {}),
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": params.get("phone_number_collection", {}).get("enabled", False)},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "subscription": None,
        "success_url": params["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{work.world.settings.public_url}/c/pay/{id_}",
        "wallet_options": None,
        "_line_items": items,
        "_intent": params.get("payment_intent_data", {}),
    }  # fmt: skip
    insert(work.tx, work.account, session)
    work.at(expires_at, EXPIRE, id_)
    return session


def _customer(email: str | None) -> Body | None:
    if email is None:
        return None
    return {"address": None, "email": email, "name": None, "phone": None, "tax_exempt": "none", "tax_ids": None}


def _check_mode(params: dict[str, Any]) -> None:
    if "mode" not in params:
        raise missing_param("mode")
    if params["mode"] != "payment":
        raise invalid("The sandbox takes `payment` alone for mode.", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise invalid("The sandbox takes `hosted_page` alone for ui_mode.", param="ui_mode")
    if params.get("payment_intent_data", {}).get("capture_method") == "manual":
        raise invalid("The sandbox captures at once.", param="payment_intent_data[capture_method]")
    if params.get("automatic_tax", {}).get("enabled"):
        raise invalid("The sandbox computes no taxes.", param="automatic_tax[enabled]")
    for name in ("success_url", "line_items"):
        if not params.get(name):
            raise missing_param(name)


def _line_items(work: Work, params: dict[str, Any]) -> tuple[list[Body], str]:
    items = [_line_item(work, item, place) for place, item in enumerate(params["line_items"])]
    currencies = {item["currency"] for item in items} | ({params["currency"]} if "currency" in params else set())
    if len(currencies) > 1:
        raise invalid(
            f"All line items must have the same currency. You passed: {', '.join(sorted(currencies))}",
            param="line_items",
        )
    return items, currencies.pop()


def _line_item(work: Work, item: dict[str, Any], place: int) -> Body:
    name = f"line_items[{place}]"
    if "price" in item:
        raise invalid(f"No such price: '{item['price']}'", code="resource_missing", param=f"{name}[price]")
    if "price_data" not in item:
        raise missing_param(f"{name}[price_data]")
    price = item["price_data"]
    if "quantity" not in item:
        raise missing_param(f"{name}[quantity]")
    if "unit_amount" not in price:
        raise missing_param(f"{name}[price_data][unit_amount]")
    if "product_data" not in price:
        raise missing_param(f"{name}[price_data][product_data]")
    check_step(price["unit_amount"], price["currency"], f"{name}[price_data][unit_amount]")
    total = price["unit_amount"] * item["quantity"]
    return {
        "id": new_id("line_item"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"],
        "description": price["product_data"]["name"],
        "metadata": item.get("metadata", {}),
        "price": {
            "id": new_id("price"),
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": work.now,
            "currency": price["currency"],
            "livemode": False,
            "metadata": {},
            "product": new_id("product"),
            "recurring": None,
            "type": "one_time",
            "unit_amount": price["unit_amount"],
            "unit_amount_decimal": str(price["unit_amount"]),
        },
        "quantity": item["quantity"],
    }


def _expiry(work: Work, asked: int | None) -> int:
    if asked is None:
        return work.now + LONGEST
    # A second of grace on each side: the caller computed it before the request travelled.
    if asked < work.now + SHORTEST - 1:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", param="expires_at"
        )
    if asked > work.now + LONGEST + 1:
        raise invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", param="expires_at"
        )
    return asked


def _check_accounts(work: Work, intent: dict[str, Any], total: int) -> None:
    transfer = intent.get("transfer_data")
    if work.account:
        check_can_charge(account_of(work, work.account))
    if transfer:
        name = "payment_intent_data[transfer_data][destination]"
        check_can_receive(work, transfer["destination"], name)
    fee = intent.get("application_fee_amount")
    if fee is None:
        return
    name = "payment_intent_data[application_fee_amount]"
    if not work.account and not transfer:
        raise invalid(
            "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an "
            "OAuth key or Stripe-Account header) or destination payment (using "
            "`payment_intent_data[transfer_data][destination]`).",
            param=name,
        )
    if fee > total:
        raise invalid("Your application fee must be less than or equal to the amount of the payment.", param=name)


def retrieve(work: Work) -> Body:
    return get(work.tx, work.account, "checkout.session", work.path["id"], "session")


def list_(work: Work) -> Body:
    match = [(name, work.params.get(name)) for name in ("payment_intent", "status")]
    match.append(("$.customer_email", work.params.get("customer_details", {}).get("email")))
    return page(work.tx, work.account, "checkout.session", work.params, url="/v1/checkout/sessions", match=match)


def line_items(work: Work) -> Body:
    session = retrieve(work)
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    return {"object": "list", "data": session["_line_items"], "has_more": False, "url": url}


def update(work: Work) -> Body:
    session = retrieve(work)
    if "metadata" in work.params:
        session["metadata"] = merged(session["metadata"], work.params["metadata"])
    save(work.tx, session)
    return session


def expire(work: Work) -> Body:
    """Ends an open page: from then on it cannot be paid."""
    session = retrieve(work)
    if session["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"{session['status']}."
        )
    _end(work, session)
    return session


def expire_by_time(work: Work, id_: str) -> None:
    found = find(work.tx, "checkout.session", id_)
    if found is not None and found.body["status"] == "open":
        _end(work, found.body)


def _end(work: Work, session: Body) -> None:
    session |= {"status": "expired", "url": None}
    save(work.tx, session)
    work.no_longer(EXPIRE, session["id"])
    emit(work, "checkout.session.expired", session)


def pay(work: Work, session: Body, card: Card, last4: str, email: str | None) -> Body:
    """A card is tried on an open page. Returns the charge; a succeeded one has completed the session."""
    email = email or session["customer_email"]
    if session["payment_intent"] is None:
        intent = new_intent(
            work, amount=session["amount_total"], currency=session["currency"], data=session["_intent"], email=email
        )
        session["payment_intent"] = intent["id"]
        emit(work, "payment_intent.created", intent)
    else:
        intent = get(work.tx, work.account, "payment_intent", session["payment_intent"])
    charge = try_card(work, intent, card, last4)
    if charge["paid"]:
        session |= {
            "status": "complete",
            "payment_status": "paid",
            "url": None,
            "customer_details": _customer(email),
        }
        work.no_longer(EXPIRE, session["id"])
        emit(work, "checkout.session.completed", session)
    save(work.tx, session)
    return charge
