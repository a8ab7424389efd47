"""A crowd of sessions whose reminders fall due together, told to notifications alone as scheduling and clients would tell it, each event twice."""

from __future__ import annotations

import random
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import requests

from chassis.ids import new_event_id
from chassis.outbox import OutboxRow, encode
from chassis.publisher import BrokerDown, publisher
from contracts.envelope import Envelope, parse_time
from contracts.examples import example
from contracts.registry import event_type
from support.suite import Deployment
from support.waiting import wait_until

_LEAD = timedelta(hours=24)
_AT_ONCE = 200
_PATIENCE = 600.0
ENDED = {"sent", "failed", "unknown", "skipped", "cancelled"}


class Fate(StrEnum):
    """What happens to a session before its reminders are due."""

    STAYS = "stays"
    CANCELLED = "cancelled"
    MOVED_HERE = "moved here"
    MOVED_AWAY = "moved away"
    RESTORED = "restored"


@dataclass(frozen=True, kw_only=True)
class One:
    """A session and its client, who has an address and a number that nobody else has."""

    number: int
    fate: Fate
    due_at: datetime

    @property
    def session_id(self) -> str:
        return f"ses_{self.number:06}"

    @property
    def client_id(self) -> str:
        return f"cli_{self.number:06}"

    @property
    def email(self) -> str:
        return f"c{self.number:06}@client.example"

    @property
    def phone(self) -> str:
        return f"+4917{self.number:08}"

    @property
    def reminded(self) -> bool:
        """Whether there is to be a reminder at `due_at`."""
        return self.fate not in (Fate.CANCELLED, Fate.MOVED_AWAY)


