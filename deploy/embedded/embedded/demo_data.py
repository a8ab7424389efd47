"""`make demo-data`: fills the demo's account with a believable practice, as a provider and clients would, over the public HTTP API."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import requests

from contracts.envelope import parse_time
from contracts.fields import rfc3339
from contracts.registry import SERVICES
from embedded import diary, invented, secrets_file
from embedded.diary import CALENDARS, OWN, TYPES, Booking, Course, Money, Turn
from embedded.practice import NotInTime, Practice, Refused, wait_for
from embedded.provision import ACCOUNT, CannotProvision, provision_demo
from embedded.secrets_file import Damaged

_SEED = 20_211
_THREADS = 4
_PAGE = 200
_SETTLED_SECONDS = 120.0
_LOOK_SECONDS = 0.25
_FAR = timedelta(days=370)
_TOLD_EVERY = 100
_TIERS = [
    {"hours_before": 48, "percentage": 100},
    {"hours_before": 24, "percentage": 50},
    {"hours_before": 0, "percentage": 0},
]
# What somebody else has put there is left in peace: what was planned for the same time does not take place.
_IN_THE_WAY = {"slot_taken", "outside_working_hours", "slot_unavailable", "duplicate"}
_ONLINE_NOTICE = timedelta(days=1)
_ONLINE_AT_MOST = timedelta(days=45)
T = TypeVar("T")
R = TypeVar("R")


class RealMoney(Exception):
    """The suite talks to the real Stripe, Twilio or mail server."""


@dataclass(kw_only=True)
class _Made:
    """A session that this run has booked, and the course that it is to take."""

    id: str
    booking: Booking
    course: Course
    shown: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class Filling:
    """One run. What is there is found out first, so that nothing is made twice, and added to no more once somebody has changed it."""

    practice: Practice
    clients: int
    weeks: int
    say: Callable[[str], None]
    added: Counter[str] = field(default_factory=Counter)

    def run(self) -> Counter[str]:
        """Make what is missing; how many of each kind were made.

        Raises:
            Refused, NotInTime: a step did not go as it should.
        """
        self._wait_until_known()
        now = self.practice.now()
        account = self.practice.get("scheduling", "/v1/account")
        zone = ZoneInfo(account["timezone"])
        events = self._all("scheduling", "/v1/events", now - _FAR, now + _FAR)
        holidays = [parse_time(e["starts_at"]).astimezone(zone).date() for e in events if e["title"] == diary.HOLIDAY]
        anchor = diary.anchor_by(min(holidays)) if holidays else diary.anchor_of(now.astimezone(zone).date())
        if not holidays:
            self._open(account)
        rng = random.Random(_SEED)
        people = invented.people(self.clients, rng)
        plan = diary.diary(anchor, clients=self.clients, weeks=self.weeks, zone=zone, rng=rng)
        self._make_calendars()
        self._make_types()
        self._make_clients(people)
        self._block(plan.blocked, events)
        self._book(plan, people, anchor, account["username"], now)
        return self.added

    def _wait_until_known(self) -> None:
        """Right after a first start, not every service has heard of the account."""
        for service, path in (
            ("clients", "/v1/clients"),
            ("payments", "/v1/settings"),
            ("notifications", "/v1/settings"),
        ):
            wait_for(
                lambda service=service, path=path: (
                    self.practice.call("GET", service, path).status_code  # type: ignore[misc]
                    != HTTPStatus.SERVICE_UNAVAILABLE
                ),
                f"{service} hears of the account",
            )

    # --- the practice -------------------------------------------------------------------------------------------

    def _open(self, account: dict[str, Any]) -> None:
        """Online booking and refund tiers, unless the provider has chosen already."""
        if not account["booking"]["enabled"]:
            self._change("scheduling", "/v1/account", {"booking": {"enabled": True}})
        if self.practice.get("payments", "/v1/settings")["version"] == 0:
            self.practice.set_refund_policy(refund_tiers=_TIERS)

    def _change(self, service: str, path: str, body: dict[str, Any]) -> None:
        answer = self.practice.call("PATCH", service, path, json=body)
        if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            raise Refused(answer)

    def _make_calendars(self) -> None:
        there = self.practice.get("scheduling", "/v1/calendars")["data"]
        own = next(calendar["id"] for calendar in there if calendar["is_default"])
        self._calendars = {OWN: own, **{calendar["name"]: calendar["id"] for calendar in there}}
        for calendar in CALENDARS:
            if calendar.name not in self._calendars:
                made = self.practice.post("scheduling", "/v1/calendars", calendar.body)
                self._calendars[calendar.name] = made["id"]
                self._count("calendars")

    def _make_types(self) -> None:
        there = self.practice.get("scheduling", "/v1/services", limit=_PAGE)["data"]
        self._types = {kind["name"]: kind["id"] for kind in there}
        for kind in TYPES:
            if kind.name not in self._types:
                where = [self._calendars[name] for name in kind.calendars]
                made = self.practice.post("scheduling", "/v1/services", {**kind.body, "calendar_ids": where})
                self._types[kind.name] = made["id"]
                self._count("session types")

    def _make_clients(self, people: Sequence[dict[str, Any]]) -> None:
        self._clients = {client["name"]: client["id"] for client in self._pages("clients", "/v1/clients")}
        missing = [person for person in people if person["name"] not in self._clients]
        if not missing:
            return
        self.say(f"{len(missing)} clients are imported")
        report = self._imported(missing)
        for person, row in zip(missing, report["rows"], strict=True):
            if row["client_id"] is None:
                raise NotInTime(f"the import refused {person['name']}: {row['errors']}")
            self._clients[person["name"]] = row["client_id"]
        self.added["clients"] += report["created"]

    def _imported(self, people: Sequence[dict[str, Any]]) -> Any:
        answer = self.practice.call("POST", "clients", "/v1/clients/import", json=list(people))
        if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            raise Refused(answer)
        report = answer.json()

        def finished() -> Any:
            found = self.practice.get("clients", f"/v1/clients/import/{report['id']}")
            return found if found["status"] in {"completed", "failed"} else None

        if answer.status_code == HTTPStatus.ACCEPTED:
            report = wait_for(finished, "the import is through", _SETTLED_SECONDS, _LOOK_SECONDS)
        return report

    def _block(self, blocked: Sequence[diary.Blocked], events: Sequence[dict[str, Any]]) -> None:
        there = {(e["title"], e["calendar_id"], parse_time(e["starts_at"])) for e in events}
        for time_ in blocked:
            calendar_id = self._calendars[time_.calendar]
            if (time_.title, calendar_id, time_.starts_at.astimezone(UTC)) in there:
                continue
            body: dict[str, Any] = {
                "title": time_.title,
                "calendar_id": calendar_id,
                "starts_at": time_.starts_at.isoformat(),
                "ends_at": time_.ends_at.isoformat(),
                "all_day": time_.all_day,
            }
            more = {"notes": time_.notes, "rrule": time_.rrule, "on_conflict": "skip" if time_.rrule else None}
            body |= {name: value for name, value in more.items() if value}
            if self._unless_in_the_way(lambda body=body: self.practice.post("scheduling", "/v1/events", body)):  # type: ignore[misc]
                self._count("events")

    # --- sessions -----------------------------------------------------------------------------------------------

    def _book(
        self, plan: diary.Diary, people: Sequence[dict[str, Any]], anchor: date, username: str, now: datetime
    ) -> None:
        ids = [self._clients[person["name"]] for person in people]
        there = self._taken(plan)
        weekly = plan.weekly
        if (ids[weekly.client], weekly.starts_at.astimezone(UTC)) not in there:
            self._series(weekly, ids[weekly.client])
        missing = [
            booking
            for booking in plan.bookings
            if not {(ids[booking.client], at.astimezone(UTC)) for at in (booking.starts_at, booking.moves_to)} & there
        ]
        if not missing:
            return
        self.say(f"{len(missing)} sessions are booked")
        booked = self._each(
            missing, lambda booking: self._booked(booking, people[booking.client], ids[booking.client], username, now)
        )
        made = [one for one in booked if one is not None]
        self.added["sessions"] += len(made)
        self._pay(made, plan)
        turning = [one for one in made if one.course.turn is not None]
        self.say(f"{len(turning)} sessions are cancelled, restored or moved")
        self._each(turning, self._turn)

    def _series(self, weekly: diary.Weekly, client_id: str) -> None:
        template = {
            "service_id": self._types[weekly.kind],
            "calendar_id": self._calendars[weekly.calendar],
            "client_id": client_id,
            "starts_at": weekly.starts_at.isoformat(),
            "notes": weekly.notes,
        }
        body = {"kind": "session", "template": template, "rrule": weekly.rrule, "on_conflict": "skip"}
        if self._unless_in_the_way(lambda: self.practice.post("scheduling", "/v1/series", body)):
            self._count("series")

    def _taken(self, plan: diary.Diary) -> set[tuple[str, datetime]]:
        """Whose sessions there are, and when they start."""
        starts = [booking.starts_at for booking in plan.bookings]
        last = plan.weekly.starts_at
        sessions = self._all(
            "scheduling", "/v1/sessions", min([*starts, last]), max([*starts, last]) + timedelta(days=1)
        )
        return {(session["client_id"], parse_time(session["starts_at"])) for session in sessions}

    def _booked(
        self, booking: Booking, person: dict[str, Any], client_id: str, username: str, now: datetime
    ) -> _Made | None:
        """The session, or None where something stands in its way."""
        over = booking.ends_at < now
        # Under way, there is nothing yet to say of it.
        course = booking.past if over else booking.ahead if booking.starts_at > now else Course()
        online = course.online and "email" in person and _ONLINE_NOTICE < booking.starts_at - now < _ONLINE_AT_MOST
        book = self._book_online if online else self._book_by_hand
        made = self._unless_in_the_way(lambda: book(booking, course, person, client_id, username))
        return made and _Made(id=made["id"], booking=booking, course=course)

    def _book_by_hand(
        self, booking: Booking, course: Course, person: dict[str, Any], client_id: str, username: str
    ) -> Any:
        more = {"notes": booking.notes, "session_notes": booking.session_notes}
        return self.practice.book(
            service_id=self._types[booking.kind],
            client_id=client_id,
            starts_at=booking.starts_at,
            calendar_id=self._calendars[booking.calendar],
            status=course.status,
            **{name: value for name, value in more.items() if value},
        )

    def _book_online(
        self, booking: Booking, course: Course, person: dict[str, Any], client_id: str, username: str
    ) -> Any:
        body = {
            "service_id": self._types[booking.kind],
            "starts_at": booking.starts_at.isoformat(),
            "calendar_id": self._calendars[booking.calendar],
            "client": {name: person[name] for name in ("name", "email", "phone") if name in person},
            "notes": diary.MESSAGES[booking.starts_at.day % len(diary.MESSAGES)],
        }
        return self.practice.post("scheduling", f"/v1/booking/{username}/sessions", body)

    def _pay(self, made: Sequence[_Made], plan: diary.Diary) -> None:
        paying = [one for one in made if one.course.paid is not None]
        if not paying:
            return
        self.say(f"{len(paying)} deposits are paid")
        self._look_until(paying, plan, "deposits are asked", lambda deposit: bool(deposit["id"]))
        self._each([one for one in paying if one.shown["deposit"]["status"] == "required"], self._pay_one)
        self._look_until(paying, plan, "deposits are paid", lambda deposit: deposit["status"] != "required")

    def _pay_one(self, one: _Made) -> None:
        if one.course.paid is Money.CASH:
            self.practice.post("payments", f"/v1/deposits/{one.shown['deposit']['id']}/mark-paid")
            return
        answer = self.practice.pay(one.shown["payment_url"])
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise Refused(answer)

    def _look_until(
        self, ones: Sequence[_Made], plan: diary.Diary, what: str, settled: Callable[[dict[str, Any]], bool]
    ) -> None:
        """Wait until the deposit of each is so; all are looked at together, as one at a time would keep the suite busy with answering."""
        since, until = min(b.starts_at for b in plan.bookings), max(b.starts_at for b in plan.bookings)

        def look() -> bool:
            shown = {s["id"]: s for s in self._all("scheduling", "/v1/sessions", since, until + timedelta(days=1))}
            for one in ones:
                one.shown = shown.get(one.id, one.shown)
            return all(one.shown.get("deposit") and settled(one.shown["deposit"]) for one in ones)

        wait_for(look, what, _SETTLED_SECONDS, _LOOK_SECONDS)

    def _turn(self, one: _Made) -> None:
        """Cancel it, restore it after that, or move it."""
        turn, booking = one.course.turn, one.booking
        if turn is Turn.MOVED:
            body = {"starts_at": booking.moves_to.isoformat()}
            self._unless_in_the_way(lambda: self.practice.post("scheduling", f"/v1/sessions/{one.id}/reschedule", body))
            return
        reason = diary.REASONS[booking.starts_at.day % len(diary.REASONS)]
        refund = {"refund": one.course.refund} if one.course.refund else {}
        self.practice.cancel(one.id, reason=reason, **refund)
        if turn is Turn.RESTORED:
            self._unless_in_the_way(lambda: self._restored(one.id))

    def _restored(self, session_id: str) -> Any:
        def restore() -> Any:
            try:
                return self.practice.restore(session_id)
            except Refused as refused:
                # Payments has not answered the cancellation yet.
                if refused.problem.get("code") == "refund_in_progress":
                    return None
                raise

        return wait_for(restore, f"{session_id} can be restored", _SETTLED_SECONDS, _LOOK_SECONDS)

    # --- together -----------------------------------------------------------------------------------------------

    def _unless_in_the_way(self, act: Callable[[], Any]) -> Any:
        """What `act` returns, None where what it wants to make cannot be there."""
        try:
            return act()
        except Refused as refused:
            if refused.status == HTTPStatus.CONFLICT and refused.problem.get("code") in _IN_THE_WAY:
                return None
            raise

    def _all(self, service: str, path: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
        # `from` is no name for an argument.
        return self._pages(service, path, **{"from": rfc3339(since), "to": rfc3339(until)})

    def _pages(self, service: str, path: str, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.practice.get(service, path, limit=_PAGE, **params, **cursor)
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    def _each(self, ones: Sequence[T], act: Callable[[T], R]) -> list[R]:
        """What `act` returns for each, a few at once."""
        done = count(1)

        def told(one: T) -> R:
            result = act(one)
            number = next(done)
            if number % _TOLD_EVERY == 0:
                self.say(f"  {number} of {len(ones)}")
            return result

        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(told, ones))

    def _count(self, what: str) -> None:
        self.added[what] += 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded.demo_data", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--clients", type=_from_1_to(invented.MOST), default=300)
    parser.add_argument("--weeks", type=_from_1_to(26), default=6, help="so many back, and so many ahead")
    asked = parser.parse_args()
    base = f"http://127.0.0.1:{asked.port}"
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"demo-data {time.monotonic() - began:5.1f} s  {line}", file=sys.stderr, flush=True)

    try:
        secret = secrets_file.load(asked.data_dir).auth_jwt_secret
        requests.get(f"{base}/healthz", timeout=5)
        refuse_the_real_world(base)
        provision_demo(asked.data_dir, base, secret)
        practice = Practice(
            {name: f"{base}/{name}" for name in (*SERVICES, "sandbox")}, auth_secret=secret, account_id=ACCOUNT
        )
        added = Filling(practice=practice, clients=asked.clients, weeks=asked.weeks, say=say).run()
    except FileNotFoundError:
        print(
            f"demo-data: {asked.data_dir} holds no suite: start one with `make run`, and name its DATA_DIR",
            file=sys.stderr,
        )
        return 1
    except requests.ConnectionError:
        print(
            f"demo-data: nothing answers at {base}: start the suite with `make run`, and name its PORT", file=sys.stderr
        )
        return 1
    except (CannotProvision, Damaged, Refused, NotInTime, RealMoney) as error:
        print(f"demo-data: {error}", file=sys.stderr)
        return 1
    say("done")
    print(
        "added: "
        + (", ".join(f"{number} {what}" for what, number in added.items() if number) or "nothing, it is all there")
    )
    return 0


def refuse_the_real_world(base: str) -> None:
    """Invented clients get no messages from a real mail server, and pay nothing at the real Stripe."""
    answer = requests.get(f"{base}/config.json", timeout=5)
    try:
        sandbox = answer.json().get("sandbox", True) if answer.status_code == HTTPStatus.OK else True
    except json.JSONDecodeError:
        sandbox = True
    if not sandbox:
        raise RealMoney("this suite has real keys: invented clients are for one that talks to the sandbox")


def _from_1_to(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {most}")
        return int(text)

    return number


if __name__ == "__main__":
    sys.exit(main())
