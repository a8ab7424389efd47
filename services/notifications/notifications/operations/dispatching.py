"""Bringing what is due to the workers: any number of dispatchers claim rows and put their ids on the channels' queues."""

from __future__ import annotations

from datetime import datetime

from chassis.ids import new_id
from notifications.domain.statuses import DeliveryStatus
from notifications.operations.announcing import hand_over, queue_lease, tell_worker
from notifications.operations.context import Notifications
from notifications.operations.pacing import pace_accounts, until
from notifications.store import deliveries, reminders
from notifications.store.models import Delivery, Reminder

_AT_ONCE = 200


def dispatch(context: Notifications) -> int:
    """Put a portion of what is due on the queues; returns how much that was."""
    return context.store.run(lambda: _reminders(context)) + context.store.run(lambda: _deliveries(context))


def next_due(context: Notifications) -> datetime | None:
    """The earliest moment at which a message will be due."""
    with context.store.reading():
        moments = (reminders.earliest_due(context.store), deliveries.earliest_due(context.store))
    return min((moment for moment in moments if moment is not None), default=None)


def oldest_due_age(context: Notifications) -> float:
    """For how many seconds the oldest message that is due has been waiting; 0 where none is."""
    now = context.now()
    with context.store.reading():
        oldest = deliveries.oldest_due(context.store, now)
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0


def _reminders(context: Notifications) -> int:
    with context.store.transaction():
        due = reminders.claim_due(context.store, context.now(), _AT_ONCE)
        made = [_delivery_of(row, context) for row in due]
        pace_accounts(context, made)
        for delivery in made:
            if delivery.slot_at is not None and delivery.slot_at > context.real_clock.now():
                delivery.next_attempt_at, delivery.lease_until = until(context, delivery.slot_at), None
        added = deliveries.add_all(context.store, made)
        # Where one of its key exists, the reminder was here before and is not sent again.
        ids = [
            delivery.id if new else deliveries.id_by_key(delivery.key)
            for delivery, new in zip(made, added, strict=True)
        ]
        with context.store.together():
            for row, delivery, new, id in zip(due, made, added, ids, strict=True):
                reminders.change(row.id, delivery_id=id)
                if new and delivery.lease_until is not None:
                    tell_worker(context, delivery)
        return len(due)


def _deliveries(context: Notifications) -> int:
    with context.store.transaction():
        due = deliveries.claim_due(context.store, context.now(), context.real_clock.now(), _AT_ONCE)
        with context.store.together():
            for delivery in due:
                hand_over(context, delivery)
        return len(due)


def _delivery_of(row: Reminder, context: Notifications) -> Delivery:
    """What a reminder becomes when it is due: on its queue, unless its account's pace has it wait."""
    now = context.now()
    return Delivery(
        id=new_id("dlv"),
        account_id=row.account_id,
        key=f"{row.session_id}:{row.kind}:{row.starts_at:%Y%m%dT%H%M%SZ}:{row.channel}",
        version=1,
        kind=row.kind,
        channel=row.channel,
        session_id=row.session_id,
        client_id=row.client_id,
        reminder_id=row.id,
        sequence=0,
        due_at=row.due_at,
        waits=False,
        status=DeliveryStatus.QUEUED.value,
        attempts=0,
        next_attempt_at=None,
        lease_until=queue_lease(context),
        slot_at=None,
        created_at=now,
        updated_at=now,
    )
