"""Accounts: provisioned by the platform, shaped by the provider, and asked for their plan."""

from __future__ import annotations

from typing import Any

import pytest
from services.scheduling.tests.driver import ALL_SCOPES, World


def test_provisioning_makes_an_account_with_a_default_calendar_and_tells_it(light_world: World) -> None:
    account = light_world.provision("acc_new", username="neu", plan="pro")
    assert account["country"] == "DE"
    assert account["booking"] == {
        "enabled": False,
        "auto_confirm": "after_timeout",
        "confirm_timeout_hours": 24,
        "min_notice_hours": 2,
        "max_advance_days": 60,
        "client_cancellation": True,
        "cancel_cutoff_hours": 24,
        "reschedule_cutoff_hours": 24,
        "slot_interval_minutes": 15,
    }
    (calendar,) = light_world.caller("acc_new").get("/calendars")["data"]
    assert calendar["is_default"] is True
    assert [(h["weekday"], h["start"], h["end"]) for h in calendar["working_hours"]] == [
        (day, "09:00", "17:00") for day in ("mon", "tue", "wed", "thu", "fri")
    ]
    ((type_, sequence, data),) = light_world.events("acc_new")
    assert (type_, sequence, data["plan"]) == ("account.created", 1, "pro")


def test_provisioning_again_updates_and_keeps_what_is_left_out(light_world: World) -> None:
    answer = light_world.a("PUT", "/accounts/acc_b", {"plan": "pro"})
    assert answer.status_code == 200
    assert (answer.get_json()["plan"], answer.get_json()["username"], answer.get_json()["version"]) == (
        "pro",
        "bert",
        2,
    )
    assert [event[0] for event in light_world.events("acc_b")] == ["account.created", "account.updated"]


def test_provisioning_the_same_again_changes_nothing(light_world: World) -> None:
    light_world.provision("acc_a", username="anna")
    assert [event[0] for event in light_world.events("acc_a")] == ["account.created"]


def test_another_timezone_brings_its_country_unless_one_is_said(light_world: World) -> None:
    assert light_world.a.ok("PUT", "/accounts/acc_b", {"timezone": "Europe/Vienna"})["country"] == "AT"
    assert light_world.a.ok("PUT", "/accounts/acc_b", {"country": "CH"})["country"] == "CH"
    assert light_world.a.ok("PUT", "/accounts/acc_b", {"name": "Other"})["country"] == "CH"
    assert light_world.b.patch("/account", {"timezone": "Europe/Berlin"})["country"] == "CH"


def test_a_timezone_in_no_country_needs_one_to_be_said(light_world: World) -> None:
    new = {"name": "P", "email": "p@example.com", "username": "p", "timezone": "UTC", "currency": "EUR"}
    problem = light_world.a.refused(422, "invalid", "PUT", "/accounts/acc_p", new)
    assert problem["errors"][0]["pointer"] == "/country"
    assert light_world.a.ok("PUT", "/accounts/acc_p", new | {"country": "IS"})["country"] == "IS"


def test_a_timezone_in_no_country_leaves_the_accounts_country(light_world: World) -> None:
    assert light_world.a.patch("/account", {"timezone": "UTC"})["country"] == "DE"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timezone", "Berlin"),
        ("currency", "EURO"),
        ("currency", "eur"),
        ("country", "XX"),
        ("plan", "platinum"),
        ("email", "nobody"),
        ("username", "with space"),
        ("username", ""),
        ("locale", "german"),
        ("name", "  "),
        ("name", 7),
        ("version", 3),
    ],
)
def test_what_cannot_be_is_refused_with_its_pointer(light_world: World, field: str, value: Any) -> None:
    problem = light_world.a.refused(422, "invalid", "PUT", "/accounts/acc_a", {field: value})
    assert problem["errors"][0]["pointer"] == f"/{field}"


def test_a_new_account_lacking_fields_is_told_which(light_world: World) -> None:
    problem = light_world.a.refused(422, "invalid", "PUT", "/accounts/acc_c", {"name": "C"})
    assert {error["pointer"] for error in problem["errors"]} == {"/email", "/username", "/timezone", "/currency"}


@pytest.mark.parametrize("account_id", ["acc_", "a_1", "acc_" + "x" * 61, "acc_ü"])
def test_an_account_id_has_its_form(light_world: World, account_id: str) -> None:
    light_world.a.refused(422, "invalid", "PUT", f"/accounts/{account_id}", {})


def test_a_username_is_one_accounts_alone_whatever_its_case(world: World) -> None:
    world.a.refused(409, "duplicate", "PUT", "/accounts/acc_b", {"username": "ANNA"})
    world.b.refused(409, "duplicate", "PATCH", "/account", {"username": "Anna"})


def test_provisioning_is_for_operators_and_opens_nothing_else(light_world: World) -> None:
    light_world.caller("acc_a", "sessions:read sessions:write").refused(403, "forbidden", "PUT", "/accounts/acc_a", {})
    light_world.caller("acc_a", "ops").refused(403, "forbidden", "GET", "/account")


def test_the_provider_shapes_booking_and_leaves_the_rest(light_world: World) -> None:
    account = light_world.a.patch("/account", {"booking": {"min_notice_hours": 12, "enabled": True}})
    assert (account["booking"]["min_notice_hours"], account["booking"]["enabled"]) == (12, True)
    assert account["booking"]["max_advance_days"] == 60
    assert light_world.a.get("/account") == account


@pytest.mark.parametrize(
    "booking",
    [
        {"auto_confirm": "maybe"},
        {"max_advance_days": 0},
        {"slot_interval_minutes": 0},
        {"enabled": "yes"},
        {"surprise": 1},
    ],
)
def test_booking_settings_are_checked(light_world: World, booking: dict[str, Any]) -> None:
    problem = light_world.a.refused(422, "invalid", "PATCH", "/account", {"booking": booking})
    assert problem["errors"][0]["pointer"] == f"/booking/{next(iter(booking))}"


def test_the_plan_is_not_the_providers_to_change(light_world: World) -> None:
    light_world.b.refused(422, "invalid", "PATCH", "/account", {"plan": "max"})


@pytest.mark.parametrize("booking", [{"enabled": True}, {"auto_confirm": "immediate"}])
def test_online_booking_needs_the_plan_pro(light_world: World, booking: dict[str, Any]) -> None:
    light_world.b.refused(409, "plan_required", "PATCH", "/account", {"booking": booking})
    light_world.provision("acc_b", username="bert", plan="pro")
    light_world.b.patch("/account", {"booking": booking})


def test_a_stale_if_match_changes_nothing(light_world: World) -> None:
    answer = light_world.a("GET", "/account")
    assert answer.headers["ETag"] == '"1"'
    light_world.a.patch("/account", {"name": "One"}, If_Match='"1"')
    light_world.a.refused(412, "stale", "PATCH", "/account", {"name": "Two"}, If_Match='"1"')
    light_world.a.refused(412, "stale", "PUT", "/accounts/acc_a", {"name": "Two"}, If_Match='"1"')
    assert light_world.a.get("/account")["name"] == "One"


def test_an_account_that_was_not_provisioned_is_asked_to_come_back(light_world: World) -> None:
    for method, path in [("GET", "/account"), ("GET", "/sessions"), ("GET", "/services/svc_x"), ("GET", "/calendars")]:
        answer = light_world.caller("acc_unknown", ALL_SCOPES)(method, path)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
    body = {"service_id": "svc_x", "client_id": "cli_x", "starts_at": "2026-12-01T09:00:00Z"}
    light_world.caller("acc_unknown").refused(503, "unavailable", "POST", "/sessions", body)
