"""Money that moved: every payment, refund and dispute becomes ledger entries here, once each, and the deposit is settled anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chassis.ids import new_id
from chassis.rows import add, change, first, question
from chassis.statements import Question
from contracts.sessions import RefundStatus
from payments.domain.cancellations import Cancellation
from payments.operations.book import PARTS_UNDER_WAY, SURPLUS
from payments.operations.context import Payments
from payments.operations.settle import Case, asked_to_conclude, asked_to_open, conclude, open_case, plan_refund
from payments.store.models import (
    Checkout,
    CheckoutState,
    Deposit,
    Entry,
    LedgerEntry,
    PartStatus,
    Payment,
    Purse,
    Refund,
    RefundPart,
)
from payments.store.queries import LIVE_PAGES, lock_part, locked

if TYPE_CHECKING:
    from payments.gateways.stripe import CheckoutPage, DisputeState, PaymentState, RefundState

PAID_TWICE, RELEASED, NOT_WANTED = "paid_twice", "released", "not_wanted"
DASHBOARD = "stripe_dashboard"
# How long to wait before looking at what is with Stripe, or with a bank: its webhook usually comes first.
_FIRST_LOOK, _LONGEST_LOOK = timedelta(minutes=15), timedelta(hours=12)
# Where a payment's money lies with us, in the order in which a bank takes it.
_PURSES = (Purse.HELD, Purse.SURPLUS)
_ENDED = (PartStatus.FAILED.value, PartStatus.CANCELED.value)


class NotOurs(Exception):
    """What Stripe tells of belongs to no deposit here."""


def take_in_page(context: Payments, page_id: str, seen: CheckoutPage) -> None:
    """Keep what Stripe says of a Checkout page: paid, refused by the bank, ended, or still open."""
    with context.store.transaction():
        page = Checkout.get_by_id(page_id)
        deposit = Deposit.get_by_id(page.deposit_id)
        case = open_case(context, deposit.account_id, deposit.session_id)
        assert case is not None, "a page has a deposit, and that a session"
        page = Checkout.get_by_id(page_id)
        page.stripe_session = seen.id
        if seen.status == "complete" and seen.payment:
            page.state = CheckoutState.COMPLETE.value
        elif seen.status == "complete" and seen.refused:
            page.state = CheckoutState.FAILED.value
        elif seen.status == "complete":
            # What the bank has refused stays so, should this be older.
            if page.state in LIVE_PAGES:
                page.state = CheckoutState.PROCESSING.value
        elif seen.status == "expired":
            page.state = CheckoutState.EXPIRED.value
        elif page.state in {CheckoutState.INTENDED, CheckoutState.OPEN}:
            page.state, page.url, page.expires_at = CheckoutState.OPEN.value, seen.url, seen.expires_at
            if not page.ending:
                # In case the webhook of its payment or its end is lost.
                page.next_attempt_at = seen.expires_at + _FIRST_LOOK
        if page.state not in {CheckoutState.INTENDED, CheckoutState.OPEN}:
            page.lease_until = page.next_attempt_at = None
            page.ending = False
        if page.state == CheckoutState.PROCESSING:
            # The bank takes its days, and the webhook of its word may be lost.
            now = context.now()
            page.next_attempt_at = now + _next_look(now - page.intended_at)
        page.save()
        if seen.payment is not None:
            _take_in_payment(case, page, seen.payment)
        conclude(case)


def _take_in_payment(case: Case, page: Checkout, paid: PaymentState) -> None:
    if any(payment.payment_intent == paid.payment_intent for payment in case.book.payments):
        return
    payment = Payment.create(
        id=new_id("pay"),
        account_id=case.deposit.account_id,
        deposit_id=case.deposit.id,
        kind="card",
        amount=paid.amount,
        currency=paid.currency,
        stripe_account=page.stripe_account,
        payment_intent=paid.payment_intent,
        charge=paid.charge,
        charge_model=page.charge_model,
        application_fee=page.application_fee,
        received_at=min(paid.received_at, case.context.now()),
    )
    case.book.put_payment(payment)
    room = 0 if case.keeps_nothing else max(case.deposit.amount - case.book.standing().paid, 0)
    held = min(room, paid.amount)
    if held:
        enter(case, payment, Entry.CHARGE, Purse.CLIENT, Purse.HELD, held, at=payment.received_at)
    surplus = paid.amount - held
    if surplus:
        enter(case, payment, Entry.CHARGE, Purse.CLIENT, Purse.SURPLUS, surplus, at=payment.received_at)
        plan_refund(
            case,
            cause=f"{SURPLUS}{payment.id}",
            amount=surplus,
            percentage=None,
            reason=_why_back(case.present_cancellation, case),
            purse=Purse.SURPLUS,
            payments=[payment],
        )


def _why_back(cancellation: Cancellation | None, case: Case) -> str:
    if (cancellation is not None and cancellation.released) or case.deposit.released_at is not None:
        return RELEASED
    return NOT_WANTED if case.keeps_nothing else PAID_TWICE


def take_in_cash(case: Case, amount: int) -> None:
    """Note that the provider was paid `amount` in cash."""
    now = case.context.now()
    payment = Payment.create(
        id=new_id("pay"),
        account_id=case.deposit.account_id,
        deposit_id=case.deposit.id,
        kind="cash",
        amount=amount,
        currency=case.deposit.currency,
        application_fee=0,
        received_at=now,
    )
    case.book.put_payment(payment)
    enter(case, payment, Entry.CHARGE, Purse.CASH, Purse.HELD, amount, at=now)


def enter(
    case: Case,
    payment: Payment,
    kind: Entry,
    taken_from: Purse,
    given_to: Purse,
    amount: int,
    *,
    at: datetime,
    part: RefundPart | None = None,
    era: int | None = None,
) -> None:
    """Add an entry to the ledger; it refuses to give more than there is."""
    entry = LedgerEntry(
        id=new_id("led"),
        account_id=payment.account_id,
        deposit_id=payment.deposit_id,
        payment_id=payment.id,
        refund_part_id=part.id if part else None,
        kind=kind.value,
        era=case.deposit.era if era is None else era,
        taken_from=taken_from.value,
        given_to=given_to.value,
        amount=amount,
        currency=payment.currency,
        at=at,
        recorded_at=case.context.now(),
    )
    add(entry)
    case.book.put_entry(entry)


# --- refunds --------------------------------------------------------------------------------------------------------


def take_in_part(context: Payments, part: RefundPart, seen: RefundState, deposit: Deposit | None = None) -> None:
    """Keep what Stripe says of one of our refunds. Stale news change nothing: what has ended stays ended, what succeeded can only fail.

    `deposit` is the part's, as somebody has read it before.
    """
    with _case_of_part(context, part, deposit) as (case, part):
        if part.stripe_refund not in {None, seen.id}:
            # A second refund at Stripe that names the same part does not speak for the one that counts.
            return
        _apply(case, part, seen)
        _conclude_refund(case, part)


def fail_part(context: Payments, part: RefundPart, failure: str) -> None:
    """Keep that Stripe refused this refund for good, and what can be done."""
    with _case_of_part(context, part) as (case, part):
        if part.status != PartStatus.PLANNED:
            return
        part.status, part.failure = PartStatus.FAILED.value, failure
        part.pending_reason = part.next_attempt_at = None
        part.updated_at = context.now()
        part.save()
        _conclude_refund(case, part)


def put_off_part(context: Payments, part: RefundPart, *, tries: int, at: datetime, **changes: object) -> None:
    """Try this refund again `at`; what it waits for (`pending_reason`) stays shown until that has changed."""
    with _case_of_part(context, part) as (case, part):
        if part.status != PartStatus.PLANNED or part.tries != tries:
            return
        part.next_attempt_at = at
        for name, value in changes.items():
            setattr(part, name, value)
        part.save()
        _conclude_refund(case, part)


def take_in_foreign_refund(context: Payments, payment: Payment, seen: RefundState) -> None:
    """A refund that somebody made in Stripe's own dashboard. Ours that are planned for the same money give way."""
    with context.store.transaction():
        case = _case_of(context, payment.deposit_id)
        part = next((each for each in case.book.parts if each.stripe_refund == seen.id), None)
        if part is None and seen.status in _ENDED:
            return
        part = _locked_part(case, part.id) if part else _adopt(case, case.book.payment(payment.id), seen)
        _apply(case, part, seen)
        _conclude_refund(case, part)


