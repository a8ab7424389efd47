"""Publishes with confirms: pipelined by pika on RabbitMQ, at once on the memory broker.

A confirm a message is a round trip a message; here all of a batch are on their way before the first is waited for.
`SelectConnection` runs on a thread of its own, as `BlockingConnection` waits for each confirm.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pika
from pika.adapters.select_connection import SelectConnection
from pika.channel import Channel
from pika.spec import Basic, BasicProperties

from chassis import broker
from chassis.outbox import OutboxRow
from contracts import topology
from contracts.envelope import CONTENT_TYPE
from contracts.registry import event_type

log = logging.getLogger(__name__)
_CONFIRM_SECONDS = 30.0
_OPEN_SECONDS = 10.0
UNROUTABLE = "no queue took it, although a consumer is registered"


class BrokerDown(Exception):
    """The broker cannot be reached; nothing is known to have been published since the last confirm."""


class Publisher(Protocol):
    """Publishes batches; returns, for each row that the broker did not take, its id and why."""

    def publish(self, rows: Sequence[OutboxRow]) -> dict[str, str]: ...

    def close(self) -> None: ...


def publisher(url: str) -> Publisher:
    """The publisher for the broker at `url`."""
    return MemoryPublisher(url) if broker.on_memory(url) else PipelinedPublisher(url)


def _address(row: OutboxRow) -> tuple[str, str, bool]:
    """Exchange, routing key, and whether a queue must take it."""
    if row.queue:
        return "", row.queue, True
    return topology.EXCHANGE, row.envelope.type, bool(event_type(row.envelope.type).consumers)


class MemoryPublisher:
    """For the broker in this process."""

    def __init__(self, url: str) -> None:
        self._connection = broker.connect(url)
        broker.declare(self._connection)
        self._producer = self._connection.Producer(serializer="json")

    def publish(self, rows: Sequence[OutboxRow]) -> dict[str, str]:
        for row in rows:
            exchange, routing_key, _ = _address(row)
            self._producer.publish(
                row.envelope.body,
                exchange=exchange,
                routing_key=routing_key,
                content_type=CONTENT_TYPE,
                content_encoding="utf-8",
                headers=row.envelope.headers(),
                message_id=row.envelope.id,
            )
        return {}

    def close(self) -> None:
        self._connection.release()


@dataclass(kw_only=True)
class _Batch:
    """The rows on their way, by delivery tag and by message id, and what became of them."""

    open: dict[int, str]
    failed: dict[str, str]
    finished: threading.Event
    all_sent: bool = False


class PipelinedPublisher:
    """For RabbitMQ: persistent, `mandatory` where a consumer is registered, confirmed. Connects when needed; one batch at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: SelectConnection | None = None
        self._channel: Channel | None = None
        self._thread: threading.Thread | None = None
        self._batch: _Batch | None = None
        self._tag = 0
        self._closed_because = "it was never open"

    def publish(self, rows: Sequence[OutboxRow]) -> dict[str, str]:
        """Publish `rows` and wait until each is confirmed, refused or returned.

        Raises:
            BrokerDown: the connection was lost or the broker stayed silent; some of the rows may have arrived.
        """
        self._open()
        batch = self._batch = _Batch(open={}, failed={}, finished=threading.Event())
        connection = self._connection
        assert connection is not None
        connection.ioloop.add_callback_threadsafe(lambda: self._send(batch, rows))
        finished = batch.finished.wait(_CONFIRM_SECONDS)
        if self._connection is None or not finished:
            self.close()
            raise BrokerDown(self._closed_because if finished else f"no confirm within {_CONFIRM_SECONDS:.0f} seconds")
        return batch.failed

    def close(self) -> None:
        """End the connection; whatever is unconfirmed stays unpublished."""
        connection, thread = self._connection, self._thread
        self._connection = self._channel = self._thread = None
        if connection is not None and thread is not None and thread.is_alive():
            connection.ioloop.add_callback_threadsafe(lambda: _end(connection))
            thread.join(timeout=5)

    def _open(self) -> None:
        if self._channel is not None and self._channel.is_open:
            return
        self.close()
        opened = threading.Event()
        parameters = pika.URLParameters(self._url)
        parameters.heartbeat = 30
        parameters.blocked_connection_timeout = _CONFIRM_SECONDS
        parameters.socket_timeout = 5
        connection = SelectConnection(
            parameters,
            on_open_callback=lambda c: c.channel(on_open_callback=lambda channel: self._prepare(channel, opened)),
            on_open_error_callback=lambda c, error: self._lost(c, error, opened),
            on_close_callback=lambda c, error: self._lost(c, error, opened),
        )
        self._connection = connection
        self._thread = threading.Thread(target=connection.ioloop.start, name="publisher", daemon=True)
        self._thread.start()
        in_time = opened.wait(_OPEN_SECONDS)
        if self._channel is None:
            self.close()
            raise BrokerDown(self._closed_because if in_time else f"no connection within {_OPEN_SECONDS:.0f} seconds")

    # --- on the connection's thread -----------------------------------------------------------------------------

    def _prepare(self, channel: Channel, opened: threading.Event) -> None:
        channel.add_on_return_callback(self._returned)
        channel.add_on_close_callback(lambda _, error: self._channel_closed(channel, error))

        def ready(_: Any) -> None:
            self._tag = 0
            self._channel = channel
            opened.set()

        channel.confirm_delivery(self._confirmed, callback=ready)

    def _send(self, batch: _Batch, rows: Sequence[OutboxRow]) -> None:
        channel = self._channel
        if channel is None or not channel.is_open:
            batch.finished.set()
            return
        for row in rows:
            exchange, routing_key, mandatory = _address(row)
            properties = BasicProperties(
                content_type=CONTENT_TYPE,
                delivery_mode=pika.DeliveryMode.Persistent.value,
                headers=dict(row.envelope.headers()),
                message_id=row.envelope.id,
            )
            self._tag += 1
            batch.open[self._tag] = row.envelope.id
            channel.basic_publish(exchange, routing_key, row.envelope.body, properties, mandatory=mandatory)
        batch.all_sent = True
        self._finish(batch)

    def _returned(self, _: Channel, method: Basic.Return, properties: BasicProperties, body: bytes) -> None:
        # RabbitMQ sends a Return before the Ack of the same message.
        if self._batch is not None and properties.message_id:
            self._batch.failed[properties.message_id] = UNROUTABLE

    def _confirmed(self, frame: Any) -> None:
        batch = self._batch
        if batch is None:
            return
        tag, taken = frame.method.delivery_tag, isinstance(frame.method, Basic.Ack)
        tags = [t for t in batch.open if t <= tag] if frame.method.multiple else [tag]
        for confirmed in tags:
            message_id = batch.open.pop(confirmed, None)
            if message_id is not None and not taken:
                batch.failed.setdefault(message_id, "the broker refused it")
        self._finish(batch)

    def _finish(self, batch: _Batch) -> None:
        if batch.all_sent and not batch.open:
            batch.finished.set()

    def _channel_closed(self, channel: Channel, error: Exception) -> None:
        if channel.connection.is_open:
            channel.connection.close()
        self._closed_because = str(error)

    def _lost(self, connection: SelectConnection, error: Any, opened: threading.Event) -> None:
        self._closed_because = str(error) or type(error).__name__
        self._channel = None
        if self._connection is connection:
            self._connection = None
        connection.ioloop.stop()
        opened.set()
        if self._batch is not None:
            self._batch.finished.set()


def _end(connection: SelectConnection) -> None:
    if connection.is_open:
        connection.close()
    elif connection.is_closed:
        connection.ioloop.stop()


PublisherFactory = Callable[[str], Publisher]
