"""Forgetting a person: what payments holds of a client is blanked, and what the law keeps is said."""

from __future__ import annotations

from chassis.erasing import blank_traffic
from payments.operations.book import BY_HAND
from payments.operations.context import Payments
from payments.store.models import Client, Deposit, Refund, Session, Webhook
from payments.store.queries import merged_ids

_KEPT_MONEY = {
    "what": "deposits, payments and refunds: amounts, moments and Stripe's ids",
    "why": "bookkeeping law asks to keep records of money for up to ten years; they hold no name and no address",
}


def erase_client(context: Payments, account_id: str, client_id: str, sequence: int) -> None:
    """Blank the client, and everybody who was merged into it, and answer with what was blanked and what is kept."""
    ids = merged_ids(account_id, client_id)
    known = list(Client.select().where((Client.account_id == account_id) & Client.id.in_(ids)))
    mails = [row.email for row in known if row.email]
    blanked = (
        Client.update(name="", email=None, erased_at=context.now())
        .where((Client.account_id == account_id) & Client.id.in_(ids) & Client.erased_at.is_null())
        .execute()
    )
    # Those of the platform itself, of destination charges, name no account.
    theirs = (Webhook.account_id == account_id) | Webhook.account_id.is_null()
    webhooks = sum(Webhook.update(body=None).where(theirs & Webhook.body.contains(mail)).execute() for mail in mails)
    if not Client.select().where(Client.id == client_id).exists():
        # Whatever comes late of this client must not bring it back.
        Client.create(id=client_id, account_id=account_id, version=0, name="", erased_at=context.now())
    deposits = Deposit.select(Deposit.id).where((Deposit.account_id == account_id) & Deposit.client_id.in_(ids))
    reasons = (
        Refund.update(reason=None)
        .where(Refund.deposit_id.in_(deposits) & Refund.cause.startswith(BY_HAND) & Refund.reason.is_null(False))
        .execute()
    )
    has_money = deposits.exists()
    sessions = Session.select(Session.id).where((Session.account_id == account_id) & Session.client_id.in_(ids))
    refunds = Refund.select(Refund.id).where(Refund.deposit_id.in_(deposits))
    subjects = [*ids, *(row.id for query in (sessions, deposits, refunds) for row in query)]
    traffic = blank_traffic(context.store, subjects=subjects, texts=[*mails, *(row.name for row in known)])
    context.store.forget_after_commit()
    context.outbox.publish(
        "payments.client_erased",
        subject=client_id,
        account_id=account_id,
        sequence=sequence,
        data={
            "id": client_id,
            "account_id": account_id,
            "version": sequence,
            "service": "payments",
            "blanked": {
                "clients": int(blanked),
                "webhooks": int(webhooks),
                "refund_reasons": int(reasons),
                **traffic,
            },
            "kept": [_KEPT_MONEY] if has_money else [],
        },
    )
