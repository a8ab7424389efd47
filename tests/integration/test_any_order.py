"""Every event twice and in any order leads to the same end as once and in order, along the main path and its variants."""

from __future__ import annotations

import json
import random
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import requests

from chassis.store import moment
from contracts.envelope import parse_time
from contracts.registry import SERVICES
from embedded.practice import Practice
from support.backing import Postgres
from support.bus import Bus, Disorder

pytestmark = pytest.mark.integration

# Names and moments of their own: two runs of a story differ in these and in nothing else.
_OWN = {"id", "version", "created_at", "updated_at", "at", "sent_at", "payment_url", "due_at", "starts_at", "ends_at"}
# Which of these messages the client gets depends on which went out first; that the client knows the time is asked apart.
_TELL_THE_TIME = {"confirmation", "rescheduled", "restored"}


Chapters = Callable[["Story"], Iterator[None]]


@dataclass
class Story:
    """What happens to one provider. Its chapters are generators: at each `yield` anything may be delivered, or nothing."""

    bus: Bus
    practice: Practice
    holders: set[str] = field(default_factory=set)
    """The stories of this telling that hold Stripe's webhooks back."""
    sessions: list[str] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.begin = self.bus.clock.now()

    # --- chapters -------------------------------------------------------------------------------------------------

    def opened(self) -> Iterator[None]:
        """The practice can be booked and can be paid."""
        self.practice.provision()
        yield
        yield from self._connected()
        self.practice.set_refund_policy(
            refund_tiers=[
                {"hours_before": 48, "percentage": 100},
                {"hours_before": 24, "percentage": 50},
                {"hours_before": 0, "percentage": 0},
            ]
        )
        self.practice.open_all_day()
        yield

    def booked(self, hours: float = 36, **fields: Any) -> Iterator[None]:
        """A client and a session with a deposit of 20 euros, `hours` ahead."""
        service = self.practice.session_type(percent=25, price=8000)
        yield
        yield from self._met()
        starts_at = self.begin + timedelta(hours=hours)
        body = {"service_id": service["id"], "client_id": self.clients[-1], "starts_at": starts_at, **fields}
        self.sessions.append(self.practice.book(**body)["id"])
        yield

    def series_booked(self) -> Iterator[None]:
        """Two sessions of one series, each with its deposit."""
        service = self.practice.session_type(percent=25, price=8000)
        yield
        yield from self._met()
        starts_at = (self.begin + timedelta(hours=36)).isoformat()
        template = {"service_id": service["id"], "client_id": self.clients[-1], "starts_at": starts_at}
        body = {"kind": "session", "template": template, "rrule": "FREQ=WEEKLY;COUNT=2"}
        series = self.practice.post("scheduling", "/v1/series", body)
        self.sessions += [occurrence["session_id"] for occurrence in series["occurrences"]]
        yield

    def _met(self) -> Iterator[None]:
        person = {
            "name": "Ada Lovelace",
            "email": f"ada.{self.practice.account_id}@client.example",
            "phone": "+4915112345678",
        }
        while (answer := self.practice.call("POST", "clients", "/v1/clients", json=person)).status_code == 503:
            yield
        assert answer.status_code == 201, answer.text
        self.clients.append(answer.json()["id"])
        yield

    def paid(self) -> Iterator[None]:
        """The deposit is paid, and payments knows."""
        yield from self.paid_unheard()
        yield from self._until(lambda: self._deposit_is("paid"))

    def paid_unheard(self) -> Iterator[None]:
        """The client pays; nobody here has heard of it yet."""
        yield from self._until(lambda: self._deposit_is("required"))
        answer = self.practice.pay(self.practice.deposit_of(self.session)["payment_url"])
        assert answer.status_code == 303, answer.text
        yield

    def cancelled(self, refund: str | None, **fields: Any) -> Iterator[None]:
        body = fields | ({"refund": refund} if refund else {})
        self.practice.cancel(self.session, reason="ill", **body)
        yield

    def restored(self) -> Iterator[None]:
        while True:
            answer = self.practice.call("POST", "scheduling", f"/v1/sessions/{self.session}/restore", json={})
            if answer.status_code == 200:
                break
            assert answer.json()["code"] == "refund_in_progress", answer.text
            yield
        yield

    def rescheduled(self, hours: float, **fields: Any) -> Iterator[None]:
        starts_at = (self.begin + timedelta(hours=hours)).isoformat()
        self.practice.post("scheduling", f"/v1/sessions/{self.session}/reschedule", {"starts_at": starts_at, **fields})
        yield

    def webhooks(self, *, held: bool) -> Iterator[None]:
        (self.holders.add if held else self.holders.discard)(self.practice.account_id)
        self.practice.sandbox("POST", "/stripe/hooks", {"hold": bool(self.holders)})
        yield

    def moved_to(self, plan: str) -> Iterator[None]:
        self.practice.provision(plan=plan)
        yield

    def undecided(self) -> Iterator[None]:
        """The provider sees a payment that came after the cancellation."""

        def shown() -> bool:
            session = self.practice.session(self.session)
            return session["deposit"]["status"] == "paid" and session["cancellation"]["refund"] is None

        yield from self._until(shown)

    def changed_client(self, **fields: Any) -> Iterator[None]:
        answer = self.practice.call("PATCH", "clients", f"/v1/clients/{self.clients[-1]}", json=fields)
        assert answer.status_code == 200, answer.text
        yield

    def deleted_client(self) -> Iterator[None]:
        answer = self.practice.call("DELETE", "clients", f"/v1/clients/{self.clients[-1]}")
        assert answer.status_code == 204, answer.text
        yield

    def owes_again(self) -> Iterator[None]:
        """Payments has heard of the restore, and asks for what went back."""
        yield from self._until(lambda: self._deposit_is("required"))

    def noted(self, **fields: Any) -> Iterator[None]:
        answer = self.practice.call("PATCH", "scheduling", f"/v1/sessions/{self.session}", json=fields)
        assert answer.status_code == 200, answer.text
        yield

    def confirmed(self) -> Iterator[None]:
        self.practice.post("scheduling", f"/v1/sessions/{self.session}/confirm")
        yield

    # --- how it ended ---------------------------------------------------------------------------------------------

    @property
    def session(self) -> str:
        return self.sessions[-1]

    def end(self) -> dict[str, Any]:
        """Everything that a person can see of it, without what two runs must differ in."""
        state = {
            "sessions": [self._session(one) for one in self.sessions],
            "deposits": [self._plain(self.practice.deposit_of(one)) for one in self.sessions],
            "ledger": sorted(
                self.bus.rows(
                    "payments",
                    "SELECT era, kind, taken_from, given_to, amount, currency FROM ledger WHERE account_id = %s",
                    self.practice.account_id,
                )
            ),
            "refunds at Stripe": sorted(
                (refund["amount"], refund["status"])
                for refund in self.practice.refunds_at_stripe()
                if refund["metadata"]["timeblu_account"] == self.practice.account_id
            ),
            "reminders": [self._reminders(one) for one in self.sessions],
            "timelines": [
                self._plain(self.practice.get("clients", f"/v1/clients/{one}/timeline")) for one in self.clients
            ],
        }
        return flat(json.loads(json.dumps(state, default=str).replace(self.practice.account_id, "acc_")))

    def sent(self) -> Counter[str]:
        """The messages that went out, by kind and channel."""
        return Counter(f"{d['kind']} by {d['channel']}" for d in self._deliveries() if d["status"] == "sent")

    def expect_each_mail_once(self) -> None:
        """What the log calls sent is in the mailbox, once each."""
        sent = Counter(d["to"] for d in self._deliveries() if d["status"] == "sent" and d["channel"] == "email")
        assert sent, "something is always told"
        assert sent == {address: len(self.practice.mails(address)) for address in sent}

    def expect_the_client_to_know_the_time(self) -> None:
        """A live session's start as it stands was told by one of the messages that tell it."""
        for one in self.sessions:
            if self.practice.session(one)["status"] == "cancelled":
                continue
            told = self.bus.rows(
                "notifications",
                "SELECT told_starts_at FROM deliveries WHERE session_id = %s AND status = 'sent' AND told_starts_at IS NOT NULL",
                one,
            )
            start = parse_time(self.practice.session(one)["starts_at"])
            assert start in {moment(row[0]) for row in told}

    def expect_one_event_a_version(self) -> None:
        """Each subject's versions are 1, 2, 3…; those of scheduling and clients are told by one event each."""
        for service in SERVICES:
            told: dict[str, list[int]] = {}
            families: dict[str, str] = {}
            rows = self.bus.rows(
                service,
                "SELECT subject, type, sequence FROM outbox WHERE account_id = %s AND queue IS NULL ORDER BY sequence",
                self.practice.account_id,
            )
            for subject, type_, sequence in rows:
                families[subject] = type_.partition(".")[0]
                if type_ not in {"deposit.due", "deposit.released"}:
                    told.setdefault(subject, []).append(sequence)
            for subject, sequences in told.items():
                first = 2 if families[subject] == "notification" else 1
                assert sequences == list(range(first, first + len(sequences))), (service, subject, sequences)

    def _session(self, session_id: str) -> Any:
        session = self.practice.session(session_id)
        return {"starts": self._since_begin(session["starts_at"]), **self._plain(session)}

    def _reminders(self, session_id: str) -> Any:
        return sorted(
            (r["kind"], r["channel"], self._since_begin(r["due_at"]), r["status"], r["reason"] or "")
            for r in self.practice.get("notifications", "/v1/reminders", session_id=session_id)["data"]
        )

    def _deliveries(self) -> list[Any]:
        found: list[Any] = self.practice.get("notifications", "/v1/deliveries", limit=200)["data"]
        return found

    def _since_begin(self, text: str) -> float:
        return (parse_time(text) - self.begin).total_seconds()

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: self._plain(v) for k, v in value.items() if k not in _OWN and not k.endswith(("_id", "_ids"))}
        return [self._plain(each) for each in value] if isinstance(value, list) else value

    # --- waiting, while others act ----------------------------------------------------------------------------------

    def _until(self, condition: Callable[[], bool]) -> Iterator[None]:
        while not condition():
            yield

    def _deposit_is(self, status: str) -> bool:
        # Asked often, so of the store itself.
        found = self.bus.rows("payments", "SELECT status FROM deposits WHERE session_id = %s", self.session)
        return found == [(status,)]

    def _connected(self) -> Iterator[None]:
        while (answer := self.practice.call("POST", "payments", "/v1/connect", json={})).status_code == 503:
            yield
        assert requests.post(answer.json()["onboarding_url"], timeout=30, allow_redirects=False).status_code < 400
        yield from self._until(self._may_charge)

    def _may_charge(self) -> bool:
        account_id = self.practice.account_id
        found = self.bus.rows("payments", "SELECT charges_enabled FROM connections WHERE account_id = %s", account_id)
        return bool(found and found[0][0])


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf by its path, so that a difference is seen where it lies."""
    if isinstance(value, dict):
        pairs = [(f"{path}.{name}", each) for name, each in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[{number}]", each) for number, each in enumerate(value)]
    else:
        return {path: value}
    return {leaf: found for inner, each in pairs for leaf, found in flat(each, inner).items()} or {path: value}


# --- the stories ------------------------------------------------------------------------------------------------------


def refunded(story: Story) -> Iterator[None]:
    yield from story.opened()
    yield from story.booked()
    yield from story.paid()
    yield from story.cancelled("refund")


def kept(story: Story) -> Iterator[None]:
    yield from story.opened()
    yield from story.booked()
    yield from story.paid()
    yield from story.cancelled("skip")


def cancelled_unpaid(story: Story) -> Iterator[None]:
    yield from story.opened()
    yield from story.booked()
    yield from story.cancelled(None)


def restored_and_refunded_again(story: Story) -> Iterator[None]:
    yield from refunded(story)
    yield from story.restored()
    yield from story.owes_again()
    yield from story.paid()
    yield from story.cancelled("refund")


def kept_restored_and_refunded(story: Story) -> Iterator[None]:
    yield from kept(story)
    yield from story.restored()
    yield from story.cancelled("refund")


def refunded_and_restored(story: Story) -> Iterator[None]:
    yield from refunded(story)
    yield from story.restored()


def paid_late_with_a_decision(story: Story) -> Iterator[None]:
    yield from story.opened()
    yield from story.booked()
    yield from story.webhooks(held=True)
    yield from story.paid_unheard()
    yield from story.cancelled("refund")
    yield from story.webhooks(held=False)


def paid_late_and_decided_after(story: Story) -> Iterator[None]:
    yield from story.opened()
    yield from story.booked()
    yield from story.webhooks(held=True)
    yield from story.paid_unheard()
    yield from story.cancelled(None)
    yield from story.webhooks(held=False)
    yield from story.undecided()
    yield from story.cancelled("refund")


def rescheduled_before_it_is_cancelled(story: Story) -> Iterator[None]:
    yield from story.opened()
    yield from story.booked(hours=36)
    yield from story.paid()
    yield from story.rescheduled(hours=100)
    yield from story.cancelled("refund")


def rescheduled_and_changed(story: Story) -> Iterator[None]:
    yield from story.opened()
    yield from story.booked(hours=60, status="pending")
    yield from story.confirmed()
    yield from story.rescheduled(hours=100)
    yield from story.noted(notes="Bring a pen")
    yield from story.paid()
    yield from story.rescheduled(hours=80)


def downgraded_in_between(story: Story) -> Iterator[None]:
    yield from story.opened()
    yield from story.booked(hours=100)
    yield from story.paid()
    yield from story.moved_to("free")
    yield from story.cancelled("refund")
    yield from story.restored()


def client_renamed_and_deleted(story: Story) -> Iterator[None]:
    yield from story.opened()
    yield from story.booked(hours=100)
    yield from story.changed_client(name="Ada King", phone="+4915187654321")
    yield from story.paid()
    yield from story.deleted_client()
    yield from story.cancelled("refund")
    yield from story.restored()


def a_series_moved_paid_and_cancelled(story: Story) -> Iterator[None]:
    yield from story.opened()
    yield from story.series_booked()
    yield from story.rescheduled(hours=36 + 7 * 24 + 2, scope="all")
    yield from story.paid()
    yield from story.cancelled("refund", scope="all")


STORIES = [
    refunded,
    kept,
    cancelled_unpaid,
    restored_and_refunded_again,
    kept_restored_and_refunded,
    refunded_and_restored,
    paid_late_with_a_decision,
    paid_late_and_decided_after,
    rescheduled_before_it_is_cancelled,
    rescheduled_and_changed,
    downgraded_in_between,
    client_renamed_and_deleted,
    a_series_moved_paid_and_cancelled,
]
# Those with the most that can cross, for the store on which all takes longer.
MONEY = [restored_and_refunded_again, kept_restored_and_refunded, paid_late_and_decided_after]
# When the payment is heard of after the cancellation, the deposit may never have stood as paid: then there is no receipt.
_MAY_BE_UNTOLD = {
    "paid_late_with_a_decision": {"deposit_received", "deposit_paid"},
    "paid_late_and_decided_after": {"deposit_received", "deposit_paid"},
}


@dataclass(frozen=True)
class Ending:
    """How one story ended: what can be seen of it, and the messages that went out."""

    state: dict[str, Any]
    sent: Counter[str]


class Telling:
    """Tells all stories at once on one bus, each to a provider of its own, and remembers how they end when all goes in order."""

    def __init__(self, bus: Bus, stories: Sequence[Chapters]) -> None:
        self.bus = bus
        self.stories = stories
        self._in_order: dict[str, Ending] = {}

    def in_order(self) -> dict[str, Ending]:
        """Once, in order, everything handled before the next step; the messages are sent at the end."""
        if not self._in_order:
            stories = self._begin(senders=False, in_order=True)
            untold = [chapters(story) for chapters, story in stories]
            while untold:
                untold = [each for each in untold if next(each, each) is not each]
                self.bus.clock.advance(1)
                self.bus.settle(timedelta(seconds=5))
            self.bus.senders = True
            self.bus.settle()
            self._in_order = self._end(stories)
        return self._in_order

    def in_disorder(self, seed: int, *, senders: bool) -> dict[str, Ending]:
        """Twice and in any order, Stripe's webhooks as well; messages are sent on the way if `senders`, else at the end."""
        stories = self._begin(senders=senders, in_order=False)
        disorder = Disorder(bus=self.bus, random=random.Random(seed))
        disorder.run([chapters(story) for chapters, story in stories])
        disorder.rest()
        self.bus.senders = True
        disorder.rest()
        return self._end(stories)

    def _begin(self, *, senders: bool, in_order: bool) -> list[tuple[Chapters, Story]]:
        self.bus.senders, self.bus.arrivals = senders, lambda: [0]
        hooks = {"repeat": 1 if in_order else 2, "shuffle": not in_order, "hold": False}
        self.bus.deployment.practice().sandbox("POST", "/stripe/hooks", hooks)
        held: set[str] = set()
        return [
            (chapters, Story(self.bus, self.bus.deployment.practice(f"acc_{secrets.token_hex(6)}"), held))
            for chapters in self.stories
        ]

    def _end(self, stories: list[tuple[Chapters, Story]]) -> dict[str, Ending]:
        assert self.bus.kept() == []
        assert self.bus.violations() == {}
        for _, story in stories:
            story.expect_one_event_a_version()
            story.expect_each_mail_once()
            story.expect_the_client_to_know_the_time()
        return {chapters.__name__: Ending(story.end(), story.sent()) for chapters, story in stories}


