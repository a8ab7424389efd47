"""The dashboard: what was booked, what became of it, what it brings, and who is new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from services.scheduling.tests.driver import NOW, World, at, client_data
from services.scheduling.tests.test_booking import booking

DECEMBER = {"from": at("12-01 00:00"), "to": "2026-12-31T23:00:00Z"}
NOTHING = {"pending": 0, "confirmed": 0, "cancelled": 0, "completed": 0, "no_show": 0}


def stats(world: World, **window: str) -> dict[str, Any]:
    found: dict[str, Any] = world.a.get("/stats?" + urlencode(window))
    return found


def euros(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def test_an_empty_practice_has_an_empty_dashboard(world: World) -> None:
    assert stats(world, **DECEMBER) == {
        "sessions": NOTHING,
        "upcoming": 0,
        "new_clients": 0,
        "expected_revenue": euros(0),
        "earned_revenue": euros(0),
        "rates": {"completed": None, "cancelled": None, "no_show": None},
    }


def test_sessions_are_counted_by_what_became_of_them(world: World) -> None:
    type_, client = world.session_type(price=euros(8000)), world.new_client()

    def book(starts_at: str, **fields: Any) -> str:
        body = booking(world, at(starts_at), service_id=type_, client_id=client) | fields
        return str(world.a.post("/sessions", body)["id"])

    for hour in (9, 10, 11):
        world.a.post(f"/sessions/{book(f'12-01 {hour:02}:00')}/cancel")
    done = [book("12-01 09:00"), book("12-01 10:00", price=euros(1)), book("12-01 11:00", price=None)]
    missed = book("12-01 12:00")
    book("12-01 13:00")
    book("12-02 10:00", status="pending", price=euros(500))
    book("12-02 11:00")
    book("12-31 10:00")
    world.clock.set(NOW + timedelta(days=1, hours=8))
    for session in done:
        world.a.post(f"/sessions/{session}/complete")
    world.a.post(f"/sessions/{missed}/no-show")
    found = stats(world, **DECEMBER)
    assert found["sessions"] == {"pending": 1, "confirmed": 3, "cancelled": 3, "completed": 3, "no_show": 1}
    assert found["upcoming"] == 3
    assert (found["expected_revenue"], found["earned_revenue"]) == (euros(24_500), euros(8001))
    assert found["rates"] == {
        "completed": pytest.approx(3 / 7),
        "cancelled": pytest.approx(3 / 7),
        "no_show": pytest.approx(1 / 7),
    }
    # Half-open, on the start.
    found = stats(world, **{"from": at("12-02 10:00"), "to": at("12-02 11:00")})
    assert found["sessions"] == NOTHING | {"pending": 1}
    assert (found["upcoming"], found["expected_revenue"]) == (1, euros(500))


def test_without_a_time_it_is_the_accounts_month(light_world: World) -> None:
    for day in ("11-30 10:00", "12-01 10:00"):
        light_world.a.post("/sessions", booking(light_world, at(day)))
    assert stats(light_world)["sessions"]["confirmed"] == 1
    # Half past eleven on the last evening is December already in Berlin's east.
    light_world.clock.set(NOW.replace(hour=23, minute=30))
    found = stats(light_world)
    assert (found["sessions"]["confirmed"], found["upcoming"]) == (1, 1)
    # With one bound alone the other side is open.
    for day, expected in (("11-30 00:00", 2), ("12-01 00:00", 1), ("12-02 00:00", 0)):
        found = stats(light_world, **{"from": at(day)})
        assert (found["sessions"]["confirmed"], found["upcoming"]) == (expected, min(expected, 1))
        assert stats(light_world, to=at(day))["sessions"]["confirmed"] == 2 - expected


def test_new_clients_are_those_who_came_then_and_are_there(world: World) -> None:
    december = datetime(2026, 11, 30, 23, tzinfo=UTC)
    anna, gone, merged, erased = (client_data(created_at=december) for _ in range(4))
    before = client_data(created_at=december - timedelta(microseconds=1))
    for client in (anna, gone, merged, erased, before, client_data()):
        world.tell("client.created", client)
    # An earlier release of the clients service does not tell it.
    world.tell("client.updated", {name: anna[name] for name in anna if name != "created_at"} | {"version": 2})
    assert stats(world, **DECEMBER)["new_clients"] == 4
    world.tell("client.deleted", gone | {"version": 2, "deleted": True})
    world.tell("client.merged", merged | {"version": 2, "deleted": True, "merged_into": anna["id"]})
    world.tell(
        "client.erasure_requested",
        {"id": erased["id"], "account_id": "acc_a", "version": 2, "requested_at": world.clock.now()},
    )
    assert stats(world, **DECEMBER)["new_clients"] == 1
    world.tell("client.restored", gone | {"version": 3})
    assert stats(world, **DECEMBER)["new_clients"] == 2
    assert world.b.get("/stats?" + urlencode(DECEMBER))["new_clients"] == 0


def test_a_client_made_on_the_spot_is_new_before_their_event_comes(world: World) -> None:
    # In an answer over HTTP it is text.
    world.clients.known["cli_1"] = client_data("cli_1", created_at="2026-11-30T23:00:00Z")
    world.a.post("/sessions", booking(world, at("12-01 10:00"), client_id="cli_1"))
    assert stats(world, **DECEMBER)["new_clients"] == 1


@pytest.mark.parametrize(("plan", "shown"), [("free", False), ("pro", True), ("max", True)])
def test_rates_are_part_of_the_plans_pro_and_max(light_world: World, plan: str, shown: bool) -> None:
    light_world.provision("acc_a", username="anna", plan=plan)
    assert ("rates" in stats(light_world)) is shown


def test_what_was_priced_in_a_currency_that_was_left_is_not_added_up(light_world: World) -> None:
    light_world.a.post("/sessions", booking(light_world, at("12-01 10:00")))
    light_world.a.patch("/account", {"currency": "CHF"})
    assert stats(light_world, **DECEMBER)["expected_revenue"] == {"amount": 0, "currency": "CHF"}


def test_figures_are_the_accounts_own(light_world: World) -> None:
    light_world.a.post("/sessions", booking(light_world, at("12-01 10:00")))
    assert light_world.b.get("/stats?" + urlencode(DECEMBER))["sessions"] == NOTHING
    light_world.caller("acc_a", scope="clients:read").refused(403, "forbidden", "GET", "/stats")


@pytest.mark.parametrize(
    ("window", "pointer"),
    [
        ({"from": "2026-12-01"}, "/from"),
        ({"from": "2026-12-02T00:00:00Z", "to": "2026-12-01T00:00:00Z"}, "/to"),
        ({"month": "12"}, "/month"),
    ],
)
def test_what_cannot_be_asked_is_refused(light_world: World, window: dict[str, str], pointer: str) -> None:
    problem = light_world.a.refused(422, "invalid", "GET", "/stats?" + urlencode(window))
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
