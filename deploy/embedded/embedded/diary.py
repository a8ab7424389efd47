"""What is in the diary of the demo's practice: a pure function of the week it is counted from, so that it can be asked for again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

OWN = "own"
"""The calendar that the account began with, whatever it is called."""
_GRID = timedelta(minutes=15)
_FULL = 40
"""With so many clients, and more, calendars are as full as they get."""
_GAP_PROBABILITY = 0.35
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Money(StrEnum):
    CARD = "card"
    CASH = "cash"


class Turn(StrEnum):
    """What happens to a session after it was booked."""

    CANCELLED = "cancelled"
    RESTORED = "restored"
    MOVED = "moved"


@dataclass(frozen=True, kw_only=True)
class Course:
    """How one session goes: the status that it is booked with, how its deposit is paid, and what happens then."""

    status: str = "confirmed"
    paid: Money | None = None
    turn: Turn | None = None
    refund: str | None = None
    online: bool = False


@dataclass(frozen=True, kw_only=True)
class SessionType:
    """As `POST /v1/services` takes it, but for the calendars, which go by name; `weight` says how often it is booked."""

    body: dict[str, Any]
    weight: int
    calendars: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.body["duration_minutes"])

    @property
    def before(self) -> timedelta:
        return timedelta(minutes=self.body["buffer_before_minutes"])

    @property
    def after(self) -> timedelta:
        return timedelta(minutes=self.body["buffer_after_minutes"])


@dataclass(frozen=True, kw_only=True)
class Calendar:
    name: str
    color: str
    hours: dict[str, tuple[tuple[str, str], ...]]

    @property
    def body(self) -> dict[str, Any]:
        """As `POST /v1/calendars` takes it."""
        hours = [{"weekday": day, "start": s, "end": e} for day, spans in self.hours.items() for s, e in spans]
        return {"name": self.name, "color": self.color, "working_hours": hours}


@dataclass(frozen=True, kw_only=True)
class Blocked:
    """Blocked time in one calendar; `rrule` makes it recur."""

    title: str
    calendar: str
    starts_at: datetime
    ends_at: datetime
    all_day: bool = False
    rrule: str | None = None
    notes: str | None = None


@dataclass(frozen=True, kw_only=True)
class Booking:
    """One session; which of the two courses it takes depends on whether it is over when it is booked."""

    client: int
    kind: str
    calendar: str
    starts_at: datetime
    ends_at: datetime
    moves_to: datetime
    past: Course
    ahead: Course
    notes: str | None
    session_notes: str | None


@dataclass(frozen=True, kw_only=True)
class Weekly:
    """A series of sessions."""

    client: int
    kind: str
    calendar: str
    starts_at: datetime
    rrule: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class Diary:
    blocked: Sequence[Blocked]
    weekly: Weekly
    bookings: Sequence[Booking]


_MORNINGS = (("09:00", "17:00"),)
CALENDARS = (
    Calendar(name=OWN, color="#2f6fed", hours=dict.fromkeys(_WEEKDAYS[:5], _MORNINGS)),
    Calendar(
        name="Jonas Wendt",
        color="#0f9d76",
        hours={
            **dict.fromkeys(_WEEKDAYS[1:5], (("10:00", "13:00"), ("14:00", "18:30"))),
            "sat": (("09:00", "13:00"),),
        },
    ),
    Calendar(
        name="Mira Talvik",
        color="#b4451f",
        hours={"mon": (("13:00", "20:30"),), "wed": (("13:00", "20:30"),), "thu": (("08:00", "14:00"),)},
    ),
)
COACHING = "Coaching session"
TYPES = (
    SessionType(
        weight=14,
        body={
            "name": "First conversation",
            "description": "Half an hour to find out whether we get along. Costs nothing.",
            "duration_minutes": 30,
            "buffer_before_minutes": 0,
            "buffer_after_minutes": 10,
            "price": {"amount": 0, "currency": "EUR"},
            "deposit": None,
            "color": "#7a8b99",
            "online": True,
        },
    ),
    SessionType(
        weight=42,
        body={
            "name": COACHING,
            "description": "One hour, in person or by video.",
            "duration_minutes": 60,
            "buffer_before_minutes": 0,
            "buffer_after_minutes": 15,
            "price": {"amount": 9500, "currency": "EUR"},
            "deposit": None,
            "color": "#2f6fed",
            "online": True,
        },
    ),
    SessionType(
        weight=16,
        calendars=(OWN, "Mira Talvik"),
        body={
            "name": "Couples coaching",
            "description": "An hour and a half for two. A deposit keeps the place.",
            "duration_minutes": 90,
            "buffer_before_minutes": 10,
            "buffer_after_minutes": 15,
            "price": {"amount": 16000, "currency": "EUR"},
            "deposit": {"type": "fixed", "amount": 4000},
            "color": "#a23bb0",
            "online": True,
        },
    ),
    SessionType(
        weight=10,
        calendars=(OWN, "Jonas Wendt"),
        body={
            "name": "Career intensive",
            "description": "Two hours on one question, with homework.",
            "duration_minutes": 120,
            "buffer_before_minutes": 15,
            "buffer_after_minutes": 15,
            "price": {"amount": 24000, "currency": "EUR"},
            "deposit": {"type": "percent", "percent": 25},
            "color": "#d9822b",
            "online": True,
        },
    ),
    SessionType(
        weight=18,
        body={
            "name": "Check-in call",
            "description": "Twenty-five minutes by telephone between two sessions.",
            "duration_minutes": 25,
            "buffer_before_minutes": 0,
            "buffer_after_minutes": 5,
            "price": {"amount": 3500, "currency": "EUR"},
            "deposit": None,
            "color": "#0f9d76",
            "online": True,
            "auto_assign": True,
        },
    ),
)
_BY_NAME = {kind.name: kind for kind in TYPES}

_DONE, _ABSENT = Course(status="completed"), Course(status="no_show")
_CALLED_OFF = Course(turn=Turn.CANCELLED)
_PAST = (_DONE, _DONE, _CALLED_OFF, _DONE, _ABSENT, _DONE, _DONE, _DONE, _CALLED_OFF, _DONE, _DONE, _DONE, _DONE)
_PAST_PAID = (
    Course(status="completed", paid=Money.CASH),
    Course(status="completed", paid=Money.CARD),
    Course(paid=Money.CASH, turn=Turn.CANCELLED, refund="skip"),
    Course(status="completed", paid=Money.CASH),
    Course(status="completed", paid=Money.CASH),
    Course(status="no_show", paid=Money.CASH),
    Course(status="completed", paid=Money.CASH),
    Course(paid=Money.CARD, turn=Turn.CANCELLED, refund="skip"),
    Course(status="completed", paid=Money.CASH),
)
_STANDING = Course()
_AHEAD = (
    Course(status="pending"),
    _STANDING,
    Course(turn=Turn.MOVED),
    _CALLED_OFF,
    Course(turn=Turn.RESTORED),
    Course(online=True),
    *[_STANDING] * 6,
    Course(status="pending"),
    *[_STANDING] * 5,
)
_AHEAD_PAID = (
    Course(paid=Money.CARD),
    Course(paid=Money.CARD, turn=Turn.CANCELLED, refund="refund"),
    _STANDING,
    Course(paid=Money.CARD, turn=Turn.CANCELLED, refund="skip"),
    Course(paid=Money.CASH),
    _STANDING,
    Course(paid=Money.CARD, turn=Turn.MOVED),
    Course(paid=Money.CARD, turn=Turn.CANCELLED, refund="refund"),
    Course(paid=Money.CARD, turn=Turn.RESTORED, refund="skip"),
    Course(paid=Money.CASH),
    Course(paid=Money.CARD, turn=Turn.RESTORED, refund="refund"),
    _STANDING,
    Course(turn=Turn.CANCELLED),
    Course(paid=Money.CARD, online=True),
)
_TOLD = (
    "Please bring the questionnaire.",
    "By video; the link comes the day before.",
    "Ring at the side door.",
    "Bitte Unterlagen vom letzten Mal mitbringen.",
    "The second half is for the offer from Lübeck.",
)
_PRIVATE = (
    "Slept better. Wants to try the conversation with her manager before we meet again.",
    "Avoids the topic of the brother; do not push.",
    "Agreed: two applications until next time.",
    "Hat viel gelacht. Ziel eins ist erreicht, neues Ziel suchen.",
    "Came ten minutes late, out of breath, left calm.",
    "Homework not done, third time. Ask what is behind it.",
)
MESSAGES = (
    "Looking forward to it. Is there a place for a bicycle?",
    "It is about the new position, I would rather not wait until January.",
    "Kann ich auch auf Deutsch sprechen?",
    "A friend told me about you.",
)
REASONS = ("Ill", "Has to travel for work", "Child care fell through", "Found another time", "Changed plans")
HOLIDAY = "Practice closed: company outing"
_HOLIDAY_DAYS = 11
_PUBLIC_HOLIDAYS = {(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)}


def anchor_of(day: date) -> date:
    """The Monday from which a diary that is made on `day` is counted."""
    return day - timedelta(days=day.weekday())


def anchor_by(holiday: date) -> date:
    """The Monday from which a diary with its holiday on that day was counted."""
    return holiday - timedelta(days=_HOLIDAY_DAYS)


def diary(anchor: date, *, clients: int, weeks: int, zone: ZoneInfo, rng: random.Random) -> Diary:
    """The week of `anchor`, a Monday, and so many before and after it, for clients numbered from 0; the same for the same arguments."""
    wall = _Wall(zone)
    blocked = list(_blocked(anchor, weeks, wall))
    weekly = Weekly(
        client=0,
        kind=COACHING,
        calendar="Mira Talvik",
        starts_at=wall.at(anchor + timedelta(days=9), "13:00"),
        rrule=f"FREQ=WEEKLY;COUNT={max(weeks, 3)}",
        notes="Every Wednesday at one.",
    )
    return Diary(
        blocked=blocked, weekly=weekly, bookings=list(_bookings(anchor, clients, weeks, wall, _taken(wall), rng))
    )


@dataclass(frozen=True)
class _Wall:
    zone: ZoneInfo

    def at(self, day: date, clock: str) -> datetime:
        return datetime.combine(day, time.fromisoformat(clock), self.zone)


def _blocked(anchor: date, weeks: int, wall: _Wall) -> Iterator[Blocked]:
    # The holidays come first: by them a later run finds out what this one has counted from.
    for calendar in CALENDARS:
        day = anchor + timedelta(days=_HOLIDAY_DAYS)
        yield Blocked(
            title=HOLIDAY,
            calendar=calendar.name,
            starts_at=wall.at(day, "00:00"),
            ends_at=wall.at(day + timedelta(days=1), "00:00"),
            all_day=True,
        )
    first = anchor - timedelta(weeks=weeks)
    in_all = 2 * weeks + 1

    def once(title: str, calendar: str, days: int, start: str, end: str, **more: Any) -> Blocked:
        day = anchor + timedelta(days=days)
        return Blocked(title=title, calendar=calendar, starts_at=wall.at(day, start), ends_at=wall.at(day, end), **more)

    yield Blocked(
        title="Lunch",
        calendar=OWN,
        starts_at=wall.at(first, _LUNCH[0]),
        ends_at=wall.at(first, _LUNCH[1]),
        rrule=f"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT={5 * in_all}",
    )
    yield Blocked(
        title="Team meeting",
        calendar="Jonas Wendt",
        starts_at=wall.at(first + timedelta(days=1), _MEETING[0]),
        ends_at=wall.at(first + timedelta(days=1), _MEETING[1]),
        rrule=f"FREQ=WEEKLY;COUNT={in_all}",
    )
    # Outside of what is booked here, so that nothing stands in the way of either.
    yield once("School concert", OWN, 3, "17:30", "19:00", notes="Aula, bring the camera")
    yield once("Dentist", "Jonas Wendt", 4, "08:15", "09:45")
    yield once("Supervision group", "Mira Talvik", 1, "10:00", "13:00")
    yield once("Tax adviser", OWN, -6, "07:45", "08:45", notes="Take the statement of last quarter along")
    yield once("Night train to Vienna", "Mira Talvik", 17, "14:30", "23:00")


_LUNCH = ("12:30", "13:15")
_MEETING = ("10:00", "10:45")


def _taken(wall: _Wall) -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
    """What recurs: by calendar and weekday, from when to when."""
    return {
        **{(OWN, day): (_LUNCH,) for day in _WEEKDAYS[:5]},
        ("Jonas Wendt", "tue"): (_MEETING,),
        ("Mira Talvik", "wed"): (("13:00", "14:15"),),
    }


def _bookings(
    anchor: date,
    clients: int,
    weeks: int,
    wall: _Wall,
    taken: dict[tuple[str, str], tuple[tuple[str, str], ...]],
    rng: random.Random,
) -> Iterator[Booking]:
    decks = {name: cycle(cards) for name, cards in (("past", _PAST), ("past paid", _PAST_PAID), ("ahead", _AHEAD), ("ahead paid", _AHEAD_PAID))}  # fmt: skip
    for offset in range(-7 * weeks, 7 * (weeks + 1)):
        day = anchor + timedelta(days=offset)
        if offset == _HOLIDAY_DAYS or (day.month, day.day) in _PUBLIC_HOLIDAYS:
            continue
        weekday = _WEEKDAYS[day.weekday()]
        for calendar in CALENDARS:
            for start, end in _free(calendar.hours.get(weekday, ()), taken.get((calendar.name, weekday), ())):
                now, until = wall.at(day, start), wall.at(day, end)
                while True:
                    while now < until and (rng.random() < _GAP_PROBABILITY or rng.random() > clients / _FULL):
                        now += timedelta(minutes=rng.choice((30, 45, 60, 90)))
                    kind = _drawn(calendar, rng)
                    starts_at = _on_grid(now + kind.before)
                    if starts_at + kind.length + kind.after > until:
                        break
                    paid = " paid" if kind.body["deposit"] else ""
                    past, ahead = next(decks[f"past{paid}"]), next(decks[f"ahead{paid}"])
                    # Room for both places of one that moves, so that its first stays free as well.
                    moves_to = _on_grid(starts_at + kind.length + kind.after + kind.before)
                    moves = ahead.turn is Turn.MOVED and moves_to + kind.length + kind.after <= until
                    if ahead.turn is Turn.MOVED and not moves:
                        ahead = Course(paid=ahead.paid)
                    now = (moves_to if moves else starts_at) + kind.length + kind.after
                    yield Booking(
                        client=_drawn_client(clients, rng),
                        kind=kind.name,
                        calendar=calendar.name,
                        starts_at=starts_at,
                        ends_at=starts_at + kind.length,
                        moves_to=moves_to if moves else starts_at,
                        past=past,
                        ahead=ahead,
                        notes=rng.choice(_TOLD) if rng.random() < 0.2 else None,
                        session_notes=rng.choice(_PRIVATE) if rng.random() < 0.35 else None,
                    )


def _free(hours: Sequence[tuple[str, str]], taken: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The hours without what is taken in them; both in order."""
    for start, end in hours:
        begin = start
        for taken_from, taken_to in taken:
            if begin < taken_to and taken_from < end:
                if begin < taken_from:
                    yield begin, taken_from
                begin = taken_to
        if begin < end:
            yield begin, end


def _drawn(calendar: Calendar, rng: random.Random) -> SessionType:
    offered = [kind for kind in TYPES if not kind.calendars or calendar.name in kind.calendars]
    return rng.choices(offered, [kind.weight for kind in offered])[0]


def _drawn_client(clients: int, rng: random.Random) -> int:
    """Some come often, most now and then."""
    return min(int(clients * rng.random() ** 1.6), clients - 1)


def _on_grid(moment: datetime) -> datetime:
    """The first quarter of an hour that is not before `moment`."""
    past = timedelta(minutes=moment.minute % 15, seconds=moment.second)
    return moment if not past else moment + _GRID - past
