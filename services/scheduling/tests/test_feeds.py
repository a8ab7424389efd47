"""A calendar's feed: read by another party's parser it says the same, and only to who has its link."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import icalendar
import pytest
from services.scheduling.tests.driver import NOW, World, at, client_data
from services.scheduling.tests.test_booking import booking
from werkzeug.test import TestResponse

from scheduling.domain.feeds import Entry, Feed, document


def calendar(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.a.get("/calendars")["data"][0]
    return found


def fetch(world: World, url: str | None = None, **headers: str) -> TestResponse:
    """As a calendar program does: with the link and nothing else."""
    parts = urlsplit(url or calendar(world)["feed_url"])
    path = parts.path.removeprefix("/scheduling")
    return world.http.application.test_client().get(f"{path}?{parts.query}", headers=headers)


def entries(world: World, url: str | None = None) -> dict[str, icalendar.Component]:
    """What a parser finds, by UID."""
    answer = fetch(world, url)
    assert answer.status_code == 200
    parsed = icalendar.Calendar.from_ical(answer.data)
    found = {str(event["uid"]): event for event in parsed.walk("VEVENT")}
    assert len(found) == len(parsed.walk("VEVENT"))
    return found


def test_a_parser_reads_the_same_instants(world: World) -> None:
    client = world.new_client(name='Zoë, née Müller; \\ "Z"')
    made = [
        world.a.post(
            "/sessions", booking(world, when, client_id=client, notes="Bring\npapers, pens; \\ and \U0001f600")
        )
        for when in (at("12-01 10:00"), "2027-07-01T12:30:00Z")  # winter and summer
    ]
    found = entries(world)
    assert set(found) == {f"{session['id']}@timeblu" for session in made}
    for session in made:
        event = found[f"{session['id']}@timeblu"]
        assert event.decoded("dtstart") == datetime.fromisoformat(session["starts_at"])
        assert event.decoded("dtend") == datetime.fromisoformat(session["ends_at"])
        assert str(event["summary"]) == 'Coaching: Zoë, née Müller; \\ "Z"'
        assert str(event["description"]) == "Bring\npapers, pens; \\ and \U0001f600"
        assert (event.decoded("sequence"), str(event["status"])) == (1, "CONFIRMED")
    head = icalendar.Calendar.from_ical(fetch(world).data)
    assert (str(head["version"]), str(head["x-wr-calname"])) == ("2.0", "Praxis")
    assert "method" not in head


def test_lines_are_as_long_as_the_standard_lets_them_be(light_world: World) -> None:
    light_world.a.post("/sessions", booking(light_world, at("12-01 10:00"), notes="ü" * 5000))
    data = fetch(light_world).data
    assert data.endswith(b"\r\n")
    assert all(len(line) <= 75 and b"\n" not in line for line in data.split(b"\r\n"))


def test_what_no_calendar_can_hold_is_left_out(light_world: World) -> None:
    light_world.a.post("/sessions", booking(light_world, at("12-01 10:00"), notes="a\x0bb\x1b[31m\r\nc\rd\te"))
    (event,) = entries(light_world).values()
    assert str(event["description"]) == "ab[31m\nc\nd\te"


def test_every_change_is_told_by_a_greater_sequence(world: World) -> None:
    session = world.a.post("/sessions", booking(world, at("12-01 10:00"), status="pending"))
    path, uid = f"/sessions/{session['id']}", f"{session['id']}@timeblu"
    seen = [(1, "TENTATIVE", at("12-01 10:00"))]
    for method, url, body in (
        ("POST", f"{path}/confirm", {}),
        ("POST", f"{path}/reschedule", {"starts_at": at("12-02 11:00")}),
        ("POST", f"{path}/cancel", {"reason": "ill"}),
        ("POST", f"{path}/restore", {}),
    ):
        event = entries(world)[uid]
        start = event.decoded("dtstart").isoformat().replace("+00:00", "Z")
        assert (event.decoded("sequence"), str(event["status"]), start) == seen[-1]
        assert str(event["transp"]) == ("TRANSPARENT" if seen[-1][1] == "CANCELLED" else "OPAQUE")
        now = world.a.ok(method, url, body)
        status = {"cancelled": "CANCELLED"}.get(now["status"], "CONFIRMED")
        seen.append((now["version"], status, now["starts_at"]))
    assert [sequence for sequence, _, _ in seen] == [1, 2, 3, 4, 5]
    assert [status for _, status, _ in seen] == ["TENTATIVE", "CONFIRMED", "CONFIRMED", "CANCELLED", "CONFIRMED"]


def test_what_is_private_is_not_in_it(world: World) -> None:
    client = client_data(name="Ann Onymous", email="secret@example.com", phone="+4930999999")
    world.tell("client.created", client)
    session = world.a.post(
        "/sessions",
        booking(world, at("12-01 10:00"), client_id=client["id"], notes="public", session_notes="secret thoughts"),
    )
    world.a.post(f"/sessions/{session['id']}/cancel", {"reason": "secret reason"})
    text = fetch(world).data.decode()
    assert ("public" in text, "Ann Onymous" in text) == (True, True)
    assert [word for word in ("secret", "+49") if word in text] == []
    request = {"id": client["id"], "account_id": "acc_a", "version": 2, "requested_at": world.clock.now()}
    world.tell("client.erasure_requested", request)
    text = fetch(world).data.decode()
    assert ("Ann Onymous" in text, "public" in text, "Deleted client" in text) == (False, False, True)


def test_the_link_is_the_key_and_can_be_changed(world: World) -> None:
    mine = calendar(world)
    url = mine["feed_url"]
    assert url.startswith(f"http://localhost/scheduling/v1/calendars/{mine['id']}/feed.ics?token=")
    assert fetch(world, url).status_code == 200
    assert fetch(world, url).mimetype == "text/calendar"
    other = world.a.post("/calendars", {"name": "Room 2"})
    token = urlsplit(other["feed_url"]).query
    for wrong in (
        f"{url}x",
        url[:-1],
        url.partition("?")[0],
        f"{url.partition('?')[0]}?{token}",
        url.replace("cal_", "cal_0"),
    ):
        answer = fetch(world, wrong)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found"), wrong
    path = f"/calendars/{mine['id']}/feed/renew"
    world.a.refused(412, "stale", "POST", path, {}, If_Match='"7"')
    renewed = world.a.post(path, If_Match='"1"', Idempotency_Key="k")
    assert renewed == world.a.post(path, Idempotency_Key="k")
    assert renewed == mine | {key: renewed[key] for key in ("feed_url", "version", "updated_at")}
    assert (renewed["version"], fetch(world, url).status_code, fetch(world, renewed["feed_url"]).status_code) == (
        2,
        404,
        200,
    )
    world.b.refused(404, "not_found", "POST", path, {})
    world.caller("acc_a", scope="sessions:read").refused(403, "forbidden", "POST", path, {})
    world.a.ok("DELETE", f"/calendars/{other['id']}")
    assert fetch(world, other["feed_url"]).status_code == 404


def test_a_calendar_without_a_secret_is_open_to_nobody(light_world: World) -> None:
    """One that an older release has made beside this one."""
    mine = calendar(light_world)
    with light_world.service.store.transaction():
        light_world.service.store.execute("UPDATE calendars SET feed_token = ''")
    assert calendar(light_world)["feed_url"] is None
    assert fetch(light_world, f"/v1/calendars/{mine['id']}/feed.ics?token=").status_code == 404
    assert fetch(light_world, light_world.a.post(f"/calendars/{mine['id']}/feed/renew")["feed_url"]).status_code == 200


def test_each_calendar_has_its_own_sessions(light_world: World) -> None:
    room = light_world.a.post("/calendars", {"name": "Room 2"})
    session = light_world.a.post("/sessions", booking(light_world, at("12-01 10:00")))
    assert (len(entries(light_world)), len(entries(light_world, room["feed_url"]))) == (1, 0)
    light_world.a.patch(f"/sessions/{session['id']}", {"calendar_id": room["id"]})
    assert entries(light_world) == {}
    assert set(entries(light_world, room["feed_url"])) == {f"{session['id']}@timeblu"}


def test_what_was_seen_is_not_sent_again(world: World) -> None:
    client = client_data()
    world.tell("client.created", client)
    session = world.a.post("/sessions", booking(world, at("12-01 10:00"), client_id=client["id"]))
    first = fetch(world)
    for tag in (first.headers["ETag"], f"W/{first.headers['ETag']}"):
        again = fetch(world, If_None_Match=tag)
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert "private" in first.headers["Cache-Control"]
    world.clock.advance(hours=1)
    assert fetch(world).data == first.data

    def changed() -> bool:
        answer = fetch(world, If_None_Match=first.headers["ETag"])
        return answer.status_code == 200 and answer.headers["ETag"] != first.headers["ETag"]

    world.tell("client.updated", client | {"version": 2, "name": "Anna Neu"})
    assert changed()
    world.tell("client.updated", client | {"version": 3})
    assert not changed()
    world.a.patch(f"/sessions/{session['id']}", {"notes": "new"})
    assert changed()


def test_a_feed_is_bounded_in_time_and_size(light_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    type_, client = light_world.session_type(), light_world.new_client()

    def book(days: int) -> str:
        when = NOW.replace(hour=9) + timedelta(days=days)
        body = booking(light_world, when.isoformat(), service_id=type_, client_id=client)
        flags = {"allow_outside_hours": True, "override_reason": "test"}
        return f"{light_world.a.post('/sessions', body | flags)['id']}@timeblu"

    made = {days: book(days) for days in (-93, -90, -20, -1, 0, 1, 30, 398, 401)}
    found = entries(light_world)
    assert list(found) == [made[days] for days in (-90, -20, -1, 0, 1, 30, 398)]
    monkeypatch.setattr("scheduling.operations.feeds._MOST_BEFORE", 2)
    monkeypatch.setattr("scheduling.operations.feeds._MOST_AHEAD", 3)
    # Those that are nearest to now stay.
    assert list(entries(light_world)) == [made[days] for days in (-20, -1, 0, 1, 30)]


def test_whole_days_are_told_as_dates() -> None:
    """What is no moment has no timezone: it begins at every reader's own midnight."""
    entry = Entry(
        id="evt_1",
        version=2,
        status="CONFIRMED",
        starts=date(2026, 12, 24),
        ends=date(2026, 12, 27),
        summary="Away",
        description="",
        created_at=NOW,
        updated_at=NOW,
    )
    (event,) = icalendar.Calendar.from_ical(
        document(Feed(name="Praxis", timezone="Europe/Berlin", entries=[entry]))
    ).walk("VEVENT")
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (date(2026, 12, 24), date(2026, 12, 27))


