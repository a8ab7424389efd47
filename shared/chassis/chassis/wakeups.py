"""Wakes whoever waits for work as soon as it is committed, so that polling is only the safety net.

Within a process by an event; between the processes of a PostgreSQL store by NOTIFY on a connection of its own, after the
commit and coalesced: a NOTIFY inside the writer's transaction would serialise every commit of the instance (DESIGN.md).
Each kind of work has a channel of its own, so that no process is woken for what others do.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict

import psycopg
from psycopg import sql

from chassis.store import KEEPALIVES, Store

log = logging.getLogger(__name__)
_CHANNEL = "timeblu_"
_RECONNECT_SECONDS = 1.0
# The first wake-up is sent at once; under load those of so many milliseconds go together.
_COALESCE_SECONDS = 0.005
# How soon the listener sees that it is to end, or that more is waited for; a notification is seen at once.
_LISTEN_SECONDS = 0.5


class Wakeups:
    """Names of kinds of work, and the threads that wait for them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiters: defaultdict[str, list[threading.Event]] = defaultdict(list)
        self._lock = threading.Lock()
        self._to_send: set[str] = set()
        self._send = threading.Event()
        self._sender: threading.Thread | None = None
        self._listener: threading.Thread | None = None
        self._stopping = threading.Event()

    def after_commit(self, name: str) -> None:
        """Wake those who wait for `name` once the open unit of work is committed."""
        self._store.after_commit(lambda: self.notify(name))

    def notify(self, name: str) -> None:
        """Wake those who wait for `name`, in this process now and in others within milliseconds."""
        self._wake(name)
        if self._store.on_postgresql:
            with self._lock:
                self._to_send.add(name)
                if self._sender is None:
                    self._sender = threading.Thread(target=self._send_forever, name="wakeups-send", daemon=True)
                    self._sender.start()
            self._send.set()

    def subscribe(self, name: str) -> threading.Event:
        """An event that is set whenever `name` was notified; the waiter clears it before it looks for work."""
        event = threading.Event()
        with self._lock:
            self._waiters[name].append(event)
            if self._store.on_postgresql and self._listener is None:
                self._listener = threading.Thread(target=self._listen_forever, name="wakeups-listen", daemon=True)
                self._listener.start()
        return event

    def close(self) -> None:
        """End the threads and wake everybody who waits."""
        self._stopping.set()
        self._send.set()
        for name in self._waited_for():
            self._wake(name)
        for thread in (self._sender, self._listener):
            if thread is not None:
                thread.join(timeout=2)

    def _wake(self, name: str) -> None:
        with self._lock:
            events = list(self._waiters.get(name, ()))
        for event in events:
            event.set()

    def _send_forever(self) -> None:
        connection: psycopg.Connection | None = None
        while not (self._stopping.is_set() and not self._to_send):
            self._send.wait()
            self._send.clear()
            with self._lock:
                names, self._to_send = self._to_send, set()
            try:
                connection = connection or self._connect()
                for name in names:
                    connection.execute("SELECT pg_notify(%s, '')", (_CHANNEL + name,))
                self._stopping.wait(_COALESCE_SECONDS)
            except psycopg.Error:
                # Whoever waits polls as well: a wake-up that is lost costs time, not work.
                log.warning("wake-up not sent, waiters will poll", exc_info=True)
                if connection is not None:
                    connection.close()
                    connection = None
                self._stopping.wait(_RECONNECT_SECONDS)
        if connection is not None:
            connection.close()

    def _listen_forever(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._connect() as connection:
                    heard = set[str]()
                    while not self._stopping.is_set():
                        for name in self._waited_for() - heard:
                            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(_CHANNEL + name)))
                            heard.add(name)
                            self._wake(name)  # for what was notified while nobody listened
                        for notification in connection.notifies(timeout=_LISTEN_SECONDS):
                            self._wake(notification.channel.removeprefix(_CHANNEL))
            except psycopg.Error as error:
                log.warning("not listening for wake-ups, polling meanwhile: %s", error)
                self._stopping.wait(_RECONNECT_SECONDS)

    def _waited_for(self) -> set[str]:
        with self._lock:
            return set(self._waiters)

    def _connect(self) -> psycopg.Connection:
        url = self._store.url.replace("postgres://", "postgresql://", 1)
        return psycopg.connect(url, autocommit=True, connect_timeout=5, **KEEPALIVES)
