"""Publishes with confirms: pipelined by pika on RabbitMQ, at once on the memory broker.

A confirm a message is a round trip a message; here all of a batch are on their way before the first is waited for.
`SelectConnection` runs on a thread of its own, as `BlockingConnection` waits for each confirm.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pika
from pika.adapters.select_connection import SelectConnection
from pika.channel import Channel
from pika.exceptions import AMQPError
from pika.spec import Basic, BasicProperties

from chassis import broker
from chassis.outbox import OutboxRow
from contracts import topology
from contracts.envelope import CONTENT_TYPE
from contracts.registry import EVENT_TYPES

log = logging.getLogger(__name__)
_CONFIRM_SECONDS = 30.0
_OPEN_SECONDS = 10.0
_PRECONDITION_FAILED = 406
_PIECE = 64_000
UNROUTABLE = "no queue took it, although a consumer is registered"


class BrokerDown(Exception):
    """The broker cannot be reached; nothing is known to have been published since the last confirm."""


class Publisher(Protocol):
    """Publishes batches; returns, for each row that the broker did not take, its id and why."""

    @property
    def connected(self) -> bool: ...

    def open(self) -> None: ...

    def publish(self, rows: Sequence[OutboxRow]) -> dict[str, str]: ...

    def close(self) -> None: ...


def publisher(url: str) -> Publisher:
    """The publisher for the broker at `url`."""
    return MemoryPublisher(url) if broker.on_memory(url) else PipelinedPublisher(url)


def _address(row: OutboxRow) -> tuple[str, str, bool]:
    """Exchange, routing key, and whether a queue must take it."""
    if row.queue:
        return "", row.queue, True
    registered = EVENT_TYPES.get(row.envelope.type)  # None: an older release published it, and some may still want it
    return topology.EXCHANGE, row.envelope.type, registered is not None and bool(registered.consumers)


class MemoryPublisher:
    """For the broker in this process."""

    connected = True

    def __init__(self, url: str) -> None:
        self._connection = broker.connect(url)
        self._producer = self._connection.Producer(serializer="json")

    def open(self) -> None:
        """There is nothing to reach."""

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
    """The rows on their way, by delivery tag, and what became of them, by event id. `refused` closed the channel on one of them."""

    open: dict[int, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    refused: str | None = None
    finished: threading.Event = field(default_factory=threading.Event)
    all_sent: bool = False


class _GatheringConnection(SelectConnection):
    """Sends what is written under `gathered` in few pieces: by itself pika calls the system for each of a message's three frames."""

    _gathered: bytearray | None = None

    @contextmanager
    def gathered(self) -> Iterator[None]:
        self._gathered = bytearray()
        try:
            yield
        finally:
            self._pass_on()
            self._gathered = None

    def _adapter_emit_data(self, data: bytes) -> None:
        if self._gathered is None:
            super()._adapter_emit_data(data)
            return
        self._gathered += data
        if len(self._gathered) >= _PIECE:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._gathered:
            super()._adapter_emit_data(bytes(self._gathered))
            self._gathered.clear()


