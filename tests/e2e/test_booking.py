"""The pages for clients: booking up to the paid deposit, and what the link in their email lets them do."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from e2e.conftest import Console
from embedded.practice import Practice, on_a_weekday
from support.browser import Complaints, person, violations

FREE_DAY = re.compile(r"(one free time|\d+ free times)$")
BERLIN = ZoneInfo("Europe/Berlin")
WORKING_HOURS = [{"weekday": day, "start": "10:00", "end": "13:00"} for day in ("mon", "tue", "wed", "thu", "fri")]
# Whatever other tests have put there.
OVER_ALL = {"allow_overlap": True, "override_reason": "a test"}
CLOCK = re.compile(r"^\d?\d:\d\d$")


@pytest.fixture(scope="module")
def online(suite: Console) -> Practice:
    """A practice of its own with its booking page open, where a booking is confirmed at once."""
    practice = suite.running.practice("acc_booked_by_browser")
    practice.provision(name="Practice Online")
    practice.connect_stripe()
    change_booking(practice, enabled=True, auto_confirm="immediate", max_advance_days=60)
    practice.set_refund_policy(refund_percentage=100)
    return practice


def test_a_client_books_pays_the_deposit_and_is_confirmed(online: Practice, visitor: Page) -> None:
    service, email = new_type(online, "Deposit by page"), address()
    visitor.goto(page_of(online, service))

    pick_a_time(visitor)
    expect(visitor.get_by_text("€20.00 are paid by card right after booking")).to_be_visible()
    expect(visitor.get_by_text("You can cancel until 24 hours before")).to_be_visible()
    tell_who(visitor, email)
    expect(visitor.get_by_text("This time is kept for you until")).to_be_visible()
    visitor.get_by_role("button", name="Book, then pay €20.00").click()

    expect(visitor.get_by_role("heading", name="One step left: the deposit")).to_be_visible()
    expect(visitor.get_by_text("or the time is given to others.")).to_be_visible()
    visitor.goto(own_page(online, email))
    (session,) = online.get("scheduling", "/v1/sessions", q=email)["data"]
    (deposit,) = online.get("payments", "/v1/deposits", session_id=session["id"])["data"]
    expect(visitor.get_by_text(re.compile(f"Please pay by (.* )?{clock(deposit['pay_by'])}, or"))).to_be_visible()
    visitor.go_back()
    visitor.get_by_role("link", name="Pay deposit (€20.00)").click()
    visitor.get_by_label("Card number").fill("4242 4242 4242 4242")
    visitor.get_by_role("button", name="Pay").click()
    expect(visitor.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()
    visitor.get_by_role("link", name="To your appointment").click()

    online.wait_mail(email, "Deposit by page")
    expect(visitor.get_by_text("€20.00 paid")).to_be_visible()
    expect(visitor.get_by_text("Confirmed", exact=True)).to_be_visible()


def test_without_a_deposit_it_is_booked_at_once_for_whoever_is_free(online: Practice, visitor: Page) -> None:
    name = f"Dr. {uuid.uuid4().hex[:6]}"
    other = online.post("scheduling", "/v1/calendars", {"name": name, "working_hours": WORKING_HOURS})
    kind, email = f"Meeting {name}", address()
    service = new_type(online, kind, percent=None, price=0)
    visitor.goto(f"/book/{username(online)}")
    visitor.get_by_role("link", name=kind).click()
    visitor.get_by_role("radio", name=name).check()

    pick_a_time(visitor)
    tell_who(visitor, email)
    visitor.get_by_role("button", name="Book", exact=True).click()

    expect(visitor.get_by_role("heading", name="You are booked")).to_be_visible()
    expect(visitor.get_by_text(f"{name}, ")).to_be_visible()
    online.wait_mail(email, kind)
    (booked,) = online.get("scheduling", "/v1/sessions", q=email, service_id=service)["data"]
    assert (booked["calendar_id"], booked["status"], booked["source"]) == (other["id"], "confirmed", "online")


def test_who_comes_second_is_told_and_led_back_to_what_is_free(online: Practice, visitor: Page) -> None:
    service = new_type(online, "Wanted by two", percent=None)
    visitor.goto(page_of(online, service))
    pick_a_time(visitor)
    start = visitor.evaluate("new URLSearchParams(location.search).get('time')")
    book_by_http(online, service, start)

    # The first letters ask for the time.
    visitor.get_by_label("Name").fill("Ada Lovelace")

    expect(visitor.get_by_role("alert")).to_contain_text("Somebody else was quicker")
    expect(times(visitor).first).to_be_visible()
    expect(visitor.get_by_role("button", name=clock(start), exact=True)).to_have_count(0)


def test_the_back_button_walks_through_the_steps_and_what_was_typed_stays(online: Practice, visitor: Page) -> None:
    service = new_type(online, "There and back", percent=None)
    visitor.goto(f"/book/{username(online)}")
    visitor.get_by_role("link", name="There and back").click()
    pick_a_time(visitor)
    visitor.get_by_label("Name").fill("Ada Lovelace")
    expect(visitor.get_by_text("This time is kept for you until")).to_be_visible()

    visitor.go_back()
    times(visitor).first.click()
    expect(visitor.get_by_label("Name")).to_have_value("Ada Lovelace")
    visitor.go_back()
    visitor.go_back()
    visitor.go_back()

    expect(visitor.get_by_role("heading", name="What would you like to book?")).to_be_visible()
    assert service


@pytest.mark.parametrize("way", ["link", "back button"])
def test_a_time_that_is_left_is_given_back_to_others_and_can_be_chosen_again(
    online: Practice, visitor: Page, way: str
) -> None:
    calendar = online.get("scheduling", "/v1/calendars")["data"][0]["id"]
    service = new_type(online, f"Left by the {way}", percent=None, calendar_ids=[calendar])
    visitor.goto(page_of(online, service))
    pick_a_time(visitor)
    start = visitor.evaluate("new URLSearchParams(location.search).get('time')")
    visitor.get_by_label("Name").fill("Ada Lovelace")
    expect(visitor.get_by_text("This time is kept for you until")).to_be_visible()
    assert start not in free_starts(online, service, start)

    with visitor.expect_response(lambda answer: answer.request.method == "DELETE"):
        visitor.get_by_role("button", name="Back to the times").click() if way == "link" else visitor.go_back()
    assert start in free_starts(online, service, start)

    times(visitor).first.click()
    visitor.get_by_label("Name").fill("Ada")
    expect(visitor.get_by_text("This time is kept for you until")).to_be_visible()
    assert start not in free_starts(online, service, start)


def test_times_are_those_of_the_zone_that_the_client_chooses(online: Practice, visitor: Page) -> None:
    service = new_type(online, "Across the sea", percent=None)
    visitor.goto(page_of(online, service))
    visitor.get_by_role("button", name="Later month").click()
    here = times(visitor).first.inner_text()

    zone = visitor.get_by_role("combobox", name="Time zone")
    zone.fill("London")
    visitor.get_by_role("option", name="Europe/London").click()

    # The clocks of Berlin and London change at the same moment.
    hour, minute = here.split(":")
    expect(times(visitor).first).to_have_text(f"{int(hour) - 1:02}:{minute}")


def test_all_of_it_works_by_the_keyboard_in_german_on_a_phone_and_has_no_barrier(
    online: Practice, suite: Console, browser: Browser
) -> None:
    service, email = new_type(online, "Nur mit Tasten", percent=None), address()
    context = person(browser, suite.url, width=375, height=812, locale="de-DE", color_scheme="dark")
    page, complaints = context.new_page(), Complaints()
    complaints.listen(page)
    page.goto(page_of(online, service))
    page.get_by_role("button", name="Nächster Monat").press("Enter")
    day = page.get_by_role("button", name=re.compile("freie Zeiten$")).first
    day.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    barriers = violations(page)
    times(page).first.press("Enter")
    expect(page.get_by_role("heading", name="Ihre Angaben")).to_be_focused()
    barriers += violations(page)
    for typed in ("Ada Lovelace", email):
        page.keyboard.press("Tab")
        page.keyboard.type(typed)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Ihr Termin ist gebucht")).to_be_focused()
    barriers += violations(page)
    width = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert (barriers, complaints.said, width <= 375) == ([], [], True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_wrong_with_the_details_can_be_read(
    online: Practice, suite: Console, browser: Browser, scheme: str
) -> None:
    service = new_type(online, f"Read in the {scheme}", percent=None)
    context = person(browser, suite.url, color_scheme=scheme)
    page = context.new_page()
    page.goto(page_of(online, service))
    pick_a_time(page)
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(2)
    barriers = violations(page)
    context.close()

    assert barriers == []


def test_a_page_that_is_not_there_says_so(online: Practice, visitor: Page) -> None:
    visitor.goto("/book/nobody-of-this-name")
    expect(visitor.get_by_role("heading", level=1)).to_have_text("There is no booking page here")

    visitor.goto("/manage/not-a-token")
    expect(visitor.get_by_role("heading", level=1)).to_have_text("This link opens nothing")


def test_who_asks_too_often_is_told_when_it_goes_on_and_it_does(online: Practice, visitor: Page) -> None:
    refusals = iter([True])

    def refuse(route: Any) -> None:
        if next(refusals, False):
            problem = {"code": "rate_limited", "status": 429, "detail": "60 requests a minute are taken."}
            route.fulfill(status=429, headers={"Retry-After": "2"}, json=problem)
        else:
            route.continue_()

    visitor.route(f"**/v1/booking/{username(online)}", refuse)
    visitor.goto(f"/book/{username(online)}")

    expect(visitor.get_by_role("alert")).to_contain_text("Please wait 2 seconds")
    expect(visitor.get_by_role("heading", name="What would you like to book?")).to_be_visible()


def test_cancelling_by_the_link_shows_the_refund_until_it_is_through(online: Practice, visitor: Page) -> None:
    service, email = new_type(online, "Cancelled by link"), address()
    client = online.client("Ada Lovelace", email)
    session = online.paid_session(
        service_id=service, client_id=client["id"], starts_at=in_a_while(online, 12), **OVER_ALL
    )
    visitor.goto(own_page(online, email))

    visitor.get_by_role("link", name="Cancel appointment").click()
    expect(visitor.get_by_text("you get back €20.00 (100 %)")).to_be_visible()
    visitor.get_by_label("Reason (optional)").fill("A cold")
    visitor.get_by_role("button", name="Cancel appointment").click()

    expect(visitor.get_by_text("Cancelled. We have sent you an email.")).to_be_visible()
    expect(visitor.get_by_text("€20.00 refunded")).to_be_visible()
    expect(visitor.get_by_role("link", name="Cancel appointment")).to_have_count(0)
    cancelled = online.session(session["id"])
    assert (cancelled["cancellation"]["by"], cancelled["cancellation"]["reason"]) == ("client", "A cold")
    online.wait_mail(email, "cancelled")


def test_who_cancels_is_told_before_what_comes_back_and_gets_exactly_that(online: Practice, visitor: Page) -> None:
    tiers = [{"hours_before": hours, "percentage": share} for hours, share in ((24 * 15, 100), (24 * 2, 50), (0, 0))]
    online.set_refund_policy(refund_tiers=tiers)
    service, email = new_type(online, "Cancelled for half"), address()
    client = online.client("Ada Lovelace", email)
    session = online.paid_session(
        service_id=service, client_id=client["id"], starts_at=in_a_while(online, 12), **OVER_ALL
    )
    online.set_refund_policy(refund_percentage=100)
    visitor.goto(own_page(online, email))

    visitor.get_by_role("link", name="Cancel appointment").click()
    expect(visitor.get_by_text("you get back €10.00 (50 %)")).to_be_visible()
    expect(visitor.get_by_text("on it is €0.00 (0 %)")).to_be_visible()
    visitor.get_by_role("button", name="Cancel appointment").click()

    expect(visitor.get_by_text("€10.00 of €20.00 refunded")).to_be_visible()
    assert online.session(session["id"])["deposit"]["refunded_amount"] == 1000


def test_a_client_can_cancel_while_payments_cannot_say_what_comes_back(online: Practice, visitor: Page) -> None:
    service, email = new_type(online, "Cancelled unquoted"), address()
    client = online.client("Ada Lovelace", email)
    online.paid_session(service_id=service, client_id=client["id"], starts_at=in_a_while(online, 12), **OVER_ALL)
    down = {"code": "unavailable", "status": 503, "detail": "Payments is down."}
    visitor.route("**/refund-quote", lambda route: route.fulfill(status=503, json=down))
    visitor.goto(own_page(online, email))

    visitor.get_by_role("link", name="Cancel appointment").click()
    expect(visitor.get_by_text("What comes back follows the rules of Practice Online")).to_be_visible()
    visitor.get_by_role("button", name="Cancel appointment").click()

    expect(visitor.get_by_text("€20.00 refunded")).to_be_visible()


def test_moving_by_the_link_offers_what_is_free(online: Practice, visitor: Page) -> None:
    service, email = new_type(online, "Moved by link", percent=None), address()
    client = online.client("Ada Lovelace", email)
    session = online.book(service_id=service, client_id=client["id"], starts_at=in_a_while(online, 13), **OVER_ALL)
    visitor.goto(own_page(online, email))

    visitor.get_by_role("link", name="Move to another time").click()
    visitor.get_by_role("button", name="Later month").click()
    free_days(visitor).last.click()
    times(visitor).last.click()
    visitor.get_by_role("button", name="Move to ").click()

    expect(visitor.get_by_text("Moved. We have sent you an email.")).to_be_visible()
    assert online.session(session["id"])["starts_at"] > session["starts_at"]
    online.wait_mail(email, "moved")


def test_where_no_times_are_shown_online_the_client_proposes_one_and_gets_alternatives(
    online: Practice, visitor: Page
) -> None:
    service, email = new_type(online, "Not online", percent=None, online=False), address()
    client = online.client("Ada Lovelace", email)
    at = in_a_while(online, 19)
    session = online.book(service_id=service, client_id=client["id"], starts_at=at, **OVER_ALL)
    other = online.client("Bob", address())
    online.book(service_id=service, client_id=other["id"], starts_at=at.replace(hour=11), **OVER_ALL)
    visitor.goto(own_page(online, email))

    visitor.get_by_role("link", name="Move to another time").click()
    visitor.get_by_label("Time", exact=True).fill(f"{at.replace(hour=11).astimezone(BERLIN):%H:%M}")
    visitor.get_by_role("button", name="Move to ").click()
    expect(visitor.get_by_role("alert")).to_contain_text("This time is taken")
    visitor.get_by_role("alert").get_by_role("button").first.click()
    visitor.get_by_role("button", name="Move to ").click()

    expect(visitor.get_by_text("Moved. We have sent you an email.")).to_be_visible()
    assert online.session(session["id"])["starts_at"] != session["starts_at"]


def test_a_client_confirms_what_the_practice_proposed_and_learns_what_is_too_late(
    online: Practice, visitor: Page
) -> None:
    service, email = new_type(online, "Proposed", percent=None), address()
    client = online.client("Ada Lovelace", email)
    at = in_a_while(online, 14)
    session = online.book(service_id=service, client_id=client["id"], starts_at=at, status="pending", **OVER_ALL)
    path = own_page(online, email)
    visitor.goto(path)

    visitor.get_by_role("button", name="Confirm appointment").click()
    expect(visitor.get_by_text("Confirmed. See you then!")).to_be_visible()
    assert online.session(session["id"])["status"] == "confirmed"

    change_booking(online, cancel_cutoff_hours=24 * 60, reschedule_cutoff_hours=24 * 60)
    visitor.goto(path)
    expect(visitor.get_by_text("It is too late to cancel or move it here.")).to_be_visible()
    change_booking(online, cancel_cutoff_hours=24, reschedule_cutoff_hours=24)


def new_type(practice: Practice, name: str, **fields: Any) -> str:
    """A session type that clients can book, on every calendar unless said otherwise."""
    return str(practice.session_type(**{"name": name, "online": True, **fields})["id"])


def username(practice: Practice) -> str:
    return str(practice.get("scheduling", "/v1/account")["username"])


def page_of(practice: Practice, service: str) -> str:
    return f"/book/{username(practice)}?type={service}"


def address() -> str:
    return f"ada.{uuid.uuid4().hex[:10]}@client.example"


def in_a_while(practice: Practice, days: int) -> datetime:
    """A working hour so many days ahead that no other test of this module looks for."""
    return on_a_weekday(days, 9, practice.now())


def own_page(practice: Practice, email: str) -> str:
    """Where the link in the client's newest mail with one leads to."""
    found = practice.wait_mail(email, "/manage/")
    link = re.search(r"/manage/([\w.~-]+)", found["text"])
    assert link
    return f"/manage/{link[1]}"


