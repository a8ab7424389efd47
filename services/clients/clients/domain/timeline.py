"""A client's sessions by year: how many, what became of them, and the money of their deposits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from contracts.sessions import SessionStatus

_LIVE = {SessionStatus.PENDING, SessionStatus.CONFIRMED}


@dataclass(frozen=True, kw_only=True)
class Deposit:
    """What a session's deposit came to, in minor units of `currency`."""

    status: str
    amount: int
    held_amount: int
    refunded_amount: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class Session:
    id: str
    service_name: str
    starts_at: datetime
    ends_at: datetime
    status: SessionStatus
    deposit: Deposit | None


@dataclass(frozen=True, kw_only=True)
class DepositSum:
    """Deposits of one currency added up, in minor units."""

    currency: str
    held_amount: int
    refunded_amount: int


@dataclass(frozen=True, kw_only=True)
class Year:
    """A calendar year of the account's timezone; `counts` has every status, sessions are newest first."""

    year: int
    total: int
    counts: dict[str, int]
    no_shows: int
    deposits: list[DepositSum]
    sessions: list[Session]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """`next` is the live session that starts first from now on, `last` the one that took place last."""

    years: list[Year]
    total: int
    no_shows: int
    next: Session | None
    last: Session | None


def timeline(sessions: Iterable[Session], *, now: datetime, zone: ZoneInfo) -> Timeline:
    """`sessions` (of one client, in any order) by year, the latest first."""
    newest_first = sorted(sessions, key=lambda session: (session.starts_at, session.id), reverse=True)
    years = [
        _year(year, list(members))
        for year, members in groupby(newest_first, lambda s: s.starts_at.astimezone(zone).year)
    ]
    coming = [s for s in newest_first if is_to_come(s, now)]
    held = [
        s
        for s in newest_first
        if s.starts_at <= now and s.status not in {SessionStatus.CANCELLED, SessionStatus.NO_SHOW}
    ]
    return Timeline(
        years=years,
        total=len(newest_first),
        no_shows=sum(year.no_shows for year in years),
        next=coming[-1] if coming else None,
        last=held[0] if held else None,
    )


def is_to_come(session: Session, now: datetime) -> bool:
    """Whether it is live and has not started yet."""
    return session.status in _LIVE and session.starts_at > now


def _year(year: int, sessions: list[Session]) -> Year:
    counted = Counter(session.status for session in sessions)
    return Year(
        year=year,
        total=len(sessions),
        counts={str(status): counted[status] for status in SessionStatus},
        no_shows=counted[SessionStatus.NO_SHOW],
        deposits=_sums([session.deposit for session in sessions if session.deposit]),
        sessions=sessions,
    )


def _sums(deposits: list[Deposit]) -> list[DepositSum]:
    return [
        DepositSum(
            currency=currency,
            held_amount=sum(d.held_amount for d in deposits if d.currency == currency),
            refunded_amount=sum(d.refunded_amount for d in deposits if d.currency == currency),
        )
        for currency in sorted({d.currency for d in deposits})
    ]
