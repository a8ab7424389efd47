"""Statements that go to PostgreSQL together, as each way there and back costs more than most of them. SQLite, which has no way to go, runs each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any, NamedTuple

import peewee
import psycopg
from psycopg.abc import PQGen
from psycopg.generators import send

# A service has some dozens; those that write many rows at once have one for each number of rows.
_KEPT_TEXTS = 500


class Question(NamedTuple):
    """A statement in the database's own dialect and what it binds.

    `width` is how many columns it gives where it gives one row at most; `locks`, whether it locks that.
    """

    text: str
    bound: tuple[Any, ...]
    width: int | None = None
    locks: bool = False


# What was asked together with others, until somebody asks for it.
_answers: ContextVar[dict[Question, list[Any]] | None] = ContextVar("answers", default=None)
# Writes that are to go as one statement.
_gathered: ContextVar[list[tuple[str, Sequence[Any]]] | None] = ContextVar("gathered", default=None)


class _Pipeline(psycopg.Pipeline):
    """psycopg's, which sends each statement by itself, and asks the system twice before each whether the socket takes it.

    Here they go together, with the end of the pipeline or once an answer is wanted: each thing sent wakes the database's process, and lets
    go of the interpreter, for which threads that answer requests at once then wait.
    """

    def _communicate_gen(self) -> PQGen[None]:
        while self.command_queue:
            # libpq keeps it, and sends by itself what becomes too much to keep.
            self.command_queue.popleft()()
        yield from ()

    def _sync_gen(self) -> PQGen[None]:
        self._enqueue_sync()
        yield from self._communicate_gen()
        yield from send(self.pgconn)
        yield from self._fetch_gen(flush=False)

    def _exit_gen(self) -> PQGen[None]:
        yield from self._sync_gen()


class Connection(psycopg.Connection[Any]):
    """psycopg's, whose pipelines send what is in them together, and which takes statements to send with the next one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._left: list[tuple[str, Sequence[Any]]] = []

    def leave(self, text: str, bound: Sequence[Any]) -> None:
        """Run this with what comes next, at the latest with the COMMIT."""
        self._left.append((text, bound))

    @property
    def something_left(self) -> bool:
        return bool(self._left)

    def forget_left(self) -> None:
        self._left.clear()

    @contextmanager
    def with_left(self) -> Iterator[None]:
        """What is run inside goes together with what was left."""
        if not self._left:
            yield
        elif self._pipeline:
            self._run_left()
            yield
        else:
            with self.pipeline():
                yield

    def _run_left(self) -> None:
        left, self._left = self._left, []
        for text, bound in left:
            self.run(text, bound)

    def run(self, text: str, bound: Sequence[Any]) -> None:
        """Run a statement whose placeholders are numbered."""
        # psycopg's other cursor takes a statement apart anew each time, where it binds more than 50 values.
        psycopg.RawCursor(self).execute(text, bound)

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        # For whoever comes past peewee's hands; what the database runs goes together with what was left.
        with self.with_left():
            return super().cursor(*args, **kwargs)

    @contextmanager
    def pipeline(self) -> Iterator[psycopg.Pipeline]:
        # Within another one that goes on.
        self._pipeline = self._pipeline or _Pipeline(self)
        try:
            with super().pipeline() as pipeline:
                self._run_left()
                yield pipeline
        except BaseException:
            # What follows a statement that fails is not run. psycopg takes it for prepared all the same, and would name to the server for
            # ever what that does not know, be it COMMIT: it is to learn all anew.
            self._prepared.clear()
            raise


@contextmanager
def pipelined(database: peewee.Database) -> Iterator[None]:
    """Statements inside are sent without waiting for each one's answer; one that fails raises at the end."""
    if not database.for_update:
        yield
        return
    with as_peewee_does(), database.connection().pipeline():
        yield


def as_peewee_does() -> Any:
    """For what comes past peewee's own hands: its errors become peewee's."""
    return peewee.__exception_wrapper__  # type: ignore[attr-defined]


@contextmanager
def as_one(database: peewee.Database, *, left: bool = False) -> Iterator[None]:
    """What is written inside by `write` is one statement, at the end, or `left` to go with what comes next; within another one, part of that."""
    if not database.for_update or _gathered.get() is not None:
        yield
        return
    gathered: list[tuple[str, Sequence[Any]]] = []
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
    # Outside of a unit of work nothing comes after it: whoever is given the connection next would run it.
    if gathered and left and database.transaction_depth():
        database.connection().leave(*_joined(gathered))
    elif gathered:
        _run(database, *gathered)


def write(database: peewee.Database, text: str, bound: Sequence[Any]) -> None:
    """Run a statement that nobody needs the answer of: now, or at the end of the `as_one` around it."""
    gathered = _gathered.get()
    if gathered is None:
        _run(database, (text, bound))
    else:
        gathered.append((text, bound))


