"""The one place that decides about deposits: given what is known of a session and its money, what becomes of its deposit.

`settle` looks at state alone. It is called after anything that may matter, as often as one likes: a session's event, a payment, the end of a
Checkout page, a refund's outcome, a connected account that may charge now. It calls nobody outside; what is to be done at Stripe it leaves as
rows for the jobs, committed with the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from chassis.ids import new_id
from chassis.rows import add, change, first, question
from chassis.statements import Question
from chassis.telemetry import traceparent
from contracts.plans import Feature, includes
from contracts.sessions import DepositStatus, RefundDecision, RefundStatus, SessionStatus
from payments.domain.cancellations import Cancellation, from_data
from payments.domain.policy import RefundPolicy, refund_amount
from payments.domain.standing import FAILED, UNDER_WAY, Standing
from payments.operations.book import Balance, Book
from payments.operations.context import CHECKOUTS, REFUNDS, Payments
from payments.operations.policies import policy_of, settings_of
from payments.operations.telling import public_state, tell_deposit, tell_refund
from payments.store.models import (
    Account,
    Checkout,
    CheckoutState,
    Client,
    Connection,
    Deposit,
    LedgerEntry,
    PartStatus,
    Payment,
    Purse,
    Refund,
    RefundPart,
    Session,
)
from payments.store.queries import client_now, deposit_of, live_page, lock_session

# Why a refund was skipped, or no deposit asked: words that cross the wire.
PROVIDER_KEPT, POLICY, PAID_IN_CASH, DISPUTED, GONE_BACK = (
    "provider_kept",
    "policy",
    "paid_in_cash",
    "disputed",
    "already_refunded",
)
NOT_CONNECTED, CHARGES_DISABLED, PLAN = "not_connected", "charges_disabled", "plan"
# A page without an outcome for so long was never shown to anybody: who makes one holds its lease.
PAGE_LEASE = timedelta(seconds=30)
_NOTHING_MOVED = frozenset({DepositStatus.NOT_ASKED, DepositStatus.REQUIRED, DepositStatus.CANCELED})


@dataclass(kw_only=True)
class Case:
    """A session and its deposit, both locked; `changed` gathers the refunds that are to be told.

    `kept` is the deposit as it is stored, None while it is not: whatever becomes different from it is kept, and told, by `conclude`.
    """

    context: Payments
    session: Session
    deposit: Deposit
    kept: dict[str, Any] | None
    changed: list[Refund] = field(default_factory=list)

    @property
    def fresh(self) -> bool:
        """Whether the deposit is being made just now."""
        return self.kept is None

    @cached_property
    def book(self) -> Book:
        """The deposit's money as it stands."""
        return Book(self.deposit, empty=self.fresh)

    @cached_property
    def page(self) -> Checkout | None:
        """The Checkout page that may be open, as it stands when this is first asked."""
        return None if self.fresh else live_page(self.deposit)

    @cached_property
    def cancellations(self) -> list[Cancellation]:
        return from_data(self.session.cancellations)

    @property
    def present_cancellation(self) -> Cancellation | None:
        """The one that stands; None while the session does."""
        last = self.cancellations[-1:]
        return (
            last[0] if last and last[0].restored_at is None and self.session.status == SessionStatus.CANCELLED else None
        )

    @property
    def void(self) -> bool:
        """Whether nothing is wanted of the client any more."""
        released = self.deposit.released_at is not None and self.session.status == SessionStatus.PENDING
        return self.session.status == SessionStatus.CANCELLED or self.session.terms is None or released

    @property
    def keeps_nothing(self) -> bool:
        """Whether a payment that arrives now is to go back whole, whatever the policy says."""
        cancellation = self.present_cancellation
        if cancellation is not None:
            return cancellation.released
        return self.void and self.session.status != SessionStatus.CANCELLED


