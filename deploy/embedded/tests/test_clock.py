"""Time that passes in a jump does what time does: each thing happens at its moment, and nothing holds the jump up for long."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from deploy.embedded.tests.driver import SOON, Running, took

from contracts.envelope import Envelope, format_time, parse_time
from embedded.practice import Practice
from support.waiting import wait_until

_AT_ITS_TIME = timedelta(minutes=1)


def test_reminders_go_out_at_their_own_times(practice: Practice) -> None:
    booked = _booked(practice, days=10)
    before = practice.now()
    after = practice.advance(days=11)
    assert timedelta(days=11) <= after - before < timedelta(days=11, minutes=5)
    _expect_reminders_at_their_times(practice, booked)


def test_a_jump_of_more_than_a_year_over_many_sessions_is_exact_and_takes_seconds(practice: Practice) -> None:
    service, client = practice.session_type(percent=None), practice.client("Ada Lovelace", "ada@client.example")
    first = _hour(practice.now()) + timedelta(days=7)

    def book(number: int) -> Any:
        starts_at = first + timedelta(days=32 * number, hours=number % 8)
        return practice.book(service_id=service["id"], client_id=client["id"], starts_at=starts_at)

    with ThreadPoolExecutor(4) as pool:
        sessions = list(pool.map(book, range(12)))
    began = time.monotonic()
    practice.advance(days=400)
    assert took(began) < 120
    for booked in sessions:
        _expect_reminders_at_their_times(practice, booked)


def test_what_waits_for_ever_does_not_hold_a_jump_up_nor_make_others_late(shared: Running, practice: Practice) -> None:
    booked = _booked(practice, days=100, percent=25)
    _event_that_waits_for_ever(shared, practice, booked)
    began = time.monotonic()
    practice.advance(days=120)
    assert took(began) < 120
    _expect_reminders_at_their_times(practice, booked)
    shared.forget_waiting("payments")


@pytest.mark.parametrize("target", ["smtp", "stripe"])
def test_an_outside_that_never_recovers_does_not_hold_a_jump_up(practice: Practice, target: str) -> None:
    booked = _booked(practice, days=10, percent=25)
    required = practice.wait_deposit(booked["id"], "required")
    practice.pay(required["payment_url"])
    practice.wait_deposit(booked["id"], "paid")
    fault = {"target": target, "fault": "rate_limit" if target == "smtp" else "error_500", "count": 1_000_000}
    practice.sandbox("POST", "/faults", fault)
    practice.cancel(booked["id"], refund="refund")
    began = time.monotonic()
    practice.advance(days=2)
    assert took(began) < 180
    practice.sandbox("POST", "/faults", {"target": target, "count": 0})
    practice.advance(hours=1)
    assert practice.wait_deposit(booked["id"], "refunded")
    deposit = practice.deposit_of(booked["id"])["id"]
    assert len([r for r in practice.refunds_at_stripe() if r["metadata"]["timeblu_deposit"] == deposit]) == 1


def test_webhooks_that_are_held_back_do_not_hold_a_jump_up(practice: Practice) -> None:
    booked = _booked(practice, days=10, percent=25)
    required = practice.wait_deposit(booked["id"], "required")
    practice.sandbox("POST", "/stripe/hooks", {"hold": True})
    practice.pay(required["payment_url"])
    began = time.monotonic()
    practice.advance(hours=1)
    assert took(began) < 25  # what never comes to rest takes thirty
    practice.sandbox("POST", "/stripe/hooks", {"hold": False})
    practice.wait_deposit(booked["id"], "paid")


def test_a_checkout_page_ends_after_a_day_and_the_link_opens_a_fresh_one(practice: Practice) -> None:
    booked = _booked(practice, days=10, percent=25)
    link = practice.wait_deposit(booked["id"], "required")["payment_url"]
    page = requests.get(link, timeout=60).url
    practice.advance(hours=24, minutes=1)
    late = requests.post(page, data={"number": "4242424242424242"}, timeout=60, allow_redirects=False)
    assert late.status_code != 303, late.text
    fresh = requests.get(link, timeout=60)
    assert fresh.status_code == 200
    assert fresh.url != page
    practice.pay(link)
    practice.wait_deposit(booked["id"], "paid")


def test_what_a_cancellation_returns_goes_by_the_suites_clock(practice: Practice) -> None:
    booked = _booked(practice, days=4, percent=25)
    practice.pay(practice.wait_deposit(booked["id"], "required")["payment_url"])
    practice.wait_deposit(booked["id"], "paid")
    starts = parse_time(booked["starts_at"])
    percentages = []
    for hours_before in (49, 47, 25, 23):
        seconds = (starts - timedelta(hours=hours_before) - practice.now()).total_seconds()
        practice.advance(seconds=seconds)
        quote = practice.get("payments", f"/v1/sessions/{booked['id']}/refund-quote")
        percentages.append(quote["percentage"])
    assert percentages == [100, 50, 50, 0]


def test_stripe_forgets_an_idempotency_key_after_a_day_of_the_suite(practice: Practice) -> None:
    def account() -> Any:
        stripe = practice.sandbox("GET", "/stripe")
        return requests.post(
            f"{stripe['api_base']}/v1/accounts",
            data={"type": "standard", "country": "DE"},
            headers={"Authorization": f"Bearer {stripe['secret_key']}", "Idempotency-Key": practice.account_id},
            timeout=60,
        ).json()["id"]

    first = account()
    practice.advance(hours=23)
    assert account() == first
    practice.advance(hours=1, minutes=1)
    assert account() != first


def test_tokens_and_webhooks_keep_to_the_real_clock(practice: Practice) -> None:
    # A token of ten minutes and Stripe's signature of this very second, while a day of the suite passes.
    practice.advance(days=1)
    booked = _booked(practice, days=10, percent=25)
    practice.pay(practice.wait_deposit(booked["id"], "required")["payment_url"])
    practice.wait_deposit(booked["id"], "paid")


def test_jumps_at_once_add_up(practice: Practice) -> None:
    before = practice.now()
    with ThreadPoolExecutor(5) as pool:
        times = list(pool.map(lambda _: practice.advance(hours=1), range(5)))
    assert timedelta(hours=5) <= max(times) - before < timedelta(hours=5, minutes=10)


@pytest.mark.parametrize(
    "body",
    [
        {"advance_seconds": -1}, {"advance_seconds": 0}, {"advance_seconds": "a day"}, {"advance_seconds": None},
        {"advance_seconds": True}, {"advance_seconds": 1e300}, {"advance_seconds": [1]}, {}, [], "x", None,
    ],
)  # fmt: skip
def test_garbage_does_not_move_the_clock(shared: Running, body: Any) -> None:
    before = shared.practice().now()
    answer = requests.post(f"{shared.base}/sandbox/clock", json=body, timeout=60)
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert shared.practice().now() - before < timedelta(minutes=1)


@pytest.mark.parametrize("text", ["", "{", '{"advance_seconds": NaN}', '{"advance_seconds": Infinity}'])
def test_what_is_no_number_at_all_does_not_move_the_clock(shared: Running, text: str) -> None:
    answer = requests.post(
        f"{shared.base}/sandbox/clock", data=text, headers={"Content-Type": "application/json"}, timeout=60
    )
    assert answer.status_code == 422


def test_the_clock_goes_on_from_where_it_was_after_a_stop_and_after_a_kill(suite: Running) -> None:
    suite.start()
    jumped = suite.practice().advance(days=30)
    assert suite.end() == 0
    suite.start()
    assert timedelta(0) <= suite.practice().now() - jumped < timedelta(minutes=10)
    again = suite.practice().advance(days=30)
    suite.restart()
    assert timedelta(0) <= suite.practice().now() - again < timedelta(minutes=10)


def test_an_end_during_a_long_jump_comes_soon_and_leaves_the_clock_where_it_was(suite: Running) -> None:
    suite.start()
    practice = suite.new_practice()
    before = practice.now()
    booked = [_booked(practice, days=10 + number) for number in range(5)]
    with ThreadPoolExecutor(1) as pool:
        jump = pool.submit(lambda: practice.call("POST", "sandbox", "/clock", json={"advance_seconds": 300 * 86400}))
        wait_until(lambda: practice.now() - before > timedelta(days=5), what="the jump to be under way")
        began = time.monotonic()
        code = suite.end()
        assert (code, took(began) < SOON) == (0, True)
        assert jump.result().status_code in {200, 503}
    suite.start()
    practice.advance(days=30)
    for each in booked:
        _expect_reminders_at_their_times(practice, each)


def _booked(practice: Practice, *, days: float, percent: int | None = None) -> Any:
    """A session at a full hour so many days ahead on the suite's clock."""
    service = practice.session_type(percent=percent)
    client = practice.client("Ada Lovelace", f"{uuid.uuid4().hex[:10]}@client.example")
    starts_at = _hour(practice.now()) + timedelta(days=days)
    return practice.book(service_id=service["id"], client_id=client["id"], starts_at=starts_at)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _expect_reminders_at_their_times(practice: Practice, booked: Any) -> None:
    starts = parse_time(booked["starts_at"])
    deliveries = practice.get("notifications", "/v1/deliveries", session_id=booked["id"], limit=200)["data"]
    sent = {each["kind"]: parse_time(each["sent_at"]) for each in deliveries if each["kind"].startswith("reminder")}
    assert {kind: starts - at for kind, at in sent.items()} == {
        "reminder_24h": pytest.approx(timedelta(hours=24), abs=_AT_ITS_TIME),
        "reminder_2h": pytest.approx(timedelta(hours=2), abs=_AT_ITS_TIME),
    }


def _event_that_waits_for_ever(suite: Running, practice: Practice, booked: Any) -> None:
    """A session of a client of whom payments will never hear, in its inbox."""
    columns = "id, account_id, type, subject, sequence, dataschema, occurred_at, body"
    sql = f"SELECT {columns} FROM outbox WHERE subject = ? AND type = 'session.created'"
    ((id_, account_id, type_, subject, sequence, dataschema, occurred_at, body),) = suite.rows(
        "scheduling", sql, booked["id"]
    )
    event = Envelope(
        id=id_[:-12] + "000000000000", source="/timeblu/scheduling", type=type_, subject=f"{subject}0",
        time=parse_time(occurred_at), dataschema=dataschema, account_id=account_id, sequence=sequence, traceparent=None,
        body=json.dumps({**json.loads(body), "id": f"{subject}0", "client_id": "cli_nobody"}).encode(),
    )  # fmt: skip
    suite.keep("payments", event, waiting_for="cli_nobody", due=format_time(practice.now()))
    practice.advance(seconds=5)
    found = practice.get("payments", "/v1/ops/inbox", status="waiting")["data"]
    assert [each["event_id"] for each in found] == [event.id]
