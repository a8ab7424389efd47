"""What is free on a calendar: the starts at which a session fits, found by subtracting sorted spans of integers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge as interleave
from itertools import islice

from scheduling.domain.spans import Span, merged, without
from scheduling.domain.wall import Stretch


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a session needs: its `duration` and the buffers around it, in microseconds."""

    duration: int
    before: int
    after: int


@dataclass(frozen=True, kw_only=True)
class Busy:
    """What is claimed on a calendar, in any order: `core` times, and `padded` ones with the buffers around them (events have these alone)."""

    core: Sequence[Span]
    padded: Sequence[Span]


def free_starts(open_spans: Sequence[Span], busy: Busy, shape: Shape) -> list[Span]:
    """The starts at which a session of `shape` fits into `open_spans` (merged), as merged half-open spans of starts.

    Its core must lie within open time and outside every padded time; its padded time outside every core. So of two
    neighbours' buffers the larger counts, and buffers run out of the open time freely.
    """
    fits = [(start, end - shape.duration + 1) for start, end in open_spans if end - start >= shape.duration]
    # A start t is taken when t < end and t + reach > start, which is start - reach < t: one more makes it half-open.
    taken = [(start - shape.duration + 1, end) for start, end in busy.padded]
    taken += [(start - shape.duration - shape.after + 1, end + shape.before) for start, end in busy.core]
    return without(fits, merged(taken))


def grid(starts: Sequence[Span], stretches: Iterable[Stretch], step: int) -> Iterator[int]:
    """The free starts at which the wall clock shows a multiple of `step` since its midnight, whatever it did in between.

    So nothing lies in a gap, and what the clocks show twice may be had twice. Both are ascending.
    """
    index = 0
    for begin, end, midnight in stretches:
        while index < len(starts) and starts[index][1] <= begin:
            index += 1
        cursor = index
        while cursor < len(starts) and starts[cursor][0] < end:
            low, high = max(starts[cursor][0], begin), min(starts[cursor][1], end)
            yield from range(low + (midnight - low) % step, high, step)
            cursor += 1


def nearest(candidates: Sequence[int], wanted: int, count: int) -> list[int]:
    """The `count` of the sorted `candidates` that lie nearest to `wanted`, in order of time."""
    later = (start for start in candidates if start >= wanted)
    earlier = (start for start in reversed(candidates) if start < wanted)
    return sorted(islice(interleave(later, earlier, key=lambda start: abs(start - wanted)), count))
