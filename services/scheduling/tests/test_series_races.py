"""Series among many who book, move, split and cancel at once: whatever comes first, no time is anybody's twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

from services.scheduling.tests.driver import World, at
from services.scheduling.tests.test_races import at_once, outcome
from services.scheduling.tests.test_series import make, results, sessions
from werkzeug.test import TestResponse

Call = Callable[[], TestResponse]


def live(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = world.a.get(f"/sessions?limit=200&status=pending,confirmed,completed,no_show{cursor}")
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def no_two_overlap(world: World) -> None:
    by_start = sorted((session["starts_at"], session["ends_at"]) for session in live(world))
    assert all(one[1] <= other[0] for one, other in pairwise(by_start))
    assert world.broken_invariants() == {}


def test_two_hundred_at_once_with_series_and_single_sessions_never_share_a_time(world: World) -> None:
    type_, client, caller = world.session_type(), world.new_client(), world.a
    calls: list[Call] = []
    for n in range(200):
        template = {
            "service_id": type_,
            "client_id": client,
            "starts_at": at(f"12-0{1 + n % 3} {10 + n % 4}:{'00' if n % 2 else '30'}"),
        }
        if n % 4 == 0:
            calls.append(partial(caller, "POST", "/sessions", template))
        else:
            body = {
                "kind": "session",
                "template": template,
                "rrule": ("FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;COUNT=4", "FREQ=DAILY;INTERVAL=2;COUNT=3")[n % 3],
                "on_conflict": "skip" if n % 5 == 0 else "fail",
            }
            calls.append(partial(caller, "POST", "/series", body))
    answers = at_once(calls)
    assert set(outcome(answers)) <= {(201, None), (409, "slot_taken")}
    made = [answer.get_json() for answer in answers if answer.status_code == 201]
    assert made
    assert len(live(world)) == sum(results(each).count("created") if "occurrences" in each else 1 for each in made)
    no_two_overlap(world)


def test_fifty_of_one_key_make_one_series(world: World) -> None:
    template = {"service_id": world.session_type(), "client_id": world.new_client(), "starts_at": at("12-01 10:00")}
    body = {"kind": "session", "template": template, "rrule": "FREQ=WEEKLY;COUNT=5"}
    caller = world.a
    answers = at_once([lambda: caller("POST", "/series", body, Idempotency_Key="k")] * 50)
    assert outcome(answers) == {(201, None): 50}
    assert len({answer.data for answer in answers}) == 1
    assert len(live(world)) == 5


def test_changes_of_one_series_at_once_come_one_after_the_other(world: World) -> None:
    """Splits, moves of all, of one and by hand, cancellations, restores and bookings in between."""
    series = make(world, "FREQ=WEEKLY;COUNT=8")
    type_, client, caller = world.session_type(), world.new_client(), world.a
    ids = [each["session_id"] for each in series["occurrences"]]
    starts = [session["starts_at"] for session in sessions(world, series)]
    calls: list[Call] = []
    for n in range(8):
        path, later = f"/sessions/{ids[n]}", starts[n].replace("T09:", f"T1{n % 4}:")
        calls += [
            partial(caller, "PATCH", path, {"starts_at": later, "scope": "following"}),
            partial(caller, "PATCH", path, {"starts_at": later, "scope": "all"}),
            partial(caller, "POST", f"{path}/reschedule", {"starts_at": later}),
            partial(caller, "POST", f"{path}/cancel", {"scope": ("this", "following")[n % 2]}),
            partial(caller, "POST", f"{path}/restore", {}),
            partial(caller, "POST", "/sessions", {"service_id": type_, "client_id": client, "starts_at": later}),
        ]
    answers = at_once(calls)
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert {code for _, code in outcome(answers)} <= {None, "slot_taken", "invalid_transition", "outside_working_hours"}
    no_two_overlap(world)
    for session_id in ids:
        told = [sequence for _, sequence, _ in world.events(session_id)]
        assert told == list(range(1, len(told) + 1))
        assert world.a.get(f"/sessions/{session_id}")["version"] == len(told)


def test_extending_while_the_series_is_split_or_ended_makes_nothing_twice(world: World) -> None:
    series = make(world, "FREQ=WEEKLY")
    world.clock.advance(days=60)
    caller = world.a
    ids = [each["session_id"] for each in series["occurrences"]]
    (job,) = [job for job in world.service.jobs() if job.name == "extend-series"]

    def extend() -> TestResponse:
        while job.run():
            pass
        return caller("GET", "/account")

    def split(n: int) -> TestResponse:
        return caller("PATCH", f"/sessions/{ids[n]}", {"notes": f"from {n}", "scope": "following"})

    end = partial(caller, "POST", f"/sessions/{ids[40]}/cancel", {"scope": "following"})
    answers = at_once([extend, partial(split, 20), extend, partial(split, 30), end, extend])
    assert {answer.status_code for answer in answers} == {200}
    times = [session["starts_at"] for session in live(world)]
    assert len(set(times)) == len(times)
    no_two_overlap(world)


def test_events_that_recur_and_sessions_at_once_share_no_time(world: World) -> None:
    type_, client, caller = world.session_type(), world.new_client(), world.a
    calls: list[Call] = []
    for n in range(40):
        starts_at = at(f"12-0{1 + n % 3} 1{n % 4}:00")
        if n % 2:
            event = {"title": "Off", "starts_at": starts_at, "ends_at": starts_at.replace(":00:00Z", ":30:00Z")}
            calls.append(partial(caller, "POST", "/events", event | {"rrule": "FREQ=DAILY;COUNT=3"}))
        else:
            body = {"service_id": type_, "client_id": client, "starts_at": starts_at}
            calls.append(partial(caller, "POST", "/sessions", body))
    assert set(outcome(at_once(calls))) <= {(201, None), (409, "slot_taken")}
    blocked = [(event["starts_at"], event["ends_at"]) for event in world.a.get("/events?limit=200")["data"]]
    assert blocked
    for session in live(world):
        assert not any(start < session["ends_at"] and end > session["starts_at"] for start, end in blocked)
    no_two_overlap(world)
