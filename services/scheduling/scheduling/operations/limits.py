"""What the plan allows of a thing that is counted."""

from __future__ import annotations

from chassis.problems import Conflict
from scheduling.domain.spans import moment
from scheduling.domain.wall import month_of
from scheduling.operations.context import Scheduling
from scheduling.store.models import Account, Session


def check_month(context: Scheduling, account: Account) -> None:
    """Whether one more session may be made in the account's present month; that it stays so needs the account's lock.

    Raises:
        Conflict: `plan_limit_reached`.
    """
    limit = account.terms.sessions_a_month
    if limit is None:
        return
    first, following = month_of(context.clock.now(), account.zone)
    made = Session.select().where(
        Session.account_id == account.id, Session.created_at >= moment(first), Session.created_at < moment(following)
    )
    if made.count() >= limit:
        raise Conflict(f"The plan {account.plan} includes {limit} sessions a month.", code="plan_limit_reached")