def open_case(context: Payments, account_id: str, session_id: str) -> Case | None:
    """The session's case with its rows locked, its deposit made where there is one to make; None where there is no deposit."""
    session = lock_session(account_id, session_id)
    if session is None:
        return None
    deposit = deposit_of(account_id, session_id)
    if deposit is not None:
        return Case(context=context, session=session, deposit=deposit, kept=dict(deposit.__data__))
    made = _make(context, session)
    return Case(context=context, session=session, deposit=made, kept=None) if made else None


def settle(context: Payments, account_id: str, session_id: str, *, seen: Deposit | None = None) -> Deposit | None:
    """Bring the session's deposit to where the facts say that it is, and tell what changed; inside a unit of work.

    `seen` is the deposit as it was just read, by which is asked at once what else will be.
    """
    ahead = asked_to_conclude(seen, seen.client_id) if seen else []
    with context.store.asked_together(*asked_to_open(account_id, session_id), *ahead):
        case = open_case(context, account_id, session_id)
        if case is None:
            return None
        asked = [] if case.fresh else asked_to_conclude(case.deposit, case.session.client_id)
        with context.store.asked_together(*asked):
            conclude(case)
    return case.deposit


def asked_to_open(account_id: str, session_id: str) -> list[Question]:
    """What `open_case` asks the store, the lock first."""
    return [
        question(Session, lock=True, id=session_id, account_id=account_id),
        question(Deposit, session_id=session_id, account_id=account_id),
    ]


def asked_to_conclude(deposit: Deposit, client_id: str) -> list[Question]:
    """What `conclude` asks of a deposit that is kept: the ledger once money has moved, and parts of refunds once some has gone back or is to."""
    asked = [question(Client, id=client_id)]
    asked += [question(model, deposit_id=deposit.id) for model in (Checkout, Payment)]
    if deposit.status not in _NOTHING_MOVED:
        asked += [question(model, deposit_id=deposit.id) for model in (LedgerEntry, Refund)]
        asked += [] if deposit.status == DepositStatus.PAID else [question(RefundPart, deposit_id=deposit.id)]
    return asked


def conclude(case: Case) -> None:
    """Decide what is undecided, derive the deposit's state, keep and tell what changed. `case.changed` are refunds that changed before."""
    deposit = case.deposit
    with case.context.store.as_one(left=True):
        deposit.client_id = client_now(case.session.client_id)
        _settle_cancellations(case)
        _take_terms(case)
        _ask(case)
        _end_page(case)
        _derive(case)
        told_as = _save(case) if case.kept != deposit.__data__ else None
        # A refund's event tells the deposit as well: who has heard that need not look at the deposit's own.
        for refund in case.changed:
            tell_refund(case.context, refund, deposit)
        if told_as is not None:
            tell_deposit(case.context, deposit, told_as)
    case.changed.clear()


# --- making and asking ----------------------------------------------------------------------------------------------


def _make(context: Payments, session: Session) -> Deposit | None:
    terms = session.terms
    # A session that knows a deposit's id had one here before; a second one would ask the client twice.
    if terms is None or not terms["amount"] or terms["id"] is not None:
        return None
    now = context.now()
    return Deposit(
        id=new_id("dep"),
        account_id=session.account_id,
        session_id=session.id,
        client_id=session.client_id,
        version=0,
        status=DepositStatus.NOT_ASKED.value,
        reason=None,
        amount=terms["amount"],
        held_amount=0,
        due_amount=0,
        refunded_amount=0,
        currency=terms["currency"],
        payment_url=session.payment_url,
        secret=session.payment_url.rpartition("/")[2] if session.payment_url else None,
        policy=None,
        era=0,
        asked_at=None,
        pay_by=None,
        created_at=now,
        updated_at=now,
    )


def _ask(case: Case) -> None:
    """Ask for the deposit if it was not, and nothing stands against it; else the reason is kept."""
    deposit, session = case.deposit, case.session
    if deposit.asked_at is not None or session.terms is None or deposit.held_amount:
        return
    if case.void and not case.fresh:
        return
    deposit.reason = _why_not(case)
    if deposit.reason is None:
        start_asking(case)


