"""A start either says that it is ready, and is, or says in one line what is in the way."""

from __future__ import annotations

import json
import signal
import socket
import stat
import threading
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from deploy.embedded.tests.driver import SOON, Running, answers, run, took

from contracts.registry import SERVICES
from embedded.secrets_file import Damaged
from embedded.suite import CannotStart, Suite
from support.servers import free_port
from support.waiting import PATIENCE, wait_until


def test_ready_is_said_when_everything_answers(suite: Running) -> None:
    process = suite.begin()
    wait_until(lambda: suite.output.startswith("ready ") or process.poll() is not None, interval=0.002, what="the line")
    places = [f"{service}/readyz" for service in SERVICES]
    for place in ("readyz", "healthz", "", *places, "sandbox/healthz", "scheduling/docs", "payments/metrics"):
        assert answers(f"{suite.base}/{place}") == 200, place
    assert suite.output.splitlines()[0] == f"ready {suite.base}"
    account = suite.practice().get("scheduling", "/v1/account")
    assert (account["id"], account["plan"], account["username"]) == ("acc_demo", "max", "demo")
    assert suite.practice().get("payments", "/v1/connect")["charges_enabled"]


def test_a_second_start_has_the_data_and_the_secrets_of_the_first(suite: Running) -> None:
    suite.start()
    practice = suite.practice()
    client = practice.client("Grace Hopper", "grace@client.example")
    connected = practice.get("payments", "/v1/connect")
    assert suite.end() == 0
    suite.start()
    again = suite.practice()  # with the secrets of the data directory
    assert again.get("clients", f"/v1/clients/{client['id']}")["name"] == "Grace Hopper"
    assert again.get("payments", "/v1/connect") == connected
    practice.get("scheduling", "/v1/account")  # with a token of the first start's secret


def test_the_printed_commands_work_with_a_data_directory_with_spaces(shared: Running) -> None:
    assert " " in str(shared.data_dir)
    assert f"DATA_DIR='{shared.data_dir}'" in shared.output
    token = run("embedded.token", "--data-dir", str(shared.data_dir)).stdout.strip()
    assert token.count(".") == 2
    assert shared.output.splitlines()[1].startswith("token ")
    for _ in range(2):
        demo = run("embedded.demo", "--port", str(shared.port), "--data-dir", str(shared.data_dir))
        assert demo.returncode == 0, demo.stderr
        assert "Refunded through Stripe Connect" in demo.stdout
        assert "session.cancelled" in demo.stdout


def test_only_the_owner_can_read_what_is_kept(shared: Running) -> None:
    assert _mode(shared.data_dir) == 0o700
    files = [path for path in shared.data_dir.rglob("*") if not path.is_dir()]
    assert [str(path) for path in files if _mode(path) & 0o077] == []
    assert _mode(shared.data_dir / "secrets.json") == 0o600


def test_only_this_machine_can_call(shared: Running) -> None:
    assert shared.process is not None
    listening = psutil.Process(shared.process.pid).net_connections("inet")
    assert {found.laddr.ip for found in listening if found.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_a_data_directory_serves_one_suite(shared: Running) -> None:
    with pytest.raises(CannotStart, match="in use by another suite"):
        _start_here(shared.data_dir)
    assert answers(f"{shared.base}/readyz") == 200


def test_a_port_that_is_taken_is_one_line_and_an_end(suite: Running) -> None:
    with socket.create_server(("127.0.0.1", suite.port)):
        process = suite.begin()
        assert process.wait(timeout=PATIENCE) == 1
    lines = [line for line in suite.errors.splitlines() if not line.startswith("{")]  # the log's are JSON
    assert lines == [f"timeblu: cannot listen on 127.0.0.1 port {suite.port}: Address already in use"]
    assert suite.output == ""


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"auth_jwt_secret": "x"}', '{"auth_jwt_secret":"","service_jwt_secret":""}']
)
def test_damaged_secrets_are_named_and_not_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(Damaged, match=str(tmp_path / "secrets.json")):
        _start_here(tmp_path)
    assert (tmp_path / "secrets.json").read_text() == content


@pytest.mark.parametrize("name", ["payments.db", "sandbox/sandbox.sqlite3"])
def test_a_damaged_store_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "sandbox").mkdir()
    (tmp_path / name).write_text("no database " * 100)
    with pytest.raises(CannotStart, match=f"{tmp_path}.*file is not a database"):
        _start_here(tmp_path)


