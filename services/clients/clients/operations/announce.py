"""A client as others may know it: the data of every `client.*` event and snapshot. What is private has no place in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chassis.outbox import Fact
from clients.operations.context import Clients
from clients.store.models import Client


def announce(context: Clients, happened: str, row: Client) -> None:
    """Publish `client.<happened>` with the row's present state, in the open unit of work."""
    context.outbox.publish(
        f"client.{happened}",
        subject=row.id,
        account_id=row.account_id,
        sequence=row.version,
        data=public(row),
        occurred_at=row.updated_at,
    )


def announce_all(context: Clients, happened: str, rows: Sequence[Client]) -> None:
    """The same for each of the rows."""
    facts = [
        Fact(
            subject=row.id,
            account_id=row.account_id,
            sequence=row.version,
            data=public(row),
            occurred_at=row.updated_at,
        )
        for row in rows
    ]
    context.outbox.publish_all(f"client.{happened}", facts)


def public(row: Client) -> dict[str, Any]:
    """The present state, as `contracts.schemas.ClientData`."""
    return {
        "id": row.id,
        "account_id": row.account_id,
        "version": row.version,
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "locale": row.locale,
        "timezone": row.timezone,
        "contact": {"email": row.contact_email, "sms": row.contact_sms},
        "deleted": row.deleted_at is not None,
        "merged_into": row.merged_into,
        "created_at": row.created_at,
    }
