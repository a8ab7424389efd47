"""What Stripe refuses, and how: the same words, codes and statuses, so that a mistake is found before production."""

import re
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe
from deploy.sandbox.tests.driver import Running

from sandbox.stripe.cards import CARDS, card_for
from sandbox.stripe.endpoints import ENDPOINTS
from sandbox.stripe.forms import tree
from sandbox.stripe.params import Fields, Many, Param, Range

PARAMS = Path(stripe.__file__).parent / "params"
TYPED_DICTS = {
    "checkout/sessions": "checkout/_session_{}_params",
    "account_links": "_account_link_{}_params",
    "webhook_endpoints": "_webhook_endpoint_{}_params",
    "balance_transactions": "_balance_transaction_{}_params",
    "application_fees": "_application_fee_{}_params",
    "payment_intents": "_payment_intent_{}_params",
}


def test_unknown_parameters_are_refused_by_name(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        running.refund(account, intent, surprise="yes")
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "surprise")
    assert "Received unknown parameter: surprise" in str(refused.value)
    with pytest.raises(stripe.InvalidRequestError) as nested:
        running.checkout(account, payment_intent_data={"colour": "red"})
    assert nested.value.param == "payment_intent_data[colour]"
    assert running.refunds(account, intent) == []


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"payment_intent": None}, "parameter_missing", None),
        ({"amount": "12.5"}, "parameter_invalid_integer", "amount"),
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"reason": "rain"}, None, "reason"),
        ({"reverse_transfer": "perhaps"}, None, "reverse_transfer"),
        ({"payment_intent": "pi_unknown"}, "resource_missing", "payment_intent"),
        ({"refund_application_fee": True}, None, "refund_application_fee"),
        ({"expand": ["weather"]}, None, "expand"),
    ],
)
def test_a_wrong_refund_is_refused_as_at_stripe(
    running: Running, params: dict[str, Any], code: str | None, param: str | None
) -> None:
    account = running.connected()
    body: Any = {"payment_intent": running.paid(account)} | params
    with pytest.raises(stripe.InvalidRequestError) as refused:
        running.stripe.v1.refunds.create({k: v for k, v in body.items() if v is not None}, {"stripe_account": account})  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.param) == (code, param)


def _item(**price: Any) -> list[dict[str, Any]]:
    data = {"currency": "eur", "unit_amount": 2000, "product_data": {"name": "Deposit"}} | price
    return [{"quantity": 1, "price_data": {key: value for key, value in data.items() if value is not None}}]


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"line_items": _item(unit_amount=49)}, "amount_too_small", "must add up to at least €0.50 eur"),
        ({"line_items": _item(unit_amount=-1)}, "parameter_invalid_integer", "Invalid non-negative integer"),
        ({"line_items": _item(currency=None)}, "parameter_missing", r"line_items[0][price_data][currency]"),
        ({"line_items": _item(unit_amount=1500 + 5, currency="kwd")}, "parameter_invalid_integer", "divisible by 10"),
        ({"line_items": _item(unit_amount=50050, currency="isk")}, "parameter_invalid_integer", "divisible by 100"),
        ({"line_items": []}, "parameter_missing", "line_items"),
        ({"success_url": "paid"}, "url_invalid", "Not a valid URL"),
        ({"customer_email": "nobody"}, "email_invalid", "Invalid email address: nobody"),
        ({"expires_at": 1}, None, "at least 30 minutes"),
        ({"expires_at": 9_999_999_999}, None, "less than 24 hours"),
        ({"payment_intent_data": {"application_fee_amount": 2001}}, None, "less than or equal"),
    ],
)
def test_a_wrong_checkout_session_is_refused_as_at_stripe(
    running: Running, params: dict[str, Any], code: str | None, message: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        running.checkout(running.connected(), **params)
    assert refused.value.code == code
    assert message in str(refused.value)


def test_a_wrong_key_is_no_key(running: Running) -> None:
    stranger = stripe.StripeClient("sk_test_wrongwrongwrong", base_addresses={"api": f"{running.url}/stripe"})
    with pytest.raises(stripe.AuthenticationError, match=r"Invalid API Key provided: sk_test_\*+rong"):
        stranger.v1.accounts.list()
    assert requests.get(f"{running.url}/stripe/v1/accounts", timeout=10).status_code == 401


def test_an_unknown_address_says_so(running: Running) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=re.escape("Unrecognized request URL (GET: /v1/customers)")):
        running.stripe.v1.customers.list()


