"""How much memory our processes hold, and that it does not grow with the events they have seen."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
import requests

from benchmarks.ground import ROOT, Ground
from benchmarks.report import Row, Section
from chassis.clock import SystemClock
from chassis.outbox import Outbox
from chassis.service import parts
from chassis.settings import ServiceSettings
from chassis.store import Store
from contracts.registry import SERVICES
from contracts.topology import events_queue
from support.servers import free_port
from support.suite import Deployment
from support.waiting import wait_until

_MARKS = (10_000, 50_000, 100_000)
_ACCOUNTS = 50
_AT_ONCE = 500
_AHEAD = 5000
_PATIENCE = 600.0
_SUITE_MB, _PROCESS_MB = 300.0, 100.0
_FLAT = 1.1  # the last mark beside the first


def measure(ground: Ground) -> list[Section]:
    """The processes of the deployed suite first, then the embedded one."""
    marks = [ground.some(mark) for mark in _MARKS]
    return [_deployed(ground, marks), _embedded(ground, marks)]


def _deployed(ground: Ground, marks: list[int]) -> Section:
    deployment = Deployment(
        processes=ground.processes,
        broker_url=ground.broker.vhost(),
        store_urls={service: ground.postgres.database() for service in SERVICES},
    )
    relay, consume = deployment.start_role("scheduling", "relay"), deployment.start_role("payments", "consume")
    observed = {"relay": psutil.Process(relay.process.pid), "consume": psutil.Process(consume.process.pid)}
    news = _News(deployment.store_urls["scheduling"], queue=events_queue("payments"))

    def handled() -> int:
        with psycopg.connect(deployment.store_urls["payments"]) as connection:
            found = connection.execute("SELECT count(*) FROM inbox WHERE status = 'done'").fetchone()
        return int(found[0]) if found else 0

    seen = _along(marks, news, handled, observed)
    relay.terminate()
    consume.terminate()
    return Section(
        title="Memory of one process of the suite",
        how=(
            f"Resident, after so many `account.updated` of {_ACCOUNTS} accounts went through scheduling's outbox and relay to payments' consumer. "
            f"Flat: the last is at most {_FLAT:.1f} × the one at {marks[0]:,}."
        ),
        rows=[
            *_rows("scheduling relay", marks, seen["relay"], _PROCESS_MB),
            *_rows("payments consume", marks, seen["consume"], _PROCESS_MB),
        ],
    )


def _embedded(ground: Ground, marks: list[int]) -> Section:
    data_dir, port = ground.directory / "embedded", free_port()
    base = f"http://127.0.0.1:{port}"
    words = ["--port", str(port), "--data-dir", str(data_dir)]
    log = (ground.directory / "embedded.log").open("wb")
    environment = {**os.environ, "CONSOLE": "0"}
    suite = subprocess.Popen(
        [sys.executable, "-m", "embedded", *words], cwd=ROOT, env=environment, stdout=log, stderr=log
    )
    try:
        wait_until(
            lambda: (
                requests.get(f"{base}/payments/readyz", timeout=2).status_code == 200
                and (data_dir / "drained.json").exists()
            ),
            deadline=60,
            ignoring=(requests.RequestException,),
            what="the embedded suite to be ready",
        )
        subprocess.run(
            [sys.executable, "-m", "embedded.demo", *words], cwd=ROOT, check=True, capture_output=True, timeout=120
        )
        observed = psutil.Process(suite.pid)
        after_demo = _resident(observed)
        consumers = ("clients", "payments", "notifications")
        before = {name: _handled(data_dir / f"{name}.db") for name in consumers}

        def handled() -> int:
            return min(_handled(data_dir / f"{name}.db") - before[name] for name in consumers)

        news = _News(f"sqlite:///{data_dir.resolve() / 'scheduling'}.db", queue=None)
        seen = _along(marks, news, handled, {"suite": observed})
    finally:
        suite.terminate()
        suite.wait(timeout=60)
        log.close()
    return Section(
        title="Memory of the embedded suite",
        how=(
            "Resident: four services, broker and sandbox in one process, after `embedded.demo`, and after so many `account.updated` that each went to three services."
        ),
        rows=[
            Row(
                what="**embedded suite after the demo**",
                values=[after_demo],
                unit="MB",
                target=f"< {_SUITE_MB:.0f} MB",
                met=after_demo < _SUITE_MB,
            ),
            *_rows("embedded suite", marks, seen["suite"], _SUITE_MB),
        ],
    )


class _News:
    """Writes `account.updated` into the outbox of scheduling's store, to everybody or to one queue alone."""

    def __init__(self, store_url: str, *, queue: str | None) -> None:
        settings = ServiceSettings(
            store_url=store_url, broker_url="memory://", public_url="http://127.0.0.1:1", service_jwt_secret="0" * 32
        )
        self._store: Store
        self._outbox: Outbox
        self._store, self._wakeups, self._outbox = parts("scheduling", settings, SystemClock())
        self._queue = queue
        self._written = 0

    @property
    def written(self) -> int:
        return self._written

    def write(self, number: int) -> None:
        """So many more events, in one unit of work."""
        with self._store.transaction():
            for _ in range(number):
                self._one(self._written)
                self._written += 1

    def close(self) -> None:
        self._wakeups.close()
        self._store.close()

    def _one(self, index: int) -> None:
        account, version = f"acc_flat_{index % _ACCOUNTS}", index // _ACCOUNTS + 1
        data = {
            "id": account,
            "account_id": account,
            "version": version,
            "name": f"Practice {index}",
            "email": f"{account}@practice.example",
            "username": account.replace("_", "-"),
            "plan": "max",
            "timezone": "Europe/Berlin",
            "currency": "EUR",
            "locale": "en",
            "country": "DE",
        }
        if self._queue:
            self._outbox.send(
                queue=self._queue,
                type="account.updated",
                subject=account,
                account_id=account,
                sequence=version,
                data=data,
            )
        else:
            self._outbox.publish("account.updated", subject=account, account_id=account, sequence=version, data=data)


def _along(
    marks: list[int], news: _News, handled: Callable[[], int], observed: Mapping[str, psutil.Process]
) -> dict[str, list[float]]:
    """Megabytes of each process at each of `marks`, a few thousand events being under way in between."""
    seen: dict[str, list[float]] = {name: [] for name in observed}
    for mark in marks:
        while news.written < mark:
            news.write(min(_AT_ONCE, mark - news.written))
            wait_until(
                lambda: news.written - handled() < _AHEAD, deadline=_PATIENCE, interval=0.1, what="events to be handled"
            )
        wait_until(
            lambda mark=mark: handled() >= mark,  # type: ignore[misc]
            deadline=_PATIENCE,
            interval=0.1,
            what=f"{mark} events to be handled",
        )
        for name, process in observed.items():
            seen[name].append(_resident(process))
    news.close()
    return seen


def _rows(name: str, marks: list[int], seen: list[float], most: float) -> list[Row]:
    rows = [
        Row(what=f"{name}, {mark:,} events", values=[value], unit="MB") for mark, value in zip(marks, seen, strict=True)
    ]
    return [
        *rows[:-1],
        Row(
            what=f"**{rows[-1].what}**",
            values=rows[-1].values,
            unit="MB",
            beside=f"{seen[-1] / seen[0]:.2f} × at {marks[0]:,}",
            target=f"< {most:.0f} MB and flat",
            met=max(seen) < most and seen[-1] <= _FLAT * seen[0],
        ),
    ]


def _resident(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


def _handled(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        found = connection.execute("SELECT count(*) FROM inbox WHERE status = 'done'").fetchone()
    return int(found[0])
