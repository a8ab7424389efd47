"""Calls at a constant rate: each is due at its moment, whatever became of the one before, and its time counts from there."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

_AHEAD_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Call:
    """When a call was due, and when it was answered, by `time.perf_counter`. A caller that was late is part of the answer's time."""

    due: float
    answered: float

    @property
    def milliseconds(self) -> float:
        return (self.answered - self.due) * 1000


def at_rate(rate: float, count: int, call: Callable[[int], None], *, callers: int = 32) -> list[Call]:
    """`call(0)` … `call(count - 1)`, `rate` a second, by as many threads as `callers`; one that raises ends the run."""
    began = time.perf_counter() + _AHEAD_SECONDS

    def one(number: int) -> Call:
        due = began + number / rate
        time.sleep(max(due - time.perf_counter(), 0.0))
        call(number)
        return Call(due=due, answered=time.perf_counter())

    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(one, range(count)))