def test_a_json_body_is_not_taken(running: Running) -> None:
    key = running.sandbox.keys.stripe_secret_key
    answer = requests.post(f"{running.url}/stripe/v1/refunds", json={"amount": 1}, auth=(key, ""), timeout=10)
    assert answer.status_code == 400
    assert "check that your POST content type" in answer.json()["error"]["message"]


def test_answers_carry_stripes_headers(running: Running) -> None:
    answer = running.stripe.v1.balance.retrieve()
    assert answer.last_response is not None
    headers = answer.last_response.headers
    assert headers["Request-Id"].startswith("req_")
    assert headers["Stripe-Version"] == stripe._api_version._ApiVersion.CURRENT


def test_metadata_is_merged_and_unset_as_at_stripe(running: Running) -> None:
    account = running.connected()
    refund = running.refund(account, running.paid(account), metadata={"a": "1", "b": "2"})
    options: stripe.RequestOptions = {"stripe_account": account}
    changed = running.stripe.v1.refunds.update(refund.id, {"metadata": {"a": "", "c": "3"}}, options)
    assert changed.to_dict()["metadata"] == {"b": "2", "c": "3"}
    assert running.stripe.v1.refunds.update(refund.id, {"metadata": ""}, options).to_dict()["metadata"] == {}


def test_what_is_asked_for_is_expanded(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    running.refund(account, intent, amount=100)
    options: stripe.RequestOptions = {"stripe_account": account}
    charges = running.stripe.v1.charges.list(
        {"payment_intent": intent, "expand": ["data.refunds", "data.payment_intent.latest_charge"]}, options
    )
    charge = charges.data[0].to_dict()
    assert charge["refunds"]["data"][0]["amount"] == 100
    assert charge["payment_intent"]["latest_charge"]["id"] == charge["id"]
    assert "refunds" not in running.stripe.v1.charges.retrieve(charge["id"], {}, options).to_dict()
    assert not [key for key in charge if key.startswith("_")]


def test_nested_names_become_a_tree() -> None:
    assert tree([("a[b][0][c]", "1"), ("a[b][1][c]", "2"), ("x[]", "y"), ("x[]", "z")]) == {
        "a": {"b": {"0": {"c": "1"}, "1": {"c": "2"}}},
        "x": {"0": "y", "1": "z"},
    }


def test_every_parameter_taken_here_is_one_of_stripes() -> None:
    """The sandbox may know less than Stripe, never something that Stripe would refuse: checked against the SDK's types."""
    unknown, checked = [], 0
    for endpoint in ENDPOINTS:
        file = PARAMS / (_typed_dict_file(endpoint.method, endpoint.path) + ".py")
        if not file.exists():
            continue
        checked += 1
        known = _typed_dict_fields(file)
        unknown += [
            f"{endpoint.method} {endpoint.path}: {name}" for name in _names(endpoint.params) if name not in known
        ]
    assert checked >= 30
    assert unknown == []


def _typed_dict_file(method: str, path: str) -> str:
    collection, *rest = path.split("/{id}")
    action = rest[0].strip("/") if rest else ""
    single = collection.removesuffix("s")
    name = TYPED_DICTS.get(collection, f"_{single}_{{}}_params")
    if action:
        return name.format(action if action in ("cancel", "expire", "close") else f"list_{action}")
    return name.format(
        {"GET": "retrieve" if rest else "list", "POST": "update" if rest else "create", "DELETE": "delete"}[method]
    )


def _typed_dict_fields(file: Path) -> set[str]:
    return set(re.findall(r"^    ([a-z_0-9]+): ", file.read_text(), re.MULTILINE))


def _names(param: Param) -> list[str]:
    match param:
        case Fields():
            return list(param.of) + [name for below in param.of.values() for name in _names(below)]
        case Many():
            return _names(param.of)
        case Range():
            return ["gt", "gte", "lt", "lte"]
        case _:
            return []


def test_card_numbers_are_taken_as_people_type_them() -> None:
    assert card_for("4242 4242 4242 4242") is CARDS["4242424242424242"]
    assert card_for("4242-4242-4242-4242") is CARDS["4242424242424242"]
    assert card_for("4242424242424241") is None
    assert card_for("") is None
    live = card_for("4111111111111111")
    assert live is not None
    assert live.decline is not None
    assert live.decline.decline_code == "test_mode_live_card"
