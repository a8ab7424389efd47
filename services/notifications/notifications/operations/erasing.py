"""Forgetting a client: names, addresses and words are blanked, that something was sent stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chassis.erasing import blank_traffic
from chassis.inbox import Event
from notifications.domain.statuses import OPEN, DeliveryStatus, Reason
from notifications.operations.context import Notifications
from notifications.operations.ending import skip
from notifications.store import deliveries, replicas
from notifications.store.models import Client, Delivery, Deposit, Refund, Reminder, Session, Wish

DEPOSIT_WITHOUT_LINK: dict[str, Any] = {"payment_url": None}
"""What becomes of a deposit of an erased client: its link opens a page that names them. Its reason is a code."""
REFUND_WITHOUT_WORDS: dict[str, Any] = {"reason": None}
"""What becomes of a refund of an erased client: its reason is in the provider's words."""


def erase_client(context: Notifications, event: Event) -> None:
    """Blank what is held of the client, and answer what was blanked."""
    now, account_id = context.now(), event.account_id
    ids = replicas.same_person(event.subject)
    whose = Client.id.in_(ids) & (Client.account_id == account_id)
    texts = [text for row in Client.select().where(whose) for text in (row.name, row.email, row.phone)]
    blanked_clients = (
        Client.update(name="", email=None, phone=None, locale=None, timezone=None, deleted=True, erased_at=now)
        .where(whose)
        .execute()
    )
    if not blanked_clients:
        # Nothing of the client was here; whatever comes late is to find it erased.
        _remember(event)
    theirs = list(Session.select().where(Session.client_id.in_(ids) & (Session.account_id == account_id)))
    for session in theirs:
        Session.update(without_words(session.cancellations)).where(Session.id == session.id).execute()
        Deposit.update(DEPOSIT_WITHOUT_LINK).where(Deposit.session_id == session.id).execute()
        Refund.update(REFUND_WITHOUT_WORDS).where(Refund.session_id == session.id).execute()
    rows = [row for row in deliveries.of_clients(ids) if row.account_id == account_id]
    for row in rows:
        if row.status in OPEN and row.status != DeliveryStatus.SENDING:
            skip(context, row, Reason.ERASED)
    blanked_deliveries = (
        Delivery.update(address=None, text_digest=None)
        .where(Delivery.id.in_([row.id for row in rows]) & Delivery.address.is_null(False))
        .execute()
        if rows
        else 0
    )
    Reminder.update(status="cancelled", reason=None, updated_at=now).where(
        Reminder.client_id.in_(ids) & (Reminder.account_id == account_id) & (Reminder.status == "planned")
    ).execute()
    Wish.delete().where(Wish.client_id.in_(ids) & (Wish.account_id == account_id)).execute()
    traffic = blank_traffic(context.store, subjects=[*ids, *(session.id for session in theirs)], texts=texts)
    context.store.forget_after_commit()
    context.outbox.publish(
        "notifications.client_erased",
        subject=event.subject,
        account_id=account_id,
        sequence=event.sequence,
        data={
            "id": event.subject,
            "account_id": account_id,
            "version": event.data["version"],
            "service": "notifications",
            "blanked": {
                "clients": blanked_clients,
                "sessions": len(theirs),
                "deliveries": blanked_deliveries,
                **traffic,
            },
            "kept": [
                {
                    "what": "that messages were sent, by kind and time",
                    "why": "without name, address and text they name nobody",
                },
                {
                    "what": "a digest of a number that said STOP",
                    "why": "the refusal must be honoured for as long as the number can be texted",
                },
            ],
        },
    )


def without_words(cancellations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What becomes of a session's columns that hold words about the client, or links of theirs."""
    return {
        "notes": "",
        "client_message": "",
        "manage_url": None,
        "payment_url": None,
        # What happened by itself says why in a code.
        "cancellations": [each if each["by"] == "system" else {**each, "reason": None} for each in cancellations],
    }


def _remember(event: Event) -> None:
    Client.insert(
        id=event.subject,
        account_id=event.account_id,
        version=event.data["version"],
        name="",
        email_allowed=False,
        sms_allowed=False,
        deleted=True,
        erased_at=event.time,
    ).on_conflict_ignore().execute()
