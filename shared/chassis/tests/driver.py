"""Drives the ledger as its broker, its callers and its operators would."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pika
from flask import Flask
from flask.testing import FlaskClient
from kombu.transport.memory import Channel as MemoryChannel
from shared.chassis.tests.ledger.service import Ledger, account, client, put_together, settings_for

from chassis import auth, inbox, outbox
from chassis.clock import OffsetClock
from chassis.consumer import EventConsumer
from chassis.ids import new_event_id
from chassis.inbox import InboxEntry, Message
from chassis.jobs import JobRunner
from chassis.relay import Relay
from chassis.service import Service, migrate
from contracts.envelope import Envelope
from support.waiting import wait_until

ROOT = Path(__file__).parents[3]
QUEUE, DEAD = "payments.events", "payments.dead"
Environment = dict[str, str]


@dataclass(kw_only=True)
class Bench:
    """A ledger, its clock, and the parts that a test has started."""

    service: Service
    ledger: Ledger
    clock: OffsetClock
    _started: list[Any] = field(default_factory=list)
    _app: Flask | None = None
    _making: Any = field(default_factory=threading.Lock)

    # --- parts --------------------------------------------------------------------------------------------------

    def relay(self) -> Relay:
        """A relay, started and connected."""
        made = Relay(self.service)
        self._start(made)
        wait_until(lambda: made.ready, what="the relay to be ready")
        return made

    def consumer(self, *, retries: bool = True) -> EventConsumer:
        """A consumer, started and consuming, with the job that runs kept events."""
        made = EventConsumer(self.service)
        self._start(made)
        if retries:
            self._start(JobRunner([made.inbox.retries()], self.service.wakeups, self.service.metrics))
        wait_until(lambda: made.ready, what="the consumer to be ready")
        return made

    def _start(self, part: Any) -> None:
        self._started.append(part)
        part.start()

    def stop(self, part: Any) -> None:
        self._started.remove(part)
        part.stop()

    def close(self) -> None:
        for part in reversed(self._started):
            part.stop()
        self._started.clear()
        self.service.wakeups.close()
        self.service.store.close()

    # --- events -------------------------------------------------------------------------------------------------

    def publish(
        self, *, subject: str = "acc_one", name: str = "Ada", type: str = "account.created", **more: Any
    ) -> str:
        """Publish an event about an account in a unit of work of its own; returns its id."""
        with self.service.store.transaction():
            return self.publish_inside(subject=subject, name=name, type=type, **more)

    def publish_inside(
        self, *, subject: str = "acc_one", name: str = "Ada", type: str = "account.created", account_id: str = ""
    ) -> str:
        owner = account_id or subject
        data = client(subject, owner, name=name) if type.startswith("client.") else account(subject, name=name)
        return self.service.outbox.publish(type, subject=subject, account_id=owner, sequence=1, data=data)

    def message(
        self,
        *,
        subject: str = "acc_one",
        name: str = "Ada",
        type: str = "account.created",
        account_id: str = "",
        id: str = "",
        delivered_before: bool = False,
        **more: Any,
    ) -> Message:
        """An event as the broker would bring it."""
        owner = account_id or subject
        data = client(subject, owner, name=name) if type.startswith("client.") else account(subject, name=name)
        envelope = Envelope(
            id=id or new_event_id(),
            source="test",
            type=type,
            subject=subject,
            time=self.clock.now(),
            dataschema=1,
            account_id=owner,
            sequence=1,
            traceparent=None,
            body=outbox.encode(type, data).encode(),
        )
        return Message(headers=envelope.headers(), body=envelope.body, delivered_before=delivered_before)

    def inbox(self) -> inbox.Inbox:
        return inbox.inbox_of(self.service)

    # --- what can be seen ---------------------------------------------------------------------------------------

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.service.store.reading():
            return self.service.store.execute(sql, parameters)

    def entries(self, event_id: str | None = None) -> int:
        """How many effects there were, of one event or of all."""
        if event_id is None:
            return int(self.rows("SELECT count(*) FROM entries")[0][0])
        return int(self.rows("SELECT count(*) FROM entries WHERE event_id = %s", event_id)[0][0])

    def unpublished(self) -> int:
        return int(self.rows("SELECT count(*) FROM outbox WHERE published_at IS NULL")[0][0])

    def status(self, event_id: str) -> str | None:
        """What the inbox says of an event."""
        found = self.rows("SELECT status FROM inbox WHERE event_id = %s", event_id)
        return str(found[0][0]) if found else None

    def kept(self, status: str) -> list[InboxEntry]:
        return inbox.entries(self.service.store, status=status, after=None, limit=200)

    def wait_status(self, event_id: str, status: str, deadline: float = 10) -> None:
        wait_until(lambda: self.status(event_id) == status, deadline=deadline, what=f"{event_id} to be {status}")

    def metric(self, name: str, **labels: str) -> float:
        return self.service.metrics.registry.get_sample_value(name, labels) or 0.0

    # --- HTTP ---------------------------------------------------------------------------------------------------

    @property
    def app(self) -> Flask:
        from chassis.app import create_app

        with self._making:
            if self._app is None:
                self._app = create_app(self.service)
        return self._app

    def http(self, *, account_id: str = "acc_one", scope: str = "payments:read payments:write ops") -> FlaskClient:
        """A caller of the API."""
        secret = self.service.settings.auth_jwt_secret
        assert secret is not None
        caller = self.app.test_client()
        caller.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {auth.issue(secret, account_id=account_id, scope=scope)}"
        return caller


def make_bench(store_url: str, broker_url: str, **settings: Any) -> Bench:
    """A ledger with its tables made; a memory broker is emptied of what an earlier test left in it."""
    if broker_url == "memory://":
        MemoryChannel.queues.clear()
    clock = OffsetClock()
    service, ledger = put_together(settings_for(store_url, broker_url, **settings), clock)
    migrate(service)
    return Bench(service=service, ledger=ledger, clock=clock)


def environment_for(store_url: str, broker_url: str) -> Environment:
    """What a process of the ledger is told."""
    settings = settings_for(store_url, broker_url)
    return {
        "PYTHONPATH": str(ROOT),
        "STORE_URL": store_url,
        "BROKER_URL": broker_url,
        "PUBLIC_URL": settings.public_url,
        "SERVICE_JWT_SECRET": settings.service_jwt_secret,
        "AUTH_JWT_SECRET": settings.auth_jwt_secret or "",
    }


def send_raw(broker_url: str, messages: Iterable[Message], queue: str = QUEUE) -> None:
    """Put messages on a queue of RabbitMQ, whatever they are."""
    connection = pika.BlockingConnection(pika.URLParameters(broker_url))
    channel = connection.channel()
    channel.confirm_delivery()
    for message in messages:
        properties = pika.BasicProperties(headers=dict(message.headers), delivery_mode=2)
        channel.basic_publish("", queue, message.body, properties, mandatory=True)
    connection.close()


def together(count: int, act: Any) -> list[Any]:
    """What `act(number)` returned or raised in so many threads that begin at once."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = act(number)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
