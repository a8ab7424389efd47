"""What may become of a client's record: hidden, brought back, and when it is too late for that; merged, erased."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

UNDO = timedelta(days=30)


class State(StrEnum):
    LIVE = "live"
    DELETED = "deleted"
    MERGED = "merged"
    ERASED = "erased"


class Action(StrEnum):
    CHANGE = "change"
    DELETE = "delete"
    RESTORE = "restore"
    MERGE = "merge"
    ERASE = "erase"


# What may be done in which state. What is not here is an invalid transition, a repeated action too. One who was merged is
# spoken to by the id of who answers since, which its own id leads to: to the record itself nothing more happens.
TRANSITIONS: dict[tuple[State, Action], State] = {
    (State.LIVE, Action.CHANGE): State.LIVE,
    (State.LIVE, Action.DELETE): State.DELETED,
    (State.DELETED, Action.RESTORE): State.LIVE,
    (State.LIVE, Action.MERGE): State.MERGED,
    (State.LIVE, Action.ERASE): State.ERASED,
    (State.DELETED, Action.ERASE): State.ERASED,
}


def state(deleted_at: datetime | None, merged_into: str | None, erased_at: datetime | None) -> State:
    """Where a record stands."""
    if erased_at is not None:
        return State.ERASED
    if merged_into is not None:
        return State.MERGED
    return State.LIVE if deleted_at is None else State.DELETED


def undo_ended(deleted_at: datetime, now: datetime) -> bool:
    """Whether a deletion can no longer be undone: after 30 times 24 hours."""
    return now - deleted_at > UNDO
