"""The inbox: each event has its effect once, a bad one stops nobody, and what cannot be handled now is kept until it can.

A row of the inbox is the memory that an event was seen by its handler; it commits together with the handler's effect. Rows
that are not `done` keep the message: `pending` (due again at `next_attempt_at`), `running` (an attempt has begun), `waiting` (for a subject that
is not here yet), `parked` (given up, for a person to look at), `dead` (came back through the dead-letter queue), `discarded`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from marshmallow import ValidationError
from opentelemetry.trace import SpanKind

from chassis import outbox
from chassis.clock import Clock
from chassis.jobs import Job
from chassis.problems import Conflict, NotFound
from chassis.statements import Question
from chassis.store import Store, StoreDown, moment, placeholders
from chassis.telemetry import Metrics, logged, span
from chassis.wakeups import Wakeups
from contracts.envelope import Envelope, MalformedEvent
from contracts.registry import EVENT_TYPES, NewerVersion, event_type, read

log = logging.getLogger(__name__)

RETRIES = "inbox"
_DELETE_AT_ONCE = 1000
_FIRST_RETRY = timedelta(seconds=0.5)
_LONGEST_RETRY = timedelta(minutes=10)
# More than any limit allows; what is tried for days would double beyond what a timedelta holds.
_DOUBLINGS = 20
_LONGEST_WAIT = timedelta(minutes=1)
# An attempt that left no outcome killed its worker or was killed with it; after so many of them the event is parked.
_CRASHES_UNTIL_PARKED = 3
# How long an attempt may leave no outcome before another begins; while it runs its row is locked, so this is no time limit.
_LEASE = timedelta(seconds=5)
_UNDECODABLE = "(undecodable)"


class InboxStatus(StrEnum):
    DONE = "done"
    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    PARKED = "parked"
    DEAD = "dead"
    DISCARDED = "discarded"


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event as a handler gets it: `data` as its schema loads it, moments as aware datetimes."""

    id: str
    type: str
    subject: str
    account_id: str
    sequence: int
    time: datetime
    data: dict[str, Any]

    @property
    def snapshot(self) -> bool:
        """Whether it only tells the present state: it may fill a replica, and must trigger no action."""
        return event_type(self.type).snapshot


def event_of(envelope: Envelope) -> Event:
    """The event in an envelope, its data read as the version that this release knows.

    Raises:
        MalformedEvent, ValidationError: the body is no JSON object, or not what its version promises.
        LookupError: the type, or a version so new, is not known here.
    """
    return Event(
        id=envelope.id,
        type=envelope.type,
        subject=envelope.subject,
        account_id=envelope.account_id,
        sequence=envelope.sequence,
        time=envelope.time,
        data=read(envelope.type, envelope.dataschema, envelope.decoded()),
    )


Handler = Callable[[Event], None]


@dataclass(frozen=True)
class Asking:
    """A handler that asks the store what `questions` gives for an event, before it changes anything.

    Of the first event of a batch that is asked together with the beginning of the unit of work.
    """

    handler: Handler
    questions: Callable[[Event], Sequence[Question]]

    def __call__(self, event: Event) -> None:
        self.handler(event)


class NoHandler(Exception):
    """Nobody here handles events of this type: this release does not know it yet, or not any more."""


# Trying again cannot help; a person may, by an upgrade of this service or of the sender.
_HOPELESS = (ValidationError, MalformedEvent, NewerVersion, NoHandler)


class WaitingFor(Exception):
    """Raised by a handler whose subject is not here yet; it runs again once an event of that subject was handled."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"waiting for {subject}")
        self.subject = subject


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message as the broker gave it. `delivered_before` tells that an earlier delivery was not acknowledged."""

    headers: Mapping[str, Any]
    body: bytes
    delivered_before: bool = False


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """A claimed row. `died` tells that its last attempt left no outcome."""

    event_id: str
    handler: str
    attempt: int
    attempts_before: int
    died: bool
    headers: str
    body: str