def change_booking(practice: Practice, **rules: Any) -> None:
    answer = practice.call("PATCH", "scheduling", "/v1/account", json={"booking": rules})
    assert answer.status_code == 200, answer.text


def book_by_http(practice: Practice, service: str, start: str) -> None:
    """Somebody else takes a slot on every calendar that offers the type."""
    offered = requests.get(f"{practice.services['scheduling']}/v1/booking/{username(practice)}", timeout=10).json()
    (found,) = [each for each in offered["services"] if each["id"] == service]
    for calendar in found["calendars"]:
        body = {
            "service_id": service,
            "starts_at": start,
            "calendar_id": calendar["id"],
            "client": {"name": "Quick", "email": address()},
        }
        requests.post(
            f"{practice.services['scheduling']}/v1/booking/{username(practice)}/sessions", json=body, timeout=10
        )


def free_starts(practice: Practice, service: str, start: str) -> list[str]:
    """The free starts within the hour from `start`, as everybody sees them."""
    until = datetime.fromisoformat(start) + timedelta(hours=1)
    asked = {"service_id": service, "from": start, "to": until.isoformat()}
    path = f"{practice.services['scheduling']}/v1/booking/{username(practice)}/slots"
    return [slot["starts_at"] for slot in requests.get(path, params=asked, timeout=10).json()["data"]]


def clock(moment: str) -> str:
    """How the page writes a time of day."""
    return f"{datetime.fromisoformat(moment).astimezone(BERLIN):%H:%M}"


def free_days(page: Page) -> Locator:
    return page.get_by_role("region", name="Choose a day").get_by_role("button", name=FREE_DAY)


def times(page: Page) -> Locator:
    return page.get_by_role("listitem").get_by_role("button", name=CLOCK)


def pick_a_time(page: Page) -> None:
    """The first time of the second free day of next month."""
    page.get_by_role("button", name="Later month").click()
    free_days(page).nth(1).click()
    times(page).first.click()
    expect(page.get_by_role("heading", name="Your details")).to_be_visible()


def tell_who(page: Page, email: str) -> None:
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("Email").fill(email)
