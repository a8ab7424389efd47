"""What scheduling knows of clients: followed in any order, shown as deleted, merged and forgotten."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from services.scheduling.tests.driver import World, at, client_data
from services.scheduling.tests.test_booking import booking

from chassis.inbox import inbox_of
from chassis.outbox import encode
from contracts.registry import EVENT_TYPES


def book(world: World, client: str, starts_at: str = "12-01 10:00", **fields: Any) -> dict[str, Any]:
    session: dict[str, Any] = world.a.post("/sessions", booking(world, at(starts_at), client_id=client, **fields))
    return session


def shown(world: World, session: dict[str, Any]) -> dict[str, Any]:
    now: dict[str, Any] = world.a.get(f"/sessions/{session['id']}")
    return now


def test_there_is_a_handler_for_every_event_consumed(light_world: World) -> None:
    consumed = {name for name, event in EVENT_TYPES.items() if "scheduling" in event.consumers}
    assert set(light_world.service.handlers()) == consumed


def test_the_newest_state_of_a_client_is_shown_whatever_the_order(light_world: World) -> None:
    for order in itertools.permutations([1, 2, 3]):
        client = client_data()
        for version in [*order, *order]:
            light_world.tell("client.updated", client | {"version": version, "name": f"Name {version}"})
        day = sum(digit * 10**place for place, digit in enumerate(order)) % 28 + 1
        body = {"allow_outside_hours": True, "allow_overlap": True, "override_reason": "test"}
        session = book(light_world, client["id"], f"12-{day:02} 10:00", **body)
        assert session["client"]["name"] == "Name 3"


def test_a_deleted_clients_sessions_stay_without_their_name(world: World) -> None:
    client = client_data()
    world.tell("client.created", client)
    session = book(world, client["id"])
    world.tell("client.deleted", client | {"version": 2, "deleted": True})
    assert shown(world, session)["client"] == {"name": "Deleted client", "email": None, "phone": None}
    assert world.a.get("/sessions?q=anna")["data"] == []
    world.tell("client.restored", client | {"version": 3})
    assert shown(world, session)["client"]["name"] == "Anna Berg"


def test_sessions_follow_a_merge(world: World) -> None:
    old, heir = client_data(name="Old"), client_data(name="Heir")
    world.tell("client.created", old)
    session = book(world, old["id"])
    # The merge may be heard of before the one who stays.
    world.tell("client.merged", old | {"version": 2, "merged_into": heir["id"], "deleted": True})
    assert world.kept() == [("client.merged", "waiting")]
    world.tell("client.created", heir)
    while inbox_of(world.service).retry_due():
        pass
    now = shown(world, session)
    assert (now["client_id"], now["client"]["name"], now["version"]) == (heir["id"], "Heir", 2)
    assert world.events(session["id"])[-1][2]["client_id"] == heir["id"]
    # The old id answers with the one who stays.
    assert [row["id"] for row in world.a.get(f"/sessions?client_id={old['id']}")["data"]] == [session["id"]]
    assert book(world, old["id"], "12-02 10:00")["client_id"] == heir["id"]
    assert world.broken_invariants() == {}


def test_what_is_booked_while_clients_are_merged_goes_to_the_one_who_stays(world: World) -> None:
    for day in range(1, 4):
        old, heir = client_data(name="Old"), client_data(name="Heir")
        world.tell("client.created", old)
        world.tell("client.created", heir)
        with ThreadPoolExecutor(9) as pool:
            booked = [pool.submit(book, world, old["id"], f"12-0{day} {hour:02}:00") for hour in range(9, 17)]
            pool.submit(world.tell, "client.merged", old | {"version": 2, "merged_into": heir["id"]}).result()
            ids = {each.result()["id"] for each in booked}
        found = world.a.get(f"/sessions?client_id={heir['id']}&limit=200")["data"]
        assert {session["id"] for session in found} == ids
        with world.service.store.reading():
            left = world.service.store.execute("SELECT count(*) FROM sessions WHERE client_id = %s", (old["id"],))
        assert left == [(0,)]


def test_an_erased_client_leaves_no_trace(world: World) -> None:
    client = client_data(name="Secret Name", email="secret@example.com", phone="+49301111111")
    world.tell("client.created", client)
    body = booking(
        world, at("12-01 10:00"), client_id=client["id"], notes="secret notes", session_notes="secret private"
    )
    session = world.a.post("/sessions", body, Idempotency_Key="booked once")
    other = book(world, world.new_client(), "12-01 12:00", notes="others stay")
    path = f"/sessions/{session['id']}"
    world.a.patch(path, {"notes": "secret notes two"})
    world.a.post(f"{path}/cancel", {"reason": "secret reason"})
    request = {"id": client["id"], "account_id": "acc_a", "version": 2, "requested_at": world.clock.now()}
    world.tell("client.erasure_requested", request)
    with world.service.store.reading():
        for table in (
            "clients",
            "sessions",
            "session_history",
            "cancellations",
            "sanctions",
            "outbox",
            "inbox",
            "idempotency_keys",
        ):
            assert "secret" not in str(world.service.store.execute(f"SELECT * FROM {table}")).lower()
    assert shown(world, session)["client"]["name"] == "Deleted client"
    assert shown(world, other)["notes"] == "others stay"
    ((type_, sequence, data),) = world.events(client["id"])
    assert (type_, sequence) == ("scheduling.client_erased", 2)
    counted = {name: data["blanked"][name] for name in ("clients", "sessions", "cancellations", "history")}
    assert counted == {"clients": 1, "sessions": 1, "cancellations": 1, "history": 2}
    # What was on its way finds nobody to fill in.
    world.tell("client.updated", client | {"version": 1, "name": "Secret Name"})
    world.tell("client.updated", client | {"version": 9, "name": "Secret Name"})
    assert shown(world, session)["client"]["name"] == "Deleted client"
    versions = [sequence for _, sequence, _ in world.events(session["id"])]
    assert versions == list(range(1, len(versions) + 1))
    assert world.broken_invariants() == {}


def test_merges_of_merges_end_with_the_last_who_stays_and_are_forgotten_together(light_world: World) -> None:
    first, second, last = (
        client_data(name="Secret One"),
        client_data(name="Secret Two"),
        client_data(name="Secret Three"),
    )
    for client in (first, second, last):
        light_world.tell("client.created", client)
    session = book(light_world, first["id"])
    # The second merge is heard of before the first.
    light_world.tell("client.merged", second | {"version": 2, "merged_into": last["id"], "deleted": True})
    light_world.tell("client.merged", first | {"version": 2, "merged_into": second["id"], "deleted": True})
    assert shown(light_world, session)["client_id"] == last["id"]
    assert light_world.a.get(f"/sessions?client_id={first['id']}")["data"][0]["id"] == session["id"]
    request = {"id": last["id"], "account_id": "acc_a", "version": 2, "requested_at": light_world.clock.now()}
    light_world.tell("client.erasure_requested", request)
    with light_world.service.store.reading():
        assert "secret" not in str(light_world.service.store.execute("SELECT * FROM clients")).lower()


def test_erasing_somebody_unheard_of_is_answered_and_remembered(light_world: World) -> None:
    client = client_data()
    request = {"id": client["id"], "account_id": "acc_a", "version": 2, "requested_at": light_world.clock.now()}
    light_world.tell("client.erasure_requested", request)
    assert light_world.events(client["id"])[0][0] == "scheduling.client_erased"
    light_world.tell("client.created", client)
    light_world.a.refused(
        422, "invalid", "POST", "/sessions", booking(light_world, at("12-01 10:00"), client_id=client["id"])
    )


def test_a_client_of_an_account_not_provisioned_yet_waits(light_world: World) -> None:
    light_world.tell("client.created", client_data(account_id="acc_later"), account_id="acc_later")
    assert light_world.kept() == [("client.created", "waiting")]


def test_a_resync_tells_the_present_state_of_every_subject(world: World) -> None:
    client = client_data()
    world.tell("client.snapshot", client)
    session = book(world, client["id"], session_notes="private")
    world.a.post(f"/sessions/{session['id']}/cancel", {"reason": "ill"})
    found = list(world.service.snapshots("notifications"))
    assert [snapshot.type for snapshot in found] == [
        "account.snapshot",
        "account.snapshot",
        "service.snapshot",
        "session.snapshot",
    ]
    last = world.events(session["id"])[-1]
    assert (found[-1].sequence, found[-1].data["status"]) == (last[1], "cancelled")
    assert found[-1].data["cancellations"][0]["reason"] == "ill"
    assert "service.snapshot" not in {snapshot.type for snapshot in world.service.snapshots("payments")}
    for snapshot in found:
        assert json.loads(encode(snapshot.type, snapshot.data))["id"] == snapshot.subject
    assert world.broken_invariants() == {}


def test_whose_heir_was_erased_before_the_merge_was_heard_of_is_erased_all_the_same(light_world: World) -> None:
    world, now = light_world, "2026-11-30T08:00:00Z"
    merged, heir = world.new_client(name="Old Name", email="old@x.example"), world.new_client(name="Heir")
    type_ = world.session_type()
    texts = {"notes": "secret of Anna", "session_notes": "diagnosis"}
    session = world.a.post(
        "/sessions", {"service_id": type_, "client_id": merged, "starts_at": at("12-08 10:00"), **texts}
    )
    template = {"service_id": type_, "client_id": merged, "starts_at": at("12-09 10:00"), "notes": "secret"}
    series = world.a.post("/series", {"kind": "session", "rrule": "FREQ=WEEKLY;COUNT=2", "template": template})
    world.a.post(f"/sessions/{session['id']}/cancel", {"reason": "ill"})
    world.tell("client.erasure_requested", {"id": heir, "account_id": "acc_a", "version": 5, "requested_at": now})
    world.tell("client.merged", client_data(merged, version=2, name="Old Name", merged_into=heir))
    world.tell("client.erasure_requested", {"id": merged, "account_id": "acc_a", "version": 3, "requested_at": now})
    assert world.kept() == []
    seen = world.a.get(f"/sessions/{session['id']}")
    assert (seen["notes"], seen["session_notes"], seen["cancellation"]["reason"]) == ("", "", None)
    assert world.a.get(f"/series/{series['id']}")["template"]["notes"] == ""


@pytest.mark.parametrize("moved", ["nobody", "who_is_erased", "the_other"])
def test_why_somebody_was_booked_over_who_is_erased_is_blanked_in_the_others_history(world: World, moved: str) -> None:
    anna, bob, type_ = world.new_client(name="Anna"), world.new_client(name="Bob"), world.session_type()
    first = world.a.post("/sessions", {"service_id": type_, "client_id": anna, "starts_at": at("12-08 10:00")})
    why = {"allow_overlap": True, "override_reason": "Anna is always late"}
    over = world.a.post("/sessions", {"service_id": type_, "client_id": bob, "starts_at": at("12-08 10:30"), **why})
    event = world.a.post("/events", {"title": "x", "starts_at": at("12-08 10:15"), "ends_at": at("12-08 10:20"), **why})
    third = world.a.post("/sessions", {"service_id": type_, "client_id": bob, "starts_at": at("12-08 15:00")})
    world.a.post(f"/sessions/{third['id']}/cancel", {"reason": "Bob is ill"})
    if moved == "who_is_erased":
        world.a.patch(f"/sessions/{first['id']}", {"starts_at": at("12-09 10:00")})
    if moved == "the_other":
        world.a.patch(f"/sessions/{over['id']}", {"starts_at": at("12-09 10:00")})
        world.a.patch(f"/events/{event['id']}", {"starts_at": at("12-09 14:00"), "ends_at": at("12-09 14:05")})
    world.a.post(f"/sessions/{first['id']}/cancel")
    told = {"id": anna, "account_id": "acc_a", "version": 5, "requested_at": "2026-11-30T08:00:00Z"}
    world.tell("client.erasure_requested", told)

    assert world.kept() == []
    for path in (f"/sessions/{over['id']}", f"/events/{event['id']}"):
        assert "Anna" not in str(world.a.get(f"{path}/history"))
    assert "Bob is ill" in str(world.a.get(f"/sessions/{third['id']}/history"))


def test_why_a_series_was_booked_over_who_is_erased_is_blanked_in_all_of_it(world: World) -> None:
    anna, bob, type_ = world.new_client(name="Anna"), world.new_client(name="Bob"), world.session_type()
    evening = {"allow_outside_hours": True, "override_reason": "in the evening"}
    world.a.post("/sessions", {"service_id": type_, "client_id": anna, "starts_at": at("12-08 22:00"), **evening})
    why = {"allow_overlap": True, "allow_outside_hours": True, "override_reason": "Anna is always late"}
    template = {"service_id": type_, "client_id": bob, "starts_at": at("12-08 22:30"), **why}
    series = world.a.post("/series", {"kind": "session", "rrule": "FREQ=WEEKLY;COUNT=3", "template": template})
    paths = [f"/sessions/{occurrence['session_id']}/history" for occurrence in series["occurrences"]]
    assert all("Anna" in str(world.a.get(path)) for path in paths)
    told = {"id": anna, "account_id": "acc_a", "version": 5, "requested_at": "2026-11-30T08:00:00Z"}
    world.tell("client.erasure_requested", told)

    assert world.kept() == []
    shown_now = world.a.get(f"/series/{series['id']}")
    assert shown_now["template"]["override_reason"] == "(erased)"
    assert shown_now["version"] > series["version"]
    assert [world.a.get(path)["data"][0]["reason"] for path in paths] == ["(erased)"] * 3
