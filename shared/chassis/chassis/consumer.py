"""The consumer: takes what has arrived as one batch, and acknowledges it once its effects or its keeping are committed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from kombu import Connection, Consumer
from kombu.message import Message as KombuMessage

from chassis import broker
from chassis.inbox import Inbox, Message, inbox_of
from chassis.service import Service
from chassis.store import StoreDown
from contracts import topology

log = logging.getLogger(__name__)
_WAIT_SECONDS = 1.0
_QUIET_SECONDS = 0.1
_HEARTBEAT_CHECK_SECONDS = 5.0
_LONGEST_PAUSE = 5.0


class EventConsumer:
    """One service's consumer of its event queue and, on RabbitMQ, of its dead letters; on a thread of its own."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._inbox: Inbox = inbox_of(service)
        self._stopping = threading.Event()
        self._held: list[KombuMessage] = []
        self._dead: list[KombuMessage] = []
        self._consuming = False
        self._busy = False
        self._thread = threading.Thread(target=self._run, name=f"consume-{service.name}", daemon=True)

    @property
    def inbox(self) -> Inbox:
        return self._inbox

    @property
    def ready(self) -> bool:
        """Whether events are being consumed."""
        return self._consuming

    @property
    def idle(self) -> bool:
        """Whether nothing is held and nothing is being handled."""
        return not self._held and not self._busy

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 30) -> None:
        """Finish and acknowledge the batch at hand, then close; what was not begun goes back to the queue."""
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
                    self._consume(connection)
            except lost as error:
                log.warning("the broker is down, consuming again when it is back: %s", error)
            except Exception:
                log.exception("the consumer failed, it begins anew")
            finally:
                # What was held is unacknowledged: the broker delivers it again.
                self._consuming = False
                self._held.clear()
                self._dead.clear()
            self._stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _consume(self, connection: Connection) -> None:
        batch = self._service.settings.consumer_batch
        events = self._consumer(
            connection, topology.events_queue(self._service.name), self._held.append, prefetch=2 * batch
        )
        if not broker.on_memory(self._service.settings.broker_url):
            self._consumer(connection, topology.dead_queue(self._service.name), self._dead.append, prefetch=10)
        self._consuming = True
        log.info("consuming %s", topology.events_queue(self._service.name))
        heartbeat = Heartbeat(connection)
        while not self._stopping.is_set():
            heartbeat.check()
            drain(connection, _WAIT_SECONDS)
            while self._held and len(self._held) < batch and drain(connection, 0):
                pass
            if self._held:
                self._busy = True
                try:
                    self._take(connection, heartbeat)
                finally:
                    self._busy = False
            if self._dead:
                self._keep_dead()
        # RabbitMQ gives back what is on its way to a consumer that is cancelled, and counts it as delivered: let it arrive.
        while len(self._held) < 2 * batch and drain(connection, _QUIET_SECONDS):
            pass
        events.cancel()
        while self._held:
            self._take(connection, heartbeat)

    def _take(self, connection: Connection, heartbeat: Heartbeat) -> None:
        """Hand what is held to the inbox and acknowledge it; while the store is down hold it, until the prefetch limit ends what arrives."""
        pause = 0.1
        while True:
            held = self._held[: self._service.settings.consumer_batch]
            try:
                self._inbox.take([message_of(message) for message in held])
                break
            except StoreDown as error:
                if self._stopping.is_set():
                    raise ConnectionError("stopped while the store was down") from error
                if self._consuming:
                    log.warning("the store is down, events are held and soon no more are taken: %s", error)
                    self._consuming = False
                self._stopping.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                heartbeat.check()
                while drain(connection, 0):
                    pass
        if broker.on_memory(self._service.settings.broker_url):
            for message in held:  # kombu's own transports do not know `multiple`
                message.ack()
        else:
            held[-1].ack(multiple=True)
        del self._held[: len(held)]
        if not self._consuming:
            log.info("the store is back, consuming again")
            self._consuming = True

    def _keep_dead(self) -> None:
        while self._dead:
            message = self._dead[0]
            reason = _why_dead(message)
            try:
                self._inbox.keep_dead(message_of(message), reason)
            except StoreDown:
                log.warning("the store is down, %d dead letters are held", len(self._dead))
                return
            log.error("a dead letter was kept: %s", reason)
            message.ack()
            del self._dead[0]

    def _consumer(
        self, connection: Connection, queue: str, on_message: Callable[[KombuMessage], Any], prefetch: int
    ) -> Consumer:
        # A channel each, as acknowledging several at once counts by channel.
        consumer = Consumer(
            connection.channel(),
            [broker.queue(queue)],
            on_message=on_message,
            on_decode_error=lambda message, error: on_message(message),  # the inbox tells what it is
            prefetch_count=prefetch,
            auto_declare=False,
        )
        consumer.consume()
        return consumer


class Heartbeat:
    """Has the connection's heartbeat seen to every few seconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._due = time.monotonic() + _HEARTBEAT_CHECK_SECONDS

    def check(self) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + _HEARTBEAT_CHECK_SECONDS
            if self._connection.supports_heartbeats:
                self._connection.heartbeat_check()


def drain(connection: Connection, seconds: float) -> bool:
    """Let one thing arrive, at most within `seconds`; False where nothing did."""
    try:
        connection.drain_events(timeout=seconds if seconds else 0.001)
    except TimeoutError:
        return False
    return True


def message_of(message: KombuMessage) -> Message:
    """A message as kombu gives it, as the inbox takes it."""
    headers, body = message.headers or {}, message.body
    count = headers.get("x-delivery-count")
    return Message(
        headers=headers,
        body=body.encode() if isinstance(body, str) else bytes(body),
        delivered_before=(isinstance(count, int) and count > 0) or bool(message.delivery_info.get("redelivered")),
    )


def _why_dead(message: KombuMessage) -> str:
    """RabbitMQ tells each death in this header; whoever publishes to the queue by hand may write anything into it."""
    deaths = (message.headers or {}).get("x-death")
    last = deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict) else {}
    return f"dead-lettered: {last.get('reason', 'unknown')} from {last.get('queue', 'unknown')}"
