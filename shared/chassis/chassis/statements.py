"""Statements sent together: PostgreSQL is given all of them before the first answer is waited for. SQLite, which has no way to go, runs each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import peewee

# A statement in the database's own dialect and what it binds.
Question = tuple[str, Sequence[Any]]

# What was asked together with others, until somebody asks for it.
_answers: ContextVar[dict[tuple[str, tuple[Any, ...]], list[Any]]] = ContextVar("answers")


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


def ask(database: peewee.Database, questions: Sequence[Question]) -> list[list[tuple[Any, ...]]]:
    """The rows that each statement returns."""
    if not questions:
        return []
    with pipelined(database):
        cursors = [database.execute_sql(*asked) for asked in questions]
    return [fetched(cursor) for cursor in cursors]


def fetched(cursor: Any) -> list[tuple[Any, ...]]:
    """What the statement returned; nothing where it is not of that kind."""
    return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def kept(questions: Sequence[Question], answers: Sequence[list[Any]]) -> Iterator[None]:
    """Inside, `answer` has these answers to the questions, for whoever is the first to ask each of them."""
    if not questions:
        yield
        return
    token = _answers.set({(text, tuple(bound)): found for (text, bound), found in zip(questions, answers, strict=True)})
    try:
        yield
    finally:
        _answers.reset(token)


def answer(database: peewee.Database, question: Question) -> list[Any]:
    """The rows that answer it: those that are kept for it, or what the database says now."""
    text, bound = question
    found = _answers.get({}).pop((text, tuple(bound)), None)
    return fetched(database.execute_sql(text, bound)) if found is None else found