def start_asking(case: Case) -> None:
    """From now on it is asked, and the policy that stands now is the one that counts."""
    case.deposit.reason = None
    case.deposit.asked_at = case.context.now()
    case.deposit.policy = policy_of(case.deposit.account_id).as_data()


def _why_not(case: Case) -> str | None:
    terms = case.session.terms
    if case.fresh and terms["status"] == DepositStatus.NOT_ASKED:
        return terms["reason"] or PLAN
    if case.deposit.reason == PLAN:
        return PLAN
    # The terms were decided on a plan that includes deposits; asked later, the plan of that day counts.
    account = Account.get_or_none(Account.id == case.deposit.account_id)
    if not case.fresh and account is not None and not includes(account.plan, Feature.DEPOSITS):
        return PLAN
    # As it stays until this is committed: who keeps that the account may charge looks for what was not asked after that.
    return why_no_charge(first(Connection, share=True, account_id=case.deposit.account_id))


def why_no_charge(connection: Connection | None) -> str | None:
    """Why Stripe lets the provider's account charge nothing; None where it does."""
    if connection is None or connection.stripe_account is None or connection.cut_off:
        return NOT_CONNECTED
    return None if connection.charges_enabled else CHARGES_DISABLED


def _take_terms(case: Case) -> None:
    """Follow the session's price and link; a page that shows the old amount is ended first."""
    deposit, terms = case.deposit, case.session.terms
    if case.session.payment_url and deposit.payment_url != case.session.payment_url:
        deposit.payment_url = case.session.payment_url
        deposit.secret = deposit.payment_url.rpartition("/")[2]
    if terms is None or (deposit.amount == terms["amount"] and deposit.currency == terms["currency"]):
        return
    if not case.fresh and case.page is None:
        deposit.amount = terms["amount"]
        if case.book.balance().paid == 0:
            deposit.currency = terms["currency"]


def _end_page(case: Case) -> None:
    """Have the open Checkout page ended if what it asks is not what is wanted now."""
    page = case.page
    if page is None or page.ending or page.state == CheckoutState.PROCESSING:
        return
    terms = case.session.terms
    wanted = 0 if case.void else max(terms["amount"] - case.book.balance().paid, 0)
    if page.amount != wanted or page.currency != terms["currency"]:
        page.ending = True
        page.next_attempt_at = case.context.now()
        page.save()
        case.context.wakeups.after_commit(CHECKOUTS)


# --- cancellations and restores -------------------------------------------------------------------------------------


def _settle_cancellations(case: Case) -> None:
    """Settle each cancellation that is not yet, in order, each restore beginning a new era in between."""
    if case.fresh:
        # Nothing was ever paid: past cancellations have nothing to settle.
        case.deposit.era = sum(1 for each in case.cancellations if each.restored_at is not None)
        return
    for index, cancellation in enumerate(case.cancellations):
        if index < case.deposit.era:
            continue
        _settle_cancellation(case, cancellation)
        if cancellation.restored_at is None:
            return
        case.deposit.era += 1
        case.deposit.released_at = None


def _settle_cancellation(case: Case, cancellation: Cancellation) -> None:
    known = any(refund.cancellation_id == cancellation.id for refund in case.book.refunds)
    money, disputed = case.book.standing(paid_until=cancellation.restored_at), case.book.disputed
    if known or cancellation.decision is None or (money.paid <= 0 and not disputed):
        return
    if cancellation.decision is RefundDecision.SKIP:
        _skip(case, cancellation, PROVIDER_KEPT)
    elif disputed:
        _skip(case, cancellation, DISPUTED)
    else:
        _refund_by_policy(case, cancellation, money)


