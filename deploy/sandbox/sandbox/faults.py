"""Faults on demand: what the outside does wrong in real life, a counted number of times."""

import threading
from dataclasses import dataclass
from enum import StrEnum

from sandbox.store import Store


class Target(StrEnum):
    STRIPE = "stripe"
    TWILIO = "twilio"
    SMTP = "smtp"


class Fault(StrEnum):
    ERROR_500 = "error_500"
    ERROR_500_AFTER_PROCESSING = "error_500_after_processing"
    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    DROP_AFTER_PROCESSING = "drop_after_processing"


class ConnectionDropped(ConnectionResetError):
    """Raised through the WSGI server to close the connection without an answer.

    Servers take a `ConnectionError` out of an application for a client that went away: they log nothing, write
    nothing, and close the socket, which is what a caller sees of a connection that broke after its request was done.
    """

    def __init__(self) -> None:
        # The number comes first: cheroot looks there to tell a lost client from a bug.
        super().__init__(104, "dropped on purpose by a sandbox fault")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A fault that waits for its requests."""

    target: str
    fault: str
    count: int
    """How many requests it will still hit."""
    method: str = ""
    path: str = ""
    """Only requests whose path holds this text; empty: all."""


class Faults:
    """What was asked for and has not happened yet. Kept in the store, taken atomically."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._targets = {planned.target for planned in self.left()}

    def left(self) -> list[Planned]:
        with self._store.read() as view:
            rows = view.execute("SELECT * FROM fault WHERE remaining > 0 ORDER BY seq").fetchall()
        return [
            Planned(
                target=row["target"],
                fault=row["fault"],
                count=row["remaining"],
                method=row["method"],
                path=row["path"],
            )
            for row in rows
        ]

    def plan(self, planned: Planned) -> None:
        """Replaces what was planned of the same target, fault and filters; a count of 0 clears it."""
        with self._lock:
            with self._store.write() as transaction:
                transaction.execute(
                    "DELETE FROM fault WHERE target = ? AND fault = ? AND (? = 0 OR (method = ? AND path = ?))",
                    (planned.target, planned.fault, planned.count, planned.method, planned.path),
                )
                if planned.count:
                    transaction.execute(
                        "INSERT INTO fault (target, fault, remaining, method, path) VALUES (?, ?, ?, ?, ?)",
                        (planned.target, planned.fault, planned.count, planned.method, planned.path),
                    )
            self._targets = {each.target for each in self.left()}

    def clear(self, target: str | None = None) -> None:
        """Forgets every fault, or one target's."""
        with self._lock:
            with self._store.write() as transaction:
                transaction.execute("DELETE FROM fault WHERE ? IS NULL OR target = ?", (target, target))
            self._targets = {each.target for each in self.left()}

    def take(self, target: Target, method: str = "", path: str = "") -> Fault | None:
        """The oldest planned fault that fits this request, counted down; None, without touching the store, mostly."""
        if target not in self._targets:
            return None
        with self._lock, self._store.write() as transaction:
            row = transaction.execute(
                """UPDATE fault SET remaining = remaining - 1 WHERE seq = (
                     SELECT seq FROM fault WHERE target = ? AND remaining > 0
                     AND (method = '' OR method = ?) AND (path = '' OR instr(?, path) > 0) ORDER BY seq LIMIT 1)
                   RETURNING fault""",
                (target, method, path),
            ).fetchone()
            if transaction.execute(
                "SELECT NOT EXISTS (SELECT 1 FROM fault WHERE target = ? AND remaining > 0)", (target,)
            ).fetchone()[0]:
                self._targets = self._targets - {target}
        return Fault(row["fault"]) if row else None
