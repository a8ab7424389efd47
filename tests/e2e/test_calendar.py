"""The calendar as a provider works in it: making, moving and blocking time, by mouse and by keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from e2e.conftest import Console, sign_in
from support.browser import Complaints, person, violations
from support.waiting import wait_until

BERLIN = ZoneInfo("Europe/Berlin")
# The grid draws half an hour this high.
_HALF_HOUR = 28
Visit = Callable[[str], Page]


@pytest.fixture(scope="module")
def kind(suite: Console) -> Any:
    """A session type of an hour, without a deposit."""
    return suite.practice.session_type(percent=None, name="Calendar hour", minutes=60)


def monday(suite: Console, weeks: int) -> date:
    """The Monday so many weeks ahead: each test has a week of its own."""
    today = suite.practice.now().astimezone(BERLIN).date()
    return today - timedelta(days=today.weekday()) + timedelta(weeks=weeks)


def at(day: date, clock: str) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN)


def booked(suite: Console, kind: Any, name: str, start: datetime) -> Any:
    """The session of a new client of this name."""
    client = suite.practice.client(name)
    return suite.practice.book(service_id=kind["id"], client_id=client["id"], starts_at=start)


def place(page: Page, day: date, clock: str) -> tuple[float, float]:
    """Where on the screen a time of a day lies, a little below its line."""
    box = page.locator(f'[role="cell"][data-date="{day}"]').last.bounding_box()
    assert box is not None
    hour, minute = map(int, clock.split(":"))
    return box["x"] + box["width"] / 2, box["y"] + (hour + minute / 60) * 2 * _HALF_HOUR + 4


def drag(page: Page, what: Locator, by_minutes: int, by_days: int = 0) -> None:
    """Take an entry near its upper edge, and let it go elsewhere."""
    what.scroll_into_view_if_needed()
    box = what.bounding_box()
    column = page.locator('[role="cell"][data-date]').last.bounding_box()
    assert box is not None
    assert column is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 8
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 6, steps=2)
    page.mouse.move(x + by_days * column["width"], y + by_minutes / 30 * _HALF_HOUR, steps=8)
    page.mouse.up()


def pull(page: Page, what: Locator, by_minutes: int) -> None:
    """Take an entry by its lower edge, and make it so much longer."""
    what.scroll_into_view_if_needed()
    what.hover()
    box = what.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] - 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 6, steps=2)
    page.mouse.move(x, y + by_minutes / 30 * _HALF_HOUR, steps=8)
    page.mouse.up()


class Finger:
    """One finger on a phone."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._devtools = page.context.new_cdp_session(page)

    def down(self, x: float, y: float) -> None:
        self._send("touchStart", {"x": x, "y": y})

    def slide(self, x: float, y: float, by: float) -> None:
        """Down the screen, from where it is, in small steps."""
        for step in range(1, 9):
            self._send("touchMove", {"x": x, "y": y + by * step / 8})

    def up(self) -> None:
        self._send("touchEnd")

    def _send(self, what: str, *points: dict[str, float]) -> None:
        self._devtools.send("Input.dispatchTouchEvent", {"type": what, "touchPoints": list(points)})


@pytest.fixture
def phone(suite: Console, browser: Browser) -> Iterator[Page]:
    """The provider's page on a phone, signed in."""
    context, complaints = (
        person(browser, suite.url, width=375, height=812, has_touch=True, is_mobile=True),
        Complaints(),
    )
    page = context.new_page()
    complaints.listen(page)
    sign_in(page)
    yield page
    context.close()
    assert complaints.said == []


def choose_client(page: Page, typed: str, name: str) -> None:
    page.get_by_label("Client", exact=True).fill(typed)
    page.get_by_role("option", name=name).click()


