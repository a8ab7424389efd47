"""The relay: takes events from the outbox to the broker, and marks them only when the broker has confirmed. Any number may run."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

from chassis import broker, outbox
from chassis.inbox import backoff
from chassis.outbox import OutboxRow
from chassis.publisher import UNROUTABLE, BrokerDown, Publisher, publisher
from chassis.service import Service
from chassis.store import StoreDown

log = logging.getLogger(__name__)
_BATCH = 500
_POLL_SECONDS = 1.0
_LONGEST_PAUSE = 5.0
# What a queue did not take is at nobody's fault but the queue's: once that is back, events come soon.
_LONGEST_RETRY = timedelta(seconds=30)


class Relay:
    """One service's relay, on a thread of its own. It is woken by `woken`, by default whenever something was committed to the outbox."""

    def __init__(self, service: Service, woken: threading.Event | None = None) -> None:
        self._service = service
        self._publisher: Publisher | None = None
        self._woken = woken or service.wakeups.subscribe(outbox.RELAY)
        # Set when a batch was full: a second relay that waits for it reads and marks while this one waits for confirms.
        self.more = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"relay-{service.name}", daemon=True)
        self._busy = False

    @property
    def ready(self) -> bool:
        """Whether the broker is connected just now."""
        return self._publisher is not None and self._publisher.connected

    @property
    def idle(self) -> bool:
        """Whether nothing is being published and nobody has just asked for it."""
        return not self._busy and not self._woken.is_set()

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 30) -> None:
        """Finish the batch at hand, then end."""
        self._stopping.set()
        self._woken.set()
        self._thread.join(timeout=timeout)
        if self._publisher is not None:
            self._publisher.close()

    def _run(self) -> None:
        pause = 0.1
        while not self._stopping.is_set():
            self._busy = True
            self._woken.clear()
            try:
                if not self.ready:
                    self._connect()
                # What is committed meanwhile wakes: only a full batch tells of more.
                while self.relay_batch() == _BATCH and not self._stopping.is_set():
                    pass
                pause = 0.1
            except BrokerDown as error:
                log.warning("the broker is down, events wait in the outbox: %s", error)
                self._pause(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            except StoreDown as error:
                log.warning("the store is down: %s", error)
                self._pause(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            except Exception:
                log.exception("the relay failed, it goes on")
                self._pause(_POLL_SECONDS)
            finally:
                self._busy = False
            self._woken.wait(_POLL_SECONDS)

    def relay_batch(self) -> int:
        """Publish what is due, one batch; returns how many were tried."""
        service, store = self._service, self._service.store
        assert self._publisher is not None
        now = service.clock.now()
        source = f"/timeblu/{service.name}"
        if store.on_postgresql:
            # The rows stay locked until they are marked: another relay passes them by, and a crash frees them.
            with store.transaction(outbox.asked_to_claim(store, now=now, limit=_BATCH)):
                rows = outbox.claim(store, source=source, now=now, limit=_BATCH)
                if len(rows) == _BATCH:
                    self.more.set()
                if rows:
                    self._mark(rows, self._publisher.publish(rows))
        else:
            # SQLite has one writer: it is not held up while the broker confirms. Two relays may publish a row twice; inboxes ignore that.
            with store.reading():
                rows = outbox.claim(store, source=source, now=now, limit=_BATCH)
            if rows:
                failed = self._publisher.publish(rows)
                with store.transaction():
                    self._mark(rows, failed)
        return len(rows)

    def _mark(self, rows: list[OutboxRow], failed: dict[str, str]) -> None:
        service, store, now = self._service, self._service.store, self._service.clock.now()
        outbox.mark_published(store, [row.envelope.id for row in rows if row.envelope.id not in failed], now)
        service.metrics.published.inc(len(rows) - len(failed))
        for row in rows:
            error = failed.get(row.envelope.id)
            if error is None:
                continue
            if error == UNROUTABLE:
                service.metrics.unroutable.inc()
            log.error("event %s (%s) stays unpublished: %s", row.envelope.id, row.envelope.type, error)
            outbox.mark_failed(store, row.envelope.id, error, now + backoff(row.attempts + 1, _LONGEST_RETRY))

    def _connect(self) -> None:
        url = self._service.settings.broker_url
        with broker.connect(url) as connection:
            try:
                connection.ensure_connection(max_retries=1, interval_start=0.1)
                broker.declare(connection)
            except broker.losses(connection) as error:
                raise BrokerDown(str(error)) from error
        opened = self._publisher or publisher(url)
        opened.open()
        self._publisher = opened

    def _pause(self, seconds: float) -> None:
        self._stopping.wait(seconds)


def drain(relay: Relay, seconds: float) -> None:
    """Wait until the relay is idle, at most so long."""
    deadline = time.monotonic() + seconds
    while not relay.idle and time.monotonic() < deadline:
        time.sleep(0.005)
