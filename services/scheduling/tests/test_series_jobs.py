"""What falls due in a series: occurrences that come within twelve months, and deposits some days before each session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from services.scheduling.tests.driver import SECRET, World, at, client_data
from services.scheduling.tests.test_booking import booking
from services.scheduling.tests.test_deposits import QUARTER
from services.scheduling.tests.test_series import free_series, make, results, sessions, wall

from chassis.jobs import Job
from support.processes import Processes
from support.waiting import wait_until


def job(world: World, name: str) -> Job:
    (found,) = [job for job in world.service.jobs() if job.name == name]
    return found


def run(world: World, name: str) -> int:
    """Run the job until nothing is left to do; how much that was."""
    done = 0
    while portion := job(world, name).run():
        done += portion
    return done


def seen(world: World, series: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = world.a.get(f"/series/{series['id']}")
    return found


# --- extending ---


def test_a_series_is_always_made_twelve_months_ahead(world: World) -> None:
    series = make(world, "FREQ=WEEKLY")
    assert run(world, "extend-series") == 0
    for days in (1, 7, 30, 200):
        world.clock.advance(days=days)
        run(world, "extend-series")
        now, found = world.clock.now(), seen(world, series)["occurrences"]
        starts = [wall(each["starts_at"]) for each in found]
        assert {start.hour for start in starts} == {10}
        assert starts == [starts[0] + timedelta(days=7) * n for n in range(len(starts))]
        last = datetime.fromisoformat(found[-1]["starts_at"])
        assert timedelta(days=358) < last - now <= timedelta(days=366)
    assert seen(world, series)["version"] > 1
    assert world.broken_invariants() == {}


def test_a_series_with_an_end_comes_to_it_and_goes_no_further(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=60")
    assert len(series["occurrences"]) == 52
    world.clock.advance(days=400)
    run(world, "extend-series")
    assert len(seen(world, series)["occurrences"]) == 60
    assert job(world, "extend-series").next_due() is None  # type: ignore[misc]


def test_what_is_added_is_told_without_a_batch_so_that_it_is_confirmed_to_nobody(world: World) -> None:
    make(world, "FREQ=WEEKLY")
    world.clock.advance(days=14)
    run(world, "extend-series")
    told = [data for type_, _, data in world.events(prefix="session.created")]
    assert [data["batch"] is None for data in told] == [False] * 52 + [True] * 2
    assert {(data["source"], data["status"]) for data in told} == {("series", "confirmed")}
    added = world.a.get(f"/sessions/{told[-1]['id']}/history")["data"][0]
    assert (added["actor"], added["action"]) == ("system", "created")


def test_what_is_in_the_way_of_a_later_occurrence_makes_it_skipped_for_good(world: World) -> None:
    series = make(world, "FREQ=WEEKLY", allow_overlap=True, override_reason="as they are now")
    taken = world.a.post("/sessions", booking(world, "2027-11-30T09:00:00Z"))
    world.clock.advance(days=14)
    run(world, "extend-series")
    added = seen(world, series)["occurrences"][52:]
    assert [each["result"] for each in added] == ["skipped", "created"]
    assert [each["id"] for each in added[0]["conflicts"]] == [taken["id"]]
    world.a.post(f"/sessions/{taken['id']}/cancel")
    world.clock.advance(days=7)
    run(world, "extend-series")
    assert results(seen(world, series))[52:] == ["skipped", "created", "created"]
    assert world.broken_invariants() == {}


def test_a_series_outside_the_hours_on_purpose_stays_there(world: World) -> None:
    series = make(world, "FREQ=WEEKLY", "12-05 10:00", allow_outside_hours=True, override_reason="Saturdays")
    world.clock.advance(days=14)
    run(world, "extend-series")
    assert results(seen(world, series)) == ["created"] * 54


def test_events_are_extended_as_well(world: World) -> None:
    body = {"title": "Lunch", "starts_at": at("12-01 12:00"), "ends_at": at("12-01 13:00"), "rrule": "FREQ=WEEKLY"}
    series = world.a.post("/events", body)
    world.clock.advance(days=14)
    run(world, "extend-series")
    added = seen(world, series)["occurrences"][52:]
    assert [world.a.get(f"/events/{each['event_id']}")["title"] for each in added] == ["Lunch", "Lunch"]
    assert world.broken_invariants() == {}


def test_a_type_that_is_not_active_holds_its_series_back_until_it_is_again(world: World) -> None:
    type_ = world.session_type()
    series = make(world, "FREQ=WEEKLY", service_id=type_)
    world.a.patch(f"/services/{type_}", {"active": False})
    world.clock.advance(days=14)
    run(world, "extend-series")
    assert len(seen(world, series)["occurrences"]) == 52
    world.a.patch(f"/services/{type_}", {"active": True})
    world.clock.advance(days=1)
    run(world, "extend-series")
    assert len(seen(world, series)["occurrences"]) == 55


def test_one_series_that_cannot_go_on_holds_up_no_other(world: World) -> None:
    type_ = world.session_type()
    make(world, "FREQ=WEEKLY", service_id=type_)
    other = make(world, "FREQ=WEEKLY", "12-01 14:00")
    world.a("DELETE", f"/services/{type_}")
    world.clock.advance(days=14)
    run(world, "extend-series")
    assert len(seen(world, other)["occurrences"]) == 54


def test_the_plan_limits_what_is_added_to_what_the_month_has_room_for(world: World) -> None:
    series = world.b.post("/series", free_series(world, "FREQ=MONTHLY;BYDAY=1TU"))
    world.clock.set(datetime(2027, 3, 10, tzinfo=UTC))
    template = free_series(world, "", "12-02 10:00")["template"]
    for n in range(13):
        starts_at = (datetime(2027, 3, 15, 8, tzinfo=UTC) + timedelta(days=7 * n)).isoformat()
        world.b.post("/sessions", template | {"starts_at": starts_at})

    def made() -> int:
        return len(world.b.get(f"/series/{series['id']}")["occurrences"])

    # Four are due, of which the month has room for two; the others are made when April has begun.
    assert made() == 12
    run(world, "extend-series")
    assert made() == 14
    assert world.b("POST", "/sessions", template).get_json()["code"] == "plan_limit_reached"
    world.clock.set(datetime(2027, 4, 1, tzinfo=UTC))
    run(world, "extend-series")
    assert made() == 16
    assert world.broken_invariants() == {}


def test_a_client_who_was_merged_is_followed_and_one_who_was_deleted_is_not_booked(world: World) -> None:
    one, heir = world.new_client(name="One"), world.new_client(name="Heir")
    series = make(world, "FREQ=WEEKLY", client_id=one)
    world.tell("client.merged", client_data(one, version=2, merged_into=heir))
    assert seen(world, series)["template"]["client_id"] == heir
    world.clock.advance(days=7)
    run(world, "extend-series")
    assert sessions(world, seen(world, series))[-1]["client_id"] == heir
    world.tell("client.deleted", client_data(heir, version=2, deleted=True))
    world.clock.advance(days=7)
    run(world, "extend-series")
    assert len(seen(world, series)["occurrences"]) == 53
    world.tell("client.restored", client_data(heir, version=3))
    world.clock.advance(days=1)
    run(world, "extend-series")
    assert len(seen(world, series)["occurrences"]) == 55


def test_an_erased_clients_series_ends_and_keeps_no_texts(world: World) -> None:
    client = world.new_client()
    series = make(world, "FREQ=WEEKLY", client_id=client, notes="knee", session_notes="shy")
    requested = {"id": client, "account_id": "acc_a", "version": 5, "requested_at": world.clock.now()}
    world.tell("client.erasure_requested", requested)
    template = seen(world, series)["template"]
    assert (template["notes"], template["session_notes"]) == ("", "")
    world.clock.advance(days=30)
    run(world, "extend-series")
    assert len(seen(world, series)["occurrences"]) == 52
    assert world.broken_invariants() == {}


def test_erasing_a_client_blanks_why_an_event_overlaps_their_session(world: World) -> None:
    client = world.new_client()
    world.a.post("/sessions", booking(world, at("12-01 10:00"), client_id=client))
    over = {"allow_overlap": True, "override_reason": "Anna's knee"}
    body = {"title": "Call", "starts_at": at("12-01 10:00"), "ends_at": at("12-01 10:30")}
    event = world.a.post("/events", body | over)
    requested = {"id": client, "account_id": "acc_a", "version": 5, "requested_at": world.clock.now()}
    world.tell("client.erasure_requested", requested)
    assert [row["reason"] for row in world.a.get(f"/events/{event['id']}/history")["data"]] == ["(erased)"]


def test_four_runners_at_once_make_each_occurrence_once(world: World) -> None:
    many = [make(world, "FREQ=WEEKLY", f"12-0{day} {hour}:00") for day in (1, 2) for hour in (10, 12, 14)]
    world.clock.advance(days=100)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: run(world, "extend-series"), range(4)))
    assert sum(done) == len(many)
    _each_was_made_once(world, many)


def test_four_processes_at_once_make_each_occurrence_once(world: World, processes: Processes) -> None:
    """Real processes by the real clock, which find series that were made a hundred days ago."""
    world.clock.set(datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=100))
    template = booking(world, "", allow_outside_hours=True, override_reason="whenever")
    many = []
    for hours in range(24, 36, 2):
        template["starts_at"] = (world.clock.now() + timedelta(hours=hours)).isoformat()
        many.append(world.a.post("/series", {"kind": "session", "template": template, "rrule": "FREQ=WEEKLY"}))
    settings = world.service.settings
    environment = {
        "STORE_URL": settings.store_url,
        "BROKER_URL": "memory://",
        "PUBLIC_URL": settings.public_url,
        "SERVICE_JWT_SECRET": SECRET,
        "AUTH_JWT_SECRET": SECRET,
        "CLIENTS_URL": world.clients.url,
        "PAYMENTS_PUBLIC_URL": "http://pay.example",
    }
    for _ in range(4):
        processes.start("scheduling", "jobs", environment=environment, wait=False)

    def extended() -> bool:
        with world.service.store.reading():
            due = world.service.store.execute("SELECT count(*) FROM series WHERE extend_at <= %s", (datetime.now(UTC),))
        return bool(due[0][0] == 0)

    wait_until(extended, deadline=120, what="every series to be extended")
    _each_was_made_once(world, many)


def _each_was_made_once(world: World, many: list[dict[str, Any]]) -> None:
    created = [data for type_, _, data in world.events() if type_ == "session.created"]
    assert len({data["id"] for data in created}) == len(created)
    by_time = {(data["series_id"], data["starts_at"]) for data in created}
    assert len(by_time) == len(created)
    for series in many:
        found = seen(world, series)["occurrences"]
        assert len(found) in {66, 67}
        assert len({each["session_id"] for each in found}) == len(found)
    assert world.broken_invariants() == {}


# --- deposits ---


def test_each_deposit_is_asked_fourteen_days_before_its_session(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=4", service_id=world.session_type(deposit=QUARTER))
    third = sessions(world, series)[2]  # on 15 December, at ten
    asks = job(world, "ask-deposits").next_due
    assert asks is not None
    assert asks() == datetime(2026, 12, 1, 9, tzinfo=UTC)
    world.clock.set(datetime(2026, 12, 1, 8, 59, 59, tzinfo=UTC))
    assert run(world, "ask-deposits") == 0
    world.clock.set(datetime(2026, 12, 1, 9, tzinfo=UTC))
    assert run(world, "ask-deposits") == 1
    asked = world.a.get(f"/sessions/{third['id']}")
    assert (asked["version"], asked["deposit"]["status"], asked["deposit"]["amount"]) == (2, "required", 2000)
    assert asked["payment_url"].startswith("http://pay.example/v1/pay/")
    type_, sequence, data = world.events(third["id"])[-1]
    assert (type_, sequence, data["deposit"]["due_amount"]) == ("session.updated", 2, 2000)
    history = world.a.get(f"/sessions/{third['id']}/history")["data"][-1]
    assert (history["actor"], history["changes"]["deposit"][0]) == ("system", None)
    world.clock.advance(days=7)
    assert run(world, "ask-deposits") == 1
    assert asks() is None
    assert world.broken_invariants() == {}


def test_the_plan_of_that_day_counts(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=4", service_id=world.session_type(deposit=QUARTER))
    world.provision("acc_a", username="anna", plan="pro")
    world.clock.advance(days=7)
    run(world, "ask-deposits")
    deposits = [session["deposit"] for session in sessions(world, series)]
    assert [(each or {}).get("status") for each in deposits] == ["required", "required", "not_asked", None]
    assert deposits[2]["reason"] == "plan"


def test_one_that_is_moved_near_is_asked_at_once_and_one_that_is_moved_away_later(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=4", service_id=world.session_type(deposit=QUARTER))
    _, _, third, fourth = sessions(world, series)
    near = world.a.post(f"/sessions/{fourth['id']}/reschedule", {"starts_at": at("12-03 10:00")})
    assert near["deposit"]["status"] == "required"
    world.a.post(f"/sessions/{third['id']}/reschedule", {"starts_at": at("12-29 10:00")})
    world.clock.advance(days=14)
    assert run(world, "ask-deposits") == 0
    world.clock.advance(days=1, hours=1)
    assert run(world, "ask-deposits") == 1


def test_a_cancelled_one_is_not_asked_until_it_is_restored(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=3", service_id=world.session_type(deposit=QUARTER))
    third = sessions(world, series)[2]
    world.a.post(f"/sessions/{third['id']}/cancel")
    world.clock.advance(days=3)
    assert run(world, "ask-deposits") == 0
    world.a.post(f"/sessions/{third['id']}/restore")
    assert run(world, "ask-deposits") == 1
    assert world.a.get(f"/sessions/{third['id']}")["deposit"]["status"] == "required"


def test_another_type_or_price_changes_what_will_be_asked(world: World) -> None:
    type_, free = world.session_type(deposit=QUARTER), world.session_type(deposit=None)
    series = make(world, "FREQ=WEEKLY;COUNT=5", service_id=type_)
    third, fourth, fifth = sessions(world, series)[2:]
    assert world.a.patch(f"/sessions/{third['id']}", {"price": {"amount": 4000}})["deposit"] is None
    world.a.patch(f"/sessions/{fourth['id']}", {"service_id": free})
    world.a.patch(f"/sessions/{fifth['id']}", {"service_id": free})
    world.a.patch(f"/sessions/{fifth['id']}", {"service_id": type_})
    world.clock.advance(days=30)
    assert run(world, "ask-deposits") == 2
    amounts = [(session["deposit"] or {}).get("amount") for session in sessions(world, series)]
    assert amounts == [2000, 2000, 1000, None, 2000]


def test_a_deposit_that_came_to_nothing_is_no_change(world: World) -> None:
    type_ = world.session_type(deposit=QUARTER)
    series = make(world, "FREQ=WEEKLY;COUNT=3", service_id=type_)
    world.a.patch(f"/services/{type_}", {"deposit": None})
    world.clock.advance(days=3)
    assert run(world, "ask-deposits") == 1
    assert world.a.get(f"/sessions/{series['occurrences'][2]['session_id']}")["version"] == 1
    assert run(world, "ask-deposits") == 0


def test_four_runners_at_once_ask_each_deposit_once(world: World) -> None:
    series = make(world, "FREQ=WEEKLY;COUNT=20", service_id=world.session_type(deposit=QUARTER))
    world.clock.advance(days=100)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: run(world, "ask-deposits"), range(4)))
    asked = [session for session in sessions(world, series) if session["version"] == 2]
    assert sum(done) == len(asked) == 15
    assert world.broken_invariants() == {}


@pytest.mark.parametrize("days", [0, 30])
def test_how_many_days_ahead_is_a_setting(light_settings: Callable[..., World], days: int) -> None:
    world = light_settings(series_ask_days=days)
    series = make(world, "FREQ=WEEKLY;COUNT=6", service_id=world.session_type(deposit=QUARTER))
    asked = [session["deposit"] is not None for session in sessions(world, series)]
    assert asked == [n * 7 + 1 <= days for n in range(6)]
