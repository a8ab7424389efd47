"""One step of a session's life, as the table of the domain allows it."""

from __future__ import annotations

from typing import Any

from chassis.problems import Conflict
from contracts.sessions import SessionStatus
from scheduling.domain.transitions import Action, NotAllowed, after
from scheduling.operations.context import Actor, Scheduling, unit_of_work
from scheduling.operations.finding import the_account, the_session
from scheduling.operations.sessions import differences, facts, record, view
from scheduling.store.models import Session

_EVENTS = {
    Action.CONFIRM: ("session.confirmed", "confirmed"),
    Action.COMPLETE: ("session.completed", "completed"),
    Action.NO_SHOW: ("session.no_show", "no_show"),
}


def step(context: Scheduling, session: Session, action: Action) -> SessionStatus:
    """The status that `action` leads to.

    Raises:
        Conflict: `invalid_transition`.
    """
    before = SessionStatus(session.status_before) if session.status_before else None
    try:
        return after(action, session.state, started=session.started(context.clock.now()), before=before)
    except NotAllowed as not_allowed:
        raise Conflict(str(not_allowed), code="invalid_transition") from None


def possible(context: Scheduling, session: Session, action: Action) -> bool:
    """Whether `step` would let the action be taken just now."""
    try:
        step(context, session, action)
    except Conflict:
        return False
    return True


@unit_of_work
def take_step(
    context: Scheduling, account_id: str, session_id: str, actor: Actor, action: Action, expected: int | None
) -> dict[str, Any]:
    """Confirm, complete or mark as no-show: the status changes, the slot stays as it is.

    Raises:
        NotFound, Stale: as always.
        Conflict: `invalid_transition`, for a repeated action too.
    """
    account = the_account(account_id)
    session = the_session(account, session_id, expected)
    before = facts(session)
    session.status = step(context, session, action).value
    session.auto_confirm_at = None
    event, name = _EVENTS[action]
    record(context, account, session, event, actor=actor, action=name, changes=differences(before, session))
    return view(context, account, session)
