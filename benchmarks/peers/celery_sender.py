"""Celery sending what our worker sends: a pool of threads, each message remembered in PostgreSQL before the call and marked after it."""

from __future__ import annotations

import base64
import http.client
import os
import sys
import threading
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg

from benchmarks.peers.celery_settings import tuned
from benchmarks.peers.commands import STORE_URL, answer

PROVIDER = urlsplit(os.environ.get("PROVIDER", ""))
app = tuned("sender", prefetch=2)
_of_thread = threading.local()


def _connections() -> tuple[psycopg.Connection, http.client.HTTPConnection]:
    """A thread's own, kept open."""
    if not hasattr(_of_thread, "store"):
        _of_thread.store = psycopg.connect(STORE_URL)
        _of_thread.provider = http.client.HTTPConnection(PROVIDER.hostname or "", PROVIDER.port)
    return _of_thread.store, _of_thread.provider


@app.task(name="send", acks_late=True, ignore_result=True)
def send(id: str, to: str, text: str) -> None:
    store, provider = _connections()
    with store.transaction():
        if not store.execute("INSERT INTO sends (id) VALUES (%s) ON CONFLICT DO NOTHING", (id,)).rowcount:
            return
    credentials = base64.b64encode(b"AC3:4").decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
    provider.request("POST", "/Messages.json", urlencode({"To": to, "From": "+15005550006", "Body": text}), headers)
    provider.getresponse().read()
    with store.transaction():
        store.execute("UPDATE sends SET sent_at = clock_timestamp() WHERE id = %s", (id,))


def _fill(count: int) -> None:
    for number in range(count):
        to = f"+4917{number:08}"
        arguments: tuple[Any, ...] = (f"dlv_{number}", to, "Reminder: Coaching with Praxis on 01/12/26 at 10:00.")
        send.apply_async(arguments)
    answer({"published": count})


if __name__ == "__main__":
    _fill(int(sys.argv[1]))
