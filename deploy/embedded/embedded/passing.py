"""Lets time pass in jumps, from one moment at which something falls due to the next, so that it happens at its time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

log = logging.getLogger(__name__)

# So many moments of one source are stopped at exactly. What is due still more often tries something again and again: from then on it waits
# a little longer each time, so that the stops on any way are bounded.
_EXACT = 1000
_FIRST_GAP, _GAP_GROWTH = timedelta(minutes=1), 1.25
_PATIENCE_SECONDS = 30.0


class Interrupted(Exception):
    """The suite ends while time was passing; the clock stays where it came to."""


@dataclass(kw_only=True)
class Source:
    """Something that knows when it will next have work; `exact` is how many of its moments are stopped at exactly, at most."""

    next_due: Callable[[], datetime | None]
    exact: int = _EXACT
    _stops: int = 0
    _not_before: datetime | None = None

    def next_stop(self, now: datetime) -> datetime | None:
        """The next moment ahead; what was due before and is still there waits for something else than time."""
        due = self.next_due()
        if due is None or due <= now:
            return None
        return due if self._not_before is None else max(due, self._not_before)

    def stopped(self, moment: datetime) -> None:
        self._stops += 1
        beyond = self._stops - self.exact
        if beyond >= 0:
            self._not_before = moment + _FIRST_GAP * _GAP_GROWTH**beyond


@dataclass(frozen=True, kw_only=True)
class Way:
    """How to get through time: `move_to` sets the clock, `settle` waits so many seconds at most until nothing is under way."""

    now: Callable[[], datetime]
    move_to: Callable[[datetime], None]
    settle: Callable[[float], bool]
    interrupted: Callable[[], bool]

    def go(self, seconds: float, sources: Iterable[Source]) -> datetime:
        """Let `seconds` pass; returns the time then.

        Raises:
            Interrupted: the suite is to end.
        """
        sources, end = list(sources), self.now() + timedelta(seconds=seconds)
        # What never comes to rest holds up the whole way for so long, not each stop.
        patience = self._settle(_PATIENCE_SECONDS)
        stops = 0
        while stop := self._next_stop(sources, end):
            patience = self._arrive(stop, patience)
            stops += 1
        self._arrive(end, patience)
        log.info("%.0f seconds have passed, with %d stops", seconds, stops)
        return self.now()

    def _next_stop(self, sources: list[Source], end: datetime) -> datetime | None:
        now = self.now()
        stops = [(stop, source) for source in sources if (stop := source.next_stop(now))]
        first = min((stop for stop, _ in stops), default=None)
        if first is None or first > end:
            return None
        for stop, source in stops:
            if stop == first:
                source.stopped(first)
        return first

    def _arrive(self, moment: datetime, patience: float) -> float:
        self.move_to(moment)
        return self._settle(patience)

    def _settle(self, patience: float) -> float:
        """Settle; what is left of the patience for this way: a stop that did not come to rest has used it up."""
        if self.interrupted():
            raise Interrupted
        began = time.monotonic()
        if self.settle(patience):
            return patience
        return max(patience - (time.monotonic() - began), 0.5)
