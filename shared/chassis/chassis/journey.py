"""What became of the events about a subject, as outbox and inbox remember it: for a person who asks where something is held up.

No body is told, as bodies may be private; what an erasure leaves is ids, names of events and moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from chassis.service import Service
from chassis.store import Store, moment, placeholders

MOST = 500


class Role(StrEnum):
    PUBLISHED = "published"
    HANDLED = "handled"


@dataclass(frozen=True, kw_only=True)
class Step:
    """An event that a service published (`at` it happened), or was given to handle (`at` it arrived)."""

    id: str
    type: str
    subject: str
    role: Role
    service: str
    at: datetime
    status: str
    """`unpublished` or `published`; of a handled one the inbox's"""
    attempts: int
    """Of publishing, those that failed; of handling, all but a first one that went well"""
    error: str | None
    sequence: int | None = None
    published_at: datetime | None = None
    handler: str | None = None


@dataclass(frozen=True, kw_only=True)
class Journey:
    """The steps, oldest first: the newest 500 where there are more (`truncated`). `subjects` are those asked for, then those found to concern them."""

    data: Sequence[Step]
    subjects: Sequence[str]
    truncated: bool


def journey(service: Service, subjects: Sequence[str]) -> Journey:
    """What `service` knows of the events about `subjects`, and about what it finds to concern them."""
    store = service.store
    with store.reading():
        subjects = list(dict.fromkeys([*subjects, *service.related(subjects)]))
        steps = [*_published(store, service.name, subjects), *_handled(store, service.name, subjects)]
    steps.sort(key=lambda step: (step.at, step.id, step.role is Role.HANDLED))
    return Journey(data=steps[-MOST:], subjects=subjects, truncated=len(steps) > MOST)


def _published(store: Store, service: str, subjects: Sequence[str]) -> list[Step]:
    rows = _newest(
        store,
        "outbox",
        "id, type, subject, sequence, occurred_at, published_at, attempts, error",
        ("occurred_at", "id"),
        subjects,
    )
    return [
        Step(
            id=id_,
            type=type_,
            subject=subject,
            sequence=sequence,
            role=Role.PUBLISHED,
            service=service,
            at=_known(occurred_at),
            published_at=moment(published_at),
            status="published" if published_at else "unpublished",
            attempts=attempts,
            error=error,
        )
        for id_, type_, subject, sequence, occurred_at, published_at, attempts, error in rows
    ]


def _handled(store: Store, service: str, subjects: Sequence[str]) -> list[Step]:
    rows = _newest(
        store,
        "inbox",
        "event_id, type, subject, received_at, handler, status, attempts, error",
        ("received_at", "event_id"),
        subjects,
    )
    return [
        Step(
            id=id_,
            type=type_,
            subject=subject,
            role=Role.HANDLED,
            service=service,
            at=_known(received_at),
            handler=handler,
            status=status,
            attempts=attempts,
            error=error,
        )
        for id_, type_, subject, received_at, handler, status, attempts, error in rows
    ]


def _newest(
    store: Store, table: str, columns: str, order: tuple[str, str], subjects: Sequence[str]
) -> list[tuple[Any, ...]]:
    # Materialized, as PostgreSQL might else walk through the whole table in this order until it has found so many.
    return store.execute(
        f"""WITH found AS MATERIALIZED (SELECT {columns} FROM {table} WHERE subject IN ({placeholders(subjects)}))
            SELECT {columns} FROM found ORDER BY {order[0]} DESC, {order[1]} DESC LIMIT {MOST + 1}""",
        list(subjects),
    )


def _known(value: Any) -> datetime:
    found = moment(value)
    assert found is not None
    return found
