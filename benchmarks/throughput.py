"""Publishing and consuming an event whose effect is two rows: ours beside Celery, FastStream and a bare loop."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from benchmarks.ground import Ground, cpu_seconds
from benchmarks.peers.effect import Effects, event, make_tables
from benchmarks.report import Row, Section, ratio, say
from benchmarks.subject.service import TYPE, Settings, build
from chassis.service import Service, migrate
from support.waiting import wait_until

_ROUNDS = 5
_CELERY, _FASTSTREAM, _BARE, _PIPELINED, _OURS = 2000, 2000, 1500, 8000, 10_000
_PATIENCE = 240.0
_FASTSTREAM_TOGETHER = 500


@dataclass(kw_only=True)
class Measured:
    """Events a second by who published or consumed them, and microseconds of processor time an event that consuming took."""

    published: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    consumed: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def consuming(self, name: str, effects: Effects, number: int, process: int) -> None:
        """Wait until `process` has consumed `number` events; the first tenth is not counted."""
        begun = effects.wait(number // 10, _PATIENCE)
        before = cpu_seconds(process)
        effects.wait(number, _PATIENCE)
        self.cpu[name].append((cpu_seconds(process) - before) / (number - begun) * 1e6)
        self.consumed[name].append(effects.rate())


def measure(ground: Ground) -> list[Section]:
    """Every round has each of them publish its events and then consume them, one after the other."""
    measured = Measured()
    turns: list[_Peer | _Ours] = [
        _Celery(ground),
        _FastStream(ground),
        _Bare(ground, 1),
        _Bare(ground, 50),
        _Ours(ground),
    ]
    for number in range(_ROUNDS if ground.share == 1 else 2):
        for turn in turns:
            turn.take(measured)
        say(f"round {number + 1}: published {_newest(measured.published)}, consumed {_newest(measured.consumed)}")
    return [_publishing(measured), _consuming(measured), _costing(measured)]


def _newest(rates: dict[str, list[float]]) -> dict[str, int]:
    return {name: round(values[-1]) for name, values in rates.items()}


class _Peer:
    """A peer with a queue and a database of its own."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.environment = {
            "BROKER_URL": ground.broker.vhost(),
            "STORE_URL": ground.postgres.database(),
            "QUEUE": "bench",
            **self.tuning(),
        }
        make_tables(self.environment["STORE_URL"])
        self.effects = Effects(self.environment["STORE_URL"])

    def tuning(self) -> dict[str, str]:
        return {}

    def take(self, measured: Measured) -> None:
        raise NotImplementedError

    def publish(self, measured: Measured, name: str, module: str, *arguments: object) -> int:
        """Have it publish; how many messages wait now."""
        found = self.ground.peer(module, *arguments, environment=self.environment)
        measured.published[name].append(int(str(arguments[1])) / found["seconds"])
        return int(found["published"])

    def consume(self, measured: Measured, name: str, number: int, *words: str) -> None:
        self.effects.clear()
        with self.ground.running_peer(*words, environment=self.environment) as process:
            measured.consuming(name, self.effects, number, process)


class _Celery(_Peer):
    def take(self, measured: Measured) -> None:
        waiting = self.publish(measured, "Celery", "celery_app", "publish", self.ground.some(_CELERY))
        words = "celery -A benchmarks.peers.celery_app worker --pool prefork --concurrency 4".split()
        quiet = "--without-gossip --without-mingle --without-heartbeat --loglevel WARNING".split()
        self.consume(measured, "Celery", waiting, *words, *quiet)


