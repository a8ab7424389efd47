"""The console in a browser, over an embedded suite of its own: one suite and one browser a module, one person a test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from deploy.embedded.tests.driver import Running
from playwright.sync_api import Browser, Page, expect

from embedded.practice import Practice
from support.browser import Complaints, chromium, person
from support.servers import Unavailable, network

ROOT = Path(__file__).resolve().parents[2]
_BUILD_SECONDS = 600
_PATIENCE_MS = 20_000


@dataclass(frozen=True, kw_only=True)
class Console:
    """The running suite: where it is, and the demo account over HTTP."""

    url: str
    practice: Practice
    running: Running


@pytest.fixture(scope="session")
def built() -> None:
    """The console as it is served, built once."""
    done = subprocess.run(
        [ROOT / "console" / "build"], capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False
    )
    if done.returncode:
        pytest.fail(f"console/build: {(done.stderr or done.stdout).strip()[-2000:]}", pytrace=False)


@pytest.fixture(scope="module")
def suite(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A suite with the account acc_demo."""
    place = tmp_path_factory.mktemp("console")
    (place / "logs").mkdir()
    # All the tests' visitors are one address.
    environment = {"CONSOLE": str(ROOT / "console"), "PUBLIC_REQUESTS_PER_MINUTE": "100000"}
    running = Running(data_dir=place / "data", logs=place / "logs", environment=environment).start()
    yield Console(url=running.base, practice=running.practice(), running=running)
    running.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=_PATIENCE_MS)
    try:
        with chromium() as running:
            yield running
    except Unavailable as reason:
        pytest.fail(f"no browser: {reason}", pytrace=False)


@pytest.fixture(autouse=True)
def steady_network() -> Iterator[None]:
    """Other tests' containers wait while a browser looks."""
    with network(changes=False):
        yield


@pytest.fixture
def visitor(suite: Console, browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A person's page, nothing opened yet; the test fails at whatever its console complains of."""
    context, complaints = person(browser, suite.url), Complaints()
    page = context.new_page()
    complaints.listen(page)
    yield page
    page.screenshot(path=tmp_path / "at the end.png")
    context.close()
    assert complaints.said == []


@pytest.fixture
def page(visitor: Page) -> Page:
    """The provider's page, signed in, at the calendar."""
    sign_in(visitor)
    return visitor


@pytest.fixture
def visit(visitor: Page) -> Callable[[str], Page]:
    """Go to a path as the provider, who has signed in in this tab before and is not asked again."""
    visitor.add_init_script("sessionStorage.setItem('timeblu.signed-in', 'demo')")

    def go(path: str) -> Page:
        visitor.goto(path)
        expect(visitor.get_by_role("heading", level=1).first).to_be_visible()
        return visitor

    return go


def sign_in(page: Page, path: str = "/calendar") -> None:
    """Sign in to the demo practice."""
    page.goto(path)
    page.get_by_role("button", name="Enter the demo practice").click()
    expect(page.locator("#content")).to_be_visible()