def test_a_session_is_made_from_an_empty_slot(suite: Console, visit: Visit, kind: Any) -> None:
    suite.practice.client("Slot Example", "slot@calendar.example")
    day = monday(suite, 6)
    page = visit(f"/calendar?view=week&date={day}")

    page.mouse.click(*place(page, day, "10:00"))
    page.get_by_role("menuitem", name="New session").click()
    choose_client(page, "slot@cal", "Slot Example")
    page.get_by_role("combobox", name="Session type").click()
    page.get_by_role("option", name=kind["name"]).click()
    expect(page.get_by_label("Duration (min)")).to_have_value("60")
    expect(page.get_by_role("combobox", name="Time")).to_have_value("10:00")
    page.get_by_label("Session notes").fill("Only for us")
    page.get_by_role("button", name="Create session").click()

    made = page.get_by_role("button", name=re.compile("Slot Example.*10:00–11:00"))
    expect(made).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name=re.compile("Slot Example.*Cancelled"))).to_be_visible()


def test_a_client_is_made_on_the_spot(suite: Console, visit: Visit, kind: Any) -> None:
    day = monday(suite, 7)
    page = visit(f"/calendar?view=week&date={day}")

    page.get_by_role("button", name="New session").click()
    page.get_by_label("Client", exact=True).fill("Newly Met")
    page.get_by_role("option", name="Create “Newly Met”").click()
    page.get_by_label("Email").fill("newly@calendar.example")
    page.get_by_role("combobox", name="Session type").click()
    page.get_by_role("option", name=kind["name"]).click()
    page.get_by_role("button", name="Create session").click()

    expect(page.get_by_role("button", name=re.compile("Newly Met.*Calendar hour"))).to_be_visible()


def test_a_session_is_dragged_and_put_back(suite: Console, visit: Visit, kind: Any) -> None:
    day = monday(suite, 8)
    made = booked(suite, kind, "Drag Example", at(day, "10:00"))
    page = visit(f"/calendar?view=week&date={day}")

    drag(page, page.get_by_role("button", name="Drag Example"), by_minutes=60, by_days=1)

    expect(page.get_by_role("button", name=re.compile("Drag Example.*11:00–12:00"))).to_be_visible()
    toast = page.get_by_role("status").filter(has_text="Drag Example moved to")
    expect(toast).to_contain_text("11:00")
    tuesday = day + timedelta(days=1)
    assert datetime.fromisoformat(suite.practice.session(made["id"])["starts_at"]) == at(tuesday, "11:00")

    toast.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name=re.compile("Drag Example.*10:00–11:00"))).to_be_visible()
    expect(page.get_by_text("Undone")).to_be_visible()
    assert datetime.fromisoformat(suite.practice.session(made["id"])["starts_at"]) == at(day, "10:00")


def test_a_conflict_puts_a_dragged_session_back_and_offers_what_is_free(
    suite: Console, visit: Visit, kind: Any
) -> None:
    day = monday(suite, 9)
    made = booked(suite, kind, "Moved Example", at(day, "10:00"))
    booked(suite, kind, "Standing Example", at(day, "11:00"))
    page = visit(f"/calendar?view=week&date={day}")

    drag(page, page.get_by_role("button", name="Moved Example"), by_minutes=30)

    drawer = page.get_by_role("dialog", name="Moved Example cannot be moved there")
    expect(drawer).to_contain_text("This time is taken")
    expect(drawer).to_contain_text("11:00 – 12:00")
    free = drawer.get_by_role("group", name="Free nearby").get_by_role("button").first
    clock = re.findall(r"\d\d:\d\d", free.inner_text())[0]
    free.click()

    expect(page.get_by_role("status").filter(has_text="Moved Example moved to")).to_contain_text(clock)
    assert datetime.fromisoformat(suite.practice.session(made["id"])["starts_at"]) != at(day, "10:00")


def test_a_session_is_made_longer_by_its_lower_edge_and_short_again(suite: Console, visit: Visit, kind: Any) -> None:
    day = monday(suite, 55)
    made = booked(suite, kind, "Longer Example", at(day, "10:00"))
    page = visit(f"/calendar?view=week&date={day}")

    pull(page, page.get_by_role("button", name="Longer Example"), by_minutes=30)

    expect(page.get_by_role("button", name=re.compile("Longer Example.*10:00–11:30"))).to_be_visible()
    toast = page.get_by_role("status").filter(has_text="Longer Example now lasts 90 min")
    expect(toast).to_be_visible()
    assert suite.practice.session(made["id"])["duration_minutes"] == 90

    toast.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Longer Example.*10:00–11:00"))).to_be_visible()
    assert suite.practice.session(made["id"])["duration_minutes"] == 60


