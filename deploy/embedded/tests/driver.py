"""The embedded suite as its user runs it: a process on a data directory of its own, killed and started again at will."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

from contracts.envelope import Envelope
from contracts.registry import SERVICES
from embedded import secrets_file
from embedded.practice import Practice
from support.servers import free_port
from support.waiting import PATIENCE, wait_until

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "COVERAGE_PROCESS_START", "VIRTUAL_ENV")
SOON = 30.0
"""An end comes within ten seconds, and within three times that where the machine has much else to do."""
TIERS = [
    {"hours_before": 48, "percentage": 100},
    {"hours_before": 24, "percentage": 50},
    {"hours_before": 0, "percentage": 0},
]


@dataclass(kw_only=True)
class Running:
    """`python -m embedded` on `data_dir`; one at a time, ended and started again on the same port."""

    data_dir: Path
    logs: Path
    port: int = field(default_factory=free_port)
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """What this start has printed."""
        return (self.logs / f"{self.starts}.out").read_text()

    @property
    def errors(self) -> str:
        """What this start has logged, and said of what is in the way."""
        return (self.logs / f"{self.starts}.err").read_text()

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it, and do not wait."""
        assert self.process is None or self.process.poll() is not None
        self.starts += 1
        with (self.logs / f"{self.starts}.out").open("wb") as out, (self.logs / f"{self.starts}.err").open("wb") as err:
            self.process = subprocess.Popen(
                command("embedded", "--port", str(self.port), "--data-dir", str(self.data_dir), *arguments),
                env={**inherited(), "CONSOLE": "0", **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        return self.process

    def start(self) -> Running:
        """Start it, and return when it says that it is ready."""
        process = self.begin()

        def ready() -> bool:
            assert process.poll() is None, f"it ended with {process.returncode}\n{self.errors[-4000:]}"
            return self.output.startswith("ready ")

        wait_until(ready, what="the suite to be ready")
        return self

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=PATIENCE)

    def end(self, number: int = signal.SIGTERM, patience: float = PATIENCE) -> int:
        """Ask it to end; the exit code, or subprocess.TimeoutExpired."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=patience)

    def restart(self) -> Running:
        """kill -9, and start again."""
        self.kill()
        return self.start()

    def practice(self, account_id: str = "acc_demo") -> Practice:
        """A provider over HTTP."""
        services = {name: f"{self.base}/{name}" for name in (*SERVICES, "sandbox")}
        secret = secrets_file.load(self.data_dir).auth_jwt_secret
        return Practice(services, auth_secret=secret, account_id=account_id)

    def new_practice(self) -> Practice:
        """A provider of its own, connected to Stripe, with refund tiers, open at all hours."""
        made = self.practice(f"acc_{secrets.token_hex(6)}")
        made.provision()
        made.connect_stripe()
        made.set_refund_policy(refund_tiers=TIERS)
        made.open_all_day()
        return made

    def rows(self, database: str, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a service's store holds."""
        with closing(sqlite3.connect(self.data_dir / f"{database}.db", timeout=20)) as connection:
            return connection.execute(sql, parameters).fetchall()

    @contextmanager
    def held_up(self, database: str) -> Iterator[None]:
        """A service's store is locked by a writer of ours: its consumer cannot commit, so that events stay in the memory broker."""
        with closing(sqlite3.connect(self.data_dir / f"{database}.db", timeout=20, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    def keep(self, database: str, event: Envelope, *, waiting_for: str, due: str) -> None:
        """Put an event into a service's inbox, as one that waits for a subject."""
        with closing(sqlite3.connect(self.data_dir / f"{database}.db", timeout=20)) as connection, connection:
            connection.execute(
                """INSERT INTO inbox (event_id, handler, status, account_id, type, subject, headers, body, attempts,
                       waiting_for, next_attempt_at, received_at) VALUES (?, ?, 'waiting', ?, ?, ?, ?, ?, 0, ?, ?, ?)""",
                (
                    event.id, event.type, event.account_id, event.type, event.subject, json.dumps(event.headers()),
                    event.body.decode(), waiting_for, due, due,
                ),
            )  # fmt: skip

    def forget_waiting(self, database: str) -> None:
        """Take the events that wait out of a service's inbox."""
        with closing(sqlite3.connect(self.data_dir / f"{database}.db", timeout=20)) as connection, connection:
            connection.execute("DELETE FROM inbox WHERE status = 'waiting'")

    @property
    def resident(self) -> int:
        """Resident memory, in bytes."""
        return int(self._psutil.memory_info().rss)

    @property
    def threads(self) -> int:
        return int(self._psutil.num_threads())

    @property
    def _psutil(self) -> psutil.Process:
        assert self.process is not None
        return psutil.Process(self.process.pid)


def inherited() -> dict[str, str]:
    """What a process of ours takes over from the test's; nothing else, so that no developer's setting leaks in."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def command(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def run(
    module: str, *arguments: str, cwd: Path | None = None, deadline: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    """`python -m module …` to its end."""
    return subprocess.run(
        command(module, *arguments),
        env=inherited(),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=deadline,
        check=False,
    )


def answers(url: str) -> int:
    """The status of a GET."""
    return requests.get(url, timeout=60).status_code


def took(began: float) -> float:
    return time.monotonic() - began
