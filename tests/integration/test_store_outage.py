"""A store or a broker that goes away takes nothing with it: work is taken where it can be, and goes on by itself when it is back."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
import requests

from contracts import topology
from contracts.registry import SERVICES
from embedded.practice import Practice
from support.backing import Broker, Postgres
from support.processes import Processes
from support.suite import Deployment
from support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.integration

ROLES = {
    "scheduling": ("api", "relay", "consume"),
    "clients": ("api", "relay", "consume"),
    "payments": ("api", "relay", "consume", "jobs"),
}


@pytest.fixture(scope="module")
def suite(
    own_broker: Broker,
    own_postgres: Postgres,
    postgres: Postgres,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Deployment]:
    """Without notifications; payments' store is on a server of its own, so that it can go away while the others stay."""
    started = Deployment(
        processes=Processes(directory=tmp_path_factory.mktemp("logs")),
        broker_url=own_broker.vhost(),
        store_urls={s: own_postgres.database() if s == "payments" else postgres.database() for s in SERVICES},
    )
    failed_before = request.session.testsfailed
    try:
        started.start_sandbox()
        for service, roles in ROLES.items():
            for role in roles:
                started.start_role(service, role, wait=False)
        started.wait_ready()
        yield started
    finally:
        started.processes.end()
        if request.session.testsfailed > failed_before:
            print(started.processes.report())
        own_broker.drop_vhosts()
        own_postgres.drop_databases()
        postgres.drop_databases()


@pytest.fixture
def practice(suite: Deployment) -> Practice:
    return suite.new_practice()


