"""Holds: a slot kept for somebody who is about to book it, until they do, give it back, or their time is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from services.scheduling.tests.driver import NOW, World, at
from services.scheduling.tests.test_availability import starts
from services.scheduling.tests.test_booking import booking
from services.scheduling.tests.test_races import at_once, outcome
from werkzeug.test import TestResponse

from chassis.jobs import Job

OVER = {"allow_overlap": True, "override_reason": "both agreed"}


def hold(world: World, starts_at: str, **fields: Any) -> dict[str, Any]:
    """Hold the slot of a new type, unless given."""
    body = {"starts_at": starts_at} | fields
    if "service_id" not in body:
        body["service_id"] = world.session_type()
    found: dict[str, Any] = world.a.post("/holds", body)
    return found


def with_hold(world: World, held: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The body of the booking that a hold is for."""
    body = booking(world, held["starts_at"], service_id=held["service_id"], hold_id=held["id"])
    return body | fields


def clear_away(world: World) -> None:
    job: Job = next(job for job in world.service.jobs() if job.name == "ended-holds")
    while job.run():
        pass


def test_a_hold_shows_what_it_keeps_and_until_when(world: World) -> None:
    type_ = world.session_type()
    answer = world.a("POST", "/holds", {"service_id": type_, "starts_at": at("12-01 10:00")})
    made = answer.get_json()
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    assert made == {
        "id": made["id"],
        "account_id": "acc_a",
        "service_id": type_,
        "calendar_id": world.a.get("/calendars")["data"][0]["id"],
        "starts_at": "2026-12-01T09:00:00Z",
        "ends_at": "2026-12-01T10:00:00Z",
        "duration_minutes": 60,
        "expires_at": "2026-11-30T08:10:00Z",
        "version": 1,
        "created_at": "2026-11-30T08:00:00Z",
        "updated_at": "2026-11-30T08:00:00Z",
    }
    assert made["id"].startswith("hld_")
    assert world.broken_invariants() == {}


def test_a_held_slot_is_taken_for_everybody_else(world: World) -> None:
    type_ = world.session_type(buffer_after_minutes=15)
    held = hold(world, at("12-01 10:00"), service_id=type_)
    for body in (booking(world, at("12-01 10:30")), booking(world, at("12-01 11:00"))):
        problem = world.a.refused(409, "slot_taken", "POST", "/sessions", body)
        assert problem["conflicts"] == [
            {"kind": "hold", "id": held["id"], "starts_at": held["starts_at"], "ends_at": held["ends_at"]}
        ]
        assert problem["alternatives"]
    world.a.refused(409, "slot_taken", "POST", "/holds", {"service_id": type_, "starts_at": at("12-01 10:00")})
    assert "10:00" not in starts(world, type_)
    session = world.a.post("/sessions", booking(world, at("12-02 10:00"), service_id=type_))
    world.a.refused(
        409, "slot_taken", "POST", f"/sessions/{session['id']}/reschedule", {"starts_at": at("12-01 10:00")}
    )
    world.a.post("/sessions", booking(world, at("12-01 11:15")))
    assert world.broken_invariants() == {}


def test_who_holds_books_and_the_hold_is_used_up(world: World) -> None:
    held = hold(world, at("12-01 10:00"))
    body = with_hold(world, held)
    world.clock.advance(seconds=599)
    session = world.a.post("/sessions", body)
    assert (session["starts_at"], session["calendar_id"]) == (held["starts_at"], held["calendar_id"])
    world.a.refused(409, "hold_invalid", "POST", "/sessions", body)
    world.a.refused(404, "not_found", "DELETE", f"/holds/{held['id']}")
    world.a.post(f"/sessions/{session['id']}/cancel")
    world.a.refused(409, "hold_invalid", "POST", "/sessions", body)
    world.a.post("/sessions", booking(world, at("12-01 10:00")))
    assert world.broken_invariants() == {}


def test_a_hold_that_has_ended_is_in_nobodys_way_at_once(world: World) -> None:
    type_ = world.session_type()
    early, late = hold(world, at("12-01 10:00"), service_id=type_), hold(world, at("12-01 12:00"), service_id=type_)
    world.clock.advance(seconds=600)
    world.a.refused(409, "hold_invalid", "POST", "/sessions", with_hold(world, early))
    assert {"10:00", "12:00"} <= set(starts(world, type_))
    world.a.post("/sessions", booking(world, at("12-01 10:00")))
    hold(world, at("12-01 12:00"), service_id=type_)
    world.a.refused(409, "hold_invalid", "POST", "/sessions", with_hold(world, late))
    assert world.broken_invariants() == {}


