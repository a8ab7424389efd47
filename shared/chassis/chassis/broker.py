"""The broker as kombu speaks it: RabbitMQ, or the memory broker of the embedded suite, declared alike by whoever starts first."""

from __future__ import annotations

from typing import Any

from amqp import serialization
from amqp.spec import Basic
from kombu import Connection, Exchange, Queue
from kombu.exceptions import KombuError

from chassis import memory_broker
from contracts import topology

_HEARTBEAT_SECONDS = 30


def on_memory(url: str) -> bool:
    """Whether `url` is the broker that lives in this process, and forgets."""
    return url.startswith("memory:")


def connect(url: str) -> Connection:
    """A connection, not yet open. One thread uses it."""
    serialization.PROPERTY_CLASSES[Basic.CLASS_ID] = _properties
    if on_memory(url):
        return Connection(url, transport=memory_broker.Transport)
    return Connection(url, heartbeat=_HEARTBEAT_SECONDS, connect_timeout=5)


def _properties(frame: Any, offset: int) -> tuple[dict[str, Any], int]:
    """A message's properties, or none where they cannot be decoded, as a date of the year 55,000 or a type that is not UTF-8.

    amqp raises instead, which ends the connection each time that the message comes: it would stop everybody for ever. Without
    properties it is parked as any other that is no event.
    """
    try:
        decoded: tuple[dict[str, Any], int] = serialization.decode_properties_basic(frame, offset)
    except Exception:
        return {}, offset
    return decoded


def losses(connection: Connection) -> tuple[type[Exception], ...]:
    """The errors by which a connection tells that it cannot be made, or is lost."""
    return (KombuError, *connection.connection_errors, *connection.channel_errors, OSError)


def events_exchange() -> Exchange:
    return Exchange(topology.EXCHANGE, type="topic", durable=True)


def queue(name: str) -> Queue:
    """The declared queue of this name."""
    return next(_queue(found) for found in topology.queues() if found.name == name)


def declare(connection: Connection) -> None:
    """Declare every exchange, queue and binding; what exists already is left as it is."""
    with connection.channel() as channel:
        exchange = events_exchange()(channel)
        exchange.declare()
        dead = Exchange(topology.DEAD_LETTER_EXCHANGE, type="direct", durable=True)(channel)
        dead.declare()
        for found in topology.queues():
            bound = _queue(found)(channel)
            bound.declare()
            for routing_key in found.bindings:
                bound.bind_to(exchange, routing_key=routing_key)
            if found.name.endswith(".dead"):
                bound.bind_to(dead, routing_key=found.name)


def _queue(found: topology.Queue) -> Queue:
    return Queue(found.name, durable=True, queue_arguments=dict(found.arguments))
