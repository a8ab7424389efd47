"""Bringing a cancelled session back to the status it had, if its slot can still be had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.problems import Conflict
from contracts.sessions import SessionStatus
from scheduling.domain.transitions import Action
from scheduling.operations.context import Actor, Scheduling, unit_of_work
from scheduling.operations.finding import the_account, the_session
from scheduling.operations.placement import Override, Placement, place, sanctioned_with
from scheduling.operations.sessions import differences, facts, record, standing_cancellation, view
from scheduling.operations.steps import step


@unit_of_work
def restore(
    context: Scheduling, account_id: str, session_id: str, actor: Actor, body: Mapping[str, Any], expected: int | None
) -> dict[str, Any]:
    """Undo the cancellation; what was allowed for the session's time is still allowed.

    Raises:
        NotFound, Stale: as always.
        Conflict: `invalid_transition`, `refund_in_progress`, `slot_taken` or `outside_working_hours`.
    """
    account = the_account(account_id)
    session = the_session(account, session_id, expected)
    before = facts(session)
    status = step(context, session, Action.RESTORE)
    standing = standing_cancellation(session)
    assert standing is not None
    deposit = session.its_deposit
    if deposit is not None and deposit.refund_under_way(awaited=standing.awaits_refund):
        raise Conflict("The deposit's refund is under way: it has to end first.", code="refund_in_progress")
    override = Override.of(body)
    permitted = sanctioned_with(session.id)
    placed = place(
        context,
        account,
        Placement.of(session),
        override,
        permitted=permitted,
        outside_permitted=session.outside_hours,
    )
    standing.restored_at = context.clock.now()
    standing.save()
    anew = bool(set(placed.overlaps) - permitted) or (placed.outside_hours and not session.outside_hours)
    session.status = status.value
    session.status_before = None
    if session.source == "online" and status is SessionStatus.PENDING and not session.started(context.clock.now()):
        session.auto_confirm_at = account.rules.confirms_at(context.clock.now(), session.starts_at)
    session.outside_hours = placed.outside_hours
    record(
        context,
        account,
        session,
        "session.restored",
        actor=actor,
        action="restored",
        changes=differences(before, session) | (placed.as_changes() if anew else {}),
        reason=override.reason if anew else None,
    )
    return view(context, account, session)
