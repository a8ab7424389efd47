"""The outbox: an event is a row of the same transaction as the change that it tells, so that neither exists without the other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chassis import telemetry
from chassis.clock import Clock
from chassis.ids import new_event_id
from chassis.statements import Question
from chassis.store import Store, moment, placeholders, portions
from chassis.wakeups import Wakeups
from contracts.envelope import Envelope
from contracts.fields import rfc3339
from contracts.registry import event_type, strict_schema

RELAY = "outbox"
_COLUMNS = "id, account_id, type, subject, sequence, dataschema, occurred_at, traceparent, queue, body"
_DELETE_AT_ONCE = 1000
_MARKED_AT_ONCE = 500
_ADDED_AT_ONCE = 250


class NotThisEvent(ValueError):
    """The data does not fit the event's schema: a mistake in the program, found before anything is committed."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What an event of one type tells: as the arguments of `Outbox.publish`."""

    subject: str
    account_id: str
    sequence: int
    data: Mapping[str, Any]
    occurred_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class OutboxRow:
    """A claimed row: what to publish, and to which queue where it is for one alone."""

    envelope: Envelope
    queue: str | None
    attempts: int


class Outbox:
    """What `service` publishes, through `store`'s open unit of work."""

    def __init__(self, service: str, store: Store, wakeups: Wakeups, clock: Clock) -> None:
        self._service = service
        self._store = store
        self._wakeups = wakeups
        self._clock = clock

    def publish_all(self, type: str, facts: Sequence[Fact]) -> None:
        """Add an event of one type for everybody who subscribes for each of `facts`, many by a statement.

        Raises:
            NotThisEvent, RuntimeError: as `publish`.
        """
        self._insert([self._row(type, None, **vars(fact)) for fact in facts])

    def publish(
        self,
        type: str,
        *,
        subject: str,
        account_id: str,
        sequence: int,
        data: Mapping[str, Any],
        occurred_at: datetime | None = None,
    ) -> str:
        """Add an event for everybody who subscribes; returns its id.

        Raises:
            NotThisEvent: `data` does not fit the type's schema.
            RuntimeError: no unit of work is open, so the event would not commit together with its change.
        """
        return self._add(type, None, subject, account_id, sequence, data, occurred_at)

    def send(
        self,
        *,
        queue: str,
        type: str,
        subject: str,
        account_id: str,
        sequence: int,
        data: Mapping[str, Any],
        occurred_at: datetime | None = None,
    ) -> str:
        """Add an event for one queue alone; returns its id."""
        return self._add(type, queue, subject, account_id, sequence, data, occurred_at)

    def _add(
        self,
        type: str,
        queue: str | None,
        subject: str,
        account_id: str,
        sequence: int,
        data: Mapping[str, Any],
        occurred_at: datetime | None,
    ) -> str:
        row = self._row(type, queue, subject, account_id, sequence, data, occurred_at)
        self._insert([row])
        return str(row[0])

    def _row(
        self,
        type: str,
        queue: str | None,
        subject: str,
        account_id: str,
        sequence: int,
        data: Mapping[str, Any],
        occurred_at: datetime | None,
    ) -> tuple[Any, ...]:
        if not self._store.in_transaction:
            raise RuntimeError(f"{type} is published outside of a unit of work")
        return (
            new_event_id(),
            account_id,
            type,
            subject,
            sequence,
            event_type(type).version,
            occurred_at or self._clock.now(),
            telemetry.traceparent(),
            queue,
            encode(type, data),
        )

    def _insert(self, rows: Sequence[tuple[Any, ...]]) -> None:
        for some in portions(rows, _ADDED_AT_ONCE):
            values = ", ".join([f"({placeholders(some[0])})"] * len(some))
            self._store.write(
                f"INSERT INTO outbox ({_COLUMNS}) VALUES {values}", [value for row in some for value in row]
            )
            self._wakeups.after_commit(RELAY)


def encode(type: str, data: Mapping[str, Any]) -> str:
    """The JSON of an event's data, moments in RFC 3339, checked strictly.

    Raises:
        NotThisEvent: a field is missing, unknown or of another form.
    """
    try:
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise NotThisEvent(f"{type}: {error}") from error
    errors = strict_schema(type).validate(json.loads(text))
    if errors:
        raise NotThisEvent(f"{type}: {errors}")
    return text


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"{value!r} has no form in JSON")


def asked_to_claim(store: Store, *, now: datetime, limit: int) -> Question:
    """What `claim` asks the store."""
    return store.question(
        f"""SELECT {_COLUMNS}, attempts FROM outbox
            WHERE published_at IS NULL AND (next_attempt_at IS NULL OR next_attempt_at <= %s)
            ORDER BY id LIMIT %s {store.skip_locked}""",
        (now, limit),
    )