def expect_the_same_ends(telling: Telling, seed: int) -> None:
    sending_on_the_way = bool(seed % 2)
    wanted = telling.in_order()
    found = telling.in_disorder(seed, senders=sending_on_the_way)
    assert {name: ending.state for name, ending in found.items()} == {n: ending.state for n, ending in wanted.items()}
    for name, ending in found.items():
        ignored = _TELL_THE_TIME | _MAY_BE_UNTOLD.get(name, set())
        expected, sent = (
            Counter({what: n for what, n in told.items() if what.split()[0] not in ignored})
            for told in (wanted[name].sent, ending.sent)
        )
        if sending_on_the_way:
            # What is overtaken by the end may have been true when it went out; what is true at the end is always told.
            assert not expected - sent, (name, expected, sent)
        else:
            assert sent == expected, name


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telling]:
    directory = tmp_path_factory.mktemp("any-order")
    bus = Bus.start(directory, {service: f"sqlite:///{directory / service}.db" for service in SERVICES})
    yield Telling(bus, STORIES)
    bus.stop()


@pytest.fixture(scope="module")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Telling]:
    bus = Bus.start(tmp_path_factory.mktemp("any-order"), {service: postgres.database() for service in SERVICES})
    yield Telling(bus, MONEY)
    bus.stop()
    postgres.drop_databases()


def seeds(quick: int, many: int) -> list[Any]:
    """The first `quick` of `many`; the others are for `make chaos`. Odd ones send messages on the way, even ones at the end."""
    return [*range(quick), *(pytest.param(seed, marks=pytest.mark.chaos) for seed in range(quick, many))]


# The two in this order: a process has one store a service, that of the last to start.
@pytest.mark.parametrize("seed", seeds(2, 10))
def test_every_event_twice_and_in_any_order_leads_to_the_same_end_on_sqlite(on_sqlite: Telling, seed: int) -> None:
    expect_the_same_ends(on_sqlite, seed)


@pytest.mark.parametrize("seed", seeds(1, 7))
def test_every_event_twice_and_in_any_order_leads_to_the_same_end_on_postgresql(
    on_postgresql: Telling, seed: int
) -> None:
    expect_the_same_ends(on_postgresql, seed)