def test_giving_a_hold_back_frees_its_slot(world: World) -> None:
    held = hold(world, at("12-01 10:00"))
    world.a.refused(412, "stale", "DELETE", f"/holds/{held['id']}", If_Match='"2"')
    world.a.ok("DELETE", f"/holds/{held['id']}", If_Match='"1"')
    world.a.refused(404, "not_found", "DELETE", f"/holds/{held['id']}")
    world.a.refused(409, "hold_invalid", "POST", "/sessions", with_hold(world, held))
    world.a.post("/sessions", booking(world, at("12-01 10:00")))
    over = hold(world, at("12-01 12:00"))
    world.clock.advance(minutes=10)
    world.a.refused(404, "not_found", "DELETE", f"/holds/{over['id']}")
    assert world.broken_invariants() == {}


def test_a_hold_is_for_its_own_slot_alone(world: World) -> None:
    room = world.a.post("/calendars", {"name": "Room 2"})["id"]
    held = hold(world, at("12-01 10:00"), duration_minutes=90)
    for change in (
        {"starts_at": at("12-01 10:15")},
        {"duration_minutes": 60},
        {"calendar_id": room},
        {"service_id": world.session_type(duration_minutes=90)},
    ):
        world.a.refused(409, "hold_invalid", "POST", "/sessions", with_hold(world, held, **change))
    session = world.a.post("/sessions", with_hold(world, held, duration_minutes=90, calendar_id=held["calendar_id"]))
    assert session["duration_minutes"] == 90


def test_what_a_booking_leaves_unsaid_is_as_it_was_held(light_world: World) -> None:
    room = light_world.a.post("/calendars", {"name": "Room 2"})["id"]
    held = hold(light_world, at("12-01 10:00"), calendar_id=room, duration_minutes=30)
    session = light_world.a.post("/sessions", with_hold(light_world, held))
    assert (session["calendar_id"], session["duration_minutes"]) == (room, 30)


def test_what_changes_meanwhile_does_not_take_the_slot_from_who_holds_it(light_world: World) -> None:
    type_ = light_world.session_type()
    light_world.a.post("/sessions", booking(light_world, at("12-01 11:00"), service_id=type_))
    held = hold(light_world, at("12-01 10:00"), service_id=type_)
    light_world.a.patch(f"/services/{type_}", {"buffer_after_minutes": 30, "duration_minutes": 45})
    light_world.a.patch(f"/calendars/{held['calendar_id']}", {"working_hours": []})
    session = light_world.a.post("/sessions", with_hold(light_world, held))
    assert session["ends_at"] == held["ends_at"]
    assert light_world.broken_invariants() == {}


def test_ids_of_others_do_not_exist(world: World) -> None:
    held = hold(world, at("12-01 10:00"))
    type_ = world.b.post("/services", {"name": "Talk", "duration_minutes": 60})["id"]
    body = {"service_id": type_, "client_id": world.new_client("acc_b"), "starts_at": held["starts_at"]}
    for hold_id in (held["id"], "hld_unknown", ""):
        problem = world.b.refused(422, "invalid", "POST", "/sessions", body | {"hold_id": hold_id})
        assert problem["errors"][0]["pointer"] == "/hold_id"
        assert world.b("DELETE", f"/holds/{hold_id}").status_code == (404 if hold_id else 405)
    world.a.post("/sessions", with_hold(world, held))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service_id", None),
        ("service_id", "svc_unknown"),
        ("starts_at", None),
        ("starts_at", "2026-12-01T10:00:00"),
        ("calendar_id", "cal_unknown"),
        ("duration_minutes", 0),
        ("duration_minutes", 1441),
        ("ttl_seconds", 0),
        ("ttl_seconds", 86_401),
        ("ttl_seconds", "600"),
        ("client_id", "cli_1"),
    ],
)
def test_what_cannot_be_held_is_refused_with_its_pointer(light_world: World, field: str, value: Any) -> None:
    body = {"service_id": light_world.session_type(), "starts_at": at("12-01 10:00")} | {field: value}
    problem = light_world.a.refused(422, "invalid", "POST", "/holds", body)
    assert [error["pointer"] for error in problem["errors"]] == [f"/{field}"]


def test_holding_follows_the_rules_of_booking_by_the_provider(light_world: World) -> None:
    light_world.a.patch("/account", {"booking": {"min_notice_hours": 48, "max_advance_days": 1}})
    hold(light_world, at("11-30 10:00"), ttl_seconds=1)
    hold(light_world, at("12-23 10:00"), ttl_seconds=86_400)
    body = {"service_id": light_world.session_type(), "starts_at": at("12-01 07:00")}
    assert light_world.a.refused(409, "outside_working_hours", "POST", "/holds", body)["alternatives"]
    reader = light_world.caller("acc_a", scope="sessions:read")
    reader.refused(403, "forbidden", "POST", "/holds", body)
    reader.refused(403, "forbidden", "DELETE", "/holds/hld_1")


