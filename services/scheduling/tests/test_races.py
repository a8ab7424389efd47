"""What many do at once ends as if they had come one after the other: one slot is one session's, whichever door it is taken by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import peewee
import pytest
from services.scheduling.tests.driver import World, at
from services.scheduling.tests.test_booking import booking
from services.scheduling.tests.test_deposits import QUARTER, paid
from werkzeug.test import TestResponse

from scheduling.domain.spans import MINUTE, Span
from scheduling.store.claims import Claim, Met, Owner, SlotTaken, release, take, taking


def at_once(calls: Sequence[Callable[[], TestResponse]]) -> list[TestResponse]:
    """Make all the calls at the same moment, each on a thread of its own; who is told to come again, does so once."""
    together = Barrier(len(calls))

    def call(act: Callable[[], TestResponse]) -> TestResponse:
        together.wait(timeout=60)
        answer = act()
        return act() if answer.status_code == 503 else answer

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def outcome(answers: list[TestResponse]) -> Counter[tuple[int, str | None]]:
    return Counter((answer.status_code, answer.get_json().get("code")) for answer in answers)


def test_two_hundred_at_once_for_one_slot_end_with_one_session(world: World) -> None:
    body = booking(world, at("12-01 10:00"))
    caller = world.a
    answers = at_once([lambda: caller("POST", "/sessions", body)] * 200)
    assert outcome(answers) == {(201, None): 1, (409, "slot_taken"): 199}
    assert all(answer.get_json()["conflicts"] for answer in answers if answer.status_code == 409)
    assert len(world.a.get("/sessions")["data"]) == 1
    assert world.broken_invariants() == {}


def test_every_door_to_one_slot_lets_one_in(world: World) -> None:
    """Booking, restoring, moving, lengthening, duplicating and another calendar, all for ten o'clock at once."""
    type_, client = world.session_type(), world.new_client()
    room = world.a.post("/calendars", {"name": "Room 2"})["id"]
    caller = world.a

    def book(starts_at: str, **fields: Any) -> str:
        body = {"service_id": type_, "client_id": client, "starts_at": at(starts_at), **fields}
        return str(caller.post("/sessions", body)["id"])

    gone = book("12-01 10:00")
    caller.post(f"/sessions/{gone}/cancel")
    early, later, elsewhere = book("12-01 09:00"), book("12-02 10:00"), book("12-01 10:00", calendar_id=room)
    home = caller.get(f"/sessions/{early}")["calendar_id"]
    calls: list[Callable[[], TestResponse]] = []
    for _ in range(6):
        calls += [
            lambda: caller(
                "POST", "/sessions", {"service_id": type_, "client_id": client, "starts_at": at("12-01 10:00")}
            ),
            lambda: caller("POST", f"/sessions/{gone}/restore", {}),
            lambda: caller("PATCH", f"/sessions/{early}", {"duration_minutes": 90}),
            lambda: caller("POST", f"/sessions/{later}/reschedule", {"starts_at": at("12-01 10:15")}),
            lambda: caller("POST", f"/sessions/{later}/duplicate", {"starts_at": at("12-01 10:15")}),
            lambda: caller("PATCH", f"/sessions/{elsewhere}", {"calendar_id": home}),
        ]
    answers = at_once(calls)
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert {answer.get_json()["code"] for answer in answers if answer.status_code == 409} <= {
        "slot_taken",
        "invalid_transition",
    }
    day = caller.get(
        f"/sessions?calendar_id={home}&from=2026-12-01T00:00:00Z&to=2026-12-02T00:00:00Z&status=confirmed"
    )["data"]
    at_ten = [s for s in day if s["starts_at"] < "2026-12-01T10:00:00Z" and s["ends_at"] > "2026-12-01T09:00:00Z"]
    assert len(at_ten) == 1
    assert world.broken_invariants() == {}


def test_two_hundred_clients_at_one_page_for_one_slot_end_with_one_session(world: World) -> None:
    visitor = world.open_page()
    body = visitor.booking(world.session_type(online=True), "12-01 10:00")
    answers = at_once([lambda: visitor("POST", "/booking/anna/sessions", body)] * 200)
    assert outcome(answers) == {(201, None): 1, (409, "slot_taken"): 199}
    assert world.broken_invariants() == {}


def test_two_hundred_at_once_lengthening_into_a_slot_and_booking_it_end_with_one_of_the_two(world: World) -> None:
    early = world.a.post("/sessions", booking(world, at("12-01 09:00")))
    body = booking(world, at("12-01 10:15"), service_id=early["service_id"], client_id=early["client_id"])
    caller = world.a
    lengthen = partial(caller, "PATCH", f"/sessions/{early['id']}", {"duration_minutes": 90})
    answers = at_once([lengthen, partial(caller, "POST", "/sessions", body)] * 100)
    assert outcome(answers) in (
        {(200, None): 100, (409, "slot_taken"): 100},
        {(201, None): 1, (409, "slot_taken"): 199},
    )
    assert world.broken_invariants() == {}


