"""How deliveries end, or are put off: the one place that keeps a delivery, its reminder and what is published in step."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from notifications.domain.statuses import HANDED_OVER, REMINDER_STATUS, DeliveryStatus, Reason, ReminderStatus
from notifications.operations.context import Notifications
from notifications.store import deliveries, reminders
from notifications.store.models import Delivery

_NO_LONGER_HELD = {"next_attempt_at": None, "lease_until": None, "claim": None, "waits": False}


def succeed(context: Notifications, delivery: Delivery, *, provider_id: str | None) -> None:
    """The provider has taken it. What is known better already (delivered, say) stays."""
    if delivery.status in HANDED_OVER:
        if provider_id and not delivery.provider_id:
            deliveries.change(delivery.id, provider_id=provider_id)
        return
    _end(
        context,
        delivery,
        DeliveryStatus.SENT,
        error=None,
        provider_id=provider_id or delivery.provider_id,
        sent_at=context.now(),
    )
    _notify(context, delivery, "notification.sent", DeliveryStatus.SENT, None)


def fail(context: Notifications, delivery: Delivery, error: str) -> None:
    """It was refused for good, or for so long that it is too late."""
    _end(context, delivery, DeliveryStatus.FAILED, error=error)
    _notify(context, delivery, "notification.failed", DeliveryStatus.FAILED, error)


def unsure(context: Notifications, delivery: Delivery, error: str | None) -> None:
    """It may have been sent: shown as `unknown`, and not repeated by itself."""
    _end(context, delivery, DeliveryStatus.UNKNOWN, error=error)
    _notify(context, delivery, "notification.failed", DeliveryStatus.UNKNOWN, error)


def reached(
    context: Notifications, delivery: Delivery, status: DeliveryStatus, *, provider_id: str, error: str | None
) -> None:
    """The provider says whether it arrived: `delivered` or `undelivered`."""
    first_heard = delivery.status not in HANDED_OVER
    _end(context, delivery, status, error=error, provider_id=provider_id, sent_at=delivery.sent_at or context.now())
    if status is DeliveryStatus.UNDELIVERED:
        _notify(context, delivery, "notification.failed", status, error)
    elif first_heard:
        _notify(context, delivery, "notification.sent", status, None)


def skip(context: Notifications, delivery: Delivery, reason: Reason) -> None:
    """It is not to be sent (any more); its reminder says why."""
    now = context.now()
    deliveries.change(
        delivery.id,
        status=DeliveryStatus.SKIPPED.value,
        reason=reason.value,
        address=None,
        updated_at=now,
        **_NO_LONGER_HELD,
    )
    row = reminders.get(delivery.reminder_id)
    if row is not None and row.status == ReminderStatus.PLANNED and reason is not Reason.OVERTAKEN:
        status = ReminderStatus.CANCELLED if reason is Reason.SESSION_CANCELLED else ReminderStatus.SKIPPED
        known = reason is not Reason.ERASED
        reminders.change(row.id, status=status.value, reason=reason.value if known else None, updated_at=now)


def postpone(context: Notifications, delivery: Delivery, until: datetime, **more: Any) -> None:
    """It is to be tried (again) at `until`, suite time; `more` of its fields change with that."""
    now = context.now()
    deliveries.change(delivery.id, **_NO_LONGER_HELD | {"next_attempt_at": until, "updated_at": now} | more)


def hold(context: Notifications, delivery: Delivery, until: datetime) -> None:
    """Quiet hours hold it until then: that is when it is due, and from when on it is late."""
    postpone(context, delivery, until, due_at=until)


def _notify(context: Notifications, delivery: Delivery, type: str, status: DeliveryStatus, error: str | None) -> None:
    """Publish what became of a delivery: ids only."""
    version = delivery.version + 1
    context.outbox.publish(
        type,
        subject=delivery.id,
        account_id=delivery.account_id,
        sequence=version,
        data={
            "id": delivery.id,
            "account_id": delivery.account_id,
            "version": version,
            "kind": delivery.kind,
            "channel": delivery.channel,
            "session_id": delivery.session_id,
            "client_id": delivery.client_id,
            "status": status.value,
            "error": error,
        },
    )


def _end(context: Notifications, delivery: Delivery, status: DeliveryStatus, **values: object) -> None:
    now = context.now()
    # Each end is told as a version of its own.
    values |= {"status": status.value, "version": delivery.version + 1, "updated_at": now}
    deliveries.change(delivery.id, **_NO_LONGER_HELD | values)
    if delivery.reminder_id is not None and delivery.resend_of is None:
        reminders.change(delivery.reminder_id, status=REMINDER_STATUS[status].value, reason=None, updated_at=now)
