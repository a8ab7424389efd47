"""kill -9 at any moment: every booking that was answered is there, each deposit asked, each refund made and each fact told once."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from deploy.embedded.tests.driver import Running

from embedded.practice import NotInTime, Practice, Refused
from support.waiting import PATIENCE, wait_until


def test_an_event_in_the_broker_survives_a_kill_whatever_became_of_the_marks(suite: Running) -> None:
    suite.start()
    practice = suite.new_practice()
    service = practice.session_type()
    client = practice.client("Ada Lovelace", "ada@client.example")
    starts = practice.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=10)

    def book_and_kill(hour: int) -> str:
        """A session whose event the broker has, and payments has not."""
        with suite.held_up("payments"):
            booked = practice.book(
                service_id=service["id"], client_id=client["id"], starts_at=starts + timedelta(hours=hour)
            )
            wait_until(
                lambda: suite.rows("scheduling", "SELECT published_at FROM outbox WHERE subject = ?", booked["id"])[0][
                    0
                ],
                what="the event to be published",
            )
            suite.kill()
        assert suite.rows("payments", "SELECT 1 FROM deposits WHERE session_id = ?", booked["id"]) == []
        return str(booked["id"])

    marks = suite.data_dir / "drained.json"

    for hour, spoiled in enumerate((False, True)):
        session_id = book_and_kill(hour)
        if spoiled:
            marks.write_text('{"scheduling": ')
        suite.start()
        link = practice.wait_deposit(session_id, "required", seconds=PATIENCE)["payment_url"]
        assert practice.wait_mail("ada@client.example", link, seconds=PATIENCE)
        assert "did not arrive" not in suite.errors  # the start itself brought it, not the look-out for lost events
    # All was published again and again, and had its effect once.
    assert suite.rows("payments", "SELECT count(*) FROM deposits") == [(2,)]
    subjects = Counter((m["to"], m["subject"], m["text"]) for m in practice.mails("ada@client.example"))
    assert set(subjects.values()) == {1}


def test_what_the_sandbox_was_told_survives_a_kill(suite: Running) -> None:
    suite.start()
    practice = suite.new_practice()
    service = practice.session_type()
    client = practice.client("Ada Lovelace", "ada@client.example")
    starts = practice.now() + timedelta(days=10)
    booked = practice.book(service_id=service["id"], client_id=client["id"], starts_at=starts)
    required = practice.wait_deposit(booked["id"], "required")
    practice.sandbox("POST", "/stripe/hooks", {"hold": True})
    assert practice.pay(required["payment_url"]).status_code == 303
    practice.wait_mail("ada@client.example", "Confirmed")
    mails = practice.sandbox("GET", "/mail")["data"]
    suite.restart()
    assert practice.sandbox("GET", "/mail")["data"] == mails
    assert practice.deposit_of(booked["id"])["status"] == "required"
    practice.sandbox("POST", "/stripe/hooks", {"hold": False})
    practice.wait_deposit(booked["id"], "paid")


def test_a_practice_survives_kills_at_any_moment(suite: Running) -> None:
    _kills_at_any_moment(suite, kills=2, seed=11)


@pytest.mark.chaos
def test_a_practice_survives_many_kills_at_any_moment(suite: Running) -> None:
    _kills_at_any_moment(suite, kills=15, seed=12)


@pytest.mark.chaos
def test_kills_during_the_first_start_leave_nothing_half_made(suite: Running) -> None:
    for step in range(30):
        process = suite.begin()
        time.sleep(1.0 + 0.1 * (step % 15))  # the moment is what is tested
        process.kill()
        process.wait(timeout=PATIENCE)
    suite.start()
    practice = suite.practice()
    assert practice.get("payments", "/v1/connect")["charges_enabled"]
    assert len(suite.rows("payments", "SELECT account_id FROM connections")) == 1
    assert len(practice.get("scheduling", "/v1/calendars")["data"]) == 1


def _kills_at_any_moment(suite: Running, *, kills: int, seed: int) -> None:
    suite.start()
    actor = Actor(practice=suite.new_practice())
    chance = random.Random(seed)
    with actor:
        for _ in range(kills):
            time.sleep(chance.uniform(0.1, 2.0))  # the moment is what is tested
            suite.restart()
        actor.at_least(cancelled=2)
    suite.restart()
    _expect_nothing_lost_and_nothing_twice(suite, actor)


@dataclass(kw_only=True)
class Actor:
    """Books, pays and cancels one session after the other, as a careful caller does: the same key again until there is an answer."""

    practice: Practice
    booked: list[Any] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    email: str = field(default_factory=lambda: f"{uuid.uuid4().hex[:10]}@client.example")
    _stop: threading.Event = field(default_factory=threading.Event)
    _error: BaseException | None = None
    _thread: threading.Thread | None = None

    def __enter__(self) -> Actor:
        self.service = self.practice.session_type(minutes=30)
        self.client = self.practice.client("Ada Lovelace", self.email)
        self.first = self.practice.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=10)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(timeout=PATIENCE)
        if self._error is not None:
            raise self._error

    def at_least(self, *, cancelled: int) -> None:
        wait_until(
            lambda: self._error or len(self.cancelled) >= cancelled,
            what=f"{cancelled} cancellations",
        )

    def _run(self) -> None:
        try:
            number = 0
            while not self._stop.is_set():
                self._one(self.first + number * timedelta(minutes=30), cancel=number % 3 != 1)
                number += 1
        except BaseException as error:
            self._error = error

    def _one(self, starts_at: datetime, *, cancel: bool) -> None:
        body = {
            "service_id": self.service["id"], "client_id": self.client["id"], "starts_at": starts_at.isoformat()
        }  # fmt: skip
        booked = self._surely("/v1/sessions", body)
        self.booked.append(booked)
        required = self._again(lambda: self.practice.wait_deposit(booked["id"], "required", "paid"))
        if required["deposit"]["status"] == "required":
            # A payment whose answer was lost was made all the same: the link says so.
            self._again(lambda: self._pay(required["payment_url"], booked["id"]))
        self._again(lambda: self.practice.wait_deposit(booked["id"], "paid"))
        self.paid.append(booked["id"])
        if cancel:
            self._surely(f"/v1/sessions/{booked['id']}/cancel", {"refund": "refund"})
            self.cancelled.append(booked["id"])

    def _pay(self, url: str, session_id: str) -> bool:
        page = requests.get(url, timeout=PATIENCE)
        if "/c/pay/" in page.url and page.status_code == 200:
            requests.post(page.url, data={"number": "4242424242424242"}, timeout=PATIENCE, allow_redirects=False)
        return bool(self.practice.session(session_id)["deposit"]["status"] == "paid")

    def _surely(self, path: str, body: dict[str, Any]) -> Any:
        key = uuid.uuid4().hex
        return self._again(lambda: self.practice.post("scheduling", path, body, Idempotency_Key=key))

    def _again(self, step: Callable[[], Any]) -> Any:
        def once() -> Any:
            try:
                return step()
            except (requests.RequestException, NotInTime):
                return None
            except Refused as refused:
                if refused.status >= 500 or refused.problem.get("code") == "idempotency_in_flight":
                    return None
                raise

        return wait_until(once, interval=0.05, what="an answer")


def _expect_nothing_lost_and_nothing_twice(suite: Running, actor: Actor) -> None:
    practice = actor.practice
    # What an attempt that died has claimed is free again, what was put off for a moment is done.
    practice.advance(minutes=5)
    for booked in actor.booked:
        assert practice.session(booked["id"])["starts_at"] == booked["starts_at"]
    for session_id in actor.cancelled:
        assert practice.wait_deposit(session_id, "refunded", seconds=PATIENCE)["status"] == "cancelled"
    refunds = Counter(refund["metadata"]["timeblu_deposit"] for refund in practice.refunds_at_stripe())
    assert set(refunds.values()) == {1}
    assert set(refunds) == {practice.deposit_of(session_id)["id"] for session_id in actor.cancelled}
    _expect_told_once(suite, actor)
    reminders = suite.rows(
        "notifications", "SELECT session_id, count(*) FROM reminders WHERE status = 'planned' GROUP BY 1"
    )
    planned = {session_id for session_id, _ in reminders}
    assert planned == {booked["id"] for booked in actor.booked} - set(actor.cancelled)
    assert len({count for _, count in reminders}) == 1
    for service in ("scheduling", "clients", "payments", "notifications"):
        assert practice.get(service, "/v1/ops/inbox", status="parked")["data"] == []
        broken = [found for found in practice.get(service, "/v1/ops/invariants")["data"] if found["violations"]]
        assert broken == []


def _expect_told_once(suite: Running, actor: Actor) -> None:
    """One mail a fact. One that was being sent at a kill may have arrived or not: it stays `unknown` and is not repeated."""

    def settled() -> list[tuple[str, str]] | None:
        rows = suite.rows("notifications", "SELECT key, status, claim FROM deliveries WHERE reminder_id IS NULL")
        # What a worker that died had claimed is free again after two minutes.
        still_to_be_sent = any(status == "queued" and claim is None for _, status, claim in rows)
        return None if still_to_be_sent else [(key, status) for key, status, _ in rows]

    told = wait_until(settled, deadline=3 * PATIENCE, interval=0.2, what="every message to come to its end") or []
    mails = Counter(mail["headers"]["Message-ID"] for mail in actor.practice.sandbox("GET", "/mail")["data"])
    assert set(mails.values()) == {1}
    sent = [key for key, status in told if status == "sent"]
    unsure = [key for key, status in told if status in {"unknown", "sending"}]
    assert len(sent) <= len(mails) <= len(sent) + len(unsure)
    for session_id in actor.paid:
        assert any(session_id in key for key, _ in told)
