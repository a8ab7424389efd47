"""The roles as real processes: quick to be ready, honest about it, and gone on SIGTERM without cutting anything off."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import requests
from shared.chassis.tests.driver import ROOT, Bench, Environment

from chassis import auth
from support.processes import Processes
from support.waiting import wait_until

pytestmark = pytest.mark.integration
LEDGER = "shared.chassis.tests.ledger"


@pytest.mark.parametrize("role", ["api", "relay", "consume", "jobs"])
def test_a_role_is_ready_soon_and_ends_on_sigterm(
    processes: Processes, environment: Environment, suite: Bench, role: str
) -> None:
    started = time.monotonic()
    process = processes.start(LEDGER, role, environment=environment)
    took = time.monotonic() - started

    print(f"\n{role}: ready after {took:.2f} s")  # the promise is 2 s; a busy machine must not fail a build
    assert requests.get(f"{process.url}/healthz", timeout=5).json() == {"status": "alive"}
    metrics = requests.get(f"{process.url}/metrics", timeout=5).text
    assert "outbox_unpublished 0.0" in metrics
    meta = requests.get(f"{process.url}/meta", timeout=5).json()
    assert meta["service"] == "payments"
    assert meta["events"]["consumed"]["account.created"] == 1
    assert process.terminate() == 0
    for line in process.log.read_text().splitlines():
        assert json.loads(line)["process"] == f"payments {role}"


@pytest.mark.parametrize("role", ["relay", "consume", "jobs"])
def test_a_role_without_an_api_loads_nothing_of_http(role: str) -> None:
    modules = {"relay": "chassis.relay", "consume": "chassis.consumer", "jobs": "chassis.jobs"}
    code = (
        f"import sys, chassis.cli, chassis.processes, {modules[role]}, shared.chassis.tests.ledger.service\n"
        "print([name for name in ('flask', 'stripe', 'twilio', 'apispec', 'webargs', 'jwt', 'requests') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )

    assert done.stdout.strip() == "[]"


def test_events_travel_from_one_process_to_another(
    processes: Processes, environment: Environment, suite: Bench
) -> None:
    for role in ("relay", "consume", "consume"):
        processes.start(LEDGER, role, environment=environment)

    ids = [suite.publish(subject=f"acc_{number}") for number in range(50)]

    wait_until(lambda: suite.entries() >= 50, what="fifty effects")
    assert [suite.entries(id_) for id_ in ids] == [1] * 50


def test_a_process_that_waits_for_its_store_is_alive_but_not_ready(
    processes: Processes, environment: Environment
) -> None:
    away = {**environment, "STORE_URL": "postgresql://nobody:nothing@127.0.0.1:9/none"}
    process = processes.start(LEDGER, "consume", environment=away, wait=False)

    wait_until(
        lambda: requests.get(f"{process.url}/healthz", timeout=5).ok,
        ignoring=(requests.RequestException,),
        what="the process to be alive",
    )
    assert requests.get(f"{process.url}/readyz", timeout=5).status_code == 503
    assert process.terminate() == 0


@pytest.mark.parametrize("role", ["relay", "consume"])
def test_a_role_that_never_reached_the_broker_is_not_ready(
    processes: Processes, environment: Environment, role: str
) -> None:
    away = {**environment, "BROKER_URL": "amqp://guest:guest@127.0.0.1:9/"}
    process = processes.start(LEDGER, role, environment=away, wait=False)

    wait_until(lambda: "the broker is down" in process.log.read_text(), what="the process to have tried")
    answer = requests.get(f"{process.url}/readyz", timeout=5)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert process.terminate() == 0


def test_an_event_that_kills_its_worker_ends_parked_and_takes_no_other_with_it(
    processes: Processes, environment: Environment, suite: Bench
) -> None:
    processes.start(LEDGER, "relay", environment=environment)
    consumer = processes.start(LEDGER, "consume", environment=environment, wait=False)
    before = [suite.publish(subject=f"acc_{number}") for number in range(30)]
    deadly = suite.publish(subject="acc_x", name="deadly")
    after = [suite.publish(subject=f"acc_{number}") for number in range(30, 60)]
    deaths = 0

    def parked() -> bool:
        nonlocal consumer, deaths
        if not consumer.alive():
            deaths += 1
            consumer = processes.start(LEDGER, "consume", environment=environment, wait=False)
        return suite.status(deadly) == "parked"

    wait_until(parked, deadline=90, interval=0.1, what="the deadly one to be parked")
    wait_until(lambda: suite.entries() >= 60, what="all others")

    assert 2 <= deaths <= 5
    assert [suite.entries(id_) for id_ in [*before, *after]] == [1] * 60
    assert suite.entries(deadly) == 0
    assert suite.kept("dead") == []


def test_the_command_line_lists_shows_retries_and_discards(
    processes: Processes, environment: Environment, suite: Bench
) -> None:
    suite.inbox().take([suite.message(id=f"evt-{number}", name="failing") for number in range(2)])

    def command(*arguments: str) -> list[dict[str, object]]:
        out = processes.run(LEDGER, "inbox", *arguments, environment=environment)
        return [json.loads(line) for line in out.splitlines()]

    assert [entry["event_id"] for entry in command("list", "--status", "pending")] == ["evt-0", "evt-1"]
    assert all("body" not in entry for entry in command("list"))
    assert json.loads(str(command("show", "evt-0")[0]["body"]))["name"] == "failing"
    assert command("discard", "evt-1")[0]["status"] == "discarded"
    assert command("retry", "evt-0")[0]["status"] == "pending"
    (mended := processes.directory / "mended").touch()
    processes.start(LEDGER, "consume", environment={**environment, "LEDGER_MENDED": str(mended)})
    suite.wait_status("evt-0", "done")


def test_the_command_line_says_in_a_line_what_is_wrong(environment: Environment, suite: Bench, tmp_path: Path) -> None:
    def fails(*arguments: str, **changes: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", LEDGER, *arguments],
            env={name: value for name, value in {**environment, **changes}.items() if value},
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=60,
            check=False,
        )
        assert done.returncode in {1, 2}
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        return done.stderr

    assert "evt-none" in fails("inbox", "show", "evt-none")
    assert "inbox" in fails("inbox", "list", STORE_URL=f"sqlite:///{tmp_path}/without-tables.db")
    assert "the store" in fails("inbox", "list", STORE_URL="postgresql://nobody:nothing@127.0.0.1:9/none")
    assert "sms" in fails("work", "--channel", "sms")
    assert "STORE_URL" in fails("relay", STORE_URL="")
    both = fails("relay", STORE_URL="", BROKER_URL="")
    assert "STORE_URL" in both
    assert "BROKER_URL" in both
    assert "SERVICE_JWT_SECRET" in fails("relay", SERVICE_JWT_SECRET="short")
    assert "STORE_URL" in fails("relay", STORE_URL="mysql://x")
    assert "BROKER_URL" in fails("relay", BROKER_URL="redis://x")
    assert "AUTH_JWKS_URL" in fails("api", AUTH_JWKS_URL="file:///keys.json")
    assert "LOG_LEVEL" in fails("relay", LOG_LEVEL="LOUD")
    assert "HTTP_PORT" in fails("relay", HTTP_PORT="99999")
    assert "INBOX_RETENTION_DAYS" in fails("relay", OUTBOX_RETENTION_DAYS="30")
    assert "CONSUMER_BATCH" in fails("relay", CONSUMER_BATCH="0")
    assert "AUTH_JWT_SECRET" in fails("relay", AUTH_JWT_SECRET="")
    assert "CONSUMER_NICENESS" in fails("consume", CONSUMER_NICENESS="-1")


def test_a_consumer_gives_way_to_others_as_far_as_it_is_told(
    processes: Processes, environment: Environment, suite: Bench
) -> None:
    ours = os.nice(0)
    for told, niceness in (({}, ours), ({"CONSUMER_NICENESS": "3"}, ours + 3)):
        consumer = processes.start(LEDGER, "consume", environment={**environment, **told})
        assert os.getpriority(os.PRIO_PROCESS, consumer.process.pid) == niceness
        assert consumer.terminate() == 0


def test_sigterm_lets_requests_finish(processes: Processes, environment: Environment, suite: Bench) -> None:
    api = processes.start(LEDGER, "api", environment=environment)
    token = auth.issue(environment["AUTH_JWT_SECRET"], account_id="acc_one", scope="payments:write payments:read")
    with ThreadPoolExecutor(4) as pool, psycopg.connect(environment["STORE_URL"]) as other:
        # While this lock is held no entry can be made: the requests are in the middle of their work.
        other.execute("LOCK TABLE entries IN ACCESS EXCLUSIVE MODE")
        answers = [
            pool.submit(
                requests.post,
                f"{api.url}/v1/entries",
                json={"note": str(number)},
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
            )
            for number in range(4)
        ]
        wait_until(
            lambda: suite.rows("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")[0][0] >= 4,
            what="the requests to be under way",
        )
        api.process.terminate()
        wait_until(lambda: "stopping" in api.log.read_text(), what="the signal to be seen")
        other.rollback()

    assert [answer.result().status_code for answer in answers] == [201] * 4
    assert api.process.wait(timeout=20) == 0


def test_sigterm_finishes_and_acknowledges_what_a_consumer_holds(
    processes: Processes, environment: Environment, suite: Bench
) -> None:
    relay = processes.start(LEDGER, "relay", environment=environment)
    consumer = processes.start(LEDGER, "consume", environment=environment)
    with suite.service.store.transaction():
        for number in range(1500):
            suite.publish_inside(subject=f"acc_{number}")
    wait_until(lambda: suite.entries() > 0, interval=0.001, what="the first effects")

    assert consumer.terminate() == 0
    assert relay.terminate() == 0
    between = suite.entries()
    processes.start(LEDGER, "relay", environment=environment)
    second = processes.start(LEDGER, "consume", environment=environment)
    wait_until(lambda: suite.entries() >= 1500, deadline=120, what="the rest")

    assert between < 1500, "it was stopped in the middle"
    # RabbitMQ may give back the one message that was on its way when the consumer was cancelled.
    given_back = re.findall(r"(\d+) messages were delivered before", second.log.read_text())
    assert sum(int(count) for count in given_back) <= 1
    assert suite.rows("SELECT count(*), count(DISTINCT event_id) FROM entries") == [(1500, 1500)]


def test_ten_starters_at_once_migrate_once(environment: Environment, store_url: str) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", LEDGER, "migrate"],
            env={**environment, "STORE_URL": store_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(10)
    ]
    outputs = [process.communicate(timeout=60) for process in started]

    assert [process.returncode for process in started] == [0] * 10, outputs
    applied = [out.split() for out, _ in outputs if "up to date" not in out]
    assert applied == [["0001_messaging", "0002_journeys", "0001_initial"]]
