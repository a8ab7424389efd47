"""A storm of cancellations while parts die: the same run, long for `make chaos` and short for `make test`."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from embedded.practice import Practice
from support.suite import Deployment
from support.waiting import wait_until

_PATIENCE = 1200.0
STRIPE_FAULTS = ("error_500", "error_500_after_processing", "rate_limit", "timeout", "drop_after_processing")
# A request that met a dying process is repeated with its key; these answers say nothing about its effect.
_REPEAT = {409, 502, 503, 504}


def paid_sessions(practice: Practice, count: int, *, at_once: int = 6) -> list[str]:
    """`count` sessions whose deposits are paid, each at its own time, ten days ahead and more."""
    service = practice.session_type(minutes=15, price=8000, percent=25)
    client = practice.client("Ada Lovelace", f"{uuid.uuid4().hex[:12]}@client.example")
    first = (datetime.now(UTC) + timedelta(days=10)).replace(minute=0, second=0, microsecond=0)

    def book(number: int) -> Any:
        return practice.book(
            service_id=service["id"], client_id=client["id"], starts_at=first + number * timedelta(minutes=15)
        )

    def pay(session: Any) -> str:
        answer = practice.pay(session["payment_url"])
        assert answer.status_code == 303, answer.text
        return str(session["id"])

    with ThreadPoolExecutor(at_once) as pool:
        ids = list(pool.map(pay, list(pool.map(book, range(count)))))
    wait_until(
        lambda: _by_deposit(practice)["paid"] >= count,
        deadline=_PATIENCE,
        interval=_pause(count),
        what=f"{count} deposits to be paid",
    )
    return ids


def cancel_surely(practice: Practice, session_id: str, deadline: float = _PATIENCE) -> None:
    """Cancel with refund as a careful caller does: the same key again until there is an answer."""
    key = f"cancel-{session_id}"
    ends = time.monotonic() + deadline
    while True:
        try:
            answer = practice.call(
                "POST", "scheduling", f"/v1/sessions/{session_id}/cancel", json={"refund": "refund"},
                headers={"Idempotency-Key": key}, timeout=15,
            )  # fmt: skip
            if answer.status_code == 200:
                return
            code = answer.json().get("code")
            if answer.status_code not in _REPEAT or code not in {None, "unavailable", "idempotency_in_flight"}:
                raise AssertionError(f"{session_id}: {answer.status_code} {answer.text}")
        except requests.RequestException:
            pass
        assert time.monotonic() < ends, f"{session_id} could not be cancelled within {deadline:.0f} s"
        time.sleep(random.uniform(0.05, 0.3))


@dataclass(kw_only=True)
class Storm:
    """Kills a random role again and again and starts it anew; `blows` run once each on the way (a broker restart, say)."""

    deployment: Deployment
    victims: list[tuple[str, str]]
    blows: list[Callable[[], None]] = field(default_factory=list)
    every: float = 1.0
    random: random.Random = field(default_factory=lambda: random.Random(7))
    kills: Counter[str] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _error: BaseException | None = None

    def __enter__(self) -> Storm:
        self._thread = threading.Thread(target=self._run, name="storm", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(timeout=_PATIENCE)
        if self._error is not None:
            raise self._error
        assert not self._thread.is_alive(), "the last blow takes for ever"
        self.deployment.wait_ready()

    def _run(self) -> None:
        blows = list(self.blows)
        try:
            while not self._stop.wait(self.every * self.random.uniform(0.5, 1.5)):
                service, role = self.random.choice(self.victims)
                self.deployment.restart(service, role)
                self.kills[f"{service} {role}"] += 1
                if blows and sum(self.kills.values()) % 4 == 0:
                    blows.pop(0)()
            for blow in blows:
                blow()
        except BaseException as error:
            self._error = error


@dataclass(kw_only=True)
class Weather:
    """What goes wrong outside and on the way, all the while: Stripe's faults at random, its webhooks twice and out of order, events told again."""

    practice: Practice
    sessions: list[str]
    every: float = 1.0
    random: random.Random = field(default_factory=lambda: random.Random(11))
    faults: Counter[str] = field(default_factory=Counter)
    told_again: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Weather:
        self.practice.sandbox("POST", "/stripe/hooks", {"repeat": 2, "shuffle": True})
        self._thread = threading.Thread(target=self._run, name="weather", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(timeout=60)
        for fault in STRIPE_FAULTS:
            self.practice.sandbox("POST", "/faults", {"target": "stripe", "fault": fault, "count": 0})
        self.practice.sandbox("POST", "/stripe/hooks", {"repeat": 1, "shuffle": False})

    def _run(self) -> None:
        while True:
            fault = self.random.choice(STRIPE_FAULTS)
            self.practice.sandbox("POST", "/faults", {"target": "stripe", "fault": fault, "count": 2})
            self.faults[fault] += 1
            for session_id in self.random.sample(self.sessions, min(5, len(self.sessions))):
                self._tell_again(session_id)
            if self._stop.wait(self.every * self.random.uniform(0.5, 1.5)):
                return

    def _tell_again(self, session_id: str) -> None:
        # Its API, or what that stands on, may be killed just now.
        with suppress(requests.RequestException):
            answer = self.practice.call(
                "POST", "scheduling", "/v1/ops/outbox/replay", json={"subject": session_id}, timeout=15
            )
            self.told_again += answer.json()["events"] if answer.status_code == 200 else 0


def expect_each_refunded_once(
    deployment: Deployment, practice: Practice, sessions: list[str], amount: int = 2000
) -> None:
    """Every session cancelled and refunded, one refund each at Stripe, nothing parked or dead, every invariant kept."""
    wait_until(
        lambda: _by_deposit(practice)["refunded"] >= len(sessions),
        deadline=_PATIENCE,
        interval=_pause(len(sessions)),
        what=f"{len(sessions)} deposits to be refunded",
        ignoring=(requests.RequestException,),
    )
    deployment.wait_drained(_PATIENCE)
    deposits = {d["id"]: d for d in _all(practice, "payments", "/v1/deposits")}
    at_stripe = [r for r in practice.refunds_at_stripe() if r["metadata"].get("timeblu_deposit") in deposits]
    refunds = Counter(r["metadata"]["timeblu_deposit"] for r in at_stripe)
    assert set(refunds) == {d["id"] for d in deposits.values() if d["session_id"] in set(sessions)}
    assert set(refunds.values()) == {1}, {d: n for d, n in refunds.items() if n != 1}
    assert {(r["status"], r["amount"]) for r in at_stripe} == {("succeeded", amount)}
    for deposit in deposits.values():
        if deposit["session_id"] in set(sessions):
            assert (deposit["status"], deposit["refunded_amount"], deposit["held_amount"]) == ("refunded", amount, 0)
    for service in ("scheduling", "clients", "payments", "notifications"):
        assert practice.get(service, "/v1/ops/inbox", status="parked")["data"] == []
        assert practice.get(service, "/v1/ops/dead")["data"] == []
    assert deployment.violations() == {}


def expect_faults_make_no_second_refund(
    deployment: Deployment, practice: Practice, fault: str, *, sessions: int
) -> None:
    """`sessions` cancellations while every third call of Stripe's API meets `fault`: one refund each all the same."""
    ids = paid_sessions(practice, sessions)
    practice.sandbox("POST", "/faults", {"target": "stripe", "fault": fault, "count": max(1, sessions // 3)})
    for one in ids:
        cancel_surely(practice, one)
    expect_each_refunded_once(deployment, practice, ids)


def _pause(count: int) -> float:
    """Seconds between two looks at so many sessions, so that looking is not the work that is waited for."""
    return max(0.25, count / 250)


def _by_deposit(practice: Practice) -> Counter[str]:
    return Counter(
        s["deposit"]["status"]
        for s in _all(practice, "scheduling", "/v1/sessions")
        if s["deposit"] and s["deposit"]["id"]
    )


def _all(practice: Practice, service: str, path: str) -> list[Any]:
    found: list[Any] = []
    cursor = None
    while True:
        page = practice.get(service, path, limit=200, **({"cursor": cursor} if cursor else {}))
        found += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
