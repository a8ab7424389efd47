"""Cancellations and webhooks at a constant rate: from the answer to the refund at Stripe's stand-in, and until a webhook is acknowledged."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from benchmarks.agenda import Caller
from benchmarks.ground import Ground
from benchmarks.open_loop import Call, at_rate
from benchmarks.path import deployed, end
from benchmarks.report import Row, Section, percentile, say
from chassis.auth import issue
from embedded.practice import Practice
from sandbox.stripe.events import signature
from support.storm import paid_sessions
from support.suite import Deployment
from support.waiting import wait_until

_WARM_UP = 20
# Cancellations a second, and for how many seconds: through the whole suite, and with scheduling and payments alone.
_WHOLE, _ALONE = (10, 20), (50, 8)
_HOOKS = (20, 10)
_LOOK_SECONDS = 0.005
_MEDIAN_MS, _SLOWEST_MS, _ACKNOWLEDGED_MS = 100.0, 500.0, 20.0


def measure(ground: Ground) -> list[Section]:
    """One deployment: first all of it, then without clients and notifications."""
    deployment = deployed(ground)
    practice = deployment.new_practice()
    whole, alone = (ground.some(rate * seconds) for rate, seconds in (_WHOLE, _ALONE))
    say(f"paying {_WARM_UP + whole + alone} deposits …")
    sessions = paid_sessions(practice, _WARM_UP + whole + alone)
    deployment.wait_drained()
    with closing(_Sandbox(ground.processes.directory / "sandbox" / "sandbox.sqlite3")) as sandbox:
        run = _Run(deployment, practice, sandbox)
        run.cancel(sessions[:_WARM_UP], _WHOLE[0])
        rows = _rows("the whole suite", _WHOLE[0], *run.cancel(sessions[_WARM_UP : _WARM_UP + whole], _WHOLE[0]))
        deployment.wait_drained()
        broken = deployment.violations()
        assert not broken, broken
        _only(deployment, "scheduling", "payments")
        rows += _rows("scheduling and payments alone", _ALONE[0], *run.cancel(sessions[_WARM_UP + whole :], _ALONE[0]))
        run.wait_settled(len(sessions))
        hooks = run.tell(ground.some(_HOOKS[0] * _HOOKS[1]), _HOOKS[0])
    end(deployment)
    return [
        Section(
            title="Refunds at a constant rate",
            how=(
                f"{whole} cancellations, {_WHOLE[0]} a second, through the four services in their eighteen processes; then {alone}, {_ALONE[0]} a second, with those of "
                "scheduling and payments. Each is sent at its moment, whatever became of the one before. The sandbox, the database, the broker and the caller share the machine's "
                "cores. When a refund is there is read from the sandbox's own store, every 5 ms. "
                "The stores' statistics are renewed before, as PostgreSQL does by itself within a minute."
            ),
            rows=rows,
        ),
        _acknowledged(hooks),
    ]


class _Run:
    """What is asked of a deployment at a constant rate."""

    def __init__(self, deployment: Deployment, practice: Practice, sandbox: _Sandbox) -> None:
        self._deployment = deployment
        self._practice = practice
        self._sandbox = sandbox
        self._local = threading.local()

    def cancel(self, sessions: Sequence[str], rate: float) -> tuple[list[Call], list[float]]:
        """The cancellations' answers, and the milliseconds from each to its refund."""
        deposits = self._deposits()
        url = self._deployment.url("scheduling")
        scope, account = "sessions:read sessions:write", self._practice.account_id
        token = issue(self._deployment.auth_secret, account_id=account, scope=scope, ttl=3600)

        def cancel(number: int) -> None:
            caller = self._caller(lambda: Caller(url, token))
            caller.post(f"/v1/sessions/{sessions[number]}/cancel", {"refund": "refund"}, expected=200)

        self._analyse()
        with _Watch(self._sandbox) as watch:
            calls = at_rate(rate, len(sessions), cancel)
            wanted = [deposits[session] for session in sessions]
            wait_until(lambda: watch.seen.keys() >= set(wanted), what=f"{len(wanted)} refunds at the sandbox")
        return calls, [
            (watch.seen[deposit] - call.answered) * 1000 for deposit, call in zip(wanted, calls, strict=True)
        ]

    def tell(self, count: int, rate: float) -> list[Call]:
        """So many webhooks, each of a refund that was made, signed as by Stripe."""
        secret = self._deployment.environment("payments")["STRIPE_WEBHOOK_SECRETS"]
        refunds = self._practice.refunds_at_stripe()
        url = self._deployment.url("payments")

        def tell(number: int) -> None:
            caller = self._caller(lambda: Caller(url))
            body, now = _event(number, refunds[number % len(refunds)]), int(time.time())
            signed = {"Stripe-Signature": f"t={now},v1={signature(secret, now, body)}"}
            caller.send("/v1/webhooks/stripe", body, expected=200, headers=signed)

        return at_rate(rate, count, tell)

    def wait_settled(self, count: int) -> None:
        """Until scheduling has heard of so many refunds and no webhook is left, so that what is measured next is alone."""
        payments, scheduling = (self._deployment.store_urls[name] for name in ("payments", "scheduling"))
        wait_until(lambda: _count(scheduling, _SHOWN) >= count, interval=0.5, what="scheduling to hear of all refunds")
        wait_until(lambda: _count(payments, _DUE) == 0, interval=0.5, what="all webhooks to be acted upon")

    def _analyse(self) -> None:
        """As the stores' own servers do within a minute: statements planned for tables that were empty read all of them ever after."""
        for url in self._deployment.store_urls.values():
            with psycopg.connect(url, autocommit=True) as store:
                store.execute("ANALYZE")

    def _deposits(self) -> dict[str, str]:
        """Each session's deposit."""
        with psycopg.connect(self._deployment.store_urls["payments"]) as store:
            return dict(store.execute("SELECT session_id, id FROM deposits").fetchall())

    def _caller(self, make: Callable[[], Caller]) -> Caller:
        """This thread's connection, kept open."""
        if not hasattr(self._local, "caller"):
            self._local.caller = make()
        caller: Caller = self._local.caller
        return caller


