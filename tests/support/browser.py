"""The browser that looks at pages as a person does: the machine's own Chromium, installed where it is missing."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from support.servers import Unavailable, install

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# As root there is no sandbox to be had; the rest keeps the browser from calling home.
_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
_AXE = Path(__file__).resolve().parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"
_LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What the browser says of every answer that is a refusal; whether that is right is for the test to say.
_REFUSAL = "Failed to load resource"


def executable() -> str:
    """The path of Chromium: CHROMIUM in the environment, the machine's, or installed now, by one process at a time.

    Raises:
        Unavailable: none of it works here.
    """
    with (Path(tempfile.gettempdir()) / f"timeblu-chromium-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = _found()
        if found is None:
            install("chromium")
            found = _found()
    if found is None:
        raise Unavailable("chromium: installed, and yet not found")
    return found


def _found() -> str | None:
    return os.environ.get("CHROMIUM") or next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser."""
    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@dataclass(kw_only=True)
class Complaints:
    """What the console of a page says that it should not."""

    said: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_REFUSAL):
            self.said.append(f"{message.type}: {message.text}")


def person(browser: Browser, base: str, *, width: int = 1280, height: int = 832, **more: Any) -> BrowserContext:
    """Somebody in front of a browser of their own, in Berlin, who reads English, unless said otherwise."""
    settings = {"locale": "en-GB", "timezone_id": "Europe/Berlin", "reduced_motion": "reduce", **more}
    context = browser.new_context(base_url=base, viewport={"width": width, "height": height}, **settings)
    context.set_default_timeout(30_000)
    return context


def violations(page: Page, within: str | None = None) -> list[str]:
    """What axe finds against WCAG 2.2, levels A and AA, on the page as it stands, or `within` a selector alone: rule, and where."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_AXE.read_text())
    found = page.evaluate("([within, levels]) => axe.run(within ?? document, {runOnly: levels})", [within, _LEVELS])
    return [
        f"{violation['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[-1].strip()[:200]})"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
