"""Looking at sessions: filters, order, pages that neither repeat nor leave out, and the indexes under them."""

from __future__ import annotations

from typing import Any

import pytest
from services.scheduling.tests.driver import World, at, client_data
from services.scheduling.tests.test_booking import booking


def many(world: World, count: int = 7) -> list[dict[str, Any]]:
    type_, client = world.session_type(), world.new_client()
    made = []
    for n in range(count):
        body = booking(world, at(f"12-{n // 2 + 1:02} {10 + n % 2 * 2}:00"), service_id=type_, client_id=client)
        made.append(world.a.post("/sessions", body | {"allow_outside_hours": True, "override_reason": "test"}))
        world.clock.advance(seconds=1)
    return made


def ids(world: World, query: str) -> list[str]:
    return [row["id"] for row in world.a.get(f"/sessions?{query}")["data"]]


@pytest.mark.parametrize("sort", ["starts_at", "-starts_at", "updated_at"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_neither_repeat_nor_leave_out(light_world: World, sort: str, limit: int) -> None:
    other = light_world.a.post("/calendars", {"name": "Room 2"})["id"]
    made = many(light_world)
    # Two that start together: the id decides between them.
    made.append(light_world.a.post("/sessions", booking(light_world, made[0]["starts_at"], calendar_id=other)))
    expected = sorted(
        made, key=lambda s: (s["updated_at" if sort == "updated_at" else "starts_at"], s["id"]), reverse=sort[0] == "-"
    )
    found, cursor = [], ""
    while True:
        page = light_world.a.get(f"/sessions?sort={sort}&limit={limit}{cursor}")
        found += [row["id"] for row in page["data"]]
        assert len(page["data"]) <= limit
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == [session["id"] for session in expected]


def test_filters_find_what_they_say(world: World) -> None:
    zoe = client_data(name="Zoë Çelik", email="zoe@example.com", phone="+4915112345678")
    world.tell("client.created", zoe)
    room = world.a.post("/calendars", {"name": "Room 2"})["id"]
    first = world.a.post("/sessions", booking(world, at("12-01 10:00"), client_id=zoe["id"], status="pending"))
    world.clock.advance(minutes=1)
    second = world.a.post("/sessions", booking(world, at("12-02 10:00"), calendar_id=room))
    world.a.post(f"/sessions/{second['id']}/cancel")
    assert ids(world, "from=2026-12-01T09:00:00Z&to=2026-12-02T09:00:00Z") == [first["id"]]
    assert ids(world, "from=2026-12-01T09:00:01Z") == [second["id"]]
    assert ids(world, "status=pending") == [first["id"]]
    assert ids(world, "status=pending,cancelled") == [first["id"], second["id"]]
    assert ids(world, f"client_id={zoe['id']}") == [first["id"]]
    assert ids(world, f"calendar_id={room}") == [second["id"]]
    assert ids(world, f"service_id={first['service_id']}") == [first["id"]]
    assert ids(world, "updated_since=2026-11-30T08:00:30Z") == [second["id"]]
    for text in (
        "zoë",
        "ZOË",
        "çelik",
        "zoe@",
        "zoe@EXAMPLE.com",
        "1511234",
        "zoe celik",
        "0151 12345678",
        "(0151) 123-456-78",
        "0049 (0)151/12345678",
        "+4915112345678".replace("+", "%2B"),
    ):
        assert ids(world, f"q={text}") == [first["id"]], text
    assert ids(world, "q=nobody") == []
    assert ids(world, "q=%25") == []
    assert ids(world, "client_id=cli_unknown") == []


@pytest.mark.parametrize(
    "query",
    [
        "status=done",
        "from=2026-12-01",
        "from=yesterday",
        "sort=price",
        "limit=0",
        "limit=201",
        "surprise=1",
        "cursor=e30",
        "updated_since=1",
    ],
)
def test_what_cannot_be_asked_is_refused(light_world: World, query: str) -> None:
    light_world.a.refused(422, "invalid", "GET", f"/sessions?{query}")


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("account_id = 'a' AND starts_at >= 'x' AND starts_at < 'y' ORDER BY starts_at, id", "sessions_by_start"),
        (
            "account_id = 'a' AND calendar_id = 'c' AND starts_at >= 'x' AND starts_at < 'y' ORDER BY starts_at, id",
            "sessions_by_calendar",
        ),
        ("account_id = 'a' AND client_id = 'c' ORDER BY starts_at, id", "sessions_by_client"),
        ("account_id = 'a' AND service_id = 's' ORDER BY starts_at DESC, id DESC", "sessions_by_type"),
        ("account_id = 'a' AND updated_at >= 'x' ORDER BY updated_at, id", "sessions_by_change"),
    ],
)
def test_each_filter_has_its_index_in_the_order_it_is_shown(light_world: World, condition: str, index: str) -> None:
    with light_world.service.store.reading():
        plan = str(
            light_world.service.store.execute(f"EXPLAIN QUERY PLAN SELECT * FROM sessions WHERE {condition} LIMIT 50")
        )
    assert index in plan
    assert "TEMP B-TREE" not in plan