def _refund_by_policy(case: Case, cancellation: Cancellation, money: Balance) -> None:
    deposit = case.deposit
    on_its_way = case.book.under_way()
    percentage = cancellation.quoted_percentage
    if percentage is None:
        policy = RefundPolicy.from_data(deposit.policy)
        percentage = policy.share(starts_at=cancellation.starts_at, at=cancellation.at, by=cancellation.by).percentage
    # A quote of nothing was given before the payment was heard of: what it promised is its percentage.
    if cancellation.quoted_amount:
        amount = min(cancellation.quoted_amount, max(money.held - on_its_way, 0))
    else:
        amount = refund_amount(
            paid=money.paid, gone_back=money.returned + on_its_way, percentage=percentage, currency=deposit.currency
        )
    if amount == 0:
        _skip(case, cancellation, GONE_BACK if percentage and (money.returned or on_its_way) else POLICY, percentage)
        return
    by_card = case.book.refundable_by_card()
    if by_card == 0:
        _skip(case, cancellation, PAID_IN_CASH, percentage)
        return
    plan_refund(
        case,
        cause=f"cancellation:{cancellation.id}",
        cancellation_id=cancellation.id,
        amount=min(amount, by_card),
        percentage=percentage,
        reason=None,
    )


def _skip(case: Case, cancellation: Cancellation, reason: str, percentage: int | None = None) -> None:
    """A refund that is none, kept so that everybody can see why."""
    case.changed.append(
        add_refund(
            case,
            cause=f"cancellation:{cancellation.id}",
            cancellation_id=cancellation.id,
            status=RefundStatus.SKIPPED,
            amount=0,
            percentage=percentage,
            reason=reason,
        )
    )


def add_refund(
    case: Case,
    *,
    cause: str,
    status: RefundStatus,
    amount: int,
    percentage: int | None,
    reason: str | None,
    cancellation_id: str | None = None,
    id: str | None = None,
) -> Refund:
    """The row of a refund; the database has one a cause."""
    now = case.context.now()
    refund = Refund(
        id=id or new_id("ref"),
        account_id=case.deposit.account_id,
        deposit_id=case.deposit.id,
        session_id=case.deposit.session_id,
        version=1,
        cause=cause,
        cancellation_id=cancellation_id,
        era=case.deposit.era,
        status=status.value,
        pending_reason=None,
        amount=amount,
        currency=case.deposit.currency,
        percentage=percentage,
        reason=reason,
        failure=None,
        created_at=now,
        updated_at=now,
    )
    add(refund)
    case.book.put_refund(refund)
    return refund


def plan_refund(
    case: Case,
    *,
    cause: str,
    amount: int,
    percentage: int | None,
    reason: str | None,
    cancellation_id: str | None = None,
    purse: Purse = Purse.HELD,
    payments: Sequence[Payment] | None = None,
    id: str | None = None,
) -> Refund:
    """Plan to send `amount` back, along the youngest payments first; the job makes it happen at Stripe."""
    refund = add_refund(
        case,
        cause=cause,
        cancellation_id=cancellation_id,
        status=RefundStatus.PENDING,
        amount=amount,
        percentage=percentage,
        reason=reason,
        id=id,
    )
    plan_parts(case, refund, amount, purse=purse, payments=payments)
    case.changed.append(refund)
    return refund


def plan_parts(
    case: Case, refund: Refund, amount: int, *, purse: Purse, payments: Sequence[Payment] | None = None
) -> None:
    """Spread `amount` over what the payments still hold.

    Raises:
        ValueError: they do not hold as much.
    """
    left, now = amount, case.context.now()
    for payment in payments or case.book.payments:
        share = min(left, case.book.refundable(payment, purse))
        if share == 0:
            continue
        part = RefundPart(
            id=new_id("rpt"),
            account_id=refund.account_id,
            refund_id=refund.id,
            deposit_id=refund.deposit_id,
            payment_id=payment.id,
            purse=purse.value,
            amount=share,
            status=PartStatus.PLANNED.value,
            replaced=False,
            attempt=1,
            key_spoilt=False,
            unsure=False,
            tries=0,
            next_attempt_at=now,
            traceparent=traceparent(),
            created_at=now,
            updated_at=now,
        )
        add(part)
        case.book.put_part(part)
        left -= share
    if left:
        raise ValueError(f"refund {refund.id}: {left} of {amount} cannot be sent back by card")
    case.context.wakeups.after_commit(REFUNDS)


