"""A practice to measure scheduling's API with: ten calendars, and as long a past as is asked for, written straight into its store."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg

from benchmarks.ground import Ground
from chassis.auth import issue
from embedded.practice import Practice
from support.processes import Role
from support.suite import Deployment

CALENDARS = 10
CLIENT = "cli_bench"
_ACCOUNT = "acc_bench"
_SCOPE = "sessions:read sessions:write"
# What is to come: an hour of four a day on each calendar, with a quarter of an hour after it.
_A_DAY = 4

_PAST = """
    INSERT INTO sessions (id, account_id, version, client_id, service_id, calendar_id, starts_at, ends_at, duration_minutes,
        buffer_before_minutes, buffer_after_minutes, status, status_before, outside_hours, notes, session_notes, client_message,
        deposit_version, source, created_at, updated_at)
    SELECT 'ses_' || calendar || '_' || n, %(account)s, 1, %(client)s, %(service)s, calendar, start, start + interval '1 hour', 60,
        0, 15, 'completed', NULL, false, '', '', '', 0, 'manual', start, start
    FROM unnest(%(calendars)s::text[]) AS calendar, generate_series(1, %(count)s) AS n,
        LATERAL (SELECT %(now)s::timestamptz - n * interval '75 minutes') AS slot (start)"""
_CLAIMS = """
    INSERT INTO claims (owner_id, kind, account_id, owner_type, calendar_id, starts_at, ends_at, sanctioned)
    SELECT id, kind, account_id, 'session', calendar_id, starts_at,
        ends_at + CASE kind WHEN 'padded' THEN interval '15 minutes' ELSE interval '0' END, false
    FROM sessions, (VALUES ('core'), ('padded')) AS kinds (kind)
    WHERE NOT EXISTS (SELECT 1 FROM claims WHERE owner_id = sessions.id)"""


@dataclass(kw_only=True)
class Agenda:
    """Scheduling's API on a database of its own, as it is deployed; the account's calendars, its one session type and its one client."""

    ground: Ground
    deployment: Deployment = field(init=False)
    api: Role = field(init=False)
    service: str = field(init=False)
    calendars: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.deployment = Deployment(
            processes=self.ground.processes,
            broker_url="memory://",
            store_urls={"scheduling": self.ground.postgres.database()},
        )
        self.api = self.deployment.start_role("scheduling", "api")
        practice = self.deployment.practice(_ACCOUNT)
        practice.provision()
        self.service = practice.session_type(percent=None, buffer_after_minutes=15)["id"]
        for number in range(1, CALENDARS):
            practice.post("scheduling", "/v1/calendars", {"name": f"Room {number}"})
        self.calendars = [one["id"] for one in practice.get("scheduling", "/v1/calendars")["data"]]
        self._remember_client()

    @property
    def practice(self) -> Practice:
        return self.deployment.practice(_ACCOUNT)

    def caller(self) -> Caller:
        """A connection to the API, kept open, with a token that outlives the run."""
        token = issue(self.deployment.auth_secret, account_id=_ACCOUNT, scope=_SCOPE, ttl=36_000)
        return Caller(self.api.url, token)

    def open_at_all_hours(self) -> None:
        for calendar in self.calendars:
            days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
            hours = [{"weekday": day, "start": "00:00", "end": "24:00"} for day in days]
            answer = self.practice.call(
                "PATCH", "scheduling", f"/v1/calendars/{calendar}", json={"working_hours": hours}
            )
            answer.raise_for_status()

    def give_past(self, count: int, now: datetime) -> None:
        """`count` sessions that took place before `now`, spread evenly over the calendars: one every 75 minutes on each."""
        asked = {
            "account": _ACCOUNT, "client": CLIENT, "service": self.service, "calendars": self.calendars,
            "count": count // CALENDARS, "now": now,
        }  # fmt: skip
        with self._connection() as store:
            store.execute(_PAST, asked)
            store.execute(_CLAIMS)
        with psycopg.connect(self._url, autocommit=True) as store:
            store.execute("VACUUM ANALYZE")

    def book_ahead(self, count: int, now: datetime) -> list[tuple[str, datetime, datetime]]:
        """`count` sessions from the day after `now` on, spread evenly over the calendars: which, from when to when, buffer included."""
        first = now.replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=1)
        found = []
        with self._connection() as store:
            for number in range(count):
                calendar, n = self.calendars[number % CALENDARS], number // CALENDARS
                start = first + timedelta(days=n // _A_DAY, hours=2 * (n % _A_DAY))
                found.append((calendar, start, start + timedelta(minutes=75)))
            store.cursor().executemany(
                """INSERT INTO sessions (id, account_id, version, client_id, service_id, calendar_id, starts_at, ends_at,
                       duration_minutes, buffer_before_minutes, buffer_after_minutes, status, outside_hours, notes, session_notes,
                       client_message, deposit_version, source, created_at, updated_at)
                   VALUES (%s, %s, 1, %s, %s, %s, %s, %s, 60, 0, 15, 'confirmed', false, '', '', '', 0, 'manual', %s, %s)""",
                [
                    (
                        f"ses_ahead_{n}",
                        _ACCOUNT,
                        CLIENT,
                        self.service,
                        calendar,
                        start,
                        start + timedelta(hours=1),
                        now,
                        now,
                    )
                    for n, (calendar, start, _) in enumerate(found)
                ],
            )
            store.execute(_CLAIMS)
        return found

    def _remember_client(self) -> None:
        with self._connection() as store:
            store.execute(
                """INSERT INTO clients (id, account_id, version, name, email, phone, search, deleted, merged_into, erased)
                   VALUES (%s, %s, 1, 'Ada Lovelace', 'ada@client.example', NULL, 'ada lovelace', false, NULL, false)""",
                (CLIENT, _ACCOUNT),
            )

    @property
    def _url(self) -> str:
        return self.deployment.store_urls["scheduling"]

    def _connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._url)


class Caller:
    """HTTP over one connection by the standard library alone, so that what is measured is the other side."""

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **query: Any) -> bytes:
        """What GET answers; it must be 200."""
        return self._call("GET", f"{path}?{urlencode(query)}", None, 200)

    def post(self, path: str, body: dict[str, Any], *, expected: int = 201) -> bytes:
        """What POST answers; it must be what is expected."""
        return self.send(path, json.dumps(body).encode(), expected=expected)

    def send(self, path: str, body: bytes, *, expected: int, headers: Mapping[str, str] | None = None) -> bytes:
        """The same, of a body that is written already."""
        return self._call("POST", path, body, expected, headers)

    def milliseconds(self, path: str, **query: Any) -> float:
        """How long GET takes until the last byte of its answer."""
        began = time.perf_counter()
        self.get(path, **query)
        return (time.perf_counter() - began) * 1000

    def _call(
        self, method: str, path: str, body: bytes | None, expected: int, headers: Mapping[str, str] | None = None
    ) -> bytes:
        sent = {**self._headers, "Content-Type": "application/json", **(headers or {})}
        self._connection.request(method, path, body, sent)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != expected:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:500]!r}")
        return content


def rate(callers: Sequence[Caller], bodies: Sequence[Sequence[dict[str, Any]]]) -> float:
    """Bookings a second, each caller posting its own one after the other, all at the same time."""
    together = Barrier(len(callers) + 1)

    def post(caller: Caller, mine: Sequence[dict[str, Any]]) -> None:
        together.wait()
        for body in mine:
            caller.post("/v1/sessions", body)

    with ThreadPoolExecutor(len(callers)) as pool:
        running = [pool.submit(post, *pair) for pair in zip(callers, bodies, strict=True)]
        together.wait()
        began = time.perf_counter()
        for one in running:
            one.result()
        return sum(map(len, bodies)) / (time.perf_counter() - began)


def at_noon() -> datetime:
    """A moment of today that both databases of a run share."""
    return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
