"""What falls due by the clock in scheduling."""

from __future__ import annotations

from chassis.jobs import Job
from scheduling.operations.context import Scheduling


def jobs(context: Scheduling) -> list[Job]:
    """Nothing yet falls due by itself: auto-confirmation, holds and series bring their own."""
    return []
