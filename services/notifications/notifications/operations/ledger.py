"""What was sent and what will be: reminders, deliveries, and sending one again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from chassis.ids import new_id
from chassis.problems import Conflict, NotFound, Stale
from chassis.store import moment
from notifications.domain import reminders as rules
from notifications.domain.kinds import TERMS, Channel
from notifications.domain.statuses import OPEN, DeliveryStatus
from notifications.operations.announcing import hand_over
from notifications.operations.context import Notifications
from notifications.operations.preferences import require_account
from notifications.operations.reach import situation_of
from notifications.operations.sending import message_of
from notifications.store import deliveries, reminders, replicas
from notifications.store.models import Delivery, Reminder

SHOWN = tuple(status for status in DeliveryStatus if status not in (DeliveryStatus.SENDING, DeliveryStatus.SKIPPED))
"""The statuses of a list that asks for none: what was skipped was never sent, and is shown where it is asked for."""


def list_reminders(
    context: Notifications,
    account_id: str,
    *,
    session_id: str | None,
    updated_since: datetime | None,
    after: Sequence[Any] | None,
    limit: int,
) -> list[Reminder]:
    """The reminders of a session, or of the account, by their moment; up to `limit`."""
    with context.store.reading():
        require_account(context, account_id)
        position = (moment(after[0]), after[1]) if after else None
        return reminders.listing(
            account_id,
            session_id=session_id,
            updated_since=updated_since,
            after=position,  # type: ignore[arg-type]
            limit=limit,
        )


def list_deliveries(
    context: Notifications,
    account_id: str,
    *,
    session_id: str | None,
    statuses: Sequence[str],
    kind: str | None,
    channel: str | None,
    text: str | None,
    updated_since: datetime | None,
    after: str | None,
    limit: int,
) -> list[Delivery]:
    """The account's deliveries, newest first; of these statuses where some are given."""
    wanted = list(statuses or SHOWN)
    if DeliveryStatus.QUEUED in wanted:
        wanted.append(DeliveryStatus.SENDING)
    with context.store.reading():
        require_account(context, account_id)
        return deliveries.listing(
            account_id,
            session_id=session_id,
            statuses=wanted,
            kind=kind,
            channel=channel,
            text=text,
            updated_since=updated_since,
            after=after,
            limit=limit,
        )


def get_delivery(context: Notifications, account_id: str, delivery_id: str) -> Delivery:
    """One delivery. Raises NotFound where the account has none of this id."""
    with context.store.reading():
        require_account(context, account_id)
        delivery = deliveries.get(delivery_id, account_id)
    if delivery is None:
        raise NotFound
    return delivery


def resend(context: Notifications, account_id: str, delivery_id: str, seen: int | None = None) -> Delivery:
    """Send a message again because somebody asks for it: a delivery of its own, rendered anew, to the address of today.

    Raises:
        NotFound: the account has no such delivery.
        Stale: it has changed since version `seen`.
        Conflict: it is still under way, no longer true, or the client cannot be reached so.
    """
    with context.store.transaction():
        require_account(context, account_id)
        before = deliveries.get(delivery_id, account_id)
        if before is None:
            raise NotFound
        if seen is not None and seen != before.version:
            raise Stale
        if before.status in OPEN:
            raise Conflict("it has not been sent yet", code="invalid_transition")
        _refuse_what_no_longer_holds(context, before)
        now = context.now()
        delivery = Delivery(
            **{name: getattr(before, name) for name in _SAME},
            id=new_id("dlv"),
            key=f"{before.key}:again:{new_id('x')}",
            version=1,
            resend_of=before.id,
            due_at=now,
            waits=False,
            status=DeliveryStatus.QUEUED.value,
            attempts=0,
            next_attempt_at=now,
            created_at=now,
            updated_at=now,
        )
        deliveries.add(context.store, delivery)
        hand_over(context, delivery)
        return delivery


_SAME = "account_id kind channel session_id client_id batch_id batch_size cancellation_id deposit_id refund_id sequence".split()


def _refuse_what_no_longer_holds(context: Notifications, delivery: Delivery) -> None:
    account = replicas.account(delivery.account_id)
    client = replicas.client(delivery.client_id, delivery.account_id)
    assert account is not None
    if client is None or client.erased_at is not None:
        raise Conflict("the client was erased", code="invalid_transition")
    message, so = message_of(delivery, account, client, context.now(), again=True)
    if not so:
        raise Conflict("what it told is no longer so", code="invalid_transition")
    kind = message.kind
    if TERMS[kind].audience == "client":
        situation = situation_of(context, message.session, account, client, message.wishes)
        reason = rules.unreachable(situation, kind, Channel(delivery.channel))
        if reason is not None:
            raise Conflict(f"the client cannot be reached by {delivery.channel}: {reason}", code="invalid_transition")
