"""What is asked many times at the same moment happens once, and every answer fits what happened; deployed and embedded alike."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from embedded.practice import Practice, wait_for
from support.single import Single
from support.suite import Deployment

pytestmark = pytest.mark.integration

Suite = Deployment | Single
ROUNDS = 4


@pytest.fixture(scope="module", params=["deployed", "embedded"])
def suite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """Processes on PostgreSQL and RabbitMQ, with two APIs of scheduling; or the one process on SQLite."""
    if request.param == "deployed":
        yield request.getfixturevalue("deployment")
        return
    single = Single(directory=tmp_path_factory.mktemp("embedded"))
    failed_before = request.session.testsfailed
    yield single.start()
    single.stop()
    if request.session.testsfailed > failed_before:
        print(single.log.read_text(errors="replace")[-8000:])


@pytest.fixture(scope="module")
def doors(suite: Suite) -> Sequence[str]:
    """The addresses of scheduling's APIs: any number of each role may run."""
    if isinstance(suite, Single):
        return [suite.practice("acc_x").services["scheduling"]]
    second = suite.processes.start("scheduling", "api", environment=suite.environment("scheduling"))
    return [suite.url("scheduling"), second.url]


@pytest.fixture
def practice(suite: Suite) -> Practice:
    return suite.new_practice()


def in_hours(hours: float) -> datetime:
    return (datetime.now(UTC) + timedelta(hours=hours)).replace(second=0, microsecond=0)


def at_once(requests_: Sequence[Callable[[], requests.Response]]) -> list[requests.Response]:
    """The answers, in order; nobody asks before all are there to ask."""
    barrier = threading.Barrier(len(requests_))

    def ask(one: Callable[[], requests.Response]) -> requests.Response:
        barrier.wait(timeout=60)
        return one()

    with ThreadPoolExecutor(len(requests_)) as pool:
        return list(pool.map(ask, requests_))


def asking(
    practice: Practice, doors: Sequence[str], path: str, body: Any, *, number: int = 0, key: str | None = None
) -> Callable[[], requests.Response]:
    """A POST to scheduling by the door of this number."""
    through = copy(practice)
    through.services = {**practice.services, "scheduling": doors[number % len(doors)]}
    headers = {"Idempotency-Key": key} if key else {}
    return lambda: through.call("POST", "scheduling", path, json=body, headers=headers, timeout=120)


def booked(practice: Practice, count: int = 1, *, paid: bool) -> list[str]:
    """Sessions a day apart, each with a deposit where they are to be paid."""
    service = practice.session_type(percent=25 if paid else None)
    client = practice.client("Ada Lovelace", f"ada.{uuid.uuid4().hex[:10]}@client.example")
    ids = [
        practice.book(service_id=service["id"], client_id=client["id"], starts_at=in_hours(240 + 24 * n))["id"]
        for n in range(count)
    ]
    if paid:
        for one in ids:
            required = practice.wait_deposit(one, "required")
            assert practice.pay(required["payment_url"]).status_code == 303
        for one in ids:
            practice.wait_deposit(one, "paid")
    return ids


def refunds_of(practice: Practice, session_id: str) -> list[int]:
    """The amounts that Stripe sent back for this session."""
    return [
        r["amount"]
        for r in practice.refunds_at_stripe()
        if r["metadata"]["timeblu_deposit"] == deposit_id(practice, session_id)
    ]


def deposit_id(practice: Practice, session_id: str) -> str:
    return str(practice.deposit_of(session_id)["id"])


