"""What operators see: services up and down, parked events that are tried again, and a session's journey."""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import Console
from embedded.practice import Practice, on_a_weekday, wait_for

# Whatever other tests have put there.
OVER_ALL = {"allow_overlap": True, "override_reason": "a test"}
Visit = Callable[[str], Page]


@pytest.fixture
def poisoned(suite: Console) -> Iterator[str]:
    """A session whose event payments cannot handle and has given up, until the cause is taken away by `cure`."""
    practice, store = suite.practice, suite.running.data_dir / "payments.db"
    name = f"Poison {uuid.uuid4().hex[:8]}"
    run(
        store,
        f"""CREATE TRIGGER poison BEFORE INSERT ON sessions WHEN NEW.service_name = '{name}'
            BEGIN SELECT RAISE(ABORT, 'this one is poison'); END""",
    )
    try:
        service = practice.session_type(name=name, percent=None)["id"]
        client = practice.client("Ada Lovelace", f"ada.{uuid.uuid4().hex[:10]}@client.example")
        session = practice.book(
            service_id=service, client_id=client["id"], starts_at=on_a_weekday(33, 10, practice.now()), **OVER_ALL
        )
        give_up = "UPDATE inbox SET status = 'parked', next_attempt_at = NULL WHERE subject = ? AND status = 'pending'"
        wait_for(lambda: run(store, give_up, session["id"]), "payments failed at the event")
        yield str(session["id"])
    finally:
        cure(suite)


def test_a_parked_event_is_shown_with_its_error_and_handled_once_it_can_be(
    suite: Console, poisoned: str, visit: Visit
) -> None:
    page = visit("/operations")
    row = page.get_by_role("table", name="Parked").get_by_role("row").filter(has_text=poisoned)
    expect(row).to_contain_text("this one is poison")
    parked = page.get_by_role("table", name="Services").get_by_role("row", name="payments").get_by_role("cell").nth(3)
    expect(parked).to_have_text(re.compile(r"^[1-9]"))

    row.get_by_role("link", name=poisoned).click()
    expect(events(page, "session.created")).to_contain_text("payments")
    expect(events(page, "session.created")).to_contain_text("parked")

    cure(suite)
    row.get_by_role("button", name="Retry").click()

    expect(row).to_have_count(0)
    expect(page.get_by_text("Being handled again: session.created")).to_be_visible()
    expect(events(page, "session.created")).not_to_contain_text("parked")


def test_discarding_asks_once_more(poisoned: str, visit: Visit) -> None:
    page = visit("/operations")
    row = page.get_by_role("table", name="Parked").get_by_role("row").filter(has_text=poisoned)

    row.get_by_role("button", name="Discard").click()
    row.get_by_role("button", name="Keep").click()
    row.get_by_role("button", name="Discard").click()
    row.get_by_role("button", name="Discard for good").click()

    expect(row).to_have_count(0)


def test_the_journey_of_a_cancelled_session_shows_its_hops(suite: Console, visit: Visit) -> None:
    session = cancelled_session(suite.practice)
    page = visit("/operations")

    page.get_by_label("Session’s id").fill(session)
    page.get_by_role("button", name="Show").click()

    for event in ("session.created", "deposit.paid", "session.cancelled", "refund.succeeded"):
        expect(events(page, event)).to_be_visible()
    cancelled = events(page, "session.cancelled").get_by_role("cell")
    expect(cancelled.nth(2)).to_have_text("scheduling")
    expect(cancelled.nth(3)).to_contain_text("payments")
    expect(cancelled.nth(3)).to_contain_text("notifications")
    expect(events(page, "refund.succeeded").get_by_role("cell").nth(2)).to_have_text("payments")
    expect(page.get_by_role("region", name="The journey drawn")).to_be_visible()


def test_a_service_that_is_down_is_shown_as_such_and_the_others_are_shown_as_they_are(page: Page) -> None:
    problem = {"code": "unavailable", "status": 503}
    page.route("**/notifications/v1/ops/**", lambda route: route.fulfill(status=503, json=problem))

    page.goto("/operations")

    table = page.get_by_role("table", name="Services")
    expect(table.get_by_role("row", name="notifications")).to_contain_text("Does not answer")
    expect(table.get_by_role("row", name="payments")).to_contain_text("Answers")
    expect(table.get_by_role("row", name="scheduling")).to_contain_text("hold")


def events(page: Page, type: str) -> Any:
    """The row of the first event of this type in the journey's table."""
    return page.get_by_role("table", name="The journey as a table").get_by_role("row").filter(has_text=type).first


def cancelled_session(practice: Practice) -> str:
    service = practice.session_type(name="Cancelled for its journey")["id"]
    client = practice.client("Ada Lovelace", f"ada.{uuid.uuid4().hex[:10]}@client.example")
    starts_at = on_a_weekday(34, 10, practice.now())
    session = practice.paid_session(service_id=service, client_id=client["id"], starts_at=starts_at, **OVER_ALL)
    practice.cancel(session["id"], refund="refund")
    practice.wait_deposit(session["id"], "refunded")
    return str(session["id"])


def cure(suite: Console) -> None:
    run(suite.running.data_dir / "payments.db", "DROP TRIGGER IF EXISTS poison")


def run(store: Path, statement: str, *values: str) -> int:
    """Do something in a service's store behind its back; returns how many rows it changed."""
    with closing(sqlite3.connect(store, timeout=10)) as connection, connection:
        return connection.execute(statement, values).rowcount
