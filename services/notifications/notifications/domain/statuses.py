"""The states of reminders and deliveries, and the reasons that the ledger gives."""

from __future__ import annotations

from enum import StrEnum


class ReminderStatus(StrEnum):
    PLANNED = "planned"
    SENT = "sent"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why something was not sent. Of several the first in this order is given."""

    SESSION_CANCELLED = "session_cancelled"
    PLAN = "plan"
    TURNED_OFF = "turned_off"
    NO_EMAIL = "no_email"
    NO_PHONE = "no_phone"
    OPTED_OUT = "opted_out"
    TOO_LATE = "too_late"
    QUIET_HOURS = "quiet_hours"
    QUOTA = "quota"
    OVERTAKEN = "overtaken"
    """Deliveries only: what it would have told is no longer so, or was told by another message."""
    ERASED = "erased"
    """Deliveries only: the client was erased."""


class DeliveryStatus(StrEnum):
    """`sending`: an attempt has begun and its outcome is not known yet; it is shown as `queued`."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


OPEN = (DeliveryStatus.QUEUED, DeliveryStatus.SENDING)
"""Deliveries that somebody still has to bring to an end."""
HANDED_OVER = (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.UNDELIVERED)
"""Deliveries that a provider has taken."""
REMINDER_STATUS = {
    DeliveryStatus.SENT: ReminderStatus.SENT,
    DeliveryStatus.DELIVERED: ReminderStatus.SENT,
    DeliveryStatus.UNDELIVERED: ReminderStatus.FAILED,
    DeliveryStatus.FAILED: ReminderStatus.FAILED,
    DeliveryStatus.UNKNOWN: ReminderStatus.UNKNOWN,
}
"""What a reminder becomes when its delivery becomes this."""
