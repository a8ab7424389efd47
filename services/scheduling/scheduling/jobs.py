"""What falls due by the clock in scheduling."""

from __future__ import annotations

from datetime import timedelta

from chassis.jobs import Job
from scheduling.operations import extend_series, series_deposits
from scheduling.operations.auto_confirm import confirm_one_due, next_due
from scheduling.operations.context import Scheduling
from scheduling.operations.holds import forget_ended
from scheduling.operations.sessions import AUTO_CONFIRM


def jobs(context: Scheduling) -> list[Job]:
    """Every job of the service; any number of processes may run each."""
    return [
        Job(
            name="auto-confirm",
            run=lambda: confirm_one_due(context),
            every=timedelta(seconds=1),
            wake=AUTO_CONFIRM,
            next_due=lambda: next_due(context),
        ),
        # Holds end by themselves, at their moment: this clears away what they leave behind.
        Job(name="ended-holds", run=lambda: forget_ended(context), every=timedelta(minutes=10)),
        Job(
            name="extend-series",
            run=lambda: extend_series.extend_one_due(context),
            every=timedelta(minutes=1),
            next_due=lambda: extend_series.latest_moment(context),
        ),
        Job(
            name="ask-deposits",
            run=lambda: series_deposits.ask_one_due(context),
            every=timedelta(seconds=10),
            next_due=lambda: series_deposits.next_due(context),
        ),
    ]
