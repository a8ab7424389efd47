"""What is free is found by subtraction; here it is compared with asking every candidate by itself."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.slots import Busy, Shape, free_starts, grid, nearest
from scheduling.domain.spans import Span, clipped, covers, merged, without
from scheduling.domain.wall import Stretch

times = st.integers(0, 60)
spans = st.lists(st.tuples(times, times).map(lambda pair: (min(pair), max(pair))), max_size=8)
buffers = st.integers(0, 5)


def _points(some: list[Span]) -> set[int]:
    return {point for start, end in some for point in range(start, end)}


@given(spans)
def test_merging_keeps_the_same_time_in_fewer_sorted_spans(some: list[Span]) -> None:
    result = merged(some)
    assert _points(result) == _points(some)
    assert all(one[1] < other[0] for one, other in pairwise(result))


@given(spans, spans)
def test_what_is_left_is_the_time_without_the_holes(some: list[Span], holes: list[Span]) -> None:
    result = without(merged(some), merged(holes))
    assert _points(result) == _points(some) - _points(holes)
    assert result == merged(result)


@given(spans, times, times)
def test_clipped_is_what_lies_within_the_window(some: list[Span], start: int, end: int) -> None:
    result = clipped(merged(some), (start, end))
    assert _points(result) == _points(some) & set(range(start, end))
    assert result == merged(result)


@given(spans, times, times)
def test_covered_is_what_lies_within_one_span(some: list[Span], start: int, end: int) -> None:
    if start < end:
        assert covers(merged(some), (start, end)) == (set(range(start, end)) <= _points(some))


@given(
    spans,
    st.lists(st.tuples(times, st.integers(1, 8), buffers, buffers), max_size=5),
    st.builds(Shape, duration=st.integers(1, 10), before=buffers, after=buffers),
)
def test_a_start_is_free_exactly_when_nothing_is_met(
    open_spans: list[Span], others: list[tuple[int, int, int, int]], shape: Shape
) -> None:
    core = [(start, start + length) for start, length, _, _ in others]
    padded = [(start - before, start + length + after) for start, length, before, after in others]
    found = free_starts(merged(open_spans), Busy(core=core, padded=padded), shape)

    def fits(start: int) -> bool:
        own, around = (start, start + shape.duration), (start - shape.before, start + shape.duration + shape.after)
        meets = any(own[0] < end and begin < own[1] for begin, end in padded)
        meets = meets or any(around[0] < end and begin < around[1] for begin, end in core)
        return covers(merged(open_spans), own) and not meets

    assert _points(found) == {start for start in range(-20, 90) if fits(start)}


def test_of_two_neighbours_buffers_the_larger_counts() -> None:
    # Another session from 20 to 30 with 10 after it; this one has 5 before: it may begin at 40, not at 45 and not at 35.
    busy = Busy(core=[(20, 30)], padded=[(20, 40)])
    free = free_starts([(0, 100)], busy, Shape(duration=10, before=5, after=0))
    assert free == [(0, 11), (40, 91)]


def test_an_event_may_be_reached_by_buffers_alone() -> None:
    busy = Busy(core=[], padded=[(20, 30)])
    free = free_starts([(0, 60)], busy, Shape(duration=10, before=5, after=5))
    assert free == [(0, 11), (30, 51)]


@given(spans, st.integers(1, 7))
def test_the_grid_begins_anew_at_each_midnight(some: list[Span], step: int) -> None:
    midnights = [0, 24, 47, 61]
    found = list(grid(merged(some), [Stretch(*day, day[0]) for day in pairwise(midnights)], step))
    expected = [
        start
        for midnight, following in pairwise(midnights)
        for start in range(midnight, following, step)
        if start in _points(some)
    ]
    assert found == expected


def test_the_grid_goes_by_the_clock_after_it_was_put_forward_and_back() -> None:
    # From 10 on the clock is 3 ahead of before, from 20 on 1 behind: it shows 13 at 10 and 19 at 20.
    clock = [Stretch(0, 10, 0), Stretch(10, 20, -3), Stretch(20, 30, 1)]
    assert list(grid([(0, 30)], clock, 4)) == [0, 4, 8, 13, 17, 21, 25, 29]


@given(st.lists(times, unique=True).map(sorted), times, st.integers(1, 6))
def test_the_nearest_are_no_further_than_any_that_is_left_out(candidates: list[int], wanted: int, count: int) -> None:
    found = nearest(candidates, wanted, count)
    assert found == sorted(found)
    assert len(found) == min(count, len(candidates))
    left = [start for start in candidates if start not in found]
    if found and left:
        assert max(abs(start - wanted) for start in found) <= min(abs(start - wanted) for start in left)
