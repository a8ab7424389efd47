"""A provider's practice as seen over HTTP: each step of the main path as one call, for the demo, the tests and the benchmarks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import requests

from chassis.auth import SCOPES, issue
from contracts.envelope import parse_time

T = TypeVar("T")
GOOD_CARD = "4242424242424242"
_PATIENCE_SECONDS = 60.0
_EVERY_DAY = [
    {"weekday": day, "start": "00:00", "end": "24:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
]


class Refused(Exception):
    """An answer that was not expected; `status` and `problem` say which."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:1000]}")
        self.status = answer.status_code
        try:
            body = answer.json()
        except ValueError:
            body = {}
        self.problem: dict[str, Any] = body if isinstance(body, dict) else {}


class NotInTime(Exception):
    """What was waited for did not come."""


def wait_for(look: Callable[[], T | None], what: str, seconds: float = _PATIENCE_SECONDS, every: float = 0.02) -> T:
    """What `look` returns once it is something; after a second without it, looks come more rarely, as many may wait at once.

    Raises:
        NotInTime: it stayed nothing.
    """
    began = time.monotonic()
    while True:
        found = look()
        if found:
            return found
        waited = time.monotonic() - began
        if waited > seconds:
            raise NotInTime(f"{what}: not within {seconds:.0f} seconds")
        time.sleep(max(every, min(waited / 10, 0.5)) if waited > 1 else every)


