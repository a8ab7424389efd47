"""What falls due by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from chassis.jobs import Job
from notifications.operations.context import Notifications
from notifications.operations.dispatching import dispatch, next_due
from notifications.operations.reminding import REPLAN, plan_account
from notifications.operations.retention import forget_addresses


def jobs(context: Notifications) -> Sequence[Job]:
    """Dispatching what is due, planning anew after a change of settings or plan, forgetting addresses."""
    return [
        Job(
            name="dispatch",
            run=lambda: dispatch(context),
            every=timedelta(seconds=1),
            next_due=lambda: next_due(context),
        ),
        Job(name="replan", run=lambda: plan_account(context), every=timedelta(seconds=5), wake=REPLAN),
        Job(name="retention", run=lambda: forget_addresses(context), every=timedelta(hours=1)),
    ]
