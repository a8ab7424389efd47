"""Drives notifications as its broker, its workers' queues and its callers would, beside a sandbox for mail and texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import requests
from flask import Flask
from werkzeug.test import TestResponse

from chassis import auth, inbox, outbox
from chassis.ids import new_event_id
from chassis.inbox import Event, event_of
from chassis.service import Done, Service
from contracts.envelope import Envelope
from notifications.operations.dispatching import dispatch
from notifications.operations.reminding import plan_account
from sandbox.app import Sandbox

SECRET = "a secret of the tests, long enough to sign with"
ALL = "notifications:read notifications:write"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(kw_only=True)
class StandingClock:
    """Time that passes only when it is told to."""

    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> datetime:
        self.moment += timedelta(seconds=seconds)
        return self.moment


@dataclass(kw_only=True)
class Practice:
    """The service under test and what surrounds it; `context` is what its operations get."""

    service: Service
    context: Any
    app: Flask
    clock: StandingClock
    sandbox: Sandbox
    url: str
    lease_clock: StandingClock
    _taken: set[str] = field(default_factory=set)

    # --- what is heard ---

    def hear(self, type_: str, data: dict[str, Any], *, at: datetime | None = None, event_id: str | None = None) -> str:
        """Let the service's inbox take an event, as its consumer would; returns its id."""
        id_ = event_id or new_event_id()
        inbox.handle(
            self.service,
            Event(
                id=id_,
                type=type_,
                subject=data["id"],
                account_id=data["account_id"],
                sequence=data["version"],
                time=at or self.clock.now(),
                data=data,
            ),
        )
        self.retry_kept()
        return id_

    def retry_kept(self) -> None:
        """Run the kept events whose moment has come."""
        kept = inbox.inbox_of(self.service)
        while kept.retry_due():
            pass

    # --- what is done ---

    def pass_time(self, **span: float) -> None:
        """Let suite time pass, and do what falls due at its end."""
        self.clock.moment += timedelta(**span)
        self.work()

    def work(self) -> int:
        """Dispatch and send until nothing is left to do now; returns how many messages the workers took."""
        taken = 0
        while True:
            while plan_account(self.context) + dispatch(self.context):
                pass
            due = self.on_the_queues()
            if not due:
                return taken
            for envelope in due:
                self._taken.add(envelope.id)
                self.send(envelope)
                taken += 1

    def on_the_queues(self) -> list[Envelope]:
        """The messages to workers that none has taken yet."""
        return [
            envelope
            for envelope in outbox.pending(self.service.store)
            if envelope.type == "delivery.due" and envelope.id not in self._taken
        ]

    def send(self, *envelopes: Envelope) -> None:
        """Let a worker take these messages of its queue, together where there are several."""
        self.begin(*envelopes)()

    def begin(self, *envelopes: Envelope) -> Callable[[], None]:
        """Let a worker take these messages of its queue; what is returned makes the calls, and settles what came of them."""
        events = [event_of(envelope) for envelope in envelopes]
        worker = self.service.workers()[events[0].data["channel"]]
        tasks = [task for task in worker.take(events) if task is not None]

        def finish() -> None:
            if tasks:
                worker.settle([Done(task=task, outcome=worker.call(task), traceparent=None) for task in tasks])

        return finish

    def published(self, type_: str = "") -> list[tuple[str, dict[str, Any]]]:
        """What was published for everybody, of that type where one is given."""
        return [
            (envelope.type, envelope.decoded())
            for envelope in outbox.pending(self.service.store)
            if envelope.type != "delivery.due" and envelope.type.startswith(type_)
        ]

    # --- what came out ---

    def mails(self, to: str = "") -> list[EmailMessage]:
        """The mail that arrived, oldest first, as Python's own parser reads it."""
        found = []
        for mail in reversed(self.sandbox.mailbox.listed(to=to)):
            message = message_from_bytes(mail["raw"].encode(), policy=policy.default)
            assert isinstance(message, EmailMessage)
            found.append(message)
        return found

    def subjects(self, to: str = "") -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails(to)]

    def texts(self) -> list[dict[str, Any]]:
        """The texts that Twilio took, oldest first."""
        answer = requests.get(f"{self.url}/sandbox/sms", timeout=5)
        return list(reversed(answer.json()["data"]))

    def fault(self, target: str, fault: str, count: int = 1) -> None:
        """Have the sandbox do something wrong."""
        body = {"target": target, "fault": fault, "count": count}
        requests.post(f"{self.url}/sandbox/faults", json=body, timeout=5).raise_for_status()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table by its primary order."""
        with self.service.store.reading():
            cursor = self.service.store.database.execute_sql(f"SELECT * FROM {table} ORDER BY 1")
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def reminders(self, session_id: str = "ses_1") -> dict[tuple[str, str], tuple[str, str | None]]:
        """The ledger of a session as the API shows it: status and reason by kind and channel."""
        answer = self.call("GET", f"/v1/reminders?session_id={session_id}")
        assert answer.status_code == 200, answer.text
        return {(row["kind"], row["channel"]): (row["status"], row["reason"]) for row in answer.json["data"]}  # type: ignore[index]

    def due(self, kind: str, channel: str = "email", session_id: str = "ses_1") -> str:
        rows = self.call("GET", f"/v1/reminders?session_id={session_id}").json["data"]  # type: ignore[index]
        return next(str(row["due_at"]) for row in rows if (row["kind"], row["channel"]) == (kind, channel))

    def deliveries(self, query: str = "") -> list[dict[str, Any]]:
        """The delivery log as the API shows it, oldest first."""
        answer = self.call("GET", f"/v1/deliveries?limit=200&{query}")
        assert answer.status_code == 200, answer.text
        return list(reversed(answer.json["data"]))  # type: ignore[index]

    def fared(self, query: str = "") -> list[tuple[str, str, str]]:
        """Kind, channel and status of each delivery in the log."""
        return [(row["kind"], row["channel"], row["status"]) for row in self.deliveries(query)]

    def call(
        self, method: str, path: str, body: Any = None, *, account_id: str = "acc_one", scope: str = ALL, **headers: str
    ) -> TestResponse:
        token = auth.issue(SECRET, account_id=account_id, scope=scope)
        return self.app.test_client().open(
            path,
            method=method,
            data=None if body is None else json.dumps(body),
            content_type="application/json" if body is not None else None,
            headers={"Authorization": f"Bearer {token}"} | {n.replace("_", "-"): v for n, v in headers.items()},
        )


# --- the data of events ---


def account(version: int = 1, **others: Any) -> dict[str, Any]:
    return {
        "id": "acc_one",
        "account_id": "acc_one",
        "version": version,
        "name": "Praxis Sommer",
        "email": "sommer@praxis.example",
        "username": "sommer",
        "plan": "max",
        "timezone": "Europe/Berlin",
        "currency": "EUR",
        "locale": "en-GB",
        "country": "DE",
    } | others


def client(version: int = 1, **others: Any) -> dict[str, Any]:
    return {
        "id": "cli_1",
        "account_id": "acc_one",
        "version": version,
        "name": "Ada Winter",
        "email": "ada@example.com",
        "phone": "+491701234567",
        "locale": None,
        "timezone": None,
        "contact": {"email": True, "sms": True},
        "deleted": False,
        "merged_into": None,
    } | others


def session(version: int = 1, **others: Any) -> dict[str, Any]:
    starts_at = others.pop("starts_at", NOON + timedelta(days=7))
    return {
        "id": "ses_1",
        "account_id": "acc_one",
        "version": version,
        "client_id": "cli_1",
        "service_id": "svc_1",
        "service_name": "Coaching",
        "calendar_id": "cal_1",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=1),
        "duration_minutes": 60,
        "timezone": "Europe/Berlin",
        "status": "confirmed",
        "notes": "Bring the letter.",
        "client_message": "",
        "price": {"amount": 8000, "currency": "EUR"},
        "deposit": None,
        "payment_url": None,
        "manage_url": "https://book.example/manage/t",
        "source": "manual",
        "series_id": None,
        "auto_confirm_at": None,
        "cancellations": [],
        "created_at": NOON,
        "updated_at": NOON,
    } | others


def terms(status: str = "required", **others: Any) -> dict[str, Any]:
    """A session's deposit as scheduling knows it."""
    return {
        "id": None,
        "status": status,
        "reason": None,
        "amount": 2000,
        "held_amount": 0,
        "due_amount": 2000,
        "refunded_amount": 0,
        "currency": "EUR",
    } | others