def _conclude_refund(case: Case, part: RefundPart) -> None:
    """Have the part's refund, and the deposit, follow from it."""
    with case.context.store.as_one(left=True):
        add_up(case, case.book.refund(part.refund_id))
        conclude(case)


def _adopt(case: Case, payment: Payment, seen: RefundState) -> RefundPart:
    purse = Purse.SURPLUS if case.book.in_purse_or_disputed(payment, Purse.SURPLUS) >= seen.amount else Purse.HELD
    _make_room(case, payment, seen.amount)
    now = case.context.now()
    refund = Refund.create(
        id=new_id("ref"),
        account_id=payment.account_id,
        deposit_id=payment.deposit_id,
        session_id=case.deposit.session_id,
        version=0,
        cause=f"stripe:{seen.id}",
        era=_era_at(case, seen.created_at),
        status=RefundStatus.PENDING.value,
        amount=seen.amount,
        currency=payment.currency,
        reason=DASHBOARD,
        created_at=now,
        updated_at=now,
    )
    case.book.put_refund(refund)
    part: RefundPart = RefundPart.create(
        id=new_id("rpt"),
        account_id=payment.account_id,
        refund_id=refund.id,
        deposit_id=payment.deposit_id,
        payment_id=payment.id,
        purse=purse.value,
        amount=seen.amount,
        status=PartStatus.PENDING.value,
        replaced=False,
        attempt=1,
        key_spoilt=False,
        unsure=False,
        tries=0,
        created_at=now,
        updated_at=now,
    )
    case.book.put_part(part)
    return part


