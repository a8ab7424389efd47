"""Events: blocked time that nobody is booked into, over which nothing is booked unless somebody says so."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from services.scheduling.tests.driver import World, at
from services.scheduling.tests.test_booking import booking

from scheduling.domain.spans import micros
from scheduling.store.claims import Claim, Owner, take


def blocking(starts_at: str = "12-01 10:00", ends_at: str = "12-01 12:00", **fields: Any) -> dict[str, Any]:
    return {"title": "Dentist", "starts_at": at(starts_at), "ends_at": at(ends_at)} | fields


def history(world: World, event: dict[str, Any]) -> list[tuple[str, dict[str, Any], str | None]]:
    rows = world.a.get(f"/events/{event['id']}/history")["data"]
    return [(row["action"], row["changes"], row["reason"]) for row in rows]


def test_an_event_shows_every_field_and_tells_nobody(world: World) -> None:
    event = world.a.post("/events", blocking(notes="tooth"))
    assert event == {
        "id": event["id"],
        "account_id": "acc_a",
        "title": "Dentist",
        "starts_at": "2026-12-01T09:00:00Z",
        "ends_at": "2026-12-01T11:00:00Z",
        "all_day": False,
        "calendar_id": world.a.get("/calendars")["data"][0]["id"],
        "notes": "tooth",
        "series_id": None,
        "version": 1,
        "created_at": "2026-11-30T08:00:00Z",
        "updated_at": "2026-11-30T08:00:00Z",
    }
    assert event["id"].startswith("evt_")
    assert world.a.get(f"/events/{event['id']}") == event
    assert world.a("GET", f"/events/{event['id']}").headers["ETag"] == '"1"'
    assert world.events(prefix="event") == []
    assert history(world, event) == [("created", {}, None)]
    assert world.broken_invariants() == {}


def test_a_session_over_an_event_is_a_conflict_of_the_kind_event(world: World) -> None:
    event = world.a.post("/events", blocking())
    problem = world.a.refused(409, "slot_taken", "POST", "/sessions", booking(world, at("12-01 11:00")))
    assert problem["conflicts"] == [
        {"kind": "event", "id": event["id"], "starts_at": event["starts_at"], "ends_at": event["ends_at"]}
    ]
    assert all(
        not ("2026-12-01T08:00:00Z" < slot["starts_at"] < "2026-12-01T11:00:00Z") for slot in problem["alternatives"]
    )
    world.a.post("/sessions", booking(world, at("12-01 12:00")))
    world.a.post("/sessions", booking(world, at("12-01 09:00")))
    assert world.broken_invariants() == {}


def test_events_overlap_events_and_buffers_run_into_them(world: World) -> None:
    buffered = world.session_type(buffer_before_minutes=30, buffer_after_minutes=30)
    world.a.post("/sessions", booking(world, at("12-01 10:00"), service_id=buffered))
    world.a.post("/events", blocking("12-01 11:00", "12-01 12:00"))
    world.a.post("/events", blocking("12-01 11:30", "12-01 20:00"))
    world.a.post("/events", blocking("12-01 02:00", "12-01 10:00"))
    assert world.broken_invariants() == {}


def test_an_event_over_a_live_session_needs_a_flag_and_a_reason(world: World) -> None:
    session = world.a.post("/sessions", booking(world, at("12-01 10:00")))
    problem = world.a.refused(409, "slot_taken", "POST", "/events", blocking())
    assert [(each["kind"], each["id"]) for each in problem["conflicts"]] == [("session", session["id"])]
    assert problem["alternatives"]
    refused = world.a.refused(422, "invalid", "POST", "/events", blocking(allow_overlap=True))
    assert refused["errors"][0]["pointer"] == "/override_reason"
    event = world.a.post("/events", blocking(allow_overlap=True, override_reason="I do both"))
    assert history(world, event) == [("created", {"overlaps": [[], [session["id"]]]}, "I do both")]
    assert world.broken_invariants() == {}


def test_what_is_sanctioned_is_that_pair_alone(world: World) -> None:
    session = world.a.post("/sessions", booking(world, at("12-01 10:00")))
    event = world.a.post("/events", blocking(allow_overlap=True, override_reason="I do both"))
    # A third has to ask for both, and the session itself may come back to where it was.
    problem = world.a.refused(409, "slot_taken", "POST", "/sessions", booking(world, at("12-01 10:30")))
    assert {each["kind"] for each in problem["conflicts"]} == {"session", "event"}
    world.a.refused(409, "slot_taken", "POST", "/sessions", booking(world, at("12-01 11:00")))
    world.a.refused(409, "slot_taken", "POST", "/events", blocking())
    path = f"/sessions/{session['id']}"
    world.a.post(f"{path}/cancel")
    assert world.a.post(f"{path}/restore")["status"] == "confirmed"
    # Whoever moves loses what was allowed for the old time.
    world.a.patch(f"/events/{event['id']}", {"starts_at": at("12-01 09:00"), "ends_at": at("12-01 10:00")})
    world.a.refused(409, "slot_taken", "PATCH", f"/events/{event['id']}", {"ends_at": at("12-01 10:30")})
    assert world.broken_invariants() == {}


def test_a_cancelled_session_is_in_no_events_way_and_does_not_come_back_over_it(world: World) -> None:
    session = world.a.post("/sessions", booking(world, at("12-01 10:00")))
    world.a.post(f"/sessions/{session['id']}/cancel")
    event = world.a.post("/events", blocking())
    problem = world.a.refused(409, "slot_taken", "POST", f"/sessions/{session['id']}/restore")
    assert [each["id"] for each in problem["conflicts"]] == [event["id"]]


def test_a_hold_is_in_an_events_way_until_it_ends(world: World) -> None:
    calendar = world.a.get("/calendars")["data"][0]["id"]
    start, end = (datetime.fromisoformat(at(time)) for time in ("12-01 10:00", "12-01 11:00"))
    span = (micros(start), micros(end))
    with world.service.store.transaction():
        take(
            world.service.store,
            Claim(
                account_id="acc_a",
                owner_id="hld_1",
                owner_type=Owner.HOLD,
                calendar_id=calendar,
                core=span,
                padded=span,
                expires_at=datetime.fromisoformat("2026-11-30T08:10:00Z"),
            ),
            ended=(),
        )
    problem = world.a.refused(409, "slot_taken", "POST", "/events", blocking())
    assert [each["kind"] for each in problem["conflicts"]] == ["hold"]
    world.clock.advance(minutes=10)
    world.a.post("/events", blocking())


@pytest.mark.parametrize(
    ("timezone", "starts_at", "ends_at", "expected"),
    [
        # The day on which the clocks go forward has 23 hours, the one on which they go back 25.
        ("Europe/Berlin", "2027-03-28T00:00:00+01:00", "2027-03-29T00:00:00+02:00", ("2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z")),
        ("Europe/Berlin", "2027-10-31T00:00:00+02:00", "2027-11-01T00:00:00+01:00", ("2027-10-30T22:00:00Z", "2027-10-31T23:00:00Z")),
        # Whatever local days it touches, its end excluded.
        ("Europe/Berlin", "2027-01-10T15:00:00+01:00", "2027-01-12T00:00:00+01:00", ("2027-01-09T23:00:00Z", "2027-01-11T23:00:00Z")),
        ("Europe/Berlin", "2027-01-10T15:00:00+01:00", "2027-01-12T00:01:00+01:00", ("2027-01-09T23:00:00Z", "2027-01-12T23:00:00Z")),
        ("Europe/Berlin", "2027-01-10T15:00:00+01:00", None, ("2027-01-09T23:00:00Z", "2027-01-10T23:00:00Z")),
        ("America/New_York", "2027-01-10T23:30:00-05:00", "2027-01-10T23:45:00-05:00", ("2027-01-10T05:00:00Z", "2027-01-11T05:00:00Z")),
        ("Australia/Lord_Howe", "2026-10-04T12:00:00+11:00", None, ("2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z")),
        # Midnight itself is skipped: the day begins at one o'clock, and is 23 hours long.
        ("America/Sao_Paulo", "2018-11-04T12:00:00-02:00", None, ("2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z")),
        # From the 29th to the 31st, of which the 30th did not exist.
        ("Pacific/Apia", "2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00", ("2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z")),
        ("Pacific/Apia", "2011-12-31T12:00:00+14:00", None, ("2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z")),
    ],
)  # fmt: skip
def test_whole_days_go_from_local_midnight_to_local_midnight(
    light_world: World, timezone: str, starts_at: str, ends_at: str | None, expected: tuple[str, str]
) -> None:
    light_world.provision("acc_a", username="anna", timezone=timezone, country="DE")
    body = {"title": "Off", "starts_at": starts_at, "all_day": True} | ({"ends_at": ends_at} if ends_at else {})
    event = light_world.a.post("/events", body)
    assert (event["starts_at"], event["ends_at"], event["all_day"]) == (*expected, True)
    zone = ZoneInfo(timezone)
    for end in expected[:1]:
        assert datetime.fromisoformat(end).astimezone(zone).hour in {0, 1}


def test_an_event_of_whole_days_keeps_everybody_out(world: World) -> None:
    world.a.post("/events", {"title": "Off", "starts_at": at("12-01 00:00"), "all_day": True})
    world.a.refused(409, "slot_taken", "POST", "/sessions", booking(world, at("12-01 16:00")))
    world.a.post("/sessions", booking(world, at("12-02 09:00")))


def test_a_change_is_a_version_and_a_row_of_history(world: World) -> None:
    event = world.a.post("/events", blocking())
    path = f"/events/{event['id']}"
    assert world.a.patch(path, {"title": "Dentist"}) == event
    changed = world.a.patch(path, {"title": "Doctor", "notes": "knee", "ends_at": at("12-01 13:00")}, If_Match='"1"')
    assert (changed["version"], changed["title"], changed["ends_at"]) == (2, "Doctor", "2026-12-01T12:00:00Z")
    world.a.refused(412, "stale", "PATCH", path, {"title": "X"}, If_Match='"1"')
    world.a.refused(412, "stale", "DELETE", path, None, If_Match='"1"')
    assert history(world, event)[-1] == (
        "updated",
        {
            "title": ["Dentist", "Doctor"],
            "notes": ["", "knee"],
            "ends_at": ["2026-12-01T11:00:00Z", "2026-12-01T12:00:00Z"],
        },
        None,
    )
    whole = world.a.patch(path, {"all_day": True})
    assert (whole["starts_at"], whole["ends_at"]) == ("2026-11-30T23:00:00Z", "2026-12-01T23:00:00Z")
    assert world.a.patch(path, {"notes": None})["notes"] == ""
    assert world.broken_invariants() == {}


def test_an_event_moves_to_another_calendar(world: World) -> None:
    other = world.a.post("/calendars", {"name": "Room 2"})["id"]
    world.a.post("/sessions", booking(world, at("12-01 10:00"), calendar_id=other))
    event = world.a.post("/events", blocking())
    world.a.refused(409, "slot_taken", "PATCH", f"/events/{event['id']}", {"calendar_id": other})
    moved = world.a.patch(
        f"/events/{event['id']}", {"calendar_id": other, "allow_overlap": True, "override_reason": "both"}
    )
    assert moved["calendar_id"] == other
    world.a.post("/sessions", booking(world, at("12-01 10:00")))
    assert world.broken_invariants() == {}


def test_a_removed_event_frees_its_time_and_is_gone(world: World) -> None:
    event = world.a.post("/events", blocking())
    assert world.a("DELETE", f"/events/{event['id']}").status_code == 204
    world.a.refused(404, "not_found", "GET", f"/events/{event['id']}")
    world.a.refused(404, "not_found", "DELETE", f"/events/{event['id']}")
    world.a.refused(404, "not_found", "PATCH", f"/events/{event['id']}", {"title": "X"})
    assert world.a.get("/events")["data"] == []
    world.a.post("/sessions", booking(world, at("12-01 10:00")))
    assert world.broken_invariants() == {}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"title": None}, "/title"),
        ({"title": "  "}, "/title"),
        ({"starts_at": "2026-12-01T10:00:00"}, "/starts_at"),
        ({"ends_at": at("12-01 10:00")}, "/ends_at"),
        ({"ends_at": at("12-01 09:00")}, "/ends_at"),
        ({"calendar_id": "cal_none"}, "/calendar_id"),
        ({"all_day": "yes"}, "/all_day"),
        ({"colour": "red"}, "/colour"),
        ({"on_conflict": "skip"}, "/on_conflict"),
        ({"rrule": "FREQ=HOURLY"}, "/rrule"),
    ],
)
def test_what_is_no_event_is_refused_by_its_pointer(light_world: World, body: dict[str, Any], pointer: str) -> None:
    problem = light_world.a.refused(422, "invalid", "POST", "/events", blocking() | body)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_an_event_without_an_end_is_refused_unless_it_is_of_whole_days(light_world: World) -> None:
    body = {"title": "Off", "starts_at": at("12-01 10:00")}
    problem = light_world.a.refused(422, "invalid", "POST", "/events", body)
    assert problem["errors"][0]["pointer"] == "/ends_at"
    problem = light_world.a.refused(
        422, "invalid", "POST", "/events", body | {"ends_at": body["starts_at"], "all_day": True}
    )
    assert problem["errors"][0]["pointer"] == "/ends_at"


def test_another_accounts_event_is_not_there(light_world: World) -> None:
    event = light_world.a.post("/events", blocking())
    for method, body in (("GET", None), ("PATCH", {"title": "X"}), ("DELETE", None)):
        light_world.b.refused(404, "not_found", method, f"/events/{event['id']}", body)
    light_world.b.refused(404, "not_found", "GET", f"/events/{event['id']}/history")
    theirs = light_world.a.get("/calendars")["data"][0]["id"]
    problem = light_world.b.refused(422, "invalid", "POST", "/events", blocking(calendar_id=theirs))
    assert problem["errors"][0]["pointer"] == "/calendar_id"
    assert light_world.b.get("/events")["data"] == []


def test_the_free_plan_has_events_and_they_count_for_nothing(light_world: World) -> None:
    for _ in range(20):
        light_world.b.post("/events", blocking())
    assert len(light_world.b.get("/events?limit=200")["data"]) == 20


def test_scopes(light_world: World) -> None:
    reader = light_world.caller("acc_a", "sessions:read")
    reader.refused(403, "forbidden", "POST", "/events", blocking())
    assert reader.get("/events")["data"] == []


def test_a_key_makes_one_event(world: World) -> None:
    first = world.a("POST", "/events", blocking(), Idempotency_Key="k")
    again = world.a("POST", "/events", blocking(), Idempotency_Key="k")
    assert (first.get_json(), again.headers["Idempotent-Replayed"]) == (again.get_json(), "true")
    assert len(world.a.get("/events")["data"]) == 1


def test_the_list_is_of_what_takes_time_then_and_goes_page_by_page(world: World) -> None:
    room = world.a.post("/calendars", {"name": "Room 2"})["id"]
    night = world.a.post("/events", blocking("11-30 22:00", "12-01 06:00"))
    noon = world.a.post("/events", blocking("12-01 12:00", "12-01 13:00", calendar_id=room))
    later = world.a.post("/events", blocking("12-02 12:00", "12-02 13:00"))

    def found(query: str) -> list[str]:
        return [event["id"] for event in world.a.get(f"/events?{query}")["data"]]

    day = "from=2026-11-30T23:00:00Z&to=2026-12-01T23:00:00Z"
    assert found(day) == [night["id"], noon["id"]]
    assert found(f"{day}&calendar_id={room}") == [noon["id"]]
    assert found("from=2026-12-01T12:00:00Z") == [later["id"]]  # what ends then is over
    assert found("to=2026-12-01T11:00:00Z") == [night["id"]]
    world.clock.advance(minutes=1)
    world.a.patch(f"/events/{noon['id']}", {"title": "Lunch"})
    assert found("updated_since=2026-11-30T08:01:00Z") == [noon["id"]]
    page = world.a.get("/events?limit=2")
    assert [event["id"] for event in page["data"]] == [night["id"], noon["id"]]
    rest = world.a.get(f"/events?limit=2&cursor={page['next_cursor']}")
    assert ([event["id"] for event in rest["data"]], rest["next_cursor"]) == ([later["id"]], None)
    world.a.refused(422, "invalid", "GET", "/events?cursor=mine")
    world.a.refused(422, "invalid", "GET", "/events?status=confirmed")
