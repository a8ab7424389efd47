"""Brokers and databases that go away and come back: nothing is lost, nothing is done twice, and /readyz tells the truth."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
import requests
from shared.chassis.tests.driver import Bench, Environment, send_raw

from support.backing import Broker, Postgres
from support.processes import Processes
from support.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.integration]
LEDGER = "shared.chassis.tests.ledger"


def ready(url: str) -> bool:
    return requests.get(f"{url}/readyz", timeout=5).status_code == 200


def unready(url: str) -> bool:
    return not ready(url)


def _all_handled(bench: Bench, total: int) -> bool:
    assert bench.kept("parked") == bench.kept("dead") == []
    return bench.entries() >= total


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_broker_that_goes_away_while_events_are_published_loses_none(suite: Bench, broker: Broker, end: str) -> None:
    relay = suite.relay()
    consumer = suite.consumer()
    published = threading.Event()
    enough = threading.Event()

    def publish() -> None:
        number = 0
        while not enough.is_set() and number < 4000:
            with suite.service.store.transaction():
                for _ in range(20):
                    suite.publish_inside(subject=f"acc_{number}")
                    number += 1
            if number > 300:
                published.set()

    writer = threading.Thread(target=publish)
    writer.start()
    try:
        assert published.wait(30)
        wait_until(lambda: suite.entries() > 100, what="some effects")
        getattr(broker, end)()
        wait_until(lambda: not relay.ready and not consumer.ready, deadline=60, what="both to notice")
        broker.start()
        wait_until(lambda: relay.ready and consumer.ready, deadline=60, what="both to be connected again")
    finally:
        enough.set()
        writer.join()

    total = suite.rows("SELECT count(*) FROM outbox")[0][0]
    wait_until(lambda: suite.unpublished() == 0, deadline=60, what="all to be published")
    wait_until(partial(_all_handled, suite, total), deadline=120, what=f"all {total} effects")
    assert suite.rows("SELECT count(*), count(DISTINCT event_id) FROM entries") == [(total, total)]
    assert suite.kept("parked") == suite.kept("dead") == []


def test_readiness_tells_of_a_broker_that_went_away(
    processes: Processes, environment: Environment, suite: Bench, broker: Broker
) -> None:
    api, relay, consumer = (
        processes.start(LEDGER, role, environment=environment) for role in ("api", "relay", "consume")
    )

    broker.kill()
    for role in (relay, consumer):
        wait_until(partial(unready, role.url), deadline=60, what=f"{role.name} to tell")
    assert ready(api.url), "an API needs its store alone"
    broker.start()

    for role in (relay, consumer):
        wait_until(partial(ready, role.url), deadline=60, what=f"{role.name} to be ready again")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_store_that_goes_away_dead_letters_and_parks_nothing(
    suite: Bench, postgres: Postgres, broker: Broker, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = suite.service.settings.broker_url
    relay = suite.relay()
    consumer = suite.consumer()
    failing = suite.publish(subject="acc_bad", name="failing")  # its retries meet the outage as well
    for number in range(5):
        with suite.service.store.transaction():
            for inner in range(100):
                suite.publish_inside(subject=f"acc_{number}_{inner}")
    wait_until(lambda: suite.unpublished() == 0 and suite.entries() >= 500, deadline=120, what="a steady state")
    suite.stop(relay)
    with suite.service.store.transaction():
        for number in range(300):
            suite.publish_inside(subject=f"acc_late_{number}")

    getattr(postgres, end)()
    # What comes from other services goes on coming.
    foreign = [suite.message(subject=f"acc_foreign_{number}") for number in range(300)]
    send_raw(url, foreign)
    wait_until(lambda: not consumer.ready, what="the consumer to stop consuming")
    assert not suite.service.store.answers()
    assert broker.depth(url, "payments.dead") == 0
    postgres.start()
    wait_until(lambda: consumer.ready, deadline=90, what="the consumer to consume again by itself")
    suite.relay()

    wait_until(lambda: suite.entries() >= 1100, deadline=120, what="all effects")
    assert suite.rows("SELECT count(*), count(DISTINCT event_id) FROM entries") == [(1100, 1100)]
    assert suite.rows("SELECT count(*) FROM inbox WHERE status NOT IN ('done', 'pending', 'running')") == [(0,)]
    assert suite.status(failing) in {"pending", "running"}
    assert broker.depth(url, "payments.dead") == 0
    assert "delivered before" not in caplog.text, "nothing was given back"


def test_wakeups_come_again_after_the_store_was_restarted(
    postgres: Postgres, postgres_url: str, benches: Callable[..., Bench]
) -> None:
    here, there = benches(postgres_url), benches(postgres_url)
    woken = there.service.wakeups.subscribe("work")

    def notified() -> bool:
        here.service.wakeups.notify("work")
        return woken.wait(0.2)

    wait_until(notified, what="the first wake-up")
    postgres.restart()
    woken.clear()
    wait_until(notified, deadline=60, what="a wake-up after the restart")
    # One that comes within moments, and not by the reconnection.
    woken.clear()
    here.service.wakeups.notify("work")
    assert woken.wait(2)
