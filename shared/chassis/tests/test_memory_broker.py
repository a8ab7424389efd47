"""The broker in memory wakes who waits."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection, Consumer, Queue

from chassis import broker


@pytest.fixture
def connection() -> Iterator[Connection]:
    with broker.connect("memory://") as made:
        yield made


def test_who_waits_is_woken_by_what_another_publishes(connection: Connection) -> None:
    queue, got = Queue(uuid.uuid4().hex), list[str]()
    waiting = threading.Event()

    def publish() -> None:
        waiting.wait()
        with broker.connect("memory://") as other, other.channel() as channel:
            other.Producer(channel).publish("here", routing_key=queue.name, serializer="json")

    publisher = threading.Thread(target=publish)
    publisher.start()
    with Consumer(connection.channel(), [queue], callbacks=[lambda body, message: got.append(body)]):
        waiting.set()
        connection.drain_events(timeout=30)
    publisher.join()
    assert got == ["here"]


def test_waiting_ends_where_nothing_comes(connection: Connection) -> None:
    queue = Queue(uuid.uuid4().hex)
    with Consumer(connection.channel(), [queue], callbacks=[]), pytest.raises(TimeoutError):
        connection.drain_events(timeout=0.01)


def test_what_cannot_be_taken_yet_is_taken_once_there_is_room(connection: Connection) -> None:
    queue = Queue(uuid.uuid4().hex)
    got: list[Any] = []
    channel = connection.channel()
    with Consumer(channel, [queue], on_message=got.append, prefetch_count=1):
        for word in ("first", "second"):
            connection.Producer(channel).publish(word, routing_key=queue.name)
        connection.drain_events(timeout=30)
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.01)
        got[0].ack()
        connection.drain_events(timeout=30)
    assert [message.payload for message in got] == ["first", "second"]