def code(answer: requests.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


def test_of_two_cancellations_at_once_one_wins_and_the_refund_is_its_alone(
    practice: Practice, doors: Sequence[str]
) -> None:
    decisions = {
        one: ("refund", "refund" if number % 2 else "skip")
        for number, one in enumerate(booked(practice, ROUNDS, paid=True))
    }
    won = {}
    for session_id, pair in decisions.items():
        answers = at_once(
            [
                asking(practice, doors, f"/v1/sessions/{session_id}/cancel", {"refund": d}, number=n)
                for n, d in enumerate(pair)
            ]
        )
        assert sorted(map(code, answers), key=str) == [(200, None), (409, "invalid_transition")]
        won[session_id] = next(a.json()["cancellation"]["refund"] for a in answers if a.status_code == 200)
    for session_id, decision in won.items():
        session = practice.wait_deposit(session_id, "refunded" if decision == "refund" else "kept")
        assert session["cancellation"]["refund"] == decision
        assert refunds_of(practice, session_id) == ([2000] if decision == "refund" else [])
        assert len(practice.deposit_of(session_id)["refunds"]) == 1


def test_a_cancellation_and_a_restore_at_once_end_as_their_answers_say(
    practice: Practice, doors: Sequence[str]
) -> None:
    for session_id in booked(practice, ROUNDS, paid=False):
        path = f"/v1/sessions/{session_id}"
        cancelling, restoring = at_once(
            [asking(practice, doors, f"{path}/cancel", {}), asking(practice, doors, f"{path}/restore", {}, number=1)]
        )
        # A restore that comes first meets a session that stands; one that comes second undoes the cancellation.
        assert code(cancelling) == (200, None)
        assert code(restoring) in {(200, None), (409, "invalid_transition")}
        session = practice.session(session_id)
        assert session["status"] == ("confirmed" if restoring.status_code == 200 else "cancelled")
        assert session["version"] == 1 + 1 + (restoring.status_code == 200)


def test_a_refund_and_a_restore_at_once_never_leave_the_client_paid_and_refunded(
    practice: Practice, doors: Sequence[str]
) -> None:
    for session_id in booked(practice, ROUNDS, paid=True):
        path = f"/v1/sessions/{session_id}"
        cancelling, restoring = at_once(
            [
                asking(practice, doors, f"{path}/cancel", {"refund": "refund"}),
                asking(practice, doors, f"{path}/restore", {}, number=1),
            ]
        )
        assert code(cancelling) == (200, None)
        # In between lies the refund: it is waited for, unless it has ended already.
        assert code(restoring) in {(409, "invalid_transition"), (409, "refund_in_progress"), (200, None)}
        if restoring.status_code == 409:
            practice.wait_deposit(session_id, "refunded")
            assert practice.restore(session_id)["status"] == "confirmed"
        owed = practice.wait_deposit(session_id, "required")
        assert (owed["deposit"]["held_amount"], owed["deposit"]["due_amount"]) == (0, 2000)
        assert refunds_of(practice, session_id) == [2000]


def test_one_key_fifty_times_at_once_cancels_once(practice: Practice, doors: Sequence[str]) -> None:
    (session_id,) = booked(practice, paid=True)
    before = practice.session(session_id)["version"]
    path, key = f"/v1/sessions/{session_id}/cancel", uuid.uuid4().hex
    answers = at_once([asking(practice, doors, path, {"refund": "refund"}, number=n, key=key) for n in range(50)])
    expect_one_answer(answers, 200)
    assert answers[0].json()["version"] == before + 1
    practice.wait_deposit(session_id, "refunded")
    assert refunds_of(practice, session_id) == [2000]
    history = practice.get("scheduling", f"/v1/sessions/{session_id}/history")["data"]
    assert [entry["action"] for entry in history].count("cancelled") == 1


def test_one_key_fifty_times_at_once_books_once(practice: Practice, doors: Sequence[str]) -> None:
    service = practice.session_type(percent=None)
    body = {
        "service_id": service["id"],
        "client": {"name": "Ada Lovelace", "email": f"ada.{uuid.uuid4().hex[:10]}@client.example"},
        "starts_at": in_hours(240).isoformat(),
    }
    key = uuid.uuid4().hex
    answers = at_once([asking(practice, doors, "/v1/sessions", body, number=n, key=key) for n in range(50)])
    expect_one_answer(answers, 201)
    assert len(practice.get("scheduling", "/v1/sessions")["data"]) == 1
    assert len(practice.get("clients", "/v1/clients")["data"]) == 1


def expect_one_answer(answers: Sequence[requests.Response], status: int) -> None:
    """All the same, and all but one told as repeated."""
    assert Counter(map(code, answers)) == {(status, None): len(answers)}
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    replayed = [answer.headers.get("Idempotent-Replayed") for answer in answers]
    assert Counter(replayed) == {"true": len(answers) - 1, None: 1}


def test_of_200_bookings_of_one_slot_at_once_one_gets_it(practice: Practice, doors: Sequence[str]) -> None:
    service = practice.session_type(percent=None)
    client = practice.client("Ada Lovelace", f"ada.{uuid.uuid4().hex[:10]}@client.example")
    start = in_hours(240)
    # Some begin a little earlier or later: they overlap the slot all the same.
    answers = at_once(
        [
            asking(
                practice,
                doors,
                "/v1/sessions",
                {
                    "service_id": service["id"],
                    "client_id": client["id"],
                    "starts_at": (start + timedelta(minutes=15 * (n % 3))).isoformat(),
                },
                number=n,
            )
            for n in range(200)
        ]
    )
    assert Counter(map(code, answers)) == {(201, None): 1, (409, "slot_taken"): 199}
    assert len(practice.get("scheduling", "/v1/sessions")["data"]) == 1


def test_invariants_hold_after_all_of_this(suite: Suite) -> None:
    wait_for(lambda: suite.violations() == {}, "no invariant to be broken")
