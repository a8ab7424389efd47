"""Quiet hours: a span of the client's wall clock in which no text message is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class QuietHours:
    """From `start` to `end` (exclusive) on the wall clock, past midnight where `end` is not after `start`."""

    start: time
    end: time

    def cover(self, wall: time) -> bool:
        if self.start <= self.end:
            return self.start <= wall < self.end
        return wall >= self.start or wall < self.end

    def held_until(self, moment: datetime, timezone: str) -> datetime:
        """`moment` itself, or the end of the quiet hours that it falls into, in UTC.

        An end that daylight saving skips is moved on by the gap; of one that comes twice the next to come counts.
        """
        zone = ZoneInfo(timezone)
        local = moment.astimezone(zone)
        if not self.cover(local.time()):
            return moment
        day = local.date() if local.time() < self.end else local.date() + timedelta(days=1)
        ends = [datetime.combine(day, self.end, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
        return next((end for end in ends if end > moment), moment)