def _era_at(case: Case, moment: datetime) -> int:
    """The era in which something happened at Stripe, however late it is heard of; its moments are whole seconds."""
    restores = [each.restored_at.replace(microsecond=0) for each in case.cancellations if each.restored_at]
    return min(int(case.deposit.era), sum(1 for restored_at in restores if restored_at <= moment))


class InTheWay(Exception):
    """A refund of ours is at Stripe just now; once its outcome is known, the other can be taken in."""


def _make_room(case: Case, payment: Payment, amount: int) -> None:
    """Let our planned refunds of this payment give way to one that already happened.

    Raises:
        InTheWay: one of them may have happened, too.
    """
    ours = list(
        locked(
            case.context.store,
            RefundPart.select().where((RefundPart.payment_id == payment.id) & RefundPart.status.not_in(_ENDED)),
        )
    )
    for part in ours:
        case.book.put_part(part)
    missing = sum(part.amount for part in ours) + amount - payment.amount
    for part in (part for part in ours if part.status == PartStatus.PLANNED and missing > 0):
        if part.unsure:
            raise InTheWay(part.id)
        missing -= part.amount
        part.status, part.next_attempt_at = PartStatus.CANCELED.value, None
        part.failure = "a refund made in Stripe's dashboard took its place"
        part.save()
        add_up(case, case.book.refund(part.refund_id))


def _apply(case: Case, part: RefundPart, seen: RefundState) -> None:
    """Move the part to what Stripe says, with the ledger entry that belongs to it."""
    now, before = case.context.now(), part.status
    part.stripe_refund = part.stripe_refund or seen.id
    part.unsure = False
    if before in _ENDED or (before == PartStatus.SUCCEEDED and seen.status not in _ENDED):
        _leave(case, part)
        return
    part.status = seen.status
    part.pending_reason = seen.pending_reason if seen.status == PartStatus.PENDING else None
    part.failure = _in_words(seen) if seen.status in _ENDED else None
    part.next_attempt_at = now + _next_look(now - part.created_at) if seen.status in PARTS_UNDER_WAY else None
    part.updated_at = now
    _leave(case, part)
    if part.status == PartStatus.SUCCEEDED:
        _send_back(case, part)
    elif before == PartStatus.SUCCEEDED:
        _take_back(case, part)


