"""Making planned refunds happen at Stripe, each once: the intent is committed before the call, the outcome after it.

What a crash or a lost answer leaves in between is `unsure`, and whoever takes it up next asks Stripe first, by our metadata. Only where Stripe has
nothing is it repeated, with the same idempotency key while Stripe remembers it and it does not remember a server error, else with a new one.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from opentelemetry.trace import SpanKind

from chassis.rows import ahead, change, first
from chassis.store import moment
from chassis.telemetry import span
from payments.domain.charging import ChargeModel
from payments.gateways.stripe import NewRefund, RefundState, StripeBusy, StripeRefused, StripeUnsure
from payments.operations.connect import note_refusal
from payments.operations.context import Payments
from payments.operations.money import fail_part, put_off_part, take_in_foreign_refund, take_in_part
from payments.store.models import Deposit, PartStatus, Payment, RefundPart

log = logging.getLogger(__name__)

# Longer than the longest call to Stripe with the question before it: who holds a refund for longer is gone.
_LEASE = timedelta(seconds=45)
# Stripe forgets a key after 24 hours; an hour is left for clocks and slow answers.
_KEY_LIFE = timedelta(hours=23)
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=0.25), timedelta(minutes=5)
_BALANCE_RETRY, _BALANCE_PATIENCE = timedelta(hours=1), timedelta(days=14)
# How long one run of the job waits for a slow one before it gives its thread back.
_PATIENCE_SECONDS, _POLL_SECONDS = 1.0, 0.05
_META = "timeblu_refund"
_META_PART = "timeblu_refund_part"
_NO_BALANCE = frozenset({"balance_insufficient", "insufficient_funds"})


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A part of a refund that this thread may make happen now. `ask_first`: it may have happened already."""

    part: RefundPart
    payment: Payment
    deposit: Deposit
    ask_first: bool
    tries: int


class RefundCrew:
    """Makes refunds at Stripe, several at a time; the job's `run` hands out what is due."""

    def __init__(self, context: Payments) -> None:
        self._context = context
        self._workers = context.settings.refund_workers
        self._pool = ThreadPoolExecutor(max_workers=self._workers, thread_name_prefix="refund")
        self._under_way: set[Future[None]] = set()

    def run(self) -> int:
        """Take up what is due and see it through; returns how many were taken up. A slow one is left to its thread."""
        started, taken = monotonic(), 0
        while True:
            self._under_way = {each for each in self._under_way if not each.done()}
            claimed = self._context.store.run(lambda: claim(self._context, self._workers - len(self._under_way)))
            self._under_way |= {self._pool.submit(self._perform, each) for each in claimed}
            taken += len(claimed)
            if not self._under_way or (not claimed and monotonic() - started > _PATIENCE_SECONDS):
                return taken
            wait(self._under_way, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)

    def _perform(self, claimed: Claimed) -> None:
        try:
            with span("refund at stripe", kind=SpanKind.CLIENT, traceparent=claimed.part.traceparent):
                perform(self._context, claimed)
        except Exception:
            # The lease brings it back, and then Stripe is asked before anything is repeated.
            log.exception("refund %s was not brought to an end", claimed.part.refund_id)


def next_refund_due() -> datetime | None:
    """When the next refund is to be made, or looked at."""
    return moment(
        RefundPart.select(RefundPart.next_attempt_at)
        .order_by(RefundPart.next_attempt_at)
        .where(RefundPart.next_attempt_at.is_null(False))
        .limit(1)
        .scalar()
    )


def claim(context: Payments, limit: int) -> list[Claimed]:
    """Take up to `limit` that are due, their attempt and key committed with it."""
    if limit < 1:
        return []
    now = context.now()
    due = context.store.question(
        f"""SELECT id, payment_id, deposit_id FROM refund_parts WHERE next_attempt_at <= %s AND status = %s
            ORDER BY next_attempt_at LIMIT %s {context.store.skip_locked}""",
        (now, PartStatus.PLANNED.value, limit),
    )
    with context.store.transaction(due):
        found = context.store.ask(due)
        if not found:
            return []
        parts, payments, deposits = zip(*found, strict=True)
        with ahead((RefundPart, {"id": parts}), (Payment, {"id": payments}), (Deposit, {"id": deposits})):
            return [_take_up(context, part, payment, deposit, now) for part, payment, deposit in found]