class Bookings:
    """Books one session after the other with a deposit each, until it is stopped; whatever else is down, scheduling answers."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.made: list[str] = []
        self._service = practice.session_type(minutes=15)["id"]
        self._client = practice.client("Ada Lovelace", f"ada.{uuid.uuid4().hex[:10]}@client.example")["id"]
        self._first = (datetime.now(UTC) + timedelta(days=10)).replace(minute=0, second=0, microsecond=0)
        self._stop = threading.Event()
        self._error: BaseException | None = None

    def book(self) -> str:
        starts_at = self._first + len(self.made) * timedelta(minutes=15)
        booked = self.practice.book(service_id=self._service, client_id=self._client, starts_at=starts_at)
        self.made.append(booked["id"])
        return str(booked["id"])

    def paid(self) -> str:
        session = self.practice.wait_deposit(self.book(), "required", seconds=PATIENCE)
        assert self.practice.pay(session["payment_url"]).status_code == 303
        self.practice.wait_deposit(session["id"], "paid", seconds=PATIENCE)
        return str(session["id"])

    def __enter__(self) -> Bookings:
        self._thread = threading.Thread(target=self._run, name="bookings", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=PATIENCE)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._stop.wait(0.15):
                self.book()
        except BaseException as error:
            self._error = error


def readiness(suite: Deployment, service: str, role: str) -> int:
    return requests.get(f"{suite.roles[service, role].url}/readyz", timeout=30).status_code


def wait_readiness(suite: Deployment, status: int, *roles: tuple[str, str]) -> None:
    for service, role in roles:
        wait_until(
            lambda service=service, role=role: readiness(suite, service, role) == status,  # type: ignore[misc]
            interval=0.1,
            what=f"{service} {role} to answer {status} at /readyz",
        )


def _all_published(practice: Practice, service: str) -> bool:
    return bool(practice.get(service, "/v1/ops/outbox")["unpublished"] == 0)


def wait_handled(suite: Deployment, practice: Practice, sessions: list[str]) -> None:
    """Until every session has its deposit in payments and scheduling shows it, and nothing is kept, parked or dead anywhere."""

    def all_known() -> bool:
        with psycopg.connect(suite.store_urls["scheduling"]) as connection:
            rows = connection.execute("SELECT id, deposit FROM sessions WHERE account_id = %s", (practice.account_id,))
            shown = {id_ for id_, deposit in rows if '"id": "dep_' in deposit or '"id":"dep_' in deposit}
        return shown >= set(sessions)

    wait_until(all_known, interval=0.2, what="every deposit to be shown")
    wait_until(lambda: not kept(practice), interval=0.2, what="every event to be handled")
    for service in ROLES:
        wait_until(partial(_all_published, practice, service), interval=0.2, what=f"{service} to publish everything")
        assert practice.get(service, "/v1/ops/dead")["data"] == []
        assert [f for f in practice.get(service, "/v1/ops/invariants")["data"] if f["violations"]] == []


def kept(practice: Practice) -> list[Any]:
    return [e for service in ROLES for e in practice.get(service, "/v1/ops/inbox", limit=200)["data"]]


def for_seconds(seconds: float, look: Callable[[], None]) -> None:
    """Look again and again for so long."""
    ends = time.monotonic() + seconds

    def over() -> bool:
        look()
        return time.monotonic() > ends

    wait_until(over, deadline=seconds + 60, interval=0.5, what="time to pass")


@pytest.mark.parametrize("seconds", [8, pytest.param(60, marks=pytest.mark.chaos)])
def test_while_its_store_is_down_a_service_says_so_and_loses_or_condemns_no_event(
    suite: Deployment, practice: Practice, own_broker: Broker, own_postgres: Postgres, seconds: float
) -> None:
    bookings = Bookings(practice)
    paid = [bookings.paid() for _ in range(2)]
    with bookings:
        own_postgres.stop()
        for session_id in paid:
            assert practice.cancel(session_id, refund="refund")["deposit"]["status"] == "refund_pending"
        wait_readiness(suite, 503, ("payments", "api"), ("payments", "consume"), ("payments", "jobs"))

        def refuses_and_keeps() -> None:
            answer = practice.call("GET", "payments", "/v1/deposits", params={"session_id": paid[0]})
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert int(answer.headers["Retry-After"]) > 0
            assert requests.get(f"{suite.url('payments')}/healthz", timeout=30).status_code == 200
            assert readiness(suite, "scheduling", "api") == 200
            assert own_broker.depth(suite.broker_url, topology.dead_queue("payments")) == 0

        for_seconds(seconds, refuses_and_keeps)
        own_postgres.start()
    assert len(bookings.made) > len(paid)
    wait_handled(suite, practice, bookings.made)
    for session_id in paid:
        practice.wait_deposit(session_id, "refunded", seconds=PATIENCE)
        deposit = practice.deposit_of(session_id)
        assert [refund["status"] for refund in deposit["refunds"]] == ["succeeded"]
        at_stripe = [r for r in practice.refunds_at_stripe() if r["metadata"]["timeblu_deposit"] == deposit["id"]]
        assert [refund["amount"] for refund in at_stripe] == [2000]
    wait_readiness(suite, 200, *((service, role) for service, roles in ROLES.items() for role in roles))
    expect_nothing_delivered_twice(suite, own_broker)


def expect_nothing_delivered_twice(suite: Deployment, broker: Broker) -> None:
    """The broker's own count says that no event went back to the queue; one that did could come to its delivery limit."""
    with psycopg.connect(suite.store_urls["payments"]) as connection:
        row = connection.execute("SELECT count(*) FROM inbox").fetchone()
        assert row is not None
        handled = row[0]

    vhost = quote(urlsplit(suite.broker_url).path.removeprefix("/"), safe="")
    place = f"{broker.management_url}/api/queues/{vhost}/{topology.events_queue('payments')}"

    def counted() -> dict[str, Any] | None:
        # RabbitMQ counts on the side, and has nothing to say of a queue for moments at a time.
        stats: dict[str, Any] = requests.get(place, timeout=30).json().get("message_stats", {})
        return stats if stats.get("ack", 0) >= handled else None

    stats = wait_until(counted, interval=0.5, what="the broker to have counted")
    assert stats is not None
    assert stats.get("redeliver", 0) == 0


def test_while_the_broker_is_down_work_is_taken_and_told_when_it_is_back(
    suite: Deployment, practice: Practice, own_broker: Broker
) -> None:
    bookings = Bookings(practice)
    session_id = bookings.paid()
    of_the_broker = [(service, role) for service in ROLES for role in ("relay", "consume")]
    own_broker.stop()
    try:
        bookings.book()
        practice.cancel(session_id, refund="refund")
        practice.client("Grace Hopper")
        wait_readiness(suite, 503, *of_the_broker)
        for service in ROLES:
            assert readiness(suite, service, "api") == 200
        assert readiness(suite, "payments", "jobs") == 200
        assert practice.get("scheduling", "/v1/ops/outbox")["unpublished"] >= 2
        assert practice.get("clients", "/v1/ops/outbox")["unpublished"] >= 1
        assert practice.deposit_of(bookings.made[-1]) is None
    finally:
        own_broker.start()
    practice.wait_deposit(session_id, "refunded", seconds=PATIENCE)
    wait_handled(suite, practice, bookings.made)
    wait_readiness(suite, 200, *of_the_broker)