class _Sandbox:
    """Looks into the sandbox's store beside it, which costs the machine less than asking over HTTP."""

    def __init__(self, path: Path) -> None:
        self._store = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
        self._last = 0

    def new_refunds(self) -> list[str]:
        """The deposits of refunds made since the last look."""
        rows = self._store.execute(
            "SELECT seq, json_extract(body, '$.metadata.timeblu_deposit') FROM stripe_object WHERE kind = 'refund' AND seq > ? ORDER BY seq",
            (self._last,),
        ).fetchall()
        self._last = rows[-1][0] if rows else self._last
        return [deposit for _, deposit in rows]

    def close(self) -> None:
        self._store.close()


class _Watch:
    """Notes when the refund of each deposit was first seen, by `time.perf_counter`."""

    def __init__(self, sandbox: _Sandbox) -> None:
        self.seen: dict[str, float] = {}
        self._sandbox = sandbox
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            for deposit in self._sandbox.new_refunds():
                self.seen.setdefault(deposit, time.perf_counter())


_SHOWN = "SELECT count(*) FROM sessions WHERE deposit::json ->> 'status' = 'refunded'"
_DUE = "SELECT count(*) FROM webhooks WHERE next_attempt_at IS NOT NULL"


def _count(store_url: str, query: LiteralString) -> int:
    with psycopg.connect(store_url) as store:
        found = store.execute(query).fetchone()
    return int(found[0]) if found else 0


def _only(deployment: Deployment, *services: str) -> None:
    """End every role of the other services."""
    others = [
        role
        for (service, _), role in deployment.roles.items()
        if service not in (*services, "sandbox") and role.alive()
    ]
    for role in others:
        role.process.terminate()
    for role in others:
        role.process.wait(timeout=30)


def _event(number: int, refund: dict[str, Any]) -> bytes:
    """`refund.updated` as Stripe sends it."""
    return json.dumps(
        {
            "id": f"evt_bench{number:08}",
            "object": "event",
            "account": refund["account"],
            "api_version": "2026-10-28.endive",
            "created": int(time.time()),
            "data": {"object": {name: value for name, value in refund.items() if name != "account"}},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": "refund.updated",
        }
    ).encode()


def _rows(what: str, rate: int, calls: list[Call], refunded: list[float]) -> list[Row]:
    median, slowest = Row(what="", values=refunded, unit="").median, percentile(refunded, 99)
    return [
        Row(what=f"{what}, {rate}/s: due → answer", values=[call.milliseconds for call in calls], unit="ms"),
        Row(
            what=f"**{what}, {rate}/s: answer → refund at the sandbox**",
            values=refunded,
            unit="ms",
            target=f"< {_MEDIAN_MS:.0f} ms",
            met=median < _MEDIAN_MS,
        ),
        Row(
            what="the same, 99th percentile",
            values=[slowest],
            unit="ms",
            target=f"< {_SLOWEST_MS:.0f} ms",
            met=slowest < _SLOWEST_MS,
        ),
    ]


def _acknowledged(calls: list[Call]) -> Section:
    took = [call.milliseconds for call in calls]
    return Section(
        title="Webhooks",
        how=(
            f"{len(calls)} `refund.updated`, {_HOOKS[0]} a second, to payments' API: signature and age checked, and committed before the acknowledgement; "
            "each is then acted upon beside it."
        ),
        rows=[
            Row(
                what="**due → acknowledged**",
                values=took,
                unit="ms",
                target=f"< {_ACKNOWLEDGED_MS:.0f} ms",
                met=Row(what="", values=took, unit="").median < _ACKNOWLEDGED_MS,
            ),
            Row(what="the same, 99th percentile", values=[percentile(took, 99)], unit="ms"),
        ],
    )
