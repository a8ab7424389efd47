"""The dashboard's figures: what was booked, what became of it and what it brings."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from peewee import fn

from contracts.plans import Feature, includes
from contracts.sessions import SessionStatus
from scheduling.domain.spans import moment
from scheduling.domain.wall import month_of
from scheduling.operations.context import Scheduling, reading
from scheduling.operations.finding import the_account
from scheduling.store.models import Account, Client, Session

_STANDING = {SessionStatus.PENDING, SessionStatus.CONFIRMED}
_ENDED = (SessionStatus.COMPLETED, SessionStatus.CANCELLED, SessionStatus.NO_SHOW)


@reading
def dashboard(context: Scheduling, account_id: str, since: datetime | None, until: datetime | None) -> dict[str, Any]:
    """The account's figures for sessions that start, and clients who came, from `since` to `until` (half-open); of its present month
    where neither is said.

    Sessions that stand are expected to bring their price, those that took place have earned it. Of prices in a currency
    that the account has left nothing is added up.
    """
    account = the_account(account_id)
    now = context.clock.now()
    if since is None and until is None:
        since, until = (moment(bound) for bound in month_of(now, account.zone))
    counts: Counter[str] = Counter()
    revenue: Counter[str] = Counter()
    for status, currency, number, amount in _by_status(account, since, until):
        counts[status] += number
        revenue[status] += int(amount or 0) if currency == account.currency else 0
    return {
        "sessions": {status.value: counts[status] for status in SessionStatus},
        "upcoming": _standing(account, max(since or now, now), until),
        "new_clients": _new_clients(account, since, until),
        "expected_revenue": _money(account, sum(revenue[status] for status in _STANDING)),
        "earned_revenue": _money(account, revenue[SessionStatus.COMPLETED]),
    } | ({"rates": _rates(counts)} if includes(account.plan, Feature.RATES) else {})


def _by_status(account: Account, since: datetime | None, until: datetime | None) -> Any:
    """Status, currency, how many and their prices together."""
    return (
        Session.select(
            Session.status, Session.price_currency, fn.count(Session.id), fn.sum(Session.price_amount).coerce(False)
        )
        .where(Session.account_id == account.id, *_within(Session.starts_at, since, until))
        .group_by(Session.status, Session.price_currency)
        .tuples()
    )


def _standing(account: Account, since: datetime, until: datetime | None) -> int:
    standing = Session.status.in_([status.value for status in _STANDING])
    starting = _within(Session.starts_at, since, until)
    found: int = Session.select().where(Session.account_id == account.id, *starting, standing).count()
    return found


def _new_clients(account: Account, since: datetime | None, until: datetime | None) -> int:
    """Those who came in this time and are there still."""
    came = _within(Client.created_at, since, until)
    gone = Client.deleted | Client.erased | Client.merged_into.is_null(False)
    found: int = Client.select().where(Client.account_id == account.id, *came, ~gone).count()
    return found


def _within(column: Any, since: datetime | None, until: datetime | None) -> list[Any]:
    bounds = [column.is_null(False)]
    bounds += [column >= since] if since else []
    bounds += [column < until] if until else []
    return bounds


def _rates(counts: Counter[str]) -> dict[str, float | None]:
    """The share of each way to end in all that ended; None where none has."""
    ended = sum(counts[status] for status in _ENDED)
    return {status.value: counts[status] / ended if ended else None for status in _ENDED}


def _money(account: Account, amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": account.currency}
