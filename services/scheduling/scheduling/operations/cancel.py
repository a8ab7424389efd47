"""Cancelling a session: the slot is free at once, and what becomes of a paid deposit is decided, not guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chassis import rows
from chassis.ids import new_id
from chassis.links import BadLink
from chassis.problems import Conflict, Invalid
from chassis.statements import Question
from contracts.fields import rfc3339
from contracts.links import REFUND_QUOTE
from contracts.sessions import RefundDecision
from scheduling.domain.transitions import Action
from scheduling.operations.context import Actor, Scheduling, unit_of_work
from scheduling.operations.finding import the_account, the_session
from scheduling.operations.sessions import Batch, differences, facts, record, set_deposit, standing_cancellation, view
from scheduling.operations.steps import step
from scheduling.store import claims
from scheduling.store.models import Account, Cancellation, Session


def asked_to_cancel(account_id: str, session_id: str) -> list[Question]:
    """What `cancel` surely asks; after the lock what is to be as it is then."""
    return [
        rows.question(Account, id=account_id),
        rows.question(Session, lock=True, id=session_id, account_id=account_id),
        rows.question(Cancellation, session_id=session_id, restored_at=None),
    ]


@unit_of_work
def cancel(
    context: Scheduling, account_id: str, session_id: str, actor: Actor, body: Mapping[str, Any], expected: int | None
) -> dict[str, Any]:
    """Cancel the session, or decide about the money of one that was cancelled while its payment was on its way.

    Raises:
        NotFound, Stale: as always.
        Conflict: `invalid_transition`, `refund_decision_required` or `quote_expired`.
        Invalid: a quote that is not ours, or another session's.
    """
    account = the_account(account_id)
    session = the_session(account, session_id, expected)
    standing = standing_cancellation(session)
    if standing is None or not undecided(session, standing):
        step(context, session, Action.CANCEL)
    quote = promised(context, session, body.get("refund_quote_id"))
    decision = RefundDecision(body["refund"]) if body.get("refund") else RefundDecision.REFUND if quote else None
    if quote is not None and decision is RefundDecision.SKIP:
        raise Invalid.field("/refund_quote_id", "A quote is for a refund, and this says skip.")
    require_decision(decision, [session])
    if standing is not None:
        decide(context, account, session, standing, actor, decision, quote)
    else:
        carry_out(context, account, session, actor, body.get("reason") or None, decision, quote)
    return view(context, account, session)


def carry_out(
    context: Scheduling,
    account: Account,
    session: Session,
    actor: Actor,
    reason: str | None,
    decision: RefundDecision | None,
    quote: dict[str, Any] | None = None,
    before: dict[str, Any] | None = None,
    batch: Batch | None = None,
) -> None:
    """Cancel a session that can be; it is locked, and nobody needs to be asked any more.

    `before` are the facts from before changes that are part of the same one, `batch` the act that cancels others as well.
    """
    before = before or facts(session)
    session.status_before = session.status
    session.status = step(context, session, Action.CANCEL).value
    session.auto_confirm_at = None
    with context.store.as_one(left=True):
        claims.give_up(context.store, session.id)
        rows.add(
            Cancellation(
                id=new_id("can"),
                account_id=account.id,
                session_id=session.id,
                at=context.clock.now(),
                by=actor.by,
                reason=reason,
                starts_at=session.starts_at,
                refund=decision and decision.value,
                quote=quote,
                answered=False,
                restored_at=None,
            )
        )
    _await_refund(context, session, decision)
    changes = differences(before, session) | ({"refund": [None, decision.value]} if decision else {})
    record(
        context,
        account,
        session,
        "session.cancelled",
        actor=actor,
        action="cancelled",
        changes=changes,
        reason=reason,
        batch=batch,
    )


def undecided(session: Session, standing: Cancellation | None) -> bool:
    """Whether it was cancelled while its payment was on its way, and nobody has said what becomes of the money."""
    return standing is not None and standing.refund is None and holds_money(session)


def require_decision(decision: RefundDecision | None, sessions: Sequence[Session]) -> None:
    """Have it said what becomes of the money that these sessions hold.

    Raises:
        Conflict: `refund_decision_required`, with the `deposits` that hold some.
    """
    paid = [session for session in sessions if holds_money(session)]
    if decision is not None or not paid:
        return
    raise Conflict(
        "A deposit was paid: say whether it is refunded or kept."
        if len(paid) == 1
        else f"{len(paid)} deposits were paid: say whether they are refunded or kept.",
        code="refund_decision_required",
        deposits=[
            {"session_id": session.id, "starts_at": rfc3339(session.starts_at), **(session.deposit or {})}
            for session in paid
        ],
    )


def decide(
    context: Scheduling,
    account: Account,
    session: Session,
    cancellation: Cancellation,
    actor: Actor,
    decision: RefundDecision | None,
    quote: dict[str, Any] | None = None,
) -> None:
    """Say what becomes of the money of a session that was cancelled without."""
    assert decision is not None
    before = facts(session)
    cancellation.refund = decision.value
    cancellation.quote = quote
    cancellation.save()
    _await_refund(context, session, decision)
    changes = differences(before, session) | {"refund": [None, decision.value]}
    record(context, account, session, "session.updated", actor=actor, action="refund_decided", changes=changes)


def _await_refund(context: Scheduling, session: Session, decision: RefundDecision | None) -> None:
    """In the same change as the decision, so that no restore slips in between: payments has to answer first."""
    deposit = session.its_deposit
    if decision is RefundDecision.REFUND and deposit is not None and deposit.holds_money:
        set_deposit(context, session, deposit.refunding())


def holds_money(session: Session) -> bool:
    """Whether somebody has to say what becomes of the session's deposit when it is cancelled."""
    deposit = session.its_deposit
    return deposit is not None and deposit.holds_money


def promised(context: Scheduling, session: Session, text: str | None) -> dict[str, Any] | None:
    """What the quote promised, once it is known to be payments' own, this session's and not over.

    Raises:
        Invalid: it is not ours, or another session's.
        Conflict: `quote_expired`.
    """
    if text is None:
        return None
    try:
        quote = context.links.read(REFUND_QUOTE, text)
        ends = datetime.fromisoformat(quote["expires_at"])
        promise = {"id": str(quote["id"]), "percentage": int(quote["percentage"]), "amount": int(quote["amount"])}
        of_this = (quote["account_id"], quote["session_id"]) == (session.account_id, session.id)
    except (BadLink, KeyError, TypeError, ValueError):
        raise Invalid.field("/refund_quote_id", "This is not a quote of ours.") from None
    if not of_this:
        raise Invalid.field("/refund_quote_id", "This quote is for another session.")
    if ends <= context.clock.now():
        raise Conflict("The quote is over: ask for a new one.", code="quote_expired")
    return promise
