"""The bookkeeper's statement: what moved for each session in a period, summed from the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from chassis.problems import Invalid
from payments.domain.charging import ChargeModel
from payments.operations.context import Payments
from payments.operations.policies import known_account
from payments.store.models import Account, Deposit, Entry, LedgerEntry, Payment, Purse, Session

_PORTION = 500


@dataclass(frozen=True, kw_only=True)
class Line:
    """One session's money in the period, in minor units of `currency`: `kept` is `paid` less what was refunded and disputed.

    `fee` is the platform's share of what was paid, less what of it came back with refunds.
    """

    session_id: str
    deposit_id: str
    client_id: str
    service: str
    starts_at: datetime
    currency: str
    paid: int
    paid_in_cash: int
    fee: int
    refunded: int
    disputed: int

    @property
    def kept(self) -> int:
        return self.paid - self.refunded - self.disputed


def statement(
    context: Payments, account_id: str, *, begin: date | datetime | None, end: date | datetime | None
) -> Iterator[Line]:
    """The lines of every session whose money moved from `begin` until before `end`, in the order in which deposits were made.

    A day begins at midnight where the account is. The account and the period are checked before this returns.

    Raises:
        Unavailable: the account was not told yet.
        Invalid: the period ends before it begins.
    """
    with context.store.reading():
        account = known_account(account_id)
    since, until = _moment(begin, account), _moment(end, account)
    if since is not None and until is not None and until <= since:
        raise Invalid.field("/to", "The period must end after it begins.")
    return _lines(context, account_id, since, until)


def _moment(given: date | datetime | None, account: Account) -> datetime | None:
    if given is None or isinstance(given, datetime):
        return given
    return datetime.combine(given, time(), ZoneInfo(account.timezone))


def _lines(context: Payments, account_id: str, since: datetime | None, until: datetime | None) -> Iterator[Line]:
    """In portions, each read on its own: nobody's writes wait for a slow reader."""
    moved = LedgerEntry.account_id == account_id
    if since is not None:
        moved &= LedgerEntry.at >= since
    if until is not None:
        moved &= LedgerEntry.at < until
    last = ""
    while True:
        with context.store.reading():
            ids = [
                row.deposit_id
                for row in LedgerEntry.select(LedgerEntry.deposit_id)
                .where(moved & (LedgerEntry.deposit_id > last))
                .group_by(LedgerEntry.deposit_id)
                .order_by(LedgerEntry.deposit_id)
                .limit(_PORTION)
            ]
            lines = _portion(ids, moved) if ids else []
        yield from lines
        if len(ids) < _PORTION:
            return
        last = ids[-1]


def _portion(ids: list[str], moved: Any) -> list[Line]:
    entries = LedgerEntry.select().where(moved & LedgerEntry.deposit_id.in_(ids)).order_by(LedgerEntry.id)
    payments = {each.id: each for each in Payment.select().where(Payment.deposit_id.in_(ids))}
    deposits = {each.id: each for each in Deposit.select().where(Deposit.id.in_(ids))}
    sessions = {
        each.id: each for each in Session.select().where(Session.id.in_([d.session_id for d in deposits.values()]))
    }
    by_line: dict[tuple[str, str], list[LedgerEntry]] = {}
    for entry in entries:
        by_line.setdefault((entry.deposit_id, entry.currency), []).append(entry)
    return [
        Line(
            session_id=deposits[deposit_id].session_id,
            deposit_id=deposit_id,
            client_id=deposits[deposit_id].client_id,
            service=sessions[deposits[deposit_id].session_id].service_name,
            starts_at=sessions[deposits[deposit_id].session_id].starts_at,
            currency=currency,
            paid=_sum(found, Entry.CHARGE),
            paid_in_cash=_sum([entry for entry in found if entry.taken_from == Purse.CASH], Entry.CHARGE),
            fee=sum(
                _fee(payments[id], [e for e in found if e.payment_id == id]) for id in {e.payment_id for e in found}
            ),
            refunded=_sum(found, Entry.REFUND) - _sum(found, Entry.REFUND_FAILED),
            disputed=_sum(found, Entry.DISPUTE) - _sum(found, Entry.DISPUTE_WON) - _sum(found, Entry.DISPUTE_LESS),
        )
        for (deposit_id, currency), found in sorted(by_line.items())
    ]


def _sum(entries: list[LedgerEntry], kind: Entry) -> int:
    return sum(int(entry.amount) for entry in entries if entry.kind == kind)


def _fee(payment: Payment, entries: list[LedgerEntry]) -> int:
    """The platform's share of one payment in the period; a destination charge's comes back with its refunds, in proportion."""
    taken = payment.application_fee if _sum(entries, Entry.CHARGE) else 0
    if payment.charge_model != ChargeModel.DESTINATION:
        return int(taken)
    back = _sum(entries, Entry.REFUND) - _sum(entries, Entry.REFUND_FAILED)
    return int(taken - payment.application_fee * back // payment.amount)
