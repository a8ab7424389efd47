"""Sending texts to a provider that takes 100 ms: one worker beside the ideal and beside Celery, several workers, and how long what is due waits."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil
import psycopg
import requests

from benchmarks.ground import ROOT, Ground
from benchmarks.reminders import Deliveries, environment, plan
from benchmarks.report import Row, Section, ratio, say
from support.processes import Role
from support.servers import free_port
from support.waiting import wait_until

_ROUNDS = 3
_CONCURRENCY, _ANSWER_SECONDS = 32, 0.1
_IDEAL = _CONCURRENCY / _ANSWER_SECONDS
_MESSAGES = 3000
_PATIENCE = 300.0
_PROCESSES = (1, 2, 4)
_FULL = 0.9
"""From this share on the cores are full: what more processes could be faster by is not there."""
_DUE_PER_SECOND, _DUE_SECONDS, _OLDEST = 200, 60, 5.0
_TABLE = "CREATE TABLE sends (id TEXT PRIMARY KEY, begun_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(), sid TEXT, sent_at TIMESTAMPTZ)"


def measure(ground: Ground) -> list[Section]:
    """Rounds take turns between ours with one, two and four processes, and Celery."""
    ours: dict[int, list[_Sent]] = {count: [] for count in _PROCESSES}
    celery: list[float] = []
    with _provider(_ANSWER_SECONDS) as provider:
        for number in range(_ROUNDS if ground.share == 1 else 1):
            for count in _PROCESSES:
                ours[count].append(_ours(ground, provider, count))
            celery.append(_celery(ground, provider))
            say(f"round {number + 1}: ours {[str(sent[-1]) for sent in ours.values()]}, Celery {celery[-1]:.0f}")
        waited = _waiting(ground, provider)
    return [_section(ours, celery), waited]


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """How many texts a second, and what share of the machine's cores was busy meanwhile."""

    rate: float
    busy: float

    def __str__(self) -> str:
        return f"{self.rate:.0f} ({self.busy:.0%} busy)"


def _section(ours: dict[int, list[_Sent]], celery: list[float]) -> Section:
    rows = {count: Row(what="", values=[sent.rate for sent in all_sent], unit="/s") for count, all_sent in ours.items()}
    busy = {count: statistics.median(sent.busy for sent in all_sent) for count, all_sent in ours.items()}
    peer = Row(
        what=f"Celery, pool of {_CONCURRENCY} threads",
        values=celery,
        unit="/s",
        beside=f"{_share(celery)} of the ideal",
    )
    one = rows[1].median
    found = [
        Row(
            what="**one worker process**",
            values=rows[1].values,
            unit="/s",
            beside=f"{one / _IDEAL:.2f} of the ideal {_IDEAL:.0f}, {ratio(one, peer.median, 'Celery')}, cores {busy[1]:.0%} busy",
            target="≥ 0.9 of the ideal, ≥ Celery",
            met=one >= 0.9 * _IDEAL and one >= peer.median,
        )
    ]
    for count in _PROCESSES[1:]:
        linear = rows[count].median / (count * one)
        found.append(
            Row(
                what=f"{count} worker processes",
                values=rows[count].values,
                unit="/s",
                beside=f"{linear:.2f} of linear, cores {busy[count]:.0%} busy",
                target="≥ 0.9 of linear until the cores are full",
                met=linear >= 0.9 or busy[count] >= _FULL,
            )
        )
    return Section(
        title=f"Sending: a provider that answers after {_ANSWER_SECONDS * 1000:.0f} ms, {_CONCURRENCY} at once",
        how=(
            f"From a queue of {_MESSAGES:,} reminders by SMS, the first tenth left out. Ours checks session, client, plan, settings, quota and clock, renders, commits the attempt, "
            "calls by the provider's SDK, commits the outcome with the event that tells of it, and acknowledges. Celery remembers the id, sends a ready text by a bare HTTP connection, and marks it. "
            "Processes of ours, the database, the broker and the provider share the machine's cores."
        ),
        rows=[*found, peer],
    )


def _share(values: list[float]) -> str:
    return f"{Row(what='', values=values, unit='').median / _IDEAL:.2f}"