def deposit(version: int = 1, **others: Any) -> dict[str, Any]:
    return {
        "id": "dep_1",
        "account_id": "acc_one",
        "version": version,
        "session_id": "ses_1",
        "client_id": "cli_1",
        "status": "required",
        "reason": None,
        "amount": 2000,
        "held_amount": 0,
        "due_amount": 2000,
        "refunded_amount": 0,
        "currency": "EUR",
        "payment_url": "https://pay.example/v1/pay/secret",
    } | others


def refund(version: int = 1, **others: Any) -> dict[str, Any]:
    return {
        "id": "ref_1",
        "account_id": "acc_one",
        "version": version,
        "deposit_id": "dep_1",
        "session_id": "ses_1",
        "client_id": "cli_1",
        "cancellation_id": "can_1",
        "status": "succeeded",
        "pending_reason": None,
        "amount": 1000,
        "currency": "EUR",
        "percentage": 50,
        "reason": None,
        "failure": None,
        "deposit": deposit(4, status="partially_refunded", held_amount=1000, due_amount=0, refunded_amount=1000),
    } | others


def cancellation(id_: str = "can_1", **others: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "at": NOON,
        "by": "provider",
        "reason": None,
        "starts_at": NOON + timedelta(days=7),
        "refund": None,
        "quote": None,
        "restored_at": None,
    } | others
