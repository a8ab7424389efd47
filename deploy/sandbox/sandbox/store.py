"""One SQLite file keeps all that the sandbox knows, so that it survives `kill -9` and answers fifty threads at once."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS stripe_object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,              -- the connected account it lives on, '' on the platform
    created INTEGER NOT NULL,
    status TEXT,                        -- an event's type
    payment_intent TEXT,
    charge TEXT,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS stripe_object_list ON stripe_object (kind, account, seq);
CREATE INDEX IF NOT EXISTS stripe_object_kind ON stripe_object (kind, seq);
CREATE INDEX IF NOT EXISTS stripe_object_status ON stripe_object (kind, account, status, seq);
CREATE INDEX IF NOT EXISTS stripe_object_intent ON stripe_object (payment_intent, kind, seq) WHERE payment_intent IS NOT NULL;
CREATE INDEX IF NOT EXISTS stripe_object_charge ON stripe_object (charge, kind, seq) WHERE charge IS NOT NULL;

CREATE TABLE IF NOT EXISTS stripe_answer (   -- what each idempotency key was answered
    account TEXT NOT NULL, key TEXT NOT NULL, at REAL NOT NULL,
    endpoint TEXT NOT NULL, fingerprint TEXT NOT NULL,
    request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (account, key)
);
CREATE INDEX IF NOT EXISTS stripe_answer_age ON stripe_answer (at);

CREATE TABLE IF NOT EXISTS stripe_balance (
    account TEXT NOT NULL, currency TEXT NOT NULL,
    net INTEGER NOT NULL DEFAULT 0, gross INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, currency)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS due (             -- what Stripe itself will do later, by the suite's clock
    at REAL NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
    PRIMARY KEY (subject, action)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS due_at ON due (at);

CREATE TABLE IF NOT EXISTS delivery (        -- calls to the outside that are still to be made
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL,
    made_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS delivery_next ON delivery (next_at);

CREATE TABLE IF NOT EXISTS sms (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    sid TEXT NOT NULL UNIQUE,
    to_number TEXT NOT NULL, from_number TEXT NOT NULL,
    created REAL NOT NULL, status_callback TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS sms_to ON sms (to_number, seq);
CREATE TABLE IF NOT EXISTS opt_out (number TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS mail (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    received REAL NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL, raw BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS mail_shown (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);  -- decoded, once somebody has looked
CREATE TABLE IF NOT EXISTS mail_recipient (
    address TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (address, seq)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS fault (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL, fault TEXT NOT NULL, remaining INTEGER NOT NULL,
    method TEXT NOT NULL DEFAULT '', path TEXT NOT NULL DEFAULT ''
);
"""


class Transaction:
    """One write: everything done through it commits together, or not at all."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._after_commit: list[Callable[[], None]] = []

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        return self._connection.execute(sql, parameters)

    def after_commit(self, action: Callable[[], None]) -> None:
        """`action` runs once the transaction has committed, and never if it does not."""
        if action not in self._after_commit:
            self._after_commit.append(action)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """An error inside undoes what was done inside alone."""
        self.execute("SAVEPOINT attempt")
        pending = list(self._after_commit)
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK TO attempt")
            self._after_commit = pending
            raise
        finally:
            self.execute("RELEASE attempt")

    def committed(self) -> None:
        """Called by the store."""
        for action in self._after_commit:
            action()


class Store:
    """One writer at a time, queued on a lock of this process rather than on SQLite's polling; readers never wait.

    Reading connections are kept on a stack instead of one a thread: memory follows how many read at once,
    not how many threads the server has.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._writer = self._connect()
        self._writer.executescript(SCHEMA)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -1024", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that holds the write lock from its beginning. Not re-entrant: never open one inside another."""
        with self._writing:
            self._writer.execute("BEGIN IMMEDIATE")
            transaction = Transaction(self._writer)
            try:
                yield transaction
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")
        transaction.committed()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent view. Nothing can be written through it."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        try:
            yield Transaction(connection)
        finally:
            connection.execute("ROLLBACK")
            self._idle.append(connection)

    def get_meta(self, key: str, default: str = "") -> str:
        with self.read() as view:
            row = view.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row["value"] if row else default

    def set_meta(self, key: str, value: str) -> None:
        with self.write() as transaction:
            transaction.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))

    def close(self) -> None:
        with self._writing:
            while self._idle:
                self._idle.pop().close()
            self._writer.close()