def _leave(case: Case, part: RefundPart) -> None:
    with case.context.store.as_one(left=True):
        change(part)


def _send_back(case: Case, part: RefundPart) -> None:
    """Enter that the part's money has gone: out of its purse, and where that holds less, as one made in the dashboard may be of both, the other."""
    payment, era = case.book.payment(part.payment_id), case.book.refund(part.refund_id).era
    left, own = part.amount, Purse(part.purse)
    for purse in sorted(_PURSES, key=lambda each: each is not own):
        # What neither holds the ledger refuses.
        amount = min(left, case.book.in_purse_or_disputed(payment, purse)) if purse is own else left
        if amount:
            _leave_to_refund(case, payment, purse, amount)
            now = case.context.now()
            # Each a statement of its own: the ledger looks at what was entered before.
            with case.context.store.as_one(left=True):
                enter(case, payment, Entry.REFUND, purse, Purse.CLIENT, amount, at=now, part=part, era=era)
        left -= amount


def _take_back(case: Case, part: RefundPart) -> None:
    """Enter that what the part sent back did not arrive: it is where it was."""
    payment, era = case.book.payment(part.payment_id), case.book.refund(part.refund_id).era
    for purse in _PURSES:
        amount = case.book.gone_from(part, purse)
        if amount:
            now = case.context.now()
            enter(case, payment, Entry.REFUND_FAILED, Purse.CLIENT, purse, amount, at=now, part=part, era=era)


def _next_look(age: timedelta) -> timedelta:
    return min(max(age / 2, _FIRST_LOOK), _LONGEST_LOOK)


def add_up(case: Case, refund: Refund) -> None:
    """Derive the refund's state from its parts, and have it told where it changed."""
    current = [part for part in case.book.parts_of(refund) if not part.replaced]
    statuses = {part.status for part in current}
    if statuses & {PartStatus.PLANNED, PartStatus.PENDING}:
        status = RefundStatus.PENDING
    elif PartStatus.REQUIRES_ACTION in statuses:
        status = RefundStatus.REQUIRES_ACTION
    elif PartStatus.FAILED in statuses:
        status = RefundStatus.FAILED
    elif PartStatus.CANCELED in statuses:
        status = RefundStatus.CANCELED
    else:
        status = RefundStatus.SUCCEEDED
    waits = next(
        (part.pending_reason for part in current if part.pending_reason and part.status in PARTS_UNDER_WAY), None
    )
    failure = "; ".join(sorted({part.failure for part in current if part.failure})) or None
    if refund.version and (refund.status, refund.pending_reason, refund.failure) == (status, waits, failure):
        return
    refund.status, refund.pending_reason, refund.failure = status.value, waits, failure
    refund.version += 1
    refund.updated_at = case.context.now()
    change(refund)
    case.changed = [each for each in case.changed if each.id != refund.id] + [refund]


def _in_words(seen: RefundState) -> str:
    """Why it failed and what can be done, for the provider."""
    why = seen.failure_reason or seen.status
    return {
        "expired_or_canceled_card": "the card has expired or was cancelled: the money is back in your balance, return it another way",
        "lost_or_stolen_card": "the card was lost or stolen: the money is back in your balance, return it another way",
        "insufficient_funds": "your Stripe balance was too low: add money to it and try again",
        "declined": "the client's bank declined it: try again, or return the money another way",
        "charge_for_pending_refund_disputed": "the client disputed the payment meanwhile: answer the dispute in Stripe",
        "merchant_request": "it was cancelled in Stripe: try again if it was not meant",
        "canceled": "it was cancelled: try again if it was not meant",
    }.get(why, f"the client's bank did not take it ({why}): try again, or return the money another way")


# --- disputes -------------------------------------------------------------------------------------------------------


