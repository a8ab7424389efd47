"""Confirming by the clock what a client booked: at its timeout, or as soon as its deposit is paid, by however many processes."""

from __future__ import annotations

from datetime import datetime

from chassis.store import moment
from contracts.plans import PLANS, Feature
from contracts.sessions import SessionStatus
from scheduling.domain.transitions import Action
from scheduling.operations.context import SYSTEM, Scheduling, reading, unit_of_work
from scheduling.operations.sessions import differences, facts, record
from scheduling.operations.steps import step
from scheduling.store.models import Account, Session

# A downgrade stops it, an upgrade lets it go on.
_PLANS = [plan.value for plan, terms in PLANS.items() if Feature.AUTO_CONFIRMATION in terms.features]
_DUE = f"""FROM sessions s JOIN accounts a ON a.id = s.account_id
    WHERE s.confirm_due_at IS NOT NULL AND a.plan IN ({", ".join(f"'{plan}'" for plan in _PLANS)})"""


@unit_of_work
def confirm_one_due(context: Scheduling) -> int:
    """Confirm one session whose moment has come; returns how many were confirmed (0 or 1).

    Another process passes it by while it is locked here, and whoever cancels it first has cancelled it: exactly one wins.
    """
    found = context.store.execute(
        f"SELECT s.id {_DUE} AND s.confirm_due_at <= %s ORDER BY s.confirm_due_at LIMIT 1"
        + (" FOR UPDATE OF s SKIP LOCKED" if context.store.on_postgresql else ""),
        (context.clock.now(),),
    )
    if not found:
        return 0
    session = Session.get_by_id(found[0][0])
    before = facts(session)
    session.status = step(context, session, Action.CONFIRM).value
    assert session.status == SessionStatus.CONFIRMED
    # The moment stays on the session: it tells why it was confirmed.
    account = Account.get_by_id(session.account_id)
    changes = differences(before, session)
    record(context, account, session, "session.confirmed", actor=SYSTEM, action="auto_confirmed", changes=changes)
    return 1


@reading
def next_due(context: Scheduling) -> datetime | None:
    """When the next one is to be confirmed; None where nothing is."""
    return moment(context.store.execute(f"SELECT min(s.confirm_due_at) {_DUE}")[0][0])
