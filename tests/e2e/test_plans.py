"""What a smaller plan refuses, and how each page says so: which plan has it, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.conftest import Console

Visit = Callable[[str], Page]


@pytest.fixture
def on_plan(suite: Console) -> Iterator[Callable[[str], None]]:
    """Puts the practice on a plan, until the test is over."""
    before = suite.practice.get("scheduling", "/v1/account")
    given = {name: before[name] for name in ("name", "email", "username", "timezone", "currency", "locale", "country")}
    yield lambda plan: suite.practice.provision(**given, plan=plan)
    suite.practice.provision(**given, plan=before["plan"])


def expect_refusal(page: Page, words: str) -> Locator:
    refusal = page.get_by_role("alert").filter(has_text=words)
    expect(refusal).to_be_visible()
    link = refusal.get_by_role("link")
    expect(link).to_have_attribute("href", "/setup/plan")
    expect(link).to_have_attribute("target", "_blank")
    return refusal


@pytest.fixture
def shrunk(visit: Visit, on_plan: Callable[[str], None]) -> Callable[[str], Page]:
    """A page that was opened on the plan max, while the practice is on free by now."""

    def open_before(path: str) -> Page:
        page = visit(path)
        on_plan("free")
        return page

    return open_before


@pytest.fixture(scope="module")
def full(suite: Console) -> Any:
    """The last of as many sessions as a month of the plan free has."""
    kind = suite.practice.session_type(percent=None, name="Plan hour", minutes=60)
    client = suite.practice.client("Plan Example", "plan@plans.example")
    on_purpose = {"allow_outside_hours": True, "override_reason": "Any day will do"}
    morning = suite.practice.now().replace(hour=9, minute=0, second=0, microsecond=0)
    return [
        suite.practice.book(
            service_id=kind["id"], client_id=client["id"], starts_at=morning + timedelta(days=day), **on_purpose
        )
        for day in range(3, 18)
    ][-1]


@pytest.mark.parametrize(
    ("language", "create", "notes", "refused"),
    [
        ("en", "Create session", "Session notes", "Your plan includes 15 sessions a month"),
        ("de", "Termin anlegen", "Interne Notizen", "Ihr Tarif enthält 15 Termine im Monat"),
    ],
)
def test_a_full_month_refuses_a_session_and_keeps_what_was_typed(
    page: Page, full: Any, on_plan: Callable[[str], None], language: str, create: str, notes: str, refused: str
) -> None:
    on_plan("free")
    page.evaluate("language => localStorage.setItem('timeblu.language', language)", language)
    page.goto(f"/calendar?new&client={full['client_id']}&start=2030-01-07T09:00:00Z")

    page.get_by_label(notes).fill("Only for us")
    page.get_by_role("button", name=create).click()

    expect(expect_refusal(page, refused)).to_be_in_viewport(ratio=1)
    expect(page.get_by_label(notes)).to_have_value("Only for us")


def test_a_full_month_refuses_a_duplicate(full: Any, visit: Visit, on_plan: Callable[[str], None]) -> None:
    on_plan("free")
    page = visit(f"/calendar?session={full['id']}")

    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Duplicate").click()
    page.get_by_role("button", name="Create session").click()

    expect_refusal(page, "Your plan includes 15 sessions a month")


def test_clients_beyond_the_plan_are_refused(suite: Console, visit: Visit, on_plan: Callable[[str], None]) -> None:
    for number in range(20):
        suite.practice.client(f"Counted {number}")
    on_plan("free")
    page = visit("/clients?new")

    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("One too many")
    form.get_by_role("button", name="Create client").click()
    expect_refusal(page, "Your plan includes 20 clients")
    expect(form.get_by_label("Name")).to_have_value("One too many")


def test_a_deposit_that_the_plan_does_not_include_is_refused(shrunk: Callable[[str], Page]) -> None:
    page = shrunk("/setup/session-types")
    page.get_by_role("button", name="New session type").click()
    form = page.get_by_role("dialog")

    form.get_by_role("textbox", name="Name").fill("Long consultation")
    form.get_by_role("textbox", name="Price", exact=True).fill("80")
    form.get_by_text("Share of the price").click()
    form.get_by_role("button", name="Create session type").click()

    expect_refusal(page, "does not include deposits: the plan Max does")
    expect(form.get_by_role("textbox", name="Name")).to_have_value("Long consultation")


def test_a_second_calendar_that_the_plan_does_not_include_is_refused(shrunk: Callable[[str], Page]) -> None:
    page = shrunk("/setup/calendars")
    page.get_by_role("button", name="New calendar").click()
    form = page.get_by_role("dialog")

    form.get_by_role("textbox", name="Name").fill("Second room")
    form.get_by_role("button", name="Create calendar").click()

    expect_refusal(page, "includes 1 calendar: the plan Pro has 3, the plan Max no limit")
    expect(form.get_by_role("textbox", name="Name")).to_have_value("Second room")


def test_a_booking_page_that_the_plan_does_not_include_is_refused(shrunk: Callable[[str], Page]) -> None:
    page = shrunk("/setup/booking")

    page.get_by_role("switch", name="Booking page is on").check()
    page.get_by_role("button", name="Save", exact=True).click()

    # What was seen is old, and asked anew: then the page itself says it.
    expect(page.get_by_role("alert")).to_contain_text("This was changed elsewhere meanwhile")
    expect(page.get_by_text("Online booking is part of the plans Pro and Max.")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect_refusal(page, "does not include online booking: the plans Pro and Max do")
    expect(page.get_by_role("switch", name="Booking page is on")).to_be_checked()