def test_two_hundred_at_once_confirming_one_session_confirm_it_once(world: World) -> None:
    session = world.a.post("/sessions", booking(world, at("12-01 10:00"), status="pending"))
    answers = at_once([partial(world.a, "POST", f"/sessions/{session['id']}/confirm")] * 200)
    assert outcome(answers) == {(200, None): 1, (409, "invalid_transition"): 199}
    told = [(type_, sequence) for type_, sequence, _ in world.events(session["id"])]
    assert told == [("session.created", 1), ("session.confirmed", 2)]
    assert world.broken_invariants() == {}


def test_any_available_gives_each_specialist_one_session_and_no_more(world: World) -> None:
    for number in range(3):
        world.a.post("/calendars", {"name": f"Room {number}"})
    visitor = world.open_page()
    body = visitor.booking(world.session_type(online=True), "12-01 10:00")
    answers = at_once([lambda: visitor("POST", "/booking/anna/sessions", body)] * 40)
    assert outcome(answers) == {(201, None): 4, (409, "slot_taken"): 36}
    assert len({answer.get_json()["calendar_id"] for answer in answers if answer.status_code == 201}) == 4
    assert world.broken_invariants() == {}


@pytest.mark.parametrize("by", ["provider", "client"])
def test_the_clock_confirming_and_somebody_cancelling_end_in_exactly_one_order(world: World, by: str) -> None:
    visitor = world.open_page(confirm_timeout_hours=1, cancel_cutoff_hours=0)
    service = world.session_type(online=True)
    booked = [visitor.book(service, f"12-0{day} {hour}:00") for day in (1, 2, 3) for hour in (10, 12, 14)]
    world.clock.advance(hours=1)

    def cancel(session: dict[str, Any]) -> TestResponse:
        if by == "provider":
            return world.a("POST", f"/sessions/{session['id']}/cancel", {})
        return visitor("POST", f"/manage/{session['manage_url'].rpartition('/')[2]}/cancel", {})

    with ThreadPoolExecutor(12) as pool:
        clocks = [pool.submit(world.run_jobs) for _ in range(3)]
        answers = list(pool.map(cancel, booked))
        for clock in clocks:
            clock.result()
    # Who confirms first is cancelled afterwards; who cancels first is never confirmed.
    assert outcome(answers) == {(200, None): len(booked)}
    for session in booked:
        told = [type_ for type_, _, _ in world.events(session["id"])]
        assert told in (
            ["session.created", "session.cancelled"],
            ["session.created", "session.confirmed", "session.cancelled"],
        )
        versions = [sequence for _, sequence, _ in world.events(session["id"])]
        assert versions == list(range(1, len(told) + 1))
    assert world.broken_invariants() == {}