def _run(database: peewee.Database, *writes: tuple[str, Sequence[Any]]) -> None:
    if not database.for_update:
        for text, bound in writes:
            database.execute_sql(text, bound)
        return
    connection = database.connection()
    with as_peewee_does(), connection.with_left():
        connection.run(*_joined(writes))


def _joined(writes: Sequence[tuple[str, Sequence[Any]]]) -> tuple[str, list[Any]]:
    return _as_one(tuple(text for text, _ in writes)), [value for _, bound in writes for value in bound]


@lru_cache(maxsize=_KEPT_TEXTS)
def _as_one(texts: tuple[str, ...]) -> str:
    """One statement of all these, its placeholders numbered."""
    *before, last = texts
    named = ", ".join(f"written_{number} AS ({text})" for number, text in enumerate(before))
    first, *others = (f"WITH {named} {last}" if named else last).split("%s")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, start=1))


def ask(database: peewee.Database, questions: Sequence[Question]) -> list[list[tuple[Any, ...]]]:
    """The rows that each statement returns."""
    if not questions:
        return []
    with pipelined(database):
        answers = sent(database, questions)
    return answers()


def sent(database: peewee.Database, questions: Sequence[Question]) -> Callable[[], list[list[tuple[Any, ...]]]]:
    """Send the questions, inside `pipelined`; what this gives is called after it, and returns the rows that answer each.

    The first ones, up to one that locks, are one statement if each is for one row: all of theirs side by side. What is asked after a lock
    is to be as it is then.
    """
    beside = _for_one_row(questions) if database.for_update else 0
    joined = questions[:beside] if beside > 1 else []
    row = _side_by_side(database, joined) if joined else None
    others = [database.execute_sql(question.text, question.bound) for question in questions[len(joined) :]]

    def answers() -> list[list[tuple[Any, ...]]]:
        first = _taken_apart(joined, row.fetchone()) if row is not None else ()
        return [*first, *map(fetched, others)]

    return answers


def _for_one_row(questions: Sequence[Question]) -> int:
    """How many of the first ones may go side by side."""
    for number, question in enumerate(questions):
        if question.width is None:
            return number
        if question.locks:
            return number + 1
    return len(questions)


def _side_by_side(database: peewee.Database, questions: Sequence[Question]) -> Any:
    text = _one_row(tuple(question.text for question in questions))
    return database.execute_sql(text, [value for question in questions for value in question.bound])


@cache
def _one_row(texts: tuple[str, ...]) -> str:
    """Each one's columns after a mark, which is null where it has no row."""
    rows = [
        f"LEFT JOIN (SELECT true, * FROM ({text}) AS row_{n}) AS marked_{n} ON true" for n, text in enumerate(texts)
    ]
    return f"SELECT {', '.join(f'marked_{n}.*' for n in range(len(texts)))} FROM (SELECT) AS one {' '.join(rows)}"


def _taken_apart(questions: Sequence[Question], row: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
    start = 0
    for question in questions:
        assert question.width is not None
        end = start + 1 + question.width
        yield [tuple(row[start + 1 : end])] if row[start] else []
        start = end


def fetched(cursor: Any) -> list[tuple[Any, ...]]:
    """What the statement returned; nothing where it is not of that kind."""
    # psycopg makes its description anew for whoever asks, which takes longer than to fetch a row.
    if isinstance(cursor, psycopg.Cursor):
        returns = cursor.pgresult is not None and cursor.pgresult.nfields > 0
    else:
        returns = bool(cursor.description)
    return list(cursor.fetchall()) if returns else []


@contextmanager
def kept(questions: Sequence[Question], answers: Sequence[list[Any]]) -> Iterator[None]:
    """Inside, `answer` has these answers to the questions, for whoever is the first to ask each of them."""
    if not questions:
        yield
        return
    # Within another one these join that one's: an answer is there for one asker, whoever had it kept.
    found = _answers.get()
    found = {} if found is None else found
    token = _answers.set(found)
    found.update(zip(questions, answers, strict=True))
    try:
        yield
    finally:
        _answers.reset(token)
        for question in questions:
            found.pop(question, None)


def unanswered(questions: Sequence[Question]) -> list[Question]:
    """Those whose answers are not kept."""
    found = _answers.get() or {}
    return [question for question in questions if question not in found]


def answer(database: peewee.Database, question: Question) -> list[Any]:
    """The rows that answer it: those that are kept for it, or what the database says now."""
    found = (_answers.get() or {}).pop(question, None)
    return fetched(database.execute_sql(question.text, question.bound)) if found is None else found
