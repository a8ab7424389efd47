"""What a client could book: free slots on one calendar or many, and why a start is not among them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from services.scheduling.tests.driver import NOW, World, at
from services.scheduling.tests.test_booking import booking

from scheduling.store.claims import Claim, Owner, take

RULES = [
    "outside_working_hours", "min_notice", "max_advance", "buffer", "event", "session", "hold", "day_off",
]  # fmt: skip


def asking(service_id: str, since: str, until: str, **more: Any) -> str:
    return "/availability?" + urlencode({"service_id": service_id, "from": since, "to": until, **more})


def slots(world: World, service_id: str, day: str = "12-01", **more: Any) -> list[dict[str, str]]:
    """The slots of one day of December 2026 in Berlin."""
    found: list[dict[str, str]] = world.a.get(asking(service_id, at(f"{day} 00:00"), at(f"{day} 23:59"), **more))[
        "data"
    ]
    return found


def starts(world: World, service_id: str, day: str = "12-01", **more: Any) -> list[str]:
    """Their starts on Berlin's clock."""
    found = [datetime.fromisoformat(slot["starts_at"]) for slot in slots(world, service_id, day, **more)]
    return [f"{start + timedelta(hours=1):%H:%M}" for start in found]


def explained(world: World, service_id: str, when: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = world.a.get(
        "/availability/explain?" + urlencode({"service_id": service_id, "at": when, **more})
    )
    assert [rule["rule"] for rule in found["rules"] if rule["rule"] != "off_grid"] == RULES
    assert all(rule["passed"] is (rule["reason"] is None) for rule in found["rules"])
    assert found["available"] is all(rule["passed"] for rule in found["rules"])
    return found


def failed(world: World, service_id: str, when: str, **more: Any) -> set[str]:
    return {rule["rule"] for rule in explained(world, service_id, when, **more)["rules"] if not rule["passed"]}


def default_calendar(world: World) -> str:
    return str(world.a.get("/calendars")["data"][0]["id"])


def block(world: World, begin: str, end: str, owner_type: Owner = Owner.EVENT, **fields: Any) -> None:
    """Claim time as an event does, or a hold that ends at `expires_at`."""
    span = tuple(int(datetime.fromisoformat(at(text)).timestamp()) * 1_000_000 for text in (begin, end))
    claim = Claim(
        account_id="acc_a",
        owner_id=f"{owner_type.value}_{begin}",
        owner_type=owner_type,
        calendar_id=default_calendar(world),
        core=None if owner_type is Owner.EVENT else (span[0], span[1]),
        padded=(span[0], span[1]),
        **fields,
    )
    with world.service.store.transaction():
        take(world.service.store, claim, ended=())


def test_an_empty_day_has_a_slot_every_quarter_of_an_hour(world: World) -> None:
    found = slots(world, world.session_type())
    assert len(found) == 29
    assert found[0] == {
        "starts_at": "2026-12-01T08:00:00Z",
        "ends_at": "2026-12-01T09:00:00Z",
        "calendar_id": default_calendar(world),
    }
    assert found[-1]["ends_at"] == "2026-12-01T16:00:00Z"


def test_sessions_and_their_buffers_events_and_holds_take_slots_away(world: World) -> None:
    type_ = world.session_type(buffer_after_minutes=15)
    world.a.patch("/account", {"booking": {"slot_interval_minutes": 30}})
    session = world.a.post("/sessions", booking(world, at("12-01 10:00"), service_id=type_))
    cancelled = world.a.post("/sessions", booking(world, at("12-01 15:00"), service_id=type_))
    world.a.post(f"/sessions/{cancelled['id']}/cancel")
    block(world, "12-01 13:00", "12-01 13:30")
    block(world, "12-01 14:30", "12-01 15:00", Owner.HOLD, expires_at=NOW + timedelta(minutes=10))
    assert starts(world, type_) == ["11:30", "12:00", "15:00", "15:30", "16:00"]
    world.clock.advance(minutes=10)
    assert "14:00" in starts(world, type_)
    world.a.post(f"/sessions/{session['id']}/cancel")
    assert starts(world, type_)[:3] == ["09:00", "09:30", "10:00"]


def test_every_slot_that_is_shown_can_be_booked(world: World) -> None:
    long = world.session_type(duration_minutes=90, buffer_before_minutes=20, buffer_after_minutes=10)
    short = world.session_type(duration_minutes=25, buffer_after_minutes=30)
    client = world.new_client()
    for type_, which in ((long, 3), (short, -1), (long, -1), (short, 0), (long, 0)):
        slot = slots(world, type_)[which]
        world.a.post("/sessions", booking(world, slot["starts_at"], service_id=type_, client_id=client))
    assert world.broken_invariants() == {}


def test_notice_and_advance_bind_what_clients_see(light_world: World) -> None:
    type_ = light_world.session_type()
    light_world.a.patch("/account", {"booking": {"min_notice_hours": 3, "max_advance_days": 1}})
    # It is nine on Monday in Berlin.
    assert starts(light_world, type_, "11-30")[0] == "12:00"
    assert starts(light_world, type_, "12-01") == ["09:00"]
    # The provider is bound by neither.
    light_world.a.post("/sessions", booking(light_world, at("11-30 10:00"), service_id=type_))
    light_world.a.post("/sessions", booking(light_world, at("12-03 10:00"), service_id=type_))


def test_from_and_to_bound_the_start_half_open(light_world: World) -> None:
    query = asking(light_world.session_type(), at("12-01 10:00"), at("12-01 10:30"))
    found = [slot["starts_at"] for slot in light_world.a.get(query)["data"]]
    assert found == ["2026-12-01T09:00:00Z", "2026-12-01T09:15:00Z"]


def test_every_calendar_that_offers_the_type_is_asked_unless_one_is_named(world: World) -> None:
    home = default_calendar(world)
    room = world.a.post("/calendars", {"name": "Room 2"})["id"]
    other = world.a.post("/calendars", {"name": "Room 3"})["id"]
    retired = world.a.post("/calendars", {"name": "Room 4"})["id"]
    anywhere, inside = world.session_type(), world.session_type(calendar_ids=[room, retired])
    world.a.ok("DELETE", f"/calendars/{retired}")
    world.a.post("/sessions", booking(world, at("12-01 09:00"), service_id=anywhere, calendar_id=room))
    found = slots(world, anywhere)
    assert found == sorted(found, key=lambda slot: (slot["starts_at"], slot["calendar_id"]))
    assert {slot["calendar_id"] for slot in found} == {home, room, other}
    assert [slot["calendar_id"] for slot in found if slot["starts_at"] == at("12-01 09:15")] == sorted([home, other])
    assert {slot["calendar_id"] for slot in slots(world, inside)} == {room}
    assert {slot["calendar_id"] for slot in slots(world, anywhere, calendar_id=other)} == {other}
    for calendar_id, type_ in ((home, inside), ("cal_unknown", anywhere), (retired, anywhere)):
        problem = world.a.refused(
            422, "invalid", "GET", asking(type_, at("12-01 00:00"), at("12-02 00:00"), calendar_id=calendar_id)
        )
        assert problem["errors"][0]["pointer"] == "/calendar_id"


def test_times_have_the_offset_of_the_zone_that_is_asked_for(light_world: World) -> None:
    light_world.a.patch("/account", {"booking": {"max_advance_days": 365}})
    type_ = light_world.session_type()
    for zone, day, expected in (
        ("America/New_York", "2027-07-01", "2027-07-01T03:00:00-04:00"),
        ("Asia/Kathmandu", "2027-01-04", "2027-01-04T13:45:00+05:45"),
        ("UTC", "2027-07-01", "2027-07-01T07:00:00+00:00"),
    ):
        query = asking(type_, f"{day}T00:00:00Z", f"{day}T20:00:00Z", timezone=zone)
        assert light_world.a.get(query)["data"][0]["starts_at"] == expected


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"service_id": None}, "/service_id"),
        ({"service_id": "svc_unknown"}, "/service_id"),
        ({"from": None}, "/from"),
        ({"to": None}, "/to"),
        ({"from": "2026-12-01"}, "/from"),
        ({"from": "2026-12-01T00:00:00"}, "/from"),
        ({"to": "9999-12-31T00:00:00Z"}, "/to"),
        ({"to": "2026-11-30T23:59:59Z"}, "/to"),
        ({"to": "2027-02-01T00:00:01Z"}, "/to"),
        ({"timezone": "Europe/Nowhere"}, "/timezone"),
        ({"timezone": "../etc/passwd"}, "/timezone"),
        ({"surprise": "1"}, "/surprise"),
    ],
)
def test_what_cannot_be_asked_is_refused(light_world: World, change: dict[str, Any], pointer: str) -> None:
    asked = {"service_id": light_world.session_type(), "from": "2026-12-01T00:00:00Z", "to": "2027-02-01T00:00:00Z"}
    light_world.a.get("/availability?" + urlencode(asked))
    query = urlencode({name: value for name, value in (asked | change).items() if value is not None})
    problem = light_world.a.refused(422, "invalid", "GET", f"/availability?{query}")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_a_type_of_another_account_or_out_of_use_offers_nothing(light_world: World) -> None:
    foreign = light_world.b.post("/services", {"name": "Talk", "duration_minutes": 60})["id"]
    inactive, retired = light_world.session_type(active=False), light_world.session_type()
    light_world.a.ok("DELETE", f"/services/{retired}")
    for type_ in (foreign, inactive, retired):
        light_world.a.refused(422, "invalid", "GET", asking(type_, at("12-01 00:00"), at("12-02 00:00")))
        query = urlencode({"service_id": type_, "at": at("12-01 10:00")})
        light_world.a.refused(422, "invalid", "GET", f"/availability/explain?{query}")
    caller = light_world.caller("acc_a", scope="clients:read")
    caller.refused(403, "forbidden", "GET", asking("svc", at("12-01 00:00"), at("12-02 00:00")))


