"""One service's store, on SQLite or PostgreSQL: connections, units of work, retries and migrations."""

from __future__ import annotations

import fcntl
import logging
import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import peewee
from peewee import DatabaseProxy, InterfaceError, OperationalError, Psycopg3Adapter
from playhouse.migrations import Runner
from playhouse.pool import PooledPostgresqlDatabase, PooledSqliteDatabase

from chassis import statements
from chassis.statements import Question
from contracts.envelope import format_time, parse_time

log = logging.getLogger(__name__)
T = TypeVar("T")

# How often to run again, by PostgreSQL's code (its manual, appendix A): serialization failure, deadlock, and a unique violation,
# as when two saw that a row was missing and both added it: run again, the loser sees it.
_RERUNS = {"40001": 7, "40P01": 7, "23505": 2}
# Seconds: longer than any burst that a full pool is about to work off, shorter than a caller's patience.
_POOL_PATIENCE = 30
# Classes 08 connection exception, 57P operator intervention (shutdown, crash, starting up), 53 out of resources; 25006: a
# server that only reads, as after a failover; 25P03: it gave up waiting for us inside a transaction.
_GONE = ("08", "57P", "53", "25006", "25P03")
# SQLite tells these by text alone; it is locked when somebody else has written for longer than the busy time-out.
_GONE_SQLITE = (
    "unable to open",
    "disk I/O",
    "database or disk is full",
    "database is locked",
    "attempt to write a readonly",
)
# A server that vanished without a word is noticed within half a minute, not within the system's two hours.
KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
# The other way round: what a process that vanished or hangs has locked is free again in as long a time. The longest that
# one of ours is idle inside a transaction is a relay that waits for its confirms, at most 40 seconds.
_SERVER_SETTINGS = {
    "timezone": "UTC",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "tcp_user_timeout": "30000",
    "idle_in_transaction_session_timeout": "60s",
}
# Any number that every process of one store agrees on; PostgreSQL's advisory locks are per database.
_MIGRATION_LOCK = 7_412_203
_notes: ContextVar[dict[Any, Any]] = ContextVar("notes")


class StoreDown(Exception):
    """The store cannot be reached; waiting may help.

    A unit of work that ended so is not committed, unless the answer to its COMMIT was what got lost: doing it again must be safe.
    """


