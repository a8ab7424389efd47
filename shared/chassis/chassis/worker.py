"""Workers of a sender's queue: many at once in one process, each message acknowledged when its work is committed."""

from __future__ import annotations

import logging
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto

from kombu import Connection, Consumer
from kombu.message import Message as KombuMessage
from marshmallow import ValidationError
from opentelemetry.trace import SpanKind

from chassis import broker
from chassis.consumer import Heartbeat, drain, message_of
from chassis.inbox import Event, event_of
from chassis.service import Service, Worker
from chassis.store import StoreDown
from chassis.telemetry import logged, span
from contracts.envelope import Envelope, MalformedEvent
from contracts.registry import NewerVersion

log = logging.getLogger(__name__)
_WAIT_SECONDS = 0.02
_LONGEST_PAUSE = 5.0


class _Outcome(Enum):
    """What became of a message: acknowledged; dead-lettered, for the service's consumer to keep; or given back when we close."""

    WORKED = auto()
    UNREADABLE = auto()
    UNTOUCHED = auto()


class QueueWorker:
    """Runs `worker` for each message of its queue, `concurrency` at once; on a thread of its own beside the pool's."""

    def __init__(self, service: Service, worker: Worker, concurrency: int) -> None:
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
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix=self._worker.queue) as pool:
            while not self._stopping.is_set():
                connection = broker.connect(self._service.settings.broker_url)
                lost = broker.losses(connection)
                try:
                    with connection:
                        connection.ensure_connection(max_retries=1, interval_start=0.1)
                        broker.declare(connection)
                        pause = 0.1
                        self._consume(connection, pool)
                except lost as error:
                    log.warning("the broker is down, working again when it is back: %s", error)
                except Exception:
                    log.exception("the worker failed, it begins anew")
                finally:
                    self._consuming = False
                self._stopping.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def _consume(self, connection: Connection, pool: ThreadPoolExecutor) -> None:
        done: queue.Queue[tuple[KombuMessage, _Outcome]] = queue.Queue()
        self._under_way = 0

        def begin(message: KombuMessage) -> None:
            self._under_way += 1
            pool.submit(self._work, message, done)

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
            self._acknowledge(done)
        consumer.cancel()
        while self._under_way:
            drain(connection, _WAIT_SECONDS)
            self._acknowledge(done)

    def _acknowledge(self, done: queue.Queue[tuple[KombuMessage, _Outcome]]) -> None:
        while not done.empty():
            message, outcome = done.get()
            self._under_way -= 1
            if outcome is _Outcome.WORKED:
                message.ack()
            elif outcome is _Outcome.UNREADABLE:
                message.reject()

    def _work(self, message: KombuMessage, done: queue.Queue[tuple[KombuMessage, _Outcome]]) -> None:
        """Work on one message on a thread of the pool; the connection's thread acknowledges."""
        outcome = _Outcome.WORKED
        try:
            event, traceparent = _event(message)
            with (
                logged(event_id=event.id, subject=event.subject),
                span(f"{self._worker.queue} process", kind=SpanKind.CONSUMER, traceparent=traceparent),
            ):
                self._until_the_store_answers(event)
        except StoreDown:
            outcome = _Outcome.UNTOUCHED
        except (MalformedEvent, ValidationError, NewerVersion, LookupError) as error:
            log.error("a message of %s cannot be read: %s", self._worker.queue, error)
            outcome = _Outcome.UNREADABLE
        except Exception:
            # The work's own row says that it is not done; the dispatcher brings it again.
            log.exception("work on %s failed", self._worker.queue)
        finally:
            done.put((message, outcome))

    def _until_the_store_answers(self, event: Event) -> None:
        pause = 0.1
        while True:
            try:
                self._worker.run(event)
                return
            except StoreDown:
                log.warning("the store is down, the work waits")
                if self._stopping.wait(pause):
                    raise
                pause = min(pause * 2, _LONGEST_PAUSE)


def _event(message: KombuMessage) -> tuple[Event, str | None]:
    received = message_of(message)
    envelope = Envelope.from_message(received.headers, received.body)
    return event_of(envelope), envelope.traceparent
