"""The questions that several operations ask of the store, locks and sums of the ledger among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import peewee

from chassis.problems import NotFound
from chassis.store import Store
from payments.store.models import (
    Base,
    Checkout,
    CheckoutState,
    Client,
    Deposit,
    Entry,
    LedgerEntry,
    PartStatus,
    Payment,
    Purse,
    Refund,
    RefundPart,
    Session,
)

M = TypeVar("M", bound=Base)

LIVE_PAGES = (CheckoutState.INTENDED.value, CheckoutState.OPEN.value, CheckoutState.PROCESSING.value)
# Parts of a refund whose money has not gone and may still go.
PARTS_UNDER_WAY = (PartStatus.PLANNED.value, PartStatus.PENDING.value, PartStatus.REQUIRES_ACTION.value)
_MERGES = 20


@dataclass(frozen=True, kw_only=True)
class Balance:
    """A deposit's money in minor units: what is held, and what went back since the last restore."""

    held: int
    returned: int

    @property
    def paid(self) -> int:
        return self.held + self.returned


def own(model: type[M], account_id: str, id: str) -> M:
    """The account's own row of this id.

    Raises:
        NotFound: there is none, or it is another account's.
    """
    found: M | None = model.get_or_none((model.id == id) & (model.account_id == account_id))
    if found is None:
        raise NotFound
    return found


def locked(store: Store, query: Any) -> Any:
    """The query's rows, locked until the unit of work ends; SQLite's units of work exclude each other anyway."""
    return query.for_update() if store.on_postgresql else query


def lock_session(store: Store, account_id: str, session_id: str) -> Session | None:
    """The session's row, locked: whoever changes a deposit holds this first, so that two never decide at once."""
    query = Session.select().where((Session.id == session_id) & (Session.account_id == account_id))
    found: Session | None = locked(store, query).first()
    return found


def lock_part(store: Store, part_id: str) -> RefundPart:
    """One part of a refund, locked against those who claim it; whoever needs the session's lock takes that first."""
    part: RefundPart = locked(store, RefundPart.select().where(RefundPart.id == part_id)).get()
    return part


def deposit_of(account_id: str, session_id: str) -> Deposit | None:
    found: Deposit | None = Deposit.get_or_none((Deposit.session_id == session_id) & (Deposit.account_id == account_id))
    return found


def live_page(deposit: Deposit) -> Checkout | None:
    """The Checkout page that may be open at Stripe; the database allows one a deposit."""
    found: Checkout | None = Checkout.get_or_none((Checkout.deposit_id == deposit.id) & Checkout.state.in_(LIVE_PAGES))
    return found


def balance(deposit: Deposit, *, paid_until: datetime | None = None) -> Balance:
    """Sums of the deposit's ledger; with `paid_until`, leaving aside what was paid later."""
    back = peewee.Case(
        None,
        [
            ((LedgerEntry.kind == Entry.REFUND) & (LedgerEntry.taken_from == Purse.HELD), LedgerEntry.amount),
            ((LedgerEntry.kind == Entry.REFUND_FAILED) & (LedgerEntry.given_to == Purse.HELD), LedgerEntry.amount * -1),
        ],
        0,
    )
    this_era = peewee.Case(None, [(LedgerEntry.era == deposit.era, back)], 0)
    query = LedgerEntry.select(_sum(_moved_into(Purse.HELD)), _sum(this_era)).where(
        LedgerEntry.deposit_id == deposit.id
    )
    if paid_until is not None:
        query = query.where((LedgerEntry.kind != Entry.CHARGE) | (LedgerEntry.at <= paid_until))
    rows: Any = query.tuples()
    held, returned = next(iter(rows))
    return Balance(held=max(int(held), 0), returned=int(returned))


def in_purse(payment: Payment, purse: Purse) -> int:
    """What of this payment is in `purse` now."""
    return int(LedgerEntry.select(_sum(_moved_into(purse))).where(LedgerEntry.payment_id == payment.id).scalar())


def refundable(payment: Payment, purse: Purse) -> int:
    """What of this payment may still be sent back by card: what is in the purse, less what is on its way."""
    under_way = (
        RefundPart.select(_sum(RefundPart.amount))
        .where(
            (RefundPart.payment_id == payment.id) & (RefundPart.purse == purse) & RefundPart.status.in_(PARTS_UNDER_WAY)
        )
        .scalar()
    )
    return max(in_purse(payment, purse) - int(under_way), 0)


def payments_of(deposit: Deposit) -> list[Payment]:
    """Newest first: the youngest charge is the one that a bank returns most surely."""
    return list(
        Payment.select().where(Payment.deposit_id == deposit.id).order_by(Payment.received_at.desc(), Payment.id.desc())
    )


def refunds_of(deposit: Deposit) -> list[Refund]:
    """Newest first."""
    return list(
        Refund.select().where(Refund.deposit_id == deposit.id).order_by(Refund.created_at.desc(), Refund.id.desc())
    )


def parts_of(refund: Refund) -> list[RefundPart]:
    return list(RefundPart.select().where(RefundPart.refund_id == refund.id).order_by(RefundPart.id))


def client_now(client_id: str) -> str:
    """The id that answers for `client_id` since it was merged, itself otherwise."""
    for _ in range(_MERGES):
        client = Client.get_or_none(Client.id == client_id)
        if client is None or client.merged_into is None:
            return client_id
        client_id = client.merged_into
    return client_id


def merged_ids(account_id: str, client_id: str) -> list[str]:
    """`client_id` and every id that was merged into it."""
    found: list[str] = [client_id]
    fresh: Sequence[str] = [client_id]
    while fresh:
        rows = Client.select(Client.id).where(
            (Client.account_id == account_id) & Client.merged_into.in_(list(fresh)) & Client.id.not_in(found)
        )
        fresh = [row.id for row in rows]
        found += fresh
    return found


def _moved_into(purse: Purse) -> Any:
    return peewee.Case(
        None,
        [
            (LedgerEntry.given_to == purse, LedgerEntry.amount),
            (LedgerEntry.taken_from == purse, LedgerEntry.amount * -1),
        ],
        0,
    )


def _sum(value: Any) -> Any:
    return peewee.fn.COALESCE(peewee.fn.SUM(value), 0)
