"""The servers that tests stand on are themselves tested: they are real, apart from each other, and survive a restart."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pika
import pika.exceptions
import psycopg
import pytest

from support.backing import Broker, Postgres
from support.servers import free_port, network
from support.waiting import DeadlinePassed, wait_until

pytestmark = pytest.mark.integration
TESTS = Path(__file__).parents[1]


def publish(url: str, body: bytes) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.queue_declare("kept", durable=True, arguments={"x-queue-type": "quorum"})
    channel.confirm_delivery()
    channel.basic_publish("", "kept", body, pika.BasicProperties(delivery_mode=2))
    connection.close()


def holds(broker: Broker, url: str, count: int) -> bool:
    try:
        return broker.depth(url, "kept") == count
    except (pika.exceptions.AMQPError, OSError):
        return False


def test_a_virtual_host_is_seen_by_nobody_else(broker: Broker, broker_url: str) -> None:
    publish(broker_url, b"one")
    other = broker.vhost()

    assert broker.depth(broker_url, "kept") == 1
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        broker.depth(other, "kept")


def test_a_database_belongs_to_a_role_without_further_rights(postgres: Postgres, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION btree_gist")
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE DATABASE another")


def test_containers_wait_while_a_browser_looks() -> None:
    code = "from support.servers import network\nwith network(changes=True): print('changed')"
    with network(changes=False):
        other = subprocess.Popen([sys.executable, "-c", code], cwd=TESTS, stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=3)
    assert other.communicate(timeout=120)[0] == "changed\n"


def test_a_port_is_given_to_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # Elsewhere somebody may be given one of any thousand at the same moment, and listen later.
    code = "import secrets; secrets.choice = lambda ports: ports.pop(0); from support.servers import free_port; print([free_port(), free_port()])"
    monkeypatch.setattr(secrets, "choice", lambda ports: ports.pop(0))
    ours = [free_port(), free_port()]
    theirs = json.loads(subprocess.run([sys.executable, "-c", code], cwd=TESTS, capture_output=True, check=True).stdout)
    assert len({*ours, *theirs}) == 4


@pytest.mark.chaos
def test_a_broker_comes_back_at_its_address_with_what_was_confirmed(broker: Broker, broker_url: str) -> None:
    # First the clean end: a queue made in the second before a SIGKILL comes back empty (seen on RabbitMQ 3.10), an
    # older one does not.
    for count, end in enumerate([broker.stop, broker.kill], start=1):
        publish(broker_url, b"one")

        end()
        with pytest.raises((pika.exceptions.AMQPError, OSError)):
            publish(broker_url, b"while it is away")
        broker.start()

        wait_until(partial(holds, broker, broker_url, count), what="what was confirmed")


@pytest.mark.chaos
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_database_comes_back_at_its_address_with_what_was_committed(
    postgres: Postgres, postgres_url: str, end: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n integer)")
        connection.execute("INSERT INTO kept VALUES (1)")

    getattr(postgres, end)()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres_url, connect_timeout=2)
    postgres.start()

    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]


@pytest.fixture
def found_running(own_postgres: Postgres) -> Iterator[Postgres]:
    """Whatever the test does with it, it answers when the fixtures are taken down."""
    yield own_postgres
    psycopg.connect(own_postgres.url, connect_timeout=30).close()


@pytest.mark.chaos
def test_a_server_that_a_test_leaves_ended_is_started_again_before_anybody_else_needs_it(
    found_running: Postgres,
) -> None:
    found_running.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(found_running.url, connect_timeout=2)


def test_waiting_says_what_it_waited_for_and_what_it_saw() -> None:
    with pytest.raises(DeadlinePassed, match=r"the moon.*seen last: 0"):
        wait_until(lambda: 0, deadline=0.05, what="the moon")
