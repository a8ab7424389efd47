"""The words that services share about sessions, deposits and refunds: their states, as they cross the wire."""

from __future__ import annotations

from enum import StrEnum


class SessionStatus(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    NO_SHOW = "no_show"


class RefundDecision(StrEnum):
    REFUND = "refund"
    SKIP = "skip"


class DepositStatus(StrEnum):
    NOT_ASKED = "not_asked"
    REQUIRED = "required"
    PAID = "paid"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    KEPT = "kept"
    REFUND_FAILED = "refund_failed"
    CANCELED = "canceled"
    DISPUTED = "disputed"


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    REQUIRES_ACTION = "requires_action"