class Practice:
    """The account `account_id` at the addresses of `services` (scheduling, clients, payments, notifications, sandbox); any thread may use it."""

    def __init__(self, services: Mapping[str, str], *, auth_secret: str, account_id: str = "acc_demo") -> None:
        self.services = services
        self.account_id = account_id
        self._auth_secret = auth_secret
        self._local = threading.local()

    # --- HTTP ---------------------------------------------------------------------------------------------------

    def call(
        self, method: str, service: str, path: str, *, json: Any = None, params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None, scope: str = " ".join(SCOPES), timeout: float = 60,
    ) -> requests.Response:  # fmt: skip
        """The answer of a service, whatever it is."""
        token = issue(self._auth_secret, account_id=self.account_id, scope=scope, ttl=600)
        return self._session.request(
            method,
            f"{self.services[service]}{path}",
            json=json,
            params=params,
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
            timeout=timeout,
        )

    def get(self, service: str, path: str, **params: Any) -> Any:
        """What GET answers; anything but 200 is Refused."""
        return _body(self.call("GET", service, path, params=params or None))

    def post(self, service: str, path: str, json: Any = None, **headers: str) -> Any:
        """What POST answers; anything above 2xx is Refused. `Idempotency_Key=…` and the like are headers."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return _body(self.call("POST", service, path, json={} if json is None else json, headers=sent))

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session

    # --- the provider -------------------------------------------------------------------------------------------

    def provision(self, **fields: Any) -> Any:
        """Make the account: plan max, Europe/Berlin, EUR, unless said otherwise."""
        name = self.account_id.removeprefix("acc_")
        body = {
            "name": f"Practice {name}",
            "email": f"{name}@practice.example",
            "username": name.replace("_", "-").lower(),
            "plan": "max",
            "timezone": "Europe/Berlin",
            "currency": "EUR",
            "locale": "en",
            "country": "DE",
            **fields,
        }
        return _body(self.call("PUT", "scheduling", f"/v1/accounts/{self.account_id}", json=body))

    def connect_stripe(self) -> None:
        """Onboard at Stripe, and wait until charges can be made."""

        def begin() -> Any:
            answer = self.call("POST", "payments", "/v1/connect", json={})
            return None if answer.status_code == 503 else _body(answer)

        onboarding = wait_for(begin, "payments hears of the account")
        page = requests.post(onboarding["onboarding_url"], timeout=60, allow_redirects=False)
        if page.status_code >= 400:
            raise Refused(page)
        wait_for(lambda: self.get("payments", "/v1/connect")["charges_enabled"], "Stripe lets the account charge")

    def set_refund_policy(self, **policy: Any) -> Any:
        """Replace the payments settings: refund_percentage=… or refund_tiers=[…]."""
        return _body(self.call("PUT", "payments", "/v1/settings", json=policy))

    def open_all_day(self) -> None:
        """Let the default calendar take sessions at any hour."""
        calendar = self.get("scheduling", "/v1/calendars")["data"][0]
        answer = self.call("PATCH", "scheduling", f"/v1/calendars/{calendar['id']}", json={"working_hours": _EVERY_DAY})
        _body(answer)

    def session_type(self, *, percent: int | None = 25, price: int = 8000, minutes: int = 60, **fields: Any) -> Any:
        """Make a session type with a deposit of `percent` of its price."""
        deposit = {"type": "percent", "percent": percent} if percent else None
        body = {
            "name": "Coaching",
            "duration_minutes": minutes,
            "price": {"amount": price, "currency": "EUR"},
            "deposit": deposit,
            **fields,
        }
        return self.post("scheduling", "/v1/services", body)

    def client(self, name: str = "Ada Lovelace", email: str | None = None, **fields: Any) -> Any:
        """Record a client; waits until the service has heard of the account."""

        def record() -> Any:
            answer = self.call("POST", "clients", "/v1/clients", json={"name": name, "email": email, **fields})
            return None if answer.status_code == 503 else _body(answer)

        return wait_for(record, "clients hears of the account")

    def book(self, *, service_id: str, client_id: str, starts_at: datetime, **fields: Any) -> Any:
        """Book a session."""
        return self.post(
            "scheduling",
            "/v1/sessions",
            {"service_id": service_id, "client_id": client_id, "starts_at": starts_at.isoformat(), **fields},
        )

    def session(self, session_id: str) -> Any:
        return self.get("scheduling", f"/v1/sessions/{session_id}")

    def cancel(self, session_id: str, **body: Any) -> Any:
        return self.post("scheduling", f"/v1/sessions/{session_id}/cancel", body)

    def restore(self, session_id: str, **body: Any) -> Any:
        return self.post("scheduling", f"/v1/sessions/{session_id}/restore", body)

    def deposit_of(self, session_id: str) -> Any:
        """The session's deposit as payments has it, None while there is none."""
        data = self.get("payments", "/v1/deposits", session_id=session_id)["data"]
        return data[0] if data else None

    def wait_deposit(self, session_id: str, *statuses: str, seconds: float = _PATIENCE_SECONDS) -> Any:
        """The session once scheduling shows its deposit in one of `statuses`, with its id."""

        def look() -> Any:
            session = self.session(session_id)
            deposit = session["deposit"]
            return session if deposit and deposit["id"] and deposit["status"] in statuses else None

        return wait_for(look, f"the deposit of {session_id} is {' or '.join(statuses)}", seconds)

    # --- the client, and the world outside ----------------------------------------------------------------------

    def pay(self, payment_url: str, number: str = GOOD_CARD) -> requests.Response:
        """Open the payment link, and pay on the page that it leads to."""
        page = requests.get(payment_url, timeout=60)
        if page.status_code != 200:
            raise Refused(page)
        return requests.post(page.url, data={"number": number}, timeout=60, allow_redirects=False)

    def mails(self, to: str) -> list[dict[str, Any]]:
        """What the mailbox holds for an address, newest first."""
        found = self.sandbox("GET", "/mail", params={"to": to})["data"]
        return [mail for mail in found if to in str(mail["to"])]

    def wait_mail(self, to: str, containing: str, seconds: float = _PATIENCE_SECONDS) -> dict[str, Any]:
        """The newest mail to `to` whose subject or text holds `containing`, in any case of letters."""

        def look() -> dict[str, Any] | None:
            wanted = containing.lower()
            return next((m for m in self.mails(to) if wanted in f"{m['subject']} {m['text']}".lower()), None)

        return wait_for(look, f"a mail to {to} with {containing!r}", seconds)

    def now(self) -> datetime:
        """The time as the suite sees it."""
        return parse_time(self.sandbox("GET", "/clock")["now"])

    def advance(self, **span: float) -> datetime:
        """Let time pass in the embedded suite: `days=…`, `hours=…`, `minutes=…`, `seconds=…`; returns the time then."""
        seconds = timedelta(**span).total_seconds()
        return parse_time(self.sandbox("POST", "/clock", {"advance_seconds": seconds}, timeout=600)["now"])

    def refunds_at_stripe(self) -> list[dict[str, Any]]:
        """Every refund that the sandbox's Stripe has made."""
        found: list[dict[str, Any]] = self.sandbox("GET", "/stripe/refunds")["data"]
        return found

    def sandbox(
        self, method: str, path: str, json: Any = None, params: Mapping[str, Any] | None = None, timeout: float = 120
    ) -> Any:
        """What the sandbox answers."""
        return _body(
            requests.request(method, f"{self.services['sandbox']}{path}", json=json, params=params, timeout=timeout)
        )

    # --- together -----------------------------------------------------------------------------------------------

    def paid_session(self, *, service_id: str, client_id: str, starts_at: datetime, **fields: Any) -> Any:
        """A session whose deposit is paid, as scheduling shows it."""
        booked = self.book(service_id=service_id, client_id=client_id, starts_at=starts_at, **fields)
        required = self.wait_deposit(booked["id"], "required")
        answer = self.pay(required["payment_url"])
        if answer.status_code >= 400:
            raise Refused(answer)
        return self.wait_deposit(booked["id"], "paid")


def on_a_weekday(days: float, hour: int = 9, now: datetime | None = None) -> datetime:
    """A moment at `hour` UTC, on the first Monday to Friday at least `days` ahead of `now`, which is the real time unless given."""
    earliest = (now or datetime.now(UTC)) + timedelta(days=days)
    day = earliest.replace(hour=hour, minute=0, second=0, microsecond=0)
    if day < earliest:
        day += timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def _body(answer: requests.Response) -> Any:
    if answer.status_code >= 300:
        raise Refused(answer)
    return answer.json()
