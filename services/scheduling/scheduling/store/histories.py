"""The histories of sessions and of events, where both are looked through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from scheduling.store.models import BlockedTimeChange, Change


def explained(account_id: str, since: datetime | None = None) -> Iterator[Change | BlockedTimeChange]:
    """What was done for a reason that is on record, from `since` on."""
    for history in (Change, BlockedTimeChange):
        query = history.select().where(history.account_id == account_id, history.reason.is_null(False))
        found: list[Any] = list(query if since is None else query.where(history.at >= since))
        yield from found


def subject_of(change: Change | BlockedTimeChange) -> str:
    """The id of the session or event whose history it is part of."""
    return str(change.session_id if isinstance(change, Change) else change.blocked_time_id)


def overlapped(change: Change | BlockedTimeChange) -> list[str]:
    """The ids of what it was put over."""
    _, over = change.changes.get("overlaps", ([], []))
    return list(over)


def rewrite(change: Change | BlockedTimeChange, **values: Any) -> None:
    history = type(change)
    of_it = Change.session_id if history is Change else BlockedTimeChange.blocked_time_id
    history.update(**values).where((of_it == subject_of(change)) & (history.version == change.version)).execute()
