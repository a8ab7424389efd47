"""What falls due by the clock, or is left by a commit for later: refunds, Checkout pages, webhooks, deadlines, the comparison with Stripe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from chassis.jobs import Job
from payments.operations import checkouts, deadlines, reconciling, refunding, webhooks
from payments.operations.context import CHECKOUTS, REFUNDS, WEBHOOKS, Payments

_SECOND, _HOUR = timedelta(seconds=1), timedelta(hours=1)


def jobs(context: Payments) -> Sequence[Job]:
    """Every job of the service; any number of processes may run each."""

    def due(find: Callable[[], datetime | None]) -> Callable[[], datetime | None]:
        def read() -> datetime | None:
            with context.store.reading():
                return find()

        return read

    return [
        Job(
            name="refunds",
            run=refunding.RefundCrew(context).run,
            every=_SECOND,
            wake=REFUNDS,
            next_due=due(refunding.next_refund_due),
        ),
        Job(name="refunds-at-stripe", run=lambda: refunding.look_at_one(context), every=30 * _SECOND),
        Job(
            name="checkouts",
            run=lambda: checkouts.end_one_page(context),
            every=_SECOND,
            wake=CHECKOUTS,
            next_due=due(checkouts.next_ending_due),
        ),
        Job(
            name="webhooks",
            run=lambda: webhooks.process_due(context),
            every=_SECOND,
            wake=WEBHOOKS,
            next_due=due(webhooks.next_webhook_due),
        ),
        Job(
            name="deadlines",
            run=lambda: deadlines.do_one_due(context),
            every=5 * _SECOND,
            next_due=due(deadlines.next_deadline),
        ),
        Job(name="old-webhooks", run=lambda: webhooks.forget_old_webhooks(context), every=_HOUR),
        Job(name="reconciliation", run=lambda: reconciling.reconcile_one(context), every=300 * _SECOND),
    ]