class PipelinedPublisher:
    """For RabbitMQ: persistent, `mandatory` where a consumer is registered, confirmed. Connects when needed; one batch at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: _GatheringConnection | None = None
        self._channel: Channel | None = None
        self._thread: threading.Thread | None = None
        self._batch: _Batch | None = None
        self._tag = 0
        self._closed_because = "it was never open"

    @property
    def connected(self) -> bool:
        channel = self._channel
        return channel is not None and bool(channel.is_open)

    def publish(self, rows: Sequence[OutboxRow]) -> dict[str, str]:
        """Publish `rows` and wait until each is confirmed, refused or returned.

        Raises:
            BrokerDown: the connection was lost or the broker stayed silent; some of the rows may have arrived.
        """
        batch = self._publish(rows)
        if batch.refused is None:
            return batch.failed
        if len(rows) == 1:
            return {rows[0].envelope.id: batch.refused}
        log.warning("the broker refused one of %d events, each is published alone: %s", len(rows), batch.refused)
        return {id: why for row in rows for id, why in self.publish([row]).items()}

    def open(self) -> None:
        """Connect, unless that is done.

        Raises:
            BrokerDown: the broker cannot be reached.
        """
        if self.connected:
            return
        self.close()
        opened = threading.Event()
        parameters = pika.URLParameters(self._url)
        parameters.heartbeat = 30
        parameters.blocked_connection_timeout = _CONFIRM_SECONDS
        parameters.socket_timeout = 5
        connection = _GatheringConnection(
            parameters,
            on_open_callback=lambda c: c.channel(on_open_callback=lambda channel: self._prepare(channel, opened)),
            on_open_error_callback=lambda c, error: self._lost(c, error, opened),
            on_close_callback=lambda c, error: self._lost(c, error, opened),
        )
        self._connection = connection
        self._thread = threading.Thread(target=self._loop, args=(connection, opened), name="publisher", daemon=True)
        self._thread.start()
        in_time = opened.wait(_OPEN_SECONDS)
        if self._channel is None:
            self.close()
            raise BrokerDown(self._closed_because if in_time else f"no connection within {_OPEN_SECONDS:.0f} seconds")

    def close(self) -> None:
        """End the connection; whatever is unconfirmed stays unpublished."""
        connection, thread = self._connection, self._thread
        self._connection = self._channel = self._thread = None
        if connection is not None and thread is not None and thread.is_alive():
            connection.ioloop.add_callback_threadsafe(lambda: _end(connection))
            thread.join(timeout=5)

    def _publish(self, rows: Sequence[OutboxRow]) -> _Batch:
        self.open()
        batch = self._batch = _Batch()
        connection = self._connection
        if connection is None:
            raise BrokerDown(self._closed_because)
        connection.ioloop.add_callback_threadsafe(lambda: self._send(connection, batch, rows))
        finished = batch.finished.wait(_CONFIRM_SECONDS)
        if batch.refused is None and (self._connection is None or not finished):
            self.close()
            raise BrokerDown(self._closed_because if finished else f"no confirm within {_CONFIRM_SECONDS:.0f} seconds")
        return batch

    # --- on the connection's thread -----------------------------------------------------------------------------

    def _loop(self, connection: SelectConnection, opened: threading.Event) -> None:
        try:
            connection.ioloop.start()
        except Exception as error:
            log.exception("the publisher's connection failed")
            self._lost(connection, error, opened)
        finally:
            connection.ioloop.close()

    def _prepare(self, channel: Channel, opened: threading.Event) -> None:
        channel.add_on_return_callback(self._returned)
        channel.add_on_close_callback(lambda _, error: self._channel_closed(channel, error))

        def ready(_: Any) -> None:
            if self._connection is channel.connection:
                self._tag = 0
                self._channel = channel
            opened.set()

        channel.confirm_delivery(self._confirmed, callback=ready)

    def _send(self, connection: _GatheringConnection, batch: _Batch, rows: Sequence[OutboxRow]) -> None:
        channel = self._channel
        if channel is None or not channel.is_open:
            batch.finished.set()
            return
        with connection.gathered():
            for row in rows:
                self._send_one(channel, batch, row)
        batch.all_sent = True
        self._finish(batch)

    def _send_one(self, channel: Channel, batch: _Batch, row: OutboxRow) -> None:
        exchange, routing_key, mandatory = _address(row)
        properties = BasicProperties(
            content_type=CONTENT_TYPE,
            delivery_mode=pika.DeliveryMode.Persistent.value,
            headers=dict(row.envelope.headers()),
            message_id=row.envelope.id,
        )
        try:
            channel.basic_publish(exchange, routing_key, row.envelope.body, properties, mandatory=mandatory)
        except (AMQPError, ValueError) as error:
            # pika encodes before it sends: nothing of this one has left.
            batch.failed[row.envelope.id] = f"{type(error).__name__}: {error}"
            return
        self._tag += 1
        batch.open[self._tag] = row.envelope.id

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
        # PRECONDITION_FAILED is about a message (it is too large); other reasons, such as a missing exchange, are about us all.
        if self._batch is not None and getattr(error, "reply_code", None) == _PRECONDITION_FAILED:
            self._batch.refused = str(error)
        if channel.connection.is_open:
            channel.connection.close(reply_text=str(error)[:200])

    def _lost(self, connection: SelectConnection, error: Any, opened: threading.Event) -> None:
        connection.ioloop.stop()
        if self._connection is connection:
            self._closed_because = str(error) or type(error).__name__
            self._connection = self._channel = None
            if self._batch is not None:
                self._batch.finished.set()
        opened.set()


def _end(connection: SelectConnection) -> None:
    if connection.is_closed:
        connection.ioloop.stop()
    elif not connection.is_closing:
        connection.close()
