"""The four real services in one process with the test as their broker: it decides what arrives when, how often and together with what."""

from __future__ import annotations

import importlib
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chassis import inbox, outbox
from chassis.app import create_app
from chassis.clock import Clock
from chassis.http_server import HttpServer
from chassis.inbox import Inbox, Message, event_of, inbox_of
from chassis.jobs import Job
from chassis.outbox import OutboxRow
from chassis.service import Service, Worker, migrate
from chassis.settings import read_settings
from contracts import topology
from contracts.envelope import Envelope
from contracts.registry import SERVICES
from sandbox.app import Sandbox, create_sandbox
from sandbox.settings import from_environment
from support.processes import Processes
from support.suite import Deployment
from support.waiting import wait_until

_THREADS = 4
# How far the clock may run ahead for what retries, waits or backs off; reminders and due dates lie beyond it.
_AT_REST_WITHIN = timedelta(seconds=150)
_TICKS = 20_000


class HandClock:
    """Time that passes when the test says so."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> datetime:
        self._now += timedelta(seconds=seconds)
        return self._now

    def reach(self, moment: datetime) -> None:
        """Go on to `moment`; one already past changes nothing."""
        self._now = max(self._now, moment)


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One copy of a message on its way; it does not arrive before the tick `arrives`."""

    row: OutboxRow
    arrives: int


@dataclass(frozen=True, kw_only=True)
class _Chore:
    """A job, and the alarm that commits set when there is something for it to do."""

    job: Job
    alarm: threading.Event


