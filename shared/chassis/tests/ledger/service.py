"""The composition root of the ledger: a real service of the chassis, whose handlers do as an event's name says."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chassis.clock import Clock, SystemClock
from chassis.ids import new_id
from chassis.inbox import Event, Handler, WaitingFor
from chassis.jobs import Job
from chassis.outbox import Outbox
from chassis.service import Invariant, Service, Snapshot, Worker, parts
from chassis.settings import ServiceSettings
from chassis.store import Store

if TYPE_CHECKING:
    from chassis.web import Blueprint

# It takes the place of this service: its queue, its dead letters, what it consumes.
NAME = "payments"
DEADLY, FAILING, SLOW = "deadly", "failing", "slow"


class Refused(Exception):
    """What a handler raises that does not want its event."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What the ledger's functions stand on. `mended` names a file: while it exists, nothing fails. `gate` holds requests up."""

    store: Store
    outbox: Outbox
    clock: Clock
    mended: Path
    gate: threading.Event = field(default_factory=threading.Event)

    def enter(self, account_id: str, event_id: str, subject: str, note: str, amount: int = 0) -> dict[str, Any]:
        """Add an entry."""
        row = {
            "id": new_id("ent"),
            "account_id": account_id,
            "event_id": event_id,
            "subject": subject,
            "note": note,
            "amount": amount,
            "version": 1,
            "made_at": self.clock.now(),
        }
        self.store.execute(
            """INSERT INTO entries (id, account_id, event_id, subject, note, amount, version, made_at)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
            tuple(row.values()),
        )
        return row

    def knows(self, subject: str) -> bool:
        return bool(self.store.execute("SELECT 1 FROM subjects WHERE id = %s", (subject,)))

    def note(self, event: Event) -> None:
        """Remember the subject and the event, unless its name says otherwise."""
        if event.type.startswith("client.") and not self.knows(event.account_id):
            raise WaitingFor(event.account_id)
        name = str(event.data.get("name", ""))
        self.store.execute(
            "INSERT INTO subjects (id, account_id, name) VALUES (%s, %s, %s) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            (event.subject, event.account_id, name),
        )
        self.enter(event.account_id, event.id, event.subject, event.type)
        if self.mended.exists():
            return
        if name.startswith(FAILING):
            raise Refused("the name says so")
        if name.startswith(DEADLY):
            os._exit(9)


def settings_for(store_url: str, broker_url: str, **more: Any) -> ServiceSettings:
    """Settings of the ledger in one process."""
    return ServiceSettings(
        **{
            "store_url": store_url,
            "broker_url": broker_url,
            "public_url": "http://ledger.test",
            "service_jwt_secret": "a secret between the services, long enough",
            "auth_jwt_secret": "a secret for the tokens of the callers, long enough for every algorithm there is",
            **more,
        }
    )


def build(settings: ServiceSettings, clock: Clock = SystemClock()) -> Service:  # noqa: B008 - it holds no state
    """The ledger, put together."""
    return put_together(settings, clock)[0]


def put_together(settings: ServiceSettings, clock: Clock) -> tuple[Service, Ledger]:
    """The service, and what its functions stand on."""
    store, wakeups, outbox = parts(NAME, settings, clock)
    mended = Path(os.environ.get("LEDGER_MENDED", "/nonexistent/mended"))
    ledger = Ledger(store=store, outbox=outbox, clock=clock, mended=mended)

    def handlers() -> Mapping[str, Handler]:
        types = (
            "account.created",
            "account.updated",
            "account.snapshot",
            "client.created",
            "client.updated",
            "client.snapshot",
        )
        return dict.fromkeys(types, ledger.note)

    def workers() -> Mapping[str, Worker[Event, None]]:
        def work(event: Event) -> None:
            with store.transaction():
                ledger.enter(event.account_id, event.id, event.subject, event.type)

        return {"notifications.email": Worker(queue="notifications.email", take=list, call=work, settle=lambda _: None)}

    def blueprints() -> Sequence[Blueprint]:
        from shared.chassis.tests.ledger.api import blueprint

        return [blueprint(ledger)]

    def snapshots(to: str) -> Iterator[Snapshot]:
        with store.reading():
            rows = store.execute("SELECT id, account_id, name FROM subjects ORDER BY id")
        for id_, account_id, name in rows:
            yield Snapshot(
                type="account.snapshot", subject=id_, account_id=account_id, sequence=1, data=account(id_, name=name)
            )

    def invariants() -> Sequence[Invariant]:
        def twice() -> list[str]:
            with store.reading():
                rows = store.execute(
                    "SELECT event_id FROM entries WHERE event_id <> '' GROUP BY event_id HAVING count(*) > 1"
                )
            return [row[0] for row in rows]

        return [Invariant(name="an event has one entry", query=twice)]

    service = Service(
        name=NAME,
        settings=settings,
        clock=clock,
        store=store,
        wakeups=wakeups,
        outbox=outbox,
        migrations=Path(__file__).parent / "migrations",
        handlers=handlers,
        jobs=lambda: [Job(name="nothing", run=lambda: 0, every=timedelta(hours=1))],
        workers=workers,
        blueprints=blueprints,
        snapshots=snapshots,
        invariants=invariants,
        related=lambda subjects: [f"{subject}_too" for subject in subjects if subject.startswith("acc_whole")],
    )
    return service, ledger


def account(id: str, **more: Any) -> dict[str, Any]:
    """The data of an account's event."""
    return {
        "id": id,
        "account_id": id,
        "version": 1,
        "name": "Ada",
        "email": "ada@example.test",
        "username": "ada",
        "plan": "max",
        "timezone": "Europe/Berlin",
        "currency": "EUR",
        "locale": "de",
        "country": "DE",
        **more,
    }


def client(id: str, account_id: str, **more: Any) -> dict[str, Any]:
    """The data of a client's event."""
    return {
        "id": id,
        "account_id": account_id,
        "version": 1,
        "name": "Bob",
        "email": None,
        "phone": None,
        "locale": None,
        "timezone": None,
        "contact": {"email": True, "sms": True},
        "deleted": False,
        "merged_into": None,
        **more,
    }
