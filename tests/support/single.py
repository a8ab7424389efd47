"""The embedded suite as `make run` starts it, as a process of its own, for tests that ask of it what they ask of the deployed one."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from contracts.registry import SERVICES
from embedded import secrets_file
from embedded.practice import Practice
from support.servers import free_port
from support.suite import open_practice
from support.waiting import PATIENCE, wait_until

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


@dataclass(kw_only=True)
class Single:
    """One running `python -m embedded` without the demo account, its data and its log in `directory`."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "embedded.log"

    def start(self) -> Single:
        """Returns when every service answers."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "embedded", "--port", str(self.port), "--data-dir", str(self.data_dir)],
                env={name: os.environ[name] for name in _INHERITED if name in os.environ}
                | {"DEMO": "0", "CONSOLE": "0"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_until(
            lambda: all(self._ready(service) for service in SERVICES),
            interval=0.1,
            what="the embedded suite to be ready",
            ignoring=(requests.RequestException,),
        )
        return self

    def stop(self) -> None:
        """SIGTERM, and wait until it has ended."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=PATIENCE)

    def practice(self, account_id: str) -> Practice:
        """A provider over HTTP."""
        addresses = {name: f"http://127.0.0.1:{self.port}/{name}" for name in (*SERVICES, "sandbox")}
        return Practice(addresses, auth_secret=secrets_file.load(self.data_dir).auth_jwt_secret, account_id=account_id)

    def new_practice(self, **fields: Any) -> Practice:
        """A provider of its own, as `Deployment.new_practice` makes one."""
        return open_practice(self.practice(f"acc_{secrets.token_hex(6)}"), **fields)

    def violations(self) -> dict[str, Any]:
        """What breaks an invariant, by service and name."""
        ops = self.practice("acc_ops")
        return {
            f"{service}: {found['name']}": found["ids"]
            for service in SERVICES
            for found in ops.get(service, "/v1/ops/invariants")["data"]
            if found["violations"]
        }

    def _ready(self, service: str) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it ended\n{self.log.read_text(errors='replace')[-4000:]}"
        return requests.get(f"http://127.0.0.1:{self.port}/{service}/readyz", timeout=5).status_code == 200