def test_the_number_of_queries_depends_on_neither_span_nor_calendars(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_ = world.session_type()
    database, counted = world.service.store.database, [0]
    execute = database.execute_sql

    def counting(*args: Any, **kwargs: Any) -> Any:
        counted[0] += 1
        return execute(*args, **kwargs)

    monkeypatch.setattr(database, "execute_sql", counting)

    def queries(path: str) -> int:
        counted[0] = 0
        world.a.get(path)
        return counted[0]

    explaining = "/availability/explain?" + urlencode({"service_id": type_, "at": at("12-01 10:00")})
    few = queries(asking(type_, at("12-01 00:00"), at("12-02 00:00"))), queries(explaining)
    for n in range(6):
        room = world.a.post("/calendars", {"name": f"Room {n}"})["id"]
        world.a.post("/sessions", booking(world, at("12-01 10:00"), service_id=type_, calendar_id=room))
    many = queries(asking(type_, at("12-01 00:00"), "2027-01-31T00:00:00Z")), queries(explaining)
    assert few == many
    assert max(few) <= 4


def test_slots_keep_their_wall_time_when_clocks_jump_by_half_an_hour(light_world: World) -> None:
    light_world.a.patch(
        "/account",
        {"timezone": "Australia/Lord_Howe", "booking": {"slot_interval_minutes": 60, "max_advance_days": 365}},
    )
    calendar = default_calendar(light_world)
    light_world.a.patch(
        f"/calendars/{calendar}", {"working_hours": [{"weekday": "sun", "start": "09:00", "end": "12:00"}]}
    )
    query = asking(
        light_world.session_type(), "2027-04-03T00:00:00Z", "2027-04-05T00:00:00Z", timezone="Australia/Lord_Howe"
    )
    # On the night before the clocks went back by thirty minutes.
    assert [slot["starts_at"] for slot in light_world.a.get(query)["data"]] == [
        "2027-04-04T09:00:00+10:30",
        "2027-04-04T10:00:00+10:30",
        "2027-04-04T11:00:00+10:30",
    ]


# --- why not ---


def test_a_free_start_passes_every_rule(world: World) -> None:
    found = explained(world, world.session_type(), at("12-01 10:00"))
    assert (found["available"], found["calendar_id"]) == (True, default_calendar(world))


def test_each_obstacle_fails_its_own_rule_alone(world: World) -> None:
    type_ = world.session_type(buffer_after_minutes=15)
    world.a.patch("/account", {"booking": {"min_notice_hours": 24, "max_advance_days": 10}})
    overrides = [
        {"date": "2026-12-03", "hours": []},
        {"date": "2026-12-05", "hours": [{"start": "10:00", "end": "11:00"}]},
    ]
    world.a.patch(f"/calendars/{default_calendar(world)}", {"overrides": overrides})
    world.a.post("/sessions", booking(world, at("12-02 10:00"), service_id=type_))
    block(world, "12-02 13:00", "12-02 14:00")
    block(world, "12-02 15:00", "12-02 15:30", Owner.HOLD, expires_at=NOW + timedelta(minutes=10))
    for when, rules in {
        "12-02 11:15": set(),
        "12-01 08:45": {"min_notice", "outside_working_hours"},
        "11-30 12:00": {"min_notice"},
        "11-30 08:00": {"min_notice", "outside_working_hours"},
        "12-10 09:00": set(),
        "12-10 09:15": {"max_advance"},
        "12-02 08:45": {"outside_working_hours"},
        "12-02 16:30": {"outside_working_hours"},
        "12-06 10:00": {"outside_working_hours"},
        "12-03 10:00": {"day_off"},
        "12-05 10:00": set(),
        "12-05 10:30": {"outside_working_hours"},
        "12-02 10:30": {"session"},
        "12-02 09:00": {"buffer"},
        "12-02 11:00": {"buffer"},
        "12-02 08:50": {"outside_working_hours", "buffer", "off_grid"},
        "12-02 12:00": set(),
        "12-02 12:30": {"event"},
        "12-02 14:15": {"hold"},
        "12-02 13:50": {"event", "buffer", "off_grid"},
        "12-02 11:20": {"off_grid"},
    }.items():
        assert failed(world, type_, at(when)) == rules, when
    world.clock.advance(minutes=10)
    assert failed(world, type_, at("12-02 14:15")) == set()


def test_reasons_name_the_time_in_the_zone_that_is_asked_for(light_world: World) -> None:
    type_ = light_world.session_type()
    light_world.a.post("/sessions", booking(light_world, at("12-02 10:00"), service_id=type_))
    for more, expected in (
        ({}, "There is a session of 2026-12-02 10:00 to 11:00."),
        ({"timezone": "Asia/Tokyo"}, "There is a session of 2026-12-02 18:00 to 19:00."),
    ):
        found = explained(light_world, type_, at("12-02 10:30"), **more)
        assert [rule["reason"] for rule in found["rules"] if not rule["passed"]] == [expected]


def test_a_start_that_slots_never_have_is_not_available_and_says_why(light_world: World) -> None:
    type_ = light_world.session_type()
    for interval, when, on_grid in ((15, "12-02 10:07", False), (20, "12-02 10:15", False), (20, "12-02 10:20", True)):
        light_world.a.patch("/account", {"booking": {"slot_interval_minutes": interval}})
        found = explained(light_world, type_, at(when))
        assert found["available"] is on_grid is (when[6:] in starts(light_world, type_, "12-02"))
    assert [rule["rule"] for rule in found["rules"]] == RULES
    reasons = explained(light_world, type_, at("12-02 10:15"))["rules"]
    assert reasons[-1]["reason"] == "Clients are offered a start every 20 minutes from midnight."


def test_of_several_calendars_the_one_that_comes_closest_is_explained(light_world: World) -> None:
    type_, home = light_world.session_type(), default_calendar(light_world)
    room = light_world.a.post("/calendars", {"name": "Room 2", "working_hours": []})["id"]
    assert explained(light_world, type_, at("12-02 10:00"))["calendar_id"] == home
    assert failed(light_world, type_, at("12-02 10:00"), calendar_id=room) == {"outside_working_hours"}
    light_world.a.post(
        "/sessions",
        booking(light_world, at("12-05 09:30"), service_id=type_, allow_outside_hours=True, override_reason="x"),
    )
    assert explained(light_world, type_, at("12-05 10:00"))["calendar_id"] == room


def test_an_explanation_needs_its_moment(light_world: World) -> None:
    query = urlencode({"service_id": light_world.session_type()})
    problem = light_world.a.refused(422, "invalid", "GET", f"/availability/explain?{query}")
    assert problem["errors"][0]["pointer"] == "/at"


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(0, 95), st.integers(1, 12), st.integers(0, 4), st.integers(0, 4)), max_size=6),
    st.tuples(st.integers(1, 8), st.integers(0, 4), st.integers(0, 4)),
)
def test_the_explanation_and_the_list_agree(
    light_world: World, others: list[tuple[int, int, int, int]], own: tuple[int, int, int]
) -> None:
    """Whatever lies around: a start is in the list exactly when every rule lets it pass."""
    client = light_world.new_client()
    for start, length, before, after in others:
        type_ = light_world.session_type(
            duration_minutes=15 * length, buffer_before_minutes=15 * before, buffer_after_minutes=15 * after
        )
        when = datetime(2026, 12, 1, tzinfo=UTC) + start * timedelta(minutes=15)
        light_world.a(
            "POST",
            "/sessions",
            booking(
                light_world, when.isoformat(), service_id=type_, client_id=client,
                allow_outside_hours=True, override_reason="x",
            ),
        )  # fmt: skip
    type_ = light_world.session_type(
        duration_minutes=15 * own[0], buffer_before_minutes=15 * own[1], buffer_after_minutes=15 * own[2]
    )
    listed = {slot["starts_at"] for slot in slots(light_world, type_)}
    for n in range(0, 288, 7):
        when = datetime(2026, 12, 1, tzinfo=UTC) + n * timedelta(minutes=5)
        shown = when.isoformat().replace("+00:00", "Z")
        assert explained(light_world, type_, shown)["available"] is (shown in listed), shown
    for session in light_world.a.get("/sessions?status=confirmed&limit=200")["data"]:
        light_world.a.post(f"/sessions/{session['id']}/cancel")
