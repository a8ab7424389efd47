"""Which deposits and refunds are a session's, so that the journey of a session tells of them as well."""

from __future__ import annotations

from collections.abc import Sequence

from payments.store.models import Deposit, Refund


def related(subjects: Sequence[str]) -> list[str]:
    """The ids of the deposits of those `subjects` that are sessions, then those of their refunds."""
    deposits = list(
        Deposit.select(Deposit.id).where(Deposit.session_id.in_(list(subjects))).order_by(Deposit.id).scalars()
    )
    # By deposit, as refunds have no index by session.
    refunds = Refund.select(Refund.id).where(Refund.deposit_id.in_(deposits)).order_by(Refund.id)
    return [*deposits, *refunds.scalars()]
