"""Searching calendars for free slots: the one way, for the provider, for clients and for what to take instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from scheduling.domain.slots import Shape, free_starts, grid
from scheduling.domain.spans import MINUTE, Span, clipped, micros, moment
from scheduling.domain.wall import local_date, stretches
from scheduling.operations.context import Scheduling
from scheduling.store import claims
from scheduling.store.models import Account, Calendar, SessionType

# A start and the id of the calendar that has it free.
Slot = tuple[int, str]


def shape_of(session_type: SessionType, duration_minutes: int | None = None) -> Shape:
    """What a session of the type needs, with its own duration unless another is given."""
    return Shape(
        duration=(duration_minutes or session_type.duration_minutes) * MINUTE,
        before=session_type.buffer_before_minutes * MINUTE,
        after=session_type.buffer_after_minutes * MINUTE,
    )


def free_slots(
    context: Scheduling,
    account: Account,
    calendars: Sequence[Calendar],
    shape: Shape,
    window: Span,
    *,
    besides: str | None = None,
) -> list[Slot]:
    """The starts on the account's grid within `window` (half-open) at which a session of `shape` is free, by time, then calendar.

    One query, whatever the window and the number of calendars. The claims of `besides` are in nobody's way.
    """
    if window[0] >= window[1]:
        return []
    reach = (window[0] - shape.before, window[1] + shape.duration + shape.after)
    taken = claims.busy(
        context.store, [calendar.id for calendar in calendars], reach, context.clock.now(), besides=besides
    )
    first, last = _days(account, (window[0], window[1] + shape.duration))
    marks = stretches(first, last, account.zone)
    step = account.rules.slot_interval_minutes * MINUTE
    found: list[Slot] = []
    for calendar in calendars:
        hours = calendar.hours.spans(first, last, account.zone)
        starts = clipped(free_starts(hours, taken[calendar.id], shape), window)
        found += [(start, calendar.id) for start in grid(starts, marks, step)]
    found.sort()
    return found


def bookable(
    context: Scheduling, account: Account, session_type: SessionType, calendars: Sequence[Calendar], window: Span
) -> list[Slot]:
    """The slots within `window` that a client may book: the account's notice and advance bind them."""
    return free_slots(context, account, calendars, shape_of(session_type), bounds_for_clients(context, account, window))


def bounds_for_clients(context: Scheduling, account: Account, window: Span) -> Span:
    """What of `window` clients may book just now: the latest start is one of them."""
    now, rules = context.clock.now(), account.rules
    return max(window[0], micros(rules.earliest(now))), min(window[1], micros(rules.latest(now)) + 1)


def open_spans(account: Account, calendar: Calendar, span: Span) -> list[Span]:
    """When the calendar is open on the local days that `span` touches."""
    return calendar.hours.spans(*_days(account, span), account.zone)


def _days(account: Account, span: Span) -> tuple[date, date]:
    return local_date(moment(span[0]), account.zone), local_date(moment(span[1]), account.zone)
