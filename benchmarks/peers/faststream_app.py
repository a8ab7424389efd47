"""FastStream on aio-pika, one process: manual acknowledgement, several events at once up to its connections to the store."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

import psycopg
from faststream import AckPolicy, FastStream  # type: ignore[import-not-found]
from faststream.rabbit import (  # type: ignore[import-not-found]
    Channel,
    QueueType,
    RabbitBroker,
    RabbitMessage,
    RabbitQueue,
)
from pydantic import BaseModel  # type: ignore[import-not-found,unused-ignore]

from benchmarks.peers.commands import BROKER_URL, QUEUE, STORE_URL, answer, events
from benchmarks.peers.effect import FIRST_ROW, REMEMBER, SECOND_ROW, first_row, second_row

_AT_ONCE = int(os.environ.get("AT_ONCE", "4"))
_queue = RabbitQueue(QUEUE, queue_type=QueueType.QUORUM, durable=True)
broker = RabbitBroker(BROKER_URL)
app = FastStream(broker)
_idle: asyncio.Queue[psycopg.AsyncConnection] = asyncio.Queue()


class Price(BaseModel):  # type: ignore[misc,unused-ignore]
    amount: int
    currency: str


class Terms(BaseModel):  # type: ignore[misc,unused-ignore]
    type: str
    amount: int | None
    percent: int | None


class ServiceUpdated(BaseModel):  # type: ignore[misc,unused-ignore]
    id: str
    account_id: str
    version: int
    name: str
    description: str
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    price: Price | None
    deposit: Terms | None
    color: str
    online: bool
    active: bool


@app.on_startup
async def connect() -> None:
    for _ in range(_AT_ONCE):
        _idle.put_nowait(await psycopg.AsyncConnection.connect(STORE_URL))


@broker.subscriber(_queue, ack_policy=AckPolicy.MANUAL, channel=Channel(prefetch_count=2 * _AT_ONCE))
async def service_updated(event: ServiceUpdated, message: RabbitMessage) -> None:
    data: dict[str, Any] = event.model_dump()
    connection = await _idle.get()
    try:
        async with connection.transaction():
            if (await connection.execute(REMEMBER, (message.message_id,))).rowcount:
                await connection.execute(FIRST_ROW, first_row(message.message_id, data))
                await connection.execute(SECOND_ROW, second_row(message.message_id, data))
    finally:
        _idle.put_nowait(connection)
    await message.ack()


async def publish(number: int, at_once: int) -> None:
    """Publish with confirms, `at_once` under way together, and print how long it took."""
    ready = events(number)
    async with RabbitBroker(BROKER_URL) as publisher:
        await publisher.declare_queue(_queue)

        async def one(event_id: str, data: dict[str, Any]) -> None:
            await publisher.publish(data, _queue, message_id=event_id, persist=True)

        await one(*events(1)[0])
        began = time.perf_counter()
        for start in range(0, number, at_once):
            await asyncio.gather(*(one(*found) for found in ready[start : start + at_once]))
        answer({"seconds": time.perf_counter() - began, "published": number + 1})


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["publish", number, at_once]:
            asyncio.run(publish(int(number), int(at_once)))
        case ["consume"]:
            asyncio.run(app.run())
        case asked:
            raise SystemExit(f"asked for {asked}")
