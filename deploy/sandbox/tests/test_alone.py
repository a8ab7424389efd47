"""The sandbox as a process of its own, as compose runs it: set by the environment, ended politely or not at all."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe
from deploy.sandbox.tests.driver import wait_until

from sandbox.settings import WrongSetting, from_environment
from support.servers import free_port


@contextlib.contextmanager
def _process(data_dir: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    environment = os.environ | {"PORT": str(port), "DATA_DIR": str(data_dir)}
    process = subprocess.Popen([sys.executable, "-m", "sandbox"], env=environment, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"

    def healthy() -> bool:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{url}/healthz", timeout=60).status_code == 200
        return False

    try:
        wait_until(healthy, "ready")
        yield process, url
    finally:
        process.kill()
        process.communicate()


def _client(url: str) -> stripe.StripeClient:
    shown: Any = requests.get(f"{url}/stripe", timeout=60).json()
    return stripe.StripeClient(shown["secret_key"], base_addresses={"api": shown["api_base"]})


def test_it_ends_cleanly_and_logs_json(tmp_path: Path) -> None:
    with _process(tmp_path, free_port()) as (process, url):
        assert _client(url).v1.balance.retrieve().object == "balance"
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=60)
    assert process.returncode == 0
    assert [json.loads(line)["message"] for line in logged.splitlines()] == ["ready", "ended"]


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    port = free_port()
    with _process(tmp_path, port) as (process, url):
        made = [_client(url).v1.accounts.create({"type": "express"}).id for _ in range(5)]
        process.send_signal(signal.SIGKILL)
        process.wait()
    with _process(tmp_path, port) as (_, url):
        assert {account.id for account in _client(url).v1.accounts.list().data} == set(made)


def test_secrets_are_their_owners_alone(tmp_path: Path) -> None:
    with _process(tmp_path, free_port()):
        mode = stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode)
    assert mode == 0o600


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    for name, value in (("PORT", "eighty"), ("SANDBOX_PUBLIC_URL", "here"), ("SANDBOX_REWRITES", "nonsense")):
        with pytest.raises(WrongSetting, match=name):
            from_environment({name: value, "DATA_DIR": str(tmp_path)})
    settings, listen = from_environment(
        {"PORT": "9000", "STRIPE_WEBHOOK_URLS": "http://a/x, http://b/y", "SANDBOX_REWRITES": "http://out=http://in"}
    )
    assert (settings.public_url, listen.port) == ("http://127.0.0.1:9000", 9000)
    assert settings.stripe_webhook_urls == ["http://a/x", "http://b/y"]
    assert settings.rewrites == {"http://out": "http://in"}