def test_sessions_that_change_places_over_and_over_never_wait_in_a_circle(world: World) -> None:
    rooms = [world.a.get("/calendars")["data"][0]["id"], world.a.post("/calendars", {"name": "Room 2"})["id"]]
    type_, client, caller = world.session_type(), world.new_client(), world.a
    ids = [
        caller.post(
            "/sessions", {"service_id": type_, "client_id": client, "starts_at": at("12-01 10:00"), "calendar_id": room}
        )["id"]
        for room in rooms
    ]

    def move(n: int) -> TestResponse:
        wanted = {"calendar_id": rooms[n // 2 % 2], "starts_at": at(f"12-0{n % 3 + 1} 10:00")}
        return caller("PATCH", f"/sessions/{ids[n % 2]}", wanted)

    calls = [partial(move, n) for n in range(40)]
    assert {answer.status_code for answer in at_once(calls)} <= {200, 409}
    assert world.broken_invariants() == {}


@pytest.mark.parametrize("key", [None, "the same"])
def test_fifty_cancels_at_once_are_one_cancellation(world: World, key: str | None) -> None:
    session = paid(world)
    headers = {"Idempotency_Key": key} if key else {}
    caller = world.a
    path = f"/sessions/{session['id']}/cancel"
    answers = at_once([lambda: caller("POST", path, {"refund": "refund"}, **headers)] * 50)
    if key:
        assert outcome(answers) == {(200, None): 50}
        assert len({answer.data for answer in answers}) == 1
    else:
        assert outcome(answers) == {(200, None): 1, (409, "invalid_transition"): 49}
    last = world.events(session["id"])[-1]
    assert (last[0], last[1], len(last[2]["cancellations"])) == ("session.cancelled", session["version"] + 1, 1)
    assert world.broken_invariants() == {}


def test_cancel_and_restore_at_once_end_in_one_of_the_two(world: World) -> None:
    body = booking(world, at("12-01 10:00"))
    caller = world.a
    session = caller.post("/sessions", body)
    path = f"/sessions/{session['id']}"
    calls: list[Callable[[], TestResponse]] = []
    for _ in range(15):
        calls += [lambda: caller("POST", f"{path}/cancel", {}), lambda: caller("POST", f"{path}/restore", {})]
    answers = at_once(calls)
    found = outcome(answers)
    assert set(found) <= {(200, None), (409, "invalid_transition")}
    now = caller.get(path)
    assert now["version"] == 1 + found[(200, None)]
    assert now["status"] == ("cancelled" if found[(200, None)] % 2 else "confirmed")
    versions = [sequence for _, sequence, _ in world.events(session["id"])]
    assert versions == list(range(1, now["version"] + 1))
    assert world.broken_invariants() == {}


def test_a_payment_and_a_cancellation_at_once_leave_no_money_undecided_unseen(world: World) -> None:
    """Whichever comes first: decided at once, or shown as paid so that the provider can still decide."""
    type_, caller = world.session_type(deposit=QUARTER), world.a
    for n in range(6):
        session = caller.post(
            "/sessions", booking(world, at(f"12-0{n // 2 + 1} {10 + n % 2 * 2}:00"), service_id=type_)
        )
        told = world.deposit_told(session, 1, "paid")

        def pay(told: dict[str, Any] = told) -> TestResponse:
            world.tell("deposit.paid", told)
            return caller("GET", "/account")

        path = f"/sessions/{session['id']}/cancel"

        def cancel(path: str = path) -> TestResponse:
            return caller("POST", path, {})

        cancelled, _ = at_once([cancel, pay])
        now = caller.get(f"/sessions/{session['id']}")
        assert now["deposit"]["status"] == "paid"
        if cancelled.status_code == 200:
            assert (now["status"], now["cancellation"]["refund"]) == ("cancelled", None)
        else:
            assert (cancelled.get_json()["code"], now["status"]) == ("refund_decision_required", "confirmed")
        assert caller.post(path, {"refund": "refund"})["deposit"]["status"] == "refund_pending"
    assert world.kept() == []
    assert world.broken_invariants() == {}


# --- the backstop: what the database says to a writer that asks nobody before ---


def _span(minutes: tuple[int, int]) -> Span:
    return minutes[0] * MINUTE, minutes[1] * MINUTE


@pytest.fixture
def claim(world: World) -> Callable[..., None]:
    """Claims time for an owner by minutes of an hour, past every check."""

    def put(owner: str, core: tuple[int, int] | None, padded: tuple[int, int] | None = None, **fields: Any) -> None:
        some = Claim(
            account_id="acc_a",
            owner_id=owner,
            owner_type=fields.get("owner_type", Owner.SESSION),
            calendar_id=fields.get("calendar_id", "cal_1"),
            core=_span(core) if core else None,
            padded=_span(padded or core or (0, 0)),
        )
        with world.service.store.transaction():
            release(world.service.store, owner)
            with taking(world.service.store):
                take(world.service.store, some, ended=(), sanctioned=fields.get("sanctioned", False))

    return put


def test_the_database_itself_refuses_an_overlap(claim: Callable[..., None]) -> None:
    claim("ses_1", (10, 20), (5, 30))
    for core, padded in [((10, 20), None), ((19, 25), None), ((25, 35), None), ((30, 40), (15, 40)), ((0, 60), None)]:
        with pytest.raises(SlotTaken):
            claim("ses_2", core, padded)
    claim("ses_2", (30, 40), (20, 40))  # padded meets padded alone: the larger buffer counts
    claim("ses_3", (10, 20), calendar_id="cal_2")
    claim("ses_1", (0, 10))  # its own time is never in its way


def test_an_event_meets_sessions_and_no_events(claim: Callable[..., None]) -> None:
    claim("evt_1", None, (10, 20), owner_type=Owner.EVENT)
    claim("evt_2", None, (15, 25), owner_type=Owner.EVENT)
    with pytest.raises(SlotTaken):
        claim("ses_1", (20, 30))
    claim("ses_1", (25, 35), (10, 40))  # buffers may run into events
    with pytest.raises(SlotTaken):
        claim("evt_3", None, (30, 31), owner_type=Owner.EVENT)


def test_what_was_sanctioned_lies_outside_the_rule(claim: Callable[..., None]) -> None:
    claim("ses_1", (10, 20))
    claim("ses_2", (15, 25), sanctioned=True)
    with pytest.raises(SlotTaken):
        claim("ses_3", (19, 22))


def test_the_rule_holds_for_an_update_as_well(world: World, claim: Callable[..., None]) -> None:
    claim("ses_1", (10, 20))
    claim("ses_2", (30, 40))
    with pytest.raises(peewee.IntegrityError), world.service.store.transaction():
        world.service.store.execute(
            "UPDATE claims SET starts_at = %s WHERE owner_id = 'ses_2'", ("1970-01-01T00:15:00.000000Z",)
        )


def test_a_writer_that_passed_the_check_is_told_slot_taken_and_never_500(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = booking(world, at("12-01 10:00"))
    world.a.post("/sessions", body)
    monkeypatch.setattr("scheduling.store.claims.met", lambda *args, **kwargs: Met(standing=[], ended=()))
    world.a.refused(409, "slot_taken", "POST", "/sessions", body)
    assert world.broken_invariants() == {}
