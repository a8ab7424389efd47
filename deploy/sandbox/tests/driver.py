"""What the tests hold in their hands: a receiver of webhooks, and a served sandbox with the real SDKs pointed at it."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests
import stripe
from stripe import Event, Refund, StripeClient
from stripe.checkout import Session
from twilio.rest import Client as TwilioClient

from sandbox.app import Sandbox

DEADLINE = 60.0


T = TypeVar("T")


def wait_until(look: Callable[[], T | None], what: str = "it") -> T:
    """What `look` returns once it is neither None nor false."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {DEADLINE} s")


@dataclass(frozen=True, kw_only=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP server that keeps what it is sent; `answers` are the statuses of the next requests, 200 after them."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def events(self, secret: str) -> list[Event]:
        """Every webhook received so far, its signature checked by the SDK."""
        return [
            stripe.Webhook.construct_event(each.body, each.headers["Stripe-Signature"], secret)
            for each in list(self.requests)
            if "Stripe-Signature" in each.headers
        ]


@dataclass(frozen=True, kw_only=True)
class Running:
    """A sandbox that is being served."""

    sandbox: Sandbox
    url: str
    stripe: StripeClient
    twilio: TwilioClient
    webhook_secret: str
    receiver: Receiver

    def get(self, path: str, /, **query: Any) -> Any:
        response = requests.get(self.url + path, params=query, timeout=DEADLINE)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, /, **body: Any) -> Any:
        response = requests.post(self.url + path, json=body, timeout=DEADLINE)
        assert response.status_code < 300, response.text
        return response.json()

    def fault(self, target: str, fault: str, count: int = 1, **more: str) -> None:
        self.post("/faults", target=target, fault=fault, count=count, **more)

    def events(self, type_: str | None = None) -> list[Event]:
        found = self.receiver.events(self.webhook_secret)
        return [event for event in found if type_ in (None, event.type)]

    def event(self, type_: str) -> Event:
        """The newest webhook of that type, waited for."""
        return wait_until(lambda: self.events(type_), type_)[-1]

    def connected(self) -> str:
        """An account that may charge: made, and its onboarding page finished."""
        account = self.stripe.v1.accounts.create(
            {
                "country": "DE",
                "email": "anna@example.com",
                "controller": {
                    "fees": {"payer": "application"},
                    "losses": {"payments": "application"},
                    "stripe_dashboard": {"type": "express"},
                },
                "capabilities": {"card_payments": {"requested": True}, "transfers": {"requested": True}},
            }
        )
        link = self.stripe.v1.account_links.create(
            {
                "account": account.id,
                "type": "account_onboarding",
                "return_url": "https://example.com/done",
                "refresh_url": "https://example.com/again",
            }
        )
        answer = requests.post(link.url, allow_redirects=False, timeout=DEADLINE)
        assert (answer.status_code, answer.headers["Location"]) == (303, "https://example.com/done")
        return account.id

    def checkout(self, account: str | None, amount: int = 2000, **more: Any) -> Session:
        params: Any = {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "eur",
                        "unit_amount": amount,
                        "product_data": {"name": "Deposit: Coaching"},
                    },
                }
            ],
            "success_url": "https://example.com/paid?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://example.com/back",
            "client_reference_id": "dep_1",
            "payment_intent_data": {"metadata": {"deposit_id": "dep_1"}},
            **more,
        }
        return self.stripe.v1.checkout.sessions.create(params, {"stripe_account": account} if account else {})

    def pay(self, session: Session, number: str = "4242424242424242") -> requests.Response:
        assert session.url is not None
        return requests.post(session.url, data={"number": number}, allow_redirects=False, timeout=DEADLINE)

    def paid(self, account: str, amount: int = 2000, number: str = "4242424242424242", **more: Any) -> str:
        """The payment intent of a Checkout Session that was paid."""
        session = self.checkout(account, amount, **more)
        assert self.pay(session, number).status_code == 303
        done = self.stripe.v1.checkout.sessions.retrieve(session.id, {}, {"stripe_account": account})
        return str(done.payment_intent)

    def refund(self, account: str, intent: str, key: str | None = None, **params: Any) -> Refund:
        options: Any = {"stripe_account": account} | ({"idempotency_key": key} if key else {})
        body: Any = {"payment_intent": intent, **params}
        return self.stripe.v1.refunds.create(body, options)

    def refunds(self, account: str, intent: str) -> list[Refund]:
        return self.stripe.v1.refunds.list({"payment_intent": intent}, {"stripe_account": account}).data


Serve = Callable[..., contextlib.AbstractContextManager[Running]]
