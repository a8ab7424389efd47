"""The client's own link: what it shows, what may be done by it and until when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from services.scheduling.tests.driver import NOW, SECRET, Visitor, World, at
from services.scheduling.tests.test_deposits import quote

from chassis.links import Links

TUESDAY, FRIDAY = "12-01 10:00", "12-04 10:00"
DEPOSIT = {"type": "percent", "percent": 25}


def link(url: str) -> str:
    """The path of a link, as `Visitor` takes it."""
    return f"/manage/{url.rpartition('/')[2]}"


def made_by_provider(world: World, **fields: Any) -> tuple[dict[str, Any], str]:
    """A session that the provider made, and the link in its event."""
    body = {"service_id": world.session_type(), "client_id": world.new_client(), "starts_at": at(FRIDAY)} | fields
    session = world.a.post("/sessions", body)
    return session, link(world.events(session["id"])[-1][2]["manage_url"])


@pytest.fixture
def visitor(world: World) -> Visitor:
    return world.open_page()


def test_the_link_shows_the_session_and_nothing_that_is_the_providers_own(world: World, visitor: Visitor) -> None:
    session, path = made_by_provider(world, notes="Bring the form", session_notes="Difficult person")
    shown = visitor("GET", path)
    body = shown.get_json()
    assert (body["id"], body["status"], body["starts_at"]) == (session["id"], "confirmed", at(FRIDAY))
    assert (body["provider"]["name"], body["calendar"]["name"], body["service"]["name"]) == (
        "Praxis",
        "Praxis",
        "Coaching",
    )
    assert body["notes"] == "Bring the form"
    assert "Difficult" not in shown.get_data(as_text=True)
    assert "session_notes" not in body
    assert body["may"] == {"confirm": False, "cancel": True, "reschedule": True}
    assert body["cancel_until"] == at("12-03 10:00")
    assert (shown.headers["Referrer-Policy"], shown.headers["X-Robots-Tag"]) == ("no-referrer", "noindex")


def test_only_a_link_that_was_signed_here_for_this_purpose_opens_anything(light_world: World) -> None:
    visitor = light_world.open_page()
    session, path = made_by_provider(light_world)
    forged = Links("another secret that is as long as ours").sign("manage-link", ["acc_a", session["id"]])
    elsewhere = Links(SECRET).sign("payment-link", ["acc_a", session["id"]])
    foreign = Links(SECRET).sign("manage-link", ["acc_b", session["id"]])
    for token in ("x", path[8:-1], forged, elsewhere, foreign, session["id"]):
        visitor.refused(404, "not_found", "GET", f"/manage/{token}")
        for action, body in (("confirm", {}), ("cancel", {}), ("reschedule", {"starts_at": at(TUESDAY)})):
            visitor.refused(404, "not_found", "POST", f"/manage/{token}/{action}", body)


def test_a_client_confirms_what_the_provider_made_pending_once(world: World, visitor: Visitor) -> None:
    session, path = made_by_provider(world, status="pending")
    assert visitor.ok("GET", path)["may"]["confirm"] is True
    assert visitor.ok("POST", f"{path}/confirm", {})["status"] == "confirmed"
    visitor.refused(409, "invalid_transition", "POST", f"{path}/confirm", {})
    last = world.a.get(f"/sessions/{session['id']}/history")["data"][-1]
    assert (last["actor"], last["action"]) == ("client", "confirmed")


def test_a_client_does_not_confirm_the_own_booking(world: World, visitor: Visitor) -> None:
    booked = visitor.book(world.session_type(online=True), FRIDAY)
    assert booked["may"]["confirm"] is False
    visitor.refused(409, "invalid_transition", "POST", f"{link(booked['manage_url'])}/confirm", {})


def test_a_client_cancels_and_what_was_paid_is_refunded_by_policy_without_a_question(
    world: World, visitor: Visitor
) -> None:
    booked = visitor.book(world.session_type(online=True, deposit=DEPOSIT), FRIDAY)
    session = world.a.get(f"/sessions/{booked['id']}")
    world.tell("deposit.paid", world.deposit_told(session, 1, "paid"))
    cancelled = visitor.ok("POST", f"{link(booked['manage_url'])}/cancel", {"reason": "ill"})
    assert (cancelled["status"], cancelled["deposit"]["status"]) == ("cancelled", "refund_pending")
    assert {k: cancelled["cancellation"][k] for k in ("by", "reason", "refund")} == {
        "by": "client",
        "reason": "ill",
        "refund": "refund",
    }
    type_, _, data = world.events(booked["id"])[-1]
    assert (type_, data["changed_by"], data["cancellations"][0]["refund"]) == ("session.cancelled", "client", "refund")
    assert cancelled["may"] == {"confirm": False, "cancel": False, "reschedule": False}
    visitor.refused(409, "invalid_transition", "POST", f"{link(booked['manage_url'])}/cancel", {})
    visitor.book(booked["service_id"], FRIDAY)


def test_a_client_who_was_quoted_a_refund_gets_exactly_that(world: World, visitor: Visitor) -> None:
    booked = visitor.book(world.session_type(online=True, deposit=DEPOSIT), FRIDAY)
    path, session = link(booked["manage_url"]), world.a.get(f"/sessions/{booked['id']}")
    world.tell("deposit.paid", world.deposit_told(session, 1, "paid"))
    other = quote(world, session, session_id="ses_other")
    visitor.refused(422, "invalid", "POST", f"{path}/cancel", {"refund_quote_id": other})
    given = quote(world, session)
    world.clock.advance(minutes=15)
    visitor.refused(409, "quote_expired", "POST", f"{path}/cancel", {"refund_quote_id": given})
    visitor.ok("POST", f"{path}/cancel", {"refund_quote_id": quote(world, session)})
    (cancellation,) = world.events(booked["id"])[-1][2]["cancellations"]
    assert (cancellation["refund"], cancellation["quote"]["percentage"]) == ("refund", 50)


def test_a_payment_on_its_way_while_the_client_cancels_is_refunded_when_it_arrives(
    world: World, visitor: Visitor
) -> None:
    booked = visitor.book(world.session_type(online=True, deposit=DEPOSIT), FRIDAY)
    cancelled = visitor.ok("POST", f"{link(booked['manage_url'])}/cancel", {})
    assert cancelled["cancellation"]["refund"] == "refund"
    session = world.a.get(f"/sessions/{booked['id']}")
    world.tell("deposit.paid", world.deposit_told(session, 2, "paid"))
    assert world.a.get(f"/sessions/{booked['id']}")["deposit"]["status"] == "refund_pending"


def test_the_cut_offs_are_elapsed_hours_and_include_their_moment(light_world: World) -> None:
    visitor = light_world.open_page(cancel_cutoff_hours=24, reschedule_cutoff_hours=48)
    _, path = made_by_provider(light_world)
    starts = NOW + timedelta(days=4, hours=1)
    light_world.clock.set(starts - timedelta(hours=48) + timedelta(seconds=1))
    visitor.refused(409, "cutoff_passed", "POST", f"{path}/reschedule", {"starts_at": at("12-04 15:00")})
    assert visitor.ok("GET", path)["may"] == {"confirm": False, "cancel": True, "reschedule": False}
    light_world.clock.set(starts - timedelta(hours=24) + timedelta(seconds=1))
    visitor.refused(409, "cutoff_passed", "POST", f"{path}/cancel", {})
    light_world.clock.set(starts - timedelta(hours=24))
    assert visitor.ok("POST", f"{path}/cancel", {})["status"] == "cancelled"


def test_a_provider_may_take_no_cancellations_by_the_link(light_world: World) -> None:
    visitor = light_world.open_page(client_cancellation=False)
    _, path = made_by_provider(light_world)
    assert visitor.ok("GET", path)["cancel_until"] is None
    visitor.refused(409, "cancellation_disabled", "POST", f"{path}/cancel", {})


def test_a_client_moves_the_session_to_what_is_offered_and_the_event_says_who_did(
    world: World, visitor: Visitor
) -> None:
    session, path = made_by_provider(world)
    moved = visitor.ok("POST", f"{path}/reschedule", {"starts_at": at("12-04 10:30")})
    assert (moved["starts_at"], moved["ends_at"], moved["version"]) == (at("12-04 10:30"), at("12-04 11:30"), 2)
    type_, _, data = world.events(session["id"])[-1]
    assert (type_, data["changed_by"]) == ("session.rescheduled", "client")
    for start, code in (
        ("12-04 10:07", "slot_unavailable"),
        ("11-30 10:00", "slot_unavailable"),
        ("12-05 10:00", "outside_working_hours"),
    ):
        visitor.refused(409, code, "POST", f"{path}/reschedule", {"starts_at": at(start)})


def test_a_move_onto_somebody_elses_time_is_a_conflict_that_names_nobody(world: World, visitor: Visitor) -> None:
    other, _ = made_by_provider(world, starts_at=at("12-03 10:00"))
    _, path = made_by_provider(world)
    problem = visitor.refused(409, "slot_taken", "POST", f"{path}/reschedule", {"starts_at": at("12-03 10:30")})
    assert problem["conflicts"] == [{"kind": "session", "starts_at": other["starts_at"], "ends_at": other["ends_at"]}]
    assert problem["alternatives"]


def test_the_link_works_while_the_page_is_off_and_repeats_one_key_once(world: World, visitor: Visitor) -> None:
    _, path = made_by_provider(world)
    world.a.patch("/account", {"booking": {"enabled": False}})
    first = visitor("POST", f"{path}/cancel", {}, Idempotency_Key="k")
    again = visitor("POST", f"{path}/cancel", {}, Idempotency_Key="k")
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (200, 200, "true")


def test_fields_that_are_not_a_clients_to_say_are_refused(light_world: World) -> None:
    visitor = light_world.open_page()
    _, path = made_by_provider(light_world)
    for action, body, pointer in (
        ("cancel", {"refund": "skip"}, "/refund"),
        ("reschedule", {"starts_at": at(FRIDAY), "allow_overlap": True}, "/allow_overlap"),
        ("reschedule", {}, "/starts_at"),
        ("confirm", {"status": "completed"}, "/status"),
    ):
        problem = visitor.refused(422, "invalid", "POST", f"{path}/{action}", body)
        assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_nobody_moves_to_another_time_of_a_calendar_that_is_retired(light_world: World) -> None:
    world = light_world
    visitor = world.open_page()
    room = world.a.post("/calendars", {"name": "Room"})["id"]
    session, path = made_by_provider(world, calendar_id=room)
    world.a.ok("DELETE", f"/calendars/{room}")
    assert visitor("GET", path).get_json()["may"] == {"confirm": False, "cancel": True, "reschedule": False}
    visitor.refused(409, "slot_unavailable", "POST", f"{path}/reschedule", {"starts_at": at(TUESDAY)})
    assert world.a.get(f"/sessions/{session['id']}")["starts_at"] == at(FRIDAY)


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize("token", ["of a session", "x%3F%23%40elsewhere.example%0D%0A"])
def test_a_browser_that_opens_the_link_is_led_to_the_console(light_settings: Callable[..., World], token: str) -> None:
    world = light_settings(console_public_url="https://book.example")
    _, path = made_by_provider(world)
    if token != "of a session":
        path = f"/manage/{token}"
    led = world.open_page()("GET", path, Accept=BROWSER)
    # As it stands, whatever it is: what a forged one opens there is nothing, too.
    assert (led.status_code, led.headers["Location"]) == (303, f"https://book.example{path}")
    assert "Accept" in led.headers["Vary"]
    assert (led.headers["Referrer-Policy"], led.headers["X-Robots-Tag"]) == ("no-referrer", "noindex")


@pytest.mark.parametrize("accept", [None, "", "*/*", "application/json", "application/json, text/plain, */*"])
def test_a_program_that_opens_the_link_gets_the_session(
    light_settings: Callable[..., World], accept: str | None
) -> None:
    world = light_settings(console_public_url="https://book.example")
    session, path = made_by_provider(world)
    shown = world.open_page()("GET", path, **{} if accept is None else {"Accept": accept})
    assert (shown.status_code, shown.get_json()["id"]) == (200, session["id"])
    assert "Accept" in shown.headers["Vary"]


def test_without_a_console_a_browser_gets_the_session_as_well(light_world: World) -> None:
    session, path = made_by_provider(light_world)
    shown = light_world.open_page()("GET", path, Accept=BROWSER)
    assert (shown.status_code, shown.get_json()["id"]) == (200, session["id"])
