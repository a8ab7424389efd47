"""All the money of one deposit, read once: its payments, its ledger and its refunds, and what they add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from payments.domain.standing import UNDER_WAY
from payments.store.models import Deposit, Entry, LedgerEntry, PartStatus, Payment, Purse, Refund, RefundPart
from payments.store.queries import entries_of, parts_of_deposit, payments_of, refunds_of

# What a refund's cause begins with.
SURPLUS, BY_HAND = "surplus:", "hand:"
# Parts of a refund whose money has not gone and may still go.
PARTS_UNDER_WAY = frozenset({PartStatus.PLANNED, PartStatus.PENDING, PartStatus.REQUIRES_ACTION})


@dataclass(frozen=True, kw_only=True)
class Balance:
    """A deposit's money in minor units: what is held, and what went back since the last restore."""

    held: int
    returned: int

    @property
    def paid(self) -> int:
        return self.held + self.returned


class Book:
    """The money of `deposit`; what is made while the book is open is added to it."""

    def __init__(self, deposit: Deposit, *, empty: bool = False) -> None:
        self._deposit = deposit
        self._empty = empty

    @cached_property
    def payments(self) -> list[Payment]:
        """Newest first: the youngest charge is the one that a bank returns most surely."""
        return [] if self._empty else payments_of(self._deposit)

    @cached_property
    def entries(self) -> list[LedgerEntry]:
        return entries_of(self._deposit) if self.payments else []

    @cached_property
    def refunds(self) -> list[Refund]:
        """Newest first."""
        return refunds_of(self._deposit) if self.payments else []

    @cached_property
    def parts(self) -> list[RefundPart]:
        return parts_of_deposit(self._deposit) if self.refunds else []

    def put_payment(self, payment: Payment) -> None:
        """Add the payment, or take this reading of it for the older one."""
        self.__dict__["payments"] = [payment, *(each for each in self.payments if each.id != payment.id)]

    def put_refund(self, refund: Refund) -> None:
        self.parts  # noqa: B018 - a first refund has none that would have to be read
        known = any(each.id == refund.id for each in self.refunds)
        kept = [refund if each.id == refund.id else each for each in self.refunds]
        self.__dict__["refunds"] = kept if known else [refund, *kept]

    def put_part(self, part: RefundPart) -> None:
        self.__dict__["parts"] = [*(each for each in self.parts if each.id != part.id), part]

    def put_entry(self, entry: LedgerEntry) -> None:
        self.__dict__["entries"] = [*(each for each in self.entries if each.id != entry.id), entry]

    # --- sums ---------------------------------------------------------------------------------------------------

    def balance(self, *, paid_until: datetime | None = None) -> Balance:
        """Sums of the ledger; with `paid_until`, leaving aside what was paid later."""
        counted = [
            entry
            for entry in self.entries
            if paid_until is None or entry.kind != Entry.CHARGE or entry.at <= paid_until
        ]
        returned = sum(
            _moved(entry, Purse.HELD) * -1
            for entry in counted
            if entry.era == self._deposit.era and entry.kind in {Entry.REFUND, Entry.REFUND_FAILED}
        )
        return Balance(held=max(_sum(counted, Purse.HELD), 0), returned=returned)

    def standing(self, *, paid_until: datetime | None = None) -> Balance:
        """The balance without what is still leaving for a cancellation before the last restore."""
        money = self.balance(paid_until=paid_until)
        leaving = self._on_its_way(lambda era: era < self._deposit.era)
        return Balance(held=max(money.held - leaving, 0), returned=money.returned)

    def under_way(self) -> int:
        """What is on its way back in this era and has not left the ledger yet."""
        return self._on_its_way(lambda era: era == self._deposit.era)

    def in_purse(self, payment: Payment, purse: Purse) -> int:
        """What of this payment is in `purse` now."""
        return _sum((entry for entry in self.entries if entry.payment_id == payment.id), purse)

    def in_purse_or_disputed(self, payment: Payment, purse: Purse) -> int:
        """What of this payment is in `purse`, or would be had the client's bank not taken it out."""
        return self.in_purse(payment, purse) + self.disputed_from(payment, purse)

    def disputed_from(self, payment: Payment, purse: Purse) -> int:
        """What of this payment the client's bank has taken out of `purse`, and not given back."""
        return sum(
            -_moved(entry, purse)
            for entry in self.entries
            if entry.payment_id == payment.id and Purse.DISPUTED in {entry.taken_from, entry.given_to}
        )

    def gone_from(self, part: RefundPart, purse: Purse) -> int:
        """What this part of a refund has sent back out of `purse`."""
        return -_sum((entry for entry in self.entries if entry.refund_part_id == part.id), purse)

    def refundable(self, payment: Payment, purse: Purse) -> int:
        """What of this payment may still be sent back by card: what is in the purse, less what is on its way."""
        if payment.kind != "card" or is_disputed(payment):
            return 0
        leaving = sum(
            int(part.amount)
            for part in self.parts
            if part.payment_id == payment.id and part.purse == purse and part.status in PARTS_UNDER_WAY
        )
        return max(self.in_purse(payment, purse) - leaving, 0)

    def refundable_by_card(self) -> int:
        """What of the deposit could still be sent back by card."""
        return sum(self.refundable(payment, Purse.HELD) for payment in self.payments)

    # --- looking up ---------------------------------------------------------------------------------------------

    def parts_of(self, refund: Refund) -> list[RefundPart]:
        return sorted((part for part in self.parts if part.refund_id == refund.id), key=lambda part: str(part.id))

    def payment(self, payment_id: str) -> Payment:
        return next(payment for payment in self.payments if payment.id == payment_id)

    def refund(self, refund_id: str) -> Refund:
        return next(refund for refund in self.refunds if refund.id == refund_id)

    @property
    def own_refunds(self) -> list[Refund]:
        """Those of the deposit itself, not of what was paid too much."""
        return [refund for refund in self.refunds if not refund.cause.startswith(SURPLUS)]

    @property
    def disputed(self) -> bool:
        return any(is_disputed(payment) for payment in self.payments)

    def _on_its_way(self, counts: Callable[[int], bool]) -> int:
        return sum(
            part.amount
            for refund in self.own_refunds
            if refund.status in UNDER_WAY and counts(refund.era)
            for part in self.parts_of(refund)
            if not part.replaced and part.status in PARTS_UNDER_WAY and part.purse == Purse.HELD
        )


def is_disputed(payment: Payment) -> bool:
    """Whether the client's bank has taken it back, for now or for good; an inquiry has not."""
    status = payment.dispute_status
    return status is not None and status not in {"won", "prevented"} and not status.startswith("warning_")


def _moved(entry: LedgerEntry, purse: Purse) -> int:
    if entry.given_to == purse:
        return int(entry.amount)
    return -int(entry.amount) if entry.taken_from == purse else 0


def _sum(entries: Iterable[LedgerEntry], purse: Purse) -> int:
    return sum(_moved(entry, purse) for entry in entries)