class Store:
    """The store at `url`: `sqlite:////path/file.db` or `postgresql://user:password@host:port/name`.

    A unit of work is `with store.transaction():`; inside another one it joins it. Reads outside of one use `reading()`.
    `pool_size` bounds the connections; a thread waits up to 30 seconds for one.
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self._pool_size = pool_size
        self.database = _open(url, pool_size)
        self.on_postgresql = not self.on_sqlite

    @property
    def on_sqlite(self) -> bool:
        return self.url.startswith("sqlite:")

    def bind(self, proxy: DatabaseProxy) -> None:
        """Make the service's models use this store."""
        proxy.initialize(self.database)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A connection for reads alone, or the one of the unit of work that is open."""
        with self._connection():
            yield

    @contextmanager
    def transaction(self, *questions: Question) -> Iterator[None]:
        """One unit of work: all of it commits or nothing does. Joined, not nested, inside another.

        On SQLite it begins IMMEDIATE, so that what it reads cannot have changed when it writes. `questions` are asked together with its
        beginning, as `asked_together` says.

        Raises:
            StoreDown: the store went away.
        """
        if self.in_transaction:
            with self.asked_together(*questions):
                yield
            return
        unit, answers = ExitStack(), list[list[tuple[Any, ...]]]()

        def begin() -> None:
            with ExitStack() as attempt:
                with self.together() if questions else nullcontext():
                    attempt.enter_context(self.database.atomic())
                    sent = statements.sent(self.database, questions)
                answers[:] = sent()
                unit.push(attempt.pop_all())

        token = _notes.set({})
        try:
            with self._connection(begin), unit, statements.kept(questions, answers):
                yield
        finally:
            _notes.reset(token)

    def alone(self, question: Question) -> list[tuple[Any, ...]]:
        """The rows that answer it, as a unit of work of its own: one way to PostgreSQL and back. It must be safe to run again.

        Raises:
            StoreDown: the store went away; it may have been run.
        """
        if self.in_transaction:
            return self.ask(question)
        answers = list[list[tuple[Any, ...]]]()
        with self._connection(lambda: answers.append(self.ask(question))):
            return answers[-1]

    @property
    def notes(self) -> dict[Any, Any]:
        """What the open unit of work has noted for whoever comes later in it; gone with it, however it ends. Outside of one nothing is kept."""
        return _notes.get({})

    @property
    def in_transaction(self) -> bool:
        """Whether this thread has a unit of work open."""
        return bool(self.database.transaction_depth())

    def run(self, operation: Callable[[], T]) -> T:
        """Run `operation` (which opens the unit of work), again where the database says that this can help.

        It must be safe to run again from its beginning: all its effects are in the unit of work.
        """
        attempt = 0
        while True:
            try:
                return operation()
            except peewee.PeeweeException as error:
                if self.in_transaction or attempt >= _RERUNS.get(sqlstate(error) or "", 0):
                    raise
            time.sleep(random.uniform(0, 0.01 * 2**attempt))
            attempt += 1

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` once the open unit of work is committed, or at once where there is none; it must not raise."""
        self.database.after_commit(callback)

    def forget_after_commit(self) -> None:
        """Once the open unit of work is committed, take what it overwrote out of SQLite's log, which else keeps pages until they are reused.

        PostgreSQL keeps old rows until its own vacuum, and its log as long as it is set up to.
        """
        if self.on_sqlite:
            self.after_commit(self._truncate_log)

    def execute(self, sql: str, parameters: Sequence[Any] = (), *, planned_anew: bool = False) -> list[tuple[Any, ...]]:
        """Run one statement (placeholders `%s` on both stores; aware datetimes are bound as such) and return its rows.

        `planned_anew`: PostgreSQL plans it for these very values, however often it is asked, where the best way depends on them.
        """
        asked = self.question(sql, parameters)
        if planned_anew and self.on_postgresql:
            with statements.as_peewee_does():
                return statements.fetched(self.database.connection().execute(asked.text, asked.bound, prepare=False))
        return statements.fetched(self.database.execute_sql(asked.text, asked.bound))

    def execute_each(self, sql: str, parameters: Sequence[Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
        """Run the statement with each of these, all sent before the first is answered; the rows that each returns."""
        return statements.ask(self.database, [self.question(sql, some) for some in parameters])

    def question(self, sql: str, parameters: Sequence[Any] = ()) -> Question:
        """A statement as `execute` takes it, to be asked by `ask`, and before that perhaps by `asked_together`."""
        bound = tuple(format_time(value) if isinstance(value, datetime) else value for value in parameters)
        return Question(sql.replace("%s", "?") if self.on_sqlite else sql, bound)

    def ask(self, question: Question) -> list[tuple[Any, ...]]:
        """The rows that answer it."""
        return statements.answer(self.database, question)

    @contextmanager
    def asked_together(self, *questions: Question) -> Iterator[None]:
        """Put these to the store at once; inside, whoever is the first to ask one of them, by `ask` or by `rows`, has its answer.

        For a few that are surely asked, and that nothing before then changes: each way to PostgreSQL and back costs more than its statement.
        What is answered already, by another one around this, is not asked again.
        """
        asked = statements.unanswered(questions)
        with statements.kept(asked, statements.ask(self.database, asked)):
            yield

    @contextmanager
    def answered(self, questions: Sequence[Question], answers: Sequence[list[Any]]) -> Iterator[None]:
        """Inside, these are the answers to the questions, as those of `asked_together` are."""
        with statements.kept(questions, answers):
            yield

    @contextmanager
    def together(self) -> Iterator[None]:
        """Statements inside are sent to PostgreSQL without waiting for each one's answer; one that fails raises at the end.

        Within a unit of work, and for writes alone that nothing inside needs the answer of.
        """
        with statements.pipelined(self.database):
            yield

    @contextmanager
    def as_one(self, *, left: bool = False) -> Iterator[None]:
        """What is written inside by `write` and by `rows` is one statement to PostgreSQL, sent at the end; none of it may need what another of it did.

        Within a unit of work, which an exception must end: what was to be written before it is then not. `left`: it goes with what the unit of
        work asks or writes next, at the latest with its COMMIT, and there it is that it fails.
        """
        with statements.as_one(self.database, left=left):
            yield

    def write(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement, as `execute`, that nobody needs the answer of; inside `as_one` at its end."""
        asked = self.question(sql, parameters)
        statements.write(self.database, asked.text, asked.bound)

    @property
    def skip_locked(self) -> str:
        """The clause by which claimers pass each other's rows; on SQLite the one writer at a time needs none."""
        return "FOR UPDATE SKIP LOCKED" if self.on_postgresql else ""

    @property
    def for_update(self) -> str:
        return "FOR UPDATE" if self.on_postgresql else ""

    def answers(self) -> bool:
        """Whether the store can be reached just now."""
        try:
            with self._connection():
                self.database.execute_sql("SELECT 1")
        except (StoreDown, peewee.PeeweeException):
            return False
        return True

    def migrate(self, *directories: Path) -> list[str]:
        """Apply the migrations of `directories` that have not run yet; any number of starters may call this at once.

        Returns the names of those applied now. Each directory keeps its history in a table named after its owner.
        """
        applied: list[str] = []
        with self._connection(), self._migration_lock():
            for directory in directories:
                history = f"{directory.parent.name if directory.parent.name != 'store' else directory.parent.parent.name}_migrations"
                applied += Runner(self.database, str(directory), table_name=history).up()
        return applied

    def revision(self) -> str:
        """The name of the newest migration applied to the service's own tables."""
        with self.reading():
            names = [
                row[0]
                for table in self.database.get_tables()
                if table.endswith("_migrations") and not table.startswith("chassis")
                for row in self.execute(f"SELECT name FROM {table} ORDER BY name DESC LIMIT 1")
            ]
        return names[0] if names else "none"

    def close(self) -> None:
        """Close what idles in the pool; SQLite's log is folded into its file by the last connection."""
        self.database.close_idle()

    def _truncate_log(self) -> None:
        try:
            self.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except peewee.PeeweeException:
            log.warning("the log could not be truncated, the next checkpoint will overwrite it", exc_info=True)

    def _look(self) -> None:
        if self.on_postgresql:
            with statements.as_peewee_does():
                self.database.connection().execute("SELECT 1")

    def _connect(self, begin: Callable[[], None]) -> None:
        """Give this thread a connection of the pool on which `begin` worked; those that died there are dropped, as nothing has happened yet."""
        for left in reversed(range(self._pool_size + 1)):
            try:
                self.database.connect()
            except (OperationalError, InterfaceError, ValueError) as error:
                raise StoreDown(str(error)) from error
            try:
                begin()
                return
            except peewee.PeeweeException as error:
                if not self._lost(error):
                    self.database.close()
                    raise
                self._discard()
                if not left:
                    raise StoreDown(str(error)) from error

    @contextmanager
    def _connection(self, begin: Callable[[], None] | None = None) -> Iterator[None]:
        """A connection of the pool for this thread, or the one that it has; `begin` is done on it first, of a new one at least a look whether it is alive."""
        if not self.database.is_closed():
            if begin is not None:
                begin()
            yield
            return
        self._connect(begin or self._look)
        broken = False
        try:
            yield
        except peewee.PeeweeException as error:
            broken = self._lost(error)
            if broken:
                raise StoreDown(str(error)) from error
            raise
        finally:
            if broken:
                self._discard()
            elif not self.database.is_closed():
                self.database.close()

    def _discard(self) -> None:
        """Drop this thread's connection; the pool tries each of the others when it hands it out."""
        try:
            self.database.manual_close()
        except peewee.PeeweeException:
            log.debug("a lost connection did not close cleanly", exc_info=True)

    def _lost(self, error: peewee.PeeweeException) -> bool:
        """Whether `error` tells that the store is gone, rather than that a statement failed."""
        if self.on_sqlite:
            return isinstance(error, OperationalError) and str(error).startswith(_GONE_SQLITE)
        state = sqlstate(error)
        if state is None:
            # The driver's own: the server closed the connection, or it was closed here.
            return isinstance(error, OperationalError | InterfaceError)
        return state.startswith(_GONE)

    @contextmanager
    def _migration_lock(self) -> Iterator[None]:
        if self.on_postgresql:
            self.database.execute_sql("SELECT pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
            try:
                yield
            finally:
                self.database.execute_sql("SELECT pg_advisory_unlock(%s)", (_MIGRATION_LOCK,))
            return
        with Path(f"{_sqlite_path(self.url)}.migrate").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def moment(value: Any) -> datetime | None:
    """A time as a column gives it: aware UTC on both stores."""
    return parse_time(value) if isinstance(value, str) else value


def placeholders(values: Collection[Any]) -> str:
    """For `IN (…)` of a statement that `Store.execute` runs: one for each of the values."""
    return ", ".join(["%s"] * len(values))


def portions(values: Sequence[T], size: int) -> list[Sequence[T]]:
    """The values in portions of `size` at most, as a statement takes only so many."""
    return [values[start : start + size] for start in range(0, len(values), size)]


def _sqlite_path(url: str) -> str:
    return url.removeprefix("sqlite:///")


def sqlstate(error: Exception) -> str | None:
    """PostgreSQL's code of what is beneath peewee's exception; None where the driver has none."""
    for candidate in (error, error.__cause__, getattr(error, "orig", None), error.__context__):
        state = getattr(candidate, "sqlstate", None)
        if state is not None:
            return str(state)
    return None


class _Adapter(Psycopg3Adapter):
    def connect(self, db: Any, **params: Any) -> statements.Connection:
        return statements.Connection.connect(db.database, **params)


class _PostgresqlPool(PooledPostgresqlDatabase):
    """A pool that hands out what it has: `Store` finds out whether it is alive by the first thing that is to be done anyway.

    peewee asks the server each time, while all others who want a connection wait.
    """

    psycopg3_adapter = _Adapter

    def _is_closed(self, conn: Any) -> bool:
        return bool(conn.closed)

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        with self._with_left():
            return super().execute_sql(sql, params)

    def commit(self) -> Any:
        with self._with_left():
            return super().commit()

    @contextmanager
    def _with_left(self) -> Iterator[None]:
        if self.is_closed() or not self.connection().something_left:
            yield
            return
        with statements.as_peewee_does(), self.connection().with_left():
            yield

    def rollback(self) -> Any:
        self.connection().forget_left()
        return super().rollback()


def _open(url: str, pool_size: int) -> PooledPostgresqlDatabase | PooledSqliteDatabase:
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        path = Path(_sqlite_path(url))
        path.parent.mkdir(parents=True, exist_ok=True)
        return PooledSqliteDatabase(
            str(path),
            max_connections=pool_size,
            timeout=_POOL_PATIENCE,
            lock_type="IMMEDIATE",
            # FULL: a commit survives a power cut. secure_delete: what is erased is gone from the file.
            pragmas=[
                ("busy_timeout", 30_000),
                ("journal_mode", "wal"),
                ("synchronous", "full"),
                ("foreign_keys", 1),
                ("secure_delete", 1),
            ],
            autoconnect=False,
            check_same_thread=False,
        )
    if scheme in {"postgresql", "postgres"}:
        return _PostgresqlPool(
            url.replace("postgres://", "postgresql://", 1),
            max_connections=pool_size,
            timeout=_POOL_PATIENCE,
            prefer_psycopg3=True,
            autoconnect=False,
            connect_timeout=5,
            **KEEPALIVES,
            options=" ".join(f"-c {name}={value}" for name, value in _SERVER_SETTINGS.items()),
        )
    raise ValueError(f"STORE_URL: {scheme!r} is neither sqlite nor postgresql")
