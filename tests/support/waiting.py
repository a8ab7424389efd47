"""Tests wait for a condition with a deadline, so that they are as fast as the system and never flaky by a guess."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 120.0
"""Seconds that a test gives what takes a second or two, as the machine may have much else to do."""


class DeadlinePassed(AssertionError):
    """The condition did not come true in time; says what was waited for and what was seen last."""


def wait_until(
    predicate: Callable[[], T],
    *,
    deadline: float = PATIENCE,
    what: str = "",
    interval: float = 0.02,
    ignoring: tuple[type[Exception], ...] = (),
) -> T:
    """Asks `predicate` until it answers something true, and returns that.

    `deadline` is in seconds from now. Exceptions in `ignoring` count as "not yet"; the last one is named when time is up.
    """
    ends = time.monotonic() + deadline
    seen: object = None
    while True:
        try:
            answer = predicate()
        except ignoring as error:
            seen = error
        else:
            if answer:
                return answer
            seen = answer
        if time.monotonic() > ends:
            raise DeadlinePassed(f"not within {deadline:g} s: {what or predicate}; seen last: {seen!r}")
        time.sleep(interval)
