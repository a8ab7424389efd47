"""What payments can say about itself: its present state for a service that is filled anew, and what must always hold of its data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import peewee

from chassis.service import Invariant, Snapshot
from contracts.sessions import RefundStatus
from payments.domain.standing import UNDER_WAY
from payments.operations.book import PARTS_UNDER_WAY, Book
from payments.operations.context import Payments
from payments.operations.reconciling import open_differences
from payments.operations.telling import deposit_data
from payments.store.models import Deposit, LedgerEntry, PartStatus, Payment, Purse, Refund, RefundPart

_PORTION = 500


def snapshots(context: Payments, to: str) -> Iterator[Snapshot]:
    """Every deposit as it stands, in portions, so that any number of them fits into memory."""
    last = ""
    while True:
        with context.store.reading():
            portion = list(Deposit.select().where(Deposit.id > last).order_by(Deposit.id).limit(_PORTION))
        for deposit in portion:
            yield Snapshot(
                type="deposit.snapshot",
                subject=deposit.id,
                account_id=deposit.account_id,
                sequence=deposit.version,
                data=deposit_data(deposit),
                occurred_at=deposit.updated_at,
            )
        if len(portion) < _PORTION:
            return
        last = portion[-1].id


def invariants(context: Payments) -> list[Invariant]:
    """What must always hold; the ids of what breaks it tell where to look."""

    def reading(name: str, find: object) -> Invariant:
        def query() -> list[str]:
            with context.store.reading():
                return sorted(find())  # type: ignore[operator]

        return Invariant(name=name, query=query)

    return [
        reading("payments_are_whole_in_the_ledger", _payments_not_whole),
        reading("no_purse_is_overdrawn", _overdrawn),
        reading("deposits_show_what_the_ledger_holds", _amounts_astray),
        reading("refunds_never_exceed_payments", _refunded_too_much),
        reading("one_refund_a_deposit_and_cancellation", _cancellations_twice),
        reading("refund_entries_match_refunds", _refunds_without_entry),
        reading("a_pending_refund_has_a_next_attempt", _refunds_forgotten),
        reading("a_pending_deposit_has_a_pending_refund", _pending_without_refund),
        reading("stripe_tells_the_same", open_differences),
    ]


def _sum(value: object) -> peewee.Function:
    return peewee.fn.COALESCE(peewee.fn.SUM(value), 0)


def _payments_not_whole() -> list[str]:
    """Every payment's charge entries add up to its amount."""
    charged = LedgerEntry.select(LedgerEntry.payment_id, _sum(LedgerEntry.amount).alias("total")).where(
        LedgerEntry.kind == "charge"
    )
    rows: Any = charged.group_by(LedgerEntry.payment_id).dicts()
    totals = {row["payment_id"]: int(row["total"]) for row in rows}
    return [row.id for row in Payment.select(Payment.id, Payment.amount) if totals.get(row.id, 0) != row.amount]


def _overdrawn() -> list[str]:
    found = []
    for purse in (Purse.HELD, Purse.SURPLUS, Purse.DISPUTED):
        moved = peewee.Case(
            None,
            [
                (LedgerEntry.given_to == purse, LedgerEntry.amount),
                (LedgerEntry.taken_from == purse, LedgerEntry.amount * -1),
            ],
            0,
        )
        rows = LedgerEntry.select(LedgerEntry.payment_id).group_by(LedgerEntry.payment_id).having(_sum(moved) < 0)
        found += [row.payment_id for row in rows]
    return found


def _amounts_astray() -> list[str]:
    found, last = [], ""
    while portion := list(Deposit.select().where(Deposit.id > last).order_by(Deposit.id).limit(_PORTION)):
        for deposit in portion:
            money = Book(deposit).balance()
            if (money.held, money.returned) != (deposit.held_amount, deposit.refunded_amount):
                found.append(deposit.id)
        last = portion[-1].id
    return found


def _refunded_too_much() -> list[str]:
    live = RefundPart.status.not_in([PartStatus.FAILED.value, PartStatus.CANCELED.value])
    sums: Any = (
        RefundPart.select(RefundPart.payment_id, _sum(RefundPart.amount).alias("total"))
        .where(live)
        .group_by(RefundPart.payment_id)
        .dicts()
    )
    paid = {row.id: row.amount for row in Payment.select(Payment.id, Payment.amount)}
    return [row["payment_id"] for row in sums if int(row["total"]) > paid[row["payment_id"]]]


def _cancellations_twice() -> list[str]:
    twice = (
        Refund.select(Refund.cancellation_id)
        .where(Refund.cancellation_id.is_null(False))
        .group_by(Refund.deposit_id, Refund.cancellation_id)
        .having(peewee.fn.COUNT(Refund.id) > 1)
    )
    return [row.cancellation_id for row in twice]


def _refunds_without_entry() -> list[str]:
    """A part that succeeded has taken its amount out of the ledger exactly once."""
    gone = peewee.Case(
        None,
        [
            (LedgerEntry.kind == "refund", LedgerEntry.amount),
            (LedgerEntry.kind == "refund_failed", LedgerEntry.amount * -1),
        ],
        0,
    )
    rows: Any = (
        LedgerEntry.select(LedgerEntry.refund_part_id, _sum(gone).alias("total"))
        .where(LedgerEntry.refund_part_id.is_null(False))
        .group_by(LedgerEntry.refund_part_id)
        .dicts()
    )
    entered = {row["refund_part_id"]: int(row["total"]) for row in rows}
    return [
        part.id
        for part in RefundPart.select(RefundPart.id, RefundPart.amount, RefundPart.status)
        if entered.get(part.id, 0) != (part.amount if part.status == PartStatus.SUCCEEDED else 0)
    ]


def _refunds_forgotten() -> list[str]:
    waiting = RefundPart.status.in_([status.value for status in PARTS_UNDER_WAY]) & RefundPart.next_attempt_at.is_null()
    forgotten = {part.refund_id for part in RefundPart.select(RefundPart.refund_id).where(waiting)}
    under_way = [RefundPart.status.in_([status.value for status in PARTS_UNDER_WAY])]
    with_parts = RefundPart.select(RefundPart.refund_id).where(*under_way)
    empty = Refund.select(Refund.id).where(
        Refund.status.in_([s.value for s in UNDER_WAY]) & Refund.id.not_in(with_parts)
    )
    return [*forgotten, *(refund.id for refund in empty)]


def _pending_without_refund() -> list[str]:
    pending = Refund.select(Refund.deposit_id).where(
        Refund.status.in_([RefundStatus.PENDING.value, RefundStatus.REQUIRES_ACTION.value])
    )
    return [
        row.id
        for row in Deposit.select(Deposit.id).where((Deposit.status == "refund_pending") & Deposit.id.not_in(pending))
    ]
