"""Comparing our books with Stripe's: that memory follows the page, not the number of deposits."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg

from benchmarks.ground import Ground
from benchmarks.report import Row, Section, say
from contracts.registry import SERVICES
from support.storm import paid_sessions
from support.suite import Deployment

_FEW, _MANY = 10_000, 100_000
# A deposit's charge, after the one before.
_APART_SECONDS = 20
# Of so many deposits one was refunded.
_REFUNDED = 10
_FLAT = 1.1


def measure(ground: Ground) -> list[Section]:
    """The same books twice, the second time with ten times as much in them."""
    few, many = ground.some(_FEW), ground.some(_MANY)
    books = _Books(ground)
    books.grow(few)
    first = books.compare()
    books.grow(many)
    second = books.compare()
    books.close()
    return [
        Section(
            title="Reconciling with Stripe",
            how=(
                f"`python -m payments reconcile` over a provider's books, one deposit in {_REFUNDED} refunded, beside the sandbox's Stripe with as many charges: "
                "the most that its process held resident, and how fast it went."
            ),
            rows=[
                Row(what=f"{few:,} deposits", values=[first.megabytes], unit="MB"),
                Row(
                    what=f"**{many:,} deposits**",
                    values=[second.megabytes],
                    unit="MB",
                    beside=f"{second.megabytes / first.megabytes:.2f} × at {few:,}",
                    target=f"≤ {_FLAT:.1f} ×",
                    met=second.megabytes <= _FLAT * first.megabytes,
                ),
                Row(what=f"{many:,} deposits compared", values=[many / second.seconds], unit="/s"),
            ],
        )
    ]


class _Compared:
    """What one run of the command took."""

    def __init__(self, megabytes: float, seconds: float) -> None:
        self.megabytes = megabytes
        self.seconds = seconds


class _Books:
    """Payments' store and the sandbox's. Two deposits went the whole way, one of them back; the others are copies of their rows."""

    def __init__(self, ground: Ground) -> None:
        self._directory = ground.processes.directory
        self._deployment = Deployment(
            processes=ground.processes,
            broker_url=ground.broker.vhost(),
            store_urls={service: ground.postgres.database() for service in SERVICES},
        ).start("scheduling", "clients", "payments")
        # The two are not of the period that is compared.
        self._until = datetime.now(UTC).replace(microsecond=0)
        self._first = self._until - timedelta(days=40)
        practice = self._deployment.new_practice()
        self._refunded, self._kept = paid_sessions(practice, 2)
        practice.cancel(self._refunded, refund="refund")
        practice.wait_deposit(self._refunded, "refunded")
        self._sandbox = self._deployment.roles.pop(("sandbox", "serve"))
        for role in self._deployment.roles.values():
            role.terminate()
        self._size = 0

    def grow(self, size: int) -> None:
        """Until there are `size` copies."""
        say(f"writing {size - self._size:,} deposits …")
        asked = {
            "begin": self._size + 1,
            "end": size,
            "every": _REFUNDED,
            "first": self._first,
            "apart": _APART_SECONDS,
        }
        with psycopg.connect(self._deployment.store_urls["payments"]) as store:
            refunded, kept = (store.execute(_AT_STRIPE, (each,)).fetchone() for each in (self._refunded, self._kept))
            assert refunded
            assert kept
            for statement in _OURS:
                store.execute(statement, {**asked, "refunded": self._refunded, "kept": self._kept})
        with psycopg.connect(self._deployment.store_urls["payments"], autocommit=True) as store:
            store.execute("VACUUM ANALYZE")
        asked |= {
            "first": int(self._first.timestamp()),
            "refunded": refunded[0],
            "kept": kept[0],
            "refund": refunded[1],
        }
        with closing(sqlite3.connect(self._directory / "sandbox" / "sandbox.sqlite3")) as sandbox, sandbox:
            for statement in _THEIRS:
                sandbox.execute(statement, asked)
        self._size = size

    def compare(self) -> _Compared:
        """The command, over all that is there; there must be no difference."""
        period = ["--from", self._first.isoformat(), "--to", self._until.isoformat()]
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR") if name in os.environ}
        began = time.perf_counter()
        with (self._directory / "reconcile.log").open("w+") as said:
            command = subprocess.Popen(
                [sys.executable, "-m", "payments", "reconcile", *period],
                env={**inherited, **self._deployment.environment("payments")},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
            _, status, used = os.wait4(command.pid, 0)
            command.returncode = os.waitstatus_to_exitcode(status)
            took = time.perf_counter() - began
            said.seek(0)
            told = said.read()
        assert "\n0 differences" in f"\n{told}", told[-2000:]
        return _Compared(used.ru_maxrss / 1024, took)

    def close(self) -> None:
        self._sandbox.terminate()


_AT_STRIPE = """
    SELECT p.charge, r.stripe_refund FROM deposits d JOIN payments p ON p.deposit_id = d.id LEFT JOIN refund_parts r ON r.payment_id = p.id
    WHERE d.session_id = %s"""
_MOMENT = "%(first)s::timestamptz + make_interval(secs => n * %(apart)s::int)"


def _copies(table: str, changes: str) -> str:
    """A copy of the row `t` that one of the two deposits has, if it has one, for each number, with `changes`."""
    its_own = "t ON t.id = d.id" if table == "deposits" else "t ON t.deposit_id = d.id"
    return f"""
        INSERT INTO {table} SELECT made.* FROM generate_series(%(begin)s::int, %(end)s::int) AS n
        JOIN deposits d ON d.session_id = CASE WHEN n %% %(every)s = 0 THEN %(refunded)s ELSE %(kept)s END
        JOIN {table} {its_own} CROSS JOIN LATERAL jsonb_populate_record(t, jsonb_build_object({changes})) AS made"""


_OURS = (
    _copies("deposits", "'id', 'dep_' || n, 'session_id', 'ses_' || n, 'secret', NULL, 'payment_url', NULL"),
    _copies(
        "payments",
        f"'id', 'pay_' || n, 'deposit_id', 'dep_' || n, 'payment_intent', 'pi_' || n, 'charge', 'ch_' || n, 'received_at', {_MOMENT}",
    ),
    _copies(
        "refunds",
        "'id', 'ref_' || n, 'deposit_id', 'dep_' || n, 'session_id', 'ses_' || n, 'cause', 'cancellation:can_' || n, 'cancellation_id', 'can_' || n",
    ),
    _copies(
        "refund_parts",
        "'id', 'rpt_' || n, 'refund_id', 'ref_' || n, 'deposit_id', 'dep_' || n, 'payment_id', 'pay_' || n, 'stripe_refund', 're_' || n, "
        f"'created_at', {_MOMENT}",
    ),
)


def _objects(template: str, prefix: str, changes: str) -> str:
    """As `_copies`, at the sandbox; in the order of their moments, as Stripe lists them."""
    return f"""
        WITH RECURSIVE numbers (n) AS (SELECT :begin UNION ALL SELECT n + 1 FROM numbers WHERE n < :end)
        INSERT INTO stripe_object (id, kind, account, created, status, payment_intent, charge, body)
        SELECT '{prefix}' || n, kind, account, :first + n * :apart, status, 'pi_' || n, CASE WHEN charge IS NOT NULL THEN 'ch_' || n END,
            json_set(body, '$.id', '{prefix}' || n, '$.created', :first + n * :apart, '$.payment_intent', 'pi_' || n, {changes})
        FROM numbers JOIN stripe_object ON id = {template} ORDER BY n"""


_THEIRS = (
    _objects(
        "CASE WHEN n % :every = 0 THEN :refunded ELSE :kept END", "ch_", "'$.metadata.timeblu_deposit', 'dep_' || n"
    ),
    _objects(
        "CASE WHEN n % :every = 0 THEN :refund END",
        "re_",
        "'$.charge', 'ch_' || n, '$.metadata.timeblu_refund_part', 'rpt_' || n",
    ),
)
