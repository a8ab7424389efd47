"""What has been given away of a pace, in one row that all processes share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chassis.store import Store
from notifications.domain.pacing import Pace

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def reserve(store: Store, name: str, pace: Pace, now: datetime, count: int) -> list[datetime]:
    """The moments at which `count` more may go by the pace of that name, each given to nobody else; those before `now` may go at once."""
    span = count * pace.interval
    earliest = _micros(now) - (pace.burst - 1) * pace.interval
    [(free_after,)] = store.execute(
        """INSERT INTO paces (name, free_at) VALUES (%s, %s)
           ON CONFLICT (name) DO UPDATE SET
           free_at = CASE WHEN paces.free_at > %s THEN paces.free_at ELSE %s END + %s RETURNING free_at""",
        (name, earliest + span, earliest, earliest, span),
    )
    return [_EPOCH + timedelta(microseconds=slot) for slot in pace.slots(int(free_after), count)]


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