@dataclass(kw_only=True)
class Bus:
    """Services, sandbox and what lies between them: `pools` holds, by queue, the messages that were published and not yet handed over."""

    deployment: Deployment
    clock: HandClock
    sandbox: Sandbox
    services: dict[str, Service] = field(default_factory=dict)
    pools: defaultdict[str, list[Parcel]] = field(default_factory=lambda: defaultdict(list))
    arrivals: Callable[[], list[int]] = lambda: [0]
    """When, in ticks, the copies of the next message arrive: as many as there are to be."""
    senders: bool = True
    """Whether the senders' queues are worked on; what is put there waits otherwise."""
    _told: dict[str, threading.Event] = field(default_factory=dict)
    _inboxes: dict[str, Inbox] = field(default_factory=dict)
    _chores: dict[str, list[_Chore]] = field(default_factory=dict)
    _workers: dict[str, Worker[Any, Any]] = field(default_factory=dict)
    _servers: list[HttpServer] = field(default_factory=list)

    @classmethod
    def start(cls, directory: Path, store_urls: Mapping[str, str]) -> Bus:
        """All services with their APIs served, on the stores at `store_urls`; no relay, consumer or job runs by itself."""
        deployment = Deployment(
            processes=Processes(directory=directory), broker_url="memory://", store_urls=store_urls, more={}
        )
        clock = HandClock(datetime.now(UTC).replace(microsecond=0))
        sandbox = create_sandbox(from_environment(deployment.sandbox_environment())[0], clock=clock)
        bus = cls(deployment=deployment, clock=clock, sandbox=sandbox)
        bus._serve(sandbox.wsgi, deployment.ports["sandbox"])
        sandbox.start()
        for name in SERVICES:
            service = _build(name, deployment.environment(name), clock)
            migrate(service)
            bus.services[name] = service
            bus._inboxes[name] = inbox_of(service)
            bus._told[name] = service.wakeups.subscribe(outbox.RELAY)
            bus._chores[name] = [
                _Chore(job=job, alarm=service.wakeups.subscribe(job.wake or "nobody"))
                for job in (*service.jobs(), bus._inboxes[name].retries())
            ]
            bus._workers |= {worker.queue: worker for worker in service.workers().values()}
            bus._serve(create_app(service), deployment.ports[name])
        return bus

    def stop(self) -> None:
        for server in self._servers:
            server.stop()
        self.sandbox.stop()
        for service in self.services.values():
            service.wakeups.close()
            service.store.close()

    # --- what a broker does ---------------------------------------------------------------------------------------

    def collect(self) -> int:
        """Take what the outboxes hold, as relays do; returns how many events that were."""
        taken = 0
        for service in [self.services[name] for name, told in self._told.items() if told.is_set()]:
            self._told[service.name].clear()
            with service.store.transaction():
                rows = outbox.claim(
                    service.store, source=f"/timeblu/{service.name}", now=self.clock.now(), limit=10_000
                )
                outbox.mark_published(service.store, [row.envelope.id for row in rows], self.clock.now())
            for row in rows:
                for queue in _queues_of(row):
                    self.pools[queue] += [Parcel(row=row, arrives=tick) for tick in self.arrivals()]
            taken += len(rows)
        return taken

    def deliver(self, queue: str, parcels: Sequence[Parcel], *, again: bool = False) -> None:
        """Hand `parcels` over as one batch; `again` tells the service that an earlier delivery was not acknowledged."""
        if queue in self._workers:
            for parcel in parcels:
                self._workers[queue].run(event_of(parcel.row.envelope))
            return
        service = queue.removesuffix(".events")
        self._inboxes[service].take([_message(parcel.row.envelope, again) for parcel in parcels])

    def waiting(self) -> list[str]:
        """The queues that hold something and are worked on."""
        return [queue for queue, pool in self.pools.items() if pool and (self.senders or queue not in self._workers)]

    # --- what time and jobs do ------------------------------------------------------------------------------------

    def run_jobs(self, service: str, *, woken: bool = False) -> int:
        """Each job of a service, or each that was woken, until it has nothing to do now; returns how much was done.

        Kept events are retried among them.
        """
        done = 0
        for chore in self._chores[service]:
            if woken and not chore.alarm.is_set():
                continue
            chore.alarm.clear()
            while portion := chore.job.run():
                done += portion
                assert done < _TICKS, f"{service}: {chore.job.name} never comes to an end"
        return done

    def outside(self) -> None:
        """Wait until the sandbox has told what it has to tell."""
        wait_until(self.sandbox.idle, interval=0.002, what="the sandbox to be idle")

    def settle(self, within: timedelta = _AT_REST_WITHIN) -> None:
        """In order and without delay, until nothing moves any more; what is due `within` that time happens, too."""
        until = self.clock.now() + within
        while True:
            self._settle_now()
            due = self._next_due()
            if due is None or due > until:
                return
            self.clock.reach(due)

    def _settle_now(self) -> None:
        moved = True
        while moved:
            self.outside()
            moved = self.collect() > 0
            for queue in self.waiting():
                parcels, self.pools[queue] = self.pools[queue], []
                self.deliver(queue, parcels)
                moved = True
            moved = sum(self.run_jobs(name) for name in self.services) > 0 or moved

    def _next_due(self) -> datetime | None:
        jobs = [chore.job for chores in self._chores.values() for chore in chores]
        moments = [job.next_due() for job in jobs if job.next_due is not None]
        return min((moment for moment in moments if moment is not None and moment > self.clock.now()), default=None)

    # --- what must hold of the whole --------------------------------------------------------------------------------

    def kept(self) -> list[Any]:
        """Every event in an inbox that is not done."""
        return [
            found
            for service in self.services.values()
            for found in inbox.entries(service.store, status=None, after=None, limit=1000)
        ]

    def violations(self) -> dict[str, list[str]]:
        """What breaks an invariant of a service, by its name."""
        return {
            f"{service.name}: {invariant.name}": ids
            for service in self.services.values()
            for invariant in service.invariants()
            if (ids := invariant.query())
        }

    def rows(self, service: str, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        store = self.services[service].store
        with store.reading():
            return store.execute(sql, parameters)

    def _serve(self, app: Any, port: int) -> None:
        server = HttpServer(app, host="127.0.0.1", port=port, threads=_THREADS)
        server.start()
        self._servers.append(server)


@dataclass(kw_only=True)
class Disorder:
    """Runs stories on a bus whose deliveries know no order: each message twice, each copy with a delay of its own, in batches of any size."""

    bus: Bus
    random: random.Random
    _tick: int = 0

    def run(self, stories: Sequence[Iterator[None]]) -> None:
        """The stories to their ends, with anything happening wherever one pauses; what is under way then stays under way."""
        bus, untold = self.bus, list(stories)
        bus.arrivals = self._arrivals
        for _ in range(_TICKS):
            self._tick += 1
            for story in [each for each in untold if self.random.random() < 0.3]:
                bus.clock.advance(self.random.choice([0, 1]))
                if next(story, story) is story:
                    untold.remove(story)
            if not untold:
                return
            bus.outside()
            bus.collect()
            for queue in bus.waiting():
                self._deliver_arrived(queue)
            for name in bus.services:
                if self.random.random() < 0.3:
                    bus.run_jobs(name, woken=self.random.random() < 0.9)
        raise AssertionError(f"{len(untold)} stories never came to their ends")

    def rest(self) -> None:
        """Deliver what is left, in any order as well, until nothing moves."""
        bus = self.bus
        for _ in range(_TICKS):
            self._tick += 1
            bus.outside()
            bus.collect()
            if not bus.waiting():
                break
            for queue in bus.waiting():
                self._deliver_arrived(queue)
            bus.run_jobs(self.random.choice(list(bus.services)))
        bus.settle()

    def _arrivals(self) -> list[int]:
        """Some messages are quick, some take longer than the steps that follow; their second copies come whenever."""
        first = self._tick + self.random.choice([0, 0, 1, 3, 10, 30])
        return [first, first + self.random.choice([0, 1, 3, 30])]

    def _deliver_arrived(self, queue: str) -> None:
        pool = self.bus.pools[queue]
        arrived = [parcel for parcel in pool if parcel.arrives <= self._tick]
        self.random.shuffle(arrived)
        batch = arrived[: self.random.choice([1, 3, 20])]
        if batch:
            taken = set(map(id, batch))
            self.bus.pools[queue] = [parcel for parcel in pool if id(parcel) not in taken]
            self.bus.deliver(queue, batch, again=self.random.random() < 0.1)


def _build(name: str, environment: Mapping[str, str], clock: Clock) -> Service:
    """The service as its own process would be built from this environment."""
    settings = importlib.import_module(f"{name}.settings").Settings
    service: Service = importlib.import_module(f"{name}.service").build(
        read_settings(settings.read, environment), clock
    )
    return service


def _queues_of(row: OutboxRow) -> list[str]:
    if row.queue:
        return [row.queue]
    return [queue.name for queue in topology.queues() if row.envelope.type in queue.bindings]


def _message(envelope: Envelope, again: bool) -> Message:
    return Message(headers=envelope.headers(), body=envelope.body, delivered_before=again)