@pytest.mark.parametrize(
    ("given", "needed"),
    [("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"), ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")],
)
def test_a_real_key_without_what_goes_with_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, needed: str
) -> None:
    monkeypatch.setenv(given, "something")
    with pytest.raises(CannotStart, match=f"{given} is set: {needed} is needed"):
        _start_here(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("SMTP_URL", "rubbish"), ("MAIL_FROM", "nobody"), ("PAYMENT_MINUTES", "0"), ("INBOX_ATTEMPTS", "many")],
)
def test_a_wrong_setting_of_a_service_is_one_line_and_an_end(suite: Running, name: str, value: str) -> None:
    suite.environment = {name: value}
    assert suite.begin().wait(timeout=PATIENCE) == 1
    (line,) = [line for line in suite.errors.splitlines() if not line.startswith("{")]  # the log's are JSON
    assert line.startswith(f"timeblu: {name}: ")
    assert suite.output == ""


def test_what_nobody_thought_of_ends_a_start_as_well(suite: Running) -> None:
    suite.data_dir.mkdir()
    (suite.data_dir / "demo-provisioned").symlink_to(suite.data_dir / "nowhere" / "at all")
    assert suite.begin().wait(timeout=PATIENCE) == 1
    assert "the suite cannot go on" in suite.errors


def test_the_demo_left_unfinished_is_finished_by_the_next_start(suite: Running) -> None:
    suite.environment = {"DEMO": "0"}
    suite.start()
    assert suite.practice().call("GET", "scheduling", "/v1/account").status_code == 503  # nobody has heard of it
    # As after a kill between the account and its connection to Stripe.
    suite.practice().provision(name="My own name")
    assert suite.end() == 0
    suite.environment = {}
    suite.start()
    assert suite.practice().get("scheduling", "/v1/account")["name"] == "My own name"
    assert suite.practice().get("payments", "/v1/connect")["charges_enabled"]


def test_a_signal_during_the_start_ends_it_cleanly(suite: Running) -> None:
    _signals_during_the_start(suite, (0.2, 1.2))


@pytest.mark.chaos
def test_a_signal_at_any_moment_of_the_start_ends_it_cleanly(suite: Running) -> None:
    _signals_during_the_start(suite, tuple(0.12 * step for step in range(20)))


def _signals_during_the_start(suite: Running, moments: tuple[float, ...]) -> None:
    for number, moment in enumerate(moments):
        process = suite.begin()
        # Before, the interpreter is still starting, and nobody can hear it.
        wait_until(partial(_hears, process.pid, signal.SIGTERM), what="a handler", interval=0.001)
        time.sleep(moment)  # the moment is what is tested
        began = time.monotonic()
        process.send_signal((signal.SIGTERM, signal.SIGINT)[number % 2])
        assert process.wait(timeout=PATIENCE) == 0, suite.errors
        assert took(began) < SOON
        assert "Traceback" not in suite.errors
    suite.start()
    assert suite.practice().get("payments", "/v1/connect")["charges_enabled"]


def test_a_token_that_cannot_be_made_is_refused_clearly(tmp_path: Path) -> None:
    missing = run("embedded.token", "--data-dir", str(tmp_path))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.strip() == f"token: {tmp_path}/secrets.json is not there yet: start the suite first"
    unknown = run("embedded.token", "--data-dir", str(tmp_path), "--scope", "sessions:read everything")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "there is no scope everything" in unknown.stderr
    strange = run("embedded.token", "--data-dir", str(tmp_path), "--account", "demo; rm")
    assert (strange.returncode, strange.stdout) == (2, "")
    assert "is no account's id" in strange.stderr


def test_a_demo_without_a_suite_says_how_to_start_one(tmp_path: Path) -> None:
    port = free_port()
    nowhere = run("embedded.demo", "--port", str(port), "--data-dir", str(tmp_path))
    assert nowhere.returncode == 1
    assert "holds no suite: start one with `make run`" in nowhere.stderr
    secrets = {"auth_jwt_secret": "a" * 64, "service_jwt_secret": "b" * 64}
    (tmp_path / "secrets.json").write_text(json.dumps(secrets))
    silent = run("embedded.demo", "--port", str(port), "--data-dir", str(tmp_path))
    assert silent.returncode == 1
    assert silent.stderr.strip() == (
        f"demo: nothing answers at http://127.0.0.1:{port}: start the suite with `make run`, and name its PORT"
    )


def _start_here(data_dir: Path) -> None:
    """In this process, as far as it comes."""
    started = Suite(data_dir=data_dir, host="127.0.0.1", port=0, stopping=threading.Event())
    try:
        started.start()
    finally:
        assert started.stop()


def _hears(pid: int, number: int) -> bool:
    """Whether the process has a handler for the signal."""
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
