"""Celery, tuned as its manual advises for tasks that must not be lost: quorum queue, publisher confirms, late acknowledgement."""

from __future__ import annotations

import os
from typing import Any

import psycopg
from celery import Celery  # type: ignore[import-not-found]
from celery.signals import worker_process_init  # type: ignore[import-not-found]
from kombu import Queue

from benchmarks.peers.commands import BROKER_URL, QUEUE, STORE_URL, obey
from benchmarks.peers.effect import work

app = Celery("peer", broker=BROKER_URL)
app.conf.update(
    task_default_queue=QUEUE,
    task_default_queue_type="quorum",
    task_queues=[Queue(QUEUE, durable=True, queue_arguments={"x-queue-type": "quorum"})],
    broker_transport_options={"confirm_publish": True},
    worker_detect_quorum_queues=True,
    worker_prefetch_multiplier=int(os.environ.get("PREFETCH", "16")),
    task_acks_late=True,
    task_ignore_result=True,
    task_serializer="json",
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)
_connections: list[psycopg.Connection] = []


@worker_process_init.connect
def connect(**_: Any) -> None:
    """One connection a worker process, kept open."""
    _connections.append(psycopg.connect(STORE_URL))


@app.task(name="service_updated", acks_late=True, ignore_result=True)
def service_updated(event_id: str, data: dict[str, Any]) -> None:
    with _connections[0].transaction():
        work(_connections[0], event_id, data)


def publish(event_id: str, data: dict[str, Any]) -> None:
    service_updated.apply_async((event_id, data))


if __name__ == "__main__":
    obey(publish)
