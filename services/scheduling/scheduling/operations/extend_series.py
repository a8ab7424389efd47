"""Extending series: occurrences that have come within twelve months are made, by whichever process looks first."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice, takewhile

from chassis.problems import Invalid
from chassis.store import moment as read_moment
from scheduling.domain.spans import moment
from scheduling.domain.wall import month_of
from scheduling.operations.context import SYSTEM, Scheduling, unit_of_work
from scheduling.operations.finding import the_account
from scheduling.operations.laying_out import (
    SESSION,
    claim_all,
    laid_since,
    made_from,
    make_all,
    maker_for,
    note_horizon,
)
from scheduling.operations.limits import room_this_month
from scheduling.operations.placement import Override
from scheduling.store.models import Account, Series

_PORTION = 50
# What cannot be booked just now (a type that is not active, a client who was deleted) may be tomorrow.
_PATIENCE = timedelta(days=1)
# There are twelve months in hand: time that passes in jumps need not stop at every occurrence.
_IN_HAND = timedelta(days=30)


@unit_of_work
def extend_one_due(context: Scheduling) -> int:
    """Lay out a portion of the occurrences of one series that are due; what is in the way of one makes it skipped, for good.

    Returns how many series that were (0 or 1). The clients are told nothing: their series was confirmed as a whole.
    """
    now = context.clock.now()
    rows = context.store.execute(
        f"SELECT id FROM series WHERE extend_at <= %s ORDER BY extend_at LIMIT 1 {context.store.skip_locked}", (now,)
    )
    if not rows:
        return 0
    series = Series.get_by_id(rows[0][0])
    account = the_account(series.account_id)
    if series.kind == SESSION and account.terms.sessions_a_month is not None:
        account = the_account(series.account_id, locked=True)
    _extend(context, account, series, now)
    series.save()
    return 1


def latest_moment(context: Scheduling) -> datetime | None:
    """When some series has to have been extended at the latest."""
    with context.store.reading():
        due = read_moment(context.store.execute("SELECT min(extend_at) FROM series WHERE extend_at IS NOT NULL")[0][0])
    return due and due + _IN_HAND


def _extend(context: Scheduling, account: Account, series: Series, now: datetime) -> None:
    try:
        maker = maker_for(context, account, series)
    except Invalid:
        series.extend_at = now + _PATIENCE
        return
    room = room_this_month(context, account) if series.kind == SESSION else None
    if room == 0:
        series.extend_at = moment(month_of(now, account.zone)[1])
        return
    due = takewhile(lambda laid: made_from(series, laid[0]) <= now, laid_since(series))
    laid = list(islice(due, _PORTION if room is None else min(room, _PORTION)))
    if not laid:
        note_horizon(series, series.made_until)
        return
    reason = series.template.get("outside_hours")
    override = Override(outside_hours=reason is not None, reason=reason)
    verdicts = claim_all(context, account, maker, laid, override)
    make_all(context, series, maker, verdicts, override, SYSTEM, announced=False)
    note_horizon(series, laid[-1][0])
    series.version += 1
    series.updated_at = now