@dataclass(kw_only=True)
class Crowd:
    """`size` sessions of one account; a reminder by email and one by SMS each."""

    deployment: Deployment
    size: int
    first_due: datetime
    window: timedelta
    account_id: str = field(default_factory=lambda: f"acc_{secrets.token_hex(6)}")
    random: random.Random = field(default_factory=lambda: random.Random(11))
    all: list[One] = field(default_factory=list)

    def __post_init__(self) -> None:
        fates = [Fate.STAYS] * 7 + [Fate.CANCELLED, Fate.RESTORED, Fate.MOVED_HERE, Fate.MOVED_AWAY]
        self.all = [
            One(
                number=number, fate=fates[number % len(fates)], due_at=self.first_due + number * self.window / self.size
            )
            for number in range(self.size)
        ]

    # --- telling it ---------------------------------------------------------------------------------------------------

    def arrive(self) -> None:
        """The account, its clients and their sessions, in any order."""
        self._publish([self._account()])
        wait_until(lambda: self._call("GET", "/v1/settings").status_code == 200, what="the account to be heard of")
        told_of_reminders_alone = {"confirmation": {"email": False}, "rescheduled": {"email": False}}
        told_of_reminders_alone |= {"cancelled": {"email": False}, "restored": {"email": False}}
        body = {"kinds": told_of_reminders_alone, "sms": {"quota": 1_000_000}}
        assert self._call("PUT", "/v1/settings", json=body).status_code == 200
        events = [event for one in self.all for event in (self._client(one), self._session(one, 1))]
        self.random.shuffle(events)
        self._publish(events)

    def change_their_minds(self) -> None:
        """What the fates say, the versions of a session in any order."""
        events = [event for one in self.all for event in self._changes(one)]
        self.random.shuffle(events)
        self._publish(events)

    def settled(self) -> bool:
        """Whether notifications knows all of it: every session at its last version, its reminders planned or not as they are to be."""
        planned = {
            row["session_id"]
            for row in self.reminders()
            if row["status"] == "planned" and row["kind"] == "reminder_24h"
        }
        return {one.session_id for one in self.all if one.reminded or one.fate is Fate.MOVED_AWAY} == planned

    def _changes(self, one: One) -> Iterable[Envelope]:
        if one.fate is Fate.STAYS:
            return []
        if one.fate in (Fate.MOVED_HERE, Fate.MOVED_AWAY):
            return [self._session(one, 2, type_="session.rescheduled")]
        cancelled = self._session(one, 2, type_="session.cancelled", status="cancelled")
        return (
            [cancelled] if one.fate is Fate.CANCELLED else [cancelled, self._session(one, 3, type_="session.restored")]
        )

    def _account(self) -> Envelope:
        own = {
            "id": self.account_id,
            "email": "practice@provider.example",
            "plan": "max",
            "timezone": "Europe/Berlin",
            "locale": "en-GB",
            "currency": "EUR",
        }
        return self._event("account.created", own, 1)

    def _client(self, one: One) -> Envelope:
        own = {
            "id": one.client_id, "name": f"Client {one.number}", "email": one.email, "phone": one.phone, "locale": None,
            "timezone": None, "contact": {"email": True, "sms": True}, "deleted": False, "merged_into": None,
        }  # fmt: skip
        return self._event("client.created", own, 1)

    def _session(
        self, one: One, version: int, *, type_: str = "session.created", status: str = "confirmed"
    ) -> Envelope:
        elsewhere = one.fate is (Fate.MOVED_HERE if version == 1 else Fate.MOVED_AWAY)
        starts_at = one.due_at + _LEAD + (timedelta(days=3) if elsewhere else timedelta(0))
        cancellation = {
            "id": f"can_{one.number}", "at": datetime.now(UTC), "by": "provider", "reason": None, "starts_at": starts_at,
            "refund": None, "quote": None, "restored_at": None,
        }  # fmt: skip
        own = {
            "id": one.session_id, "client_id": one.client_id, "starts_at": starts_at, "ends_at": starts_at + timedelta(hours=1),
            "status": status, "deposit": None, "payment_url": None, "manage_url": None, "source": "manual", "series_id": None,
            "batch": None, "auto_confirm_at": None, "cancellations": [cancellation] if version > 1 and one.fate in
            (Fate.CANCELLED, Fate.RESTORED) else [], "price": {"amount": 8000, "currency": "EUR"}, "duration_minutes": 60,
            "timezone": "Europe/Berlin", "changed_by": "provider",
        }  # fmt: skip
        return self._event(type_, own, version)

    def _event(self, type_: str, own: Mapping[str, Any], version: int) -> Envelope:
        known = example(type_)
        data = {name: parse_time(value) if _is_time(value) else value for name, value in known.items()}
        data |= {name: value for name, value in own.items() if name in known} | {
            "account_id": self.account_id,
            "version": version,
        }
        return Envelope(
            id=new_event_id(),
            source="scheduling",
            type=type_,
            subject=str(data["id"]),
            time=datetime.now(UTC),
            dataschema=event_type(type_).version,
            account_id=self.account_id,
            sequence=version,
            traceparent=None,
            body=encode(type_, data).encode(),
        )

    def _publish(self, envelopes: list[Envelope]) -> None:
        """Each twice, and again until the broker has confirmed it."""
        rows = [OutboxRow(envelope=envelope, queue=None, attempts=0) for envelope in envelopes]
        rows += self.random.sample(rows, len(rows))
        while rows:
            sender = publisher(self.deployment.broker_url)
            try:
                sender.open()
                while rows:
                    assert sender.publish(rows[:_AT_ONCE]) == {}
                    rows = rows[_AT_ONCE:]
            except BrokerDown:
                time.sleep(0.5)
            finally:
                sender.close()

    # --- what came of it ----------------------------------------------------------------------------------------------

    def reminders(self) -> list[Any]:
        """The ledger."""
        return self._all("/v1/reminders")

    def deliveries(self) -> list[Any]:
        """The log, with what was skipped."""
        statuses = "queued,sent,delivered,undelivered,failed,unknown,skipped"
        return self._all("/v1/deliveries", status=statuses)

    def deliver_all_again(self) -> None:
        """Publish everything once more that notifications ever put on a queue."""
        wait_until(
            lambda: (
                self._call(
                    "POST", "/v1/ops/outbox/replay", json={"since": "2020-01-01T00:00:00Z"}, scope="ops"
                ).status_code
                < 300
            ),
            what="the outbox to be published again",
            ignoring=(requests.RequestException,),
        )

    def wait_ended(self) -> list[Any]:
        """Until each reminder that was due has ended; the ledger of the 24-hour ones then."""
        due = {one.session_id for one in self.all if one.reminded}

        def ended() -> bool:
            rows = [row for row in self.reminders() if row["kind"] == "reminder_24h" and row["session_id"] in due]
            return len(rows) == 2 * len(due) and all(row["status"] in ENDED - {"cancelled", "skipped"} for row in rows)

        wait_until(
            ended,
            deadline=_PATIENCE,
            interval=max(0.5, self.size / 200),
            what=f"{2 * len(due)} reminders to be sent",
            ignoring=(requests.RequestException, AssertionError, KeyError),
        )
        return [row for row in self.reminders() if row["kind"] == "reminder_24h"]

    def mails(self) -> Counter[str]:
        """How many emails the sandbox took for each address."""
        return Counter(str(mail["to"]).rpartition("<")[2].rstrip(">") for mail in self._taken("/mail"))

    def texts(self) -> Counter[str]:
        """How many texts Twilio took for each number."""
        return Counter(str(text["to"]) for text in self._taken("/sms"))

    def _taken(self, path: str) -> list[Any]:
        practice, found = self.deployment.practice(self.account_id), list[Any]()
        while True:
            page = practice.sandbox("GET", path, params={"limit": 1000, "offset": len(found)})["data"]
            found += page
            if not page:
                return found

    def _all(self, path: str, **query: str) -> list[Any]:
        found: list[Any] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = self.deployment.practice(self.account_id).get("notifications", path, limit=200, **query, **more)
            found += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def _call(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.deployment.practice(self.account_id).call(method, "notifications", path, **more)


def fault_everything(deployment: Deployment, count: int) -> int:
    """Have mail server and Twilio go wrong in each way, `count` times each; returns how many calls meet a fault."""
    faults = ("rate_limit", "error_500", "error_500_after_processing", "timeout", "drop_after_processing")
    practice = deployment.practice()
    for target in ("smtp", "twilio"):
        for fault in faults:
            practice.sandbox("POST", "/faults", {"target": target, "fault": fault, "count": count})
    return 2 * len(faults) * count


def expect_each_reminded_once(crowd: Crowd, rows: list[Any], *, faults: int, cut_off: int) -> None:
    """Ledger and sandbox agree: what is `sent` went out once, nothing went out twice, nothing for who was cancelled or moved away.

    Failed is at most what met one of `faults`; unknown besides what was `cut_off`, being sent when its worker died.
    """
    taken = {"email": crowd.mails(), "sms": crowd.texts()}
    by_session = {one.session_id: one for one in crowd.all}
    assert not [to for counts in taken.values() for to, count in counts.items() if count > 1]
    ended: Counter[str] = Counter()
    for row in rows:
        one = by_session[row["session_id"]]
        arrived = taken[row["channel"]][one.email if row["channel"] == "email" else one.phone]
        if not one.reminded:
            assert (row["status"], arrived) == ("cancelled" if one.fate is Fate.CANCELLED else "planned", 0), (one, row)
        elif row["status"] == "sent":
            assert arrived == 1, (one, row)
        else:
            assert row["status"] in ("failed", "unknown"), (one, row)
        if one.reminded:
            ended[row["status"]] += 1
    assert ended["failed"] <= faults, ended
    assert ended["unknown"] <= faults + cut_off, ended
    assert all(taken.values()), "nothing went out by one of the channels"
    for delivery in crowd.deliveries():
        one = by_session[delivery["session_id"]]
        if delivery["kind"] == "reminder_24h" and delivery["sent_at"]:
            assert parse_time(delivery["sent_at"]) >= one.due_at, (one, delivery)
    ops = crowd.deployment.practice(crowd.account_id)
    assert [found for found in ops.get("notifications", "/v1/ops/invariants")["data"] if found["violations"]] == []
    assert ops.get("notifications", "/v1/ops/inbox", status="parked")["data"] == []
    assert ops.get("notifications", "/v1/ops/dead")["data"] == []


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and value.endswith("Z") and value[:2] == "20"
