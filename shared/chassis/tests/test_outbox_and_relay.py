"""Promise 1, nothing lost: an event commits with its change, and is marked only when the broker has confirmed it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from shared.chassis.tests.driver import Bench, together
from shared.chassis.tests.ledger.service import account

from chassis import broker as chassis_broker
from chassis import outbox
from chassis.outbox import Fact, OutboxRow
from chassis.publisher import UNROUTABLE, PipelinedPublisher
from chassis.relay import Relay
from contracts.envelope import Envelope
from support.backing import Broker
from support.waiting import wait_until


def test_an_event_rolls_back_with_its_change(stored: Bench) -> None:
    def change_and_fail() -> None:
        with stored.service.store.transaction():
            stored.ledger.enter("acc_one", "", "acc_one", "gone")
            stored.publish_inside()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()

    assert stored.unpublished() == stored.entries() == 0


def test_an_event_outside_of_a_unit_of_work_is_refused(stored: Bench) -> None:
    with pytest.raises(RuntimeError, match="outside of a unit of work"):
        stored.publish_inside()
    with stored.service.store.reading(), pytest.raises(RuntimeError, match="outside of a unit of work"):
        stored.publish_inside()


@pytest.mark.parametrize(
    "data",
    [
        account("acc_one", secret="x"),
        {"id": "acc_one"},
        account("acc_one", plan="huge"),
        account("acc_one", name={"a set"}),
        account("acc_one", created_at=datetime(2026, 11, 30)),  # noqa: DTZ001
    ],
    ids=["unknown", "missing", "wrong", "no JSON", "no offset"],
)
def test_data_that_does_not_fit_its_schema_is_never_committed(stored: Bench, data: dict[str, object]) -> None:
    with pytest.raises(outbox.NotThisEvent), stored.service.store.transaction():
        stored.service.outbox.publish("account.created", subject="acc_one", account_id="acc_one", sequence=1, data=data)

    assert stored.unpublished() == 0


def test_many_events_are_added_as_one_is_all_or_none(stored: Bench) -> None:
    facts = [
        Fact(subject=f"acc_{n}", account_id=f"acc_{n}", sequence=n + 1, data=account(f"acc_{n}")) for n in range(600)
    ]
    store = stored.service.store
    with store.transaction():
        stored.service.outbox.publish_all("account.created", facts)
        stored.service.outbox.publish_all("account.created", [])
    told = outbox.pending(store)
    assert [(each.subject, each.sequence) for each in told] == [(fact.subject, fact.sequence) for fact in facts]
    assert [each.decoded() for each in told] == [fact.data for fact in facts]

    wrong = Fact(subject="acc_x", account_id="acc_x", sequence=1, data={"id": "acc_x"})
    with pytest.raises(outbox.NotThisEvent), store.transaction():
        stored.service.outbox.publish_all("account.created", [facts[0], wrong])
    with pytest.raises(RuntimeError, match="outside of a unit of work"):
        stored.service.outbox.publish_all("account.created", facts)
    assert stored.unpublished() == 600


def test_what_is_committed_reaches_its_handler_once(bench: Bench) -> None:
    bench.relay()
    bench.consumer()

    ids = [bench.publish(subject=f"acc_{number}") for number in range(20)]

    wait_until(lambda: bench.entries() >= 20, what="twenty effects")
    assert [bench.entries(id_) for id_ in ids] == [1] * 20
    wait_until(lambda: bench.unpublished() == 0, what="all to be marked as published")
    assert bench.metric("outbox_published_total") == 20


class _Silent:
    """A broker that takes everything and confirms nothing."""

    connected = True

    def __init__(self) -> None:
        self.given: list[str] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def publish(self, rows: Sequence[OutboxRow]) -> dict[str, str]:
        from chassis.publisher import BrokerDown

        self.given += [row.envelope.id for row in rows]
        raise BrokerDown("no confirm")


def test_without_a_confirm_a_row_stays_unpublished(stored: Bench) -> None:
    from chassis.publisher import BrokerDown

    event_id = stored.publish()
    relay = Relay(stored.service)
    relay._publisher = silent = _Silent()

    with pytest.raises(BrokerDown):
        relay.relay_batch()

    assert silent.given == [event_id]
    assert stored.unpublished() == 1


@pytest.mark.integration
def test_a_returned_message_stays_unpublished_with_its_reason_and_alarms(suite: Bench) -> None:
    relay = suite.relay()
    url = suite.service.settings.broker_url
    with chassis_broker.connect(url) as connection:
        for service in ("clients", "payments", "notifications"):
            connection.default_channel.queue_unbind(f"{service}.events", "timeblu.events", "account.created")

    lost = suite.publish()
    other = suite.publish(type="client.created", subject="cli_one", account_id="acc_one")

    wait_until(lambda: suite.metric("outbox_unroutable_total") > 0, what="the alarm")
    wait_until(lambda: suite.rows("SELECT published_at FROM outbox WHERE id = %s", other)[0][0], what="the other")
    published_at, error, attempts, next_attempt_at = suite.rows(
        "SELECT published_at, error, attempts, next_attempt_at FROM outbox WHERE id = %s", lost
    )[0]
    assert published_at is None
    assert error == UNROUTABLE
    assert attempts >= 1
    assert next_attempt_at is not None

    suite.rows("UPDATE outbox SET attempts = 50, next_attempt_at = NULL WHERE id = %s", lost)
    wait_until(lambda: suite.rows("SELECT attempts FROM outbox WHERE id = %s", lost) == [(51,)], what="another attempt")
    ((next_attempt_at,),) = suite.rows("SELECT next_attempt_at FROM outbox WHERE id = %s", lost)
    assert next_attempt_at - suite.clock.now() <= timedelta(seconds=30), "it comes soon, once there is a queue"

    suite.stop(relay)
    suite.rows("UPDATE outbox SET next_attempt_at = NULL WHERE id = %s", lost)
    suite.relay()  # a relay that starts declares what is missing
    wait_until(lambda: suite.unpublished() == 0, what="the returned one to be published after all")


@pytest.mark.integration
def test_what_the_broker_refuses_holds_nothing_else_up(
    suite: Bench, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def headers(envelope: Envelope) -> dict[str, str]:
        # RabbitMQ closes the channel on this header, as it does on a message that is too large; which one it was is not said.
        return {**plain(envelope), **({"CC": "no list"} if envelope.subject == "acc_bad" else {})}

    plain = Envelope.headers
    monkeypatch.setattr(Envelope, "headers", headers)
    with suite.service.store.transaction():
        for subject in ("acc_1", "acc_2", "acc_bad", "acc_3", "acc_4"):
            suite.publish_inside(subject=subject)
    relay = suite.relay()

    wait_until(lambda: suite.unpublished() == 1, what="all but the bad one")
    assert broker.depth(suite.service.settings.broker_url, "payments.events") >= 4
    subject, error, attempts = suite.rows("SELECT subject, error, attempts FROM outbox WHERE published_at IS NULL")[0]
    assert subject == "acc_bad"
    assert "PRECONDITION_FAILED" in error
    assert attempts >= 1
    wait_until(lambda: relay.ready, what="the relay to be connected again")


@pytest.mark.parametrize("type", ["account.abolished", "x" * 300])
def test_an_event_type_that_is_no_longer_registered_holds_nothing_up(bench: Bench, type: str) -> None:
    bench.publish()
    with bench.service.store.transaction():
        bench.service.store.execute("UPDATE outbox SET type = %s", (type,))
    good = bench.publish(type="account.updated")
    bench.relay()

    wait_until(lambda: bench.rows("SELECT published_at FROM outbox WHERE id = %s", good)[0][0], what="the good one")


@pytest.mark.integration
def test_several_relays_share_the_work_and_claim_nothing_twice(suite: Bench, broker: Broker) -> None:
    url = suite.service.settings.broker_url
    with chassis_broker.connect(url) as connection:
        chassis_broker.declare(connection)
    ids = set()
    for _ in range(4):
        with suite.service.store.transaction():
            ids |= {suite.publish_inside(subject=f"acc_{number}") for number in range(500)}
    relays = [Relay(suite.service) for _ in range(4)]
    for relay in relays:
        relay._connect()

    def drain(number: int) -> int:
        total = 0
        while published := relays[number].relay_batch():
            total += published
        return total

    shares = together(4, drain)
    for relay in relays:
        relay._publisher.close()  # type: ignore[union-attr]

    assert sum(shares) == len(ids) == 2000
    assert suite.unpublished() == 0
    assert broker.depth(url, "payments.events") == 2000


@pytest.mark.integration
def test_a_killed_relays_rows_are_free_again(suite: Bench) -> None:
    event_id = suite.publish()
    store = suite.service.store

    def claim_and_die(_: int) -> None:
        with store.transaction():
            assert len(outbox.claim(store, source="test", now=suite.clock.now(), limit=10)) == 1
            raise KeyError("dead")

    assert isinstance(together(1, claim_and_die)[0], KeyError)
    suite.relay()
    wait_until(lambda: suite.unpublished() == 0, what=f"{event_id} to be published by another")


@pytest.mark.integration
def test_the_publishers_thread_ends_with_it(suite: Bench) -> None:
    import threading

    before = {thread.ident for thread in threading.enumerate()}
    publishers = [PipelinedPublisher(suite.service.settings.broker_url) for _ in range(3)]
    for publisher in publishers:
        publisher.open()
        publisher.close()
        publisher.close()

    assert {thread.ident for thread in threading.enumerate()} <= before


def test_a_replay_is_ignored_by_who_has_seen_it(bench: Bench) -> None:
    bench.relay()
    bench.consumer()
    ids = [bench.publish(subject=f"acc_{number}") for number in range(3)]
    wait_until(lambda: bench.entries() == 3 and bench.unpublished() == 0, what="the first time")

    answer = bench.http().post("/v1/ops/outbox/replay", json={"since": "2020-01-01T00:00:00Z"})

    assert answer.json == {"events": 3}
    wait_until(
        lambda: bench.metric("events_handled_total", type="account.created", outcome="repeated") == 3,
        what="the repeats",
    )
    assert [bench.entries(id_) for id_ in ids] == [1, 1, 1]


def test_published_rows_are_deleted_after_their_time_and_others_never(bench: Bench) -> None:
    relay = bench.relay()
    bench.publish()
    wait_until(lambda: bench.unpublished() == 0, what="the first to be published")
    bench.stop(relay)
    kept = bench.publish(subject="acc_two")

    def delete() -> int:
        return outbox.delete_published(bench.service.store, now=bench.clock.now(), keep=timedelta(days=7))

    assert delete() == 0
    bench.clock.jump_to(bench.clock.now() + timedelta(days=8))
    assert delete() == 1
    assert [envelope.id for envelope in outbox.pending(bench.service.store)] == [kept]


def test_what_a_forgetful_broker_lost_is_published_again(sqlite_url: str, benches: Callable[..., Bench]) -> None:
    bench = benches(sqlite_url)
    relay = bench.relay()
    bench.publish(subject="acc_old")
    wait_until(lambda: bench.unpublished() == 0, what="the first to be published")
    mark = outbox.newest_id(bench.service.store)
    lost = bench.publish(subject="acc_lost")
    wait_until(lambda: bench.unpublished() == 0, what="the second to be published")
    bench.stop(relay)

    assert outbox.republish_after(bench.service.store, mark) == 1
    assert [envelope.id for envelope in outbox.pending(bench.service.store)] == [lost]