class _FastStream(_Peer):
    def tuning(self) -> dict[str, str]:
        return {"AT_ONCE": "4"}

    def take(self, measured: Measured) -> None:
        number = self.ground.some(_FASTSTREAM)
        waiting = self.publish(measured, "FastStream", "faststream_app", "publish", number // 2, 1)
        waiting += self.publish(
            measured, "FastStream, together", "faststream_app", "publish", number // 2, _FASTSTREAM_TOGETHER
        )
        self.consume(measured, "FastStream", waiting, "benchmarks.peers.faststream_app", "consume")


class _Bare(_Peer):
    def __init__(self, ground: Ground, at_once: int) -> None:
        self.at_once = at_once
        super().__init__(ground)

    def take(self, measured: Measured) -> None:
        if self.at_once == 1:
            waiting = self.publish(measured, "bare", "bare_pika", "publish", self.ground.some(_BARE))
            self.consume(measured, "bare", waiting, "benchmarks.peers.bare_pika", "consume", "1")
        else:
            waiting = self.publish(measured, "pipelined", "bare_pika", "pipelined", self.ground.some(_PIPELINED))
            self.consume(measured, "batched", waiting, "benchmarks.peers.bare_pika", "consume", str(self.at_once))


class _Ours:
    """The outbox is filled, the relay empties it; then the consumer empties the queue."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.environment = ground.settings(ground.broker.vhost(), ground.postgres.database())
        self.service = subject(self.environment)
        self.effects = Effects(self.environment["STORE_URL"])

    def take(self, measured: Measured) -> None:
        number = self.ground.some(_OURS)
        start = self.ground.processes.start
        relay = start("benchmarks.subject", "relay", environment=self.environment)
        began = fill_outbox(self.service, number)
        wait_until(lambda: not unpublished(self.service), deadline=_PATIENCE, interval=0.01, what="an empty outbox")
        measured.published["ours"].append(number / (time.perf_counter() - began))
        relay.terminate()
        self.effects.clear()
        consumer = start("benchmarks.subject", "consume", environment=self.environment, wait=False)
        measured.consuming("ours", self.effects, number, consumer.process.pid)
        consumer.terminate()


def subject(environment: dict[str, str]) -> Service:
    """Our service in this process, its tables made: what writes the outbox."""
    service = build(
        Settings(
            store_url=environment["STORE_URL"],
            broker_url=environment["BROKER_URL"],
            public_url=environment["PUBLIC_URL"],
            service_jwt_secret=environment["SERVICE_JWT_SECRET"],
            auth_jwt_secret=environment["AUTH_JWT_SECRET"],
        )
    )
    migrate(service)
    return service


def fill_outbox(service: Service, number: int) -> float:
    """Commit `number` events at once, by the operation that every service uses; when that was, by `perf_counter`."""
    with service.store.transaction():
        for index in range(number):
            publish_one(service, index)
        return time.perf_counter()


def publish_one(service: Service, index: int) -> str:
    """One event through the outbox, inside the open unit of work."""
    data = event(index)
    return service.outbox.publish(
        TYPE, subject=data["id"], account_id=data["account_id"], sequence=data["version"], data=data
    )


def unpublished(service: Service) -> bool:
    """Whether anything waits in the outbox."""
    with service.store.reading():
        return bool(service.store.execute("SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1"))


def _publishing(measured: Measured) -> Section:
    found = measured.published
    rows = {name: Row(what=name, values=values, unit="/s") for name, values in found.items()}
    celery, ceiling, ours = rows["Celery"].median, rows["pipelined"].median, rows["ours"].median

    def row(name: str, what: str, **more: Any) -> Row:
        beside = {"beside": ratio(rows[name].median, celery, "Celery")} if name != "Celery" else {}
        return Row(what=what, values=found[name], unit="/s", **{**beside, **more})

    return Section(
        title="Publishing, confirmed, to a quorum queue",
        how=(
            f"An event of {len(json.dumps(event(0)))} bytes. Ours reads each from the outbox in PostgreSQL and marks it there; the others publish and "
            "nothing else. From the commit that fills the outbox until no row is unpublished."
        ),
        rows=[
            row(
                "ours",
                "**relay: outbox → confirmed → marked**",
                beside=f"{ratio(ours, celery, 'Celery')}, {ratio(ours, ceiling, 'pipelined pika')}",
                target="≥ 10 × Celery",
                met=ours >= 10 * celery,
            ),
            row("Celery", "Celery, `confirm_publish`"),
            row("FastStream", "FastStream, one at a time"),
            row("FastStream, together", f"FastStream, {_FASTSTREAM_TOGETHER} gathered"),
            row("bare", "pika `BlockingConnection`"),
            row("pipelined", "pika pipelined, no store"),
        ],
    )


def _consuming(measured: Measured) -> Section:
    found = measured.consumed
    medians = {name: Row(what=name, values=values, unit="/s").median for name, values in found.items()}
    better = max("Celery", "FastStream", key=medians.__getitem__)

    def row(name: str, what: str, **more: Any) -> Row:
        return Row(what=what, values=found[name], unit="/s", **more)

    return Section(
        title="Consuming, deduplicated, an effect of two rows, one process",
        how=(
            "From a queue that is full, the first tenth left out. Everybody remembers the event's id with `ON CONFLICT DO NOTHING` and inserts two rows in the "
            "same transaction, by psycopg 3, and acknowledges after the commit."
        ),
        rows=[
            row(
                "ours",
                "**consume: batches of up to 100**",
                beside=f"{ratio(medians['ours'], medians[better], better)}, {ratio(medians['ours'], medians['batched'], 'the bare loop of 50')}",
                target="≥ 1.5 × the better of Celery and FastStream",
                met=medians["ours"] >= 1.5 * medians[better],
            ),
            row("Celery", "Celery, acks late, 4 prefork processes"),
            row("FastStream", "FastStream, manual ack, 4 connections"),
            row("bare", "bare pika, a commit an event", beside=ratio(medians["bare"], medians["Celery"], "Celery")),
            row("batched", "bare pika, batches of 50", beside=ratio(medians["batched"], medians["Celery"], "Celery")),
        ],
    )


def _costing(measured: Measured) -> Section:
    names = {
        "ours": "**consume: batches of up to 100**",
        "Celery": "Celery, all its processes",
        "FastStream": "FastStream",
        "bare": "bare pika, a commit an event",
        "batched": "bare pika, batches of 50",
    }
    medians = {name: Row(what=name, values=values, unit="").median for name, values in measured.cpu.items()}
    return Section(
        title="Processor time of the same, without the servers'",
        how="Other work on the machine moves these figures less than the rates above.",
        rows=[
            Row(
                what=what,
                values=measured.cpu[name],
                unit="µs an event",
                beside="" if name == "Celery" else ratio(medians[name], medians["Celery"], "Celery", places=2),
            )
            for name, what in names.items()
        ],
    )
