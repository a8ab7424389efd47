"""Set-up: what a provider sets there holds at once, and what cannot be is told where it was typed."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from chassis.auth import SCOPES, issue
from contracts.envelope import parse_time
from e2e.conftest import Console, sign_in
from embedded import secrets_file
from embedded.practice import Practice, wait_for

ACCOUNT = "acc_setup_by_browser"


def _known(practice: Practice, service: str, path: str) -> bool:
    return practice.call("GET", service, path).status_code == 200


@pytest.fixture(scope="module")
def practice(suite: Console) -> Practice:
    """A practice of its own, with nothing but its default calendar, known to every service."""
    made = suite.running.practice(ACCOUNT)
    made.provision(name="Practice of Set-up", username="set-up")
    made.client("Ada Example")
    for service, path in (("payments", "/v1/connect"), ("notifications", "/v1/settings")):
        wait_for(partial(_known, made, service, path), f"{service} hears of the account")
    return made


@pytest.fixture
def page(suite: Console, practice: Practice, visitor: Page) -> Page:
    """Its provider's page: the demo sign-in gives a token of that account."""
    secret = secrets_file.load(suite.running.data_dir).auth_jwt_secret
    token = issue(secret, account_id=ACCOUNT, scope=" ".join(SCOPES), ttl=3600)

    def answer(route: Route) -> None:
        route.fulfill(json={"access_token": token, "expires_in": 3600})

    visitor.route("**/demo/sign-in", answer)
    sign_in(visitor, "/setup")
    return visitor


def drawer(page: Page) -> Locator:
    return page.get_by_role("dialog")


def save(place: Page | Locator) -> None:
    place.get_by_role("button", name="Save", exact=True).click()


def test_a_session_type_with_a_deposit_is_made_and_shown(page: Page, practice: Practice) -> None:
    page.get_by_role("button", name="New session type").click()
    form = drawer(page)
    form.get_by_role("textbox", name="Name").fill("Long consultation")
    form.get_by_role("textbox", name="Price", exact=True).fill("80")
    form.get_by_text("Fixed amount").click()
    form.get_by_role("textbox", name="Amount of the deposit").fill("0.20")
    form.get_by_role("button", name="Create session type").click()
    expect(form.get_by_text("Stripe charges €0.50 or more.")).to_be_visible()

    form.get_by_role("textbox", name="Amount of the deposit").fill("20")
    expect(form.get_by_text("The client pays a deposit of €20.00.")).to_be_visible()
    form.get_by_role("radio", name="Teal").check()
    form.get_by_role("button", name="Create session type").click()

    row = page.get_by_role("listitem").filter(has_text="Long consultation")
    expect(row).to_contain_text("€80.00")
    expect(row).to_contain_text("€20.00 deposit")
    kept = next(t for t in practice.get("scheduling", "/v1/services")["data"] if t["name"] == "Long consultation")
    assert (kept["deposit"], kept["color"]) == ({"type": "fixed", "amount": 2000}, "#0f766e")


def test_working_hours_are_what_can_be_booked(page: Page, practice: Practice) -> None:
    kind = practice.session_type(percent=None, name="By the hours")
    page.goto("/setup/calendars")
    page.locator("#content").get_by_role("button", name="Practice of Set-up", exact=True).click()
    form = drawer(page)
    form.get_by_role("button", name="Remove hours of Monday (1)").click()
    form.get_by_label("Tuesday, from (1)").fill("10")
    form.get_by_label("Tuesday, to (1)").fill("11.30")
    save(form)
    expect(form).to_be_hidden()

    expect(page.get_by_role("listitem").filter(has_text="Tue 10:00–11:30")).to_be_visible()
    monday = next_monday(practice.now())
    assert slots(practice, kind["id"], monday, days=1) == []
    assert {each[11:16] for each in slots(practice, kind["id"], monday + timedelta(days=1), days=1)} == {
        "10:00", "10:15", "10:30",
    }  # fmt: skip


