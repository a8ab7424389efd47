"""Rates that all dispatchers and workers share: of the provider, and of each account."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.notifications.tests.conftest import MakePractice
from services.notifications.tests.driver import NOON, Practice, account, client, session

from chassis.clock import SystemClock
from chassis.inbox import event_of
from chassis.store import Store
from notifications.domain.kinds import Channel
from notifications.domain.pacing import Pace
from notifications.gateways.mail import Mailer
from notifications.operations.dispatching import dispatch
from notifications.operations.pacing import ProviderPace
from notifications.operations.sending import email_worker
from notifications.store import paces

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def reserve(store: Store, now: datetime, count: int, pace: Pace) -> list[float]:
    """Seconds from NOW at which these may go."""
    with store.transaction():
        return [(slot - NOW).total_seconds() for slot in paces.reserve(store, "x", pace, now, count)]


def test_after_a_rest_a_burst_may_go_and_then_one_an_interval(practice: Practice) -> None:
    store, pace = practice.service.store, Pace(per_second=2, burst=3)

    first = reserve(store, NOW, 5, pace)
    assert first == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert reserve(store, NOW, 1, pace) == [1.5]
    assert reserve(store, NOW + timedelta(seconds=1), 1, pace) == [2.0]
    assert reserve(store, NOW + timedelta(hours=1), 1, pace) == [3599.0]


def test_no_slot_is_given_twice(practice: Practice) -> None:
    pace = Pace(per_second=10)
    with ThreadPoolExecutor(8) as pool:
        slots = [
            slot
            for found in pool.map(
                lambda _: practice.service.store.run(lambda: reserve(practice.service.store, NOW, 3, pace)), range(20)
            )
            for slot in found
        ]

    assert sorted(slots) == [number / 10 for number in range(60)]


def burst(practice: Practice, sessions: int) -> None:
    """Reminders of one account that are due at once, and after them one of another's."""
    practice.hear("account.created", account(id="acc_two", account_id="acc_two"))
    practice.hear("client.created", client(id="cli_2", account_id="acc_two", email="b@example.com", phone=None))
    for number in range(sessions):
        practice.hear("session.created", session(id=f"ses_{number:03}"), at=NOON - timedelta(days=2))
    practice.hear(
        "session.created",
        session(id="ses_other", account_id="acc_two", client_id="cli_2", starts_at=NOON + timedelta(days=7, seconds=1)),
        at=NOON - timedelta(days=2),
    )
    practice.clock.moment += timedelta(days=6, seconds=1)


def test_one_account_s_burst_holds_nobody_else_up_and_goes_out_at_its_pace(
    make_practice: MakePractice, store_url: str
) -> None:
    practice = make_practice(store_url, account_messages_per_second=1.0)
    practice.hear("account.created", account())
    practice.hear("client.created", client())
    burst(practice, 8)
    practice.work()

    def sent() -> Counter[str]:
        return Counter(row["to"] for row in practice.deliveries("channel=email&status=sent")) + Counter(
            row["to"]
            for row in practice.call("GET", "/v1/deliveries?channel=email", account_id="acc_two").get_json()["data"]
        )

    assert sent() == {"ada@example.com": 2, "b@example.com": 1}
    for seconds in (1, 2, 3):
        practice.lease_clock.moment += timedelta(seconds=1)
        practice.pass_time(seconds=1)
        assert sent()["ada@example.com"] == 2 + seconds
    practice.lease_clock.moment += timedelta(seconds=60)
    practice.pass_time(seconds=60)
    assert sent() == {"ada@example.com": 8, "b@example.com": 1}
    assert all(invariant.query() == [] for invariant in practice.service.invariants())


def test_what_no_dispatcher_has_paced_is_paced_by_the_worker(make_practice: MakePractice, store_url: str) -> None:
    practice = make_practice(store_url, account_messages_per_second=1.0)
    practice.hear("account.created", account())
    practice.hear("client.created", client())
    for number in range(5):
        practice.hear("session.created", session(id=f"ses_{number}"))
    practice.work()
    assert len(practice.mails()) == 2
    practice.lease_clock.moment += timedelta(seconds=1)
    practice.pass_time(seconds=1)
    assert len(practice.mails()) == 3


def test_workers_together_keep_to_what_the_provider_takes(make_practice: MakePractice, store_url: str) -> None:
    practice = make_practice(store_url)
    rate = 50.0
    context = replace(practice.context, real_clock=SystemClock())
    provider = [ProviderPace(context, Channel.EMAIL, rate) for _ in range(3)]
    began = datetime.now(UTC)
    with ThreadPoolExecutor(9) as pool:
        permitted = list(pool.map(lambda number: provider[number % 3].take(1), range(30)))

    assert permitted == [1] * 30
    # A permit each 20 ms, of which the first is free: what three processes took in advance is none that others lack.
    assert (datetime.now(UTC) - began).total_seconds() >= 29 / rate


def test_with_a_permit_at_hand_nothing_is_asked_and_without_one_the_claim_waits(
    make_practice: MakePractice, sqlite_url: str
) -> None:
    practice = make_practice(sqlite_url, email_per_second=20.0)
    practice.hear("account.created", account())
    practice.hear("client.created", client())
    for number in range(4):
        practice.hear("session.created", session(id=f"ses_{number}"))
    dispatch(practice.context)
    practice.work()

    assert len(practice.mails()) == 4
    assert [row["name"] for row in practice.rows("paces") if row["name"].startswith("provider:")] == ["provider:email"]


def test_what_would_wait_for_long_comes_again_later(make_practice: MakePractice, store_url: str) -> None:
    practice = make_practice(store_url)
    practice.hear("account.created", account())
    practice.hear("client.created", client())
    for number in range(2):
        practice.hear("session.created", session(id=f"ses_{number}"))
    pace = ProviderPace(practice.context, Channel.EMAIL, 0.1)
    worker = email_worker(practice.context, Mailer(practice.context.settings), pace)

    def send_all() -> None:
        dispatch(practice.context)
        for envelope in practice.on_the_queues():
            worker.run(event_of(envelope))

    send_all()
    assert sorted(status for _, _, status in practice.fared()) == ["queued", "sent"]
    practice.lease_clock.moment += timedelta(seconds=10)
    practice.clock.moment += timedelta(seconds=10)
    send_all()
    assert sorted(status for _, _, status in practice.fared()) == ["sent", "sent"]
    assert len(practice.mails()) == 2