def test_a_plan_without_room_for_a_session_holds_none(light_world: World) -> None:
    type_ = light_world.b.post("/services", {"name": "Talk", "duration_minutes": 15})["id"]
    body = {"service_id": type_, "client_id": light_world.new_client("acc_b")}
    for n in range(15):
        light_world.b.post("/sessions", body | {"starts_at": at(f"12-01 {9 + n // 4:02}:{n % 4 * 15:02}")})
    wanted = {"service_id": type_, "starts_at": at("12-02 10:00")}
    light_world.b.refused(409, "plan_limit_reached", "POST", "/holds", wanted)


def test_the_same_key_holds_once(world: World) -> None:
    body = {"service_id": world.session_type(), "starts_at": at("12-01 10:00")}
    first = world.a.post("/holds", body, Idempotency_Key="k")
    again = world.a("POST", "/holds", body, Idempotency_Key="k")
    assert (again.get_json(), again.headers["Idempotent-Replayed"]) == (first, "true")


def test_a_client_made_on_the_spot_books_with_a_hold(world: World) -> None:
    held = hold(world, at("12-01 10:00"))
    body = {"service_id": held["service_id"], "starts_at": held["starts_at"], "client": {"name": "Zoë"}}
    assert world.a.post("/sessions", body | {"hold_id": held["id"]})["client"]["name"] == "Zoë"
    over = hold(world, at("12-01 12:00"))
    world.clock.advance(minutes=10)
    body = {"service_id": over["service_id"], "starts_at": over["starts_at"], "client": {"name": "Yan"}}
    world.a.refused(409, "hold_invalid", "POST", "/sessions", body | {"hold_id": over["id"]})
    assert [made["name"] for made in world.clients.made.values()] == ["Zoë"]


def test_who_was_let_in_over_a_hold_does_not_keep_its_holder_out(world: World) -> None:
    held = hold(world, at("12-01 10:00"))
    over = world.a.post("/sessions", booking(world, at("12-01 10:30"), **OVER))
    assert world.a.get(f"/sessions/{over['id']}/history")["data"][0]["changes"] == {"overlaps": [[], [held["id"]]]}
    session = world.a.post("/sessions", with_hold(world, held))
    assert world.broken_invariants() == {}
    # The pair is sanctioned from now on, as if it had been booked in this order.
    world.a.post(f"/sessions/{session['id']}/cancel")
    world.a.post(f"/sessions/{session['id']}/restore")
    world.a.refused(409, "slot_taken", "POST", "/sessions", booking(world, at("12-01 10:30")))
    assert world.broken_invariants() == {}


def test_why_somebody_was_let_in_over_a_hold_is_blanked_with_its_client_also_once_it_is_cleared_away(
    world: World,
) -> None:
    held = hold(world, at("12-01 10:00"))
    why = {"allow_overlap": True, "override_reason": "Anna is always late"}
    over = world.a.post("/sessions", booking(world, at("12-01 10:30"), **why))
    body = {"title": "Call", "starts_at": at("12-01 10:15"), "ends_at": at("12-01 10:20")}
    event = world.a.post("/events", body | why)
    # Whoever moves is sanctioned no longer, their history alone tells of it.
    world.a.patch(f"/sessions/{over['id']}", {"starts_at": at("12-02 10:30")})
    session = world.a.post("/sessions", with_hold(world, held))
    world.a.patch(f"/events/{event['id']}", {"starts_at": at("12-02 15:00"), "ends_at": at("12-02 15:05")})
    world.clock.advance(days=2)
    clear_away(world)
    requested = {"id": session["client_id"], "account_id": "acc_a", "version": 5, "requested_at": world.clock.now()}
    world.tell("client.erasure_requested", requested)

    for path in (f"/sessions/{over['id']}/history", f"/events/{event['id']}/history"):
        made = world.a.get(path)["data"][0]
        assert (made["reason"], session["id"] in made["changes"]["overlaps"][1]) == ("(erased)", True)
    assert world.broken_invariants() == {}


