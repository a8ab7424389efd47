"""What a run stands on: its own broker and database, our processes and the peers' environment; all ended with it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import psutil
import psycopg

from support.backing import Broker, Postgres, obtain_broker, obtain_postgres, remove_described
from support.processes import Processes

ROOT = Path(__file__).parent.parent
_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Ground:
    """`share` of the counts are run: 1, or less for a trial."""

    broker: Broker
    postgres: Postgres
    processes: Processes
    directory: Path
    peers_python: str
    share: float

    def some(self, count: int, least: int = 20) -> int:
        """`count`, or the trial's share of it."""
        return max(round(count * self.share), min(least, count))

    def peer(self, module: str, *arguments: object, environment: Mapping[str, str]) -> dict[str, Any]:
        """Run a peer's command to its end; what it answers."""
        done = subprocess.run(
            [self.peers_python, "-m", f"benchmarks.peers.{module}", *map(str, arguments)],
            env=self._peer_environment(environment),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{module} {arguments} ended with {done.returncode}\n{done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    @contextmanager
    def running_peer(self, *words: str, environment: Mapping[str, str]) -> Iterator[int]:
        """A peer's process, its number; ended with the block; its log is shown where the block fails."""
        log = self.directory / f"peer-{secrets.token_hex(4)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [self.peers_python, "-m", *words],
                env=self._peer_environment(environment),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            yield process.pid
        except Exception as error:
            error.add_note(log.read_text()[-3000:])
            raise
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)

    def settings(self, broker_url: str, store_url: str) -> dict[str, str]:
        """What a process of one of our services is told."""
        return {
            "BROKER_URL": broker_url,
            "STORE_URL": store_url,
            "AUTH_JWT_SECRET": secrets.token_hex(32),
            "SERVICE_JWT_SECRET": secrets.token_hex(32),
            "PUBLIC_URL": "http://127.0.0.1:1",
        }

    def depth(self, url: str, queue: str) -> int:
        """How many messages wait in a queue; none where it does not exist."""
        with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
            return self.broker.depth(url, queue)
        return 0

    def servers(self) -> str:
        """The versions of what the run stood on."""
        connection = pika.BlockingConnection(pika.URLParameters(f"{self.broker.url}/%2F"))
        rabbitmq = str(connection._impl.server_properties["version"])
        connection.close()
        with psycopg.connect(self.postgres.url) as database:
            postgresql = database.execute("SHOW server_version").fetchone()
        return f"RabbitMQ {rabbitmq}, PostgreSQL {str(postgresql and postgresql[0]).split()[0]}"

    def _peer_environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR") if name in os.environ
        }
        return {**kept, **more}


def prefer_installed() -> None:
    """Use the servers installed on this machine where they are: a container's port is reached through a proxy, a process more on the
    way of every message and statement. What the environment asks for stands."""
    installed = Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists() and list(
        Path("/usr/lib/postgresql").glob("*/bin/initdb")
    )
    if installed and not os.environ.get("TEST_SERVERS"):
        os.environ["TEST_SERVERS"] = "private"


def cpu_seconds(number: int) -> float:
    """The processor time that a process and its children have used."""
    process = psutil.Process(number)
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


@contextmanager
def ground(share: float) -> Iterator[Ground]:
    """Everything a run needs; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="timeblu-bench-") as place:
        directory = Path(place)
        states = directory / "rabbitmq.json", directory / "postgres.json"
        processes = Processes(directory=directory)
        broker: Broker | None = None
        postgres: Postgres | None = None
        prefer_installed()
        try:
            broker, postgres = obtain_broker(states[0]), obtain_postgres(states[1])
            yield Ground(
                broker=broker,
                postgres=postgres,
                processes=processes,
                directory=directory,
                peers_python=os.environ.get("PEERS_PYTHON", sys.executable),
                share=share,
            )
        finally:
            processes.end()
            if broker is not None:
                broker.drop_vhosts()
            if postgres is not None:
                postgres.drop_databases()
            for state in states:
                remove_described(state)
