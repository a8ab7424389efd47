"""How many messages a second may go out: an even pace with room for a burst (the generic cell rate algorithm)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pace:
    """`per_second` on average; after a rest `burst` at once."""

    per_second: float
    burst: int = 1

    @property
    def interval(self) -> int:
        """Between two at this pace, in microseconds."""
        return max(1, round(1_000_000 / self.per_second))

    def slots(self, free_after: int, count: int) -> list[int]:
        """The moments at which `count` may go, where after them the next is free at `free_after`; all in microseconds."""
        return [free_after - left * self.interval for left in range(count, 0, -1)]
