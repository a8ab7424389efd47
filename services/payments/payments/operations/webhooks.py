"""Stripe's webhooks: stored as they come and acknowledged at once, then acted upon once each, in any order, by reading the object again."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from chassis.problems import BadRequest, InvalidJson
from chassis.rows import ahead, change, every, first, locked, update
from chassis.statements import Question
from chassis.store import moment, placeholders
from chassis.telemetry import span, traceparent
from payments.domain.charging import ChargeModel
from payments.gateways.stripe import (
    BadSignature,
    NoEvent,
    RefundState,
    StripeBusy,
    StripeEvent,
    StripeUnsure,
    read_event,
)
from payments.operations.connect import look_at_account, take_in_account
from payments.operations.context import WEBHOOKS, Payments
from payments.operations.money import InTheWay, take_in_dispute, take_in_foreign_refund, take_in_page, take_in_part
from payments.store.models import Checkout, Connection, PartStatus, Payment, RefundPart, Webhook, WebhookState

log = logging.getLogger(__name__)

_LEASE = timedelta(minutes=1)
# How many that are due are looked at together. Those of our own refunds are many; after one that tells something the rest is read again.
_PORTION = 50
_FIRST_RETRY, _LONGEST_RETRY, _TRIES = timedelta(seconds=1), timedelta(minutes=30), 12
_META_PART: Final = "timeblu_refund_part"
_META_CHECKOUT: Final = "timeblu_checkout"
_OF_REFUNDS: Final = ("refund.", "charge.refund.updated")
# Stripe's webhook may be quicker than its answer.
_FOR_OUR_ANSWER = timedelta(seconds=0.3)


Act = Callable[[Payments, Webhook], None]


class BadSignatureProblem(BadRequest):
    code, title = "bad_signature", "The webhook is not signed by Stripe, or too old"


def store_webhook(context: Payments, body: bytes, signature: str | None) -> bool:
    """Keep a genuine webhook to be processed; returns whether it is new.

    Raises:
        BadSignatureProblem: it is forged, altered or older than five minutes.
        InvalidJson: it is signed, and no event.
    """
    try:
        event = context.stripe().event(body, signature)
    except BadSignature:
        log.warning("a webhook with a bad signature was refused")
        raise BadSignatureProblem from None
    except NoEvent:
        log.warning("a signed webhook was no event")
        raise InvalidJson("The body is no event of Stripe's") from None
    now = context.now()
    # What tells of a refund is mostly of one that we are making, whose answer tells it first; many are then judged at once.
    due = now + _FOR_OUR_ANSWER if _of_a_refund(event) or _of_a_charge(event) else now
    new = bool(context.store.alone(_insertion(context, event, body, now, due)))
    if new and due == now:
        context.wakeups.notify(WEBHOOKS)
    return new


def _insertion(context: Payments, event: StripeEvent, body: bytes, now: datetime, due: datetime) -> Question:
    return context.store.question(
        """INSERT INTO webhooks (id, stripe_account, type, object_id, body, state, tries, traceparent, received_at, next_attempt_at)
           VALUES (%s, %s, %s, %s, %s, %s, 0, %s, %s, %s) ON CONFLICT (id) DO NOTHING RETURNING id""",
        (
            event.id,
            event.account,
            event.type,
            event.object_id,
            body.decode("utf-8", "replace"),
            WebhookState.STORED.value,
            traceparent(),
            now,
            due,
        ),
    )


def _of_a_refund(event: StripeEvent) -> bool:
    return event.type.startswith(_OF_REFUNDS) and event.object_id is not None


def _of_a_charge(event: StripeEvent) -> bool:
    return event.type == "charge.refunded" and event.object_id is not None


def _parts_told_of(event: StripeEvent) -> list[RefundPart]:
    """The refunds of ours that it tells of, those that we are making just now included; empty for what tells of none."""
    if _of_a_refund(event):
        named = first(RefundPart, id=event.metadata.get(_META_PART)) if event.metadata.get(_META_PART) else None
        if named is not None and named.stripe_refund in {None, event.object_id}:
            return [named]
        return every(RefundPart, stripe_refund=event.object_id)
    return _parts_of_charge(event) if _of_a_charge(event) else []


def _parts_of_charge(event: StripeEvent) -> list[RefundPart]:
    payment = first(Payment, charge=event.object_id)
    return every(RefundPart, payment_id=payment.id) if payment else []


def _tells_nothing_new(event: StripeEvent, parts: Sequence[RefundPart]) -> bool:
    """Whether it tells of a refund as we hold it, as most do of those that we make ourselves: Stripe need not be asked.

    What has changed there since has a webhook of its own. `parts` are the refunds of ours that it tells of.
    """
    made = [part for part in parts if part.stripe_refund is not None]
    if _of_a_refund(event):
        return any((part.status, part.pending_reason) == (event.status, event.pending_reason) for part in made)
    ended = any(part.status in {PartStatus.FAILED, PartStatus.CANCELED} for part in made)
    return _of_a_charge(event) and not ended and sum(part.amount for part in made) == event.refunded


def process_due(context: Payments) -> int:
    """Act upon a stored webhook, having done with all before it that need nothing; returns how many were dealt with."""
    done, webhook = context.store.run(lambda: _claim(context))
    if webhook is None:
        return done
    try:
        with span(f"webhook {webhook.type}", traceparent=webhook.traceparent):
            _act(context, webhook)
    except (StripeBusy, StripeUnsure, InTheWay) as trouble:
        # It says nothing of the webhook, which Stripe will not send again: it is never given up.
        log.info("webhook %s (%s) is tried again: %s", webhook.id, webhook.type, trouble)
        context.store.run(lambda trouble=trouble: _put_off(context, webhook, trouble, tries=None))  # type: ignore[misc]
    except Exception as error:
        log.exception("webhook %s (%s) failed", webhook.id, webhook.type)
        context.store.run(lambda error=error: _put_off(context, webhook, error, tries=_TRIES))  # type: ignore[misc]
    else:
        context.store.run(lambda: _finish(context, webhook))
    return done + 1


def next_webhook_due() -> datetime | None:
    query = Webhook.select(Webhook.next_attempt_at).where(Webhook.next_attempt_at.is_null(False))
    return moment(query.order_by(Webhook.next_attempt_at).limit(1).scalar())


def forget_old_webhooks(context: Payments) -> int:
    """Delete what was processed longer ago than Stripe would repeat it; returns how many."""
    before = context.now() - timedelta(days=context.settings.webhook_retention_days)

    def forget() -> int:
        with context.store.transaction():
            return int(
                Webhook.delete()
                .where((Webhook.received_at < before) & (Webhook.state != WebhookState.STORED))
                .execute()
            )

    return context.store.run(forget)


def _claim(context: Payments) -> tuple[int, Webhook | None]:
    """Be done with those that are due and need nothing, up to the first that does, which is taken up.

    Most are of refunds that we made ourselves: the answer has told the same.
    """
    now = context.now()
    due = context.store.question(
        f"""SELECT id FROM webhooks WHERE next_attempt_at <= %s
            ORDER BY next_attempt_at LIMIT {_PORTION} {context.store.skip_locked}""",
        (now,),
    )
    with context.store.transaction(due):
        ids = [id for (id,) in context.store.ask(due)]
        webhooks = {webhook.id: webhook for webhook in locked(Webhook, ids)}
        events = {id: read_event(webhook.body) for id, webhook in webhooks.items() if webhook.body is not None}
        done: dict[WebhookState, list[str]] = {WebhookState.DONE: [], WebhookState.UNKNOWN: []}
        taken = None
        with _asked_ahead(webhooks.values(), events.values()):
            for webhook in map(webhooks.__getitem__, ids):
                webhook.account_id = _whose(webhook)
                needless = _needless(webhook, events.get(webhook.id))
                if needless is None:
                    taken = webhook
                    break
                done[needless].append(webhook.id)
        _leave(context, done)
        if taken is not None:
            taken.tries += 1
            taken.next_attempt_at = now + _LEASE
            change(taken)
        return sum(map(len, done.values())), taken


def _needless(webhook: Webhook, event: StripeEvent | None) -> WebhookState | None:
    """How one ends that needs nothing to be done; None of any other. `event` is what it says, where that is still known."""
    if webhook.stripe_account is not None and webhook.account_id is None:
        return WebhookState.UNKNOWN
    if _act_on(webhook.type) is None:
        return WebhookState.DONE
    return WebhookState.DONE if event and _tells_nothing_new(event, _parts_told_of(event)) else None


def _leave(context: Payments, done: Mapping[WebhookState, Sequence[str]]) -> None:
    """What is unknown keeps what it said, for when its account is connected."""
    for state, ids in done.items():
        if ids:
            forget = "body = NULL, " if state is WebhookState.DONE else ""
            context.store.execute(
                f"UPDATE webhooks SET state = %s, {forget}next_attempt_at = NULL WHERE id IN ({placeholders(ids)})",
                (state.value, *ids),
            )


@contextmanager
def _asked_ahead(webhooks: Collection[Webhook], events: Collection[StripeEvent]) -> Iterator[None]:
    """Inside, what is asked to judge each of these, which say `events`, is known, asked once for all."""
    named = {event.metadata[_META_PART] for event in events if _of_a_refund(event) and _META_PART in event.metadata}
    charges = {event.object_id for event in events if _of_a_charge(event)}
    accounts = {webhook.stripe_account for webhook in webhooks} - {None}
    with ahead((Connection, {"stripe_account": accounts}), (RefundPart, {"id": named}), (Payment, {"charge": charges})):
        paid = {payment.id for charge in charges for payment in every(Payment, charge=charge)}
        with ahead((RefundPart, {"payment_id": paid})):
            yield


def _whose(webhook: Webhook) -> str | None:
    row = first(Connection, stripe_account=webhook.stripe_account) if webhook.stripe_account else None
    return row.account_id if row else None


def _finish(context: Payments, webhook: Webhook) -> None:
    """Remember its id; what it said, names and addresses among it, is not needed any more."""
    done = {"state": WebhookState.DONE.value, "body": None, "error": None, "next_attempt_at": None}
    with context.store.transaction():
        update(Webhook, webhook.id, done)


def _put_off(context: Payments, webhook: Webhook, error: Exception, *, tries: int | None) -> None:
    """Try it again later; after `tries` it is given up."""
    pause: timedelta = min(_FIRST_RETRY * 2 ** min(webhook.tries - 1, 20), _LONGEST_RETRY) * random.uniform(0.5, 1)
    given_up = tries is not None and webhook.tries >= tries
    with context.store.transaction():
        Webhook.update(
            state=(WebhookState.FAILED if given_up else WebhookState.STORED).value,
            error=f"{type(error).__name__}: {error}"[:500],
            next_attempt_at=None if given_up else context.now() + pause,
        ).where(Webhook.id == webhook.id).execute()


# --- what each kind means -------------------------------------------------------------------------------------------


def _act(context: Payments, webhook: Webhook) -> None:
    act = _act_on(webhook.type)
    if act is not None and webhook.object_id is not None:
        act(context, webhook)


def _act_on(type: str) -> Act | None:
    return next((act for prefix, act in _ACTS if type.startswith(prefix)), None)


def _checkout(context: Payments, webhook: Webhook) -> None:
    _take_in_page(context, webhook, stripe_session=webhook.object_id)


def _refund(context: Payments, webhook: Webhook) -> None:
    seen = context.stripe().refund(webhook.stripe_account or "", _model(webhook), webhook.object_id)
    _take_in_refund(context, webhook, seen)


def _charge(context: Payments, webhook: Webhook) -> None:
    for seen in context.stripe().refunds_of(webhook.stripe_account or "", _model(webhook), charge=webhook.object_id):
        _take_in_refund(context, webhook, seen)


def _take_in_refund(context: Payments, webhook: Webhook, seen: RefundState) -> None:
    with context.store.reading():
        part = first(RefundPart, stripe_refund=seen.id) or first(RefundPart, id=seen.metadata.get(_META_PART, ""))
        payment = first(Payment, id=part.payment_id) if part else None
    payment = payment or _payment_heard_of(context, webhook, seen.payment_intent, seen.charge)
    if payment is None or not _on_its_account(webhook, payment.stripe_account, payment.charge_model):
        return
    if part is not None:
        context.store.run(lambda: take_in_part(context, part, seen))
    else:
        context.store.run(lambda: take_in_foreign_refund(context, payment, seen))


def _dispute(context: Payments, webhook: Webhook) -> None:
    seen = context.stripe().dispute(webhook.stripe_account or "", _model(webhook), webhook.object_id)
    payment = _payment_heard_of(context, webhook, seen.payment_intent, seen.charge)
    if payment is not None and _on_its_account(webhook, payment.stripe_account, payment.charge_model):
        context.store.run(lambda: take_in_dispute(context, payment, seen))


def _payment_heard_of(
    context: Payments, webhook: Webhook, payment_intent: str | None, charge: str | None
) -> Payment | None:
    """The payment that the webhook's object is of; where what tells of it comes only later, it is taken in now. None: not one of ours."""
    with context.store.reading():
        payment = _payment(payment_intent, charge)
    if payment is not None or payment_intent is None:
        return payment
    made = context.stripe().charge_of(webhook.stripe_account or "", _model(webhook), payment_intent)
    if made is None:
        return None
    _take_in_page(context, webhook, id=made.metadata.get(_META_CHECKOUT, ""))
    with context.store.reading():
        return _payment(payment_intent, charge)


