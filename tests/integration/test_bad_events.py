"""A bad event stops nobody: it is kept for a person to look at while all others are handled, and finished once its cause is gone."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pika
import psycopg
import pytest

from contracts import topology
from contracts.envelope import Envelope
from contracts.examples import example
from contracts.registry import SERVICES, event_type
from embedded.practice import Practice, Refused, wait_for
from support.backing import Broker, Postgres
from support.processes import Processes
from support.suite import Deployment

pytestmark = pytest.mark.integration

ATTEMPTS = 3
# Money is not at stake here: what would bring it (sandbox, jobs) and what tells of it (notifications) is left out.
ROLES = {"scheduling": ("api", "relay"), "clients": ("api", "relay"), "payments": ("api", "consume")}


@pytest.fixture(scope="module")
def suite(
    broker: Broker, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    """Scheduling and clients that publish, payments that consumes and gives up after three attempts."""
    started = Deployment(
        processes=Processes(directory=tmp_path_factory.mktemp("logs")),
        broker_url=broker.vhost(),
        store_urls={service: postgres.database() for service in SERVICES},
        more={"INBOX_ATTEMPTS": str(ATTEMPTS)},
    )
    failed_before = request.session.testsfailed
    try:
        for service, roles in ROLES.items():
            for role in (*roles, *(("consume",) if service == "clients" else ())):
                started.start_role(service, role, wait=False)
        started.wait_ready()
        yield started
    finally:
        started.processes.end()
        if request.session.testsfailed > failed_before:
            print(started.processes.report())
        broker.drop_vhosts()
        postgres.drop_databases()


@pytest.fixture
def practice(suite: Deployment) -> Practice:
    """A provider who has not connected Stripe: deposits are there, and are not asked."""
    made = suite.practice(f"acc_{uuid.uuid4().hex[:12]}")
    made.provision()
    made.open_all_day()
    return made


def book(practice: Practice, name: str, *, hours: float = 240, client_id: str | None = None) -> str:
    """A session with a deposit, of a session type called `name`."""
    service = practice.session_type(name=name)
    client_id = client_id or practice.client("Ada Lovelace", f"ada.{uuid.uuid4().hex[:10]}@client.example")["id"]
    starts_at = (datetime.now(UTC) + timedelta(hours=hours)).replace(second=0, microsecond=0)
    booked = practice.book(service_id=service["id"], client_id=client_id, starts_at=starts_at)
    return str(booked["id"])


def wait_for_deposit(practice: Practice, session_id: str) -> Any:
    def look() -> Any:
        heard = practice.call("GET", "payments", "/v1/settings").status_code != 503
        return practice.deposit_of(session_id) if heard else None

    return wait_for(look, f"payments knows the deposit of {session_id}")


def kept(practice: Practice, status: str) -> list[Any]:
    """What payments keeps in its inbox with this status, of this test's account or of nobody's."""
    found = practice.get("payments", "/v1/ops/inbox", status=status, limit=200)["data"]
    return [entry for entry in found if entry["account_id"] in {practice.account_id, None}]


def publish(suite: Deployment, routing_key: str, headers: dict[str, Any], body: bytes) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(suite.broker_url))
    connection.channel().basic_publish(
        topology.EXCHANGE, routing_key, body, pika.BasicProperties(headers=headers, delivery_mode=2)
    )
    connection.close()


def envelope(type: str, data: dict[str, Any]) -> Envelope:
    return Envelope(
        id=str(uuid.uuid4()),
        source="/timeblu/scheduling",
        type=type,
        subject=data["id"],
        time=datetime.now(UTC),
        dataschema=event_type(type).version,
        account_id=data["account_id"],
        sequence=data["version"],
        traceparent=None,
        body=json.dumps(data).encode(),
    )


@pytest.mark.parametrize("door", ["command line", "operations API"])
def test_an_event_whose_handler_always_fails_is_parked_and_finished_once_the_cause_is_gone(
    suite: Deployment, practice: Practice, door: str
) -> None:
    with psycopg.connect(suite.store_urls["payments"], autocommit=True) as connection:
        connection.execute("ALTER TABLE sessions ADD CONSTRAINT no_poison CHECK (service_name <> 'Poison') NOT VALID")
        good = [book(practice, "Coaching", hours=240)]
        bad = book(practice, "Poison", hours=250)
        good += [book(practice, "Coaching", hours=260 + 10 * n) for n in range(3)]
        for session_id in good:
            wait_for_deposit(practice, session_id)
        (parked,) = wait_for(lambda: kept(practice, "parked"), "the bad event to be parked")
        assert (parked["subject"], parked["type"], parked["attempts"]) == (bad, "session.created", ATTEMPTS)
        assert "no_poison" in parked["error"]
        assert practice.deposit_of(bad) is None
        connection.execute("ALTER TABLE sessions DROP CONSTRAINT no_poison")
    if door == "command line":
        environment = suite.environment("payments")
        listed = suite.processes.run("payments", "inbox", "list", "--status", "parked", environment=environment)
        assert parked["event_id"] in [json.loads(line)["event_id"] for line in listed.splitlines()]
        suite.processes.run("payments", "inbox", "retry", parked["event_id"], environment=environment)
    else:
        practice.post("payments", f"/v1/ops/inbox/{parked['event_id']}/retry")
    assert wait_for_deposit(practice, bad)["amount"] == 2000
    wait_for(lambda: not kept(practice, "parked") and not kept(practice, "pending"), "nothing is kept any more")


def test_an_event_that_the_store_never_takes_is_parked_until_somebody_gives_it_up(
    suite: Deployment, practice: Practice
) -> None:
    wait_for_deposit(practice, book(practice, "Coaching"))
    # Valid by its schema, but no text of PostgreSQL's.
    data = example("session.created") | {"account_id": practice.account_id, "service_name": "Nul\x00", "deposit": None}
    strange = envelope("session.created", data)
    publish(suite, strange.type, strange.headers(), strange.body)
    (parked,) = wait_for(lambda: kept(practice, "parked"), "the strange event to be parked")
    assert parked["event_id"] == strange.id
    wait_for_deposit(practice, book(practice, "Coaching", hours=260))
    practice.post("payments", f"/v1/ops/inbox/{strange.id}/discard")
    publish(suite, strange.type, strange.headers(), strange.body)
    wait_for_deposit(practice, book(practice, "Coaching", hours=280))
    assert kept(practice, "parked") == []


def test_bytes_that_are_no_event_are_parked_as_bytes(suite: Deployment, practice: Practice) -> None:
    before = {entry["event_id"] for entry in kept(practice, "parked")}
    publish(suite, "session.created", {}, b"\xff\x00 no event")
    wait_for_deposit(practice, book(practice, "Coaching"))
    (parked,) = wait_for(
        lambda: [entry for entry in kept(practice, "parked") if entry["event_id"] not in before], "the bytes are parked"
    )
    assert parked["event_id"].startswith("raw_")
    shown = suite.processes.run(
        "payments", "inbox", "show", parked["event_id"], environment=suite.environment("payments")
    )
    assert bytes.fromhex(json.loads(shown)["body"]) == b"\xff\x00 no event"
    with pytest.raises(Refused) as refused:
        practice.post("payments", f"/v1/ops/inbox/{parked['event_id']}/retry")
    assert refused.value.status == 409
    practice.post("payments", f"/v1/ops/inbox/{parked['event_id']}/discard")


def test_a_session_that_comes_before_its_client_waits_and_is_then_handled(
    suite: Deployment, practice: Practice
) -> None:
    wait_for_deposit(practice, book(practice, "Coaching"))
    suite.kill("clients", "relay")
    client = practice.client("Grace Hopper", f"grace.{uuid.uuid4().hex[:10]}@client.example")
    early = book(practice, "Coaching", hours=260, client_id=client["id"])
    (waiting,) = wait_for(lambda: kept(practice, "waiting"), "the session's event to wait")
    assert (waiting["subject"], waiting["waiting_for"], waiting["attempts"]) == (early, client["id"], 0)
    assert practice.deposit_of(early) is None
    suite.start_role("clients", "relay")
    wait_for_deposit(practice, early)
    wait_for(lambda: not kept(practice, "waiting"), "nothing waits any more")
    assert kept(practice, "parked") == []
