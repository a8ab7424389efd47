"""The work that everybody does: remember the event's id, and write two rows, in one transaction, once an event.

Plain psycopg, so that it runs in the peers' environment as well as in ours.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import psycopg
from psycopg import sql

SEEN = "CREATE TABLE seen (event_id TEXT PRIMARY KEY, received_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp())"
EFFECTS = (
    """CREATE TABLE session_types (
        event_id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        service_id TEXT NOT NULL,
        name TEXT NOT NULL,
        price BIGINT NOT NULL,
        version BIGINT NOT NULL)""",
    """CREATE TABLE timeline (
        event_id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        entry TEXT NOT NULL,
        written_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp())""",
)
REMEMBER = "INSERT INTO seen (event_id) VALUES (%s) ON CONFLICT DO NOTHING"
FIRST_ROW = (
    "INSERT INTO session_types (event_id, account_id, service_id, name, price, version) VALUES (%s, %s, %s, %s, %s, %s)"
)
SECOND_ROW = "INSERT INTO timeline (event_id, account_id, entry) VALUES (%s, %s, %s)"
_WARM_UP = 0.1  # of the events: start-up is not what is compared


def event(number: int) -> dict[str, Any]:
    """The data of a `service.updated`, as a dictionary; about 300 bytes as JSON."""
    return {
        "id": f"svc_{uuid.uuid4().hex}",
        "account_id": "acc_bench",
        "version": number + 1,
        "name": "Coaching, one hour",
        "description": "A first talk about where you stand and where you want to go.",
        "duration_minutes": 60,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 15,
        "price": {"amount": 8000, "currency": "EUR"},
        "deposit": {"type": "percent", "amount": None, "percent": 25},
        "color": "#2f6f4f",
        "online": True,
        "active": True,
    }


def first_row(event_id: str, data: dict[str, Any]) -> tuple[Any, ...]:
    """Parameters of FIRST_ROW."""
    return (event_id, data["account_id"], data["id"], data["name"], data["price"]["amount"], data["version"])


def second_row(event_id: str, data: dict[str, Any]) -> tuple[Any, ...]:
    """Parameters of SECOND_ROW."""
    return (event_id, data["account_id"], f"{data['name']} changed")


def work(connection: psycopg.Connection, event_id: str, data: dict[str, Any]) -> None:
    """The event's effect, unless it had it before; the caller commits."""
    if connection.execute(REMEMBER, (event_id,)).rowcount:
        connection.execute(FIRST_ROW, first_row(event_id, data))
        connection.execute(SECOND_ROW, second_row(event_id, data))


def make_tables(url: str) -> None:
    """The peers' tables in a fresh database; ours come by migrations."""
    with psycopg.connect(url) as connection:
        for statement in (SEEN, *EFFECTS):
            connection.execute(sql.SQL(statement))


class Effects:
    """Looks for effects in the database at `url`."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def count(self) -> int:
        """How many events have had their effect."""
        row = self._connection.execute("SELECT count(*) FROM timeline").fetchone()
        return int(row[0]) if row else 0

    def clear(self) -> None:
        """Forget them; what was remembered of their ids stays."""
        self._connection.execute("TRUNCATE session_types, timeline")

    def wait(self, number: int, deadline: float) -> int:
        """How many have had their effect, once these are `number`, at most `deadline` seconds from now."""
        ends = time.monotonic() + deadline
        while (seen := self.count()) < number:
            if time.monotonic() > ends:
                raise TimeoutError(f"{seen} of {number} effects within {deadline:g} s")
            time.sleep(0.05)
        return seen

    def rate(self) -> float:
        """Events a second between the effect of the tenth in a hundred and that of the last."""
        row = self._connection.execute(
            """SELECT count(*), extract(epoch FROM max(written_at) - min(written_at)) FROM
               (SELECT written_at, row_number() OVER (ORDER BY written_at) AS place, count(*) OVER () AS total FROM timeline) AS found
               WHERE place > %s * total""",
            (_WARM_UP,),
        ).fetchone()
        assert row is not None
        return float((row[0] - 1) / row[1])

    def wait_for(self, event_id: str, deadline: float = 10.0) -> None:
        """Until this event has had its effect; looked at every half a millisecond."""
        ends = time.monotonic() + deadline
        while not self._connection.execute("SELECT 1 FROM timeline WHERE event_id = %s", (event_id,)).fetchone():
            if time.monotonic() > ends:
                raise TimeoutError(f"no effect of {event_id} within {deadline:g} s")
            time.sleep(0.0005)

    def close(self) -> None:
        self._connection.close()
