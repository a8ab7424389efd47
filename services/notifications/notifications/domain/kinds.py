"""The kinds of messages in one table: to whom, how late at most, and what goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


class Audience(StrEnum):
    CLIENT = "client"
    PROVIDER = "provider"


class Invitation(StrEnum):
    """What the iCalendar attachment asks the client's calendar to do (RFC 5546, the METHOD)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


class Kind(StrEnum):
    PENDING = "pending"
    CONFIRMATION = "confirmation"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    RESTORED = "restored"
    REMINDER_24H = "reminder_24h"
    REMINDER_2H = "reminder_2h"
    DEPOSIT_DUE = "deposit_due"
    DEPOSIT_RECEIVED = "deposit_received"
    RELEASED = "released"
    REFUND_SENT = "refund_sent"
    BOOKING_RECEIVED = "booking_received"
    RESCHEDULED_BY_CLIENT = "rescheduled_by_client"
    CANCELLED_BY_CLIENT = "cancelled_by_client"
    AUTO_CONFIRMED = "auto_confirmed"
    DEPOSIT_PAID = "deposit_paid"
    BOOKING_RELEASED = "booking_released"
    DEPOSIT_NOT_ASKED = "deposit_not_asked"
    REFUND_DECISION_NEEDED = "refund_decision_needed"
    REFUND_FAILED = "refund_failed"
    DISPUTED = "disputed"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What holds for a kind. A message later than `max_lateness` after its moment is sent to nobody."""

    audience: Audience
    max_lateness: timedelta
    invitation: Invitation | None = None
    lead: timedelta | None = None
    """For reminders: how long before the start, in elapsed time."""
    tells_of_money: bool = False
    """Whether it holds the payment link or says what is refunded, and so waits a moment for payments to decide that."""

    @property
    def reminder(self) -> bool:
        return self.lead is not None


_DAY, _THREE_DAYS = timedelta(hours=24), timedelta(hours=72)


def _to_client(max_lateness: timedelta = _DAY, **terms: object) -> Terms:
    return Terms(audience=Audience.CLIENT, max_lateness=max_lateness, **terms)  # type: ignore[arg-type]


def _to_provider(*, tells_of_money: bool = False) -> Terms:
    return Terms(audience=Audience.PROVIDER, max_lateness=_THREE_DAYS, tells_of_money=tells_of_money)


TERMS: dict[Kind, Terms] = {
    Kind.PENDING: _to_client(invitation=Invitation.REQUEST, tells_of_money=True),
    Kind.CONFIRMATION: _to_client(invitation=Invitation.REQUEST, tells_of_money=True),
    Kind.RESCHEDULED: _to_client(invitation=Invitation.REQUEST),
    Kind.CANCELLED: _to_client(invitation=Invitation.CANCEL, tells_of_money=True),
    Kind.RESTORED: _to_client(invitation=Invitation.REQUEST, tells_of_money=True),
    Kind.REMINDER_24H: _to_client(timedelta(hours=6), lead=timedelta(hours=24)),
    Kind.REMINDER_2H: _to_client(timedelta(minutes=30), lead=timedelta(hours=2)),
    Kind.DEPOSIT_DUE: _to_client(tells_of_money=True),
    Kind.DEPOSIT_RECEIVED: _to_client(_THREE_DAYS),
    Kind.RELEASED: _to_client(invitation=Invitation.CANCEL),
    Kind.REFUND_SENT: _to_client(_THREE_DAYS),
    Kind.BOOKING_RECEIVED: _to_provider(),
    Kind.RESCHEDULED_BY_CLIENT: _to_provider(),
    Kind.CANCELLED_BY_CLIENT: _to_provider(tells_of_money=True),
    Kind.AUTO_CONFIRMED: _to_provider(),
    Kind.DEPOSIT_PAID: _to_provider(),
    Kind.BOOKING_RELEASED: _to_provider(),
    Kind.DEPOSIT_NOT_ASKED: _to_provider(),
    Kind.REFUND_DECISION_NEEDED: _to_provider(),
    Kind.REFUND_FAILED: _to_provider(),
    Kind.DISPUTED: _to_provider(),
}

MONEY_CAME = (Kind.DEPOSIT_RECEIVED, Kind.DEPOSIT_PAID)
"""Receipts: whether money came is judged by what the deposit held before."""
REMINDERS = tuple(kind for kind, terms in TERMS.items() if terms.reminder)
TOLD_TOGETHER = (Kind.PENDING, Kind.CONFIRMATION, Kind.RESCHEDULED, Kind.CANCELLED)
"""What one act does to several sessions of a series is one message of these kinds."""
TELL_THE_TIME = (Kind.PENDING, Kind.CONFIRMATION, Kind.RESCHEDULED, Kind.RESTORED)
"""Messages to the client that say when the session is."""
TELL_THE_LINK = (Kind.PENDING, Kind.CONFIRMATION, Kind.RESTORED, Kind.REMINDER_24H, Kind.DEPOSIT_DUE)
"""Messages to the client that hold the payment link while something is due."""

TELL_OF_THE_END = (Kind.CANCELLED, Kind.RELEASED)
"""Messages to the client that say that the session does not take place."""
