"""Time as whole microseconds since 1970, so that what is free is found by comparing integers, not by stepping datetimes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

# A half-open stretch of time: from the first microsecond to the one after the last.
Span = tuple[int, int]

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """An aware moment as microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """Microseconds since 1970 as an aware UTC moment."""
    return _EPOCH + timedelta(microseconds=value)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time as sorted spans that neither overlap nor touch; empty ones vanish."""
    result: list[Span] = []
    begin = until = -(2**63)
    for start, end in sorted(spans):
        if start > until:
            if begin < until:
                result.append((begin, until))
            begin, until = start, end
        elif end > until:
            until = end
    if begin < until:
        result.append((begin, until))
    return result


def without(spans: Sequence[Span], holes: Sequence[Span]) -> list[Span]:
    """What is left of `spans` when `holes` are taken out; both merged, and so is the result. One pass over both."""
    result: list[Span] = []
    index = 0
    for start, end in spans:
        while index < len(holes) and holes[index][1] <= start:
            index += 1
        at, cursor = start, index
        while cursor < len(holes) and holes[cursor][0] < end:
            if at < holes[cursor][0]:
                result.append((at, holes[cursor][0]))
            at = max(at, holes[cursor][1])
            cursor += 1
        if at < end:
            result.append((at, end))
    return result


def clipped(spans: Iterable[Span], window: Span) -> list[Span]:
    """What of `spans` lies within `window`."""
    cut = ((max(start, window[0]), min(end, window[1])) for start, end in spans)
    return [(start, end) for start, end in cut if start < end]


def covers(spans: Sequence[Span], span: Span) -> bool:
    """Whether one of the merged `spans` holds the whole of `span`."""
    index = bisect_right(spans, (span[0], 2**63)) - 1
    return index >= 0 and spans[index][0] <= span[0] and span[1] <= spans[index][1]