def test_a_session_pulled_into_another_is_as_long_as_before_and_may_go_where_there_is_room(
    suite: Console, visit: Visit, kind: Any
) -> None:
    day = monday(suite, 17)
    made = booked(suite, kind, "Pulled Example", at(day, "10:00"))
    booked(suite, kind, "Next Example", at(day, "11:00"))
    page = visit(f"/calendar?view=week&date={day}")

    pull(page, page.get_by_role("button", name="Pulled Example"), by_minutes=60)

    drawer = page.get_by_role("dialog", name="Pulled Example cannot last that long")
    expect(drawer).to_contain_text("This time is taken")
    expect(page.get_by_role("button", name=re.compile("Pulled Example.*10:00–11:00"))).to_be_attached()
    drawer.get_by_role("group", name="Free nearby").get_by_role("button").first.click()

    expect(drawer).to_have_count(0)
    stands = suite.practice.session(made["id"])
    assert stands["duration_minutes"] == 120
    assert datetime.fromisoformat(stands["starts_at"]) != at(day, "10:00")


def test_a_session_is_moved_over_another_and_out_of_hours_for_one_reason(
    suite: Console, visit: Visit, kind: Any
) -> None:
    client, other = suite.practice.client("Anyway Example"), suite.practice.client("There Example")
    day, on_purpose = monday(suite, 18), {"allow_outside_hours": True, "override_reason": "The only time"}
    made = suite.practice.book(service_id=kind["id"], client_id=client["id"], starts_at=at(day, "15:00"))
    suite.practice.book(service_id=kind["id"], client_id=other["id"], starts_at=at(day, "16:30"), **on_purpose)
    page = visit(f"/calendar?view=week&date={day}")

    drag(page, page.get_by_role("button", name="Anyway Example"), by_minutes=90)

    drawer = page.get_by_role("dialog", name="Anyway Example cannot be moved there")
    expect(drawer).to_contain_text("This time is taken")
    # Where it stands already is no way out.
    expect(drawer.get_by_role("button", name="15:00")).to_have_count(0)
    drawer.get_by_role("button", name="Move anyway …").click()
    anyway = drawer.get_by_role("button", name="Move anyway", exact=True)
    anyway.click()
    expect(drawer).to_contain_text("Say why.")
    drawer.get_by_label("Why").fill("They come together")
    anyway.click()
    expect(drawer).to_contain_text("This is outside the working hours")
    expect(drawer.get_by_label("Why")).to_have_value("They come together")
    anyway.click()

    expect(drawer).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("Anyway Example.*16:30–17:30"))).to_be_visible()
    history = suite.practice.get("scheduling", f"/v1/sessions/{made['id']}/history")["data"]
    assert "They come together" in [change["reason"] for change in history]


def test_a_series_outside_the_working_hours_is_made_anyway(suite: Console, visit: Visit, kind: Any) -> None:
    client = suite.practice.client("Always Example", "always@calendar.example")
    saturday = monday(suite, 19) + timedelta(days=5)
    start = at(saturday, "10:00").isoformat().replace("+", "%2B")
    page = visit(f"/calendar?view=week&date={saturday}&new&client={client['id']}&start={start}")

    page.get_by_role("combobox", name="Session type").click()
    page.get_by_role("option", name=kind["name"]).click()
    page.get_by_role("combobox", name="Repeats").click()
    page.get_by_role("option", name="Every week").click()
    page.get_by_label("Times").fill("2")
    page.get_by_role("button", name="Create sessions").click()
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("Outside the working hours")
    page.get_by_role("button", name="Book anyway …").click()
    page.get_by_label("Why").fill("Saturdays for once")
    page.get_by_role("button", name="Book anyway", exact=True).click()

    expect(page.get_by_role("button", name=re.compile("Always Example.*10:00–11:00"))).to_be_visible()


