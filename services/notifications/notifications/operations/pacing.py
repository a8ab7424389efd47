"""Keeping to what providers take, and to what one account may take of it, over all dispatchers and workers together."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from notifications.domain.kinds import Channel
from notifications.domain.pacing import Pace
from notifications.operations.context import Notifications
from notifications.store import paces
from notifications.store.models import Delivery

_PORTION_SECONDS = 0.25
"""For how long a process takes its share of a provider's pace in advance: so the shared row is asked a few times a second."""
_PATIENCE_SECONDS = 5.0
_SLACK = timedelta(milliseconds=50)


def account_pace(context: Notifications) -> Pace | None:
    """What each account may send by each channel; two seconds' worth at once. None where that is not limited."""
    rate = context.settings.account_messages_per_second
    return Pace(per_second=rate, burst=max(1, round(2 * rate))) if rate else None


def pace_accounts(context: Notifications, due: Sequence[Delivery]) -> None:
    """Give each of these new deliveries the moment at which its account may send it; within the open unit of work."""
    pace = account_pace(context)
    if pace is None:
        return
    groups: dict[str, list[Delivery]] = {}
    for delivery in due:
        groups.setdefault(_account_row(delivery), []).append(delivery)
    for name in sorted(groups):  # in one order for everybody who locks them
        slots = paces.reserve(context.store, name, pace, context.real_clock.now(), len(groups[name]))
        for delivery, slot in zip(groups[name], slots, strict=True):
            delivery.slot_at = slot


def slot_of(context: Notifications, delivery: Delivery) -> datetime | None:
    """The moment (real time) at which its account may send this delivery: the one that it was given, or a new one; None for at once."""
    if delivery.slot_at is None:
        pace = account_pace(context)
        if pace is None:
            return None
        [delivery.slot_at] = paces.reserve(context.store, _account_row(delivery), pace, context.real_clock.now(), 1)
    slot: datetime = delivery.slot_at
    return slot if slot > context.real_clock.now() + _SLACK else None


def until(context: Notifications, slot: datetime) -> datetime:
    """A moment of real time as one of the suite's clock."""
    return context.now() + (slot - context.real_clock.now())


class ProviderPace:
    """One process's share of what a provider takes a second, in permits that nobody else has."""

    def __init__(self, context: Notifications, channel: Channel, rate: float) -> None:
        self._context = context
        self._name = f"provider:{channel}"
        self._pace = Pace(per_second=rate) if rate else None
        self._lock = threading.Lock()
        self._slots: deque[datetime] = deque()

    def take(self, wanted: int) -> int:
        """How many permits there are at hand, at most so many; where there are none, one is waited for.

        None is given where others wait so long already that it is better to come again.
        """
        if self._pace is None:
            return wanted
        if not self._lock.acquire(timeout=_PATIENCE_SECONDS):
            return 0
        try:
            if not self._slots:
                self._slots.extend(self._reserved(self._pace))
            ahead = (self._slots[0] - self._context.real_clock.now()).total_seconds()
            if ahead > _PATIENCE_SECONDS:
                return 0
            # Waited for under the lock: whoever comes next passes after this one.
            time.sleep(max(0.0, ahead))
            self._slots.popleft()
            given = 1
            while given < wanted and self._slots and self._slots[0] <= self._context.real_clock.now():
                self._slots.popleft()
                given += 1
            return given
        finally:
            self._lock.release()

    def give_back(self, unused: int) -> None:
        """Permits that were not used."""
        if self._pace is not None:
            self._slots.extendleft([self._context.real_clock.now()] * unused)

    def _reserved(self, pace: Pace) -> list[datetime]:
        context, count = self._context, max(1, round(pace.per_second * _PORTION_SECONDS))

        def reserve() -> list[datetime]:
            with context.store.transaction():
                return paces.reserve(context.store, self._name, pace, context.real_clock.now(), count)

        return context.store.run(reserve)


def later(context: Notifications) -> datetime:
    """When to come again to a provider that is busy with others, in the suite's time."""
    return context.now() + timedelta(seconds=random.uniform(1, 2) * _PATIENCE_SECONDS)


def _account_row(delivery: Delivery) -> str:
    return f"account:{delivery.account_id}:{delivery.channel}"
