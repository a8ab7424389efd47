"""The ledger of reminders: rows by session, kind, channel and start."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chassis import rows
from chassis.store import Store, moment
from notifications.domain.statuses import ReminderStatus
from notifications.store.models import Reminder


def of_session(session_id: str) -> list[Reminder]:
    return list(Reminder.select().where(Reminder.session_id == session_id))


def listing(
    account_id: str,
    *,
    session_id: str | None,
    updated_since: datetime | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Reminder]:
    """The account's reminders by their moment, of one session and changed since then where that is asked."""
    query = Reminder.select().where(Reminder.account_id == account_id)
    if session_id is not None:
        query = query.where(Reminder.session_id == session_id)
    if updated_since is not None:
        query = query.where(Reminder.updated_at >= updated_since)
    if after is not None:
        query = query.where((Reminder.due_at > after[0]) | ((Reminder.due_at == after[0]) & (Reminder.id > after[1])))
    return list(query.order_by(Reminder.due_at, Reminder.id).limit(limit))


def add(**values: Any) -> None:
    Reminder.insert(**values).execute()


def change(reminder_id: str, **values: Any) -> None:
    rows.update(Reminder, reminder_id, values)


def remove(reminder_id: str) -> None:
    Reminder.delete().where(Reminder.id == reminder_id).execute()


def get(reminder_id: str | None) -> Reminder | None:
    return None if reminder_id is None else rows.first(Reminder, id=reminder_id)


def claim_due(store: Store, now: datetime, limit: int) -> list[Reminder]:
    """Planned reminders whose moment has come and that have no delivery yet, locked; other claimers pass them by."""
    found = store.execute(
        f"""SELECT id FROM reminders WHERE status = 'planned' AND delivery_id IS NULL AND due_at <= %s
            ORDER BY due_at LIMIT %s {store.skip_locked}""",
        (now, limit),
    )
    if not found:
        return []
    return list(Reminder.select().where(Reminder.id.in_([row[0] for row in found])).order_by(Reminder.due_at))


def earliest_due(store: Store) -> datetime | None:
    return moment(
        store.execute("SELECT min(due_at) FROM reminders WHERE status = 'planned' AND delivery_id IS NULL")[0][0]
    )


def planned_for_cancelled(store: Store) -> list[str]:
    """Reminders that are planned although their session is cancelled or has another start: there must be none."""
    found = store.execute(
        """SELECT r.id FROM reminders r JOIN sessions s ON s.id = r.session_id
           WHERE r.status = %s AND (s.status = 'cancelled' OR s.starts_at <> r.starts_at)""",
        (ReminderStatus.PLANNED.value,),
    )
    return [row[0] for row in found]


def incomplete(store: Store) -> list[str]:
    """Sessions that lack one of the three rows that each has: there must be none."""
    found = store.execute(
        """SELECT s.id FROM sessions s LEFT JOIN reminders r ON r.session_id = s.id AND r.starts_at = s.starts_at
           GROUP BY s.id HAVING count(r.id) < 3"""
    )
    return [row[0] for row in found]
