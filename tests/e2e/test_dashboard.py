"""The dashboard: its figures are those of what was made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page, expect

from e2e.conftest import Console

BERLIN = ZoneInfo("Europe/Berlin")
# Whatever else the practice has at that hour.
ANYWAY = {"allow_overlap": True, "allow_outside_hours": True, "override_reason": "for the figures"}


def figure(page: Page, word: str) -> Locator:
    """The part that shows one figure."""
    return page.locator("dl > div").filter(has=page.get_by_text(word, exact=True))


def money(amount: int) -> str:
    return f"€{amount / 100:,.2f}"


def test_the_figures_of_today_are_those_of_what_was_made(suite: Console, visit: Callable[[str], Page]) -> None:
    practice = suite.practice
    midnight = datetime.now(BERLIN).replace(hour=0, minute=0, second=0, microsecond=0)
    today = {"from": midnight.isoformat(), "to": (midnight + timedelta(days=1)).isoformat()}
    before: dict[str, Any] = practice.get("scheduling", "/v1/stats", **today)
    kind = practice.session_type(percent=None, price=7000, name="Counted")
    client = practice.client("Cora Counted")
    for starts_at, status in ((midnight, "completed"), (midnight + timedelta(hours=23, minutes=45), "confirmed")):
        practice.book(service_id=kind["id"], client_id=client["id"], starts_at=starts_at, status=status, **ANYWAY)

    page = visit("/dashboard")
    page.get_by_text("Today", exact=True).click()

    counts = before["sessions"]
    table = page.get_by_role("table", name="Sessions by status")
    expect(table.get_by_role("row", name=f"Completed {counts['completed'] + 1}", exact=True)).to_be_visible()
    expect(table.get_by_role("row", name=f"Confirmed {counts['confirmed'] + 1}", exact=True)).to_be_visible()
    expect(figure(page, "Expected revenue")).to_contain_text(money(before["expected_revenue"]["amount"] + 7000))
    expect(figure(page, "Earned revenue")).to_contain_text(money(before["earned_revenue"]["amount"] + 7000))
    expect(figure(page, "New clients")).to_contain_text(str(before["new_clients"] + 1))
    expect(page.get_by_role("heading", name="How sessions ended")).to_be_visible()


def test_what_comes_next_leads_to_the_session(suite: Console, visit: Callable[[str], Page]) -> None:
    practice = suite.practice
    kind = practice.session_type(percent=None, minutes=15, name="Very soon")
    client = practice.client("Nora Next")
    soon = practice.now() + timedelta(minutes=2)
    session = practice.book(service_id=kind["id"], client_id=client["id"], starts_at=soon, **ANYWAY)

    page = visit("/dashboard")

    link = page.get_by_role("region", name="Coming sessions").get_by_role("link", name="Nora Next")
    # In a line of its own, behind its shape alone, however short the type's name is.
    kind_at, status_at = link.get_by_text("Very soon").bounding_box(), link.get_by_text("Confirmed").bounding_box()
    assert kind_at is not None
    assert status_at is not None
    assert status_at["x"] - kind_at["x"] < 24
    link.click()
    expect(page).to_have_url(f"{suite.url}/calendar?session={session['id']}")


def test_a_plan_without_rates_says_which_has_them(suite: Console, visit: Callable[[str], Page]) -> None:
    kind = suite.practice.session_type(percent=None, name="Any")
    client = suite.practice.client("Any Body")
    suite.practice.book(
        service_id=kind["id"], client_id=client["id"], starts_at=suite.practice.now() + timedelta(days=40), **ANYWAY
    )
    account = suite.practice.get("scheduling", "/v1/account")
    given = {name: account[name] for name in ("name", "email", "username", "timezone", "currency", "locale", "country")}
    try:
        suite.practice.provision(**given, plan="free")
        page = visit("/dashboard")
        expect(page.get_by_text("The plans pro and max show")).to_be_visible()
    finally:
        suite.practice.provision(**given, plan=account["plan"])
