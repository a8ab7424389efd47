"""What falls due by the clock in scheduling."""

from __future__ import annotations

from datetime import timedelta

from chassis.jobs import Job
from scheduling.operations.context import Scheduling
from scheduling.operations.holds import forget_ended


def jobs(context: Scheduling) -> list[Job]:
    """Clearing away what holds leave behind: they end by themselves, at their moment, without it."""
    return [Job(name="ended-holds", run=lambda: forget_ended(context), every=timedelta(minutes=10))]