def _take_up(context: Payments, part_id: str, payment_id: str, deposit_id: str, now: datetime) -> Claimed:
    part, payment, deposit = first(RefundPart, id=part_id), first(Payment, id=payment_id), first(Deposit, id=deposit_id)
    assert part is not None, "it was just locked"
    assert payment is not None, "payments are never deleted"
    assert deposit is not None, "deposits are never deleted"
    ask_first = bool(part.unsure)
    worn_out = part.key_used_at is not None and now - part.key_used_at >= _KEY_LIFE
    if part.key_spoilt or worn_out:
        part.attempt += 1
        part.key_used_at, part.key_spoilt = None, False
    part.key_used_at = part.key_used_at or now
    part.unsure = True
    part.tries += 1
    part.next_attempt_at = now + _LEASE
    with context.store.as_one(left=True):
        change(part)
    return Claimed(part=part, payment=payment, deposit=deposit, ask_first=ask_first, tries=part.tries)


def perform(context: Payments, claimed: Claimed) -> None:
    """See one refund through at Stripe and keep the outcome, or when to try again."""
    part, store = claimed.part, context.store
    try:
        found = _find(context, claimed) if claimed.ask_first else None
    except (StripeBusy, StripeUnsure, StripeRefused) as trouble:
        log.warning("refund %s cannot be asked for: %s", part.refund_id, trouble)
        _put_off(context, claimed, _backoff(part.tries))
        return
    try:
        seen = found or _create(context, claimed)
    except StripeBusy as busy:
        log.info("refund %s waits: %s", part.refund_id, busy)
        # Nothing was done by this attempt; what an earlier one left open stays open.
        _put_off(context, claimed, _backoff(part.tries), unsure=claimed.ask_first)
    except StripeUnsure as unsure:
        log.warning("refund %s is unsure: %s", part.refund_id, unsure)
        _put_off(context, claimed, _backoff(part.tries), key_spoilt=bool(part.key_spoilt or unsure.spoilt))
    except StripeRefused as refused:
        _refused(context, claimed, refused)
    else:
        store.run(lambda: take_in_part(context, part, seen, claimed.deposit))
        log.info("refund %s is %s at Stripe", part.refund_id, seen.status)


def _find(context: Payments, claimed: Claimed) -> RefundState | None:
    """What Stripe has of this refund, by our metadata."""
    return next(
        (each for each in _all_of(context, claimed.payment) if each.metadata.get(_META_PART) == claimed.part.id), None
    )


def _all_of(context: Payments, payment: Payment) -> list[RefundState]:
    return context.stripe().refunds_of(
        payment.stripe_account, ChargeModel(payment.charge_model), payment_intent=payment.payment_intent
    )


def _create(context: Payments, claimed: Claimed) -> RefundState:
    part, payment = claimed.part, claimed.payment
    model = ChargeModel(payment.charge_model)
    return context.stripe().create_refund(
        NewRefund(
            stripe_account=payment.stripe_account,
            model=model,
            payment_intent=payment.payment_intent,
            amount=part.amount,
            currency=payment.currency,
            return_fee=model is ChargeModel.DESTINATION and payment.application_fee > 0,
            metadata={
                _META: part.refund_id,
                _META_PART: part.id,
                "timeblu_deposit": part.deposit_id,
                "timeblu_account": part.account_id,
            },
            key=part.key,
        )
    )


def _refused(context: Payments, claimed: Claimed, refused: StripeRefused) -> None:
    part = claimed.part
    log.warning("refund %s was refused: %s", part.refund_id, refused.code)
    if refused.code in _NO_BALANCE and context.now() - part.created_at < _BALANCE_PATIENCE:
        # A key remembers refusals too: the next try needs a new one.
        _put_off(context, claimed, _BALANCE_RETRY, unsure=False, key_spoilt=True, pending_reason="insufficient_funds")
        return
    try:
        explained = _taken_in_elsewhere(context, claimed)
    except (StripeBusy, StripeUnsure, StripeRefused) as trouble:
        log.info("the refunds of %s cannot be listed: %s", claimed.payment.id, trouble)
        explained = False
    if not explained:
        context.store.run(lambda: fail_part(context, part, _in_words(refused)))
        note_refusal(context, claimed.payment.stripe_account, refused)