def test_a_taken_time_is_booked_anyway_with_a_reason(suite: Console, visit: Visit, kind: Any) -> None:
    client = suite.practice.client("Twice Example", "twice@calendar.example")
    day = monday(suite, 10)
    suite.practice.book(service_id=kind["id"], client_id=client["id"], starts_at=at(day, "10:00"))
    start = at(day, "10:30").isoformat().replace("+", "%2B")
    page = visit(f"/calendar?view=week&date={day}&new&client={client['id']}&start={start}")

    page.get_by_role("combobox", name="Session type").click()
    page.get_by_role("option", name=kind["name"]).click()
    page.get_by_role("button", name="Create session").click()
    expect(page.get_by_role("alert")).to_contain_text("This time is taken")
    page.get_by_role("button", name="Book anyway …").click()
    page.get_by_label("Why").fill("Both come together")
    page.get_by_role("button", name="Book anyway", exact=True).click()

    expect(page.get_by_role("button", name=re.compile("Twice Example.*10:30–11:30"))).to_be_visible()


def test_time_is_blocked_and_freed(suite: Console, visit: Visit) -> None:
    day = monday(suite, 11)
    page = visit(f"/calendar?view=week&date={day}")

    page.mouse.click(*place(page, day, "12:00"))
    page.get_by_role("menuitem", name="Block time").click()
    page.get_by_label("Title").fill("Choir")
    expect(page.get_by_role("combobox", name="Begins at")).to_have_value("12:00")
    page.get_by_role("button", name="Block this time").click()
    block = page.get_by_role("button", name=re.compile("Choir.*12:00–13:00.*Blocked"))
    expect(block).to_be_visible()

    block.click()
    page.get_by_role("button", name="Delete").click()
    expect(block).to_have_count(0)

    page.get_by_role("status").filter(has_text="deleted").get_by_role("button", name="Undo").click()
    expect(block).to_be_visible()


def test_time_is_blocked_over_several_days_and_what_was_typed_is_not_lost_by_accident(
    suite: Console, visit: Visit
) -> None:
    day = monday(suite, 16)
    page = visit(f"/calendar?view=week&date={day}")

    page.mouse.click(*place(page, day, "12:00"))
    page.get_by_role("menuitem", name="Block time").click()
    page.get_by_label("Title").fill("Fair")
    page.keyboard.press("Escape")
    expect(page.get_by_text("There are unsaved changes.")).to_be_visible()
    page.get_by_role("button", name="Keep editing").click()
    page.get_by_label("To", exact=True).fill(f"{day + timedelta(days=2):%Y-%m-%d}")
    page.get_by_role("combobox", name="Ends at").fill("10:00")
    page.get_by_role("button", name="Block this time").click()

    expect(page.get_by_text("“Fair” blocked")).to_be_visible()
    (blocked,) = [each for each in suite.practice.get("scheduling", "/v1/events")["data"] if each["title"] == "Fair"]
    span = [datetime.fromisoformat(blocked[name]).astimezone(BERLIN) for name in ("starts_at", "ends_at")]
    assert [f"{moment:%a %H:%M}" for moment in span] == ["Mon 12:00", "Wed 10:00"]


@pytest.fixture
def choir(suite: Console, request: pytest.FixtureRequest) -> Choir:
    """Mondays from ten to eleven, four times, from a week of the test's own on."""
    first = monday(suite, request.param)
    rehearsal = {
        "title": "Choir",
        "starts_at": at(first, "10:00").isoformat(),
        "ends_at": at(first, "11:00").isoformat(),
    }
    suite.practice.post("scheduling", "/v1/events", {**rehearsal, "rrule": "FREQ=WEEKLY;COUNT=4"})
    return Choir(suite, first)


@dataclass(frozen=True)
class Choir:
    """Blocked time that repeats: what of it stands."""

    suite: Console
    first: date

    def week(self, number: int) -> str:
        """The path of one of its weeks, counted from 0."""
        return f"/calendar?view=week&date={self.first + timedelta(weeks=number)}"

    def stands(self) -> list[str]:
        """Title and times of every one that is left."""
        ends = at(self.first + timedelta(weeks=4), "00:00")
        span = {"from": at(self.first, "00:00").isoformat(), "to": ends.isoformat()}
        found = self.suite.practice.get("scheduling", "/v1/events", **span)["data"]
        return [f"{one['title']} {clock(one['starts_at'])}–{clock(one['ends_at'])}" for one in found]


def clock(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(BERLIN):%H:%M}"