def claim(store: Store, *, source: str, now: datetime, limit: int) -> list[OutboxRow]:
    """Up to `limit` rows to publish, oldest first; on PostgreSQL they stay locked until the open unit of work ends."""
    return [_row(source, row) for row in store.ask(asked_to_claim(store, now=now, limit=limit))]


def mark_published(store: Store, ids: Sequence[str], now: datetime) -> None:
    """Note that the broker has confirmed these, with the end of the open unit of work."""
    for some in portions(ids, _MARKED_AT_ONCE):
        # One text however many they are, so that it is prepared once.
        those, bound = ("= ANY(%s)", [list(some)]) if store.on_postgresql else (f"IN ({placeholders(some)})", some)
        with store.as_one(left=True):
            store.write(f"UPDATE outbox SET published_at = %s, error = NULL WHERE id {those}", (now, *bound))


def mark_failed(store: Store, id: str, error: str, retry_at: datetime) -> None:
    """Note why this one was not taken, and when to try again."""
    store.execute(
        "UPDATE outbox SET attempts = attempts + 1, error = %s, next_attempt_at = %s WHERE id = %s",
        (error[:500], retry_at, id),
    )


def backlog(store: Store, now: datetime) -> tuple[int, float]:
    """How many rows are unpublished, and the age of the oldest in seconds (0 where there is none)."""
    count, oldest = store.execute("SELECT count(*), min(occurred_at) FROM outbox WHERE published_at IS NULL")[0]
    since = moment(oldest)
    return count, max(0.0, (now - since).total_seconds()) if since else 0.0


def pending(store: Store, source: str = "") -> list[Envelope]:
    """Everything unpublished, oldest first."""
    with store.reading():
        rows = store.execute(f"SELECT {_COLUMNS}, attempts FROM outbox WHERE published_at IS NULL ORDER BY id")
    return [_row(source, row).envelope for row in rows]


def replay(store: Store, *, since: datetime | None, until: datetime | None, subject: str | None) -> int:
    """Publish again what happened then or to that subject, within what is kept; returns how many. Consumers that have seen an event ignore it."""
    conditions, parameters = ["published_at IS NOT NULL"], list[Any]()
    for condition, value in (("occurred_at >= %s", since), ("occurred_at < %s", until), ("subject = %s", subject)):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    with store.transaction():
        rows = store.execute(
            f"UPDATE outbox SET published_at = NULL, next_attempt_at = NULL WHERE {' AND '.join(conditions)} RETURNING id",
            parameters,
        )
    return len(rows)


def replay_one(store: Store, id: str) -> bool:
    """Publish this one again; False where it is no longer kept."""
    with store.transaction():
        return bool(
            store.execute(
                "UPDATE outbox SET published_at = NULL, next_attempt_at = NULL WHERE id = %s RETURNING id", (id,)
            )
        )


def republish_after(store: Store, last_id: str) -> int:
    """Publish again every row younger than `last_id`: what a broker that forgets may have lost."""
    with store.transaction():
        return len(
            store.execute(
                "UPDATE outbox SET published_at = NULL, next_attempt_at = NULL WHERE id > %s AND published_at IS NOT NULL RETURNING id",
                (last_id,),
            )
        )


def after(store: Store, last_id: str, limit: int) -> list[tuple[str, str, str | None, bool]]:
    """Up to `limit` rows younger than `last_id`, oldest first: id, type, the queue it is for alone, and whether it is published."""
    with store.reading():
        rows = store.execute(
            "SELECT id, type, queue, published_at FROM outbox WHERE id > %s ORDER BY id LIMIT %s", (last_id, limit)
        )
    return [(id_, type_, queue, published_at is not None) for id_, type_, queue, published_at in rows]


def newest_id(store: Store) -> str:
    """The id of the youngest row, empty where there is none."""
    with store.reading():
        return str(store.execute("SELECT coalesce(max(id), '') FROM outbox")[0][0])


def delete_published(store: Store, *, now: datetime, keep: timedelta) -> int:
    """Delete what was published longer ago than `keep`; returns how many, at most a thousand at once."""
    with store.transaction():
        rows = store.execute(
            f"""DELETE FROM outbox WHERE id IN
                (SELECT id FROM outbox WHERE published_at IS NOT NULL AND published_at < %s LIMIT {_DELETE_AT_ONCE}) RETURNING id""",
            (now - keep,),
        )
    return len(rows)


def _row(source: str, row: tuple[Any, ...]) -> OutboxRow:
    id_, account_id, type_, subject, sequence, dataschema, occurred_at, traceparent, queue, body, attempts = row
    happened = moment(occurred_at)
    assert happened is not None
    return OutboxRow(
        envelope=Envelope(
            id=id_,
            source=source,
            type=type_,
            subject=subject,
            time=happened,
            dataschema=dataschema,
            account_id=account_id,
            sequence=sequence,
            traceparent=traceparent,
            body=body.encode(),
        ),
        queue=queue,
        attempts=attempts,
    )
