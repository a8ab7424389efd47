"""From the commit of a change to the effect of its event, while nothing else goes on: ours beside Celery and a bare loop."""

from __future__ import annotations

import random
import time

from benchmarks.ground import Ground
from benchmarks.peers.effect import Effects, make_tables
from benchmarks.report import Row, Section, percentile, ratio
from benchmarks.subject.service import TYPE
from benchmarks.throughput import publish_one, subject
from support.waiting import wait_until

_OURS, _PEERS, _ROUNDS = 400, 160, 4
_PAUSE = 0.05  # between an effect and the next event, on average
_TARGET_MS = 25.0


def measure(ground: Ground) -> list[Section]:
    """Every round has each of them see to its share of single events."""
    ours, celery, bare = _Ours(ground), _Peer(ground, "celery_app"), _Peer(ground, "bare_pika")
    worker = "celery -A benchmarks.peers.celery_app worker --pool prefork --concurrency 4 --loglevel WARNING".split()
    took: dict[str, list[float]] = {"ours": [], "celery": [], "bare": []}
    with (
        ground.running_peer(*worker, environment=celery.environment),
        ground.running_peer("benchmarks.peers.bare_pika", "consume", "1", environment=bare.environment),
    ):
        celery.trickle(1)  # until it has started
        bare.trickle(1)
        for _ in range(_ROUNDS):
            took["ours"] += ours.trickle(ground.some(_OURS) // _ROUNDS)
            took["celery"] += celery.trickle(ground.some(_PEERS) // _ROUNDS)
            took["bare"] += bare.trickle(ground.some(_PEERS) // _ROUNDS)
    ours.end()
    return [_section(took)]


class _Peer:
    def __init__(self, ground: Ground, module: str) -> None:
        self._ground, self._module = ground, module
        self.environment = {
            "BROKER_URL": ground.broker.vhost(),
            "STORE_URL": ground.postgres.database(),
            "QUEUE": "bench",
        }
        make_tables(self.environment["STORE_URL"])

    def trickle(self, number: int) -> list[float]:
        """Milliseconds from before the publishing to the effect, of so many events."""
        found = self._ground.peer(self._module, "trickle", number, _PAUSE, environment=self.environment)
        return [seconds * 1000 for seconds in found["took"]]


class _Ours:
    """A relay and a consumer, as processes of their own; the events are committed in this one."""

    def __init__(self, ground: Ground) -> None:
        self.environment = ground.settings(ground.broker.vhost(), ground.postgres.database())
        self.service = subject(self.environment)
        self.effects = Effects(self.environment["STORE_URL"])
        self._roles = [
            ground.processes.start("benchmarks.subject", role, environment=self.environment)
            for role in ("relay", "consume")
        ]
        self._number = 0
        self.trickle(5)

    def trickle(self, number: int) -> list[float]:
        """Milliseconds from before the commit to the effect, of so many events."""
        took = []
        for _ in range(number):
            time.sleep(_PAUSE * random.uniform(0.5, 1.5))
            self._number += 1
            with self.service.store.transaction():
                event_id = publish_one(self.service, self._number)
                began = time.perf_counter()
            self.effects.wait_for(event_id)
            took.append((time.perf_counter() - began) * 1000)
        return took

    def end(self) -> None:
        for role in self._roles:
            role.terminate()
        wait_until(lambda: not any(role.alive() for role in self._roles), what="the roles to end")
        self.service.wakeups.close()


def _section(took: dict[str, list[float]]) -> Section:
    rows = {name: Row(what=name, values=values, unit="ms") for name, values in took.items()}
    ours, celery, bare = (rows[name].median for name in ("ours", "celery", "bare"))
    return Section(
        title="From commit to effect, when idle",
        how=(
            f"A `{TYPE}` at a time, the next one {_PAUSE * 1000:.0f} ms after the effect of the last. Ours from just before the commit of the change: outbox, "
            "wake-up, relay, confirm, consumer, commit of the effect. The others have no outbox: from just before they publish."
        ),
        rows=[
            Row(
                what=f"**relay and consume, {len(took['ours'])} events**",
                values=took["ours"],
                unit="ms",
                beside=f"{ratio(ours, celery, 'Celery')}, {ratio(ours, bare, 'bare pika')}",
                target=f"< {_TARGET_MS:.0f} ms",
                met=ours < _TARGET_MS,
            ),
            Row(what="the same, 99th percentile", values=[percentile(took["ours"], 99)], unit="ms"),
            Row(what=f"Celery, {len(took['celery'])} events", values=took["celery"], unit="ms"),
            Row(what="Celery, 99th percentile", values=[percentile(took["celery"], 99)], unit="ms"),
            Row(what=f"bare pika, {len(took['bare'])} events", values=took["bare"], unit="ms"),
        ],
    )
