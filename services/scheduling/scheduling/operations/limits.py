"""What the plan allows of a thing that is counted."""

from __future__ import annotations

from chassis.problems import Conflict
from scheduling.domain.spans import moment
from scheduling.domain.wall import month_of
from scheduling.operations.context import Scheduling
from scheduling.store.models import Account, Session


def check_month(context: Scheduling, account: Account, adding: int = 1) -> None:
    """Whether so many sessions may be made in the account's present month; that it stays so needs the account's lock.

    Raises:
        Conflict: `plan_limit_reached`.
    """
    room = room_this_month(context, account)
    if room is not None and adding > room:
        raise Conflict(
            f"The plan {account.plan} includes {account.terms.sessions_a_month} sessions a month: there is room for {room} more.",
            code="plan_limit_reached",
        )


def room_this_month(context: Scheduling, account: Account) -> int | None:
    """How many more sessions the plan lets the account make in its present month; None is no limit."""
    limit = account.terms.sessions_a_month
    if limit is None:
        return None
    first, following = month_of(context.clock.now(), account.zone)
    made = Session.select().where(
        Session.account_id == account.id, Session.created_at >= moment(first), Session.created_at < moment(following)
    )
    return max(limit - made.count(), 0)
