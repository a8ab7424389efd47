"""The demo's practice: in every state that a console shows, of people who do not exist, and made once."""

from __future__ import annotations

import random
import re
from datetime import date
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from deploy.embedded.tests.driver import Running, run

from embedded import demo_data
from embedded.diary import CALENDARS, HOLIDAY, TYPES, Diary, anchor_by, anchor_of, diary
from embedded.invented import MOST, people
from embedded.practice import Practice

BERLIN = ZoneInfo("Europe/Berlin")
# What regulators keep free for film and print, and RFC 2606 for examples.
NO_SUBSCRIBER = re.compile(
    r"\+49(3023125|4066969|6990009|8999998|2214710)\d{3}|\+447700900\d{3}|\+3363998\d{4}|\+1\d{3}55501\d{2}"
)
NO_MAILBOX = re.compile(r"[a-z.-]+@(example\.(org|net|com)|\w+\.example)")


def everything(practice: Practice) -> dict[str, list[dict[str, Any]]]:
    def pages(service: str, path: str, **params: str) -> list[dict[str, Any]]:
        page = practice.get(service, path, limit=200, **params)
        assert page["next_cursor"] is None
        return list(page["data"])

    return {
        "clients": pages("clients", "/v1/clients"),
        "types": pages("scheduling", "/v1/services"),
        "calendars": pages("scheduling", "/v1/calendars"),
        "events": pages("scheduling", "/v1/events", **{"from": "2000-01-01T00:00:00Z"}),
        "sessions": pages("scheduling", "/v1/sessions"),
        "deposits": pages("payments", "/v1/deposits"),
    }


def filled(suite: Running) -> str:
    done = run(
        "embedded.demo_data", "--port", str(suite.port), "--data-dir", str(suite.data_dir), "--clients", "12", "--weeks", "1",
        deadline=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_fills_the_demos_account_and_a_second_run_adds_nothing(suite: Running) -> None:
    suite.start()
    assert "12 clients" in filled(suite)
    practice = suite.practice()
    there = everything(practice)

    assert {session["status"] for session in there["sessions"]} == {
        "confirmed", "pending", "completed", "no_show", "cancelled",
    }  # fmt: skip
    assert {session["source"] for session in there["sessions"]} >= {"manual", "series"}
    assert "paid" in {deposit["status"] for deposit in there["deposits"]}
    assert len(there["clients"]) == 12
    assert {kind["name"] for kind in there["types"]} == {kind.name for kind in TYPES}
    assert len(there["calendars"]) == len(CALENDARS)
    assert sum(event["title"] == HOLIDAY and event["all_day"] for event in there["events"]) == len(CALENDARS)
    assert practice.get("scheduling", "/v1/account")["booking"]["enabled"] is True

    # As its owner sees fit from now on.
    answer = practice.call("PATCH", "scheduling", "/v1/account", json={"booking": {"enabled": False}})
    assert answer.status_code == 200
    assert filled(suite) == "added: nothing, it is all there\n"
    again = everything(practice)
    assert {what: len(rows) for what, rows in again.items()} == {what: len(rows) for what, rows in there.items()}
    assert practice.get("scheduling", "/v1/account")["booking"]["enabled"] is False
    for service in ("scheduling", "clients", "payments", "notifications"):
        assert [i for i in practice.get(service, "/v1/ops/invariants")["data"] if i["violations"]] == []


def test_a_suite_with_real_keys_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer:
        status_code = 200

        def json(self) -> dict[str, bool]:
            return {"sandbox": False}

    monkeypatch.setattr(requests, "get", lambda *_, **__: Answer())
    with pytest.raises(demo_data.RealMoney):
        demo_data.refuse_the_real_world("http://127.0.0.1:1")


def test_nobody_real_is_reached_and_nobody_is_invented_twice() -> None:
    invented = people(300, random.Random(1))
    assert invented == people(300, random.Random(1))
    for field, free in (("phone", NO_SUBSCRIBER), ("email", NO_MAILBOX)):
        given = [person[field] for person in invented if field in person]
        assert len(set(given)) == len(given)
        assert 200 < len(given) < 300
        assert [value for value in given if not free.fullmatch(value)] == []
    assert len({person["name"] for person in invented}) == 300
    with pytest.raises(ValueError, match="names"):
        people(MOST + 1, random.Random(1))


# The weeks in which the clocks are changed, and one over the end of the year.
@pytest.mark.parametrize("anchor", [date(2026, 10, 19), date(2027, 3, 22), date(2026, 12, 21)])
def test_no_two_sessions_of_a_calendar_meet_with_their_buffers_wherever_one_moves(anchor: date) -> None:
    plan = planned(anchor)
    kinds = {kind.name: kind for kind in TYPES}
    for calendar in CALENDARS:
        spans = []
        for booking in plan.bookings:
            if booking.calendar == calendar.name:
                kind = kinds[booking.kind]
                spans += [
                    (start - kind.before, start + kind.length + kind.after)
                    for start in {booking.starts_at, booking.moves_to}
                ]
        assert len(spans) > 50
        assert [(one, other) for one, other in pairwise(sorted(spans)) if one[1] > other[0]] == []


def test_the_week_it_was_counted_from_is_found_by_its_holiday() -> None:
    for day in range(23, 30):
        anchor = anchor_of(date(2026, 11, day))
        assert anchor == date(2026, 11, 23)
        holiday = next(each for each in planned(anchor).blocked if each.title == HOLIDAY)
        assert anchor_by(holiday.starts_at.date()) == anchor


def planned(anchor: date) -> Diary:
    return diary(anchor, clients=300, weeks=6, zone=BERLIN, rng=random.Random(1))
