"""What holds on every page of the console: who may look, in which language, on which screen, and what is down."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from e2e.conftest import Console, sign_in
from embedded.practice import on_a_weekday
from support.browser import Complaints, person, violations

PLACES = ("/calendar", "/clients", "/dashboard", "/operations")
TABS = ("session-types", "calendars", "blocked-times", "booking", "notifications", "payments", "plan")
# Whether the page has the dashboard's style; the rules of one that did not come cannot be asked for.
STYLED = """
    Array.from(document.styleSheets).some((sheet) => {
        try { return sheet.href?.includes("DashboardPage") && sheet.cssRules.length } catch { return false }
    })
"""
PAGES = (*PLACES, *(f"/setup/{tab}" for tab in TABS))


@pytest.fixture(scope="module")
def filled(suite: Console) -> Console:
    """A practice with something on every page."""
    made = suite.practice
    kind = made.session_type(percent=None, name="First meeting", online=True)
    client = made.client("Ada Example")
    made.book(service_id=kind["id"], client_id=client["id"], starts_at=on_a_weekday(1))
    made.call("PATCH", "scheduling", "/v1/account", json={"booking": {"enabled": True}}).raise_for_status()
    return suite


def test_a_token_is_in_no_storage_of_the_browser(page: Page) -> None:
    kept = page.evaluate(
        "JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie])"
    )

    assert "eyJ" not in kept


def test_signing_out_shows_nothing_any_more(page: Page) -> None:
    page.get_by_role("button", name="Demo Practice").click()
    page.get_by_role("menuitem", name="Sign out").click()

    expect(page.get_by_role("button", name="Enter the demo practice")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Enter the demo practice")).to_be_visible()


def test_a_reload_asks_nobody_to_sign_in_again(page: Page) -> None:
    page.reload()

    expect(page.get_by_role("navigation", name="Main navigation")).to_be_visible()


def test_the_page_lets_no_foreign_script_in(page: Page, suite: Console) -> None:
    answer = page.request.get("/calendar")

    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_barrier(filled: Console, browser: Browser, scheme: str) -> None:
    context, complaints = person(browser, filled.url, color_scheme=scheme), Complaints()
    page = context.new_page()
    complaints.listen(page)
    sign_in(page)
    found = {}
    for path in (*PAGES, "/book/demo"):
        page.goto(path)
        settled(page)
        found[path] = violations(page)
    context.close()

    assert {path: barriers for path, barriers in found.items() if barriers} == {}
    assert complaints.said == []


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_needs_no_sideways_scrolling(filled: Console, browser: Browser, path: str) -> None:
    context = person(browser, filled.url, width=375, height=812, has_touch=True, is_mobile=True)
    page = context.new_page()
    sign_in(page, path)
    settled(page)

    width = page.evaluate(
        "Math.max(document.documentElement.scrollWidth, document.querySelector('#content').scrollWidth)"
    )
    context.close()

    assert width <= 375


def test_who_reads_german_is_spoken_to_in_german(suite: Console, browser: Browser) -> None:
    context, complaints = person(browser, suite.url, locale="de-DE"), Complaints()
    page = context.new_page()
    complaints.listen(page)
    page.goto("/calendar")
    page.get_by_role("button", name="Demo-Praxis öffnen").click()

    expect(page.get_by_role("link", name="Kalender")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "de"
    context.close()
    assert complaints.said == []


def test_the_language_can_be_changed_and_stays(page: Page) -> None:
    page.get_by_role("button", name="Demo Practice").click()
    page.get_by_role("menuitem", name="Deutsch").click()
    expect(page.get_by_role("link", name="Kalender")).to_be_visible()

    page.reload()

    expect(page.get_by_role("link", name="Kalender")).to_be_visible()


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("clients", "/clients"),
        ("payments", "/setup/payments"),
        ("notifications", "/setup/notifications"),
        ("scheduling", "/dashboard"),
    ],
)
def test_a_service_that_is_down_is_named_and_the_rest_works(page: Page, service: str, path: str) -> None:
    # A page that has asked nothing of the service yet.
    page.goto("/dashboard" if service == "clients" else "/clients")
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    page.route(
        f"**/{service}/v1/**", lambda route: route.fulfill(status=503, json={"code": "unavailable", "status": 503})
    )

    page.get_by_role("link", name={"clients": "Clients", "scheduling": "Dashboard"}.get(service, "Set-up")).click()
    if path.startswith("/setup/"):
        page.get_by_role("link", name=path.removeprefix("/setup/").capitalize()).click()

    expect(page.get_by_role("alert").first).to_contain_text(f"The {service} service does not answer")
    expect(page.get_by_role("navigation", name="Main navigation")).to_be_visible()


@pytest.mark.parametrize("kind", ["js", "css"])
def test_a_part_whose_loading_is_cut_off_is_loaded_again(page: Page, kind: str) -> None:
    asked: list[str] = []

    def cut_off_at_first(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.abort("internetdisconnected")
        else:
            route.continue_()

    page.route(f"**/assets/DashboardPage-*.{kind}", cut_off_at_first)

    page.get_by_role("link", name="Dashboard").click()

    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    assert len(asked) == 2
    assert page.evaluate(STYLED)


def test_a_part_that_is_not_to_be_had_is_told_and_comes_with_the_next_version(suite: Console, browser: Browser) -> None:
    context = person(browser, suite.url)
    page = context.new_page()
    sign_in(page)
    page.route("**/assets/DashboardPage-*.js", lambda route: route.fulfill(status=404))

    page.get_by_role("link", name="Dashboard").click()
    expect(page.get_by_role("alert")).to_contain_text("This part of the page could not be loaded.")
    expect(page.get_by_role("navigation", name="Main navigation")).to_be_visible()
    page.unroute("**/assets/DashboardPage-*.js")
    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    context.close()


def test_an_address_that_leads_nowhere_says_so(visit: Callable[[str], Page]) -> None:
    # Only paths of the console are answered by it: this one is below a path of its own.
    page = visit("/setup/nothing-of-the-kind")

    expect(page.get_by_role("heading", level=1)).to_be_visible()


def settled(page: Page) -> None:
    """Wait until what the page asked for is there."""
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    page.wait_for_load_state("networkidle")
