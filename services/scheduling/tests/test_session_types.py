"""Session types: what is sold, and which deposits can be asked for it."""

from __future__ import annotations

from typing import Any

import pytest
from services.scheduling.tests.driver import World, at

EUR = {"amount": 8000, "currency": "EUR"}


def test_a_type_is_made_with_defaults_and_told(light_world: World) -> None:
    made = light_world.a.post("/services", {"name": "Talk", "duration_minutes": 50})
    assert made | {"id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "account_id": "acc_a",
        "version": 1,
        "name": "Talk",
        "description": "",
        "duration_minutes": 50,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "price": None,
        "deposit": None,
        "color": "#2f6fed",
        "online": False,
        "active": True,
        "calendar_ids": [],
        "auto_assign": False,
        "retired_at": None,
        "created_at": "",
        "updated_at": "",
    }
    ((type_, sequence, data),) = light_world.events(made["id"])
    assert (type_, sequence, data["name"]) == ("service.created", 1, "Talk")


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("name", "", "/name"),
        ("duration_minutes", 0, "/duration_minutes"),
        ("duration_minutes", "60", "/duration_minutes"),
        ("buffer_after_minutes", -1, "/buffer_after_minutes"),
        ("price", {"amount": -1, "currency": "EUR"}, "/price/amount"),
        ("price", {"amount": 100}, "/price/currency"),
        ("price", {"amount": 8000, "currency": "USD"}, "/price/currency"),
        ("deposit", {"type": "fixed"}, "/deposit/amount"),
        ("deposit", {"type": "fixed", "amount": 49}, "/deposit/amount"),
        ("deposit", {"type": "fixed", "amount": 100, "percent": 5}, "/deposit/percent"),
        ("deposit", {"type": "percent", "percent": 0}, "/deposit/percent"),
        ("deposit", {"type": "percent", "percent": 101}, "/deposit/percent"),
        ("deposit", {"percent": 25}, "/deposit/type"),
        ("color", "javascript:alert(1)", "/color"),
        ("calendar_ids", ["cal_unknown"], "/calendar_ids/0"),
        ("surprise", 1, "/surprise"),
    ],
)
def test_what_cannot_be_is_refused_with_its_pointer(light_world: World, field: str, value: Any, pointer: str) -> None:
    body = {"name": "Talk", "duration_minutes": 50, "price": EUR, field: value}
    problem = light_world.a.refused(422, "invalid", "POST", "/services", body)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_a_deposit_needs_the_plan_max(light_world: World) -> None:
    body = {"name": "Talk", "duration_minutes": 50, "price": EUR, "deposit": {"type": "percent", "percent": 25}}
    light_world.b.refused(409, "plan_required", "POST", "/services", body)
    made = light_world.b.post("/services", body | {"deposit": None})
    light_world.b.refused(409, "plan_required", "PATCH", f"/services/{made['id']}", {"deposit": body["deposit"]})


def test_after_a_downgrade_a_type_with_a_deposit_can_still_be_changed(light_world: World) -> None:
    made = light_world.session_type(deposit={"type": "percent", "percent": 25})
    light_world.provision("acc_a", username="anna", plan="pro")
    assert light_world.a.patch(f"/services/{made}", {"name": "Other"})["deposit"] == {"type": "percent", "percent": 25}


def test_a_patch_merges_into_price_and_deposit(light_world: World) -> None:
    made = light_world.session_type(deposit={"type": "fixed", "amount": 2000})
    changed = light_world.a.patch(
        f"/services/{made}", {"price": {"amount": 9000}, "deposit": {"type": "percent", "percent": 50}}
    )
    assert changed["price"] == {"amount": 9000, "currency": "EUR"}
    assert changed["deposit"] == {"type": "percent", "percent": 50}
    assert light_world.a.patch(f"/services/{made}", {"deposit": None})["deposit"] is None
    assert [event[:2] for event in light_world.events(made)] == [
        ("service.created", 1),
        ("service.updated", 2),
        ("service.updated", 3),
    ]


def test_a_patch_that_changes_nothing_makes_no_version(light_world: World) -> None:
    made = light_world.session_type()
    assert light_world.a.patch(f"/services/{made}", {"name": "Coaching"})["version"] == 1
    assert len(light_world.events(made)) == 1


def test_a_price_that_no_longer_carries_the_deposit_is_refused(light_world: World) -> None:
    made = light_world.session_type(deposit={"type": "fixed", "amount": 2000})
    light_world.a.refused(422, "invalid", "PATCH", f"/services/{made}", {"price": {"amount": 1000}})


def test_a_retired_type_keeps_its_sessions_and_takes_no_more(light_world: World) -> None:
    made, client = light_world.session_type(), light_world.new_client()
    session = light_world.a.post("/sessions", {"service_id": made, "client_id": client, "starts_at": at("12-01 10:00")})
    answer = light_world.a("DELETE", f"/services/{made}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert light_world.a.get("/services")["data"] == []
    assert light_world.a.get(f"/services/{made}")["active"] is False
    assert light_world.a.get(f"/sessions/{session['id']}")["service"]["name"] == "Coaching"
    assert light_world.events(made)[-1][0] == "service.retired"
    problem = light_world.a.refused(
        422, "invalid", "POST", "/sessions", {"service_id": made, "client_id": client, "starts_at": at("12-01 12:00")}
    )
    assert problem["errors"][0]["pointer"] == "/service_id"
    light_world.a.refused(409, "invalid_transition", "DELETE", f"/services/{made}")


def test_types_come_in_pages_that_neither_repeat_nor_leave_out(light_world: World) -> None:
    made = [light_world.session_type(name=f"Type {n}") for n in range(5)]
    found, cursor = [], ""
    while True:
        page = light_world.a.get(f"/services?limit=2{cursor}")
        found += [row["id"] for row in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == made


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "WzFd"])
def test_a_cursor_of_somebody_elses_making_is_refused_or_finds_nothing_twice(light_world: World, cursor: str) -> None:
    assert light_world.a("GET", f"/services?cursor={cursor}").status_code in {200, 422}
    assert light_world.a("GET", f"/sessions?cursor={cursor}").status_code == 422


def test_repeating_with_the_same_key_makes_one(world: World) -> None:
    body = {"name": "Talk", "duration_minutes": 50}
    first = world.a("POST", "/services", body, Idempotency_Key="k1")
    again = world.a("POST", "/services", dict(reversed(body.items())), Idempotency_Key="k1")
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    world.a.refused(422, "idempotency_key_reused", "POST", "/services", body | {"name": "Other"}, Idempotency_Key="k1")