class Inbox:
    """Takes messages for one service's handlers."""

    def __init__(
        self,
        *,
        store: Store,
        wakeups: Wakeups,
        clock: Clock,
        metrics: Metrics,
        handlers: Mapping[str, Handler],
        attempts: int = 8,
    ) -> None:
        self._store = store
        self._wakeups = wakeups
        self._clock = clock
        self._metrics = metrics
        self._handlers = handlers
        self._attempts = attempts
        self._interrupted: list[_Kept] = []

    def take(self, messages: Sequence[Message]) -> None:
        """See to it that each message is handled or kept; once this returns they may be acknowledged.

        Raises:
            StoreDown: nothing was lost and nothing may be acknowledged; take them again later.
        """
        fresh: list[tuple[Envelope, Message]] = []
        suspects: list[tuple[Envelope, Message]] = []
        for message in messages:
            try:
                envelope = Envelope.from_message(message.headers, message.body)
                if message.delivered_before:
                    envelope.decoded()
            except MalformedEvent as error:
                self._store.run(partial(self._park_bytes, message, str(error)))
                continue
            if envelope.type in EVENT_TYPES and envelope.type not in self._handlers:
                # A binding of an older release may linger; nobody here wants this event.
                log.info("no handler for %s, event %s is passed over", envelope.type, envelope.id)
            elif message.delivered_before:
                suspects.append((envelope, message))
            else:
                fresh.append((envelope, message))
        if suspects:
            log.warning("%d messages were delivered before: each is kept and run alone", len(suspects))
        for envelope, message in suspects:
            self._keep_safely(envelope, message, InboxStatus.PENDING, due=self._clock.now())
        if fresh:
            self._take_fresh(fresh)

    def retry_due(self) -> int:
        """Run one kept event that is due, its attempt committed first; returns how many were run (0 or 1)."""
        while self._interrupted:
            self._store.run(partial(self._give_back, self._interrupted[-1]))
            self._interrupted.pop()
        kept = self._store.run(self._claim_due)
        if kept is None:
            return 0
        try:
            self._attempt(kept)
        except StoreDown:
            # Not the event's fault: its attempt is taken back once the store answers.
            self._interrupted.append(kept)
            raise
        return 1

    def retries(self) -> Job:
        """The job that runs kept events when they are due."""
        return Job(
            name="inbox-retries", run=self.retry_due, every=timedelta(seconds=1), wake=RETRIES, next_due=self._next_due
        )

    def keep_dead(self, message: Message, reason: str) -> None:
        """Keep a dead letter for a person to look at; one that was handled after all is forgotten."""
        try:
            envelope = Envelope.from_message(message.headers, message.body)
            envelope.decoded()
        except MalformedEvent:
            self._store.run(lambda: self._park_bytes(message, reason, InboxStatus.DEAD))
            return
        self._keep_safely(envelope, message, InboxStatus.DEAD, error=reason)

    # --- taking -------------------------------------------------------------------------------------------------

    def _take_fresh(self, fresh: Sequence[tuple[Envelope, Message]]) -> None:
        try:
            self._store.run(lambda: self._handle_together(fresh))
            return
        except StoreDown:
            raise
        except Exception as error:
            if len(fresh) > 1:
                log.info("a batch of %d failed (%s), each is tried alone", len(fresh), type(error).__name__)
        for envelope, message in fresh:
            self._take_alone(envelope, message)

    def _take_alone(self, envelope: Envelope, message: Message) -> None:
        try:
            self._store.run(lambda: self._handle_together([(envelope, message)]))
        except StoreDown:
            raise
        except WaitingFor as waiting:
            log.info("event %s (%s) waits for %s", envelope.id, envelope.type, waiting.subject)
            self._count(envelope, "waiting")
            due = self._clock.now() + _FIRST_RETRY
            self._keep_safely(envelope, message, InboxStatus.WAITING, waiting_for=waiting.subject, due=due)
        except MalformedEvent as error:
            self._store.run(partial(self._park_bytes, message, str(error)))
        except _HOPELESS as error:
            log.error("event %s (%s) cannot be read: %s", envelope.id, envelope.type, error)
            self._count(envelope, "parked")
            self._keep_safely(envelope, message, InboxStatus.PARKED, error=_describe(error))
        except Exception as error:
            log.exception("event %s (%s) failed, it will be tried again", envelope.id, envelope.type)
            self._count(envelope, "failed")
            due = self._clock.now() + backoff(1)
            self._keep_safely(envelope, message, InboxStatus.PENDING, attempts=1, error=_describe(error), due=due)

    def _handle_together(self, batch: Sequence[tuple[Envelope, Message]]) -> None:
        """Remember and handle them in one unit of work, passing over those seen before."""
        now = self._clock.now()
        remembered = self._remembering([envelope for envelope, _ in batch], now)
        waiting = self._waiting({envelope.subject for envelope, _ in batch})
        # Those of the first alone: it may change what the others ask for.
        first, asked = self._asked(batch[0][0])
        # Remembered before anything is locked: of two consumers that were given the same events one waits here, and holds nothing.
        with self._store.transaction(remembered, waiting, *asked):
            new = {(event_id, handler) for event_id, handler in self._store.ask(remembered)}
            answers = [self._store.ask(question) for question in asked]
            handled = []
            for number, (envelope, _) in enumerate(batch):
                key = (envelope.id, envelope.type)
                if key not in new:
                    self._count(envelope, "repeated")
                    continue
                new.discard(key)
                with self._store.answered(asked, answers) if number == 0 else nullcontext():
                    self._handle(envelope, first if number == 0 else None)
                handled.append(envelope)
            if self._store.ask(waiting):
                self._wake_waiting({envelope.subject for envelope in handled}, now)
        for envelope in handled:
            self._count(envelope, "done")
        # A snapshot's time is when its subject last changed: it says nothing of how long the event was on its way.
        told = [envelope.time for envelope in handled if not event_type(envelope.type).snapshot]
        if told:
            self._metrics.events_lag.set(max(0.0, (now - told[-1]).total_seconds()))

    def _asked(self, envelope: Envelope) -> tuple[Event | None, Sequence[Question]]:
        """What the event's handler asks, and the event if it was read for that.

        One that cannot be read asks nothing: perhaps it was seen before, by a newer release, and nothing is wrong.
        """
        handler = self._handlers.get(envelope.type)
        if not isinstance(handler, Asking):
            return None, []
        try:
            event = event_of(envelope)
        except _HOPELESS:
            return None, []
        return event, handler.questions(event)

    def _handle(self, envelope: Envelope, event: Event | None = None) -> None:
        """Run its handler; `event` is what is in the envelope, where somebody has read it."""
        handler = self._handlers.get(envelope.type)
        if handler is None:
            # Most likely a release that is newer than this one has bound the queue to it already.
            raise NoHandler(f"no handler for {envelope.type}")
        event = event or event_of(envelope)
        with (
            logged(event_id=event.id, event_type=event.type, account_id=event.account_id),
            span(
                f"{event.type} process",
                kind=SpanKind.CONSUMER,
                traceparent=envelope.traceparent,
                **{"messaging.message.id": event.id},
            ),
            self._metrics.handler_seconds.labels(event.type).time(),
        ):
            handler(event)
            log.info("handled")

    def _count(self, envelope: Envelope, outcome: str) -> None:
        self._metrics.events_handled.labels(envelope.type, outcome).inc()

    # --- rows ---------------------------------------------------------------------------------------------------

    def _remembering(self, envelopes: Sequence[Envelope], now: datetime) -> Question:
        """Inserts a row for each that has none; answered by the ids and handlers of those that are new."""
        # In one order, so that two consumers that were given the same events wait for each other instead of deadlocking.
        rows = {
            (e.id, e.type): (e.id, e.type, InboxStatus.DONE.value, e.account_id, e.type, e.subject, now)
            for e in sorted(envelopes, key=lambda e: (e.id, e.type))
        }
        places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(rows))
        return self._store.question(
            f"""INSERT INTO inbox (event_id, handler, status, account_id, type, subject, received_at) VALUES {places}
                ON CONFLICT (event_id, handler) DO NOTHING RETURNING event_id, handler""",
            [value for row in rows.values() for value in row],
        )

    def _keep_safely(
        self,
        envelope: Envelope,
        message: Message,
        status: InboxStatus,
        *,
        attempts: int = 0,
        error: str | None = None,
        waiting_for: str | None = None,
        due: datetime | None = None,
    ) -> None:
        """Keep a message, or at least its bytes where a column does not take an attribute: what is not kept is lost or comes forever."""
        try:
            self._store.run(lambda: self._keep(envelope, message, status, attempts, error, waiting_for, due))
        except StoreDown:
            raise
        except Exception as refusal:
            log.exception("event %s cannot be kept as an event", envelope.id)
            self._store.run(partial(self._park_bytes, message, _describe(refusal)))

    def _keep(
        self,
        envelope: Envelope,
        message: Message,
        status: InboxStatus,
        attempts: int,
        error: str | None,
        waiting_for: str | None,
        due: datetime | None,
    ) -> None:
        """Keep the message itself; where there is a row already it is left as it is."""
        with self._store.transaction():
            self._store.execute(
                """INSERT INTO inbox (event_id, handler, status, account_id, type, subject, headers, body, attempts, error,
                       waiting_for, next_attempt_at, received_at)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (event_id, handler) DO NOTHING""",
                (
                    envelope.id,
                    envelope.type,
                    status.value,
                    envelope.account_id,
                    envelope.type,
                    envelope.subject,
                    json.dumps(envelope.headers()),
                    message.body.decode(),
                    attempts,
                    error,
                    waiting_for,
                    due,
                    self._clock.now(),
                ),
            )
            self._wakeups.after_commit(RETRIES)

    def _park_bytes(self, message: Message, error: str, status: InboxStatus = InboxStatus.PARKED) -> None:
        """Keep what cannot be decoded, under a name made of its bytes, so that a repeated delivery makes no second row."""
        log.error("a message cannot be decoded and is parked: %s", error)
        digest = hashlib.sha256(repr(sorted(message.headers.items(), key=str)).encode() + message.body).hexdigest()
        with self._store.transaction():
            self._store.execute(
                """INSERT INTO inbox (event_id, handler, status, headers, body, error, received_at)
                   VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (event_id, handler) DO NOTHING""",
                (
                    f"raw_{digest[:32]}",
                    _UNDECODABLE,
                    status.value,
                    json.dumps({str(k): str(v) for k, v in message.headers.items()}),
                    message.body.hex(),
                    _storable(error),
                    self._clock.now(),
                ),
            )

    def _claim_due(self) -> _Kept | None:
        now = self._clock.now()
        with self._store.transaction():
            rows = self._store.execute(
                f"""SELECT event_id, handler, status, attempts, headers, body FROM inbox
                    WHERE next_attempt_at IS NOT NULL AND next_attempt_at <= %s
                    ORDER BY next_attempt_at LIMIT 1 {self._store.skip_locked}""",
                (now,),
            )
            if not rows:
                return None
            event_id, handler, status, attempts, headers, body = rows[0]
            # Waiting does not count as an attempt: it is no failure.
            attempt = attempts if status == InboxStatus.WAITING else attempts + 1
            self._store.execute(
                "UPDATE inbox SET status = %s, attempts = %s, waiting_for = NULL, next_attempt_at = %s WHERE event_id = %s AND handler = %s",
                (InboxStatus.RUNNING.value, attempt, now + _LEASE, event_id, handler),
            )
        return _Kept(
            event_id=event_id,
            handler=handler,
            attempt=attempt,
            attempts_before=attempts,
            died=status == InboxStatus.RUNNING,
            headers=headers,
            body=body,
        )

    def _run_kept(self, kept: _Kept) -> None:
        now = self._clock.now()
        with self._store.transaction():
            # The row's lock is held while the handler runs: another process that finds it due passes by.
            mine = self._store.execute(
                f"SELECT 1 FROM inbox WHERE event_id = %s AND handler = %s AND status = %s AND attempts = %s {self._store.skip_locked}",
                (kept.event_id, kept.handler, InboxStatus.RUNNING.value, kept.attempt),
            )
            if not mine:
                return
            envelope = Envelope.from_message(json.loads(kept.headers), kept.body.encode())
            self._handle(envelope)
            self._settle(kept, InboxStatus.DONE, error=None, keep_message=False)
            self._wake_waiting({envelope.subject}, now)
        self._metrics.events_handled.labels(kept.handler, "done").inc()

    def _note_failure(self, kept: _Kept, error: str, hopeless: bool) -> None:
        if hopeless or kept.attempt >= self._attempts:
            self._park(kept, error)
            return
        self._metrics.events_handled.labels(kept.handler, "failed").inc()
        self._settle(kept, InboxStatus.PENDING, error=error, due=self._clock.now() + backoff(kept.attempt))

    def _wait(self, kept: _Kept, subject: str) -> None:
        now = self._clock.now()
        with self._store.transaction():
            received = self._store.execute(
                "SELECT received_at FROM inbox WHERE event_id = %s AND handler = %s", (kept.event_id, kept.handler)
            )
            waited = now - (moment(received[0][0]) or now) if received else timedelta(0)
            pause = min(max(waited / 2, _FIRST_RETRY), _LONGEST_WAIT)
            self._settle(kept, InboxStatus.WAITING, error=None, waiting_for=subject, due=now + pause)

    def _park(self, kept: _Kept, error: str) -> None:
        log.error("event %s (%s) is parked: %s", kept.event_id, kept.handler, error)
        self._metrics.events_handled.labels(kept.handler, "parked").inc()
        self._settle(kept, InboxStatus.PARKED, error=error)

    def _attempt(self, kept: _Kept) -> None:
        if kept.died and kept.attempt > _CRASHES_UNTIL_PARKED:
            self._store.run(partial(self._park, kept, f"its worker died {kept.attempt - 1} times"))
            return
        try:
            self._store.run(partial(self._run_kept, kept))
        except StoreDown:
            raise
        except WaitingFor as waiting:
            self._store.run(partial(self._wait, kept, waiting.subject))
        except Exception as error:
            log.exception("event %s (%s) failed, attempt %d", kept.event_id, kept.handler, kept.attempt)
            self._store.run(partial(self._note_failure, kept, _describe(error), isinstance(error, _HOPELESS)))

    def _give_back(self, kept: _Kept) -> None:
        """Undo an attempt that the store's absence cut short."""
        with self._store.transaction():
            self._store.execute(
                """UPDATE inbox SET status = %s, attempts = %s, next_attempt_at = %s
                   WHERE event_id = %s AND handler = %s AND status = %s AND attempts = %s""",
                (
                    InboxStatus.PENDING.value,
                    kept.attempts_before,
                    self._clock.now(),
                    kept.event_id,
                    kept.handler,
                    InboxStatus.RUNNING.value,
                    kept.attempt,
                ),
            )

    def _settle(
        self,
        kept: _Kept,
        status: InboxStatus,
        *,
        error: str | None,
        waiting_for: str | None = None,
        due: datetime | None = None,
        keep_message: bool = True,
    ) -> None:
        """Note how an attempt ended, unless a later one has begun meanwhile."""
        forget = "" if keep_message else ", headers = NULL, body = NULL"
        with self._store.transaction():
            self._store.execute(
                f"""UPDATE inbox SET status = %s, error = %s, waiting_for = %s, next_attempt_at = %s {forget}
                    WHERE event_id = %s AND handler = %s AND status = %s AND attempts = %s""",
                (
                    status.value,
                    error,
                    waiting_for,
                    due,
                    kept.event_id,
                    kept.handler,
                    InboxStatus.RUNNING.value,
                    kept.attempt,
                ),
            )

    def _waiting(self, subjects: set[str]) -> Question:
        """Whether anything waits for one of them. What begins to wait meanwhile is soon tried again by itself."""
        return self._store.question(
            f"SELECT 1 FROM inbox WHERE waiting_for IN ({placeholders(subjects)}) LIMIT 1", tuple(subjects)
        )

    def _wake_waiting(self, subjects: set[str], now: datetime) -> None:
        if not subjects:
            return
        woken = self._store.execute(
            f"UPDATE inbox SET next_attempt_at = %s WHERE waiting_for IN ({placeholders(subjects)}) RETURNING event_id",
            (now, *subjects),
        )
        if woken:
            self._wakeups.after_commit(RETRIES)

    def _next_due(self) -> datetime | None:
        with self._store.reading():
            return moment(
                self._store.execute("SELECT min(next_attempt_at) FROM inbox WHERE next_attempt_at IS NOT NULL")[0][0]
            )


