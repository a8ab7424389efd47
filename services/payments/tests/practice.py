"""A provider's practice for the tests: the real service, the sandbox's Stripe over HTTP by the real SDK, and events as scheduling and clients send them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis import auth, inbox, outbox
from chassis.clock import OffsetClock
from chassis.ids import new_event_id, new_id
from chassis.inbox import Event
from chassis.links import Links
from chassis.service import Service
from payments.store.models import Deposit, RefundPart, Webhook
from sandbox.app import Sandbox

T = TypeVar("T")
ACCOUNT = "acc_practice"
SECRET = "a-secret-of-at-least-thirty-two-bytes"
VISA, DECLINED, REFUND_FAILS, REFUND_PENDING, DISPUTED = (
    "4242424242424242",
    "4000000000000002",
    "4000000000005126",
    "4000000000007726",
    "4000000000000259",
)
_DEADLINE = 20.0


class SuiteClock(OffsetClock):
    """The clock of the service and of the sandbox's Stripe alike."""

    def advance(self, seconds: float) -> datetime:
        self.jump_to(self.now() + timedelta(seconds=seconds))
        return self.now()


def until(look: Callable[[], T], what: str) -> T:
    """What `look` returns once it is true."""
    end = time.monotonic() + _DEADLINE
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {_DEADLINE} s")


def code_of(answer: TestResponse) -> str:
    """The stable code of a problem document."""
    assert answer.mimetype == "application/problem+json", answer.text
    return str(answer.get_json()["code"])