@pytest.mark.parametrize("choir", [22], indirect=True)
def test_one_of_a_series_of_blocked_time_is_dragged_and_pulled_alone(choir: Choir, visit: Visit) -> None:
    page = visit(choir.week(1))
    block, saying = page.get_by_role("button", name="Choir"), page.get_by_role("status")

    drag(page, block, by_minutes=120)
    expect(saying.filter(has_text="“Choir” moved to")).to_contain_text("12:00")
    assert choir.stands() == ["Choir 10:00–11:00", "Choir 12:00–13:00", "Choir 10:00–11:00", "Choir 10:00–11:00"]
    saying.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name=re.compile("Choir.*10:00–11:00"))).to_be_visible()
    expect(page.get_by_text("Undone")).to_be_visible()

    pull(page, block, by_minutes=30)
    expect(saying.filter(has_text="“Choir” now ends at")).to_contain_text("11:30")
    assert choir.stands() == ["Choir 10:00–11:00", "Choir 10:00–11:30", "Choir 10:00–11:00", "Choir 10:00–11:00"]


@pytest.mark.parametrize(
    ("choir", "scope", "expected"),
    [
        (26, "This one", ["Choir 10:00–11:00", "Band 12:00–13:00", "Choir 10:00–11:00", "Choir 10:00–11:00"]),
        (30, "This and later", ["Choir 10:00–11:00", *["Band 12:00–13:00"] * 3]),
        (34, "All", ["Band 12:00–13:00"] * 4),
    ],
    indirect=["choir"],
)
def test_blocked_time_that_repeats_is_changed_as_far_as_one_says(
    choir: Choir, visit: Visit, scope: str, expected: list[str]
) -> None:
    page = visit(choir.week(1))
    page.get_by_role("button", name="Choir").click()
    form = page.get_by_role("dialog")

    form.get_by_label("Title").fill("Band")
    form.get_by_role("combobox", name="Begins at").fill("12:00")
    form.get_by_role("combobox", name="Ends at").fill("13:00")
    form.get_by_text(scope, exact=True).click()
    form.get_by_role("button", name="Save").click()

    expect(page.get_by_role("button", name=re.compile("Band.*12:00–13:00"))).to_be_visible()
    expect(form).to_have_count(0)
    assert choir.stands() == expected


@pytest.mark.parametrize(
    ("choir", "scope", "left"),
    [(38, "This one", 3), (42, "This and later", 1), (46, "All", 0)],
    indirect=["choir"],
)
def test_blocked_time_that_repeats_is_deleted_as_far_as_one_says(
    choir: Choir, visit: Visit, scope: str, left: int
) -> None:
    page = visit(choir.week(1))
    block = page.get_by_role("button", name="Choir")
    block.click()
    form = page.get_by_role("dialog")

    form.get_by_text(scope, exact=True).click()
    form.get_by_role("button", name="Delete").click()
    form.get_by_role("button", name="Delete").click()

    told = page.get_by_role("status").filter(has_text="“Choir” deleted")
    expect(told).to_be_visible()
    expect(block).to_have_count(0)
    assert choir.stands() == ["Choir 10:00–11:00"] * left
    # What is made anew is of no series: only one alone can come back so.
    undo = told.get_by_role("button", name="Undo")
    if left < 3:
        expect(undo).to_have_count(0)
        return
    undo.click()
    expect(block).to_be_visible()
    assert choir.stands() == ["Choir 10:00–11:00"] * 4


def test_blocked_time_that_others_changed_meanwhile_is_saved_at_the_second_try(suite: Console, visit: Visit) -> None:
    day, api = monday(suite, 50), suite.practice
    hour = {"starts_at": at(day, "10:00").isoformat(), "ends_at": at(day, "11:00").isoformat()}
    path = f"/v1/events/{api.post('scheduling', '/v1/events', {'title': 'Errand', **hour})['id']}"
    page = visit(f"/calendar?view=week&date={day}")
    page.get_by_role("button", name="Errand").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Title").fill("Long errand")
    api.call("PATCH", "scheduling", path, json={"notes": "Take the bike"}).raise_for_status()

    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("changed elsewhere meanwhile")
    form.get_by_role("button", name="Save").click()

    expect(page.get_by_role("button", name="Long errand")).to_be_visible()
    stands = api.get("scheduling", path)
    assert (stands["title"], stands["notes"]) == ("Long errand", "Take the bike")

    page.get_by_role("button", name="Long errand").click()
    api.call("DELETE", "scheduling", path).raise_for_status()
    form.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_contain_text("somebody has deleted it meanwhile")


