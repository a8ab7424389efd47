"""Takes the pictures of the docs anew: `python -m e2e.screenshots URL` (from tests/), over a suite that `make demo-data` has filled."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from support.browser import chromium, person

_TO = Path(__file__).resolve().parents[2] / "docs" / "images"
_PAGES = {
    "calendar": "/calendar",
    "clients": "/clients",
    "dashboard": "/dashboard",
    "set-up": "/setup/payments",
    "operations": "/operations",
}

_OTHERS: dict[str, dict[str, Any]] = {
    "calendar-dark": {"color_scheme": "dark"},
    "calendar-phone": {"width": 375, "height": 812},
}


def main(url: str) -> None:
    _TO.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        page = person(browser, url).new_page()
        _enter(page)
        for name, path in _PAGES.items():
            page.goto(path)
            _take(page, name)
        page.goto("/calendar")
        page.get_by_role("button", name="Coaching session").last.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        _take(page, "session")
        page.goto("/book/demo")
        page.get_by_text("Couples coaching").first.click()
        _take(page, "booking")
        for name, more in _OTHERS.items():
            other = person(browser, url, **more).new_page()
            _enter(other)
            _take(other, name)


def _enter(page: Page) -> None:
    page.goto("/calendar")
    page.get_by_role("button", name="Enter the demo practice").click()
    expect(page.locator("#content")).to_be_visible()


def _take(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=_TO / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main(sys.argv[1])
