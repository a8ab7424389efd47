"""What a deposit's status is: read off its money, its session and its refunds, never moved from state to state by hand.

Because it is derived, the order in which events, webhooks and refunds' outcomes arrive cannot matter: the same facts give the same status.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.sessions import DepositStatus, RefundStatus

UNDER_WAY = frozenset({RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION})
FAILED = frozenset({RefundStatus.FAILED, RefundStatus.CANCELED})


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The facts, amounts in minor units.

    `returned` counts since the last restore, `held` is what the ledger says the provider has. `void` tells that nothing is wanted any more: the
    session is cancelled, its slot was released, or its type asks no deposit now. `decided` tells that the session's present cancellation is settled.
    """

    asked: bool
    amount: int
    held: int
    returned: int
    void: bool
    cancelled: bool
    decided: bool
    page_open: bool
    disputed: bool
    refund_under_way: bool
    refund_failed: bool

    @property
    def paid(self) -> int:
        """What was paid towards it since the last restore: held plus returned."""
        return self.held + self.returned

    @property
    def status(self) -> DepositStatus:
        if self.disputed:
            return DepositStatus.DISPUTED
        if self.refund_under_way:
            return DepositStatus.REFUND_PENDING
        if self.paid == 0:
            return self._unpaid
        if self.refund_failed:
            return DepositStatus.REFUND_FAILED
        if self.returned:
            return DepositStatus.PARTIALLY_REFUNDED if self.held else DepositStatus.REFUNDED
        if self.cancelled:
            return DepositStatus.KEPT if self.decided else DepositStatus.PAID
        return DepositStatus.PAID if self.held >= self.amount else DepositStatus.REQUIRED

    @property
    def due(self) -> int:
        """What the client is still to pay: the rest, while it is required and wanted."""
        return max(self.amount - self.paid, 0) if self.status is DepositStatus.REQUIRED and not self.void else 0

    @property
    def _unpaid(self) -> DepositStatus:
        if not self.asked:
            return DepositStatus.NOT_ASKED
        # Until Stripe has ended the page it may still be paid: nobody is told otherwise before.
        if self.void and not self.page_open:
            return DepositStatus.CANCELED
        return DepositStatus.REQUIRED