def _taken_in_elsewhere(context: Payments, claimed: Claimed) -> bool:
    """Whether Stripe has refunds of this payment that we had not heard of, which may explain the refusal; they are taken in."""
    with context.store.reading():
        known = _known_refunds(claimed.payment)
    foreign = [
        each for each in _all_of(context, claimed.payment) if each.id not in known and _META_PART not in each.metadata
    ]
    if not foreign:
        return False
    # Ours did not happen: it may give way.
    _put_off(context, claimed, _FIRST_RETRY, unsure=False, key_spoilt=True)
    for each in foreign:
        context.store.run(lambda each=each: take_in_foreign_refund(context, claimed.payment, each))  # type: ignore[misc]
    return True


def _known_refunds(payment: Payment) -> set[str | None]:
    return {
        part.stripe_refund
        for part in RefundPart.select(RefundPart.stripe_refund).where(RefundPart.payment_id == payment.id)
    }


def _put_off(context: Payments, claimed: Claimed, pause: timedelta, **changes: object) -> None:
    at = context.now() + pause
    context.store.run(lambda: put_off_part(context, claimed.part, tries=claimed.tries, at=at, **changes))


def _backoff(tries: int) -> timedelta:
    """Doubling, with jitter, so that many refunds that failed together do not come back together."""
    longest: timedelta = min(_FIRST_RETRY * 2 ** min(tries - 1, 20), _LONGEST_RETRY)
    return longest * random.uniform(0.5, 1)


def _in_words(refused: StripeRefused) -> str:
    """Why Stripe refused it and what can be done, for the provider."""
    if refused.out_of_reach:
        return "the Stripe account cannot be reached any more: connect it again, or return the money another way"
    if refused.code in _NO_BALANCE:
        return "your Stripe balance has been too low for two weeks: add money to it and try again, or return the money another way"
    disputed = "the client has disputed the payment: answer the dispute in Stripe; if you win it, try again"
    return {
        "charge_already_refunded": "the payment was already refunded in Stripe",
        "charge_disputed": disputed,
        "refund_disputed_payment": disputed,
        "charge_expired_for_refund": "the payment is too old to be refunded to the card: return the money another way",
        "charge_not_refundable": "the card takes no refund of this payment: return the money another way",
    }.get(refused.code, f"Stripe refused it: {refused.message}")


# --- looking at refunds that Stripe has -----------------------------------------------------------------------------


def look_at_one(context: Payments) -> int:
    """Look at one refund that has been with Stripe for a while, in case its webhook was lost; returns how many were (0 or 1)."""
    now = context.now()

    def take() -> RefundPart | None:
        with context.store.transaction():
            rows = context.store.execute(
                f"""SELECT id FROM refund_parts WHERE next_attempt_at <= %s AND status IN (%s, %s)
                    ORDER BY next_attempt_at LIMIT 1 {context.store.skip_locked}""",
                (now, PartStatus.PENDING.value, PartStatus.REQUIRES_ACTION.value),
            )
            if not rows:
                return None
            part: RefundPart = RefundPart.get_by_id(rows[0][0])
            part.next_attempt_at = now + timedelta(minutes=15)
            part.save()
            return part

    take_one: Callable[[], RefundPart | None] = take
    part = context.store.run(take_one)
    if part is None:
        return 0
    with context.store.reading():
        payment = Payment.get_by_id(part.payment_id)
    try:
        seen = context.stripe().refund(payment.stripe_account, ChargeModel(payment.charge_model), part.stripe_refund)
    except (StripeBusy, StripeUnsure, StripeRefused) as trouble:
        log.info("refund %s could not be looked at: %s", part.refund_id, trouble)
        return 1
    context.store.run(lambda: take_in_part(context, part, seen))
    return 1
