"""Celery doing what our relay and consumer do, in prefork processes."""

from __future__ import annotations

import os
from typing import Any

import psycopg
from celery.signals import worker_process_init  # type: ignore[import-not-found]

from benchmarks.peers.celery_settings import tuned
from benchmarks.peers.commands import STORE_URL, obey
from benchmarks.peers.effect import work

app = tuned("peer", prefetch=int(os.environ.get("PREFETCH", "16")))
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
