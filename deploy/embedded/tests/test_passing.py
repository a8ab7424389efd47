"""The way through time: every planned moment to the second, and a bounded number of stops whatever tries again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from embedded.passing import Interrupted, Source, Way

_START = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass
class World:
    """A clock that only we move, and what was done when."""

    time: datetime = _START
    planned: list[datetime] = field(default_factory=list)
    retry_every: timedelta | None = None
    retry_at: datetime = _START
    done: list[datetime] = field(default_factory=list)
    retries: list[datetime] = field(default_factory=list)
    restless: bool = False
    patience: float = 0.0

    def move_to(self, moment: datetime) -> None:
        assert moment >= self.time
        self.time = moment

    def settle(self, seconds: float) -> bool:
        self.patience += seconds
        while self.planned and min(self.planned) <= self.time:
            self.planned.remove(min(self.planned))
            self.done.append(self.time)
        if self.retry_every and self.retry_at <= self.time:
            self.retries.append(self.time)
            self.retry_at = self.time + self.retry_every
        return not self.restless

    def go(self, span: timedelta, interrupted: Callable[[], bool] = lambda: False) -> None:
        way = Way(now=lambda: self.time, move_to=self.move_to, settle=self.settle, interrupted=interrupted)
        sources = [
            Source(next_due=lambda: min(self.planned, default=None)),
            Source(next_due=lambda: self.retry_at if self.retry_every else None),
        ]
        assert way.go(span.total_seconds(), sources) == self.time


def test_every_planned_moment_is_stopped_at() -> None:
    planned = [_START + timedelta(hours=7 * number, seconds=number) for number in range(1, 1200)]
    world = World(planned=list(planned))
    world.go(timedelta(days=400))
    assert world.done == planned
    assert world.time == _START + timedelta(days=400)


def test_what_lies_beyond_is_left_for_later() -> None:
    later = _START + timedelta(days=2)
    world = World(planned=[later])
    world.go(timedelta(days=2) - timedelta(seconds=1))
    assert world.done == []
    world.go(timedelta(seconds=1))
    assert world.done == [later]


@pytest.mark.parametrize("pause", [timedelta(seconds=2), timedelta(minutes=1), timedelta(minutes=10)])
def test_what_tries_for_ever_is_bounded_and_makes_nothing_else_late(pause: timedelta) -> None:
    planned = [_START + timedelta(days=number, minutes=13) for number in range(1, 3650)]
    world = World(planned=list(planned), retry_every=pause)
    world.go(timedelta(days=3652))
    assert world.done == planned
    own_stops = set(world.retries) - set(planned)
    assert 60 <= len(own_stops) <= 150


def test_the_first_tries_come_when_they_want() -> None:
    world = World(retry_every=timedelta(minutes=5))
    world.go(timedelta(hours=5))
    assert world.retries == [_START + timedelta(minutes=5 * number) for number in range(61)]


def test_what_stays_due_is_passed_over() -> None:
    world = World()
    stuck = Source(next_due=lambda: _START - timedelta(days=1))
    way = Way(now=lambda: world.time, move_to=world.move_to, settle=world.settle, interrupted=lambda: False)
    way.go(3600, [stuck])
    assert world.time == _START + timedelta(hours=1)


def test_what_comes_due_while_the_suite_settles_is_done_before_time_passes() -> None:
    world = World()
    due, tried = [_START + timedelta(seconds=1)], list[datetime]()

    def settle(_: float) -> bool:
        if due and due[0] <= world.time:
            tried.append(world.time)
            due[0] += timedelta(seconds=len(tried))  # tried again a little later each time, as after an error
            if len(tried) == 4:
                due.clear()
        world.time += timedelta(seconds=5)  # which is the real time that it took
        return True

    way = Way(now=lambda: world.time, move_to=world.move_to, settle=settle, interrupted=lambda: len(tried) == 4)
    with pytest.raises(Interrupted):
        way.go(86400, [Source(next_due=lambda: min(due, default=None))])
    assert world.time - _START < timedelta(minutes=1)


def test_unrest_uses_patience_up_once_not_at_every_stop() -> None:
    world = World(planned=[_START + timedelta(hours=number) for number in range(1, 11)], restless=True)
    ticks = iter(range(0, 10_000, 20))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("embedded.passing.time.monotonic", lambda: float(next(ticks)))
        world.go(timedelta(days=1))
    assert len(world.done) == 10
    assert world.patience < 60


def test_an_end_interrupts_the_way() -> None:
    world = World(planned=[_START + timedelta(hours=number) for number in range(1, 11)])
    with pytest.raises(Interrupted):
        world.go(timedelta(days=1), interrupted=lambda: len(world.done) >= 3)
    assert world.time == _START + timedelta(hours=3)