def backoff(attempt: int, at_most: timedelta = _LONGEST_RETRY) -> timedelta:
    """How long to wait after the `attempt`-th failure: doubling, with full jitter above half."""
    doublings = min(max(attempt - 1, 0), _DOUBLINGS)
    longest: timedelta = min(_FIRST_RETRY * 2**doublings, at_most)
    return longest * random.uniform(0.5, 1)


def _describe(error: Exception) -> str:
    """The error in a line; what a database adds below the first one are the row's values."""
    return _storable(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")


def _storable(text: str) -> str:
    """`text` as every store takes it: no NUL, no lone surrogates, not endless."""
    return text[:1000].replace("\x00", "\ufffd").encode(errors="replace").decode()


# --- what an operator sees and does ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class InboxEntry:
    """A kept event, for the command line and the operations API."""

    event_id: str
    handler: str
    status: str
    account_id: str | None
    type: str | None
    subject: str | None
    attempts: int
    error: str | None
    waiting_for: str | None
    next_attempt_at: datetime | None
    received_at: datetime
    body: str | None = None


_ENTRY = (
    "event_id, handler, status, account_id, type, subject, attempts, error, waiting_for, next_attempt_at, received_at"
)


def entries(store: Store, *, status: str | None, after: tuple[str, str] | None, limit: int) -> list[InboxEntry]:
    """Kept events, oldest first: all that may still be handled, or those of `status`; `after` is (received_at, event_id) of the last one seen."""
    conditions = ["status = %s" if status else "status NOT IN ('done', 'discarded')"]
    parameters: list[Any] = [status] if status else []
    if after:
        conditions.append("(received_at, event_id) > (%s, %s)")
        parameters += after
    with store.reading():
        rows = store.execute(
            f"SELECT {_ENTRY} FROM inbox WHERE {' AND '.join(conditions)} ORDER BY received_at, event_id LIMIT %s",
            (*parameters, limit),
        )
    return [_entry(row) for row in rows]


def entry(store: Store, event_id: str) -> InboxEntry:
    """One kept event with its body.

    Raises:
        NotFound: there is none of this id.
    """
    with store.reading():
        rows = store.execute(f"SELECT {_ENTRY}, body FROM inbox WHERE event_id = %s AND status <> 'done'", (event_id,))
    if not rows:
        raise NotFound(f"no event {event_id} is kept in the inbox")
    return replace(_entry(rows[0][:-1]), body=rows[0][-1])


def retry(store: Store, wakeups: Wakeups, event_id: str, now: datetime) -> InboxEntry:
    """Have a kept event run again now, its attempts counted from the beginning.

    Raises:
        NotFound: there is none of this id.
        Conflict: it cannot be decoded, so no handler can take it, or it was discarded.
    """
    with store.transaction():
        found = entry(store, event_id)
        _refuse_discarded(found)
        if found.handler == _UNDECODABLE:
            raise Conflict("it cannot be decoded; discard it", code="invalid_transition")
        store.execute(
            "UPDATE inbox SET status = %s, attempts = 0, waiting_for = NULL, next_attempt_at = %s WHERE event_id = %s AND status <> 'done'",
            (InboxStatus.PENDING.value, now, event_id),
        )
        wakeups.after_commit(RETRIES)
    return replace(found, status=InboxStatus.PENDING.value, attempts=0, next_attempt_at=now, body=None)


def run_again(service: Any, event_id: str) -> InboxEntry:
    """As `retry`; a dead letter that is no handler's, such as a sender's work, goes back to its queue instead.

    Raises:
        NotFound, Conflict: as `retry`; Conflict also where the outbox has forgotten the sender's work.
    """
    store: Store = service.store
    with store.transaction():
        found = entry(store, event_id)
        if found.status != InboxStatus.DEAD or found.handler == _UNDECODABLE or found.handler in service.handlers():
            return retry(store, service.wakeups, event_id, service.clock.now())
        if not outbox.replay_one(store, event_id):
            raise Conflict("it is no longer in the outbox, so it cannot be sent again", code="invalid_transition")
        store.execute("DELETE FROM inbox WHERE event_id = %s AND handler = %s", (event_id, found.handler))
        service.wakeups.after_commit(outbox.RELAY)
    return replace(found, status=InboxStatus.PENDING.value, body=None)


def discard(store: Store, event_id: str) -> InboxEntry:
    """Give a kept event up for good; its id stays, so that a replay does not bring it back.

    Raises:
        NotFound: there is none of this id.
        Conflict: it was discarded before.
    """
    with store.transaction():
        found = entry(store, event_id)
        _refuse_discarded(found)
        store.execute(
            """UPDATE inbox SET status = %s, headers = NULL, body = NULL, waiting_for = NULL, next_attempt_at = NULL
               WHERE event_id = %s AND status <> 'done'""",
            (InboxStatus.DISCARDED.value, event_id),
        )
    return replace(found, status=InboxStatus.DISCARDED.value, body=None)


def _refuse_discarded(found: InboxEntry) -> None:
    if found.status == InboxStatus.DISCARDED:
        raise Conflict("it was discarded", code="invalid_transition")


def seen(store: Store, event_ids: Sequence[str]) -> set[str]:
    """Those of `event_ids` that are handled or kept here."""
    if not event_ids:
        return set()
    with store.reading():
        return {
            row[0]
            for row in store.execute(
                f"SELECT event_id FROM inbox WHERE event_id IN ({placeholders(event_ids)})", list(event_ids)
            )
        }


def counts(store: Store) -> dict[str, int]:
    """How many events are kept, by status."""
    with store.reading():
        return dict(store.execute("SELECT status, count(*) FROM inbox WHERE status <> 'done' GROUP BY status"))


def delete_done(store: Store, *, now: datetime, keep: timedelta) -> int:
    """Forget what was done longer ago than `keep`; returns how many, at most a thousand at once."""
    with store.transaction():
        return len(
            store.execute(
                f"""DELETE FROM inbox WHERE (event_id, handler) IN
                    (SELECT event_id, handler FROM inbox WHERE received_at < %s AND status IN ('done', 'discarded') LIMIT {_DELETE_AT_ONCE})
                    RETURNING event_id""",
                (now - keep,),
            )
        )


def _entry(row: tuple[Any, ...]) -> InboxEntry:
    (
        event_id,
        handler,
        status,
        account_id,
        type_,
        subject,
        attempts,
        error,
        waiting_for,
        next_attempt_at,
        received_at,
    ) = row
    received = moment(received_at)
    assert received is not None
    return InboxEntry(
        event_id=event_id,
        handler=handler,
        status=status,
        account_id=account_id,
        type=type_,
        subject=subject,
        attempts=attempts,
        error=error,
        waiting_for=waiting_for,
        next_attempt_at=moment(next_attempt_at),
        received_at=received,
    )


def handle(service: Any, *events: Event) -> None:
    """Give events to a service's inbox, those of one batch, as its consumer would; for tests and tools."""
    inbox_of(service).take([_message(event) for event in events])


def _message(event: Event) -> Message:
    envelope = Envelope(
        id=event.id,
        source="test",
        type=event.type,
        subject=event.subject,
        time=event.time,
        dataschema=event_type(event.type).version,
        account_id=event.account_id,
        sequence=event.sequence,
        traceparent=None,
        body=outbox.encode(event.type, event.data).encode(),
    )
    return Message(headers=envelope.headers(), body=envelope.body)


def inbox_of(service: Any) -> Inbox:
    """The inbox of a Service."""
    return Inbox(
        store=service.store,
        wakeups=service.wakeups,
        clock=service.clock,
        metrics=service.metrics,
        handlers=service.handlers(),
        attempts=service.settings.inbox_attempts,
    )