def test_what_a_hold_leaves_behind_is_cleared_away_in_time(world: World) -> None:
    kept, ended, used = (hold(world, at(f"12-0{day} 10:00")) for day in (1, 2, 3))
    world.a.post("/sessions", booking(world, at("12-02 10:00"), **OVER))
    world.a.post("/sessions", with_hold(world, used))
    long = hold(world, at("12-04 10:00"), ttl_seconds=86_400)

    def left(table: str, column: str) -> set[str]:
        with world.service.store.reading():
            return {row[0] for row in world.service.store.execute(f"SELECT {column} FROM {table}")}

    clear_away(world)
    assert left("holds", "id") == {kept["id"], ended["id"], used["id"], long["id"]}
    world.clock.advance(minutes=11)
    clear_away(world)
    assert {kept["id"], ended["id"]}.isdisjoint(left("claims", "owner_id"))
    world.a.refused(409, "hold_invalid", "POST", "/sessions", with_hold(world, kept))
    world.clock.advance(hours=23, minutes=48)
    clear_away(world)
    assert left("holds", "id") == {kept["id"], ended["id"], used["id"], long["id"]}
    assert long["id"] in left("claims", "owner_id")
    world.clock.advance(hours=24, minutes=11)
    clear_away(world)
    assert left("holds", "id") == set()
    assert left("sanctions", "other_id") == set()
    world.a.refused(422, "invalid", "POST", "/sessions", with_hold(world, kept))
    assert world.broken_invariants() == {}


# --- many at once ---


def test_two_hundred_at_once_hold_one_slot_once(world: World) -> None:
    body = {"service_id": world.session_type(), "starts_at": at("12-01 10:00")}
    caller = world.a
    answers = at_once([lambda: caller("POST", "/holds", body)] * 200)
    assert outcome(answers) == {(201, None): 1, (409, "slot_taken"): 199}
    assert world.broken_invariants() == {}


def test_two_hundred_at_once_with_one_hold_book_it_once(world: World) -> None:
    body = with_hold(world, hold(world, at("12-01 10:00")))
    caller = world.a
    answers = at_once([lambda: caller("POST", "/sessions", body)] * 200)
    assert outcome(answers) == {(201, None): 1, (409, "hold_invalid"): 199}
    assert world.broken_invariants() == {}


def test_holding_booking_and_giving_back_at_once_never_let_two_in(world: World) -> None:
    held = hold(world, at("12-01 10:00"))
    body, plain = with_hold(world, held), booking(world, at("12-01 10:00"))
    again = {"service_id": held["service_id"], "starts_at": at("12-01 10:30")}
    caller = world.a
    calls: list[Callable[[], TestResponse]] = []
    for _ in range(10):
        calls += [
            lambda: caller("POST", "/sessions", body),
            lambda: caller("POST", "/sessions", plain),
            lambda: caller("POST", "/holds", again),
            lambda: caller("DELETE", f"/holds/{held['id']}"),
        ]
    answers = at_once(calls)
    assert {answer.status_code for answer in answers} <= {201, 204, 404, 409}
    won = [answer for answer in answers if answer.status_code == 201]
    # Once for the slot, whoever of them it was.
    assert len(won) <= 1
    assert world.broken_invariants() == {}


def test_a_hold_that_ends_while_it_is_booked_has_one_winner(world: World) -> None:
    """Its holder and somebody without one, at the very moment at which it ends: one of the two has the slot."""
    type_, client = world.session_type(duration_minutes=30), world.new_client()
    caller = world.a
    for n in range(8):
        begin = at(f"12-01 {9 + n // 2:02}:{n % 2 * 30:02}")
        held = hold(world, begin, service_id=type_, ttl_seconds=600)
        body = {"service_id": type_, "client_id": client, "starts_at": begin}

        def end() -> TestResponse:
            world.clock.advance(seconds=600)
            return caller("GET", "/account")

        answers = at_once(
            [
                *[lambda body=body, held=held: caller("POST", "/sessions", body | {"hold_id": held["id"]})] * 5,
                end,
                *[lambda body=body: caller("POST", "/sessions", body)] * 5,
            ]
        )
        assert {answer.status_code for answer in answers} <= {200, 201, 409}
        assert sum(answer.status_code == 201 for answer in answers) == 1
        assert world.broken_invariants() == {}


def test_a_booking_in_time_that_waited_for_somebody_who_came_after_the_end_loses(world: World) -> None:
    """Its holder's clock said that there was time, when another writer had seen the hold end and taken the slot."""
    held = hold(world, at("12-01 10:00"))
    body = with_hold(world, held)
    world.clock.set(NOW + timedelta(minutes=10))
    world.a.post("/sessions", booking(world, at("12-01 10:00")))
    world.clock.set(NOW + timedelta(minutes=9))
    world.a.refused(409, "hold_invalid", "POST", "/sessions", body)
    world.clock.set(NOW + timedelta(minutes=10))
    assert world.broken_invariants() == {}
