"""`POST /v1/sessions` beside a bare Flask and peewee view that does two inserts and a commit: same server, same threads, same run."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median
from typing import Any

from benchmarks.agenda import CALENDARS, CLIENT, Agenda, Caller, at_noon, rate
from benchmarks.ground import Ground
from benchmarks.report import Row, Section, say

_ROUNDS, _BOOKINGS = 5, 1200
_TARGET = 0.4


def measure(ground: Ground) -> list[Section]:
    """Rounds are interleaved; the first of each is not counted."""
    agenda = Agenda(ground=ground)
    agenda.open_at_all_hours()
    bare = ground.processes.start(
        "benchmarks.bare", "api", environment={"STORE_URL": ground.postgres.database(), "PYTHONPATH": "."}
    )
    ours_callers = [agenda.caller() for _ in range(CALENDARS)]
    bare_callers = [Caller(bare.url) for _ in range(CALENDARS)]
    first, each = at_noon() + timedelta(days=1), ground.some(_BOOKINGS) // CALENDARS
    ours: list[float] = []
    others: list[float] = []
    for number in range((_ROUNDS if ground.share == 1 else 2) + 1):
        bodies = [_bodies(agenda, calendar, first, number * each, each) for calendar in agenda.calendars]
        ours.append(rate(ours_callers, bodies))
        others.append(rate(bare_callers, bodies))
        say(f"round {number}: ours {ours[-1]:.0f}, bare {others[-1]:.0f} a second")
    agenda.api.terminate()
    bare.terminate()
    return [_section(Row(what="", values=ours[1:], unit="/s"), Row(what="", values=others[1:], unit="/s"), each)]


def _bodies(agenda: Agenda, calendar: str, first: datetime, done: int, count: int) -> list[dict[str, Any]]:
    """Bookings of one calendar, one after the other with its buffer."""
    return [
        {
            "service_id": agenda.service,
            "client_id": CLIENT,
            "calendar_id": calendar,
            "starts_at": (first + n * timedelta(minutes=75)).isoformat(),
        }
        for n in range(done, done + count)
    ]


def _section(ours: Row, bare: Row, each: int) -> Section:
    # Of each round by itself: what else the machine does then slows both.
    share = median(mine / theirs for mine, theirs in zip(ours.values, bare.values, strict=True))
    return Section(
        title="Booking",
        how=(
            f"{CALENDARS} callers at once, each on a connection and a calendar of its own, {each} bookings a round. Ours: token, validation, the calendar's lock, the "
            "question who has the time, two claims, session, history, outbox, and the commit. Bare: two inserts and a commit by Flask and peewee. Either is one process of "
            "16 threads on PostgreSQL, and they take turns."
        ),
        rows=[
            Row(
                what="**POST /v1/sessions**",
                values=ours.values,
                unit="/s",
                beside=f"{share:.2f} × the bare view, the median of {len(ours.values)} rounds",
                target=f"≥ {_TARGET} × the bare view",
                met=share >= _TARGET,
            ),
            Row(what="a bare Flask and peewee view", values=bare.values, unit="/s"),
        ],
    )