# --- deriving -------------------------------------------------------------------------------------------------------


def _derive(case: Case) -> None:
    """Read the deposit's status and amounts off the facts, and set what falls due by the clock."""
    deposit = case.deposit
    standing = _standing(case)
    status = standing.status
    # What was held kept its slot: once that is gone, its time begins anew.
    gone = bool(deposit.held_amount) and not standing.held
    begins = status is DepositStatus.REQUIRED and (case.fresh or gone or deposit.status != status)
    deposit.held_amount, deposit.refunded_amount, deposit.due_amount = standing.held, standing.returned, standing.due
    deposit.status = status.value
    if status is not DepositStatus.NOT_ASKED:
        deposit.reason = None
    if begins:
        _set_deadlines(case)
    elif status is not DepositStatus.REQUIRED:
        deposit.remind_at = deposit.release_at = None
    # Neither a slot for which a part is held is released, nor one that the provider has confirmed meanwhile.
    if status is not DepositStatus.REQUIRED or standing.held or case.session.status != SessionStatus.PENDING:
        deposit.pay_by = None


def _standing(case: Case) -> Standing:
    deposit = case.deposit
    if case.fresh:
        return Standing(
            asked=deposit.asked_at is not None,
            amount=deposit.amount,
            held=0,
            returned=0,
            void=case.void,
            cancelled=case.session.status == SessionStatus.CANCELLED,
            decided=False,
            page_open=False,
            disputed=False,
            refund_under_way=False,
            refund_failed=False,
        )
    refunds = case.book.own_refunds
    tried = [refund for refund in refunds if refund.era == deposit.era and refund.status != RefundStatus.SKIPPED]
    present = case.present_cancellation
    decided = present is not None and any(
        refund.cancellation_id == present.id and refund.reason != DISPUTED for refund in refunds
    )
    money = case.book.balance()
    return Standing(
        asked=deposit.asked_at is not None,
        amount=deposit.amount,
        held=money.held,
        returned=money.returned,
        void=case.void,
        cancelled=case.session.status == SessionStatus.CANCELLED,
        decided=decided,
        page_open=case.page is not None,
        disputed=case.book.disputed,
        refund_under_way=any(refund.status in UNDER_WAY for refund in refunds),
        refund_failed=bool(tried) and tried[0].status in FAILED,
    )


def _set_deadlines(case: Case) -> None:
    """When to remind of it, or to release the slot that a client booked and did not pay for."""
    deposit, now = case.deposit, case.context.now()
    deposit.remind_at = deposit.release_at = None
    if case.session.source == "online" and case.session.status == SessionStatus.PENDING:
        deposit.pay_by = deposit.release_at = now + timedelta(minutes=case.context.settings.payment_minutes)
    else:
        deposit.remind_at = now + due_hours(deposit.account_id)


def due_hours(account_id: str) -> timedelta:
    """How long after it was asked an unpaid deposit is reminded of."""
    return timedelta(hours=settings_of(account_id).deposit_due_hours)


def _save(case: Case) -> str | None:
    """Keep it; a new version, to be told to everybody by this event, only where something changed that others see."""
    deposit = case.deposit
    before = None if case.kept is None else public_state(case.kept)
    changed = before != public_state(deposit.__data__)
    if changed:
        deposit.version += 1
        deposit.updated_at = case.context.now()
    (add if case.fresh else change)(deposit)
    case.kept = dict(deposit.__data__)
    if not changed:
        return None
    return "changed" if before is not None and before["status"] == deposit.status else deposit.status
