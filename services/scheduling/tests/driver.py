"""Drives the service as its callers, its peers and the broker do: over HTTP, by events, at a time that a test sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import jwt
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis import inbox, outbox
from chassis.app import create_app
from chassis.auth import issue
from chassis.ids import new_event_id, new_id
from chassis.links import Links
from chassis.service import Service, migrate
from scheduling.service import build
from scheduling.settings import Settings

SECRET = "a secret of the tests that is long enough"
ALL_SCOPES = "sessions:read sessions:write sessions:notes ops"
# A Monday morning in winter, so that Berlin is an hour ahead.
NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


class StandingClock:
    """Stands still until a test moves it."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        self._now = now

    def advance(self, **span: float) -> None:
        self._now += timedelta(**span)


class ClientsService:
    """The two paths of the clients service that scheduling calls, over real HTTP: services never import each other."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.made: dict[str, dict[str, Any]] = {}
        self.refusal: tuple[int, dict[str, Any]] | None = None
        service = self

        class Paths(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(service.find, "clients:read")

            def do_POST(self) -> None:
                self._answer(service.make, "clients:write")

            def log_message(self, format: str, *args: Any) -> None:
                """Tests read their own output."""

            def _answer(self, act: Callable[..., tuple[int, Any]], scope: str) -> None:
                claims = jwt.decode(self.headers["Authorization"][7:], SECRET, algorithms=["HS256"], audience="timeblu")
                assert claims["scope"] == scope
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, answer = service.refusal or act(self, claims["account_id"], json.loads(body or "{}"))
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Paths)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def find(self, request: BaseHTTPRequestHandler, account_id: str, _: Any) -> tuple[int, Any]:
        found = self.known.get(request.path.rpartition("/")[2])
        return (200, found) if found and found["account_id"] == account_id else (404, {"code": "not_found"})

    def make(self, request: BaseHTTPRequestHandler, account_id: str, body: dict[str, Any]) -> tuple[int, Any]:
        assert request.path == "/v1/clients?reuse=true"
        key = request.headers["Idempotency-Key"]
        assert 0 < len(key) <= 255
        return 201, self.made.setdefault(key, client_data(account_id=account_id, **body))

    def go_down(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def client_data(id: str | None = None, account_id: str = "acc_a", version: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "id": id or new_id("cli"),
        "account_id": account_id,
        "version": version,
        "name": "Anna Berg",
        "email": "anna@example.com",
        "phone": "+4930123456",
        "locale": None,
        "timezone": None,
        "contact": {"email": True, "sms": True},
        "deleted": False,
        "merged_into": None,
    } | fields


@dataclass(kw_only=True)
class Caller:
    """Calls the API with one account's token, or without any."""

    http: FlaskClient
    token: str | None = None

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            named["Authorization"] = f"Bearer {self.token}"
        # One test client a call: they may come from many threads at once.
        client = self.http.application.test_client()
        return client.open(f"/v1{path}", method=method, json=body, headers=named)

    def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self(method, path, body, **headers)
        assert answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json() if answer.data else None

    def get(self, path: str) -> Any:
        return self.ok("GET", path)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ok("POST", path, body if body is not None else {}, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.ok("PATCH", path, body, **headers)

    def refused(self, status: int, code: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self(method, path, body, **headers)
        problem = answer.get_json()
        assert (answer.status_code, problem.get("code")) == (status, code), problem
        return problem


@dataclass(kw_only=True)
class Visitor(Caller):
    """Somebody without a token, at the booking page of `page`."""

    page: str = "anna"

    def booking(self, service_id: str, start: str, **fields: Any) -> dict[str, Any]:
        """A body for the page; `start` as `at` takes it."""
        return {
            "service_id": service_id,
            "starts_at": at(start),
            "client": {"name": "Ada Lovelace", "email": "ada@client.example"},
        } | fields

    def book(self, service_id: str, start: str, **fields: Any) -> Any:
        return self.ok("POST", f"/booking/{self.page}/sessions", self.booking(service_id, start, **fields))

    def not_booked(self, code: str, service_id: str, start: str, **fields: Any) -> Any:
        body = self.booking(service_id, start, **fields)
        return self.refused(409, code, "POST", f"/booking/{self.page}/sessions", body)

    def slots(self, service_id: str, first: str, last: str, **more: str) -> list[dict[str, Any]]:
        query = urlencode({"service_id": service_id, "from": at(first), "to": at(last), **more})
        found: list[dict[str, Any]] = self.ok("GET", f"/booking/{self.page}/slots?{query}")["data"]
        return found


@dataclass(kw_only=True)
class World:
    """The service under test, with two accounts (`acc_a` on max, `acc_b` on free) in Berlin and a client for each."""

    service: Service
    clock: StandingClock
    clients: ClientsService
    http: FlaskClient
    links: Links = field(default_factory=lambda: Links(SECRET))

    def caller(self, account_id: str, scope: str = ALL_SCOPES, subject: str = "usr_1") -> Caller:
        return Caller(http=self.http, token=issue(SECRET, account_id=account_id, scope=scope, subject=subject))

    def close(self) -> None:
        self.clients.go_down()
        self.service.wakeups.close()
        self.service.store.close()

    def open_page(self, **rules: Any) -> Visitor:
        """Somebody at the page of acc_a, whose rules of booking these are."""
        self.a.patch("/account", {"booking": {"enabled": True} | rules})
        return Visitor(http=self.http)

    def run_jobs(self) -> None:
        """Whatever is due by now."""
        for job in self.service.jobs():
            while job.run():
                pass

    @property
    def a(self) -> Caller:
        return self.caller("acc_a")

    @property
    def b(self) -> Caller:
        return self.caller("acc_b")

    def provision(self, account_id: str, **fields: Any) -> Any:
        body = {
            "name": "Praxis",
            "email": f"{account_id}@example.com",
            "username": account_id.removeprefix("acc_"),
            "plan": "max",
            "timezone": "Europe/Berlin",
            "currency": "EUR",
            "locale": "de",
        } | fields
        return self.a.ok("PUT", f"/accounts/{account_id}", body)

    def tell(self, type: str, data: dict[str, Any], *, account_id: str = "acc_a", event_id: str | None = None) -> None:
        """An event arrives, as from the broker."""
        inbox.handle(self.service, self._event(type, data, account_id, event_id or new_event_id()))

    def tell_at_once(self, *told: tuple[str, dict[str, Any]]) -> None:
        """Events of one account arrive in one batch."""
        inbox.handle(self.service, *(self._event(type, data, "acc_a", new_event_id()) for type, data in told))

    def _event(self, type: str, data: dict[str, Any], account_id: str, event_id: str) -> inbox.Event:
        return inbox.Event(
            id=event_id,
            type=type,
            subject=data["id"],
            account_id=account_id,
            sequence=data["version"],
            time=self.clock.now(),
            data=data,
        )

    def new_client(self, account_id: str = "acc_a", **fields: Any) -> str:
        data = client_data(account_id=account_id, **fields)
        self.tell("client.created", data, account_id=account_id)
        return str(data["id"])

    def kept(self) -> list[tuple[str, str]]:
        """What the inbox could not handle: (type, status)."""
        with self.service.store.reading():
            return [
                tuple(row)
                for row in self.service.store.execute("SELECT type, status FROM inbox WHERE status <> 'done'")
            ]

    def events(self, subject: str | None = None, prefix: str = "") -> list[tuple[str, int, dict[str, Any]]]:
        """What was published: (type, sequence, data), oldest first."""
        return [
            (envelope.type, envelope.sequence, envelope.decoded())
            for envelope in outbox.pending(self.service.store)
            if (subject is None or envelope.subject == subject) and envelope.type.startswith(prefix)
        ]

    def broken_invariants(self) -> dict[str, list[str]]:
        found = {invariant.name: invariant.query() for invariant in self.service.invariants()}
        return {name: ids for name, ids in found.items() if ids}

    def session_type(self, **fields: Any) -> str:
        body = {"name": "Coaching", "duration_minutes": 60, "price": {"amount": 8000, "currency": "EUR"}} | fields
        return str(self.a.post("/services", body)["id"])

    def deposit_told(self, session: dict[str, Any], version: int, status: str, **fields: Any) -> dict[str, Any]:
        """What payments would tell about the session's deposit."""
        amount = session["deposit"]["amount"]
        paid = status in {"paid", "refund_pending", "kept", "refund_failed"}
        return {
            "id": f"dep_{session['id'][4:]}",
            "account_id": session["account_id"],
            "version": version,
            "session_id": session["id"],
            "client_id": session["client_id"],
            "status": status,
            "reason": None,
            "amount": amount,
            "held_amount": amount if paid else 0,
            "due_amount": amount if status == "required" else 0,
            "refunded_amount": 0,
            "currency": "EUR",
            "payment_url": None,
        } | fields


def build_world(url: str, **changed: Any) -> World:
    """The service on the store at `url`, with `changed` settings."""
    clock = StandingClock(NOW)
    clients = ClientsService()
    settings = Settings(
        store_url=url,
        broker_url="memory://",
        public_url="http://localhost/scheduling",
        service_jwt_secret=SECRET,
        auth_jwt_secret=SECRET,
        clients_url=clients.url,
        payments_public_url="http://pay.example",
        **{"public_requests_per_minute": 100_000} | changed,
    )
    service = build(settings, clock)
    migrate(service)
    world = World(service=service, clock=clock, clients=clients, http=create_app(service).test_client())
    world.provision("acc_a", username="anna")
    world.provision("acc_b", username="bert", plan="free")
    return world


def at(text: str) -> str:
    """`"12-01 10:00"` (Berlin's wall clock in winter 2026) as the API writes it."""
    return (datetime.fromisoformat(f"2026-{text}:00+01:00")).astimezone(UTC).isoformat().replace("+00:00", "Z")