def test_hours_that_overlap_are_told_where_they_stand(page: Page) -> None:
    page.goto("/setup/calendars?new")
    form = drawer(page)
    form.get_by_role("textbox", name="Name").fill("Second room")
    form.get_by_role("button", name="Add hours to Monday").click()
    form.get_by_label("Monday, from (2)").fill("16")
    form.get_by_label("Monday, to (2)").fill("18")
    form.get_by_role("button", name="Create calendar").click()

    expect(form.get_by_text("These hours overlap others of that day.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(form.get_by_text("There are unsaved changes.")).to_be_visible()
    form.get_by_role("button", name="Discard").click()
    expect(form).to_be_hidden()


def test_the_booking_page_is_switched_on_and_can_be_opened(page: Page, practice: Practice) -> None:
    practice.session_type(percent=None, name="Bookable", online=True)
    page.goto("/setup/booking")
    expect(page.get_by_text("The page is off")).to_be_visible()
    page.get_by_role("switch", name="Booking page is on").check()
    page.get_by_role("radio", name="By hand").check()
    save(page)

    link = page.get_by_role("link", name="/book/set-up")
    expect(link).to_have_attribute("target", "_blank")
    offered = practice.get("scheduling", "/v1/booking/set-up")
    assert offered["booking"]["auto_confirm"] == "manual"
    assert "Bookable" in {each["name"] for each in offered["services"]}


def test_blocked_time_that_recurs_is_made_and_ended_as_a_whole(page: Page, practice: Practice) -> None:
    page.goto("/setup/blocked-times?new")
    form = drawer(page)
    form.get_by_role("textbox", name="Title").fill("Supervision")
    form.get_by_role("combobox", name="Repeats").click()
    page.get_by_role("option", name="Every week").click()
    form.get_by_role("textbox", name="Times").fill("3")
    form.get_by_role("button", name="Block this time").click()

    blocked = page.get_by_role("region", name="Blocked times").get_by_role("listitem").filter(has_text="Supervision")
    expect(blocked).to_have_count(3)
    expect(page.get_by_role("region", name="Series").get_by_text("Every week, 3 times")).to_be_visible()
    blocked.first.get_by_role("button").click()
    form.get_by_text("All", exact=True).click()
    form.get_by_role("button", name="Delete").click()
    form.get_by_role("button", name="Delete").click()
    expect(blocked).to_have_count(0)
    assert practice.get("scheduling", "/v1/events")["data"] == []


def test_a_template_is_seen_as_it_is_typed_and_refused_with_an_unknown_variable(page: Page, practice: Practice) -> None:
    page.goto("/setup/notifications")
    page.get_by_role("link", name="Words of “Confirmation”").click()
    preview = page.get_by_role("region", name="Preview")
    expect(preview.frame_locator("iframe").get_by_text("Hello Ada Winter")).to_be_visible()

    subject = page.get_by_role("textbox", name="Subject")
    subject.fill("See you, {{ nobody }}")
    expect(page.get_by_text("There is no variable “nobody”.")).to_be_visible()
    save(page)
    expect(page.get_by_text("There is no variable “nobody”.")).to_be_visible()
    subject.fill("See you, ")
    page.get_by_role("button", name="client_name").click()
    expect(subject).to_have_value("See you, {{ client_name }}")
    expect(preview.get_by_text("See you, Ada Winter")).to_be_visible()
    save(page)

    expect(page.get_by_text("These are your own words.")).to_be_visible()
    template = "/v1/templates/confirmation/email/en"
    assert practice.get("notifications", template)["subject"] == "See you, {{ client_name }}"
    page.get_by_role("button", name="Back to ours").click()
    expect(page.get_by_text("These are your own words.")).to_be_hidden()
    assert not practice.get("notifications", template)["own"]


def test_settings_of_notifications_are_kept_as_a_whole(page: Page, practice: Practice) -> None:
    page.goto("/setup/notifications")
    page.get_by_role("checkbox", name="Rescheduled by SMS").check()
    page.get_by_role("switch", name="Keep quiet hours").check()
    page.get_by_role("textbox", name="From").fill("22")
    page.get_by_role("textbox", name="Replies go to").fill("nobody")
    save(page)
    expect(page.get_by_text("This is not an email address.")).to_be_visible()
    page.get_by_role("textbox", name="Replies go to").fill("desk@practice.example")
    save(page)

    expect(page.get_by_text("There are unsaved changes.")).to_be_hidden()
    kept = practice.get("notifications", "/v1/settings")
    assert kept["kinds"]["rescheduled"] == {"email": True, "sms": True}
    assert kept["kinds"]["reminder_24h"] == {"email": True, "sms": True}
    assert (kept["quiet_hours"], kept["reply_to"]) == ({"start": "22:00", "end": "08:00"}, "desk@practice.example")


def test_refund_steps_are_drawn_as_they_are_typed_and_kept(page: Page, practice: Practice) -> None:
    page.goto("/setup/payments")
    page.get_by_role("radio", name="Less, the later it is cancelled").check()
    row = page.get_by_role("row", name="24 hours")
    expect(row).to_contain_text("€25.00")
    page.get_by_role("textbox", name="Step 2: share that comes back").fill("40")
    expect(row).to_contain_text("€20.00 · 40%")
    page.get_by_role("textbox", name="Step 1: hours before the start").fill("12")
    expect(page.get_by_text("No more may come back")).to_be_visible()
    page.get_by_role("textbox", name="Step 1: hours before the start").fill("48")
    expect(page.get_by_text("No more may come back")).to_be_hidden()
    save(page)

    expect(page.get_by_text("There are unsaved changes.")).to_be_hidden()
    assert practice.get("payments", "/v1/settings")["refund_tiers"] == [
        {"hours_before": 48, "percentage": 100},
        {"hours_before": 24, "percentage": 40},
    ]


def test_onboarding_at_stripe_is_left_and_come_back_from_ready(page: Page) -> None:
    page.goto("/setup/payments")
    expect(page.get_by_text("Not connected")).to_be_visible()
    page.get_by_role("button", name="Connect with Stripe").click()
    page.wait_for_url("**/sandbox/**")
    page.get_by_role("button", name="Finish").click()

    page.wait_for_url("**/setup/payments")
    expect(page.get_by_text("Ready", exact=True)).to_be_visible()
    expect(page.get_by_text("Clients can pay.")).to_be_visible()


def test_the_statement_comes_as_a_file(page: Page) -> None:
    page.goto("/setup/payments")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download CSV").click()

    assert coming.value.path().read_text().startswith("session_id,deposit_id")


def next_monday(now: datetime) -> datetime:
    """The midnight in Berlin, or an hour beside it, with which the Monday after the coming one begins."""
    ahead = now + timedelta(days=14 - now.weekday())
    return ahead.replace(hour=0, minute=0, second=0, microsecond=0)


def slots(practice: Practice, service_id: str, begin: datetime, *, days: int) -> list[str]:
    """When clients could book, on the wall in Berlin."""
    query: dict[str, Any] = {
        "service_id": service_id,
        "from": begin.isoformat(),
        "to": (begin + timedelta(days=days)).isoformat(),
        "timezone": "Europe/Berlin",
    }
    data = practice.get("scheduling", "/v1/availability", **query)["data"]
    return [each["starts_at"] for each in data if parse_time(each["starts_at"]) >= begin]
