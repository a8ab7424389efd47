"""Roles of services as real processes, so that a test can kill one at any moment and look at what remains."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

from support.servers import free_port
from support.waiting import PATIENCE, wait_until

# What a process of ours inherits; everything else it is told by the test, so that no setting of a developer leaks in.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "COVERAGE_PROCESS_START", "VIRTUAL_ENV")


@dataclass(kw_only=True)
class Role:
    """One running `python -m <service> <role>`, its address and its log."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def alive(self) -> bool:
        return self.process.poll() is None

    def ready(self) -> bool:
        """Whether /readyz answers 200. Raises AssertionError, with the end of the log, when the process has ended."""
        if not self.alive():
            raise AssertionError(f"{self.name} ended with {self.process.returncode}\n{self.tail()}")
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=10).status_code == 200
        return False

    def wait_ready(self, deadline: float = PATIENCE) -> None:
        try:
            wait_until(self.ready, deadline=deadline, interval=0.05, what=f"{self.name} to be ready")
        except AssertionError as error:
            error.add_note(self.tail())
            raise

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait(timeout=PATIENCE)

    def terminate(self, patience: float = PATIENCE) -> int:
        """SIGTERM, and the exit code. Raises subprocess.TimeoutExpired when it does not end within `patience` seconds."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=patience)

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@dataclass(kw_only=True)
class Processes:
    """Starts roles for one test and ends whatever of them still runs after it."""

    directory: Path
    started: list[Role] = field(default_factory=list)

    def start(
        self,
        service: str,
        role: str,
        *arguments: str,
        environment: Mapping[str, str],
        port: int | None = None,
        wait: bool = True,
    ) -> Role:
        """`python -m <service> <role> <arguments>` with `environment`; returns when it is ready, unless `wait` is false."""
        port = port or free_port()
        name = f"{service} {role}"
        log = self.directory / f"{len(self.started):02d}-{service}-{role}.log"
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", service, role, *arguments],
                env={
                    **inherited,
                    "PYTHONUNBUFFERED": "1",
                    "HTTP_HOST": "127.0.0.1",
                    "HTTP_PORT": str(port),
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        started = Role(name=name, port=port, process=process, log=log)
        self.started.append(started)
        if wait:
            started.wait_ready()
        return started

    def run(self, service: str, *arguments: str, environment: Mapping[str, str], deadline: float = PATIENCE) -> str:
        """`python -m <service> <arguments>` to its end; its standard output. Raises when it fails."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        done = subprocess.run(
            [sys.executable, "-m", service, *arguments],
            env={**inherited, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=deadline,
            check=False,
        )
        assert done.returncode == 0, f"{service} {' '.join(arguments)} ended with {done.returncode}\n{done.stderr}"
        return done.stdout

    def end(self) -> None:
        """Asks every role to end, and kills what does not within 10 seconds."""
        for role in self.started:
            if role.alive():
                role.process.terminate()
        for role in self.started:
            try:
                role.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                role.kill()

    def report(self) -> str:
        """The ends of all logs, for a test that failed."""
        return "\n".join(f"--- {role.name} ({role.log})\n{role.tail()}" for role in self.started)
