"""Deposits as the provider sees and handles them: looking, quoting, refunding by hand, trying a refund again, noting cash."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chassis.ids import new_id
from chassis.links import BadLink
from chassis.problems import Conflict, Invalid, NotFound, Stale, Unavailable
from contracts.fields import rfc3339
from contracts.links import MANAGE, REFUND_QUOTE
from contracts.money import smallest_step
from contracts.sessions import DepositStatus, SessionStatus
from payments.domain.policy import RefundPolicy, refund_amount
from payments.domain.standing import FAILED
from payments.operations.book import BY_HAND, SURPLUS, Book
from payments.operations.checkouts import end_page
from payments.operations.context import Payments
from payments.operations.money import add_up, take_in_cash
from payments.operations.policies import known_account
from payments.operations.settle import (
    Case,
    conclude,
    open_case,
    plan_parts,
    plan_refund,
    start_asking,
)
from payments.operations.telling import seen_deposit, seen_refund
from payments.store.models import Deposit, Purse, Refund, RefundPart, Session
from payments.store.queries import live_page, own

_QUOTE_LIFE = timedelta(minutes=15)


def see_deposit(context: Payments, account_id: str, deposit_id: str) -> dict[str, Any]:
    """One deposit with its refunds.

    Raises:
        NotFound: there is none of this id in the account.
    """
    with context.store.reading():
        known_account(account_id)
        return _seen([own(Deposit, account_id, deposit_id)])[0]


def list_deposits(
    context: Payments,
    account_id: str,
    *,
    session_id: str | None,
    status: list[str],
    updated_since: datetime | None,
    before: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    """The account's deposits, newest first; `before` is the id at which the last page ended."""
    query = Deposit.select().where(Deposit.account_id == account_id)
    if session_id is not None:
        query = query.where(Deposit.session_id == session_id)
    if status:
        query = query.where(Deposit.status.in_(status))
    if updated_since is not None:
        query = query.where(Deposit.updated_at >= updated_since)
    if before is not None:
        query = query.where(Deposit.id < before)
    with context.store.reading():
        known_account(account_id)
        return _seen(list(query.order_by(Deposit.id.desc()).limit(limit)))


def _seen(deposits: list[Deposit]) -> list[dict[str, Any]]:
    """Deposits with their refunds, in three queries however many they are."""
    ids = [deposit.id for deposit in deposits]
    refunds = (
        list(Refund.select().where(Refund.deposit_id.in_(ids)).order_by(Refund.created_at.desc(), Refund.id.desc()))
        if ids
        else []
    )
    parts = list(RefundPart.select().where(RefundPart.deposit_id.in_(ids)).order_by(RefundPart.id)) if refunds else []
    return [
        seen_deposit(
            deposit,
            [(r, [p for p in parts if p.refund_id == r.id]) for r in refunds if r.deposit_id == deposit.id],
        )
        for deposit in deposits
    ]


# --- quotes ---------------------------------------------------------------------------------------------------------


def quote(context: Payments, account_id: str, session_id: str, *, at: datetime | None, by: str) -> dict[str, Any]:
    """What cancelling the session now, or `at`, would return; one for now can be executed within 15 minutes.

    Raises:
        NotFound: the session is not known in this account.
    """
    now = context.now()
    with context.store.reading():
        known_account(account_id)
        session = own(Session, account_id, session_id)
        deposit: Deposit | None = Deposit.get_or_none(
            (Deposit.session_id == session_id) & (Deposit.account_id == account_id)
        )
        if deposit is None:
            raise NotFound("this session has no deposit")
        moment = at or now
        policy = RefundPolicy.from_data(deposit.policy) if deposit.policy else None
        book = Book(deposit)
        money, by_card = book.balance(), book.refundable_by_card()
        gone_back = money.returned + book.under_way()

    def back(percentage: int) -> int:
        amount = refund_amount(paid=money.paid, gone_back=gone_back, percentage=percentage, currency=deposit.currency)
        return min(amount, by_card)

    share = policy.share(starts_at=session.starts_at, at=moment, by=by) if policy else None
    percentage = share.percentage if share else 0
    answer: dict[str, Any] = {
        "session_id": session_id,
        "deposit_id": deposit.id,
        "at": moment,
        "percentage": percentage,
        "amount": back(percentage),
        "currency": deposit.currency,
        "tier": {"hours_before": share.tier.hours_before, "percentage": share.tier.percentage}
        if share and share.tier
        else None,
        "changes": [
            {"at": change.at, "percentage": change.percentage, "amount": back(change.percentage)}
            for change in (policy.changes(starts_at=session.starts_at, after=moment, by=by) if policy else [])
        ],
        "quote_id": None,
        "expires_at": None,
    }
    if at is None:
        answer |= _signed(context, account_id, answer, now)
    return answer


def quote_by_link(context: Payments, token: str) -> dict[str, Any]:
    """What cancelling now by the client's own link, whose secret part is `token`, would return.

    Raises:
        NotFound: this is no link of ours, or its session has no deposit.
    """
    try:
        account_id, session_id = context.links.read(MANAGE, token)
    except (BadLink, TypeError, ValueError):
        raise NotFound from None
    return quote(context, account_id, session_id, at=None, by="client")


