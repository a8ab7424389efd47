"""A bare pika loop: what a consumer costs that does nothing but the work, and what a publisher costs that does nothing but publish."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pika
import psycopg
from pika.adapters.blocking_connection import BlockingChannel

from benchmarks.peers.commands import BROKER_URL, QUEUE, STORE_URL, answer, events, obey
from benchmarks.peers.effect import work

_ARGUMENTS = {"x-queue-type": "quorum"}


def _properties(event_id: str) -> pika.BasicProperties:
    return pika.BasicProperties(
        content_type="application/json", delivery_mode=pika.DeliveryMode.Persistent, message_id=event_id
    )


def _channel() -> BlockingChannel:
    channel = pika.BlockingConnection(pika.URLParameters(BROKER_URL)).channel()
    channel.queue_declare(QUEUE, durable=True, arguments=_ARGUMENTS)
    return channel


def consume(at_once: int) -> None:
    """Up to `at_once` events a transaction, then one acknowledgement of them all; for ever."""
    channel = _channel()
    channel.basic_qos(prefetch_count=max(2 * at_once, 20))
    held: list[tuple[int, str, dict[str, Any]]] = []

    def arrived(_: BlockingChannel, method: Any, properties: pika.BasicProperties, body: bytes) -> None:
        held.append((method.delivery_tag, properties.message_id, json.loads(body)))
        if len(held) >= at_once:
            take()

    def take() -> None:
        with connection.transaction():
            for _, event_id, data in held:
                work(connection, event_id, data)
        channel.basic_ack(held[-1][0], multiple=True)
        held.clear()

    with psycopg.connect(STORE_URL) as connection:
        channel.basic_consume(QUEUE, arrived)
        while True:
            channel.connection.process_data_events(time_limit=0.05)
            if held:
                take()


def pipelined(number: int) -> None:
    """Publish all, then wait for the last confirm; prints how long that took."""
    _channel()
    ready = [(_properties(event_id), json.dumps(data).encode()) for event_id, data in events(number)]
    began = 0.0
    outstanding = set(range(1, number + 1))

    def confirmed(frame: Any) -> None:
        tag = frame.method.delivery_tag
        if frame.method.multiple:
            outstanding.difference_update([open_tag for open_tag in outstanding if open_tag <= tag])
        else:
            outstanding.discard(tag)
        if not outstanding:
            answer({"seconds": time.perf_counter() - began, "published": number})
            connection.close()

    def send(channel: Any) -> None:
        nonlocal began
        channel.confirm_delivery(confirmed)
        began = time.perf_counter()
        for properties, body in ready:
            channel.basic_publish("", QUEUE, body, properties)

    connection = pika.SelectConnection(
        pika.URLParameters(BROKER_URL),
        on_open_callback=lambda opened: opened.channel(on_open_callback=send),
        on_close_callback=lambda closed, _: closed.ioloop.stop(),
    )
    connection.ioloop.start()


def confirming() -> None:
    """A confirm a message, as `BlockingConnection` does it."""
    channel = _channel()
    channel.confirm_delivery()
    obey(lambda event_id, data: channel.basic_publish("", QUEUE, json.dumps(data).encode(), _properties(event_id)))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["consume", at_once]:
            consume(int(at_once))
        case ["pipelined", number]:
            pipelined(int(number))
        case _:
            confirming()
