"""Later changes of a series: of one member, of it and the following ones, of all; and what a user of a calendar expects of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from services.scheduling.tests.driver import World, at
from services.scheduling.tests.test_booking import booking
from services.scheduling.tests.test_deposits import QUARTER
from services.scheduling.tests.test_series import make, results, sessions, starts, wall


def extend(world: World) -> None:
    (job,) = [job for job in world.service.jobs() if job.name == "extend-series"]
    while job.run():
        pass


def shown(world: World, series: Mapping[str, Any]) -> list[str]:
    """When the sessions of the series are, by the wall: only those that stand."""
    found = sessions(world, world.a.get(f"/series/{series['id']}"))
    return [f"{wall(each['starts_at']):%m-%d %H:%M}" for each in found if each["status"] != "cancelled"]


def ids(series: Mapping[str, Any]) -> list[str]:
    return [each["session_id"] for each in series["occurrences"]]


def told_since(world: World, count: int) -> list[tuple[str, int, dict[str, Any]]]:
    """The events of sessions after the first `count`."""
    return world.events(prefix="session.")[count:]


# --- sessions ---


def test_this_alone_is_the_default(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=3")
    second = ids(series)[1]
    world.a.post(f"/sessions/{second}/reschedule", {"starts_at": at("12-09 14:00")})
    world.a.patch(f"/sessions/{second}", {"notes": "this one", "scope": "this"})
    assert shown(world, series) == ["12-01 10:00", "12-09 14:00", "12-15 10:00"]
    assert [session["notes"] for session in sessions(world, series)] == ["", "this one", ""]
    assert world.a.get(f"/series/{series['id']}")["version"] == 1
    assert told_since(world, 3)[0][2]["batch"] is None
    assert world.broken_invariants() == {}


def test_all_move_by_the_wall_clock_whatever_the_season(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=26")
    third = ids(series)[2]
    moved = world.a.post(f"/sessions/{third}/reschedule", {"starts_at": at("12-15 11:00"), "scope": "all"})
    assert (moved["id"], moved["starts_at"], moved["series_id"]) == (third, "2026-12-15T10:00:00Z", series["id"])
    found = sessions(world, series)
    assert {f"{wall(session['starts_at']):%a %H:%M}" for session in found} == {"Tue 11:00"}
    assert {session["starts_at"][11:13] for session in found} == {"10", "09"}
    assert {session["version"] for session in found} == {2}
    told = told_since(world, 26)
    assert [(type_, sequence) for type_, sequence, _ in told] == [("session.rescheduled", 2)] * 26
    assert len({data["id"] for _, _, data in told}) == 26
    assert {data["batch"]["size"] for _, _, data in told} == {26}
    assert len({data["batch"]["id"] for _, _, data in told}) == 1
    after = world.a.get(f"/series/{series['id']}")
    assert (after["version"], after["shift_seconds"], after["template"]["starts_at"]) == (
        2,
        3600,
        "2026-12-01T10:00:00Z",
    )
    assert ids(after) == ids(series)
    assert world.broken_invariants() == {}


def test_a_series_moves_over_its_own_old_times(world: World) -> None:
    series = make(world, "FREQ=DAILY;COUNT=5", "11-30 10:00")
    world.a.patch(f"/sessions/{ids(series)[0]}", {"starts_at": at("11-30 10:30"), "scope": "all"})
    assert shown(world, series) == [f"{day} 10:30" for day in ("11-30", "12-01", "12-02", "12-03", "12-04")]
    world.a.patch(f"/sessions/{ids(series)[0]}", {"starts_at": at("12-07 10:30"), "scope": "all"})
    assert shown(world, series) == [f"{day} 10:30" for day in ("12-07", "12-08", "12-09", "12-10", "12-11")]
    assert world.broken_invariants() == {}


def test_following_ones_become_a_series_of_their_own(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=5")
    third = ids(series)[2]
    moved = world.a.post(f"/sessions/{third}/reschedule", {"starts_at": at("12-16 11:00"), "scope": "following"})
    old, new = world.a.get(f"/series/{series['id']}"), world.a.get(f"/series/{moved['series_id']}")
    assert (old["rrule"], old["version"]) == ("FREQ=WEEKLY;UNTIL=20261208T100000", 2)
    assert (new["rrule"], new["version"]) == ("FREQ=WEEKLY;COUNT=3", 1)
    assert new["template"]["starts_at"] == "2026-12-16T10:00:00Z"
    assert ids(old) + ids(new) == ids(series)
    assert shown(world, old) == ["12-01 10:00", "12-08 10:00"]
    assert shown(world, new) == ["12-16 11:00", "12-23 11:00", "12-30 11:00"]
    assert starts(new) == shown(world, new)
    told = told_since(world, 5)
    assert [(type_, data["series_id"], data["batch"]["size"]) for type_, _, data in told] == [
        ("session.rescheduled", new["id"], 3)
    ] * 3
    history = world.a.get(f"/sessions/{third}/history")["data"][-1]
    assert history["changes"]["series_id"] == [series["id"], new["id"]]
    # From here on each goes its own way.
    world.a.patch(f"/sessions/{ids(old)[0]}", {"notes": "old", "scope": "all"})
    world.a.patch(f"/sessions/{ids(new)[0]}", {"notes": "new", "scope": "all"})
    assert [session["notes"] for session in sessions(world, series)] == ["old", "old", "new", "new", "new"]
    assert world.broken_invariants() == {}


def test_from_the_first_on_following_is_all(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=3")
    moved = world.a.patch(f"/sessions/{ids(series)[0]}", {"starts_at": at("12-01 11:00"), "scope": "following"})
    assert moved["series_id"] == series["id"]
    assert shown(world, series) == ["12-01 11:00", "12-08 11:00", "12-15 11:00"]
    assert world.a.get("/series")["data"][0]["rrule"] == "FREQ=WEEKLY;COUNT=3"


def test_what_is_made_later_follows_the_change(world: World) -> None:
    series = make(world, "FREQ=MONTHLY;BYDAY=2TU", "12-08 10:00")
    assert len(series["occurrences"]) == 12
    fifth = ids(series)[4]
    moved = world.a.patch(
        f"/sessions/{fifth}",
        {"starts_at": "2027-04-14T15:30:00+02:00", "duration_minutes": 30, "notes": "new", "scope": "following"},
    )
    world.clock.advance(days=100)
    extend(world)
    new = world.a.get(f"/series/{moved['series_id']}")
    made = sessions(world, new)
    assert len(made) > 8
    assert {(f"{wall(each['starts_at']):%a %H:%M}", each["duration_minutes"], each["notes"]) for each in made} == {
        ("Wed 15:30", 30, "new")
    }
    assert len(world.a.get(f"/series/{series['id']}")["occurrences"]) == 4  # the first part goes no further
    assert world.broken_invariants() == {}


def test_every_conflict_of_a_change_is_told_and_nothing_is_changed(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=4")
    taken = world.a.post("/sessions", booking(world, at("12-08 11:30")))
    blocked = world.a.post("/events", {"title": "Off", "starts_at": at("12-22 11:00"), "ends_at": at("12-22 12:00")})
    before, events = sessions(world, series), len(world.events())
    path = f"/sessions/{ids(series)[0]}/reschedule"
    problem = world.a.refused(409, "slot_taken", "POST", path, {"starts_at": at("12-01 11:00"), "scope": "all"})
    assert [each["id"] for each in problem["conflicts"]] == [taken["id"], blocked["id"]]
    problem = world.a.refused(409, "slot_taken", "POST", path, {"starts_at": at("12-01 18:00"), "scope": "following"})
    assert [each["kind"] for each in problem["conflicts"]] == ["outside_working_hours"] * 4
    assert sessions(world, series) == before
    assert world.a.get(f"/series/{series['id']}") == series
    assert len(world.events()) == events
    allowed = {"allow_overlap": True, "allow_outside_hours": True, "override_reason": "it fits"}
    world.a.post(path.removesuffix(""), {"starts_at": at("12-01 11:00"), "scope": "all"} | allowed)
    assert shown(world, series) == ["12-01 11:00", "12-08 11:00", "12-15 11:00", "12-22 11:00"]
    assert world.broken_invariants() == {}


def test_one_that_was_moved_by_itself_stays_there_and_takes_the_rest(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=4")
    second, third = ids(series)[1:3]
    world.a.post(f"/sessions/{second}/reschedule", {"starts_at": at("12-10 14:00")})
    world.a.patch(f"/sessions/{third}", {"duration_minutes": 90})
    world.a.patch(
        f"/sessions/{ids(series)[0]}",
        {"starts_at": at("12-01 11:00"), "duration_minutes": 45, "notes": "for all", "scope": "all"},
    )
    found = sessions(world, series)
    assert [(f"{wall(each['starts_at']):%m-%d %H:%M}", each["duration_minutes"]) for each in found] == [
        ("12-01 11:00", 45),
        ("12-10 14:00", 60),
        ("12-15 10:00", 90),
        ("12-22 11:00", 45),
    ]
    assert {each["notes"] for each in found} == {"for all"}
    # One that was moved back is like the others again; said of itself, all become as it is.
    world.a.patch(f"/sessions/{second}", {"starts_at": at("12-08 11:00"), "duration_minutes": 45})
    world.a.patch(f"/sessions/{third}", {"starts_at": at("12-16 12:00"), "duration_minutes": 45, "scope": "all"})
    assert shown(world, series) == ["12-02 12:00", "12-09 12:00", "12-16 12:00", "12-23 12:00"]
    assert world.broken_invariants() == {}


def test_what_is_over_or_cancelled_stays_as_it_was(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=5")
    world.a.post(f"/sessions/{ids(series)[2]}/cancel")
    world.clock.advance(days=2)  # the first is over
    world.a.post(f"/sessions/{ids(series)[0]}/complete")
    before = sessions(world, series)
    world.a.patch(f"/sessions/{ids(series)[1]}", {"starts_at": at("12-08 11:00"), "notes": "x", "scope": "all"})
    after = sessions(world, series)
    assert [after[0], after[2]] == [before[0], before[2]]
    assert [f"{wall(after[n]['starts_at']):%m-%d %H:%M}" for n in (1, 3, 4)] == [
        "12-08 11:00",
        "12-22 11:00",
        "12-29 11:00",
    ]
    # A move that is said of one that is over is refused, notes are not.
    path = f"/sessions/{ids(series)[0]}"
    world.a.refused(409, "invalid_transition", "PATCH", path, {"starts_at": at("12-01 12:00"), "scope": "all"})
    world.a.patch(path, {"notes": "y", "scope": "all"})
    assert [session["notes"] for session in sessions(world, series)] == ["y", "y", "", "y", "y"]
    assert world.broken_invariants() == {}


def test_what_is_over_or_cancelled_is_reported_where_it_was(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=5")
    world.a.post(f"/sessions/{ids(series)[0]}/reschedule", {"starts_at": at("12-02 09:00")})
    world.a.post(f"/sessions/{ids(series)[3]}/cancel")
    world.clock.advance(days=9)  # two are over
    path = f"/series/{series['id']}"
    changed = world.a.patch(path, {"template": {"starts_at": at("12-01 11:00")}})
    assert starts(changed) == ["12-02 09:00", "12-08 10:00", "12-15 11:00", "12-22 10:00", "12-29 11:00"]
    another = world.a.patch(path, {"rrule": "FREQ=WEEKLY;COUNT=6"})
    assert starts(another) == ["12-02 09:00", "12-08 10:00", "12-15 11:00", "12-22 10:00", "12-29 11:00", "01-05 11:00"]
    assert starts(world.a.get(path)) == starts(another)


def test_events_that_are_over_are_reported_where_they_were(world: World) -> None:
    series = lunch(world)
    world.clock.advance(days=2)
    world.a.patch(f"/events/{event_ids(series)[1]}", {"starts_at": at("12-08 11:00"), "scope": "all"})
    assert starts(world.a.get(f"/series/{series['id']}")) == [
        "12-01 12:00",
        "12-08 11:00",
        "12-15 11:00",
        "12-22 11:00",
    ]


def test_a_split_takes_the_cancelled_with_it_and_a_restore_brings_them_back_where_they_were(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=4")
    world.a.post(f"/sessions/{ids(series)[3]}/cancel")
    moved = world.a.patch(f"/sessions/{ids(series)[2]}", {"starts_at": at("12-15 11:00"), "scope": "following"})
    last = world.a.get(f"/sessions/{ids(series)[3]}")
    assert (last["status"], last["series_id"]) == ("cancelled", moved["series_id"])
    restored = world.a.post(f"/sessions/{last['id']}/restore")
    assert (restored["starts_at"], restored["series_id"]) == (at("12-22 10:00"), moved["series_id"])
    assert world.broken_invariants() == {}


def test_type_price_and_calendar_of_all_change_together(world: World) -> None:
    room = world.a.post("/calendars", {"name": "Room 2"})["id"]
    other = world.session_type(name="Longer", buffer_after_minutes=15)
    series = make(world, "FREQ=WEEKLY", on_conflict="skip")
    changed = world.a.patch(
        f"/sessions/{ids(series)[0]}",
        {"service_id": other, "calendar_id": room, "price": {"amount": 9000}, "session_notes": "p", "scope": "all"},
    )
    assert (changed["service"]["name"], changed["calendar_id"], changed["price"]["amount"]) == ("Longer", room, 9000)
    world.clock.advance(days=20)
    extend(world)
    after = world.a.get(f"/series/{series['id']}")
    assert len(after["occurrences"]) > len(series["occurrences"])
    found = sessions(world, after)
    assert {
        (each["service_id"], each["calendar_id"], each["price"]["amount"], each["session_notes"]) for each in found
    } == {(other, room, 9000, "p")}
    assert world.broken_invariants() == {}


def test_the_same_said_again_changes_nothing(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=3")
    before, events = sessions(world, series), len(world.events())
    for scope in ("all", "following"):
        body = {"starts_at": before[1]["starts_at"], "notes": "", "duration_minutes": 60, "scope": scope}
        world.a.patch(f"/sessions/{before[1]['id']}", body)
    assert sessions(world, series) == before
    assert world.a.get(f"/series/{series['id']}") == series
    assert len(world.events()) == events


def test_scopes_are_for_members_of_a_series(light_world: World) -> None:
    single = light_world.a.post("/sessions", booking(light_world, at("12-02 10:00")))
    path = f"/sessions/{single['id']}"
    for method, way, body in (
        ("PATCH", path, {"notes": "x"}),
        ("POST", f"{path}/reschedule", {"starts_at": at("12-03 10:00")}),
        ("POST", f"{path}/cancel", {}),
    ):
        problem = light_world.a.refused(422, "invalid", method, way, body | {"scope": "all"})
        assert problem["errors"][0]["pointer"] == "/scope"
        problem = light_world.a.refused(422, "invalid", method, way, body | {"scope": "some"})
        assert problem["errors"][0]["pointer"] == "/scope"
        light_world.b.refused(404, "not_found", method, way, body | {"scope": "all"})


def test_if_match_is_about_the_one_that_was_named(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=3")
    path = f"/sessions/{ids(series)[0]}"
    body = {"notes": "x", "scope": "all"}
    world.a.refused(412, "stale", "PATCH", path, body, If_Match='"2"')
    world.a.refused(412, "stale", "POST", f"{path}/cancel", {"scope": "all"}, If_Match='"2"')
    assert world.a.patch(path, body, If_Match='"1"')["version"] == 2


# --- cancelling ---


def test_cancelling_the_following_ends_the_series_there(world: World) -> None:
    series = make(world, "FREQ=WEEKLY")
    cancelled = world.a.post(f"/sessions/{ids(series)[2]}/cancel", {"scope": "following", "reason": "moving"})
    assert (cancelled["status"], cancelled["cancellation"]["reason"]) == ("cancelled", "moving")
    found = sessions(world, series)
    assert [each["status"] for each in found] == ["confirmed"] * 2 + ["cancelled"] * 50
    told = told_since(world, 52)
    assert {(type_, data["batch"]["size"]) for type_, _, data in told} == {("session.cancelled", 50)}
    assert world.a.get(f"/series/{series['id']}")["rrule"] == "FREQ=WEEKLY;UNTIL=20261208T100000"
    world.clock.advance(days=40)
    extend(world)
    assert len(world.a.get(f"/series/{series['id']}")["occurrences"]) == 52
    world.a.post("/sessions", booking(world, at("12-15 10:00")))
    assert world.broken_invariants() == {}


def test_cancelling_all_leaves_what_is_over_and_makes_no_more(world: World) -> None:
    series = make(world, "FREQ=WEEKLY")
    world.clock.advance(days=2)
    world.a.post(f"/sessions/{ids(series)[3]}/cancel", {"scope": "all"})
    assert [each["status"] for each in sessions(world, series)] == ["confirmed"] + ["cancelled"] * 51
    world.a.refused(409, "invalid_transition", "POST", f"/sessions/{ids(series)[3]}/cancel", {"scope": "all"})
    world.a.patch(f"/sessions/{ids(series)[0]}", {"notes": "was nice", "scope": "all"})
    world.clock.advance(days=40)
    extend(world)
    assert len(world.a.get(f"/series/{series['id']}")["occurrences"]) == 52
    assert world.a.post(f"/sessions/{ids(series)[5]}/restore")["status"] == "confirmed"
    assert world.broken_invariants() == {}


def pay(world: World, session: dict[str, Any]) -> None:
    world.tell("deposit.paid", world.deposit_told(session, 1, "paid"))


def test_one_refund_decides_for_all_and_must_be_said_where_deposits_were_paid(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=4", service_id=world.session_type(deposit=QUARTER))
    for session in sessions(world, series)[:2]:
        pay(world, session)
    before, path = sessions(world, series), f"/sessions/{ids(series)[0]}/cancel"
    problem = world.a.refused(409, "refund_decision_required", "POST", path, {"scope": "all"})
    assert [
        (each["session_id"], each["starts_at"], each["held_amount"], each["status"]) for each in problem["deposits"]
    ] == [(session["id"], session["starts_at"], 2000, "paid") for session in before[:2]]
    assert sessions(world, series) == before
    problem = world.a.refused(
        422, "invalid", "POST", path, {"scope": "all", "refund": "refund", "refund_quote_id": "q"}
    )
    assert problem["errors"][0]["pointer"] == "/refund_quote_id"
    world.a.post(path, {"scope": "all", "refund": "refund"})
    found = sessions(world, series)
    assert [each["status"] for each in found] == ["cancelled"] * 4
    assert [each["cancellation"]["refund"] for each in found] == ["refund"] * 4
    assert [(each["deposit"] or {}).get("status") for each in found] == ["refund_pending", "refund_pending", None, None]
    cancellations = [data["cancellations"][0] for type_, _, data in world.events() if type_ == "session.cancelled"]
    assert [each["refund"] for each in cancellations] == ["refund"] * 4
    assert len({each["id"] for each in cancellations}) == 4
    assert world.broken_invariants() == {}


def test_a_single_cancellation_lists_its_deposit_as_well(light_world: World) -> None:
    series = make(light_world, "FREQ=WEEKLY;COUNT=2", service_id=light_world.session_type(deposit=QUARTER))
    pay(light_world, sessions(light_world, series)[0])
    path = f"/sessions/{ids(series)[0]}/cancel"
    problem = light_world.a.refused(409, "refund_decision_required", "POST", path, {})
    assert [each["session_id"] for each in problem["deposits"]] == [ids(series)[0]]


def test_money_that_came_for_cancelled_ones_is_decided_by_cancelling_all_again(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=3", service_id=world.session_type(deposit=QUARTER))
    first, second, _ = sessions(world, series)
    path = f"/sessions/{first['id']}/cancel"
    world.a.post(path, {"scope": "all"})
    for session in (first, second):
        pay(world, session)
    world.a.refused(409, "refund_decision_required", "POST", path, {"scope": "all"})
    world.a.post(path, {"scope": "all", "refund": "refund"})
    assert [(each["deposit"] or {}).get("status") for each in sessions(world, series)] == ["refund_pending"] * 2 + [
        None
    ]
    assert world.broken_invariants() == {}


# --- events ---


def lunch(world: World, rrule: str = "FREQ=WEEKLY;COUNT=4", **fields: Any) -> dict[str, Any]:
    body = {"title": "Lunch", "starts_at": at("12-01 12:00"), "ends_at": at("12-01 13:00"), "rrule": rrule} | fields
    series: dict[str, Any] = world.a.post("/events", body)
    return series


def event_ids(series: Mapping[str, Any]) -> list[str]:
    return [each["event_id"] for each in series["occurrences"]]


def events_of(world: World) -> list[tuple[str, str, str]]:
    """Title, start and length in hours of every event, by the wall."""
    return [
        (each["title"], f"{wall(each['starts_at']):%m-%d %H:%M}", f"{wall(each['ends_at']) - wall(each['starts_at'])}")
        for each in world.a.get("/events?limit=200")["data"]
    ]


def test_events_change_one_by_one_together_or_from_one_on(world: World) -> None:
    series = lunch(world)
    first, second, third, _ = event_ids(series)
    world.a.patch(f"/events/{second}", {"title": "Lunch out", "ends_at": at("12-08 14:00")})
    world.a.patch(f"/events/{first}", {"title": "Break", "scope": "all"})
    assert events_of(world) == [
        ("Break", "12-01 12:00", "1:00:00"),
        ("Break", "12-08 12:00", "2:00:00"),
        ("Break", "12-15 12:00", "1:00:00"),
        ("Break", "12-22 12:00", "1:00:00"),
    ]
    body = {"starts_at": at("12-15 12:30"), "ends_at": at("12-15 14:00"), "notes": "long", "scope": "following"}
    changed = world.a.patch(f"/events/{third}", body)
    assert changed["series_id"] != series["id"]
    assert [start for _, start, _ in events_of(world)] == ["12-01 12:00", "12-08 12:00", "12-15 12:30", "12-22 12:30"]
    assert events_of(world)[3] == ("Break", "12-22 12:30", "1:30:00")
    assert world.a.get(f"/series/{series['id']}")["rrule"] == "FREQ=WEEKLY;UNTIL=20261208T120000"
    assert world.a.get(f"/series/{changed['series_id']}")["rrule"] == "FREQ=WEEKLY;COUNT=2"
    whole = world.a.patch(f"/events/{third}", {"all_day": True, "scope": "all"})
    assert whole["starts_at"] == at("12-15 00:00")
    assert events_of(world)[3] == ("Break", "12-22 00:00", "1 day, 0:00:00")
    assert world.broken_invariants() == {}


@pytest.mark.parametrize(
    ("said", "starts", "length"),
    [
        ({"ends_at": at("12-09 16:00")}, ["12-01 12:00", "12-09 14:00", "12-15 12:00"], "2:00:00"),
        ({"all_day": True}, ["12-01 00:00", "12-09 00:00", "12-15 00:00"], "1 day, 0:00:00"),
        ({"starts_at": at("12-09 14:00")}, ["12-02 14:00", "12-09 14:00", "12-16 14:00"], "1:00:00"),
    ],
)
def test_what_is_said_of_an_event_that_was_moved_by_itself_moves_the_others_only_where_its_start_is_said(
    world: World, said: dict[str, Any], starts: list[str], length: str
) -> None:
    series = lunch(world)
    second = event_ids(series)[1]
    world.a.patch(f"/events/{second}", {"starts_at": at("12-09 14:00"), "ends_at": at("12-09 15:00")})
    changed = world.a.patch(f"/events/{second}", said | {"scope": "all"})
    assert [start for _, start, _ in events_of(world)[:3]] == starts
    assert {each for _, _, each in events_of(world)} == {length}
    assert changed["starts_at"] == at(starts[1])
    assert world.broken_invariants() == {}


def test_all_events_change_where_none_meets_a_session(world: World) -> None:
    series = lunch(world)
    session = world.a.post("/sessions", booking(world, at("12-15 13:00")))
    body = {"ends_at": at("12-01 13:30"), "scope": "all"}
    problem = world.a.refused(409, "slot_taken", "PATCH", f"/events/{event_ids(series)[0]}", body)
    assert [each["id"] for each in problem["conflicts"]] == [session["id"]]
    assert {length for _, _, length in events_of(world)} == {"1:00:00"}


@pytest.mark.parametrize(("scope", "left"), [("this", 3), ("following", 1), ("all", 0)])
def test_events_are_removed_one_by_one_together_or_from_one_on(world: World, scope: str, left: int) -> None:
    series = lunch(world)
    second = event_ids(series)[1]
    path = f"/events/{second}?scope={scope}"
    world.b.refused(404, "not_found", "DELETE", path)
    world.a.refused(412, "stale", "DELETE", path, None, If_Match='"7"')
    assert world.a("DELETE", path).status_code == 204
    assert len(world.a.get("/events")["data"]) == left
    world.a.refused(404, "not_found", "GET", f"/events/{second}")
    assert len(world.a.get(f"/series/{series['id']}")["occurrences"]) == left
    world.a.post("/sessions", booking(world, at("12-08 12:00")))
    world.a.refused(422, "invalid", "DELETE", f"/events/{second}?scope=none")
    assert world.broken_invariants() == {}


def test_events_that_are_over_stay(world: World) -> None:
    series = lunch(world)
    world.clock.advance(days=2)
    world.a("DELETE", f"/events/{event_ids(series)[2]}?scope=all")
    assert [start for _, start, _ in events_of(world)] == ["12-01 12:00"]


# --- the series itself ---


def test_a_series_is_changed_as_a_whole(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=3")
    path = f"/series/{series['id']}"
    changed = world.a.patch(path, {"template": {"starts_at": at("12-01 11:00"), "notes": "x"}}, If_Match='"1"')
    assert (changed["version"], changed["template"]["notes"]) == (2, "x")
    assert shown(world, series) == ["12-01 11:00", "12-08 11:00", "12-15 11:00"]
    world.a.refused(412, "stale", "PATCH", path, {"template": {"notes": "y"}}, If_Match='"1"')
    assert world.a.patch(path, {})["version"] == 2
    assert world.broken_invariants() == {}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"template": {"client_id": "cli_1"}}, "/template/client_id"),
        ({"template": {"service_id": "svc_none"}}, "/template/service_id"),
        ({"template": {"title": "x"}}, "/template/title"),
        ({"rrule": "FREQ=NEVER"}, "/rrule"),
        ({"rrule": "FREQ=DAILY;UNTIL=20200101"}, "/rrule"),
        ({"kind": "event"}, "/kind"),
        ({"refund": "half"}, "/refund"),
    ],
)
def test_what_a_series_cannot_become_is_refused(light_world: World, body: dict[str, Any], pointer: str) -> None:
    series = make(light_world, "FREQ=WEEKLY;COUNT=2")
    problem = light_world.a.refused(422, "invalid", "PATCH", f"/series/{series['id']}", body)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert light_world.a.get(f"/series/{series['id']}") == series


def test_another_rule_cancels_what_it_no_longer_names_and_makes_the_rest(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=3")
    world.clock.advance(days=2)  # the first is over
    path = f"/series/{series['id']}"
    changed = world.a.patch(path, {"rrule": "FREQ=WEEKLY;INTERVAL=2;COUNT=4"})
    assert starts(changed) == ["12-01 10:00", "12-15 10:00", "12-29 10:00", "01-12 10:00"]
    gone = world.a.get(f"/sessions/{ids(series)[1]}")
    assert (gone["status"], gone["series_id"]) == ("cancelled", None)
    assert ids(changed)[:2] == [ids(series)[0], ids(series)[2]]
    assert world.a.get(f"/sessions/{ids(changed)[3]}")["series_id"] == series["id"]
    taken = world.a.post("/sessions", booking(world, at("12-08 10:00")))
    problem = world.a.refused(409, "slot_taken", "PATCH", path, {"rrule": "FREQ=WEEKLY;COUNT=3"})
    assert [each["id"] for each in problem["conflicts"]] == [taken["id"]]
    again = world.a.patch(path, {"rrule": "FREQ=WEEKLY;COUNT=3", "on_conflict": "skip"})
    assert (starts(again), results(again)) == (
        ["12-01 10:00", "12-08 10:00", "12-15 10:00"],
        ["created", "skipped", "created"],
    )
    assert world.broken_invariants() == {}


def test_rule_and_time_change_in_one_and_what_was_moved_is_where_it_was_moved_to(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;BYDAY=TU;COUNT=4")
    path = f"/series/{series['id']}"
    world.a.patch(path, {"template": {"starts_at": at("12-02 11:00")}})
    assert shown(world, series) == ["12-02 11:00", "12-09 11:00", "12-16 11:00", "12-23 11:00"]
    # To the series its own days are those on which it is: Wednesdays, of which it keeps all.
    changed = world.a.patch(
        path, {"rrule": "FREQ=WEEKLY;BYDAY=WE,FR;COUNT=5", "template": {"starts_at": at("12-02 12:00")}}
    )
    assert starts(changed) == ["12-02 12:00", "12-04 12:00", "12-09 12:00", "12-11 12:00", "12-16 12:00"]
    assert shown(world, changed) == starts(changed)
    assert changed["shift_seconds"] == 0
    assert [ids(changed)[n] for n in (0, 2, 4)] == ids(series)[:3]
    assert world.a.get(f"/sessions/{ids(series)[3]}")["status"] == "cancelled"
    assert world.broken_invariants() == {}


def test_another_rule_says_first_which_paid_deposits_it_touches(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=2", service_id=world.session_type(deposit=QUARTER))
    pay(world, sessions(world, series)[1])
    path = f"/series/{series['id']}"
    problem = world.a.refused(409, "refund_decision_required", "PATCH", path, {"rrule": "FREQ=WEEKLY;COUNT=1"})
    assert [each["session_id"] for each in problem["deposits"]] == [ids(series)[1]]
    world.a.patch(path, {"rrule": "FREQ=WEEKLY;COUNT=1", "refund": "skip"})
    cancelled = world.a.get(f"/sessions/{ids(series)[1]}")
    assert (cancelled["status"], cancelled["cancellation"]["refund"]) == ("cancelled", "skip")


def test_another_rule_counts_what_it_makes_against_the_plan(world: World) -> None:
    from services.scheduling.tests.test_series import free_series

    series = world.b.post("/series", free_series(world, "FREQ=WEEKLY;COUNT=10"))
    path = f"/series/{series['id']}"
    world.b.refused(409, "plan_limit_reached", "PATCH", path, {"rrule": "FREQ=WEEKLY;COUNT=16"})
    assert len(world.b.patch(path, {"rrule": "FREQ=WEEKLY;COUNT=15"})["occurrences"]) == 15


def test_another_rule_keeps_to_the_hours_that_were_left_on_purpose(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=2", "12-05 10:00", allow_outside_hours=True, override_reason="Saturdays")
    changed = world.a.patch(f"/series/{series['id']}", {"rrule": "FREQ=WEEKLY;COUNT=4"})
    assert results(changed) == ["created"] * 4
    later = {"starts_at": at("12-12 11:00"), "scope": "all"}
    path = f"/sessions/{ids(changed)[1]}"
    problem = world.a.refused(409, "slot_taken", "PATCH", path, later)
    assert {each["kind"] for each in problem["conflicts"]} == {"outside_working_hours"}
    world.a.patch(path, later | {"allow_outside_hours": True, "override_reason": "still Saturdays"})
    assert shown(world, changed) == ["12-05 11:00", "12-12 11:00", "12-19 11:00", "12-26 11:00"]


def test_a_series_keeps_the_timezone_that_it_was_made_in(world: World) -> None:
    whole = {"title": "Off", "starts_at": at("12-05 00:00"), "all_day": True, "rrule": "FREQ=WEEKLY;COUNT=3"}
    days, series = world.a.post("/events", whole), make(world, "FREQ=WEEKLY;COUNT=3")
    world.provision("acc_a", username="anna", timezone="America/New_York")
    world.a.patch(f"/sessions/{ids(series)[0]}", {"starts_at": at("12-01 16:00"), "scope": "all", "allow_outside_hours": True, "override_reason": "moved"})  # fmt: skip
    assert shown(world, series) == ["12-01 16:00", "12-08 16:00", "12-15 16:00"]
    world.a.patch(f"/events/{event_ids(days)[0]}", {"ends_at": at("12-07 00:00"), "scope": "all"})
    assert events_of(world) == [("Off", f"12-{day} 00:00", "2 days, 0:00:00") for day in ("05", "12", "19")]
    assert world.a.get(f"/series/{series['id']}")["timezone"] == "Europe/Berlin"
    assert world.broken_invariants() == {}


def test_events_follow_another_rule(world: World) -> None:
    series = lunch(world)
    changed = world.a.patch(f"/series/{series['id']}", {"rrule": "FREQ=DAILY;COUNT=3", "template": {"title": "Nap"}})
    assert events_of(world) == [("Nap", f"12-0{day} 12:00", "1:00:00") for day in (1, 2, 3)]
    assert event_ids(changed)[0] == event_ids(series)[0]
    assert world.broken_invariants() == {}


def test_an_ended_series_is_gone_and_its_sessions_to_come_are_cancelled(world: World) -> None:
    series = make(world, "FREQ=WEEKLY", service_id=world.session_type(deposit=QUARTER))
    pay(world, sessions(world, series)[1])
    world.clock.advance(days=2)
    path = f"/series/{series['id']}"
    problem = world.a.refused(409, "refund_decision_required", "DELETE", path)
    assert [each["session_id"] for each in problem["deposits"]] == [ids(series)[1]]
    world.a.refused(422, "invalid", "DELETE", f"{path}?refund=half")
    world.a.refused(412, "stale", "DELETE", f"{path}?refund=refund", None, If_Match='"9"')
    assert world.a("DELETE", f"{path}?refund=refund&reason=moving").status_code == 204
    found = sessions(world, series)
    assert [each["status"] for each in found] == ["confirmed"] + ["cancelled"] * 51
    assert found[1]["deposit"]["status"] == "refund_pending"
    assert {each["cancellation"]["reason"] for each in found[1:]} == {"moving"}
    for method in ("GET", "DELETE"):
        world.a.refused(404, "not_found", method, path)
    world.a.refused(422, "invalid", "PATCH", f"/sessions/{ids(series)[0]}", {"notes": "x", "scope": "all"})
    assert world.a.get("/series")["data"] == []
    world.clock.advance(days=60)
    extend(world)
    assert len(world.a.get("/sessions?limit=200")["data"]) == 52
    assert world.broken_invariants() == {}


def test_a_series_of_events_ends_with_its_events_to_come(world: World) -> None:
    series = lunch(world)
    world.clock.advance(days=2)
    assert world.a("DELETE", f"/series/{series['id']}").status_code == 204
    assert [start for _, start, _ in events_of(world)] == ["12-01 12:00"]
    assert world.broken_invariants() == {}


def test_naming_the_start_that_a_session_in_a_gap_has_moves_nothing(light_world: World) -> None:
    world = light_world
    always = [
        {"weekday": day, "start": "00:00", "end": "24:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    ]
    world.a.patch(f"/calendars/{world.a.get('/calendars')['data'][0]['id']}", {"working_hours": always})
    template = {
        "service_id": world.session_type(),
        "client_id": world.new_client(),
        "starts_at": "2027-03-14T02:30:00+01:00",
    }
    made = world.a.post("/series", {"kind": "session", "rrule": "FREQ=WEEKLY;COUNT=4", "template": template})
    before = {each["session_id"]: each["starts_at"] for each in made["occurrences"]}
    third = list(before)[2]
    world.a.patch(f"/sessions/{third}", {"starts_at": before[third], "notes": "bring shoes", "scope": "all"})
    assert {id: world.a.get(f"/sessions/{id}")["starts_at"] for id in before} == before


def test_making_an_event_in_a_gap_longer_moves_no_start(light_world: World) -> None:
    world = light_world
    times = {"starts_at": "2027-03-14T02:30:00+01:00", "ends_at": "2027-03-14T03:30:00+01:00"}
    made = world.a.post("/events", {"title": "Night", **times, "rrule": "FREQ=WEEKLY;COUNT=4"})
    before = {each["event_id"]: each["starts_at"] for each in made["occurrences"]}
    world.a.patch(f"/events/{list(before)[2]}", {"ends_at": "2027-03-28T03:30:00Z", "scope": "all"})
    assert {id: world.a.get(f"/events/{id}")["starts_at"] for id in before} == before


def test_whole_days_begin_at_midnight_also_where_the_clocks_skip_the_first(light_world: World) -> None:
    world = light_world
    world.provision("acc_a", username="anna", timezone="Africa/Cairo")  # 2027-04-30, 00:00 -> 01:00
    whole = {"title": "Off", "starts_at": "2027-04-30T12:00:00+03:00", "all_day": True}
    made = world.a.post("/events", {**whole, "rrule": "FREQ=WEEKLY;COUNT=3"})
    starts_at = [world.a.get(f"/events/{each['event_id']}")["starts_at"] for each in made["occurrences"]]
    assert starts_at == ["2027-04-29T22:00:00Z", "2027-05-06T21:00:00Z", "2027-05-13T21:00:00Z"]


def test_saying_again_that_a_day_without_midnight_is_whole_moves_nothing(light_world: World) -> None:
    world = light_world
    world.provision("acc_a", username="anna", timezone="Africa/Cairo")
    whole = {"title": "Off", "starts_at": "2027-04-23T12:00:00+02:00", "all_day": True}
    made = world.a.post("/events", {**whole, "rrule": "FREQ=WEEKLY"})
    second = made["occurrences"][1]["event_id"]
    world.a.patch(f"/events/{second}", {"title": "Closed", "all_day": True, "scope": "all"})
    assert world.a.get(f"/series/{made['id']}")["shift_seconds"] == 0


def test_an_event_that_was_removed_is_of_the_series_that_its_neighbours_became(light_world: World) -> None:
    world = light_world
    lunch = {"title": "Lunch", "starts_at": at("12-01 12:00"), "ends_at": at("12-01 13:00")}
    made = world.a.post("/events", {**lunch, "rrule": "FREQ=WEEKLY;COUNT=4"})
    events = [each["event_id"] for each in made["occurrences"]]
    world.a.ok("DELETE", f"/events/{events[3]}")
    changed = world.a.patch(f"/events/{events[1]}", {"title": "Nap", "scope": "following"})
    report = world.a.get(f"/series/{changed['series_id']}")["occurrences"]
    assert [each["event_id"] for each in report] == events[1:3]
    assert world.broken_invariants() == {}
