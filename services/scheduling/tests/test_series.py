"""Series: made as a whole or not at all, with a report of every occurrence, in the account's wall time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from services.scheduling.tests.driver import World, at
from services.scheduling.tests.test_booking import booking
from services.scheduling.tests.test_deposits import QUARTER

BERLIN = ZoneInfo("Europe/Berlin")


def series_of(world: World, rrule: str, starts_at: str = "12-01 10:00", **fields: Any) -> dict[str, Any]:
    """The body of a series of sessions; `on_conflict` beside the template, all else in it."""
    beside = {"on_conflict": fields.pop("on_conflict")} if "on_conflict" in fields else {}
    return {"kind": "session", "template": booking(world, at(starts_at), **fields), "rrule": rrule} | beside


def make(world: World, rrule: str, starts_at: str = "12-01 10:00", **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = world.a.post("/series", series_of(world, rrule, starts_at, **fields))
    return made


def wall(moment: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(moment).astimezone(zone).replace(tzinfo=None)


def starts(series: Mapping[str, Any]) -> list[str]:
    return [f"{wall(each['starts_at']):%m-%d %H:%M}" for each in series["occurrences"]]


def results(series: Mapping[str, Any]) -> list[str]:
    return [each["result"] for each in series["occurrences"]]


def sessions(world: World, series: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        world.a.get(f"/sessions/{each['session_id']}") for each in series["occurrences"] if each["result"] == "created"
    ]


def test_a_series_reports_every_occurrence_and_makes_sessions_of_it(world: World) -> None:
    client, type_ = world.new_client(), world.session_type()
    series = make(world, "FREQ=WEEKLY;COUNT=3", client_id=client, service_id=type_, notes="Bring shoes")
    calendar = world.a.get("/calendars")["data"][0]["id"]
    assert {name: value for name, value in series.items() if name != "occurrences"} == {
        "id": series["id"],
        "account_id": "acc_a",
        "kind": "session",
        "template": {
            "service_id": type_,
            "client_id": client,
            "calendar_id": calendar,
            "starts_at": "2026-12-01T09:00:00Z",
            "duration_minutes": 60,
            "price": {"amount": 8000, "currency": "EUR"},
            "status": "confirmed",
            "notes": "Bring shoes",
            "session_notes": "",
            "allow_outside_hours": False,
            "override_reason": None,
        },
        "rrule": "FREQ=WEEKLY;COUNT=3",
        "timezone": "Europe/Berlin",
        "shift_seconds": 0,
        "version": 1,
        "created_at": "2026-11-30T08:00:00Z",
        "updated_at": "2026-11-30T08:00:00Z",
    }
    assert [set(each) for each in series["occurrences"]] == [{"starts_at", "result", "session_id", "conflicts"}] * 3
    assert starts(series) == ["12-01 10:00", "12-08 10:00", "12-15 10:00"]
    assert series["id"].startswith("srs_")
    for session, occurrence in zip(sessions(world, series), series["occurrences"], strict=True):
        assert (session["source"], session["series_id"]) == ("series", series["id"])
        assert (session["starts_at"], session["notes"]) == (occurrence["starts_at"], "Bring shoes")
    assert world.a.get(f"/series/{series['id']}") == series
    assert world.a("GET", f"/series/{series['id']}").headers["ETag"] == '"1"'
    assert world.broken_invariants() == {}


def test_every_session_of_a_series_tells_that_it_is_one_of_so_many(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=3")
    told = [data for type_, _, data in world.events(prefix="session.") if type_ == "session.created"]
    assert {(data["source"], data["series_id"], data["batch"]["size"]) for data in told} == {
        ("series", series["id"], 3)
    }
    assert len({data["batch"]["id"] for data in told}) == 1
    single = world.a.post("/sessions", booking(world, at("12-02 10:00")))
    assert world.events(single["id"])[0][2]["batch"] is None


def test_the_wall_time_stays_across_daylight_saving(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=26", "12-01 10:00")
    assert {wall(each["starts_at"]).hour for each in series["occurrences"]} == {10}
    assert {each["starts_at"][11:] for each in series["occurrences"]} == {"09:00:00Z", "08:00:00Z"}
    assert {session["duration_minutes"] for session in sessions(world, series)} == {60}


def test_conflicts_are_all_told_and_nothing_is_made(world: World) -> None:
    taken = world.a.post("/sessions", booking(world, at("12-08 10:30")))
    blocked = world.a.post("/events", {"title": "Off", "starts_at": at("12-22 00:00"), "all_day": True})
    problem = world.a.refused(409, "slot_taken", "POST", "/series", series_of(world, "FREQ=WEEKLY;COUNT=5"))
    assert [(each["kind"], each["id"]) for each in problem["conflicts"]] == [
        ("session", taken["id"]),
        ("event", blocked["id"]),
    ]
    assert problem["alternatives"][0]["starts_at"].startswith("2026-12-0")
    assert world.a.get("/series")["data"] == []
    assert [session["id"] for session in world.a.get("/sessions")["data"]] == [taken["id"]]
    assert world.broken_invariants() == {}


def test_outside_the_working_hours_is_a_conflict_of_a_series(world: World) -> None:
    body = series_of(world, "FREQ=DAILY;COUNT=5", "12-04 10:00")
    problem = world.a.refused(409, "slot_taken", "POST", "/series", body)
    assert problem["conflicts"] == [
        {"kind": "outside_working_hours", "starts_at": f"2026-12-0{day}T09:00:00Z", "ends_at": f"2026-12-0{day}T10:00:00Z"}
        for day in (5, 6)
    ]  # fmt: skip
    series = world.a.post("/series", body | {"on_conflict": "skip"})
    assert results(series) == ["created", "skipped", "skipped", "created", "created"]
    assert series["occurrences"][1] == {
        "starts_at": "2026-12-05T09:00:00Z",
        "result": "skipped",
        "session_id": None,
        "conflicts": problem["conflicts"][:1],
    }


def test_what_is_in_conflict_is_skipped_where_that_is_asked(world: World) -> None:
    taken = world.a.post("/sessions", booking(world, at("12-08 10:30")))
    series = make(world, "FREQ=WEEKLY;COUNT=3", on_conflict="skip")
    assert results(series) == ["created", "skipped", "created"]
    assert [each["id"] for each in series["occurrences"][1]["conflicts"]] == [taken["id"]]
    assert {data["batch"]["size"] for _, _, data in world.events(prefix="session.") if data["batch"]} == {2}
    # Skipped stays skipped, though the time is free again.
    world.a.post(f"/sessions/{taken['id']}/cancel")
    assert results(world.a.get(f"/series/{series['id']}")) == ["created", "skipped", "created"]
    assert world.broken_invariants() == {}


def test_a_series_of_which_nothing_can_be_had_is_a_report_of_that(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=3", "12-05 10:00", on_conflict="skip")
    assert results(series) == ["skipped"] * 3
    assert world.a.get("/sessions")["data"] == []


def test_a_series_in_its_own_way_is_a_conflict(world: World) -> None:
    body = series_of(world, "FREQ=DAILY;BYHOUR=10,11;COUNT=2", duration_minutes=90)
    problem = world.a.refused(409, "slot_taken", "POST", "/series", body)
    assert [(each["kind"], each["starts_at"], "id" in each) for each in problem["conflicts"]] == [
        ("session", "2026-12-01T09:00:00Z", False)
    ]
    assert results(world.a.post("/series", body | {"on_conflict": "skip"})) == ["created", "skipped"]


def test_a_series_over_conflicts_on_purpose_needs_a_reason_and_leaves_it_on_record(world: World) -> None:
    taken = world.a.post("/sessions", booking(world, at("12-08 10:30")))
    body = series_of(world, "FREQ=WEEKLY;COUNT=3", allow_overlap=True)
    problem = world.a.refused(422, "invalid", "POST", "/series", body)
    assert problem["errors"][0]["pointer"] == "/template/override_reason"
    body["template"]["override_reason"] = "Two rooms"
    series = world.a.post("/series", body)
    assert results(series) == ["created"] * 3
    histories = [world.a.get(f"/sessions/{session['id']}/history")["data"][0] for session in sessions(world, series)]
    assert [(row["changes"], row["reason"]) for row in histories] == [
        ({}, None),
        ({"overlaps": [[], [taken["id"]]]}, "Two rooms"),
        ({}, None),
    ]
    world.a.refused(409, "slot_taken", "POST", "/sessions", booking(world, at("12-08 10:30")))
    assert world.broken_invariants() == {}


def test_a_series_begins_with_a_slot_that_was_held(world: World) -> None:
    type_, client = world.session_type(), world.new_client()
    held = {"service_id": type_, "starts_at": at("12-01 10:00")}
    hold = world.a.post("/holds", held)["id"]
    template = held | {"client_id": client, "hold_id": hold}
    body = {"kind": "session", "template": template, "rrule": "FREQ=WEEKLY;COUNT=3"}
    away = body | {"rrule": "FREQ=WEEKLY;BYDAY=TH;COUNT=3"}
    world.a.refused(409, "hold_invalid", "POST", "/series", away)
    without = {name: value for name, value in template.items() if name != "hold_id"}
    problem = world.a.refused(409, "slot_taken", "POST", "/series", body | {"template": without})
    assert [each["kind"] for each in problem["conflicts"]] == ["hold"]
    assert results(world.a.post("/series", body)) == ["created"] * 3
    world.a.refused(409, "hold_invalid", "POST", "/series", body)
    assert world.broken_invariants() == {}


def test_a_held_series_that_meets_a_conflict_keeps_its_hold(world: World) -> None:
    type_ = world.session_type()
    world.a.post("/sessions", booking(world, at("12-08 10:00")))
    held = {"service_id": type_, "starts_at": at("12-01 10:00")}
    hold = world.a.post("/holds", held)["id"]
    template = held | {"client": {"name": "New", "email": "new@example.com"}, "hold_id": hold}
    body = {"kind": "session", "template": template, "rrule": "FREQ=WEEKLY;COUNT=3"}
    world.a.refused(409, "slot_taken", "POST", "/series", body)
    assert world.clients.made == {}
    assert results(world.a.post("/series", body | {"on_conflict": "skip"})) == ["created", "skipped", "created"]
    assert world.broken_invariants() == {}


def test_sessions_that_a_series_made_keep_others_out(world: World) -> None:
    series = make(world, "FREQ=WEEKLY")
    last = series["occurrences"][-1]
    world.a.refused(409, "slot_taken", "POST", "/sessions", booking(world, last["starts_at"]))


def test_a_series_without_an_end_is_made_twelve_months_ahead(world: World) -> None:
    series = make(world, "FREQ=WEEKLY")
    assert len(series["occurrences"]) == 52
    assert series["occurrences"][-1]["starts_at"] == "2027-11-23T09:00:00Z"


def test_a_series_that_begins_later_than_that_has_its_first_occurrence(world: World) -> None:
    template = booking(world, "2028-03-07T09:00:00Z")
    series = world.a.post("/series", {"kind": "session", "template": template, "rrule": "FREQ=WEEKLY;COUNT=3"})
    assert [each["starts_at"] for each in series["occurrences"]] == ["2028-03-07T09:00:00Z"]


def test_a_rule_that_does_not_name_the_start_begins_at_the_first_that_it_names(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;BYDAY=TH;COUNT=2", "12-01 10:00")
    assert starts(series) == ["12-03 10:00", "12-10 10:00"]


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=HOURLY",
        "FREQ=DAILY;COUNT=3;UNTIL=20270101",
        "FREQ=DAILY;UNTIL=20260101",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYHOUR=10,11,12,13;BYMINUTE=0,30",
        "DTSTART:20260101T090000\nRRULE:FREQ=DAILY",
        "FREQ=WEEKLY\nRRULE:FREQ=DAILY",
        "tuesdays",
        "",
    ],
)
def test_an_unsound_rule_is_refused_at_its_pointer(light_world: World, rrule: str) -> None:
    problem = light_world.a.refused(422, "invalid", "POST", "/series", series_of(light_world, rrule))
    assert [error["pointer"] for error in problem["errors"]] == ["/rrule"]
    assert light_world.a.get("/sessions")["data"] == []


def test_bad_bodies_are_refused_by_pointers(light_world: World) -> None:
    good = series_of(light_world, "FREQ=WEEKLY;COUNT=2")
    cases: list[tuple[dict[str, Any], str]] = [
        (good | {"kind": "holiday"}, "/kind"),
        (good | {"on_conflict": "ask"}, "/on_conflict"),
        (good | {"rrule": None}, "/rrule"),
        (good | {"template": "x"}, "/template"),
        (good | {"colour": 1}, "/colour"),
        (good | {"template": good["template"] | {"starts_at": "2026-12-01T10:00:00"}}, "/template/starts_at"),
        (good | {"template": good["template"] | {"service_id": "svc_none"}}, "/template/service_id"),
        (good | {"template": good["template"] | {"client_id": "cli_none"}}, "/template/client_id"),
        (good | {"template": good["template"] | {"calendar_id": "cal_none"}}, "/template/calendar_id"),
        (good | {"template": good["template"] | {"title": "x"}}, "/template/title"),
        (good | {"template": good["template"] | {"hold_id": "hld_none"}}, "/template/hold_id"),
        (good | {"template": good["template"] | {"status": "completed"}}, "/template/status"),
        (good | {"kind": "event", "template": {"title": "x", "starts_at": at("12-01 10:00")}}, "/template/ends_at"),
        (good | {"kind": "event"}, "/template/client_id"),
    ]
    for body, pointer in cases:
        problem = light_world.a.refused(422, "invalid", "POST", "/series", body)
        assert pointer in [error["pointer"] for error in problem["errors"]], (body, problem)
    light_world.a.refused(422, "invalid", "POST", "/series", {})
    assert light_world.a.get("/series")["data"] == []


def test_sessions_of_the_past_may_be_recorded_as_what_became_of_them(world: World) -> None:
    series = make(world, "FREQ=DAILY;COUNT=3", "11-25 10:00", status="completed")
    assert {session["status"] for session in sessions(world, series)} == {"completed"}
    body = series_of(world, "FREQ=DAILY;COUNT=6", "11-26 12:00", status="completed", on_conflict="skip")
    problem = world.a.refused(422, "invalid", "POST", "/series", body)
    assert problem["errors"][0]["pointer"] == "/template/status"


def test_another_accounts_things_are_not_there(light_world: World) -> None:
    series = make(light_world, "FREQ=WEEKLY;COUNT=2")
    for method, body in (("GET", None), ("PATCH", {"rrule": "FREQ=DAILY"}), ("DELETE", None)):
        light_world.b.refused(404, "not_found", method, f"/series/{series['id']}", body)
    body = series_of(light_world, "FREQ=WEEKLY;COUNT=2")
    problem = light_world.b.refused(422, "invalid", "POST", "/series", body)
    assert problem["errors"][0]["pointer"].startswith("/template/")
    assert light_world.b.get("/series")["data"] == []


def test_a_client_is_made_on_the_spot_once_and_only_for_a_series_that_can_be_made(world: World) -> None:
    type_ = world.session_type()
    template = {
        "service_id": type_,
        "client": {"name": "New", "email": "new@example.com"},
        "starts_at": at("12-01 10:00"),
    }
    body = {"kind": "session", "template": template, "rrule": "FREQ=WEEKLY;COUNT=3"}
    first = world.a("POST", "/series", body, Idempotency_Key="k")
    again = world.a("POST", "/series", body, Idempotency_Key="k")
    assert first.status_code == 201
    assert (again.get_json(), again.headers["Idempotent-Replayed"]) == (first.get_json(), "true")
    assert len({session["client_id"] for session in sessions(world, first.get_json())}) == 1
    assert len(world.clients.made) == 1
    world.a.refused(409, "slot_taken", "POST", "/series", body, Idempotency_Key="other")
    assert len(world.clients.made) == 1
    world.clients.go_down()
    later = body | {"template": template | {"starts_at": at("12-01 12:00")}}
    world.a.refused(503, "unavailable", "POST", "/series", later)


def test_a_client_whom_the_clients_service_alone_knows_is_found(world: World) -> None:
    known = {"id": "cli_known", "account_id": "acc_a", "version": 3, "name": "K", "email": None, "phone": None}
    world.clients.known["cli_known"] = known
    series = make(world, "FREQ=WEEKLY;COUNT=2", client_id="cli_known")
    assert {session["client"]["name"] for session in sessions(world, series)} == {"K"}


def test_private_notes_of_a_series_are_for_their_scope_alone(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=2", session_notes="shy")
    assert series["template"]["session_notes"] == "shy"
    other = world.caller("acc_a", "sessions:read sessions:write")
    assert other.get(f"/series/{series['id']}")["template"]["session_notes"] is None
    body = series_of(world, "FREQ=WEEKLY;COUNT=2", "12-02 10:00", session_notes="shy")
    other.refused(403, "forbidden", "POST", "/series", body)
    other.refused(403, "forbidden", "PATCH", f"/series/{series['id']}", {"template": {"session_notes": "x"}})
    assert not any("shy" in str(data) for _, _, data in world.events(prefix="session."))


# --- the plan ---


def free_series(world: World, rrule: str, starts_at: str = "12-01 10:00", **fields: Any) -> dict[str, Any]:
    client = world.new_client("acc_b")
    type_ = world.b.post("/services", {"name": "Coaching", "duration_minutes": 60})["id"]
    template = {"service_id": type_, "client_id": client, "starts_at": at(starts_at)}
    return {"kind": "session", "template": template, "rrule": rrule} | fields


def test_every_occurrence_counts_among_the_sessions_of_the_month(world: World) -> None:
    world.b.refused(409, "plan_limit_reached", "POST", "/series", free_series(world, "FREQ=WEEKLY;COUNT=16"))
    world.b.refused(409, "plan_limit_reached", "POST", "/series", free_series(world, "FREQ=WEEKLY"))
    assert world.b.get("/sessions")["data"] == []
    world.b.post("/series", free_series(world, "FREQ=WEEKLY;COUNT=14"))
    world.b.refused(
        409, "plan_limit_reached", "POST", "/series", free_series(world, "FREQ=WEEKLY;COUNT=2", "12-02 10:00")
    )
    world.b.post("/series", free_series(world, "FREQ=WEEKLY;COUNT=1", "12-02 10:00"))
    world.b.refused(409, "plan_limit_reached", "POST", "/sessions", free_series(world, "", "12-03 10:00")["template"])
    world.clock.advance(days=2)  # by creation, in the account's month: December has begun
    world.b.post("/series", free_series(world, "FREQ=WEEKLY;COUNT=15", "12-03 10:00"))
    assert world.broken_invariants() == {}


def test_what_was_skipped_does_not_count(world: World) -> None:
    world.b.post("/series", free_series(world, "FREQ=DAILY;COUNT=18", on_conflict="skip"))  # four weekend days
    assert len(world.b.get("/sessions")["data"]) == 14


def test_events_that_recur_count_for_nothing(world: World) -> None:
    body = {"title": "Lunch", "starts_at": at("12-01 12:00"), "ends_at": at("12-01 13:00"), "rrule": "FREQ=DAILY"}
    assert len(world.b.post("/events", body)["occurrences"]) == 364


# --- deposits ---


def test_deposits_within_the_ask_days_are_asked_at_once_and_the_others_later(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=4", service_id=world.session_type(deposit=QUARTER))
    found = sessions(world, series)  # on 30 November: 1, 8, 15 and 22 December
    assert [(session["deposit"] or {}).get("status") for session in found] == ["required", "required", None, None]
    assert [session["payment_url"] is not None for session in found] == [True, True, False, False]


# --- events ---


def test_an_event_with_a_rule_makes_a_series_and_answers_like_it(world: World) -> None:
    body = {"title": "Lunch", "starts_at": at("12-01 12:00"), "ends_at": at("12-01 13:00"), "notes": "canteen"}
    series = world.a.post("/events", body | {"rrule": "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=3"})
    assert (series["kind"], series["version"]) == ("event", 1)
    assert [set(each) for each in series["occurrences"]] == [{"starts_at", "result", "event_id", "conflicts"}] * 3
    assert starts(series) == ["12-01 12:00", "12-03 12:00", "12-08 12:00"]
    assert series["template"] == {
        "title": "Lunch",
        "notes": "canteen",
        "calendar_id": world.a.get("/calendars")["data"][0]["id"],
        "all_day": False,
        "starts_at": "2026-12-01T11:00:00Z",
        "ends_at": "2026-12-01T12:00:00Z",
    }
    event = world.a.get(f"/events/{series['occurrences'][1]['event_id']}")
    assert (event["title"], event["series_id"], event["ends_at"]) == ("Lunch", series["id"], "2026-12-03T12:00:00Z")
    assert world.a.get(f"/series/{series['id']}") == series
    by_series = world.a.post("/series", {"kind": "event", "template": body, "rrule": "FREQ=WEEKLY;COUNT=2"})
    assert results(by_series) == ["created", "created"]  # events may overlap each other
    assert world.broken_invariants() == {}


def test_events_that_recur_meet_sessions_and_neither_hours_nor_each_other(world: World) -> None:
    session = world.a.post("/sessions", booking(world, at("12-08 10:00")))
    body = {
        "title": "Off",
        "starts_at": at("12-01 08:00"),
        "ends_at": at("12-01 20:00"),
        "rrule": "FREQ=WEEKLY;COUNT=3",
    }
    problem = world.a.refused(409, "slot_taken", "POST", "/events", body)
    assert [each["id"] for each in problem["conflicts"]] == [session["id"]]
    series = world.a.post("/events", body | {"on_conflict": "skip"})
    assert results(series) == ["created", "skipped", "created"]
    allowed = world.a.post("/events", body | {"allow_overlap": True, "override_reason": "I do both"})
    assert results(allowed) == ["created"] * 3
    assert world.broken_invariants() == {}


def test_whole_days_that_recur_are_whole_days(world: World) -> None:
    body = {"title": "Off", "starts_at": at("12-05 00:00"), "ends_at": at("12-07 00:00"), "all_day": True}
    series = world.a.post("/events", body | {"rrule": "FREQ=WEEKLY;COUNT=20"})
    for occurrence in series["occurrences"]:
        event = world.a.get(f"/events/{occurrence['event_id']}")
        begins, ends = wall(event["starts_at"]), wall(event["ends_at"])
        assert (begins.hour, ends.hour, (ends - begins).days, event["all_day"]) == (0, 0, 2, True)
    lengths = {
        (datetime.fromisoformat(event["ends_at"]) - datetime.fromisoformat(event["starts_at"])) / timedelta(hours=1)
        for event in world.a.get("/events?limit=200")["data"]
    }
    assert lengths == {48, 47}  # the clocks go forward at the end of March


# --- lists ---


def test_series_are_listed_without_their_occurrences(world: World) -> None:
    ids = [make(world, "FREQ=WEEKLY;COUNT=2", f"12-0{day} 10:00")["id"] for day in (1, 2, 3)]
    page = world.a.get("/series?limit=2")
    assert [row["id"] for row in page["data"]] == ids[:2]
    assert "occurrences" not in page["data"][0]
    assert [row["id"] for row in world.a.get(f"/series?limit=2&cursor={page['next_cursor']}")["data"]] == ids[2:]
    assert world.a.get("/series?updated_since=2026-12-01T00:00:00Z")["data"] == []


def test_a_long_report_has_its_etag_as_well(world: World) -> None:
    answer = world.a("POST", "/events", {"title": "Nap", "starts_at": at("12-01 12:00"), "ends_at": at("12-01 12:30"), "rrule": "FREQ=DAILY;BYHOUR=12,18"})  # fmt: skip
    assert answer.headers["ETag"] == '"1"'
    assert len(answer.get_json()["occurrences"]) == 728


# --- the rule, laid out by the service as by dateutil itself ---

RULES = [
    "FREQ=DAILY;INTERVAL=3;COUNT=40",
    "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=30",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU;COUNT=20",
    "FREQ=MONTHLY;BYDAY=2TU;COUNT=9",
    "FREQ=MONTHLY;BYDAY=-1FR;COUNT=9",
    "FREQ=MONTHLY;BYMONTHDAY=-1,15;COUNT=9",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=9",
    "FREQ=YEARLY;BYMONTH=1,3,10;BYDAY=1SU;COUNT=3",
]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rule=st.sampled_from(RULES),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
    minute=st.integers(0, 24 * 60 - 1),
)
def test_sessions_of_a_series_keep_wall_time_and_elapsed_duration(
    light_world: World, rule: str, zone: str, minute: int
) -> None:
    account = f"acc_{zone.replace('/', '_')}"
    light_world.provision(account, username=account, timezone=zone, country="DE", plan="max")
    caller = light_world.caller(account)
    client = light_world.new_client(account)
    type_ = caller.post("/services", {"name": "Night", "duration_minutes": 90})["id"]
    room = caller.post("/calendars", {"name": "Room"})["id"]
    start = datetime.fromisoformat("2026-12-01") + timedelta(minutes=minute)
    template = {
        "service_id": type_,
        "client_id": client,
        "calendar_id": room,
        "starts_at": start.replace(tzinfo=ZoneInfo(zone)).isoformat(),
        "allow_outside_hours": True,
        "override_reason": "nights",
    }
    series = caller.post("/series", {"kind": "session", "template": template, "rrule": rule})
    expected = list(islice(rrulestr(rule, dtstart=start), len(series["occurrences"])))
    for occurrence, wanted in zip(series["occurrences"], expected, strict=True):
        session = caller.get(f"/sessions/{occurrence['session_id']}")
        shown = wall(session["starts_at"], ZoneInfo(zone))
        gap = shown - wanted
        assert gap in {timedelta(0), timedelta(hours=1), timedelta(minutes=30)}
        if gap:
            at_noon = wanted.replace(hour=12, tzinfo=ZoneInfo(zone)).utcoffset()
            before = (wanted.replace(hour=12, tzinfo=ZoneInfo(zone)) - timedelta(days=1)).utcoffset()
            assert at_noon is not None
            assert before is not None
            assert gap == at_noon - before
        elapsed = datetime.fromisoformat(session["ends_at"]) - datetime.fromisoformat(session["starts_at"])
        assert elapsed == timedelta(minutes=90)
    assert light_world.broken_invariants() == {}
