"""What may become of a client's record: hidden, brought back, and when it is too late for that."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

UNDO = timedelta(days=30)


class State(StrEnum):
    LIVE = "live"
    DELETED = "deleted"


class Action(StrEnum):
    CHANGE = "change"
    DELETE = "delete"
    RESTORE = "restore"


# What may be done in which state. What is not here is an invalid transition, a repeated action too.
TRANSITIONS: dict[tuple[State, Action], State] = {
    (State.LIVE, Action.CHANGE): State.LIVE,
    (State.LIVE, Action.DELETE): State.DELETED,
    (State.DELETED, Action.RESTORE): State.LIVE,
}


def state(deleted_at: datetime | None) -> State:
    """Where a record stands."""
    return State.LIVE if deleted_at is None else State.DELETED


def undo_ended(deleted_at: datetime, now: datetime) -> bool:
    """Whether a deletion can no longer be undone: after 30 times 24 hours."""
    return now - deleted_at > UNDO
