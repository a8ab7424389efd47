"""How deposits and refunds are told: as events to the other services, and as the values that callers see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.sessions import RefundStatus
from payments.operations.context import Payments
from payments.store.models import Deposit, Refund, RefundPart

_PUBLIC = (
    "client_id",
    "status",
    "reason",
    "amount",
    "held_amount",
    "due_amount",
    "refunded_amount",
    "currency",
    "payment_url",
    "pay_by",
)


def deposit_data(deposit: Deposit) -> dict[str, Any]:
    """A deposit's whole public state: the data of its events."""
    return {
        "id": deposit.id,
        "account_id": deposit.account_id,
        "version": deposit.version,
        "session_id": deposit.session_id,
        **public_state(deposit.__data__),
    }


def public_state(deposit: Mapping[str, Any]) -> dict[str, Any]:
    """What of a deposit's row makes a new version when it changes."""
    return {name: deposit[name] for name in _PUBLIC}


def refund_data(refund: Refund, deposit: Deposit) -> dict[str, Any]:
    """A refund's whole public state, with the deposit as it left it."""
    return {
        "id": refund.id,
        "account_id": refund.account_id,
        "version": refund.version,
        "deposit_id": refund.deposit_id,
        "session_id": refund.session_id,
        "client_id": deposit.client_id,
        "cancellation_id": refund.cancellation_id,
        "status": refund.status,
        "pending_reason": refund.pending_reason,
        "amount": refund.amount,
        "currency": refund.currency,
        "percentage": refund.percentage,
        "reason": refund.reason,
        "failure": refund.failure,
        "deposit": deposit_data(deposit),
    }


def tell_deposit(context: Payments, deposit: Deposit, event: str) -> None:
    """Publish the deposit as it stands, as `deposit.<event>`."""
    context.outbox.publish(
        f"deposit.{event}",
        subject=deposit.id,
        account_id=deposit.account_id,
        sequence=deposit.version,
        data=deposit_data(deposit),
    )


def tell_refund(context: Payments, refund: Refund, deposit: Deposit) -> None:
    """Publish `refund.<status>`."""
    context.outbox.publish(
        f"refund.{RefundStatus(refund.status).value}",
        subject=refund.id,
        account_id=refund.account_id,
        sequence=refund.version,
        data=refund_data(refund, deposit),
    )


def seen_refund(refund: Refund, parts: list[RefundPart]) -> dict[str, Any]:
    """A refund as callers see it. `parts` matter where money came in by several payments."""
    current = [part for part in parts if not part.replaced]
    return {
        "id": refund.id,
        "version": refund.version,
        "deposit_id": refund.deposit_id,
        "session_id": refund.session_id,
        "cancellation_id": refund.cancellation_id,
        "status": refund.status,
        "pending_reason": refund.pending_reason,
        "amount": refund.amount,
        "currency": refund.currency,
        "percentage": refund.percentage,
        "reason": refund.reason,
        "stripe_refund_id": next((part.stripe_refund for part in current if part.stripe_refund), None),
        "stripe_refund_ids": [part.stripe_refund for part in current if part.stripe_refund],
        "failure": refund.failure,
        "created_at": refund.created_at,
        "updated_at": refund.updated_at,
    }


def seen_deposit(deposit: Deposit, refunds: list[tuple[Refund, list[RefundPart]]]) -> dict[str, Any]:
    """A deposit as callers see it, its refunds newest first."""
    return {
        **deposit_data(deposit),
        "refunds": [seen_refund(refund, parts) for refund, parts in refunds],
        "created_at": deposit.created_at,
        "updated_at": deposit.updated_at,
    }
