"""The marks never pass an event that its consumers do not have, and what cannot be a mark is not trusted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uuid_utils

from chassis import outbox
from chassis.app import create_app
from chassis.auth import SCOPES, issue
from chassis.clock import SystemClock
from chassis.inbox import Message, inbox_of
from chassis.outbox import OutboxRow
from chassis.service import Service, migrate
from embedded.delivered import Delivered
from embedded.secrets_file import Secrets
from embedded.suite import Addresses, build_services
from sandbox.app import create_sandbox
from sandbox.settings import SandboxSettings

_SECRETS = Secrets(auth_jwt_secret="a" * 64, service_jwt_secret="b" * 64)
_NOWHERE = "http://127.0.0.1:1"
_CONSUMERS = ("clients", "payments", "notifications")


@dataclass(kw_only=True)
class Stores:
    """The four services and their stores; the test brings events to their consumers by hand, as no relay and no broker runs."""

    place: Path
    services: dict[str, Service]
    accounts: int = 0

    @property
    def marks_file(self) -> Path:
        return self.place / "drained.json"

    def marks(self) -> Delivered:
        """As a start of the suite makes them."""
        made = Delivered(self.marks_file, list(self.services.values()))
        made.republish()
        return made

    def event(self) -> str:
        """Something happens in scheduling: the id of its event."""
        before = {envelope.id for envelope in outbox.pending(self.services["scheduling"].store)}
        self.accounts += 1
        account = f"acc_{self.accounts}"
        body = {
            "name": "Practice", "email": "p@practice.example", "username": f"practice-{self.accounts}", "plan": "max",
            "timezone": "Europe/Berlin", "currency": "EUR", "locale": "en", "country": "DE",
        }  # fmt: skip
        token = issue(_SECRETS.auth_jwt_secret, account_id=account, scope=" ".join(SCOPES), ttl=60)
        answer = (
            create_app(self.services["scheduling"])
            .test_client()
            .put(f"/v1/accounts/{account}", json=body, headers={"Authorization": f"Bearer {token}"})
        )
        assert answer.status_code == 201, answer.text
        (event,) = [e.id for e in outbox.pending(self.services["scheduling"].store) if e.id not in before]
        return event

    def publish(self) -> list[OutboxRow]:
        """As the relay does: what is unpublished goes to the broker."""
        scheduling = self.services["scheduling"]
        with scheduling.store.transaction():
            rows = outbox.claim(scheduling.store, source="/timeblu/scheduling", now=scheduling.clock.now(), limit=100)
            outbox.mark_published(scheduling.store, [row.envelope.id for row in rows], scheduling.clock.now())
        return rows

    def deliver(self, rows: list[OutboxRow], *consumers: str) -> None:
        messages = [Message(headers=row.envelope.headers(), body=row.envelope.body) for row in rows]
        for consumer in consumers or _CONSUMERS:
            inbox_of(self.services[consumer]).take(messages)

    def unpublished(self) -> int:
        return len(outbox.pending(self.services["scheduling"].store))


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    sandbox = create_sandbox(SandboxSettings(data_dir=tmp_path / "sandbox", public_url=f"{_NOWHERE}/sandbox"))
    addresses = Addresses(outside=_NOWHERE, inside=_NOWHERE)
    services = build_services(tmp_path, addresses, _SECRETS, sandbox, SystemClock(), environment={})
    for service in services:
        migrate(service)
    yield Stores(place=tmp_path, services={service.name: service for service in services})
    for service in services:
        service.store.close()


def test_what_every_consumer_has_is_not_published_again(stores: Stores) -> None:
    marks = stores.marks()
    event = stores.event()
    stores.deliver(stores.publish())
    assert marks.move() == {}
    marks.keep()
    assert json.loads(stores.marks_file.read_text())["scheduling"] == event
    stores.marks()
    assert stores.unpublished() == 0


def test_what_one_consumer_lacks_is_published_again_and_what_follows_it(stores: Stores) -> None:
    marks = stores.marks()
    stores.event()
    stores.deliver(stores.publish())
    lacking = stores.event()
    stores.deliver(stores.publish(), "clients", "notifications")
    stores.event()
    stores.deliver(stores.publish())
    assert marks.move() == {"scheduling": lacking}
    marks.keep()
    stores.marks()
    assert stores.unpublished() == 2


def test_an_event_that_is_not_published_holds_the_mark_up(stores: Stores) -> None:
    marks = stores.marks()
    event = stores.event()
    assert marks.move() == {"scheduling": event}
    marks.keep()
    assert not stores.marks_file.exists()


def test_what_the_broker_lost_while_the_suite_runs_is_published_again(stores: Stores) -> None:
    marks = stores.marks()
    stores.event()
    stores.publish()
    for name in marks.move():
        marks.republish_lost(name)
    assert stores.unpublished() == 1
    stores.deliver(stores.publish())
    assert marks.move() == {}


@pytest.mark.parametrize(
    "spoilt", ["", "{", "[]", "null", '"x"', '{"scheduling": 5}', "\x00\x01", '{"scheduling": null}']
)
def test_a_spoilt_file_of_marks_has_everything_published_again(stores: Stores, spoilt: str) -> None:
    stores.event()
    stores.deliver(stores.publish())
    stores.marks_file.write_text(spoilt)
    stores.marks()
    assert stores.unpublished() == 1


def test_an_older_file_of_marks_has_more_published_again(stores: Stores) -> None:
    marks = stores.marks()
    stores.event()
    stores.deliver(stores.publish())
    marks.move()
    marks.keep()
    older = stores.marks_file.read_text()
    stores.event()
    stores.deliver(stores.publish())
    marks.move()
    marks.keep()
    stores.marks_file.write_text(older)
    stores.marks()
    assert stores.unpublished() == 1


def test_a_mark_above_every_row_is_not_trusted_as_the_store_comes_from_a_backup(stores: Stores) -> None:
    stores.event()
    stores.deliver(stores.publish())
    stores.marks_file.write_text(json.dumps({"scheduling": str(uuid_utils.uuid7())}))
    stores.marks()
    assert stores.unpublished() == 1
    assert not stores.marks_file.exists()


def test_no_mark_lies_above_the_ids_of_today_after_the_time_of_day_went_back(stores: Stores) -> None:
    event = stores.event()
    with stores.services["scheduling"].store.transaction():
        # An id of tomorrow, as was made before somebody put the clock right.
        tomorrow = str(uuid_utils.uuid7(nanoseconds=time.time_ns() + 86400 * 10**9))
        stores.services["scheduling"].store.execute("UPDATE outbox SET id = %s WHERE id = %s", (tomorrow, event))
    stores.deliver(stores.publish())
    marks = stores.marks()
    stores.deliver(stores.publish())
    assert marks.move() == {}
    today = stores.event()
    stores.publish()
    assert marks.move() == {"scheduling": today}
    stores.marks()
    assert stores.unpublished() == 2


def test_rows_beyond_one_portion_are_looked_at_as_well(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded.delivered._AT_ONCE", 2)
    marks = stores.marks()
    for _ in range(5):
        stores.event()
    stores.deliver(stores.publish())
    lacking = stores.event()
    stores.deliver(stores.publish(), "clients")
    assert marks.move() == {"scheduling": lacking}