def _ours(ground: Ground, provider: str, processes: int) -> _Sent:
    """What so many processes sent."""
    told, count = environment(ground, provider), ground.some(_MESSAGES)
    start = ground.processes.start
    ground.processes.run("notifications", "migrate", environment=told)
    plan(told["STORE_URL"], first=0, count=count, due_at=datetime.now(UTC))
    seen = Deliveries(told["STORE_URL"])
    fillers = [start("notifications", role, environment=told) for role in ("jobs", "relay")]
    wait_until(lambda: seen.handed_over() >= count, deadline=_PATIENCE, interval=0.2, what="a full queue")
    for role in fillers:
        role.terminate()
    workers = [_worker(ground, told) for _ in range(processes)]
    wait_until(lambda: seen.count("sent") >= count // 10, deadline=_PATIENCE, interval=0.1, what="the first tenth")
    psutil.cpu_percent()
    wait_until(lambda: seen.count("sent") >= count, deadline=_PATIENCE, interval=0.2, what="all to be sent")
    busy = psutil.cpu_percent() / 100
    _end(workers)
    rate = seen.rate(count // 10)
    seen.close()
    return _Sent(rate=rate, busy=busy)


def _celery(ground: Ground, provider: str) -> float:
    """How many a second Celery sent."""
    count = ground.some(_MESSAGES)
    told = {
        "BROKER_URL": ground.broker.vhost(),
        "STORE_URL": ground.postgres.database(),
        "QUEUE": "bench",
        "PROVIDER": provider,
    }
    with psycopg.connect(told["STORE_URL"], autocommit=True) as connection:
        connection.execute(_TABLE)
        ground.peer("celery_sender", count, environment=told)
        words = f"celery -A benchmarks.peers.celery_sender worker --pool threads --concurrency {_CONCURRENCY}".split()
        quiet = "--without-gossip --without-mingle --without-heartbeat --loglevel WARNING".split()

        def sent() -> int:
            found = connection.execute("SELECT count(*) FROM sends WHERE sent_at IS NOT NULL").fetchone()
            return int(found[0]) if found else 0

        with ground.running_peer(*words, *quiet, environment=told):
            wait_until(lambda: sent() >= count, deadline=_PATIENCE, interval=0.2, what="Celery to send all")
        found = connection.execute(
            """SELECT count(*) - 1, extract(epoch FROM max(sent_at) - min(sent_at)) FROM
               (SELECT sent_at FROM sends ORDER BY sent_at OFFSET %s) AS counted""",
            (count // 10,),
        ).fetchone()
    assert found is not None
    return float(found[0] / found[1])


def _waiting(ground: Ground, provider: str) -> Section:
    """How old the oldest due message became while so many fell due each second."""
    told, seconds = environment(ground, provider), ground.some(_DUE_SECONDS, least=10)
    count = _DUE_PER_SECOND * seconds
    ground.processes.run("notifications", "migrate", environment=told)
    first_due = datetime.now(UTC) + timedelta(seconds=15)
    plan(told["STORE_URL"], first=0, count=count, due_at=first_due, apart=timedelta(seconds=1) / _DUE_PER_SECOND)
    seen = Deliveries(told["STORE_URL"])
    roles = [ground.processes.start("notifications", role, environment=told) for role in ("jobs", "relay")]
    roles += [_worker(ground, told) for _ in range(2)]
    ages: list[float] = []
    ends = first_due + timedelta(seconds=seconds)
    while datetime.now(UTC) < ends:
        if datetime.now(UTC) > first_due:
            ages.append(_oldest_due_age(roles[0]))
        time.sleep(0.25)
    wait_until(lambda: seen.count("sent") >= count, deadline=_PATIENCE, interval=0.2, what="all to be sent")
    _end(roles)
    seen.close()
    return Section(
        title=f"Waiting: {_DUE_PER_SECOND} reminders fall due each second, for {seconds} seconds",
        how="A dispatcher, a relay and two workers; `oldest_due_age_seconds` of the dispatcher's /metrics, asked four times a second.",
        rows=[
            Row(what="**the oldest that is due, its age**", values=ages, unit="s"),
            Row(what="at most", values=[max(ages)], unit="s", target=f"< {_OLDEST:.0f} s", met=max(ages) < _OLDEST),
        ],
    )


def _oldest_due_age(role: Role) -> float:
    found = re.search(
        r"^oldest_due_age_seconds ([0-9.e+-]+)$", requests.get(f"{role.url}/metrics", timeout=10).text, re.MULTILINE
    )
    assert found, "the metric is not exported"
    return float(found.group(1))


def _worker(ground: Ground, told: dict[str, str]) -> Role:
    words = ("--channel", "sms", "--concurrency", str(_CONCURRENCY))
    return ground.processes.start("notifications", "work", *words, environment=told, wait=False)


def _end(roles: list[Role]) -> None:
    for role in roles:
        role.terminate()


@contextmanager
def _provider(seconds: float) -> Iterator[str]:
    """The provider's address."""
    port = free_port()
    words = [sys.executable, "-m", "benchmarks.provider", str(port), str(seconds)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