def test_calendars_that_were_there_before_have_got_a_link_each(tmp_path: Path) -> None:
    """The migration draws a secret for every one."""
    from importlib import import_module

    from chassis.store import Store

    store = Store(f"sqlite:///{tmp_path / 'before.sqlite3'}")
    with store.transaction():
        store.execute("CREATE TABLE calendars (id TEXT PRIMARY KEY)")
        for id in ("cal_1", "cal_2"):
            store.execute("INSERT INTO calendars VALUES (%s)", (id,))
        import_module("scheduling.store.migrations.0005_feeds").up(None, store.database)
        tokens = {row[0] for row in store.execute("SELECT feed_token FROM calendars")}
    assert len(tokens) == 2
    assert min(map(len, tokens)) >= 32
    store.close()


def test_blocked_time_is_in_the_feed_until_it_is_removed(world: World) -> None:
    hour = world.a.post(
        "/events",
        {"title": "Dentist", "starts_at": at("12-01 12:00"), "ends_at": at("12-01 13:00"), "notes": "Floor 3"},
    )
    holiday = world.a.post("/events", {"title": "Holiday", "starts_at": at("12-24 00:00"), "all_day": True})
    found = entries(world)
    event = found[f"{hour['id']}@timeblu"]
    assert (str(event["summary"]), str(event["description"]), event.decoded("sequence")) == ("Dentist", "Floor 3", 1)
    assert event.decoded("dtstart") == datetime.fromisoformat(hour["starts_at"])
    day = found[f"{holiday['id']}@timeblu"]
    assert (day.decoded("dtstart"), day.decoded("dtend")) == (date(2026, 12, 24), date(2026, 12, 25))
    world.a.ok("DELETE", f"/events/{hour['id']}")
    assert set(entries(world)) == {f"{holiday['id']}@timeblu"}
