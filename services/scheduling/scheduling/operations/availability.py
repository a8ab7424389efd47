"""What a client could book, as the provider asks it: the free slots, and why a start is not among them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from chassis.problems import Invalid
from scheduling.domain.explanation import Asked, Rule, Taken, Verdict, explain
from scheduling.domain.spans import DAY, Span, micros
from scheduling.operations.context import Scheduling, reading
from scheduling.operations.finding import calendars_for, offered_type, the_account
from scheduling.operations.free_slots import Slot, bookable, shape_of
from scheduling.store import claims
from scheduling.store.claims import Claimed


@reading
def available(
    context: Scheduling,
    account_id: str,
    service_id: str,
    calendar_id: str | None,
    since: datetime,
    until: datetime,
) -> tuple[list[Slot], int]:
    """The slots of the type that start from `since` to `until` (half-open), on every calendar that offers it or the one named; and
    how long each is, in microseconds. Four queries, whatever the span and the number of calendars.

    Raises:
        Invalid: there is no such type or calendar, or the one does not offer the other.
    """
    account = the_account(account_id)
    session_type = offered_type(account, service_id)
    calendars = calendars_for(account, session_type, calendar_id)
    slots = bookable(context, account, session_type, calendars, (micros(since), micros(until)))
    return slots, shape_of(session_type).duration


@reading
def explained(
    context: Scheduling,
    account_id: str,
    service_id: str,
    calendar_id: str | None,
    at: datetime,
    shown_in: ZoneInfo | None,
) -> dict[str, Any]:
    """Whether a client could book the type at `at`, rule by rule; of several calendars for the one that comes closest.

    Raises as `available`.
    """
    account = the_account(account_id)
    session_type = offered_type(account, service_id)
    calendars = calendars_for(account, session_type, calendar_id)
    if not calendars:
        raise Invalid.field("/service_id", "No calendar offers this session type any more.")
    now = context.clock.now()
    asked = Asked(start=micros(at), shape=shape_of(session_type), shown_in=shown_in or account.zone)
    # No buffer is a day long: whoever reaches in by one shows the time in its middle, too.
    around = (asked.padded[0] - DAY, asked.padded[1] + DAY)
    claimed = claims.within(context.store, [calendar.id for calendar in calendars], around, now)
    verdicts = {
        calendar.id: explain(
            asked,
            hours=calendar.hours,
            zone=account.zone,
            taken=_taken(row for row in claimed if row.calendar_id == calendar.id),
            rules=account.rules,
            now=now,
        )
        for calendar in calendars
    }
    closest = min(verdicts, key=lambda id: _failed(verdicts[id]))
    return {
        "available": not _failed(verdicts[closest]),
        "calendar_id": closest,
        "rules": [{"rule": v.rule.value, "passed": v.passed, "reason": v.reason} for v in verdicts[closest]],
    }


def _failed(verdicts: list[Verdict]) -> int:
    return sum(not verdict.passed for verdict in verdicts)


def _taken(claimed: Iterable[Claimed]) -> list[Taken]:
    """The claims of each owner put together."""
    owners: dict[tuple[str, str], dict[str, Span]] = {}
    for row in claimed:
        owners.setdefault((row.owner_type, row.owner_id), {})[row.kind] = (row.start, row.end)
    return [
        Taken(rule=Rule(owner_type), core=spans.get("core"), padded=spans["padded"])
        for (owner_type, _), spans in owners.items()
    ]
