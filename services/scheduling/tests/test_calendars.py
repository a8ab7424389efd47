"""Calendars: their hours, which one is the default, and how many the plan includes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from services.scheduling.tests.driver import World, at


def test_a_calendar_is_made_with_its_hours(light_world: World) -> None:
    body = {
        "name": "Room 2",
        "color": "teal",
        "working_hours": [{"weekday": "sat", "start": "10:00", "end": "24:00"}],
        "overrides": [{"date": "2026-12-26", "hours": []}],
    }
    made = light_world.a.post("/calendars", body)
    assert {name: made[name] for name in body} == body
    assert (made["is_default"], made["version"]) == (False, 1)


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("working_hours", [{"weekday": "monday", "start": "09:00", "end": "10:00"}], "/working_hours/0/weekday"),
        ("working_hours", [{"weekday": "mon", "start": "9:00", "end": "10:00"}], "/working_hours/0/start"),
        ("working_hours", [{"weekday": "mon", "start": "24:00", "end": "24:00"}], "/working_hours/0/start"),
        ("working_hours", [{"weekday": "mon", "start": "22:00", "end": "02:00"}], "/working_hours/0/end"),
        ("working_hours", [{"weekday": "mon", "start": "09:00"}], "/working_hours/0/end"),
        ("overrides", [{"date": "2026-02-30", "hours": []}], "/overrides/0/date"),
        ("overrides", [{"date": "2026-W01-1", "hours": []}], "/overrides/0/date"),
        (
            "overrides",
            [{"date": "2026-12-24", "hours": [{"start": "12:00", "end": "11:00"}]}],
            "/overrides/0/hours/0/end",
        ),
        ("name", "", "/name"),
        ("feed_url", "x", "/feed_url"),
    ],
)
def test_hours_that_cannot_be_are_refused_with_their_pointer(
    light_world: World, field: str, value: Any, pointer: str
) -> None:
    for method, path, body in (
        ("POST", "/calendars", {"name": "Room", field: value}),
        ("PATCH", f"/calendars/{_default(light_world)}", {field: value}),
    ):
        problem = light_world.a.refused(422, "invalid", method, path, body)
        assert problem["errors"][0]["pointer"] == pointer


def test_making_another_the_default_takes_that_from_the_first(world: World) -> None:
    first = _default(world)
    other = world.a.post("/calendars", {"name": "Room 2"})["id"]
    assert world.a.patch(f"/calendars/{other}", {"is_default": True})["is_default"] is True
    assert world.a.get(f"/calendars/{first}")["is_default"] is False
    world.a.refused(422, "invalid", "PATCH", f"/calendars/{other}", {"is_default": False})
    third = world.a.post("/calendars", {"name": "Room 3", "is_default": True})["id"]
    assert _default(world) == third
    assert world.broken_invariants() == {}


def test_the_default_calendar_is_not_retired(light_world: World) -> None:
    light_world.a.refused(409, "invalid_transition", "DELETE", f"/calendars/{_default(light_world)}")


def test_a_retired_calendar_keeps_its_sessions_and_takes_no_more(light_world: World) -> None:
    calendar = light_world.a.post("/calendars", {"name": "Room 2"})["id"]
    body = {"service_id": light_world.session_type(), "client_id": light_world.new_client(), "calendar_id": calendar}
    session = light_world.a.post("/sessions", body | {"starts_at": at("12-01 10:00")})
    assert light_world.a("DELETE", f"/calendars/{calendar}").status_code == 204
    light_world.a.refused(404, "not_found", "GET", f"/calendars/{calendar}")
    assert light_world.a.get(f"/sessions/{session['id']}")["calendar_id"] == calendar
    problem = light_world.a.refused(422, "invalid", "POST", "/sessions", body | {"starts_at": at("12-01 12:00")})
    assert problem["errors"][0]["pointer"] == "/calendar_id"
    assert light_world.a.post(f"/sessions/{session['id']}/cancel")["status"] == "cancelled"
    assert light_world.a.post(f"/sessions/{session['id']}/restore")["status"] == "confirmed"


def test_a_plan_includes_so_many_calendars_even_for_many_at_once(world: World) -> None:
    world.b.refused(409, "plan_limit_reached", "POST", "/calendars", {"name": "Second"})
    world.provision("acc_b", username="bert", plan="pro")
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(lambda n: world.b("POST", "/calendars", {"name": f"Room {n}"}).status_code, range(8)))
    assert codes == [201, 201, 409, 409, 409, 409, 409, 409]


def test_after_a_downgrade_the_calendars_stay(light_world: World) -> None:
    for n in range(3):
        light_world.a.post("/calendars", {"name": f"Room {n}"})
    light_world.provision("acc_a", username="anna", plan="free")
    assert len(light_world.a.get("/calendars")["data"]) == 4
    light_world.a.refused(409, "plan_limit_reached", "POST", "/calendars", {"name": "More"})


def test_if_match_is_honoured(light_world: World) -> None:
    calendar = _default(light_world)
    light_world.a.patch(f"/calendars/{calendar}", {"name": "One"}, If_Match='"1"')
    light_world.a.refused(412, "stale", "PATCH", f"/calendars/{calendar}", {"name": "Two"}, If_Match='"1"')


def _default(world: World) -> str:
    return next(str(row["id"]) for row in world.a.get("/calendars")["data"] if row["is_default"])