def take_in_dispute(context: Payments, payment: Payment, seen: DisputeState) -> None:
    """Keep what Stripe says of a dispute: the bank takes the money, and gives it back when the dispute is won. News of one that a newer has followed change nothing."""
    with context.store.transaction():
        case = _case_of(context, payment.deposit_id)
        payment = case.book.payment(payment.id)
        if payment.disputed_at is not None and seen.created_at < payment.disputed_at:
            return
        if payment.dispute != seen.id and payment.dispute_status == "lost":
            payment.lost_amount = case.book.in_purse(payment, Purse.DISPUTED)
        if seen.withdrawn:
            _withdraw(case, payment, seen.amount)
        elif seen.won:
            _give_back(case, payment)
        payment.dispute, payment.dispute_status, payment.disputed_at = seen.id, seen.status, seen.created_at
        payment.save()
        conclude(case)


def _withdraw(case: Case, payment: Payment, amount: int) -> None:
    """Have the bank hold `amount` of the payment, as far as that is here; what it holds already it does not take again."""
    missing = amount - _held_by_bank(case, payment)
    for purse in _PURSES:
        taken = max(min(missing, case.book.in_purse(payment, purse)), 0)
        if taken:
            enter(case, payment, Entry.DISPUTE, purse, Purse.DISPUTED, taken, at=case.context.now())
        missing -= taken


def _give_back(case: Case, payment: Payment) -> None:
    """Put what the bank has taken back where it took it, last what it took first: that is what was lost before."""
    left = _held_by_bank(case, payment)
    for purse in reversed(_PURSES):
        taken = min(left, case.book.disputed_from(payment, purse))
        if taken:
            enter(case, payment, Entry.DISPUTE_WON, Purse.DISPUTED, purse, taken, at=case.context.now())
        left -= taken


def _held_by_bank(case: Case, payment: Payment) -> int:
    """What the bank has taken for the newest dispute: what was lost before is apart."""
    return max(case.book.in_purse(payment, Purse.DISPUTED) - int(payment.lost_amount), 0)


def _leave_to_refund(case: Case, payment: Payment, purse: Purse, amount: int) -> None:
    """Where a dispute was heard of before a refund of `amount` that had been made already, the bank had that much less to take."""
    missing = amount - case.book.in_purse(payment, purse)
    less = min(missing, case.book.disputed_from(payment, purse))
    if less > 0:
        enter(case, payment, Entry.DISPUTE_LESS, Purse.DISPUTED, purse, less, at=case.context.now())


def _case_of(context: Payments, deposit_id: str) -> Case:
    deposit = first(Deposit, id=deposit_id)
    assert deposit is not None, "deposits are never deleted"
    case = open_case(context, deposit.account_id, deposit.session_id)
    assert case is not None, "a deposit has a session"
    return case


@contextmanager
def _case_of_part(
    context: Payments, part: RefundPart, deposit: Deposit | None = None
) -> Iterator[tuple[Case, RefundPart]]:
    """A unit of work with the case that the part belongs to, and the part as it is now. `deposit`: as it was before, to know where it is."""
    with context.store.transaction(
        *(_asked_of_part(part, deposit) if deposit else [question(Deposit, id=part.deposit_id)])
    ):
        deposit = deposit or first(Deposit, id=part.deposit_id)
        assert deposit is not None, "deposits are never deleted"
        with context.store.asked_together(*_asked_of_part(part, deposit)):
            case = open_case(context, deposit.account_id, deposit.session_id)
            assert case is not None, "a deposit has a session"
            yield case, _locked_part(case, part.id)


def _asked_of_part(part: RefundPart, deposit: Deposit) -> list[Question]:
    return [
        *asked_to_open(deposit.account_id, deposit.session_id),
        question(RefundPart, lock=True, id=part.id),
        *asked_to_conclude(deposit, deposit.client_id),
    ]


def _locked_part(case: Case, part_id: str) -> RefundPart:
    """The part as it is now, locked against those who claim it; the book takes this reading."""
    part = lock_part(part_id)
    case.book.put_part(part)
    return part
