"""Keeping the ledger of reminders as the rules say, whatever changed."""

from __future__ import annotations

from datetime import datetime

from chassis.ids import new_id
from notifications.domain import reminders as rules
from notifications.domain.preferences import Preferences
from notifications.domain.reminders import Verdict
from notifications.domain.statuses import DeliveryStatus, ReminderStatus
from notifications.operations.context import Notifications
from notifications.operations.reach import account_or_wait, client_or_wait, preferences_of, situation_of
from notifications.store import deliveries, reminders, replicas
from notifications.store.models import Account, Client, Reminder, Session

REPLAN = "replan"
"""Wakes the job that plans anew what a change of settings or plan concerns."""
_REPLANNED_AT_ONCE = 100
_OPEN = (ReminderStatus.PLANNED, ReminderStatus.SKIPPED, ReminderStatus.CANCELLED)


def plan_session(
    context: Notifications, session: Session, account: Account, client: Client, wishes: Preferences
) -> None:
    """Bring the reminders of a session, whose row is locked, to what the rules say now."""
    now = context.now()
    situation = situation_of(context, session, account, client, wishes)
    present: dict[tuple[str, str], Reminder] = {}
    for row in reminders.of_session(session.id):
        if row.starts_at == session.starts_at:
            present[row.kind, row.channel] = row
        else:
            _leave_behind(row, now)
    for kind, channel in rules.listed(wishes):
        standing = present.pop((kind.value, channel.value), None)
        planned = standing is not None and standing.status == ReminderStatus.PLANNED
        verdict = rules.judge(situation, kind, channel, now, standing=planned)
        if standing is None:
            _add(session, client, verdict, now)
        elif standing.status in _OPEN:
            _change(standing, client, verdict, now)
    for row in present.values():
        # A reminder that the settings no longer list: it stays in the ledger, turned off.
        if row.status == ReminderStatus.PLANNED:
            reminders.change(row.id, status=ReminderStatus.SKIPPED.value, reason="turned_off", updated_at=now)


def plan_sessions_of_client(context: Notifications, client: Client) -> None:
    """Plan anew what is to come for a client whose record has changed, under every id that answers for it."""
    account = replicas.account(client.account_id, share=True)
    if account is None:
        return
    wishes = preferences_of(account.id)
    for session_id in replicas.sessions_to_come(replicas.same_person(client.id), context.now()):
        _plan_one(context, session_id, account, wishes)


def plan_account(context: Notifications) -> int:
    """A portion of the sessions to come of one account whose plan or settings have changed; returns how many, 0 where nothing is to do."""
    return context.store.run(lambda: _plan_portion(context))


def _plan_portion(context: Notifications) -> int:
    with context.store.transaction():
        replan = replicas.claim_replan(context.store)
        if replan is None:
            return 0
        ids = replicas.sessions_after(replan.account_id, replan.after_session, context.now(), _REPLANNED_AT_ONCE)
        if not ids:
            replan.delete_instance()
            return 1
        account = account_or_wait(context, replan.account_id)
        wishes = preferences_of(account.id)
        for session_id in ids:
            _plan_one(context, session_id, account, wishes)
        replan.after_session = ids[-1]
        replan.save()
        return len(ids)


def _plan_one(context: Notifications, session_id: str, account: Account, wishes: Preferences) -> None:
    session = replicas.session(session_id)
    assert session is not None
    client = client_or_wait(context, session.client_id, session.account_id)
    replicas.lock_session(context.store, session_id)
    session = replicas.session(session_id)
    assert session is not None
    plan_session(context, session, account, client, wishes)


def _leave_behind(row: Reminder, now: datetime) -> None:
    """The session has another start: what was not handed to anybody moves with it, what was stays in the ledger."""
    if row.delivery_id is None and row.status in _OPEN:
        reminders.remove(row.id)
    elif row.status == ReminderStatus.PLANNED:
        reminders.change(row.id, status=ReminderStatus.CANCELLED.value, reason=None, updated_at=now)


def _add(session: Session, client: Client, verdict: Verdict, now: datetime) -> None:
    reminders.add(
        id=new_id("rem"),
        account_id=session.account_id,
        session_id=session.id,
        client_id=client.id,
        kind=verdict.kind.value,
        channel=verdict.channel.value,
        starts_at=session.starts_at,
        due_at=verdict.due_at,
        status=verdict.status.value,
        reason=verdict.reason and verdict.reason.value,
        delivery_id=None,
        updated_at=now,
    )


def _change(row: Reminder, client: Client, verdict: Verdict, now: datetime) -> None:
    reason = verdict.reason and verdict.reason.value
    if (row.status, row.reason, row.due_at, row.client_id) == (verdict.status.value, reason, verdict.due_at, client.id):
        return
    reminders.change(
        row.id, status=verdict.status.value, reason=reason, due_at=verdict.due_at, client_id=client.id, updated_at=now
    )
    if verdict.status is ReminderStatus.PLANNED and row.delivery_id is not None:
        _move_delivery(row.delivery_id, row.account_id, verdict.due_at, now)


def _move_delivery(delivery_id: str, account_id: str, due_at: datetime, now: datetime) -> None:
    """A reminder that already has a delivery is due again, or at another moment: its one delivery goes with it."""
    delivery = deliveries.get(delivery_id, account_id)
    if delivery is not None and delivery.status in (DeliveryStatus.SKIPPED, DeliveryStatus.QUEUED) and due_at > now:
        deliveries.change(
            delivery.id,
            status=DeliveryStatus.QUEUED.value,
            reason=None,
            due_at=due_at,
            next_attempt_at=due_at,
            lease_until=None,
            updated_at=now,
        )
