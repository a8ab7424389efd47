"""The roles a service's process can have: each starts, tells when it is ready, and on SIGTERM finishes, acknowledges and closes."""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from peewee import PeeweeException
from prometheus_client import CONTENT_TYPE_LATEST

from chassis import inbox, outbox
from chassis.health import meta, render_metrics
from chassis.jobs import Job, JobRunner
from chassis.service import Service, migrate
from chassis.store import StoreDown

log = logging.getLogger(__name__)
_LONGEST_PAUSE = 5.0
# About what twenty requests leave behind.
_YOUNG_OBJECTS = 10_000
_JSON, _PROBLEM = "application/json", "application/problem+json"


class Part(Protocol):
    """Something with threads of its own."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


def housekeeping(service: Service) -> list[Job]:
    """Deletes what the chassis keeps no longer: published events, ids of handled ones, idempotent answers."""

    def tidy() -> int:
        from chassis.idempotency import delete_expired

        now, settings = service.clock.now(), service.settings
        return (
            outbox.delete_published(service.store, now=now, keep=timedelta(days=settings.outbox_retention_days))
            + inbox.delete_done(service.store, now=now, keep=timedelta(days=settings.inbox_retention_days))
            + delete_expired(service.store, service.clock)
        )

    return [Job(name="housekeeping", run=tidy, every=timedelta(minutes=10))]


def run_api(service: Service) -> None:
    """Serve HTTP."""
    from chassis.app import create_app
    from chassis.http_server import HttpServer

    settings = service.settings
    _run(
        service,
        [
            HttpServer(
                create_app(service), host=settings.http_host, port=settings.http_port, threads=settings.http_threads
            )
        ],
    )


def run_relay(service: Service) -> None:
    """Publish the outbox; on PostgreSQL two relays, of which the second joins in when there is more than a batch (a half faster, measured)."""
    from chassis.relay import Relay

    relays = [Relay(service)]
    if service.store.on_postgresql:
        relays.append(Relay(service, relays[0].more))
    _run(service, [*relays], ready=lambda: all(relay.ready for relay in relays))


def run_consume(service: Service) -> None:
    """Handle events, and retry those that are kept."""
    from chassis.consumer import EventConsumer

    os.nice(service.settings.consumer_niceness)
    consumer = EventConsumer(service)
    retries = JobRunner([consumer.inbox.retries()], service.wakeups, service.metrics)
    _run(service, [consumer, retries], ready=lambda: consumer.ready)


def run_jobs(service: Service) -> None:
    """Do what falls due by the clock."""
    jobs = JobRunner([*service.jobs(), *housekeeping(service)], service.wakeups, service.metrics)
    _run(service, [jobs], ready=lambda: True)


def run_work(service: Service, channel: str, concurrency: int) -> None:
    """Send what is due on one channel."""
    from chassis.worker import QueueWorker

    worker = QueueWorker(service, service.workers()[channel], concurrency)
    _run(service, [worker], ready=lambda: worker.ready)


def _run(service: Service, members: list[Part], ready: Callable[[], bool] | None = None) -> None:
    """Run `members` until a signal comes; of a process without an API `ready` tells when it is."""
    stopping, running, started = threading.Event(), threading.Event(), list[Part]()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())

    def start(part: Part) -> None:
        part.start()
        started.append(part)

    try:
        if ready is not None:
            # First of all: a process that waits for its store is alive, though not ready.
            start(_Health(service, lambda: running.is_set() and ready() and service.store.answers()))
        if _migrated(service, stopping):
            for member in members:
                start(member)
            _spare_the_collector()
            running.set()
            log.info("started")
            stopping.wait()
            log.info("stopping")
    finally:
        for part in reversed(started):
            part.stop()
        service.wakeups.close()
        service.store.close()


def _spare_the_collector() -> None:
    """What was made up to here stays until the end: let it be, and look for circles less often than at every 700 new objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 10, 10)


def _migrated(service: Service, stopping: threading.Event) -> bool:
    """Bring the store up to date, waiting while it is down; False where the process is to end meanwhile."""
    pause = 0.2
    while not stopping.is_set():
        try:
            for name in migrate(service):
                log.info("migration %s applied", name)
            return True
        except StoreDown as error:
            log.warning("the store is down, starting when it is back: %s", error)
            stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
    return False


class _Health:
    """/healthz, /readyz, /metrics and /meta of a process without an API, by the standard library alone to stay small."""

    def __init__(self, service: Service, ready: Callable[[], bool]) -> None:
        def answer(path: str) -> tuple[int, str, bytes]:
            match path:
                case "/healthz":
                    return 200, _JSON, b'{"status": "alive"}\n'
                case "/readyz":
                    return (
                        (200, _JSON, b'{"status": "ready"}\n')
                        if ready()
                        else (503, _JSON, b'{"status": "not ready"}\n')
                    )
                case "/metrics":
                    return 200, CONTENT_TYPE_LATEST, render_metrics(service)
                case "/meta":
                    return 200, _JSON, json.dumps(meta(service)).encode()
            return 404, _PROBLEM, b'{"title": "There is no such thing here", "status": 404, "code": "not_found"}\n'

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                try:
                    status, content_type, body = answer(self.path.partition("?")[0])
                except (StoreDown, PeeweeException) as error:
                    log.warning("%s cannot be answered: %s", self.path, error)
                    status, content_type, body = (
                        503,
                        _PROBLEM,
                        b'{"title": "The store is down", "status": 503, "code": "unavailable"}\n',
                    )
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                if status == 503:
                    self.send_header("Retry-After", "1")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                log.debug(format, *args)

        self._server = ThreadingHTTPServer((service.settings.http_host, service.settings.http_port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="health", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
