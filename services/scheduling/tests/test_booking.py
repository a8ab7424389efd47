"""Booking: what a session is, what it may not meet, and how it is booked over a conflict on purpose."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from services.scheduling.tests.driver import World, at, client_data


def booking(world: World, starts_at: str, **fields: Any) -> dict[str, Any]:
    """The body of a booking of a new type and client, unless given."""
    body = {"starts_at": starts_at} | fields
    if "service_id" not in body:
        body["service_id"] = world.session_type()
    if "client_id" not in body and "client" not in body:
        body["client_id"] = world.new_client()
    return body


def test_a_session_shows_every_field(world: World) -> None:
    client, type_ = world.new_client(), world.session_type(color="#112233")
    body = booking(
        world, at("12-01 10:00"), service_id=type_, client_id=client, notes="Bring papers", session_notes="shy"
    )
    session = world.a.post("/sessions", body)
    calendar = world.a.get("/calendars")["data"][0]["id"]
    assert session == {
        "id": session["id"],
        "account_id": "acc_a",
        "client_id": client,
        "client": {"name": "Anna Berg", "email": "anna@example.com", "phone": "+4930123456"},
        "service_id": type_,
        "service": {"name": "Coaching", "color": "#112233"},
        "calendar_id": calendar,
        "starts_at": "2026-12-01T09:00:00Z",
        "ends_at": "2026-12-01T10:00:00Z",
        "duration_minutes": 60,
        "timezone": "Europe/Berlin",
        "status": "confirmed",
        "notes": "Bring papers",
        "session_notes": "shy",
        "client_message": "",
        "auto_confirm_at": None,
        "price": {"amount": 8000, "currency": "EUR"},
        "deposit": None,
        "payment_url": None,
        "source": "manual",
        "series_id": None,
        "cancellation": None,
        "version": 1,
        "created_at": session["created_at"],
        "updated_at": session["updated_at"],
    }
    assert session["id"].startswith("ses_")
    assert world.a.get(f"/sessions/{session['id']}") == session
    ((type_, sequence, data),) = world.events(session["id"])
    assert (type_, sequence) == ("session.created", 1)
    assert "shy" not in str(data)
    assert "session_notes" not in data
    assert world.broken_invariants() == {}


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("starts_at", "2026-12-01T10:00:00", "/starts_at"),
        ("starts_at", "2026-12-01", "/starts_at"),
        ("starts_at", "9999-12-31T23:59:59Z", "/starts_at"),
        ("starts_at", None, "/starts_at"),
        ("duration_minutes", 0, "/duration_minutes"),
        ("duration_minutes", 60.5, "/duration_minutes"),
        ("service_id", "svc_unknown", "/service_id"),
        ("calendar_id", "cal_unknown", "/calendar_id"),
        ("client_id", "cli_unknown", "/client_id"),
        ("client", {"name": "Both"}, "/client"),
        ("status", "cancelled", "/status"),
        ("status", "completed", "/status"),
        ("status", "no_show", "/status"),
        ("price", {"amount": 100, "currency": "USD"}, "/price/currency"),
        ("allow_overlap", True, "/override_reason"),
        ("allow_outside_hours", True, "/override_reason"),
        ("allow_overlap", "true", "/allow_overlap"),
        ("notes", "x" * 10_001, "/notes"),
        ("version", 1, "/version"),
    ],
)
def test_what_cannot_be_is_refused_with_its_pointer(light_world: World, field: str, value: Any, pointer: str) -> None:
    body = booking(light_world, at("12-01 10:00")) | {field: value}
    problem = light_world.a.refused(422, "invalid", "POST", "/sessions", body)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_a_session_needs_a_client(light_world: World) -> None:
    body = {"service_id": light_world.session_type(), "starts_at": at("12-01 10:00")}
    problem = light_world.a.refused(422, "invalid", "POST", "/sessions", body)
    assert problem["errors"][0]["pointer"] == "/client_id"


def test_what_is_given_counts_over_the_type(light_world: World) -> None:
    body = booking(
        light_world, at("12-01 10:00"), duration_minutes=30, price={"amount": 5000, "currency": "EUR"}, status="pending"
    )
    session = light_world.a.post("/sessions", body)
    assert (session["duration_minutes"], session["price"]["amount"], session["status"]) == (30, 5000, "pending")
    free = light_world.a.post("/sessions", booking(light_world, at("12-02 10:00"), price=None))
    assert free["price"] is None


def test_one_in_the_past_may_be_recorded_as_what_it_was(light_world: World) -> None:
    for status, hour in (("completed", "10"), ("no_show", "12")):
        session = light_world.a.post("/sessions", booking(light_world, at(f"11-27 {hour}:00"), status=status))
        assert session["status"] == status


def test_what_a_booking_asks_together_it_asks_once(light_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    database = light_world.service.store.database
    calendar = light_world.a.get("/calendars")["data"][0]["id"]
    body = booking(light_world, at("12-01 10:00"), calendar_id=calendar)
    asked: list[tuple[str, tuple[Any, ...]]] = []
    execute = database.execute_sql

    def note(sql: str, params: Any = None) -> Any:
        asked.append((sql, tuple(params or ())))
        return execute(sql, params)

    monkeypatch.setattr(database, "execute_sql", note)
    light_world.a.post("/sessions", body)
    tables = [sql.partition(' FROM "')[2].partition('"')[0] for sql, _ in asked if sql.startswith("SELECT")]
    # The calendar twice, as on PostgreSQL the second time is by its lock.
    assert sorted(filter(None, tables)) == ["accounts", "calendars", "calendars", "clients", "session_types"]


@pytest.mark.parametrize(
    ("other", "taken"),
    [("09:00", False), ("09:30", True), ("10:00", True), ("10:59", True), ("11:00", False)],
)
def test_two_sessions_may_touch_and_not_overlap(world: World, other: str, taken: bool) -> None:
    first = world.a.post("/sessions", booking(world, at("12-01 10:00")))
    answer = world.a("POST", "/sessions", booking(world, at(f"12-01 {other}")))
    if not taken:
        assert answer.status_code == 201
        return
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (409, "slot_taken")
    assert problem["conflicts"] == [
        {"kind": "session", "id": first["id"], "starts_at": first["starts_at"], "ends_at": first["ends_at"]}
    ]
    slots = problem["alternatives"]
    assert slots
    assert slots == sorted(slots, key=lambda slot: slot["starts_at"])
    again = world.a("POST", "/sessions", booking(world, slots[0]["starts_at"]))
    assert again.status_code == 201


@pytest.mark.parametrize("status", ["pending", "confirmed"])
def test_pending_blocks_its_slot_too(light_world: World, status: str) -> None:
    light_world.a.post("/sessions", booking(light_world, at("12-01 10:00"), status=status))
    light_world.a.refused(409, "slot_taken", "POST", "/sessions", booking(light_world, at("12-01 10:00")))


@pytest.mark.parametrize(("start", "taken"), [("11:10", True), ("11:15", False), ("11:20", False)])
def test_of_two_buffers_the_larger_counts(world: World, start: str, taken: bool) -> None:
    first = world.session_type(buffer_after_minutes=15)
    second = world.session_type(buffer_before_minutes=10)
    world.a.post("/sessions", booking(world, at("12-01 10:00"), service_id=first))
    answer = world.a("POST", "/sessions", booking(world, at(f"12-01 {start}"), service_id=second))
    assert answer.status_code == (409 if taken else 201)


def test_buffers_run_out_of_the_working_hours(light_world: World) -> None:
    type_ = light_world.session_type(buffer_before_minutes=30, buffer_after_minutes=30)
    for hour in ("09:00", "16:00"):
        light_world.a.post("/sessions", booking(light_world, at(f"12-01 {hour}"), service_id=type_))


@pytest.mark.parametrize("start", ["12-01 08:30", "12-01 16:30", "12-05 10:00"])
def test_outside_the_working_hours_is_refused(light_world: World, start: str) -> None:
    problem = light_world.a.refused(409, "outside_working_hours", "POST", "/sessions", booking(light_world, at(start)))
    assert problem["alternatives"]
    body = booking(light_world, at(start), allow_outside_hours=True, override_reason="she travels")
    session = light_world.a.post("/sessions", body)
    (entry,) = light_world.a.get(f"/sessions/{session['id']}/history")["data"]
    assert (entry["changes"], entry["reason"]) == ({"outside_working_hours": [False, True]}, "she travels")


def test_hours_follow_the_accounts_wall_clock_in_summer_too(light_world: World) -> None:
    light_world.a.post("/sessions", booking(light_world, "2027-07-01T07:00:00Z"))  # nine in Berlin
    light_world.a.refused(
        409, "outside_working_hours", "POST", "/sessions", booking(light_world, "2027-07-02T06:30:00Z")
    )


def test_an_overridden_date_has_hours_of_its_own(light_world: World) -> None:
    calendar = light_world.a.get("/calendars")["data"][0]["id"]
    overrides = [
        {"date": "2026-12-05", "hours": [{"start": "20:00", "end": "24:00"}]},
        {"date": "2026-12-06", "hours": [{"start": "00:00", "end": "01:00"}]},
        {"date": "2026-12-01", "hours": []},
    ]
    light_world.a.patch(f"/calendars/{calendar}", {"overrides": overrides})
    light_world.a.refused(409, "outside_working_hours", "POST", "/sessions", booking(light_world, at("12-01 10:00")))
    light_world.a.post("/sessions", booking(light_world, at("12-05 23:30")))


def test_an_overlap_on_purpose_is_recorded_and_allows_that_alone(world: World) -> None:
    first = world.a.post("/sessions", booking(world, at("12-01 10:00")))
    over = {"allow_overlap": True, "override_reason": "a couple"}
    second = world.a.post("/sessions", booking(world, at("12-01 10:30"), **over))
    (entry,) = world.a.get(f"/sessions/{second['id']}/history")["data"]
    assert (entry["changes"], entry["reason"]) == ({"overlaps": [[], [first["id"]]]}, "a couple")
    problem = world.a.refused(409, "slot_taken", "POST", "/sessions", booking(world, at("12-01 11:00")))
    assert [conflict["id"] for conflict in problem["conflicts"]] == [second["id"]]
    third = world.a.post("/sessions", booking(world, at("12-01 11:00"), **over))
    assert world.a.get(f"/sessions/{third['id']}/history")["data"][0]["changes"] == {"overlaps": [[], [second["id"]]]}
    assert world.broken_invariants() == {}


def test_a_flag_that_was_not_needed_is_not_recorded(light_world: World) -> None:
    body = booking(light_world, at("12-01 10:00"), allow_overlap=True, override_reason="to be sure")
    session = light_world.a.post("/sessions", body)
    (entry,) = light_world.a.get(f"/sessions/{session['id']}/history")["data"]
    assert (entry["changes"], entry["reason"]) == ({}, None)


def test_another_calendar_is_another_matter(light_world: World) -> None:
    other = light_world.a.post("/calendars", {"name": "Room 2"})["id"]
    light_world.a.post("/sessions", booking(light_world, at("12-01 10:00")))
    light_world.a.post("/sessions", booking(light_world, at("12-01 10:00"), calendar_id=other))


def test_a_type_is_booked_on_the_calendars_that_offer_it(light_world: World) -> None:
    default = light_world.a.get("/calendars")["data"][0]["id"]
    other = light_world.a.post("/calendars", {"name": "Room 2"})["id"]
    type_ = light_world.session_type(calendar_ids=[other])
    session = light_world.a.post("/sessions", booking(light_world, at("12-01 10:00"), service_id=type_))
    assert session["calendar_id"] == other
    body = booking(light_world, at("12-01 12:00"), service_id=type_, calendar_id=default)
    problem = light_world.a.refused(422, "invalid", "POST", "/sessions", body)
    assert problem["errors"][0]["pointer"] == "/calendar_id"


# --- clients ---


def test_a_client_is_made_on_the_spot_once_however_often_it_is_asked(world: World) -> None:
    body = {
        "service_id": world.session_type(),
        "starts_at": at("12-01 10:00"),
        "client": {"name": "Zoë", "email": "z@example.com"},
    }
    session = world.a.post("/sessions", body, Idempotency_Key="k")
    assert session["client"]["name"] == "Zoë"
    assert world.a.post("/sessions", body, Idempotency_Key="k") == session
    assert len(world.clients.made) == 1
    # Its event comes later, and is the same client.
    (made,) = world.clients.made.values()
    world.tell("client.created", made)
    assert made["id"] == session["client_id"]


def test_a_client_is_made_on_the_spot_under_the_longest_key_there_is(light_world: World) -> None:
    body = {"service_id": light_world.session_type(), "starts_at": at("12-01 10:00"), "client": {"name": "Zoë"}}
    session = light_world.a.post("/sessions", body, Idempotency_Key="k" * 255)
    assert session["client"]["name"] == "Zoë"


def test_a_booking_that_is_refused_makes_no_client(light_world: World) -> None:
    type_ = light_world.session_type()
    light_world.a.post("/sessions", booking(light_world, at("12-01 10:00"), service_id=type_))
    body = {"service_id": type_, "client": {"name": "Zoë"}}
    light_world.a.refused(409, "slot_taken", "POST", "/sessions", body | {"starts_at": at("12-01 10:00")})
    light_world.a.refused(
        422, "invalid", "POST", "/sessions", body | {"starts_at": at("12-01 12:00"), "service_id": "svc_x"}
    )
    assert light_world.clients.made == {}


def test_without_the_clients_service_known_clients_are_booked_all_the_while(light_world: World) -> None:
    type_, known = light_world.session_type(), light_world.new_client()
    light_world.clients.go_down()
    body = {"service_id": type_, "starts_at": at("12-01 10:00")}
    for client in ({"client": {"name": "Zoë"}}, {"client_id": "cli_unheard_of"}):
        answer = light_world.a("POST", "/sessions", body | client)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
    assert light_world.a.post("/sessions", body | {"client_id": known})["status"] == "confirmed"


def test_what_the_clients_service_refuses_is_told_with_its_pointers(light_world: World) -> None:
    body = {
        "service_id": light_world.session_type(),
        "starts_at": at("12-01 10:00"),
        "client": {"name": "Z", "email": "bad"},
    }
    light_world.clients.refusal = (
        422,
        {"code": "invalid", "errors": [{"pointer": "/email", "detail": "Not an address."}]},
    )
    problem = light_world.a.refused(422, "invalid", "POST", "/sessions", body)
    assert problem["errors"] == [{"pointer": "/client/email", "detail": "Not an address."}]
    light_world.clients.refusal = (409, {"code": "plan_limit_reached", "detail": "20 clients"})
    light_world.a.refused(409, "plan_limit_reached", "POST", "/sessions", body)


def test_a_client_not_heard_of_yet_is_asked_for(light_world: World) -> None:
    late = client_data(name="Late")
    light_world.clients.known[late["id"]] = late
    session = light_world.a.post("/sessions", booking(light_world, at("12-01 10:00"), client_id=late["id"]))
    assert session["client"]["name"] == "Late"


def test_a_deleted_client_is_booked_no_more(light_world: World) -> None:
    client = light_world.new_client()
    light_world.tell("client.deleted", client_data(client, version=2, deleted=True))
    problem = light_world.a.refused(
        422, "invalid", "POST", "/sessions", booking(light_world, at("12-01 10:00"), client_id=client)
    )
    assert problem["errors"][0]["pointer"] == "/client_id"


# --- plans ---


def free_body(world: World, n: int) -> dict[str, Any]:
    day, hour = divmod(n, 8)
    return {"starts_at": at(f"12-{day + 1:02} {hour + 9:02}:00")}


def test_the_free_plan_includes_fifteen_sessions_a_month_counted_by_creation(world: World) -> None:
    type_ = world.b.post("/services", {"name": "Talk", "duration_minutes": 60})["id"]
    body = {"service_id": type_, "client_id": world.new_client("acc_b")}
    made = [world.b.post("/sessions", body | free_body(world, n)) for n in range(15)]
    world.b.refused(409, "plan_limit_reached", "POST", "/sessions", body | free_body(world, 15))
    # Cancelling gives none back, and a restore takes none.
    world.b.post(f"/sessions/{made[0]['id']}/cancel")
    world.b.refused(409, "plan_limit_reached", "POST", "/sessions", body | free_body(world, 15))
    world.b.post(f"/sessions/{made[0]['id']}/restore")
    # The month is the account's own: in Berlin it is December an hour before it is in UTC.
    world.clock.set(datetime(2026, 11, 30, 22, 59, tzinfo=UTC))
    world.b.refused(409, "plan_limit_reached", "POST", "/sessions", body | free_body(world, 15))
    world.clock.set(datetime(2026, 11, 30, 23, 0, tzinfo=UTC))
    world.b.post("/sessions", body | free_body(world, 15))


def test_the_free_plan_holds_for_many_at_once(world: World) -> None:
    type_ = world.b.post("/services", {"name": "Talk", "duration_minutes": 60})["id"]
    body = {"service_id": type_, "client_id": world.new_client("acc_b")}
    with ThreadPoolExecutor(10) as pool:
        codes = list(
            pool.map(lambda n: world.b("POST", "/sessions", body | free_body(world, n)).status_code, range(20))
        )
    assert sorted(codes) == [201] * 15 + [409] * 5
