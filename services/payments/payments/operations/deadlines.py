"""What falls due by the clock: unpaid deposits reminded of, slots that nobody paid for released."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from chassis.store import moment
from contracts.sessions import DepositStatus, SessionStatus
from payments.operations.context import CHECKOUTS, Payments
from payments.operations.settle import Case, conclude, due_hours, open_case
from payments.operations.telling import tell_deposit
from payments.store.models import CheckoutState, Deposit

_LOOK_AGAIN = timedelta(seconds=2)
# A bank takes its time over what was paid at a page, which cannot be ended then.
_LOOK_AT_BANK_AGAIN = timedelta(minutes=15)


def do_one_due(context: Payments) -> int:
    """Do one thing whose moment has come; returns how many were done (0 or 1)."""
    steps: tuple[Callable[[Payments], int], ...] = (_remind_of_one, _release_one)
    return next((1 for step in steps if context.store.run(lambda step=step: step(context))), 0)  # type: ignore[misc]


def next_deadline() -> datetime | None:
    """The earliest of them all."""
    found = (
        moment(Deposit.select(column).where(column.is_null(False)).order_by(column).limit(1).scalar())
        for column in (Deposit.remind_at, Deposit.release_at)
    )
    return min((each for each in found if each is not None), default=None)


def _remind_of_one(context: Payments) -> int:
    with context.store.transaction():
        case = _claim(context, "remind_at")
        if case is None:
            return 0
        case.deposit.remind_at = None
        conclude(case)
        if case.deposit.status == DepositStatus.REQUIRED and not case.void:
            tell_deposit(context, case.deposit, "due")
        return 1


def _release_one(context: Payments) -> int:
    """A slot that a client booked and did not pay for: the page is ended at Stripe first, then the slot may go."""
    with context.store.transaction():
        case = _claim(context, "release_at")
        if case is None:
            return 0
        deposit = case.deposit
        owed = deposit.status == DepositStatus.REQUIRED and not case.void
        # A slot for which a part is held stays: the rest is reminded of, as it is where the provider has confirmed the session meanwhile.
        wanted = owed and case.session.status == SessionStatus.PENDING and not case.book.balance().held
        page = case.page if wanted else None
        if page is not None:
            # Its end, or its payment, settles the deposit; then this is looked at again.
            if not page.ending:
                page.ending, page.next_attempt_at = True, context.now()
                page.save()
                context.wakeups.after_commit(CHECKOUTS)
            processing = page.state == CheckoutState.PROCESSING
            deposit.release_at = context.now() + (_LOOK_AT_BANK_AGAIN if processing else _LOOK_AGAIN)
            conclude(case)
            return 1
        deposit.release_at = None
        if wanted:
            release(case)
            return 1
        if owed:
            deposit.remind_at = context.now() + due_hours(deposit.account_id)
        conclude(case)
        return 1


def release(case: Case) -> None:
    """Give the slot free: the deposit is cancelled and scheduling told, which cancels the session."""
    case.deposit.released_at = case.context.now()
    conclude(case)
    tell_deposit(case.context, case.deposit, "released")


def _claim(context: Payments, column: str) -> Case | None:
    """A deposit that is due, locked after its session; another process may have been quicker."""
    rows = context.store.execute(
        f"SELECT account_id, session_id, id FROM deposits WHERE {column} <= %s ORDER BY {column} LIMIT 1",
        (context.now(),),
    )
    if not rows:
        return None
    case = open_case(context, rows[0][0], rows[0][1])
    due = getattr(case.deposit, column) if case else None
    return case if due is not None and due <= context.now() else None
