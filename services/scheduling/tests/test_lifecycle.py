"""A session's life: what may follow what, what each change tells, and who may see what of it."""

from __future__ import annotations

from typing import Any

import pytest
from services.scheduling.tests.driver import ALL_SCOPES, World, at
from services.scheduling.tests.test_booking import booking

WITHOUT_NOTES = "sessions:read sessions:write"


def book(world: World, starts_at: str = "12-01 10:00", **fields: Any) -> dict[str, Any]:
    session: dict[str, Any] = world.a.post("/sessions", booking(world, at(starts_at), **fields))
    return session


def history(world: World, session: dict[str, Any]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = world.a.get(f"/sessions/{session['id']}/history")["data"]
    return entries


def told(world: World, session: dict[str, Any]) -> list[tuple[str, int]]:
    return [(type_, sequence) for type_, sequence, _ in world.events(session["id"])]


def test_pending_is_confirmed_and_takes_place(world: World) -> None:
    session = book(world, status="pending")
    path = f"/sessions/{session['id']}"
    world.a.refused(409, "invalid_transition", "POST", f"{path}/complete")
    assert world.a.post(f"{path}/confirm")["status"] == "confirmed"
    world.a.refused(409, "invalid_transition", "POST", f"{path}/confirm")
    world.a.refused(409, "invalid_transition", "POST", f"{path}/no-show")
    world.clock.advance(days=1, hours=1)
    assert world.a.post(f"{path}/complete")["status"] == "completed"
    assert world.a.post(f"{path}/no-show")["status"] == "no_show"
    assert world.a.post(f"{path}/complete")["version"] == 5
    world.a.refused(409, "invalid_transition", "POST", f"{path}/cancel")
    world.a.refused(409, "invalid_transition", "POST", f"{path}/reschedule", {"starts_at": at("12-03 10:00")})
    assert told(world, session) == [
        ("session.created", 1),
        ("session.confirmed", 2),
        ("session.completed", 3),
        ("session.no_show", 4),
        ("session.completed", 5),
    ]
    assert [entry["action"] for entry in history(world, session)] == [
        "created",
        "confirmed",
        "completed",
        "no_show",
        "completed",
    ]
    assert world.broken_invariants() == {}


def test_a_body_where_none_belongs_is_refused(light_world: World) -> None:
    session = book(light_world, status="pending")
    light_world.a.refused(422, "invalid", "POST", f"/sessions/{session['id']}/confirm", {"status": "completed"})
    assert light_world.a("POST", f"/sessions/{session['id']}/confirm").status_code == 200


@pytest.mark.parametrize("status", ["pending", "confirmed"])
def test_cancelling_frees_the_slot_and_a_restore_brings_back_the_status_before(world: World, status: str) -> None:
    session = book(world, status=status)
    path = f"/sessions/{session['id']}"
    cancelled = world.a.post(f"{path}/cancel", {"reason": "ill"})
    assert cancelled["status"] == "cancelled"
    assert cancelled["cancellation"] | {"id": "", "at": ""} == {
        "id": "",
        "at": "",
        "reason": "ill",
        "by": "provider",
        "refund": None,
    }
    world.a.refused(409, "invalid_transition", "POST", f"{path}/cancel")
    other = book(world)
    problem = world.a.refused(409, "slot_taken", "POST", f"{path}/restore")
    assert [conflict["id"] for conflict in problem["conflicts"]] == [other["id"]]
    assert problem["alternatives"]
    world.a.post(f"/sessions/{other['id']}/cancel")
    restored = world.a.post(f"{path}/restore")
    assert (restored["status"], restored["cancellation"]) == (status, None)
    world.a.refused(409, "invalid_transition", "POST", f"{path}/restore")
    assert told(world, session) == [("session.created", 1), ("session.cancelled", 2), ("session.restored", 3)]
    assert world.broken_invariants() == {}


def test_every_event_tells_all_cancellations(light_world: World) -> None:
    session = book(light_world)
    path = f"/sessions/{session['id']}"
    light_world.a.post(f"{path}/cancel", {"reason": "one", "refund": "skip"})
    light_world.clock.advance(minutes=1)
    light_world.a.post(f"{path}/restore")
    light_world.a.post(f"{path}/reschedule", {"starts_at": at("12-02 10:00")})
    light_world.a.post(f"{path}/cancel", {"reason": "two"})
    cancellations = light_world.events(session["id"])[-1][2]["cancellations"]
    assert [
        (c["reason"], c["by"], c["refund"], c["starts_at"], c["restored_at"] is not None) for c in cancellations
    ] == [
        ("one", "provider", "skip", "2026-12-01T09:00:00Z", True),
        ("two", "provider", None, "2026-12-02T09:00:00Z", False),
    ]


def test_a_reschedule_keeps_the_id_and_tells_what_moved(world: World) -> None:
    session = book(world)
    path = f"/sessions/{session['id']}"
    moved = world.a.post(f"{path}/reschedule", {"starts_at": at("12-01 10:30"), "duration_minutes": 90})
    assert (moved["id"], moved["starts_at"], moved["ends_at"]) == (
        session["id"],
        "2026-12-01T09:30:00Z",
        "2026-12-01T11:00:00Z",
    )
    assert history(world, session)[-1] | {"at": ""} == {
        "at": "",
        "actor": "usr_1",
        "action": "rescheduled",
        "changes": {"starts_at": ["2026-12-01T09:00:00Z", "2026-12-01T09:30:00Z"], "duration_minutes": [60, 90]},
        "reason": None,
    }
    assert told(world, session)[-1] == ("session.rescheduled", 2)
    book(world, "12-01 09:00")
    world.a.refused(409, "slot_taken", "PATCH", path, {"starts_at": at("12-01 09:30")})
    world.a.refused(409, "outside_working_hours", "PATCH", path, {"starts_at": at("12-01 16:30")})
    assert world.a.get(path) == moved
    assert world.broken_invariants() == {}


def test_moving_to_where_it_is_changes_nothing(light_world: World) -> None:
    session = book(light_world)
    answer = light_world.a.post(f"/sessions/{session['id']}/reschedule", {"starts_at": session["starts_at"]})
    assert answer == session
    assert told(light_world, session) == [("session.created", 1)]


def test_a_session_moves_to_another_calendar(world: World) -> None:
    session = book(world)
    other = world.a.post("/calendars", {"name": "Room 2"})["id"]
    there = book(world, calendar_id=other)
    path = f"/sessions/{session['id']}"
    world.a.refused(409, "slot_taken", "PATCH", path, {"calendar_id": other})
    world.a.post(f"/sessions/{there['id']}/cancel")
    assert world.a.patch(path, {"calendar_id": other})["calendar_id"] == other
    book(world)
    assert world.broken_invariants() == {}


def test_notes_and_price_change_at_any_time(light_world: World) -> None:
    session = book(light_world)
    path = f"/sessions/{session['id']}"
    light_world.a.post(f"{path}/cancel")
    changed = light_world.a.patch(path, {"notes": "Sorry", "price": {"amount": 100}})
    assert (changed["notes"], changed["price"]) == ("Sorry", {"amount": 100, "currency": "EUR"})
    assert light_world.a.patch(path, {"notes": None, "price": None})["notes"] == ""
    assert told(light_world, session)[-1] == ("session.updated", 4)
    light_world.a.refused(409, "invalid_transition", "PATCH", path, {"duration_minutes": 30})


def test_another_type_keeps_duration_and_price_and_brings_its_buffers(world: World) -> None:
    session = book(world)
    other = world.session_type(name="Long", duration_minutes=90, price=None, buffer_after_minutes=30)
    changed = world.a.patch(f"/sessions/{session['id']}", {"service_id": other})
    assert (changed["service"]["name"], changed["duration_minutes"], changed["price"]["amount"]) == ("Long", 60, 8000)
    world.a.refused(409, "slot_taken", "POST", "/sessions", booking(world, at("12-01 11:00")))
    book(world, "12-01 11:30")
    assert world.broken_invariants() == {}


def test_a_larger_buffer_that_meets_the_neighbour_is_a_conflict(light_world: World) -> None:
    session = book(light_world)
    book(light_world, "12-01 11:00")
    other = light_world.session_type(buffer_after_minutes=30)
    light_world.a.refused(409, "slot_taken", "PATCH", f"/sessions/{session['id']}", {"service_id": other})


def test_a_stale_if_match_acts_on_nothing(light_world: World) -> None:
    session = book(light_world)
    path = f"/sessions/{session['id']}"
    light_world.a.patch(path, {"notes": "x"}, If_Match='"1"')
    for method, action, body in [
        ("PATCH", "", {"notes": "y"}),
        ("POST", "/cancel", {}),
        ("POST", "/reschedule", {"starts_at": at("12-02 10:00")}),
        ("POST", "/duplicate", {"starts_at": at("12-02 10:00")}),
        ("POST", "/confirm", None),
    ]:
        light_world.a.refused(412, "stale", method, path + action, body, If_Match='"1"')
    answer = light_world.a("GET", path)
    assert (answer.headers["ETag"], answer.get_json()["version"]) == ('"2"', 2)


def test_an_overlap_on_purpose_survives_a_restore_and_ends_with_a_move(world: World) -> None:
    first = book(world)
    second = book(world, allow_overlap=True, override_reason="a couple")
    for session in (first, second):
        world.a.post(f"/sessions/{session['id']}/cancel")
        world.a.post(f"/sessions/{session['id']}/restore")
    assert world.broken_invariants() == {}
    path = f"/sessions/{second['id']}"
    world.a.post(f"{path}/reschedule", {"starts_at": at("12-02 10:00")})
    world.a.refused(409, "slot_taken", "POST", f"{path}/reschedule", {"starts_at": at("12-01 10:00")})
    over = {"starts_at": at("12-01 10:00"), "allow_overlap": True, "override_reason": "again"}
    world.a.post(f"{path}/reschedule", over)
    assert history(world, second)[-1]["changes"]["overlaps"] == [[], [first["id"]]]
    assert history(world, second)[-1]["reason"] == "again"
    assert world.broken_invariants() == {}


def test_a_restore_over_a_conflict_on_purpose_is_recorded(world: World) -> None:
    first = book(world)
    world.a.post(f"/sessions/{first['id']}/cancel")
    second = book(world)
    world.a.post(f"/sessions/{first['id']}/restore", {"allow_overlap": True, "override_reason": "both came"})
    entry = history(world, first)[-1]
    assert (entry["changes"]["overlaps"], entry["reason"]) == ([[], [second["id"]]], "both came")
    assert world.broken_invariants() == {}


def test_one_outside_the_hours_on_purpose_is_restored_without_asking_again(light_world: World) -> None:
    session = book(light_world, "12-05 10:00", allow_outside_hours=True, override_reason="she travels")
    light_world.a.post(f"/sessions/{session['id']}/cancel")
    assert light_world.a.post(f"/sessions/{session['id']}/restore")["status"] == "confirmed"
    light_world.a.refused(
        409, "outside_working_hours", "POST", f"/sessions/{session['id']}/reschedule", {"starts_at": at("12-06 10:00")}
    )


def test_a_duplicate_copies_all_but_private_notes_status_and_cancellation(light_world: World) -> None:
    original = book(light_world, status="pending", notes="Bring papers", session_notes="shy", duration_minutes=45)
    copy = light_world.a.post(f"/sessions/{original['id']}/duplicate", {"starts_at": at("12-08 10:00")})
    same = ("client_id", "service_id", "calendar_id", "duration_minutes", "notes", "price")
    assert {name: copy[name] for name in same} == {name: original[name] for name in same}
    assert (copy["session_notes"], copy["status"], copy["version"]) == ("", "confirmed", 1)
    assert history(light_world, copy)[0]["changes"] == {"copied_from": [None, original["id"]]}
    other = light_world.a.post(
        f"/sessions/{original['id']}/duplicate",
        {"starts_at": at("12-09 10:00"), "notes": "", "client": {"name": "New"}},
    )
    assert (other["notes"], other["client"]["name"]) == ("", "New")
    another = light_world.session_type(duration_minutes=30, price=None)
    changed = light_world.a.post(
        f"/sessions/{original['id']}/duplicate", {"starts_at": at("12-10 10:00"), "service_id": another}
    )
    assert (changed["duration_minutes"], changed["price"]) == (45, original["price"])
    light_world.a.refused(
        409, "slot_taken", "POST", f"/sessions/{original['id']}/duplicate", {"starts_at": original["starts_at"]}
    )


def test_private_notes_are_for_their_scope_alone(light_world: World) -> None:
    session = book(light_world, session_notes="a deep secret")
    path = f"/sessions/{session['id']}"
    plain = light_world.caller("acc_a", WITHOUT_NOTES)
    assert plain.get(path)["session_notes"] is None
    assert plain.get("/sessions")["data"][0]["session_notes"] is None
    assert plain.patch(path, {"notes": "hello"})["session_notes"] is None
    assert light_world.a.get(path)["session_notes"] == "a deep secret"
    plain.refused(403, "forbidden", "PATCH", path, {"session_notes": "x"})
    plain.refused(403, "forbidden", "POST", "/sessions", booking(light_world, at("12-02 10:00"), session_notes="x"))
    plain.refused(403, "forbidden", "POST", f"{path}/duplicate", {"starts_at": at("12-02 10:00"), "session_notes": "x"})


def test_private_notes_are_nowhere_but_in_the_session(light_world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    session = book(light_world, session_notes="a deep secret")
    path = f"/sessions/{session['id']}"
    light_world.a.patch(path, {"session_notes": "a deeper secret"})
    light_world.a.post(f"{path}/cancel")
    light_world.a.post(f"{path}/duplicate", {"starts_at": at("12-08 10:00")})
    entries = history(light_world, session)
    assert entries[1]["changes"] == {"session_notes": ["(private)", "(private)"]}
    with light_world.service.store.reading():
        for table in ("outbox", "session_history"):
            rows = light_world.service.store.execute(f"SELECT * FROM {table}")
            assert rows
            assert "secret" not in str(rows)
    assert [s for s in light_world.service.snapshots("notifications") if "secret" in str(s)] == []
    assert "secret" not in "".join(record.getMessage() for record in caplog.records if "peewee" not in record.name)


@pytest.mark.parametrize("scope", ["sessions:read", "sessions:write", "clients:write", "ops"])
def test_each_route_asks_for_its_scope(light_world: World, scope: str) -> None:
    session = book(light_world)
    caller = light_world.caller("acc_a", scope)
    reads = [
        "/account",
        "/services",
        "/calendars",
        "/sessions",
        f"/sessions/{session['id']}",
        f"/sessions/{session['id']}/history",
    ]
    writes = [("PATCH", "/account"), ("POST", "/services"), ("POST", "/calendars"), ("POST", "/sessions")]
    writes += [
        ("POST", f"/sessions/{session['id']}/{action}")
        for action in ("confirm", "cancel", "restore", "reschedule", "duplicate")
    ]
    for path in reads:
        assert (caller("GET", path).status_code == 403) is (scope != "sessions:read")
    for method, path in writes:
        assert (caller(method, path, {"surprise": 1}).status_code == 403) is (scope != "sessions:write")


def test_another_accounts_ids_are_not_there(world: World) -> None:
    session = book(world)
    type_, calendar, client = session["service_id"], session["calendar_id"], session["client_id"]
    paths = [
        ("GET", f"/sessions/{session['id']}"),
        ("GET", f"/sessions/{session['id']}/history"),
        ("PATCH", f"/sessions/{session['id']}"),
    ]
    paths += [
        ("POST", f"/sessions/{session['id']}/{action}")
        for action in ("confirm", "complete", "no-show", "cancel", "restore")
    ]
    paths += [(method, f"/services/{type_}") for method in ("GET", "PATCH", "DELETE")]
    paths += [(method, f"/calendars/{calendar}") for method in ("GET", "PATCH", "DELETE")]
    for method, path in paths:
        world.b.refused(404, "not_found", method, path, {} if method in {"PATCH", "POST"} else None)
    move = {"starts_at": at("12-02 10:00")}
    world.b.refused(404, "not_found", "POST", f"/sessions/{session['id']}/reschedule", move)
    world.b.refused(404, "not_found", "POST", f"/sessions/{session['id']}/duplicate", move)
    for query in ("", f"?client_id={client}", f"?service_id={type_}", f"?calendar_id={calendar}", "?q=Anna"):
        assert world.b.get(f"/sessions{query}")["data"] == []
    own = {
        "service_id": world.b.post("/services", {"name": "Talk", "duration_minutes": 60})["id"],
        "client_id": world.new_client("acc_b"),
        "starts_at": at("12-02 10:00"),
    }
    for field, value in (("service_id", type_), ("calendar_id", calendar), ("client_id", client)):
        problem = world.b.refused(422, "invalid", "POST", "/sessions", own | {field: value})
        assert problem["errors"][0]["pointer"] == f"/{field}"
    mine = world.b.post("/sessions", own)
    for field, value in (("service_id", type_), ("calendar_id", calendar)):
        world.b.refused(422, "invalid", "PATCH", f"/sessions/{mine['id']}", {field: value})
    world.b.refused(422, "invalid", "PATCH", f"/services/{own['service_id']}", {"calendar_ids": [calendar]})
    assert world.a.get(f"/sessions/{session['id']}") == session


def test_without_a_token_nothing_opens(light_world: World) -> None:
    for path in ("/account", "/sessions", "/services", "/calendars"):
        answer = light_world.http.get(f"/v1{path}")
        assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated")
    assert light_world.caller("acc_a", ALL_SCOPES).get("/account")["id"] == "acc_a"
