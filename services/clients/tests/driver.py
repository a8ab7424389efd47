"""Drives the service as its callers and its broker would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from werkzeug.datastructures import Headers

from chassis import auth, inbox, outbox
from chassis.app import create_app
from chassis.clock import OffsetClock
from chassis.ids import new_event_id
from chassis.inbox import Event
from chassis.service import Service, migrate
from clients.service import build
from clients.settings import Settings

SECRET = "a secret of the tests, long enough to sign with"
ALL = "clients:read clients:write sessions:notes"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the service answered; `json` is None where the body is not JSON."""

    status_code: int
    headers: Headers
    text: str
    json: Any


@dataclass(kw_only=True)
class Caller:
    """Calls the service's HTTP API with a token of one account."""

    app: Flask
    account_id: str
    scope: str = ALL
    subject: str = "provider@example.com"

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send `body` as JSON, or text as it is; header names are written with underscores."""
        sent = body if isinstance(body, str) or body is None else json.dumps(body)
        return self._send(method, path, sent, "application/json" if sent else None, headers)

    def upload(self, path: str, content: str | bytes, content_type: str, **headers: str) -> Answer:
        """Post a file."""
        return self._send("POST", path, content, content_type, headers)

    def _send(
        self, method: str, path: str, sent: str | bytes | None, content_type: str | None, headers: dict[str, str]
    ) -> Answer:
        token = auth.issue(SECRET, account_id=self.account_id, scope=self.scope, subject=self.subject)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.app.test_client().open(
            path,
            method=method,
            data=sent,
            content_type=content_type,
            headers={"Authorization": f"Bearer {token}", **given},
        )
        return Answer(
            status_code=response.status_code,
            headers=response.headers,
            text=response.text,
            json=response.get_json(silent=True),
        )

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Answer:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Answer:
        return self.call("DELETE", path, **headers)

    def made(self, **given: Any) -> dict[str, Any]:
        """A client that was just made of these fields."""
        answer = self.post("/v1/clients", given)
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json
        return body

    def found(self, query: str = "") -> list[str]:
        """The names in the list that this query string gives."""
        answer = self.get(f"/v1/clients?{query}")
        assert answer.status_code == 200, answer.text
        return [client["name"] for client in answer.json["data"]]


@dataclass(kw_only=True)
class Suite:
    """The service under test and what surrounds it."""

    service: Service
    app: Flask
    clock: OffsetClock

    def hear(self, type_: str, data: dict[str, Any], *, event_id: str | None = None) -> None:
        """Let the service's inbox take an event, as its consumer would."""
        inbox.handle(
            self.service,
            Event(
                id=event_id or new_event_id(),
                type=type_,
                subject=data["id"],
                account_id=data["account_id"],
                sequence=data["version"],
                time=self.clock.now(),
                data=data,
            ),
        )

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What was published so far: types and data."""
        return [(envelope.type, envelope.decoded()) for envelope in outbox.pending(self.service.store)]

    def account(self, account_id: str, *, plan: str = "max", version: int = 1, **others: Any) -> None:
        """Let the service hear of an account."""
        data = {
            "id": account_id,
            "account_id": account_id,
            "version": version,
            "name": "Praxis",
            "email": "praxis@example.com",
            "username": account_id.removeprefix("acc_"),
            "plan": plan,
            "timezone": "Europe/Berlin",
            "currency": "EUR",
            "locale": "de",
            "country": "DE",
            **others,
        }
        self.hear("account.created" if version == 1 else "account.updated", data)

    def caller(self, account_id: str, scope: str = ALL, subject: str = "provider@example.com") -> Caller:
        return Caller(app=self.app, account_id=account_id, scope=scope, subject=subject)

    def pass_time(self, **span: float) -> None:
        self.clock.offset += timedelta(**span)


def build_suite(store_url: str) -> Suite:
    settings = Settings(
        store_url=store_url,
        broker_url="memory://",
        public_url="http://127.0.0.1:8000/clients",
        service_jwt_secret="another secret of the tests, also long enough",
        auth_jwt_secret=SECRET,
        store_pool_size=64,
        # Nobody listens there: what needs the other services is tested with them.
        scheduling_url="http://127.0.0.1:9",
        payments_url="http://127.0.0.1:9",
        notifications_url="http://127.0.0.1:9",
    )
    clock = OffsetClock()
    service = build(settings, clock)
    migrate(service)
    return Suite(service=service, app=create_app(service), clock=clock)
