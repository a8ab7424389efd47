"""Clients book at the provider's page: what it shows, who gets a slot, and when the clock confirms it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from services.scheduling.tests.driver import NOW, World, at, client_data

TUESDAY, WEDNESDAY = "12-01 10:00", "12-02 10:00"
DEPOSIT = {"type": "percent", "percent": 25}


def history(world: World, session_id: str) -> list[tuple[str, str]]:
    return [(each["actor"], each["action"]) for each in world.a.get(f"/sessions/{session_id}/history")["data"]]


def test_the_page_shows_what_is_online_with_its_price_and_deposit_and_nothing_of_the_provider_but_the_name(
    world: World,
) -> None:
    visitor = world.open_page(client_cancellation=False)
    shown = world.session_type(name="Coaching", online=True, deposit=DEPOSIT, description="An hour")
    world.session_type(name="Offline")
    world.session_type(name="Asleep", online=True, active=False)
    retired = world.session_type(name="Gone", online=True)
    world.a.ok("DELETE", f"/services/{retired}")
    page = visitor.ok("GET", "/booking/ANNA")
    assert (page["name"], page["username"], page["timezone"], page["currency"]) == (
        "Praxis",
        "anna",
        "Europe/Berlin",
        "EUR",
    )
    assert page["booking"]["client_cancellation"] is False
    (offer,) = page["services"]
    assert (offer["id"], offer["duration_minutes"]) == (shown, 60)
    assert offer["price"] == {"amount": 8000, "currency": "EUR"}
    assert offer["deposit"] == {"amount": 2000, "currency": "EUR"}
    assert [calendar["name"] for calendar in offer["calendars"]] == ["Praxis"]
    assert "example.com" not in str(page)


def test_a_page_that_is_unknown_switched_off_or_no_longer_in_the_plan_is_not_found(light_world: World) -> None:
    visitor = light_world.open_page()
    service = light_world.session_type(online=True)
    light_world.a.patch("/account", {"booking": {"enabled": False}})
    visitor.refused(404, "not_found", "GET", "/booking/anna")
    visitor.refused(404, "not_found", "GET", "/booking/nobody")
    light_world.a.patch("/account", {"booking": {"enabled": True}})
    visitor.ok("GET", "/booking/anna")
    light_world.provision("acc_a", username="anna", plan="free")
    for method, path, body in (
        ("GET", "", None),
        ("GET", f"/slots?service_id={service}&from={at(TUESDAY)}&to={at(WEDNESDAY)}", None),
        ("POST", "/sessions", visitor.booking(service, TUESDAY)),
    ):
        visitor.refused(404, "not_found", method, f"/booking/anna{path}", body)


def test_what_is_booked_is_pending_with_its_links_and_the_client_is_the_providers(world: World) -> None:
    visitor = world.open_page()
    service = world.session_type(online=True, deposit=DEPOSIT)
    booked = visitor.book(service, TUESDAY, notes="My knee hurts")
    assert booked["status"] == "pending"
    assert booked["manage_url"].startswith("http://localhost/scheduling/v1/manage/")
    assert booked["payment_url"].startswith("http://pay.example/v1/pay/")
    assert booked["deposit"]["due_amount"] == 2000
    session = world.a.get(f"/sessions/{booked['id']}")
    assert (session["source"], session["client_message"], session["notes"]) == ("online", "My knee hurts", "")
    assert session["client"] == {"name": "Ada Lovelace", "email": "ada@client.example", "phone": "+4930123456"}
    assert session["payment_url"] == booked["payment_url"]
    ((type_, version, data),) = world.events(booked["id"])
    assert (type_, version, data["source"], data["changed_by"]) == ("session.created", 1, "online", "client")
    assert data["manage_url"] == booked["manage_url"]
    assert history(world, booked["id"]) == [("client", "created")]
    assert world.broken_invariants() == {}


def test_slots_are_what_a_client_may_book_and_a_booking_takes_its_slot_away(world: World) -> None:
    visitor = world.open_page(min_notice_hours=27, max_advance_days=2, slot_interval_minutes=60)
    service = world.session_type(online=True)
    # It is Monday 09:00 in Berlin: Tuesday noon is the first hour that may be booked, Wednesday 09:00 the last.
    free = [slot["starts_at"] for slot in visitor.slots(service, "11-30 00:00", "12-05 00:00")]
    assert free == [at("12-01 12:00"), at("12-01 13:00"), at("12-01 14:00"), at("12-01 15:00"), at("12-01 16:00"), at("12-02 09:00")]  # fmt: skip
    visitor.book(service, "12-01 13:00")
    assert at("12-01 13:00") not in [slot["starts_at"] for slot in visitor.slots(service, "12-01 00:00", "12-02 00:00")]
    in_new_york = visitor.slots(service, "12-01 12:00", "12-01 12:01", timezone="America/New_York")
    assert [slot["starts_at"] for slot in in_new_york] == ["2026-12-01T06:00:00-05:00"]


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("11-30 10:00", "slot_unavailable"),  # an hour's notice where two are asked
        ("11-27 10:00", "slot_unavailable"),  # the past
        ("12-30 10:00", "slot_unavailable"),  # further ahead than 28 days
        ("12-01 10:07", "slot_unavailable"),  # not on the grid
        ("12-01 20:00", "outside_working_hours"),
        ("12-05 10:00", "outside_working_hours"),  # a Saturday
    ],
)
def test_what_is_not_offered_cannot_be_booked_and_makes_no_client(light_world: World, start: str, code: str) -> None:
    visitor = light_world.open_page(max_advance_days=28)
    service = light_world.session_type(online=True)
    problem = visitor.not_booked(code, service, start)
    for slot in problem.get("alternatives", []):
        assert slot["starts_at"] >= at("11-30 11:00")
    assert light_world.clients.made == {}
    assert light_world.a.get("/sessions")["data"] == []


def test_a_taken_slot_is_a_conflict_that_names_nobody_and_offers_what_clients_may_book(world: World) -> None:
    visitor = world.open_page(max_advance_days=1)
    service = world.session_type(online=True)
    visitor.book(service, "12-01 09:00")
    problem = visitor.not_booked("slot_taken", service, "12-01 09:00")
    assert problem["conflicts"] == [{"kind": "session", "starts_at": at("12-01 09:00"), "ends_at": at("12-01 10:00")}]
    # Berlin's Tuesday 09:00 is the last start that may be booked.
    assert problem["alternatives"]
    assert all(slot["starts_at"] <= at("12-01 09:00") for slot in problem["alternatives"])


def test_ids_that_the_page_does_not_offer_are_invalid(light_world: World) -> None:
    visitor = light_world.open_page()
    offline = light_world.session_type()
    online = light_world.session_type(online=True, calendar_ids=[])
    for service, more, pointer in (
        (offline, {}, "/service_id"),
        ("svc_unknown", {}, "/service_id"),
        (online, {"calendar_id": "cal_unknown"}, "/calendar_id"),
        (online, {"client": {"name": "Ada"}}, "/client/email"),
        (online, {"client": {"name": "Ada", "email": "nowhere"}}, "/client/email"),
        (online, {"timezone": "Mars/Olympus"}, "/timezone"),
        (online, {"status": "confirmed"}, "/status"),
        (online, {"price": {"amount": 1, "currency": "EUR"}}, "/price"),
    ):
        body = visitor.booking(service, TUESDAY, **more)
        problem = visitor.refused(422, "invalid", "POST", "/booking/anna/sessions", body)
        assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_any_available_is_the_free_specialist_with_the_least_to_do_that_day(world: World) -> None:
    visitor = world.open_page()
    first = world.a.get("/calendars")["data"][0]["id"]
    second = world.a.post("/calendars", {"name": "Ben"})["id"]
    third = world.a.post("/calendars", {"name": "Cleo"})["id"]
    service = world.session_type(online=True, calendar_ids=[first, second])
    client = world.new_client()
    world.a.post(
        "/sessions",
        {"service_id": service, "client_id": client, "starts_at": at("12-01 14:00"), "calendar_id": first},
    )
    assert visitor.book(service, TUESDAY)["calendar_id"] == second
    assert visitor.book(service, TUESDAY)["calendar_id"] == first
    visitor.not_booked("slot_taken", service, TUESDAY)
    assert visitor.book(service, WEDNESDAY, calendar_id=second)["calendar"] == {"id": second, "name": "Ben"}
    body = visitor.booking(service, WEDNESDAY, calendar_id=third)
    assert (
        visitor.refused(422, "invalid", "POST", "/booking/anna/sessions", body)["errors"][0]["pointer"]
        == "/calendar_id"
    )


def test_a_key_of_the_page_has_one_effect_and_is_not_the_providers(world: World) -> None:
    visitor = world.open_page()
    service = world.session_type(online=True)
    body = visitor.booking(service, TUESDAY)
    first = visitor("POST", "/booking/anna/sessions", body, Idempotency_Key="k1")
    again = visitor("POST", "/booking/anna/sessions", body, Idempotency_Key="k1")
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert again.get_json() == first.get_json()
    own = {"service_id": service, "client_id": world.new_client(), "starts_at": at(WEDNESDAY)}
    world.a.post("/sessions", own, Idempotency_Key="k1")
    assert len(world.a.get("/sessions")["data"]) == 2


def test_who_is_known_books_while_the_clients_service_is_down_and_others_are_told_to_come_back(world: World) -> None:
    visitor = world.open_page()
    service = world.session_type(online=True)
    known = world.new_client(email="Ada@Client.Example", name="A. Lovelace")
    world.clients.go_down()
    booked = visitor.book(service, TUESDAY)
    assert world.a.get(f"/sessions/{booked['id']}")["client_id"] == known
    stranger = visitor.booking(service, WEDNESDAY, client={"name": "Eve", "email": "eve@client.example"})
    visitor.refused(503, "unavailable", "POST", "/booking/anna/sessions", stranger)


def test_a_new_clients_timezone_is_recorded_with_them(light_world: World) -> None:
    visitor = light_world.open_page()
    visitor.book(light_world.session_type(online=True), TUESDAY, timezone="America/New_York")
    (made,) = light_world.clients.made.values()
    assert (made["email"], made["timezone"]) == ("ada@client.example", "America/New_York")


def test_a_hold_that_is_given_back_at_the_page_leaves_its_time_to_others(world: World) -> None:
    visitor = world.open_page()
    service = world.session_type(online=True)
    held = visitor.ok("POST", "/booking/anna/holds", {"service_id": service, "starts_at": at(TUESDAY)})
    answer = visitor("DELETE", f"/booking/anna/holds/{held['id']}")
    assert (answer.status_code, answer.data) == (204, b"")
    visitor.refused(404, "not_found", "DELETE", f"/booking/anna/holds/{held['id']}")
    visitor.not_booked("hold_invalid", service, TUESDAY, hold_id=held["id"])
    visitor.book(service, TUESDAY)
    assert world.broken_invariants() == {}


def test_only_a_hold_that_stands_on_that_very_page_can_be_given_back(light_world: World) -> None:
    visitor = light_world.open_page()
    light_world.provision("acc_b", username="ben", plan="pro")
    light_world.b.patch("/account", {"booking": {"enabled": True}})
    service = light_world.session_type(online=True)
    wanted = {"service_id": service, "starts_at": at(TUESDAY)}
    held = visitor.ok("POST", "/booking/anna/holds", wanted)
    visitor.refused(404, "not_found", "DELETE", f"/booking/ben/holds/{held['id']}")
    visitor.refused(404, "not_found", "DELETE", f"/booking/nobody/holds/{held['id']}")
    booked = visitor.book(service, TUESDAY, hold_id=held["id"])
    visitor.refused(404, "not_found", "DELETE", f"/booking/anna/holds/{held['id']}")
    assert light_world.a.get(f"/sessions/{booked['id']}")["status"] == "pending"
    visitor.not_booked("slot_taken", service, TUESDAY)


# --- confirmed by the clock ------------------------------------------------------------------------------------------


def test_the_clock_confirms_after_the_timeout_and_not_before(world: World) -> None:
    visitor = world.open_page(confirm_timeout_hours=3)
    booked = visitor.book(world.session_type(online=True), TUESDAY)
    assert booked["auto_confirm_at"] == at("11-30 12:00")
    path = f"/sessions/{booked['id']}"
    world.clock.set(NOW + timedelta(hours=3) - timedelta(seconds=1))
    world.run_jobs()
    assert world.a.get(path)["status"] == "pending"
    world.clock.advance(seconds=1)
    world.run_jobs()
    world.run_jobs()
    confirmed = world.a.get(path)
    assert (confirmed["status"], confirmed["version"]) == ("confirmed", 2)
    assert [(type_, data["changed_by"]) for type_, _, data in world.events(booked["id"])] == [
        ("session.created", "client"),
        ("session.confirmed", "system"),
    ]
    assert history(world, booked["id"])[-1] == ("system", "auto_confirmed")


def test_the_clock_confirms_at_the_start_where_that_comes_first_also_after_a_move(world: World) -> None:
    visitor = world.open_page(confirm_timeout_hours=48)
    booked = visitor.book(world.session_type(online=True), TUESDAY)
    assert booked["auto_confirm_at"] == at(TUESDAY)
    moved = world.a.patch(f"/sessions/{booked['id']}", {"starts_at": at("12-04 10:00")})
    assert moved["auto_confirm_at"] == at("12-02 09:00")
    assert world.a.patch(f"/sessions/{booked['id']}", {"starts_at": at("12-01 09:00")})["auto_confirm_at"] == at(
        "12-01 09:00"
    )


def test_immediate_is_confirmed_at_once_and_manual_never_by_itself(light_world: World) -> None:
    service = light_world.session_type(online=True)
    at_once = light_world.open_page(auto_confirm="immediate").book(service, TUESDAY)
    assert (at_once["status"], at_once["auto_confirm_at"]) == ("confirmed", None)
    by_hand = light_world.open_page(auto_confirm="manual").book(service, WEDNESDAY)
    assert (by_hand["status"], by_hand["auto_confirm_at"]) == ("pending", None)
    light_world.clock.advance(days=30)
    light_world.run_jobs()
    path = f"/sessions/{by_hand['id']}"
    assert light_world.a.get(path)["status"] == "pending"
    assert light_world.a.post(f"{path}/confirm")["status"] == "confirmed"


@pytest.mark.parametrize("mode", ["immediate", "after_timeout"])
def test_an_unpaid_deposit_holds_the_confirmation_back_until_it_is_paid(world: World, mode: str) -> None:
    visitor = world.open_page(auto_confirm=mode, confirm_timeout_hours=1)
    booked = visitor.book(world.session_type(online=True, deposit=DEPOSIT), TUESDAY)
    assert booked["status"] == "pending"
    session = world.a.get(f"/sessions/{booked['id']}")
    world.clock.advance(hours=2)
    world.tell("deposit.required", world.deposit_told(session, 1, "required"))
    world.run_jobs()
    assert world.a.get(f"/sessions/{booked['id']}")["status"] == "pending"
    world.tell("deposit.paid", world.deposit_told(session, 2, "paid"))
    world.run_jobs()
    assert world.a.get(f"/sessions/{booked['id']}")["status"] == "confirmed"


def test_a_client_sees_until_when_to_pay_as_payments_tells_it(world: World) -> None:
    visitor = world.open_page()
    booked = visitor.book(world.session_type(online=True, deposit=DEPOSIT), TUESDAY)
    path = f"/manage/{booked['manage_url'].rpartition('/')[2]}"
    session = world.a.get(f"/sessions/{booked['id']}")
    assert booked["pay_by"] is None
    world.tell("deposit.required", world.deposit_told(session, 1, "required", pay_by=at("11-30 09:30")))
    assert visitor.ok("GET", path)["pay_by"] == at("11-30 09:30")
    world.tell("deposit.changed", world.deposit_told(session, 2, "required", held_amount=1000, due_amount=1000))
    assert visitor.ok("GET", path)["pay_by"] is None
    world.tell("deposit.changed", world.deposit_told(session, 3, "required", pay_by=at("11-30 10:00")))
    world.a.post(f"/sessions/{booked['id']}/cancel")
    assert visitor.ok("GET", path)["pay_by"] is None


def test_a_deposit_that_cannot_be_asked_holds_nothing_back(light_world: World) -> None:
    visitor = light_world.open_page(auto_confirm="immediate")
    booked = visitor.book(light_world.session_type(online=True, deposit=DEPOSIT), TUESDAY)
    session = light_world.a.get(f"/sessions/{booked['id']}")
    told = light_world.deposit_told(session, 1, "not_asked", reason="not_connected", due_amount=0)
    light_world.tell("deposit.not_asked", told)
    light_world.run_jobs()
    assert light_world.a.get(f"/sessions/{booked['id']}")["status"] == "confirmed"


def test_a_slot_that_nobody_paid_for_in_time_is_released(world: World) -> None:
    visitor = world.open_page(auto_confirm="immediate")
    service = world.session_type(online=True, deposit=DEPOSIT)
    booked = visitor.book(service, TUESDAY)
    session = world.a.get(f"/sessions/{booked['id']}")
    world.tell("deposit.released", world.deposit_told(session, 2, "canceled", reason="released"))
    world.run_jobs()
    released = world.a.get(f"/sessions/{booked['id']}")
    assert (released["status"], released["cancellation"]["by"], released["cancellation"]["reason"]) == (
        "cancelled",
        "system",
        "deposit_unpaid",
    )
    visitor.book(service, TUESDAY)


def test_a_downgrade_stops_the_clock_and_an_upgrade_lets_it_go_on(light_world: World) -> None:
    visitor = light_world.open_page(confirm_timeout_hours=1)
    booked = visitor.book(light_world.session_type(online=True), TUESDAY)
    light_world.provision("acc_a", username="anna", plan="free")
    light_world.clock.advance(hours=2)
    light_world.run_jobs()
    assert light_world.a.get(f"/sessions/{booked['id']}")["status"] == "pending"
    light_world.provision("acc_a", username="anna", plan="pro")
    light_world.run_jobs()
    assert light_world.a.get(f"/sessions/{booked['id']}")["status"] == "confirmed"


def test_what_was_cancelled_or_confirmed_by_hand_is_left_alone(light_world: World) -> None:
    visitor = light_world.open_page(confirm_timeout_hours=1)
    service = light_world.session_type(online=True)
    cancelled, confirmed = visitor.book(service, TUESDAY), visitor.book(service, WEDNESDAY)
    light_world.a.post(f"/sessions/{cancelled['id']}/cancel")
    light_world.a.post(f"/sessions/{confirmed['id']}/confirm")
    light_world.clock.advance(hours=2)
    light_world.run_jobs()
    assert light_world.a.get(f"/sessions/{cancelled['id']}")["version"] == 2
    assert light_world.a.get(f"/sessions/{confirmed['id']}")["version"] == 2


def test_a_restored_booking_waits_for_its_confirmation_anew(light_world: World) -> None:
    visitor = light_world.open_page(confirm_timeout_hours=1)
    booked = visitor.book(light_world.session_type(online=True), TUESDAY)
    path = f"/sessions/{booked['id']}"
    assert light_world.a.post(f"{path}/cancel")["auto_confirm_at"] is None
    light_world.clock.advance(minutes=30)
    restored = light_world.a.post(f"{path}/restore")
    assert (restored["status"], restored["auto_confirm_at"]) == ("pending", at("11-30 10:30"))


# --- so many requests a minute ---------------------------------------------------------------------------------------


def test_one_address_may_ask_so_often_a_minute(light_settings: Any) -> None:
    world = light_settings(public_requests_per_minute=3, trusted_proxies=1)
    visitor = world.open_page()

    def ask(forwarded: str) -> int:
        return int(visitor("GET", "/booking/anna", X_Forwarded_For=forwarded).status_code)

    assert [ask("198.51.100.7") for _ in range(3)] == [200, 200, 200]
    given_back = visitor("DELETE", "/booking/anna/holds/hld_1", X_Forwarded_For="198.51.100.7")
    assert given_back.status_code == 429
    refused = visitor("GET", "/booking/nobody", X_Forwarded_For="198.51.100.7")
    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    # Only what our own proxy adds is believed, and a household's IPv6 addresses are one.
    assert ask("203.0.113.9, 198.51.100.7") == 429
    assert ask("198.51.100.7, 203.0.113.9") == 200
    assert [ask(f"2001:db8:1:1::{n}") for n in range(1, 5)] == [200, 200, 200, 429]
    world.a.get("/account")  # with a token nobody counts


def test_a_client_made_by_a_booking_is_in_the_replica_before_its_event_came(light_world: World) -> None:
    visitor = light_world.open_page()
    booked = visitor.book(light_world.session_type(online=True), TUESDAY)
    session = light_world.a.get(f"/sessions/{booked['id']}")
    light_world.tell("client.created", client_data(id=session["client_id"], name="Ada Lovelace"))
    assert light_world.kept() == []


def _booked_unpaid(world: World) -> tuple[str, dict[str, Any]]:
    """The path of a booking that is confirmed at once but for the deposit that payments asks of it, and how it is shown."""
    visitor = world.open_page(auto_confirm="immediate")
    quarter = {"type": "percent", "percent": 25}
    path = f"/sessions/{visitor.book(world.session_type(online=True, deposit=quarter), '12-08 10:00')['id']}"
    session = world.a.get(path)
    world.tell("deposit.required", world.deposit_told(session, 1, "required"))
    return path, session


def test_a_released_booking_that_is_restored_waits_for_its_deposit_again(light_world: World) -> None:
    world = light_world
    path, session = _booked_unpaid(world)
    world.clock.advance(minutes=30)
    world.tell("deposit.released", world.deposit_told(session, 2, "canceled", reason="released"))
    assert world.a.post(f"{path}/restore")["status"] == "pending"
    world.run_jobs()  # before payments has answered the restore
    world.tell("deposit.required", world.deposit_told(session, 3, "required"))
    world.run_jobs()
    assert world.a.get(path)["status"] == "pending"
    world.tell("deposit.paid", world.deposit_told(session, 4, "paid"))
    world.run_jobs()
    assert world.a.get(path)["status"] == "confirmed"


def test_a_release_that_the_refund_of_a_late_payment_overtook_is_carried_out(light_world: World) -> None:
    world = light_world
    path, session = _booked_unpaid(world)
    world.tell("deposit.changed", world.deposit_told(session, 4, "refunded", refunded_amount=2000))
    world.tell("deposit.released", world.deposit_told(session, 2, "canceled", reason="released"))
    world.run_jobs()
    assert world.a.get(path)["status"] == "cancelled"


def test_a_restored_booking_that_is_moved_keeps_the_time_it_has_since_its_restore(light_world: World) -> None:
    world = light_world
    visitor = world.open_page(auto_confirm="after_timeout", confirm_timeout_hours=24)
    path = f"/sessions/{visitor.book(world.session_type(online=True), '12-08 10:00')['id']}"
    world.a.post(f"{path}/cancel")
    world.clock.advance(hours=48)
    restored = world.a.post(f"{path}/restore")
    moved = world.a.post(f"{path}/reschedule", {"starts_at": at("12-09 10:00")})
    assert moved["auto_confirm_at"] == restored["auto_confirm_at"]
    world.run_jobs()
    assert world.a.get(path)["status"] == "pending"


def test_a_booking_that_was_restored_after_its_start_and_is_moved_is_confirmed_by_the_clock_again(
    light_world: World,
) -> None:
    world = light_world
    visitor = world.open_page(auto_confirm="after_timeout", confirm_timeout_hours=24)
    path = f"/sessions/{visitor.book(world.session_type(online=True), TUESDAY)['id']}"
    world.a.post(f"{path}/cancel")
    world.clock.set(datetime.fromisoformat(at("12-01 12:00")))
    assert world.a.post(f"{path}/restore")["auto_confirm_at"] is None
    world.clock.advance(minutes=30)

    moved = world.a.post(f"{path}/reschedule", {"starts_at": at("12-04 10:00")})

    assert moved["auto_confirm_at"] == at("12-02 12:00")
    world.run_jobs()
    assert world.a.get(path)["status"] == "pending"
    world.clock.advance(hours=24)
    world.run_jobs()
    assert world.a.get(path)["status"] == "confirmed"
