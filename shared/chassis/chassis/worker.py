"""Workers of a sender's queue: many calls at once in one process, commits for several messages together, each acknowledged when its work is committed."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeVar

from kombu import Connection, Consumer
from kombu.message import Message as KombuMessage
from marshmallow import ValidationError
from opentelemetry.trace import SpanKind

from chassis import broker, telemetry
from chassis.consumer import Heartbeat, drain, message_of
from chassis.inbox import Event, event_of
from chassis.service import Done, Service, Worker
from chassis.store import StoreDown
from chassis.telemetry import logged, span
from contracts.envelope import Envelope, MalformedEvent
from contracts.registry import NewerVersion

log = logging.getLogger(__name__)
T = TypeVar("T")
_WAIT_SECONDS = 0.02
_GATHER_SECONDS = 0.01
_LONGEST_PAUSE = 5.0


class _Ending(Enum):
    """What becomes of a message: acknowledged; dead-lettered, for the service's consumer to keep; or given back when we close."""

    WORKED = auto()
    UNREADABLE = auto()
    UNTOUCHED = auto()


@dataclass(frozen=True, kw_only=True)
class _Held:
    """A message, and what it asks for."""

    message: KombuMessage
    event: Event
    traceparent: str | None


class QueueWorker:
    """Has `worker` work on its queue, with `concurrency` calls at once; on a thread of its own beside those of the line."""

    def __init__(self, service: Service, worker: Worker[Any, Any], concurrency: int) -> None:
        self._service = service
        self._worker = worker
        self._concurrency = concurrency
        self._stopping = threading.Event()
        self._under_way = 0
        self._consuming = False
        self._thread = threading.Thread(target=self._run, name=f"work-{worker.queue}", daemon=True)

    @property
    def ready(self) -> bool:
        return self._consuming

    @property
    def idle(self) -> bool:
        return self._under_way == 0

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 30) -> None:
        """Finish what has begun, acknowledge it, then close."""
        self._stopping.set()
        self._thread.join(timeout=timeout)

    def _run(self) -> None:
        pause = 0.1
        while not self._stopping.is_set():
            connection = broker.connect(self._service.settings.broker_url)
            lost = broker.losses(connection)
            try:
                with connection:
                    connection.ensure_connection(max_retries=1, interval_start=0.1)
                    broker.declare(connection)
                    pause = 0.1
                    line = _Line(self._worker, self._concurrency, self._stopping)
                    try:
                        self._consume(connection, line)
                    finally:
                        self._consuming = False
                        line.close()
            except lost as error:
                log.warning("the broker is down, working again when it is back: %s", error)
            except Exception:
                log.exception("the worker failed, it begins anew")
            self._stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _consume(self, connection: Connection, line: _Line) -> None:
        self._under_way = 0

        def begin(message: KombuMessage) -> None:
            self._under_way += 1
            line.put(message)

        consumer = Consumer(
            connection.channel(),
            [broker.queue(self._worker.queue)],
            on_message=begin,
            on_decode_error=lambda message, error: begin(message),
            prefetch_count=2 * self._concurrency,
            auto_declare=False,
        )
        consumer.consume()
        self._consuming = True
        log.info("working on %s, %d at once", self._worker.queue, self._concurrency)
        heartbeat = Heartbeat(connection)
        while not self._stopping.is_set():
            heartbeat.check()
            drain(connection, _WAIT_SECONDS)
            self._acknowledge(line)
        consumer.cancel()
        while self._under_way:
            drain(connection, _WAIT_SECONDS)
            self._acknowledge(line)

    def _acknowledge(self, line: _Line) -> None:
        while not line.ended.empty():
            message, ending = line.ended.get()
            self._under_way -= 1
            if ending is _Ending.WORKED:
                message.ack()
            elif ending is _Ending.UNREADABLE:
                message.reject()


