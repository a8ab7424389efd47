"""How long to wait before a message that a provider would not take just now is tried again."""

from __future__ import annotations

from datetime import timedelta

_FIRST, _LONGEST = timedelta(seconds=2), timedelta(minutes=10)


def pause(attempt: int, jitter: float) -> timedelta:
    """The pause after the `attempt`-th attempt (from 1): doubling to ten minutes; `jitter` (0 to 1) takes up to half of it off."""
    longest: timedelta = min(_FIRST * 2 ** min(attempt - 1, 20), _LONGEST)
    return longest * (1 - jitter / 2)
