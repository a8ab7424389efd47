"""Clients in the console: found, made, changed, merged, deleted, erased, and taken in by the file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, Route, expect

from e2e.conftest import Console
from embedded.practice import Practice, on_a_weekday, wait_for

Visit = Callable[[str], Page]


def found(practice: Practice, q: str) -> list[str]:
    """The names that a search among the clients finds."""
    return [client["name"] for client in practice.get("clients", "/v1/clients", q=q)["data"]]


def booked(practice: Practice, client_id: str, days: float) -> str:
    """The id of a session with the client, once the clients service has heard of it."""
    kind = practice.session_type(percent=None, name="Fitting")
    anyway = {"allow_overlap": True, "override_reason": "whatever else is at that time"}
    starts_at = on_a_weekday(days)
    session_id: str = practice.book(service_id=kind["id"], client_id=client_id, starts_at=starts_at, **anyway)["id"]
    wait_for(
        lambda: practice.get("clients", f"/v1/clients/{client_id}/timeline")["total"], "clients hears of the session"
    )
    return session_id


def more(page: Page, action: str) -> None:
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name=action).click()


def drawer(page: Page) -> Locator:
    return page.get_by_role("dialog")


def test_a_key_leads_to_the_search_which_finds_as_one_types_and_opens_the_profile(suite: Console, visit: Visit) -> None:
    suite.practice.client("Quirin Übermut", "quirin@example.org", tags=["Harp"], notes="Prefers the morning.")
    suite.practice.client("Somebody Else", "else@example.org")
    page = visit("/dashboard")

    page.keyboard.press("/")
    box = page.get_by_role("searchbox", name="Search clients")
    expect(box).to_be_focused()
    box.press_sequentially("quirin uber")

    expect(page.get_by_role("link", name="Quirin Übermut")).to_be_visible()
    expect(page.get_by_role("link", name="Somebody Else")).to_have_count(0)
    expect(page).to_have_url(f"{suite.url}/clients?q=quirin+uber")
    page.get_by_role("link", name="Quirin Übermut").click()
    expect(page.get_by_role("heading", level=1, name="Quirin Übermut")).to_be_visible()
    expect(page.get_by_role("textbox", name="Private notes")).to_have_value("Prefers the morning.")
    page.get_by_role("button", name="Harp").click()
    expect(page.get_by_role("row").filter(has=page.get_by_role("link"))).to_have_count(1)


def test_whoever_has_the_email_already_is_shown_and_another_can_be_made_anyway(suite: Console, visit: Visit) -> None:
    suite.practice.client("Vera Family", "family@example.org")
    page = visit("/clients")

    page.get_by_role("button", name="New client").click()
    page.get_by_label("Name").fill("Walter Family")
    page.get_by_label("Email", exact=True).fill("family@example.org")
    page.get_by_label("Phone").fill("call me")
    page.get_by_role("button", name="Create client").click()
    expect(page.get_by_label("Phone")).to_have_accessible_description(re.compile("digits"))
    page.get_by_label("Phone").fill("")
    page.get_by_role("button", name="Create client").click()
    expect(drawer(page).get_by_role("link", name="Vera Family")).to_be_visible()
    assert found(suite.practice, "family@example.org") == ["Vera Family"]
    page.get_by_role("button", name="Create anyway").click()

    expect(page.get_by_role("heading", level=1, name="Walter Family")).to_be_visible()
    assert sorted(found(suite.practice, "family@example.org")) == ["Vera Family", "Walter Family"]


def test_a_profile_is_changed_in_place_and_each_change_can_be_undone(suite: Console, visit: Visit) -> None:
    client = suite.practice.client("Xaver Changed", "xaver@example.org")
    session_id = booked(suite.practice, client["id"], 9)
    page = visit(f"/clients/{client['id']}")

    page.get_by_role("button", name="Edit").click()
    drawer(page).get_by_label("Email", exact=True).fill("xaver.new@example.org")
    drawer(page).get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="xaver.new@example.org")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="xaver@example.org", exact=True)).to_be_visible()

    page.get_by_role("textbox", name="Private notes").fill("Brings a dog.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_role("switch", name="SMS").click(force=True)
    expect(page.get_by_role("switch", name="SMS")).not_to_be_checked()
    page.get_by_role("button", name="1 change").click()
    expect(page.get_by_text("SMS switched off")).to_be_visible()
    page.reload()
    expect(page.get_by_role("textbox", name="Private notes")).to_have_value("Brings a dog.")
    expect(page.get_by_role("switch", name="SMS")).not_to_be_checked()

    expect(page.get_by_role("link", name="Book session")).to_have_attribute(
        "href", f"/calendar?new&client={client['id']}"
    )
    page.get_by_role("link", name="Fitting").click()
    expect(page).to_have_url(f"{suite.url}/clients/{client['id']}?session={session_id}")
    expect(drawer(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)


def test_a_deleted_client_comes_back_by_undo(suite: Console, visit: Visit) -> None:
    client = suite.practice.client("Yannick Deleted", "yannick@example.org")
    page = visit(f"/clients/{client['id']}")

    more(page, "Delete")
    expect(page.get_by_text("Yannick Deleted was deleted")).to_be_visible()
    expect(page).to_have_url(f"{suite.url}/clients")
    assert found(suite.practice, "yannick") == []
    page.get_by_role("button", name="Undo").click()

    expect(page.get_by_role("link", name="Yannick Deleted")).to_be_visible()
    assert found(suite.practice, "yannick") == ["Yannick Deleted"]


def test_an_erasure_waits_for_sessions_to_be_cancelled_and_ends_with_its_receipt(suite: Console, visit: Visit) -> None:
    client = suite.practice.client("Zora Erased", "zora@example.org", tags=["Harp"])
    session_id = booked(suite.practice, client["id"], 10)
    page = visit(f"/clients/{client['id']}")

    more(page, "Erase for good")
    erase = drawer(page).get_by_role("button", name="Erase for good")
    expect(erase).to_be_disabled()
    drawer(page).get_by_role("textbox").fill("Zora Erased")
    erase.click()
    expect(drawer(page).get_by_text("There are sessions to come")).to_be_visible()
    expect(drawer(page).get_by_role("link", name="Fitting")).to_have_attribute(
        "href", f"/clients/{client['id']}?session={session_id}"
    )
    suite.practice.cancel(session_id)
    timeline = f"/v1/clients/{client['id']}/timeline"
    wait_for(lambda: not suite.practice.get("clients", timeline)["next"], "clients hears of the cancellation")
    erase.click()

    expect(drawer(page).get_by_text("Erased everywhere on")).to_be_visible()
    expect(drawer(page).get_by_text("Times, prices and deposits", exact=False)).to_be_visible()
    drawer(page).get_by_role("button", name="Close").last.click()
    expect(page).to_have_url(f"{suite.url}/clients")
    page.goto(f"/clients/{client['id']}")
    expect(page.get_by_role("heading", level=1, name="Erased client")).to_be_visible()
    expect(page.get_by_text("1 tag")).to_be_visible()
    assert found(suite.practice, "zora") == []


def test_two_records_of_one_person_become_one(suite: Console, visit: Visit) -> None:
    stays = suite.practice.client("Ulla Merged", tags=["Harp"])
    goes = suite.practice.client("Ursula Merged", "ursula@example.org", tags=["Choir"], contact={"sms": False})
    booked(suite.practice, goes["id"], 11)
    page = visit(f"/clients/{stays['id']}")

    more(page, "Merge with another client")
    drawer(page).get_by_role("combobox", name="The other client").press_sequentially("ursula")
    page.get_by_role("option", name="Ursula Merged").click()
    expect(drawer(page).get_by_role("row", name="Name Ulla Merged dropped: Ursula Merged")).to_be_visible()
    expect(drawer(page).get_by_role("row", name="Email – ursula@example.org")).to_be_visible()
    drawer(page).get_by_role("button", name="Merge", exact=True).click()

    expect(drawer(page)).to_have_count(0)
    expect(page.get_by_role("link", name="ursula@example.org")).to_be_visible()
    expect(page.get_by_role("switch", name="SMS")).not_to_be_checked()
    expect(page.get_by_role("link", name="Fitting")).to_be_visible()
    page.goto(f"/clients/{goes['id']}")
    expect(page).to_have_url(f"{suite.url}/clients/{stays['id']}")


def test_a_file_is_looked_at_row_by_row_before_it_is_taken_in(suite: Console, visit: Visit, tmp_path: Path) -> None:
    suite.practice.client("Thea There", "thea@example.org")
    file = tmp_path / "Liste.csv"
    file.write_bytes(
        'Wer;E-Mail;Seit\n"Imke Importée";imke@example.org;2019\nThea;thea@example.org;2020\nIvo Wrong;ivo;2021\n'.encode(
            "cp1252"
        )
    )
    page = visit("/clients")

    page.get_by_role("button", name="Import").click()
    drawer(page).get_by_label("Choose a file").set_input_files(file)
    drawer(page).get_by_role("combobox", name="Wer").click()
    page.get_by_role("option", name="Name").click()
    expect(drawer(page).get_by_text("1 new")).to_be_visible()
    expect(drawer(page).get_by_text("1 there already")).to_be_visible()
    expect(drawer(page).get_by_role("row", name="3 Cannot be imported Email:")).to_be_visible()
    expect(drawer(page).get_by_role("combobox", name="Seit")).to_have_value("Leave out")
    assert found(suite.practice, "imke") == []
    drawer(page).get_by_role("button", name="Import 1 client").click()

    expect(drawer(page).get_by_text("1 imported")).to_be_visible()
    drawer(page).get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("link", name="Imke Importée")).to_be_visible()
    assert found(suite.practice, "imke") == ["Imke Importée"]


def test_a_long_file_shows_how_far_it_is(suite: Console, visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "many.json"
    file.write_text(json.dumps([{"name": f"Many {n}", "email": f"many{n}@example.org"} for n in range(700)]))
    page = visit("/clients?import")

    drawer(page).get_by_label("Choose a file").set_input_files(file)
    expect(drawer(page).get_by_text("700 new")).to_be_visible()
    # The answer to how far it is waits until the progress was seen.
    asked: list[Route] = []
    seen = False
    page.route("**/v1/clients/import/*", lambda route: route.continue_() if seen else asked.append(route))
    drawer(page).get_by_role("button", name="Import 700 clients").click()
    expect(drawer(page).get_by_role("progressbar", name="Importing")).to_be_visible()
    seen = True
    for route in asked:
        route.continue_()

    expect(drawer(page).get_by_text("700 imported")).to_be_visible(timeout=30_000)
    with page.expect_download() as download:
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Export").click()
    assert "Many 699" in download.value.path().read_text(encoding="utf-8")