def _account(context: Payments, webhook: Webhook) -> None:
    look_at_account(context, webhook.stripe_account or webhook.object_id)


def _deauthorized(context: Payments, webhook: Webhook) -> None:
    if webhook.stripe_account is not None:
        take_in_account(context, webhook.stripe_account, None)


def _intent(context: Payments, webhook: Webhook) -> None:
    """A payment that went through: its Checkout page tells all of it."""
    if webhook.body:
        _take_in_page(context, webhook, id=read_event(webhook.body).metadata.get(_META_CHECKOUT, ""))


def _take_in_page(context: Payments, webhook: Webhook, **equal: Any) -> None:
    """Take in the page whose fields equal these; only a hint, as it is read again from Stripe, on its own account.

    One whose answer we never got was shown to nobody; one of somebody else's is not ours to judge.
    """
    with context.store.reading():
        page = first(Checkout, **equal)
    if page is None or page.stripe_session is None:
        return
    if _on_its_account(webhook, page.stripe_account, page.charge_model):
        seen = context.stripe().checkout(page.stripe_account, ChargeModel(page.charge_model), page.stripe_session)
        context.store.run(lambda: take_in_page(context, page.id, seen))


def _payment(payment_intent: str | None, charge: str | None) -> Payment | None:
    if payment_intent:
        return first(Payment, payment_intent=payment_intent)
    return first(Payment, charge=charge) if charge else None


def _model(webhook: Webhook) -> ChargeModel:
    """How what lives where the webhook comes from was charged."""
    return ChargeModel.DIRECT if webhook.stripe_account else ChargeModel.DESTINATION


def _on_its_account(webhook: Webhook, stripe_account: str, charge_model: str) -> bool:
    """Whether the webhook speaks for the account on which the thing lives; one of another account's is ignored."""
    home = stripe_account if charge_model == ChargeModel.DIRECT else None
    if webhook.stripe_account == home:
        return True
    log.warning("webhook %s (%s) speaks for an account that it does not come from", webhook.id, webhook.type)
    return False


_ACTS: tuple[tuple[str, Act], ...] = (
    ("checkout.session.", _checkout),
    ("payment_intent.succeeded", _intent),
    ("charge.refunded", _charge),
    ("charge.refund.updated", _refund),
    ("refund.", _refund),
    ("charge.dispute.", _dispute),
    ("account.application.deauthorized", _deauthorized),
    ("account.updated", _account),
)
