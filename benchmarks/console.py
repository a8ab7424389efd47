"""How long the calendar takes from a week's data to its picture, in Chromium over the embedded suite."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from playwright.sync_api import Page

from benchmarks.ground import ROOT, Ground
from benchmarks.report import Row, Section
from contracts.registry import SERVICES
from embedded import secrets_file
from embedded.practice import Practice
from support.browser import chromium, person
from support.servers import free_port
from support.waiting import wait_until

_CALENDARS, _A_DAY, _DAYS = 4, 10, 5
_ROUNDS = 20
_TARGET_MS = 200.0
_BUILD_SECONDS, _PATIENCE = 600, 60.0
_DRAWN = "performance.getEntriesByName('calendar-draw').length > 0"
_TOOK = "performance.getEntriesByName('calendar-draw')[0].duration"


def measure(ground: Ground) -> list[Section]:
    """A full week and one of a single session, in turn, by the key that leads there."""
    subprocess.run([ROOT / "console" / "build"], check=True, timeout=_BUILD_SECONDS, stdout=subprocess.DEVNULL)
    with _suite(ground.directory / "console") as practice, chromium() as browser:
        _fill(practice)
        page = person(browser, practice.services["scheduling"].rpartition("/")[0]).new_page()
        page.goto("/calendar")
        page.get_by_role("button", name="Enter the demo practice").click()
        page.get_by_role("button", name="Later").wait_for()
        weeks: dict[str, list[float]] = {"ArrowRight": [], "ArrowLeft": []}
        _drawn(page)
        # The first visit of each is to the server as well; it is the picture that is measured.
        for turn in range(_ROUNDS + 1 if ground.share == 1 else 3):
            for key, took in weeks.items():
                drawn = _draw(page, key)
                if turn:
                    took.append(drawn)
    full, alone = weeks["ArrowRight"], weeks["ArrowLeft"]
    drawn = Row(what="", values=full, unit="").median
    return [
        Section(
            title="The console",
            how=(
                f"From a week's data until it is painted (the page's own measure `calendar-draw`), {_CALENDARS * _A_DAY * _DAYS} sessions on "
                f"{_CALENDARS} calendars, beside a week of one session, in turn."
            ),
            rows=[
                Row(
                    what="a week of 200 sessions",
                    values=full,
                    unit="ms",
                    beside=f"{drawn / Row(what='', values=alone, unit='').median:.1f} × a week of one",
                    target=f"< {_TARGET_MS:.0f} ms",
                    met=drawn < _TARGET_MS,
                ),
                Row(what="a week of one session", values=alone, unit="ms"),
            ],
        )
    ]


def _draw(page: Page, key: str) -> float:
    page.wait_for_load_state("networkidle")
    page.evaluate("performance.clearMeasures('calendar-draw')")
    page.keyboard.press(key)
    _drawn(page)
    return float(page.evaluate(_TOOK))


def _drawn(page: Page) -> None:
    # The page's policy lets nobody evaluate a text in it, which waiting inside it would need.
    wait_until(lambda: bool(page.evaluate(_DRAWN)), deadline=_PATIENCE, what="the week to be drawn")


@contextmanager
def _suite(data_dir: Path) -> Iterator[Practice]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with (data_dir.parent / "console.log").open("wb") as log:
        suite = subprocess.Popen(
            [sys.executable, "-m", "embedded", "--port", str(port), "--data-dir", str(data_dir)],
            cwd=ROOT, env={**os.environ}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(lambda: _signs_in(base), deadline=_PATIENCE, what="the suite to be ready")
        services = {name: f"{base}/{name}" for name in (*SERVICES, "sandbox")}
        yield Practice(services, auth_secret=secrets_file.load(data_dir).auth_jwt_secret)
    finally:
        suite.terminate()
        suite.wait(timeout=_PATIENCE)


def _signs_in(base: str) -> bool:
    try:
        return requests.post(f"{base}/demo/sign-in", json={}, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def _fill(practice: Practice) -> None:
    """One session this week, and the next one full."""
    # The suite provisions the demo's account after it has begun to answer.
    wait_until(
        lambda: practice.call("GET", "scheduling", "/v1/account").status_code == 200,
        deadline=_PATIENCE, what="the account to be there",
    )  # fmt: skip
    practice.open_all_day()
    calendars = [practice.get("scheduling", "/v1/calendars")["data"][0]["id"]]
    for number in range(1, _CALENDARS):
        made = practice.post("scheduling", "/v1/calendars", {"name": f"Room {number}"})
        calendars.append(made["id"])
    kind = practice.session_type(percent=None, minutes=30)
    client = practice.client()
    monday = (datetime.now(UTC) - timedelta(days=datetime.now(UTC).weekday())).replace(
        hour=8, minute=0, second=0, microsecond=0
    )
    starts = [monday + timedelta(days=7 + day, minutes=45 * place) for day in range(_DAYS) for place in range(_A_DAY)]
    for at, calendar in [(monday, calendars[0]), *((at, calendar) for at in starts for calendar in calendars)]:
        practice.book(
            service_id=kind["id"], client_id=client["id"], starts_at=at, calendar_id=calendar,
            allow_outside_hours=True, override_reason="measured",
        )  # fmt: skip