@dataclass(kw_only=True)
class Practice:
    """Everything about one account; `sandbox_url` is where Stripe is played."""

    service: Service
    http: FlaskClient
    clock: SuiteClock
    sandbox: Sandbox
    sandbox_url: str
    account_id: str = ACCOUNT
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)

    # --- HTTP ---------------------------------------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        *,
        scope: str = "payments:read payments:write",
        account: str | None = None,
        **kwargs: Any,
    ) -> TestResponse:
        token = auth.issue(SECRET, account_id=account or self.account_id, scope=scope)
        headers = {"Authorization": f"Bearer {token}", **kwargs.pop("headers", {})}
        return self.http.open(path, method=method, headers=headers, **kwargs)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.call("GET", path, query_string=query)
        assert answer.status_code == 200, answer.text
        return answer.json

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        answer = self.call("POST", path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json

    def put_settings(self, **body: Any) -> Any:
        answer = self.call("PUT", "/v1/settings", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json

    def deposit(self, session_id: str) -> Any:
        """The session's deposit as the API shows it, None while there is none."""
        found = self.get("/v1/deposits", session_id=session_id)["data"]
        return found[0] if found else None

    def standing(self, session_id: str) -> tuple[str, int, int, int]:
        """Status, held, due and refunded amount."""
        deposit = self.deposit(session_id)
        return deposit["status"], deposit["held_amount"], deposit["due_amount"], deposit["refunded_amount"]

    # --- what other services tell -------------------------------------------------------------------------------

    def event(self, type: str, data: dict[str, Any], *, id: str | None = None) -> Event:
        return Event(
            id=id or new_event_id(),
            type=type,
            subject=data["id"],
            account_id=data["account_id"],
            sequence=data["version"],
            time=self.clock.now(),
            data=deepcopy(data),
        )

    def hear(self, *events: Event) -> None:
        for event in events:
            inbox.handle(self.service, event)

    def account_told(
        self,
        *,
        plan: str = "max",
        version: int = 1,
        account_id: str | None = None,
        currency: str = "EUR",
        email: str = "berg@example.com",
    ) -> Event:
        return self.event(
            "account.created" if version == 1 else "account.updated",
            {
                "id": account_id or self.account_id,
                "account_id": account_id or self.account_id,
                "version": version,
                "name": "Praxis Berg",
                "email": email,
                "username": "berg",
                "plan": plan,
                "timezone": "Europe/Berlin",
                "currency": currency,
                "locale": "de",
                "country": "DE",
            },
        )

    def client_told(
        self,
        client_id: str = "cli_1",
        *,
        version: int = 1,
        merged_into: str | None = None,
        account_id: str | None = None,
        **changes: Any,
    ) -> Event:
        data = {
            "id": client_id,
            "account_id": account_id or self.account_id,
            "version": version,
            "name": "Ada Client",
            "email": "ada@example.com",
            "phone": None,
            "locale": None,
            "timezone": None,
            "contact": {"email": True, "sms": True},
            "deleted": merged_into is not None,
            "merged_into": merged_into,
            **changes,
        }
        return self.event(
            "client.merged" if merged_into else ("client.created" if version == 1 else "client.updated"), data
        )

    def booked(
        self,
        *,
        amount: int = 2000,
        currency: str = "EUR",
        hours_ahead: float = 100,
        status: str = "confirmed",
        source: str = "manual",
        client_id: str = "cli_1",
        deposit: bool = True,
        **changes: Any,
    ) -> tuple[str, Event]:
        """A new session and the event that tells of it."""
        now, session_id = self.clock.now(), new_id("ses")
        terms = {
            "id": None,
            "status": "required",
            "reason": None,
            "amount": amount,
            "held_amount": 0,
            "due_amount": amount,
            "refunded_amount": 0,
            "currency": currency,
        }
        starts_at = now + timedelta(hours=hours_ahead)
        self.sessions[session_id] = {
            "id": session_id,
            "account_id": self.account_id,
            "version": 1,
            "client_id": client_id,
            "service_id": "svc_1",
            "service_name": "Coaching",
            "calendar_id": "cal_1",
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(hours=1),
            "duration_minutes": 60,
            "timezone": "Europe/Berlin",
            "status": status,
            "notes": "",
            "client_message": "",
            "price": {"amount": amount * 4, "currency": currency},
            "deposit": terms if deposit else None,
            "payment_url": f"http://payments.test/v1/pay/{Links(SECRET).draw('payment-link')}" if deposit else None,
            "manage_url": None,
            "source": source,
            "series_id": None,
            "auto_confirm_at": None,
            "cancellations": [],
            "created_at": now,
            "updated_at": now,
            **changes,
        }
        return session_id, self.event("session.created", self.sessions[session_id])

    def changed(self, session_id: str, event: str = "updated", **changes: Any) -> Event:
        """The session's next version and the event that tells of it; `terms` changes what its deposit asks."""
        data = self.sessions[session_id]
        terms = changes.pop("terms", None)
        data.update(changes, version=data["version"] + 1, updated_at=self.clock.now())
        if terms is not None:
            data["deposit"] = {**data["deposit"], **terms}
        return self.event(f"session.{event}", data)

    def cancelled(
        self,
        session_id: str,
        refund: str | None = "refund",
        *,
        by: str = "provider",
        reason: str | None = None,
        quote: dict[str, Any] | None = None,
        at: datetime | None = None,
    ) -> Event:
        data = self.sessions[session_id]
        cancellation = {
            "id": new_id("can"),
            "at": at or self.clock.now(),
            "by": by,
            "reason": reason,
            "starts_at": data["starts_at"],
            "refund": refund,
            "quote": quote,
            "restored_at": None,
        }
        return self.changed(
            session_id, "cancelled", status="cancelled", cancellations=[*data["cancellations"], cancellation]
        )

    def decided(self, session_id: str, refund: str) -> Event:
        """The present cancellation gets the decision that it lacked."""
        *earlier, last = self.sessions[session_id]["cancellations"]
        return self.changed(session_id, cancellations=[*earlier, {**last, "refund": refund}])

    def restored(self, session_id: str, *, status: str = "confirmed") -> Event:
        *earlier, last = self.sessions[session_id]["cancellations"]
        return self.changed(
            session_id,
            "restored",
            status=status,
            cancellations=[*earlier, {**last, "restored_at": self.clock.now()}],
        )

    # --- in short -----------------------------------------------------------------------------------------------

    def introduce(self) -> None:
        """The account and a client are known here."""
        self.hear(self.account_told(), self.client_told())

    def connect(self) -> None:
        """The provider goes through onboarding at Stripe."""
        answer = self.post("/v1/connect")
        assert requests.post(answer["onboarding_url"], timeout=10, allow_redirects=False).status_code < 400
        self.settle_down()
        assert self.get("/v1/connect")["status"] == "active"

    def book(self, **kwargs: Any) -> str:
        session_id, event = self.booked(**kwargs)
        self.hear(event)
        return session_id

    def link(self, session_id: str) -> str:
        """The path of the session's payment link."""
        return "/v1/pay/" + str(self.sessions[session_id]["payment_url"]).rpartition("/")[2]

    def open_page(self, session_id: str) -> str:
        """The address of the Checkout page that the payment link leads to."""
        answer = self.http.get(self.link(session_id))
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def pay_at(self, page: str, card: str = VISA) -> requests.Response:
        return requests.post(page, data={"number": card}, allow_redirects=False, timeout=10)

    def pay(self, session_id: str, card: str = VISA) -> None:
        """The client follows the link and pays; Stripe's webhook has been taken in when this returns."""
        assert self.pay_at(self.open_page(session_id), card).status_code < 400
        self.settle_down()

    def paid_session(self, *, card: str = VISA, **kwargs: Any) -> str:
        session_id = self.book(**kwargs)
        self.pay(session_id, card)
        return session_id

    def cancel(self, session_id: str, refund: str | None = "refund", **kwargs: Any) -> None:
        self.hear(self.cancelled(session_id, refund, **kwargs))
        self.settle_down()

    def restore(self, session_id: str) -> None:
        self.hear(self.restored(session_id))
        self.settle_down()

    # --- time and work ------------------------------------------------------------------------------------------

    def run_jobs(self) -> int:
        """Every job once; returns how much they did."""
        if not self.jobs:
            self.jobs.update({job.name: job for job in self.service.jobs()})
        return sum(job.run() for job in self.jobs.values())

    def settle_down(self, *, patience: float = 3.0) -> None:
        """Let jobs, Stripe's due work and its webhooks run until nothing is left that falls due within `patience` seconds."""

        def quiet() -> bool:
            worked = self.run_jobs() + self.sandbox.run_due()
            return worked == 0 and self.sandbox.idle() and not self._due_within(patience)

        until(quiet, "an end of all work")

    def _due_within(self, patience: float) -> bool:
        soon = self.clock.now() + timedelta(seconds=patience)
        with self.service.store.reading():
            return bool(
                RefundPart.select()
                .where((RefundPart.next_attempt_at <= soon) & (RefundPart.status == "planned"))
                .exists()
                or Webhook.select().where(Webhook.next_attempt_at <= soon).exists()
                or self.service.store.execute("SELECT 1 FROM checkouts WHERE next_attempt_at <= %s", (soon,))
            )

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.clock.jump_to(self.clock.now() + timedelta(**span))

    # --- what became of it --------------------------------------------------------------------------------------

    def refunds_at_stripe(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(f"{self.sandbox_url}/stripe/refunds", timeout=10).json()["data"]
        return found

    def told(self, family: str = "") -> list[str]:
        """The types of all events published so far."""
        return [envelope.type for envelope in outbox.pending(self.service.store) if envelope.type.startswith(family)]

    def last_told(self, type: str) -> dict[str, Any]:
        return [envelope.decoded() for envelope in outbox.pending(self.service.store) if envelope.type == type][-1]

    def pages_at_stripe(self) -> list[str]:
        """How each Checkout page of the provider's account stands there, newest first."""
        answer = requests.get(
            f"{self.sandbox_url}/stripe/v1/checkout/sessions",
            auth=(self.sandbox.keys.stripe_secret_key, ""),
            headers={"Stripe-Account": self.get("/v1/connect")["stripe_account_id"]},
            timeout=10,
        )
        return [page["status"] for page in answer.json()["data"]]

    def fault(self, fault: str, count: int = 1, **more: str) -> None:
        answer = requests.post(
            f"{self.sandbox_url}/faults", json={"target": "stripe", "fault": fault, "count": count, **more}, timeout=10
        )
        assert answer.status_code < 300, answer.text

    def hold_hooks(self, hold: bool) -> None:
        assert requests.post(f"{self.sandbox_url}/stripe/hooks", json={"hold": hold}, timeout=10).status_code < 300

    def violations(self) -> dict[str, Sequence[str]]:
        """The invariants that do not hold."""
        return {each.name: found for each in self.service.invariants() if (found := each.query())}

    def deposit_row(self, session_id: str) -> Deposit:
        with self.service.store.reading():
            found: Deposit = Deposit.get(Deposit.session_id == session_id)
            return found