def _signed(context: Payments, account_id: str, answer: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    expires_at = now + _QUOTE_LIFE
    promise = {
        "id": new_id("quo"),
        "account_id": account_id,
        "session_id": answer["session_id"],
        "percentage": answer["percentage"],
        "amount": answer["amount"],
        "currency": answer["currency"],
        "expires_at": rfc3339(expires_at),
    }
    return {"quote_id": context.links.sign(REFUND_QUOTE, promise), "expires_at": expires_at}


# --- refunds by hand ------------------------------------------------------------------------------------------------


def refund_by_hand(
    context: Payments,
    account_id: str,
    deposit_id: str,
    *,
    percentage: int | None,
    amount: int | None,
    reason: str | None,
    expected: int | None,
) -> dict[str, Any]:
    """Plan to send back a percentage of what was paid, or an amount, whatever the policy says; returns the refund.

    Raises:
        NotFound: no such deposit in the account.
        Invalid: no card takes such an amount in the deposit's currency.
        Conflict: more than is left, or nothing can go back by card.
        Stale: the deposit is not at version `expected` any more.
    """
    with context.store.transaction():
        case = _own_case(context, account_id, deposit_id, expected)
        deposit = case.deposit
        step = smallest_step(deposit.currency)
        if amount is not None and amount % step:
            raise Invalid.field("/amount", f"Cards take {deposit.currency} in steps of {step}.")
        _refuse_where_no_card_is_reached(case.book)
        money = case.book.balance()
        wanted = amount
        if wanted is None:
            wanted = refund_amount(paid=money.paid, gone_back=0, percentage=percentage or 0, currency=deposit.currency)
        left = case.book.refundable_by_card()
        if wanted > left or wanted == 0:
            raise Conflict(f"{left} of what was paid is left to refund", code="refund_exceeds_paid", left=left)
        refund_id = new_id("ref")
        refund = plan_refund(
            case, cause=f"{BY_HAND}{refund_id}", amount=wanted, percentage=percentage, reason=reason, id=refund_id
        )
        conclude(case)
        return seen_refund(refund, case.book.parts_of(refund))


def _refuse_where_no_card_is_reached(book: Book) -> None:
    if book.disputed:
        raise Conflict("the client has disputed the payment: answer the dispute in Stripe", code="invalid_transition")
    if book.payments and all(payment.kind == "cash" for payment in book.payments):
        raise Conflict("it was paid in cash: return it in cash", code="invalid_transition")


def retry_refund(context: Payments, account_id: str, deposit_id: str, *, expected: int | None) -> dict[str, Any]:
    """Try the refund that failed last once more, as a new refund at Stripe; returns the deposit.

    Raises:
        NotFound: no such deposit in the account.
        Conflict: no refund of it has failed, or its money is not there any more.
        Stale: the deposit is not at version `expected` any more.
    """
    with context.store.transaction():
        case = _own_case(context, account_id, deposit_id, expected)
        failed = [
            refund
            for refund in case.book.refunds
            if refund.status in FAILED and (refund.era == case.deposit.era or refund.cause.startswith(SURPLUS))
        ]
        if not failed:
            raise Conflict("no refund of this deposit has failed", code="invalid_transition")
        _refuse_where_no_card_is_reached(case.book)
        for refund in failed[:1]:
            _try_again(case, refund)
        conclude(case)
        return _seen([case.deposit])[0]


def _try_again(case: Case, refund: Refund) -> None:
    for part in case.book.parts_of(refund):
        if part.replaced or part.status not in FAILED:
            continue
        payment = case.book.payment(part.payment_id)
        part.replaced = True
        part.save()
        try:
            plan_parts(case, refund, part.amount, purse=Purse(part.purse), payments=[payment])
        except ValueError:
            raise Conflict("the money of this payment has gone back already", code="refund_exceeds_paid") from None
    add_up(case, refund)


# --- cash -----------------------------------------------------------------------------------------------------------


def end_open_page(context: Payments, account_id: str, deposit_id: str) -> None:
    """End the Checkout page that may be open, so that what is paid in cash cannot be paid again by card; outside any unit of work.

    Raises:
        NotFound: no such deposit in the account.
        Unavailable: Stripe cannot be asked just now.
    """
    with context.store.reading():
        known_account(account_id)
        page = live_page(own(Deposit, account_id, deposit_id))
    if page is None:
        return
    end_page(context, page)
    with context.store.reading():
        if live_page(own(Deposit, account_id, deposit_id)) is not None:
            raise Unavailable("the client may be paying by card just now; try again in a moment", retry_after=5)


def mark_paid(
    context: Payments, account_id: str, deposit_id: str, *, amount: int | None, expected: int | None
) -> dict[str, Any]:
    """Note that what is due, or `amount` of it, was paid in cash; returns the deposit.

    Raises:
        NotFound: no such deposit in the account.
        Conflict: nothing is due, or less than `amount`.
        Stale: the deposit is not at version `expected` any more.
    """
    with context.store.transaction():
        case = _own_case(context, account_id, deposit_id, expected)
        deposit = case.deposit
        payable = {DepositStatus.REQUIRED, DepositStatus.NOT_ASKED}
        if deposit.status not in payable or case.void or case.session.status == SessionStatus.CANCELLED:
            raise Conflict(f"a deposit that is {deposit.status} cannot be marked as paid", code="invalid_transition")
        if live_page(deposit) is not None:
            raise Unavailable("the client may be paying by card just now; try again in a moment", retry_after=5)
        due = deposit.amount - case.book.balance().paid
        if amount is not None and amount > due:
            raise Conflict(f"only {due} is due", code="invalid_transition", due=due)
        if deposit.asked_at is None:
            start_asking(case)
        take_in_cash(case, amount or due)
        conclude(case)
        return _seen([case.deposit])[0]


def _own_case(context: Payments, account_id: str, deposit_id: str, expected: int | None) -> Case:
    known_account(account_id)
    case = open_case(context, account_id, own(Deposit, account_id, deposit_id).session_id)
    assert case is not None, "a deposit has a session"
    if expected is not None and expected != case.deposit.version:
        raise Stale
    return case
