"""Lets time pass in jumps, from one moment at which something falls due to the next, so that it happens at its time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

log = logging.getLogger(__name__)

# What comes due again and again so soon after the last time is trying something that does not work. After so many times it waits
# a little longer each time, so that the stops on any way are bounded; what is planned is stopped at to the second.
_SOON, _TIMES = timedelta(minutes=11), 60
_FIRST_GAP, _GAP_GROWTH, _GROWS = timedelta(minutes=1), 1.25, 50  # times: up to seven weeks
_PATIENCE_SECONDS = 30.0


class Interrupted(Exception):
    """The suite ends while time was passing; the clock stays where it came to."""


@dataclass(kw_only=True)
class Source:
    """Something that knows when it will next have work."""

    next_due: Callable[[], datetime | None]
    _due: datetime | None = None
    _last: datetime | None = None
    _in_a_row: int = 0

    def next_stop(self, now: datetime) -> datetime | None:
        """The next moment to stop at: now, where something has just come due; never for what stays due, as it waits for something else than time."""
        before, self._due = self._due, self.next_due()
        if before is not None and before <= now and self._due != before:
            # What was due has been tried by now, at this stop of its own or at another's.
            again = self._due is not None and self._due - now <= _SOON
            self._in_a_row = self._in_a_row + 1 if again else 0
            self._last = now
        if self._due is None or (self._due <= now and self._due == before):
            return None
        beyond = self._in_a_row - _TIMES
        if beyond < 0 or self._last is None:
            return max(self._due, now)
        return max(self._due, self._last + _FIRST_GAP * _GAP_GROWTH ** min(beyond, _GROWS))


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
        # Every source is asked at every stop, as it counts by what it sees.
        first = min([stop for source in sources if (stop := source.next_stop(now))], default=end)
        return first if first < end else None

    def _arrive(self, moment: datetime, patience: float) -> float:
        if self.interrupted():
            raise Interrupted
        self.move_to(moment)
        return self._settle(patience)

    def _settle(self, patience: float) -> float:
        """Settle; what is left of the patience for this way: a stop that did not come to rest has used it up."""
        began = time.monotonic()
        if self.settle(patience):
            return patience
        return max(patience - (time.monotonic() - began), 0.5)