def test_two_browsers_see_each_others_changes(suite: Console, browser: Browser, visit: Visit, kind: Any) -> None:
    day = monday(suite, 12)
    page = visit(f"/calendar?view=week&date={day}")
    context, complaints = person(browser, suite.url), Complaints()
    other = context.new_page()
    complaints.listen(other)
    sign_in(other, f"/calendar?view=week&date={day}")
    expect(other.get_by_text("09:00", exact=True).first).to_be_visible()

    made = booked(suite, kind, "Shared Example", at(day, "10:00"))
    for one in (page, other):
        expect(one.get_by_role("button", name=re.compile("Shared Example.*10:00"))).to_be_visible(timeout=5000)
    drag(page, page.get_by_role("button", name="Shared Example"), by_minutes=120)
    expect(other.get_by_role("button", name=re.compile("Shared Example.*12:00"))).to_be_visible(timeout=5000)
    suite.practice.cancel(made["id"], refund="skip")
    expect(page.get_by_role("button", name=re.compile("Shared Example.*Cancelled"))).to_be_visible(timeout=5000)

    context.close()
    assert complaints.said == []


def test_keys_alone_go_through_time_and_open_what_is_there(suite: Console, visit: Visit, kind: Any) -> None:
    day = monday(suite, 13)
    booked(suite, kind, "Keyboard Example", at(day, "10:00"))
    page = visit(f"/calendar?view=week&date={day - timedelta(weeks=1)}")
    heading = page.get_by_role("heading", level=1)

    page.keyboard.press("ArrowRight")
    session = page.get_by_role("button", name="Keyboard Example")
    expect(session).to_be_visible()
    session.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page).to_have_url(re.compile(r"session=ses_"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.keyboard.press("d")
    expect(heading).to_contain_text("Monday")
    page.keyboard.press("m")
    expect(heading).to_have_text(f"{day:%B %Y}")
    page.keyboard.press("l")
    expect(page.get_by_role("heading", level=2).first).to_be_visible()
    page.keyboard.press("w")
    page.keyboard.press("t")
    expect(heading).to_contain_text(f"{suite.practice.now().astimezone(BERLIN):%Y}")

    page.keyboard.press("n")
    field = page.get_by_label("Client", exact=True)
    expect(field).to_be_focused()
    page.keyboard.type("keyboard ex")
    expect(page.get_by_role("option", name="Keyboard Example")).to_be_visible()
    page.keyboard.press("Enter")
    expect(field).to_have_value("Keyboard Example")


def test_a_series_leaves_out_what_is_taken_and_says_so(suite: Console, visit: Visit, kind: Any) -> None:
    client = suite.practice.client("Series Example", "series@calendar.example")
    day = monday(suite, 14)
    suite.practice.book(service_id=kind["id"], client_id=client["id"], starts_at=at(day + timedelta(weeks=1), "10:00"))
    start = at(day, "10:00").isoformat().replace("+", "%2B")
    page = visit(f"/calendar?view=week&date={day}&new&client={client['id']}&start={start}")

    page.get_by_role("combobox", name="Session type").click()
    page.get_by_role("option", name=kind["name"]).click()
    page.get_by_role("combobox", name="Repeats").click()
    page.get_by_role("option", name="Every week").click()
    page.get_by_label("Times").fill("3")
    page.get_by_role("button", name="Create sessions").click()
    expect(page.get_by_role("alert")).to_contain_text("Some of these times are not free")
    page.get_by_role("button", name="Create only those that are free").click()

    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("2 of 3 created")
    expect(drawer).to_contain_text("Left out")
    drawer.get_by_role("button", name="Done").click()
    expect(page.get_by_role("button", name=re.compile("Series Example.*10:00–11:00"))).to_be_visible()


def test_a_finger_takes_a_session_by_a_long_press_and_leaves_it_where_it_lets_go(
    suite: Console, phone: Page, kind: Any
) -> None:
    day = monday(suite, 20)
    made = booked(suite, kind, "Finger Example", at(day, "10:00"))
    phone.goto(f"/calendar?view=day&date={day}")
    session, finger = phone.get_by_role("button", name="Finger Example"), Finger(phone)
    session.scroll_into_view_if_needed()
    box = session.bounding_box()
    assert box is not None
    # In the upper half of its first half hour, where the library alone would be a step off.
    x, y = box["x"] + box["width"] / 2, box["y"] + 6

    finger.down(x, y)
    expect(phone.locator('[class*="_knob_"]')).not_to_have_count(0)
    expect(phone.get_by_text("10:00–11:00")).not_to_have_count(0)
    finger.slide(x, y, 2 * _HALF_HOUR)
    finger.up()

    toast = phone.get_by_role("status").filter(has_text="Finger Example moved to")
    expect(toast).to_contain_text("11:00")
    assert datetime.fromisoformat(suite.practice.session(made["id"])["starts_at"]) == at(day, "11:00")
    undo = toast.get_by_role("button", name="Undo")
    assert undo.evaluate("button => button.scrollWidth <= button.clientWidth")
    undo.tap()
    expect(phone.get_by_role("button", name=re.compile("Finger Example.*10:00–11:00"))).to_be_visible()


def test_a_finger_asks_for_something_new_by_a_tap_or_a_pull_and_scrolls_otherwise(suite: Console, phone: Page) -> None:
    day = monday(suite, 21)
    phone.goto(f"/calendar?view=day&date={day}")
    expect(phone.get_by_role("heading", level=1)).to_contain_text("Mon")
    menu, finger = phone.get_by_role("menu"), Finger(phone)

    phone.touchscreen.tap(*place(phone, day, "13:00"))
    expect(menu).to_contain_text("13:00")
    phone.keyboard.press("Escape")
    expect(menu).to_have_count(0)

    x, y = place(phone, day, "14:00")
    finger.down(x, y)
    expect(phone.locator('[class*="_highlight_"]')).to_have_count(1)
    finger.slide(x, y, 2.5 * _HALF_HOUR)
    finger.up()
    expect(menu).to_contain_text("14:00 – 15:30")
    phone.keyboard.press("Escape")
    expect(menu).to_have_count(0)

    six = phone.get_by_text("18:00", exact=True)
    before = six.bounding_box()
    finger.down(x, y)
    finger.slide(x, y, -4 * _HALF_HOUR)
    finger.up()
    wait_until(lambda: six.bounding_box() != before, what="the hours to go up")
    expect(menu).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_forms_of_the_calendar_have_no_barrier(suite: Console, browser: Browser, kind: Any, scheme: str) -> None:
    day = monday(suite, 15)
    context, complaints = person(browser, suite.url, color_scheme=scheme), Complaints()
    page = context.new_page()
    complaints.listen(page)
    sign_in(page, f"/calendar?view=week&date={day}&new")
    expect(page.get_by_role("combobox", name="Session type")).to_be_visible()
    found = violations(page)
    page.keyboard.press("Escape")
    page.mouse.click(*place(page, day, "12:00"))
    page.get_by_role("menuitem", name="Block time").click()
    expect(page.get_by_label("Title")).to_be_visible()
    found += violations(page)
    context.close()

    assert found == []
    assert complaints.said == []


def test_a_full_month_has_no_barrier(suite: Console, visit: Visit, kind: Any) -> None:
    day = monday(suite, 60)
    for hour in range(9, 15):
        booked(suite, kind, f"Full month {hour}", at(day, f"{hour:02}:00"))

    page = visit(f"/calendar?view=month&date={day}")
    expect(page.get_by_role("button", name="Full month 10")).to_be_visible()
    expect(page.get_by_text("more", exact=False).first).to_be_visible()

    assert violations(page) == []


@pytest.mark.parametrize("view", ["day", "week", "month", "list"])
def test_no_view_needs_sideways_scrolling_on_a_phone(suite: Console, browser: Browser, view: str) -> None:
    context = person(browser, suite.url, width=375, height=812, has_touch=True, is_mobile=True)
    page = context.new_page()
    sign_in(page, f"/calendar?view={view}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    context.close()

    assert widths[0] <= widths[1]
