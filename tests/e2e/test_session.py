"""The session panel: everything on one session, and each thing that a provider does about it, from the click to what came of it."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from e2e.conftest import Console, sign_in
from embedded.practice import Practice, Refused
from support.browser import person, violations
from support.waiting import wait_until

BERLIN = ZoneInfo("Europe/Berlin")
Visit = Callable[[str], Page]
PANEL = '[role="dialog"]'
FAILS_TO_REFUND = "4000000000005126"
TIERS = [
    {"hours_before": 48, "percentage": 100},
    {"hours_before": 24, "percentage": 50},
    {"hours_before": 0, "percentage": 0},
]
NOTHING: dict[str, Any] = {"data": [], "next_cursor": None}
ALWAYS = [{"weekday": day, "start": "00:00", "end": "24:00"} for day in "mon tue wed thu fri sat sun".split()]


@dataclass(frozen=True, kw_only=True)
class Room:
    """A calendar of this module's own, so that nobody else's sessions are in the way; `talk` is free, `coaching` asks 20 euros."""

    practice: Practice
    calendar_id: str
    talk: str
    coaching: str
    days: Iterator[int] = field(default_factory=lambda: itertools.count(10))

    def another_day(self) -> datetime:
        """The morning of a day that no other test has."""
        morning = datetime.now(UTC).replace(hour=7, minute=0, second=0, microsecond=0)
        return morning + timedelta(days=next(self.days))

    def client(self) -> Any:
        """Somebody new, with an address of their own."""
        mark = uuid.uuid4().hex[:8]
        return self.practice.client(f"Grace {mark}", f"grace.{mark}@client.example")

    def book(self, client: Any, starts_at: datetime, service_id: str = "", **fields: Any) -> Any:
        return self.practice.book(
            service_id=service_id or self.talk,
            client_id=client["id"],
            starts_at=starts_at,
            calendar_id=self.calendar_id,
            **fields,
        )

    def paid(self, client: Any, starts_at: datetime, number: str = "4242424242424242") -> Any:
        booked = self.book(client, starts_at, self.coaching)
        due = self.practice.wait_deposit(booked["id"], "required")
        assert self.practice.pay(due["payment_url"], number).status_code < 400
        return self.practice.wait_deposit(booked["id"], "paid")

    def weekly(self, times: int) -> list[str]:
        """The ids of a series of free talks, in the evening, when no other test has one."""
        starts_at = self.another_day() + timedelta(hours=10)
        template = {
            "service_id": self.talk,
            "client_id": self.client()["id"],
            "calendar_id": self.calendar_id,
            "starts_at": starts_at.isoformat(),
        }
        body = {"kind": "session", "rrule": f"FREQ=WEEKLY;COUNT={times}", "template": template}
        return [each["session_id"] for each in self.practice.post("scheduling", "/v1/series", body)["occurrences"]]

    def starts(self, ids: list[str]) -> list[datetime]:
        return [datetime.fromisoformat(self.practice.session(each)["starts_at"]) for each in ids]


@pytest.fixture(scope="module")
def room(suite: Console) -> Room:
    made = suite.practice
    made.set_refund_policy(refund_tiers=TIERS)
    calendar = made.post("scheduling", "/v1/calendars", {"name": "Panel room", "working_hours": ALWAYS})
    return Room(
        practice=made,
        calendar_id=calendar["id"],
        talk=made.session_type(name="Panel talk", percent=None)["id"],
        coaching=made.session_type(name="Panel coaching", percent=25, price=8000)["id"],
    )


@pytest.fixture
def show(visit: Visit) -> Callable[[Any], Locator]:
    """The panel of a session."""

    def of(session: Any) -> Locator:
        page = visit(f"/calendar?session={session['id']}")
        panel = page.get_by_role("dialog", name=session["client"]["name"])
        expect(panel.get_by_role("heading", name="History")).to_be_visible()
        return panel

    return of


Show = Callable[[Any], Locator]


def on_the_wall(moment: datetime) -> str:
    return f"{moment.astimezone(BERLIN):%H:%M}"


def part(panel: Locator, name: str) -> Locator:
    return panel.get_by_role("region", name=name, exact=True)


def expect_status(panel: Locator, status: str) -> None:
    expect(panel.locator("dd").first).to_have_text(status)


def test_a_cancellation_refunds_what_was_quoted_and_the_panel_shows_it_arrive(
    room: Room, show: Show, visitor: Page
) -> None:
    client = room.client()
    panel = show(room.paid(client, room.another_day()))
    expect(part(panel, "Deposit")).to_contain_text("Paid: €20.00 is with you.")
    assert violations(visitor, PANEL) == []

    panel.get_by_role("button", name="Cancel session").click()

    quote = part(panel, "Refund of the deposit")
    expect(quote).to_contain_text("€20.00 would go back now (100 %)")
    expect(quote).to_contain_text("at least 48 hours")
    expect(quote.get_by_role("row").filter(has_text="50 %")).to_contain_text("€10.00")
    expect(quote).to_contain_text("Banks take 5–10 business days")
    assert violations(visitor, PANEL) == []

    panel.get_by_label("Reason").fill("The room is flooded")
    panel.get_by_role("button", name="Refund €20.00").click()

    expect_status(panel, "Cancelled")
    refund = panel.get_by_role("list", name="Refunds").get_by_role("listitem")
    expect(refund).to_contain_text("Refund succeeded")
    expect(refund).to_contain_text("€20.00 (100 %)")
    expect(part(panel, "Deposit").get_by_role("status")).to_have_text("Refunded")
    assert violations(visitor, PANEL) == []
    mail = room.practice.wait_mail(client["email"], "cancelled")
    assert "The room is flooded" in mail["text"]
    assert "20.00" in mail["text"]


def test_skipping_the_refund_keeps_the_deposit_and_can_be_undone(room: Room, show: Show, visitor: Page) -> None:
    panel = show(room.paid(room.client(), room.another_day()))

    panel.get_by_role("button", name="Cancel session").click()
    panel.get_by_role("button", name="Skip refund").click()

    expect(part(panel, "Deposit")).to_contain_text("You keep €20.00.")
    expect(panel.get_by_role("list", name="Refunds")).to_contain_text("You decided to keep the deposit.")

    visitor.get_by_role("button", name="Undo", exact=True).click()

    expect_status(panel, "Confirmed")
    expect(part(panel, "Deposit").get_by_role("status")).to_have_text("Deposit paid")


def test_a_refund_that_fails_says_why_and_what_to_do(room: Room, show: Show) -> None:
    panel = show(room.paid(room.client(), room.another_day(), FAILS_TO_REFUND))

    panel.get_by_role("button", name="Refund…").click()
    panel.get_by_label("Percentage of what was paid").fill("50")
    panel.get_by_role("button", name="Refund", exact=True).click()

    refund = panel.get_by_role("list", name="Refunds").get_by_role("listitem")
    expect(refund).to_contain_text("Refund failed")
    expect(refund).to_contain_text("€10.00 (50 %)")
    expect(refund).to_contain_text("The money is back in your balance: return it another way.")
    expect(part(panel, "Deposit").get_by_role("button", name="Try the refund again")).to_be_visible()


def test_with_payments_down_a_session_can_be_cancelled_by_the_policy_all_the_same(
    room: Room, show: Show, visitor: Page
) -> None:
    session = room.paid(room.client(), room.another_day())
    visitor.route(
        "**/payments/v1/**", lambda route: route.fulfill(status=503, json={"code": "unavailable", "status": 503})
    )
    panel = show(session)
    expect(part(panel, "Deposit").get_by_role("alert")).to_contain_text("The payments service does not answer")

    panel.get_by_role("button", name="Cancel session").click()
    expect(panel.get_by_role("alert")).to_contain_text("What would go back cannot be shown just now")
    panel.get_by_role("button", name="Refund by policy").click()
    expect_status(panel, "Cancelled")
    visitor.unroute("**/payments/v1/**")

    expect(panel.get_by_role("list", name="Refunds")).to_contain_text("Refund succeeded", timeout=20_000)


def test_a_quote_that_ran_out_is_shown_anew_and_asked_once_more(room: Room, show: Show) -> None:
    # When the quote is over, the session is less than 48 hours away: by then half of it goes back.
    starts_at = (room.practice.now() + timedelta(hours=48, minutes=20)).replace(second=0, microsecond=0)
    session = room.paid(room.client(), starts_at)
    panel = show(session)
    panel.get_by_role("button", name="Cancel session").click()
    refund = panel.get_by_role("button", name="Refund €20.00")
    expect(refund).to_be_enabled()

    room.practice.advance(minutes=30)
    refund.click()

    expect(panel.get_by_role("alert")).to_contain_text("The quote had run out")
    expect(part(panel, "Refund of the deposit")).to_contain_text("€10.00 would go back now (50 %)")
    assert room.practice.session(session["id"])["status"] == "confirmed"
    panel.get_by_role("button", name="Refund €10.00").click()
    expect(panel.get_by_role("list", name="Refunds")).to_contain_text("Refund succeeded")
    assert room.practice.deposit_of(session["id"])["refunded_amount"] == 1000


def test_a_deposit_paid_in_cash_is_noted_and_returned_in_cash(room: Room, show: Show) -> None:
    session = room.book(room.client(), room.another_day(), room.coaching)
    room.practice.wait_deposit(session["id"], "required")
    panel = show(session)
    deposit = part(panel, "Deposit")

    deposit.get_by_role("button", name="Mark as paid in cash").click()
    expect(deposit).to_contain_text("Have you received €20.00 in cash?")
    deposit.get_by_role("button", name="Yes, paid in cash").click()
    expect(deposit).to_contain_text("Paid: €20.00 is with you.")

    panel.get_by_role("button", name="Refund…").click()
    panel.get_by_role("button", name="Refund", exact=True).click()
    expect(panel.get_by_role("alert")).to_contain_text("return in cash what was paid in cash")
    panel.get_by_role("button", name="Back").click()

    panel.get_by_role("button", name="Cancel session").click()
    expect(part(panel, "Refund of the deposit")).to_contain_text("it was paid in cash, return it in cash")
    expect(panel.get_by_role("button", name="Skip refund")).to_have_count(0)
    panel.get_by_role("button", name="Cancel session").click()
    expect(panel.get_by_role("list", name="Refunds")).to_contain_text("No refund")
    expect_status(panel, "Cancelled")


def test_cash_is_not_taken_for_what_was_paid_by_card_meanwhile(room: Room, show: Show, visitor: Page) -> None:
    session = room.book(room.client(), room.another_day(), room.coaching)
    due = room.practice.wait_deposit(session["id"], "required")
    deposit = part(show(session), "Deposit")
    deposit.get_by_role("button", name="Mark as paid in cash").click()
    assert room.practice.pay(due["payment_url"]).status_code < 400
    room.practice.wait_deposit(session["id"], "paid")

    # The panel has asked anew and taken the question away, or is refused and says why.
    yes = deposit.get_by_role("button", name="Yes, paid in cash")
    if yes.is_visible():
        yes.click()

    expect(deposit).to_contain_text("Paid: €20.00 is with you.")
    expect(yes).to_have_count(0)


def test_a_message_that_failed_is_sent_once_more(room: Room, show: Show) -> None:
    client = room.client()
    room.practice.sandbox("POST", "/faults", {"target": "smtp", "fault": "error_500", "count": 1})
    messages = part(show(room.book(client, room.another_day())), "Messages").get_by_role("listitem")
    expect(messages).to_contain_text("Failed")
    expect(messages).to_contain_text("The server said: 554")

    messages.get_by_role("button", name="Resend").click()

    again = messages.filter(has_text="sent again")
    expect(again).to_contain_text("Sent")
    expect(again).to_have_count(1)
    room.practice.wait_mail(client["email"], "confirmed")


@pytest.mark.parametrize(
    ("scope", "moved"),
    [
        ("Only this one", [False, True, False]),
        ("This and the following ones", [False, True, True]),
        ("All that are still to come", [True, True, True]),
    ],
)
def test_a_series_is_moved_as_far_as_one_says_and_back(
    room: Room, show: Show, visitor: Page, scope: str, moved: list[bool]
) -> None:
    ids = room.weekly(times=3)
    planned = room.starts(ids)
    panel = show(room.practice.session(ids[1]))

    panel.get_by_role("button", name="Reschedule", exact=True).click()
    panel.get_by_role("combobox", name="Time").fill(on_the_wall(planned[1] + timedelta(hours=2)))
    panel.get_by_label(scope).check()
    panel.get_by_role("button", name="Move session").click()

    undo = visitor.get_by_role("button", name="Undo", exact=True)
    expect(undo).to_be_visible()
    assert [now != then for now, then in zip(room.starts(ids), planned, strict=True)] == moved
    undo.click()
    expect(visitor.get_by_text("Undone")).to_be_visible()
    assert room.starts(ids) == planned


def test_what_is_free_beside_another_of_the_series_is_not_offered(room: Room, show: Show) -> None:
    ids = room.weekly(times=3)
    first, _, last = room.starts(ids)
    room.book(room.client(), last + timedelta(hours=2))
    panel = show(room.practice.session(ids[0]))

    panel.get_by_role("button", name="Reschedule", exact=True).click()
    panel.get_by_role("combobox", name="Time").fill(on_the_wall(first + timedelta(hours=2)))
    panel.get_by_label("This and the following ones").check()
    panel.get_by_role("button", name="Move session").click()

    expect(panel.get_by_role("alert")).to_contain_text("Another session")
    # A time of another week would take this one along.
    expect(panel.get_by_role("group", name="Free instead")).to_have_count(0)
    panel.get_by_label("Why?").fill("They come together")
    panel.get_by_role("button", name="Move anyway").click()
    expect(part(panel, "History")).to_contain_text("Rescheduled")


@pytest.mark.parametrize(("button", "form_opens"), [("Confirm", False), ("Cancel session", True)])
def test_what_is_done_about_a_session_that_others_cancelled_leads_back_to_how_it_stands(
    room: Room, show: Show, visitor: Page, button: str, form_opens: bool
) -> None:
    session = room.book(room.client(), room.another_day(), status="pending")
    panel = show(session)
    # What others did is not heard of before it is come upon.
    visitor.route("**/scheduling/v1/sessions?*updated_since=*", lambda route: route.fulfill(json=NOTHING))
    visitor.route(f"**/scheduling/v1/sessions/{session['id']}", lambda route: route.fulfill(json=session))
    if form_opens:
        panel.get_by_role("button", name="Cancel session").click()
    room.practice.cancel(session["id"])
    visitor.unroute_all()

    panel.get_by_role("button", name=button, exact=True).click()

    told = visitor.get_by_role("alert").filter(has_text="it was changed meanwhile, or done already")
    expect(told).to_be_visible()
    expect_status(panel, "Cancelled")
    assert violations(visitor, ".mantine-Notification-root") == []


def test_a_session_that_others_moved_is_not_moved_unasked(room: Room, show: Show, visitor: Page) -> None:
    starts_at = room.another_day()
    session = room.book(room.client(), starts_at)
    panel = show(session)
    visitor.route("**/scheduling/v1/sessions?*updated_since=*", lambda route: route.fulfill(json=NOTHING))
    visitor.route(f"**/scheduling/v1/sessions/{session['id']}", lambda route: route.fulfill(json=session))
    panel.get_by_role("button", name="Reschedule", exact=True).click()
    panel.get_by_role("combobox", name="Time").fill(on_the_wall(starts_at + timedelta(hours=6)))
    elsewhere = {"starts_at": (starts_at + timedelta(hours=4)).isoformat()}
    room.practice.post("scheduling", f"/v1/sessions/{session['id']}/reschedule", elsewhere)
    visitor.unroute_all()

    panel.get_by_role("button", name="Move session").click()
    expect(panel.get_by_role("alert").filter(has_text="Somebody has moved it meanwhile")).to_contain_text(
        on_the_wall(starts_at + timedelta(hours=4))
    )
    panel.get_by_role("button", name="Move session").click()

    expect(part(panel, "History")).to_contain_text("Rescheduled")
    assert room.starts([session["id"]]) == [starts_at + timedelta(hours=6)]


def test_the_session_of_a_client_who_was_erased_meanwhile_names_nobody(room: Room, show: Show, visitor: Page) -> None:
    client = room.client()
    session = room.book(client, room.another_day(), session_notes="Afraid of dogs.")
    panel = show(session)

    room.practice.cancel(session["id"])
    # The clients service hears of the cancellation in its own time.
    erase = f"/v1/clients/{client['id']}/erase"
    wait_until(lambda: room.practice.post("clients", erase), what="the client to be erased", ignoring=(Refused,))

    gone = visitor.get_by_role("dialog", name="Deleted client")
    expect(gone).to_be_visible()
    expect(gone.get_by_label("Private session notes")).to_have_value("")
    expect(gone).not_to_contain_text(client["name"])
    expect(gone).not_to_contain_text(client["email"])
    expect(panel).to_have_count(0)


def test_a_session_that_there_is_not_says_so(visit: Visit) -> None:
    page = visit("/calendar?session=ses_01a21ca30a8e75f69e75870d1941c297")

    expect(page.get_by_role("dialog")).to_contain_text("There is no such session")


def test_cancelling_the_following_of_a_series_decides_about_all_their_deposits(room: Room, show: Show) -> None:
    client, begins = room.client(), datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=5)
    template = {
        "service_id": room.coaching,
        "client_id": client["id"],
        "calendar_id": room.calendar_id,
        "starts_at": begins.isoformat(),
    }
    body = {"kind": "session", "rrule": "FREQ=DAILY;COUNT=3", "template": template}
    occurrences = room.practice.post("scheduling", "/v1/series", body)["occurrences"]
    ids = [occurrence["session_id"] for occurrence in occurrences]
    for session_id in ids[1:]:
        room.practice.pay(room.practice.wait_deposit(session_id, "required")["payment_url"])
        room.practice.wait_deposit(session_id, "paid")
    panel = show(room.practice.session(ids[1]))

    panel.get_by_role("button", name="Cancel session").click()
    panel.get_by_label("This and the following ones").check()
    panel.get_by_role("button", name="Cancel these sessions").click()
    expect(panel).to_contain_text("2 of these sessions have paid deposits.")
    panel.get_by_role("button", name="Refund by policy (€40.00)").click()

    expect(panel.get_by_role("list", name="Refunds")).to_contain_text("Refund succeeded")
    room.practice.wait_deposit(ids[2], "refunded")
    assert [room.practice.session(session_id)["status"] for session_id in ids] == [
        "confirmed",
        "cancelled",
        "cancelled",
    ]


def test_a_pending_session_says_what_it_waits_for_and_is_confirmed(room: Room, show: Show) -> None:
    panel = show(room.book(room.client(), room.another_day(), status="pending"))
    expect(panel.get_by_role("note")).to_contain_text("Waits for the client")

    panel.get_by_role("button", name="Confirm", exact=True).click()

    expect_status(panel, "Confirmed")
    expect(part(panel, "History")).to_contain_text("Confirmed")
    expect(panel.get_by_role("note")).to_have_count(0)


def test_what_took_place_is_completed_and_corrected(room: Room, show: Show, visitor: Page) -> None:
    panel = show(room.book(room.client(), datetime.now(UTC) - timedelta(days=3)))

    panel.get_by_role("button", name="Complete", exact=True).click()
    expect_status(panel, "Completed")
    panel.get_by_role("button", name="It was a no-show").click()
    expect_status(panel, "No-show")
    visitor.get_by_role("button", name="Undo", exact=True).click()

    expect_status(panel, "Completed")


def test_a_session_whose_slot_has_gone_is_restored_at_an_alternative(room: Room, show: Show) -> None:
    starts_at = room.another_day()
    session = room.book(room.client(), starts_at)
    room.practice.cancel(session["id"])
    room.book(room.client(), starts_at)
    panel = show(session)

    panel.get_by_role("button", name="Restore", exact=True).click()
    panel.get_by_role("button", name="Restore", exact=True).click()
    expect(panel.get_by_role("alert")).to_contain_text("Another session")
    later = panel.get_by_role("group", name="Restore it, and move it at once to").get_by_role("button").last
    chosen = later.inner_text()
    later.click()

    expect_status(panel, "Confirmed")
    day, time = chosen.rsplit(", ", 1)
    expect(panel).to_contain_text(f"{day}, {time} – ")
    stands = room.practice.session(session["id"])
    assert (stands["status"], stands["starts_at"]) != ("confirmed", session["starts_at"])


def test_a_session_is_moved_to_an_alternative_of_a_time_that_is_taken(room: Room, show: Show, visitor: Page) -> None:
    starts_at = room.another_day()
    taken = room.book(room.client(), starts_at + timedelta(hours=2))
    session = room.book(room.client(), starts_at)
    panel = show(session)

    panel.get_by_role("button", name="Reschedule", exact=True).click()
    panel.get_by_role("combobox", name="Time").fill(on_the_wall(datetime.fromisoformat(taken["starts_at"])))
    panel.get_by_role("button", name="Move session").click()
    expect(panel.get_by_role("alert")).to_contain_text("This time is taken")
    panel.get_by_role("group", name="Free instead").get_by_role("button").last.click()

    expect(part(panel, "History")).to_contain_text("Rescheduled")
    assert room.practice.session(session["id"])["starts_at"] != session["starts_at"]
    visitor.get_by_role("button", name="Undo", exact=True).click()
    expect(visitor.get_by_text("Undone")).to_be_visible()
    assert room.practice.session(session["id"])["starts_at"] == session["starts_at"]


def test_private_notes_are_marked_and_saved_when_one_leaves_them(room: Room, show: Show) -> None:
    session = room.book(room.client(), room.another_day())
    panel = show(session)
    notes = panel.get_by_label("Private session notes")
    expect(panel.get_by_text("Private: they never leave the practice.")).to_be_visible()

    notes.fill("Afraid of dogs.")
    panel.get_by_label("Notes for the client").focus()

    expect(panel.get_by_text("Saved", exact=True)).to_be_visible()
    expect(part(panel, "History")).to_contain_text("Private notes changed")
    stored = room.practice.session(session["id"])
    assert (stored["session_notes"], stored["notes"]) == ("Afraid of dogs.", "")


def test_a_note_that_somebody_else_changed_meanwhile_is_not_overwritten_unasked(room: Room, show: Show) -> None:
    session = room.book(room.client(), room.another_day())
    panel = show(session)
    notes = panel.get_by_label("Notes for the client")

    notes.fill("Bring a pen.")
    path = f"/v1/sessions/{session['id']}"
    room.practice.call("PATCH", "scheduling", path, json={"notes": "Bring a book."}).raise_for_status()
    panel.get_by_label("Private session notes").focus()

    expect(panel.get_by_role("alert")).to_contain_text("Bring a book.")
    panel.get_by_role("button", name="Keep mine").click()
    expect(panel.get_by_text("Saved", exact=True)).to_be_visible()
    assert room.practice.session(session["id"])["notes"] == "Bring a pen."


def test_a_session_is_duplicated_a_week_later(room: Room, show: Show, visitor: Page) -> None:
    client, starts_at = room.client(), room.another_day() + timedelta(hours=8)
    panel = show(room.book(client, starts_at, notes="Bring a pen.", session_notes="Afraid of dogs."))

    panel.get_by_role("button", name="More actions").click()
    visitor.get_by_role("menuitem", name="Duplicate").click()
    panel.get_by_role("button", name="+1 week").click()
    panel.get_by_role("button", name="Create session").click()

    expect(visitor.get_by_text(re.compile("Duplicated to"))).to_be_visible()
    first, second = room.practice.get("scheduling", "/v1/sessions", client_id=client["id"])["data"]
    assert datetime.fromisoformat(second["starts_at"]) - datetime.fromisoformat(first["starts_at"]) == timedelta(days=7)
    assert (second["notes"], second["session_notes"]) == ("Bring a pen.", "")


def test_the_panel_is_whole_on_a_phone_in_the_dark_and_in_german(room: Room, suite: Console, browser: Browser) -> None:
    session = room.paid(room.client(), room.another_day())
    context = person(browser, suite.url, width=375, height=812, color_scheme="dark")
    page = context.new_page()
    sign_in(page)
    page.evaluate("localStorage.setItem('timeblu.language', 'de')")
    page.goto(f"/calendar?session={session['id']}")
    panel = page.get_by_role("dialog")

    expect(panel.get_by_role("heading", name="Anzahlung")).to_be_visible()
    expect(part(panel, "Erinnerungen").get_by_role("listitem")).to_have_count(3)
    assert violations(page, PANEL) == []
    assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    panel.get_by_role("button", name="Termin absagen").click()
    expect(panel.get_by_role("button", name="20,00 € erstatten")).to_be_visible()
    assert violations(page, PANEL) == []
    assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    context.close()


def test_the_panel_is_left_by_escape(room: Room, show: Show, visitor: Page) -> None:
    panel = show(room.book(room.client(), room.another_day()))

    visitor.keyboard.press("Escape")

    expect(panel).to_have_count(0)
    expect(visitor).to_have_url(re.compile(r"/calendar(\?(?!.*session=).*)?$"))
