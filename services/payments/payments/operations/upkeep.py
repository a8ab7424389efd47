"""What payments tells a service that is filled anew: its present state."""

from __future__ import annotations

from collections.abc import Iterator

from chassis.service import Snapshot
from payments.operations.context import Payments
from payments.operations.telling import deposit_data
from payments.store.models import Deposit

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
