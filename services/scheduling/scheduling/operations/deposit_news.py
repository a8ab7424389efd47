"""Following what payments tells about deposits and refunds, whatever the order in which it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis import rows
from chassis.inbox import WaitingFor
from chassis.statements import Question
from contracts.sessions import DepositStatus, RefundDecision
from scheduling.domain.deposits import SessionDeposit, taken_over
from scheduling.domain.transitions import Action
from scheduling.operations.cancel import carry_out
from scheduling.operations.context import SYSTEM, Scheduling, unit_of_work, unit_of_work_asking
from scheduling.operations.finding import the_account
from scheduling.operations.sessions import differences, facts, record, set_deposit, standing_cancellation
from scheduling.operations.steps import possible
from scheduling.store.models import Account, Cancellation, Session

UNPAID = "deposit_unpaid"


def asked_of_deposit(context: Scheduling, account_id: str, told: Mapping[str, Any]) -> list[Question]:
    """What `follow_deposit` asks the store: nothing where this unit of work has heard as much already."""
    return [] if _heard(context, account_id, told) else _asked(account_id, told["session_id"])


def asked_of_refund(_: Scheduling, account_id: str, told: Mapping[str, Any]) -> list[Question]:
    """What `follow_refund` asks the store."""
    asked = _asked(account_id, told["session_id"])
    if told["cancellation_id"] is not None:
        asked.append(rows.question(Cancellation, id=told["cancellation_id"], account_id=account_id))
    return asked


def _asked(account_id: str, session_id: str) -> list[Question]:
    """What is surely asked where news of a session's deposit change what is shown, once it is locked."""
    return [
        rows.question(Session, lock=True, id=session_id, account_id=account_id),
        rows.question(Account, id=account_id),
        rows.question(Cancellation, session_id=session_id),
    ]


@unit_of_work_asking(asked_of_deposit)
def follow_deposit(context: Scheduling, account_id: str, told: Mapping[str, Any]) -> None:
    """Take the deposit's state over, unless a newer one is known.

    Raises:
        WaitingFor: the session is not here yet.
    """
    if _heard(context, account_id, told):
        return
    session, account = _session(account_id, told["session_id"])
    _follow(context, account, session, told)


@unit_of_work_asking(asked_of_refund)
def follow_refund(context: Scheduling, account_id: str, told: Mapping[str, Any]) -> None:
    """Take over the deposit as a refund left it; it also answers the cancellation that asked for the refund. Raises as `follow_deposit`."""
    session, account = _session(account_id, told["session_id"])
    answers = False
    if told["cancellation_id"] is not None:
        cancellation = rows.first(Cancellation, id=told["cancellation_id"], account_id=account_id)
        answers = cancellation is not None and not cancellation.answered
        if cancellation is not None and answers:
            with context.store.as_one(left=True):
                rows.update(Cancellation, cancellation.id, {"answered": True})
    _follow(context, account, session, told["deposit"], answers=answers)


@unit_of_work
def release(context: Scheduling, account_id: str, told: Mapping[str, Any]) -> None:
    """Payments has ended the way to pay: the session gives its slot back. Raises as `follow_deposit`.

    An action does not hide behind a newer state, nor does it undo one: it is carried out if it is the newest word, or if
    the newest word says the same.
    """
    session, account = _session(account_id, told["session_id"])
    before = facts(session)
    overtaken = told["version"] < session.deposit_version
    changed = _take(context, session, told)
    deposit = session.its_deposit
    stands = deposit is None or deposit.holds_money or (overtaken and not _says_the_same(session, deposit))
    if not stands and possible(context, session, Action.CANCEL):
        carry_out(context, account, session, SYSTEM, UNPAID, RefundDecision.REFUND, before=before)
    elif changed:
        _record(context, account, session, before)


def _says_the_same(session: Session, deposit: SessionDeposit) -> bool:
    """Whether the deposit's newest state is one that its release has led to: ended, or what came too late goes back."""
    if deposit.status in {DepositStatus.REFUND_PENDING, DepositStatus.REFUNDED}:
        return rows.first(Cancellation, session_id=session.id) is None
    return deposit.status is DepositStatus.CANCELED


def _follow(
    context: Scheduling, account: Account, session: Session, told: Mapping[str, Any], *, answers: bool = False
) -> None:
    before = facts(session)
    if _take(context, session, told, answers=answers):
        _record(context, account, session, before)


def _record(context: Scheduling, account: Account, session: Session, before: dict[str, Any]) -> None:
    changes = differences(before, session)
    record(context, account, session, "session.updated", actor=SYSTEM, action="deposit", changes=changes)


def _take(context: Scheduling, session: Session, told: Mapping[str, Any], *, answers: bool = False) -> bool:
    """Put what was told on the session; whether that changed anything that is shown. `answers`: it comes with the answer to a cancellation."""
    known = session.deposit_version
    context.store.notes[_note(session.account_id, session.id)] = max(told["version"], known)
    # An answer may leave the deposit as it was, and what is shown until then is what was expected of it.
    anew = answers and told["version"] == known and not _awaits_refund(session)
    if told["version"] <= known and not anew:
        return False
    current, now = session.its_deposit, _read(told)
    awaits_refund = now.status is DepositStatus.PAID and _awaits_refund(session)
    deposit = taken_over(current, now, awaits_refund=awaits_refund)
    session.deposit_version, session.pay_by = told["version"], told.get("pay_by")
    if deposit == current:
        with context.store.as_one(left=True):
            rows.change(session)
        return False
    set_deposit(context, session, deposit)
    return True


def _heard(context: Scheduling, account_id: str, told: Mapping[str, Any]) -> bool:
    """Whether this unit of work has heard of the deposit as it is told, or newer: a refund's event comes with the deposit's own."""
    heard = context.store.notes.get(_note(account_id, told["session_id"]), -1)
    return bool(told["version"] <= heard)


def _note(account_id: str, session_id: str) -> tuple[str, str, str]:
    return "deposit", account_id, session_id


def _awaits_refund(session: Session) -> bool:
    standing = standing_cancellation(session)
    return standing is not None and standing.awaits_refund


def _read(told: Mapping[str, Any]) -> SessionDeposit:
    deposit = SessionDeposit.read(told)
    assert deposit is not None
    return deposit


def _session(account_id: str, session_id: str) -> tuple[Session, Account]:
    session = rows.first(Session, lock=True, id=session_id, account_id=account_id)
    if session is None:
        raise WaitingFor(session_id)
    return session, the_account(account_id)