class _Line:
    """The messages of one connection on their way: taken together, called for one by one, settled together.

    Each of the two threads that commit takes what is there when it is free: one message while little is to do, and the more together the more there is.
    While every caller is busy nobody waits for either, so they let more come together first. So that callers stay busy meanwhile, half as many messages
    again as there are callers may be between their two commits.
    """

    def __init__(self, worker: Worker[Any, Any], concurrency: int, stopping: threading.Event) -> None:
        self._worker = worker
        self._stopping = stopping
        self._closed = False
        self._most = concurrency + (concurrency + 1) // 2
        self._portion = max(1, concurrency // 4)
        self._room = _Room(self._most)
        self._arrived: queue.SimpleQueue[_Held | None] = queue.SimpleQueue()
        self._called: queue.SimpleQueue[tuple[_Held, Done[Any, Any]] | None] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[tuple[KombuMessage, _Ending]] = queue.SimpleQueue()
        self._tasks: queue.SimpleQueue[tuple[_Held, Any] | None] = queue.SimpleQueue()
        self._taker = self._start(self._take_forever, "take")
        self._callers = [self._start(self._call_forever, f"call-{number}") for number in range(concurrency)]
        self._settler = self._start(self._settle_forever, "settle")

    def put(self, message: KombuMessage) -> None:
        """Have this message worked on; it is among the `ended` then."""
        try:
            event, traceparent = _event(message)
        except (MalformedEvent, ValidationError, NewerVersion, LookupError) as error:
            log.error("a message of %s cannot be read: %s", self._worker.queue, error)
            self.ended.put((message, _Ending.UNREADABLE))
        else:
            self._arrived.put(_Held(message=message, event=event, traceparent=traceparent))

    def close(self) -> None:
        """Begin nothing more, and finish what has begun."""
        self._closed = True
        self._arrived.put(None)
        self._taker.join()
        self._tasks.put(None)
        for caller in self._callers:
            caller.join()
        self._called.put(None)
        self._settler.join()

    def _start(self, run: Callable[[], None], what: str) -> threading.Thread:
        thread = threading.Thread(target=run, name=f"{self._worker.queue}-{what}", daemon=True)
        thread.start()
        return thread

    # --- before the calls -----------------------------------------------------------------------------------------

    def _take_forever(self) -> None:
        waiting: list[_Held] = []
        while not self._closed:
            waiting += _some(self._arrived, self._most, wait=not waiting)
            if waiting:
                # With less room than a portion there is a task more than callers: no caller waits for this one.
                room = self._room.take(least=min(len(waiting), self._portion), most=len(waiting))
                taken = self._take(waiting[:room])
                self._room.give_back(room - taken)
                del waiting[:taken]

    def _take(self, batch: Sequence[_Held]) -> int:
        """Begin the work on these; returns on how many, from the first."""
        try:
            tasks = self._once_the_store_answers(lambda: self._worker.take([held.event for held in batch]))
        except StoreDown:
            return self._end(batch, _Ending.UNTOUCHED)
        except Exception:
            if len(batch) > 1:
                return self._take(batch[:1])
            log.exception("work on %s failed", self._worker.queue)
            # Its own row says that it is not done; the dispatcher brings it again.
            return self._end(batch, _Ending.WORKED)
        for held, task in zip(batch, tasks, strict=False):
            if task is None:
                self._end([held], _Ending.WORKED)
            else:
                self._tasks.put((held, task))
        return len(tasks)

    # --- the calls ------------------------------------------------------------------------------------------------

    def _call_forever(self) -> None:
        while (each := self._tasks.get()) is not None:
            self._call(*each)
        self._tasks.put(None)  # for the next of the callers

    def _call(self, held: _Held, task: Any) -> None:
        try:
            with (
                logged(event_id=held.event.id, subject=held.event.subject),
                span(f"{self._worker.queue} process", kind=SpanKind.CONSUMER, traceparent=held.traceparent),
            ):
                outcome = self._worker.call(task)
                done = Done(task=task, outcome=outcome, traceparent=telemetry.traceparent())
        except Exception:
            log.exception("work on %s failed", self._worker.queue)
            self._end([held], _Ending.WORKED)
        else:
            self._called.put((held, done))

    # --- after the calls ------------------------------------------------------------------------------------------

    def _settle_forever(self) -> None:
        while batch := _some(self._called, self._most, wait=True):
            if len(batch) < self._portion and not self._tasks.empty():
                time.sleep(_GATHER_SECONDS)
                batch += _some(self._called, self._most, wait=False)
            self._settle(batch)

    def _settle(self, batch: Sequence[tuple[_Held, Done[Any, Any]]]) -> None:
        held = [each for each, _ in batch]
        try:
            self._once_the_store_answers(lambda: self._worker.settle([done for _, done in batch]))
        except StoreDown:
            self._end(held, _Ending.UNTOUCHED)
        except Exception:
            if len(batch) > 1:
                for each in batch:
                    self._settle([each])
                return
            log.exception("what came of work on %s cannot be kept", self._worker.queue)
            self._end(held, _Ending.WORKED)
        else:
            self._end(held, _Ending.WORKED)

    def _end(self, batch: Sequence[_Held], ending: _Ending) -> int:
        for held in batch:
            self.ended.put((held.message, ending))
        self._room.give_back(len(batch))
        return len(batch)

    def _once_the_store_answers(self, work: Callable[[], T]) -> T:
        pause = 0.1
        while True:
            try:
                return work()
            except StoreDown:
                log.warning("the store is down, the work waits")
                if self._stopping.wait(pause):
                    raise
                pause = min(pause * 2, _LONGEST_PAUSE)


class _Room:
    """Room for so many."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._changed = threading.Condition()

    def take(self, *, least: int, most: int) -> int:
        """Room for `most`, or for as many as there is, waited for until it is for `least`."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= least)
            taken = min(self._free, most)
            self._free -= taken
            return taken

    def give_back(self, room: int) -> None:
        with self._changed:
            self._free += room
            self._changed.notify()


def _some(source: queue.SimpleQueue[T | None], most: int, *, wait: bool) -> list[T]:
    """What is there, `most` at once; where `wait` says so, once there is something. None ends it, for good where nothing came before."""
    found: list[T] = []
    try:
        while len(found) < most:
            each = source.get(block=wait and not found)
            if each is None:
                source.put(None)
                break
            found.append(each)
    except queue.Empty:
        pass
    return found


def _event(message: KombuMessage) -> tuple[Event, str | None]:
    received = message_of(message)
    envelope = Envelope.from_message(received.headers, received.body)
    return event_of(envelope), envelope.traceparent
