"""Calling for messages: a delivery row a fact and channel, once, put on its queue in the same unit of work where it is due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from chassis.ids import new_id
from notifications.domain.facts import Fact
from notifications.domain.kinds import MONEY_CAME, TERMS, Channel, Kind
from notifications.domain.preferences import Preferences, channels
from notifications.domain.standing import (
    BATCH_COMES_WITHIN,
    PAYMENTS_ANSWER_WITHIN,
    awaits_payments,
    earlier_missing,
)
from notifications.domain.statuses import DeliveryStatus, Reason
from notifications.operations.context import Notifications
from notifications.store import deliveries, replicas
from notifications.store.models import Delivery, Session

QUEUE_LEASE = timedelta(minutes=5)
"""How long a delivery may be on its queue (real time) before it is put there again: a repeat does no harm."""


def announce(
    context: Notifications,
    facts: Iterable[Fact],
    session: Session,
    wishes: Preferences,
    *,
    occurred_at: datetime,
    told_up_to: int,
) -> None:
    """Call for the messages of `facts`, each once for good.

    Facts of the subject's versions up to `told_up_to` were told in a former life of this service: its replica began with a snapshot.
    """
    for fact in facts:
        if fact.sequence > told_up_to:
            for channel in channels(fact.kind):
                if wishes.wants(fact.kind, channel):
                    _call_for(context, fact, channel, session, occurred_at)


def release_waiting(context: Notifications, session: Session) -> None:
    """Let go what waited for payments, for an earlier version of the deposit, or for the others that one act has changed, if all is here."""
    for delivery in deliveries.waiting_of(session.id):
        if not _awaits(Kind(delivery.kind), session, delivery.sequence):
            _let_go(context, delivery)
    for batch_id in replicas.batches_of(session.id):
        for delivery in deliveries.waiting_of_batch(context.store, batch_id):
            _let_go_together(context, delivery)


def hand_over(context: Notifications, delivery: Delivery) -> None:
    """Put a delivery on its channel's queue, within the open unit of work."""
    deliveries.change(delivery.id, next_attempt_at=None, claim=None, lease_until=queue_lease(context))
    tell_worker(context, delivery)


def queue_lease(context: Notifications) -> datetime:
    """Until when (real time) a delivery that is put on its queue now is left to it."""
    return context.real_clock.now() + QUEUE_LEASE


def tell_worker(context: Notifications, delivery: Delivery) -> None:
    """The message that puts a delivery, leased to its queue, on it."""
    context.outbox.send(
        queue=f"notifications.{delivery.channel}",
        type="delivery.due",
        subject=delivery.id,
        account_id=delivery.account_id,
        sequence=delivery.version,
        data={
            "id": delivery.id,
            "account_id": delivery.account_id,
            "version": delivery.version,
            "channel": delivery.channel,
        },
    )


def _call_for(context: Notifications, fact: Fact, channel: Channel, session: Session, occurred_at: datetime) -> None:
    now = context.now()
    terms = TERMS[fact.kind]
    late = now > occurred_at + terms.max_lateness
    waits, patience = _awaits(fact.kind, session, fact.sequence), PAYMENTS_ANSWER_WITHIN
    if fact.batch_id is not None:
        # Whoever hears of the last of them lets it go.
        waits, patience = True, BATCH_COMES_WITHIN
    begins = occurred_at + (patience if waits else timedelta(0))
    delivery = Delivery(
        id=new_id("dlv"),
        account_id=session.account_id,
        key=f"{fact.key}:{channel}",
        version=1,
        kind=fact.kind.value,
        channel=channel.value,
        session_id=fact.session_id,
        client_id=fact.client_id,
        batch_id=fact.batch_id,
        batch_size=fact.batch_size,
        cancellation_id=fact.cancellation_id,
        deposit_id=fact.deposit_id,
        refund_id=fact.refund_id,
        unless_told=fact.unless_told,
        sequence=fact.sequence,
        due_at=occurred_at,
        waits=waits and not late,
        status=(DeliveryStatus.SKIPPED if late else DeliveryStatus.QUEUED).value,
        reason=Reason.TOO_LATE.value if late else None,
        attempts=0,
        next_attempt_at=None if late else max(begins, now),
        created_at=now,
        updated_at=now,
    )
    if not deliveries.add(context.store, delivery) or late:
        return
    if begins <= now:
        hand_over(context, delivery)


def _let_go_together(context: Notifications, delivery: Delivery) -> None:
    """Let a message about several sessions go once all of them are here, and payments has answered or had its time to."""
    sessions = [session for session, _ in replicas.sessions_of_batch(delivery.batch_id or "")]
    if len(sessions) < (delivery.batch_size or 0):
        return
    if TERMS[Kind(delivery.kind)].tells_of_money and any(_awaits_payments(session) for session in sessions):
        until = max(delivery.due_at + PAYMENTS_ANSWER_WITHIN, context.now())
        if delivery.next_attempt_at is None or until < delivery.next_attempt_at:
            deliveries.change(delivery.id, next_attempt_at=until)
        return
    _let_go(context, delivery)


def _let_go(context: Notifications, delivery: Delivery) -> None:
    deliveries.change(delivery.id, waits=False)
    hand_over(context, delivery)


def _awaits(kind: Kind, session: Session, sequence: int) -> bool:
    """Whether a message about this session alone has to wait for what payments has still to say, or has said before."""
    if kind in MONEY_CAME:
        deposit = replicas.deposit(session.id)
        return deposit is not None and earlier_missing(deposit.held, sequence, deposit.filled_to)
    return TERMS[kind].tells_of_money and _awaits_payments(session)


def _awaits_payments(session: Session) -> bool:
    deposit = replicas.deposit(session.id)
    refund = replicas.refund_of(session.id, session.cancellations[-1]["id"]) if session.cancellations else None
    return awaits_payments(
        session.as_dict(), deposit.as_dict() if deposit else None, refund.as_dict() if refund else None
    )
