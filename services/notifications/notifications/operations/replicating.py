"""Taking in what other services tell: replicas at their highest version, and what follows from a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.inbox import Event, WaitingFor
from notifications.domain import facts
from notifications.domain.kinds import Channel
from notifications.operations.announcing import announce, release_waiting
from notifications.operations.context import Notifications
from notifications.operations.erasing import DEPOSIT_WITHOUT_LINK, REFUND_WITHOUT_WORDS, without_words
from notifications.operations.reach import account_or_wait, client_or_wait, preferences_of
from notifications.operations.reminding import REPLAN, plan_session, plan_sessions_of_client
from notifications.store import replicas
from notifications.store.models import Account, Client, Deposit, Refund, Session, SessionType, Wish


def take_account(context: Notifications, event: Event) -> None:
    """An account: where its plan or timezone changed, its sessions to come are planned anew."""
    before = replicas.account(event.subject)
    data = event.data
    newer = replicas.keep(
        context.store,
        Account,
        {name: data[name] for name in ("id", "account_id", "version", "name", "email", "plan", "timezone", "locale")},
    )
    if newer and before and (before.plan, before.timezone) != (data["plan"], data["timezone"]):
        replicas.request_replan(context.store, event.subject, context.now())
        context.wakeups.after_commit(REPLAN)


def take_service(context: Notifications, event: Event) -> None:
    """A session type."""
    replicas.keep(
        context.store,
        SessionType,
        {name: event.data[name] for name in ("id", "account_id", "version", "name", "active")},
    )


def take_client(context: Notifications, event: Event) -> None:
    """A client: what is to come for them is planned anew, as addresses and wishes may have changed."""
    data = event.data
    newer = replicas.keep(
        context.store,
        Client,
        {
            name: data[name]
            for name in (
                "id",
                "account_id",
                "version",
                "name",
                "email",
                "phone",
                "locale",
                "timezone",
                "deleted",
                "merged_into",
            )
        }
        | {"email_allowed": data["contact"]["email"], "sms_allowed": data["contact"]["sms"]},
    )
    if not newer:
        return
    for channel in Channel:
        _leave_to_record(event.subject, channel, data["contact"][channel])
        wish = replicas.wish(event.subject, channel)
        if wish is not None and data["merged_into"]:
            _give_over(context, wish, data["merged_into"])
    client = replicas.client(event.subject, event.account_id)
    if client is not None:
        plan_sessions_of_client(context, client)


def take_session(context: Notifications, event: Event) -> None:
    """A session: its reminders follow its state; what happened is told, once.

    Raises:
        WaitingFor: its account or its client is not here yet.
    """
    data = event.data
    account = account_or_wait(context, event.account_id)
    client = client_or_wait(context, data["client_id"], event.account_id)
    row = _session_row(event)
    if client.erased_at is not None:
        # What names the client was blanked, and does not come back with a late event.
        row |= without_words(row["cancellations"])
    newer = replicas.keep(context.store, Session, row, only_at_first=("filled_to",))
    batch, cancellation = data.get("batch"), facts.standing_cancellation(data)
    if batch:
        replicas.join_batch(context.store, batch["id"], event.subject, cancellation["id"] if cancellation else None)
    session = _session_or_wait(event.subject, event.account_id)
    wishes = preferences_of(account.id)
    if newer:
        plan_session(context, session, account, client, wishes)
    if not event.snapshot:
        announce(
            context,
            facts.of_session(event.type, data),
            session,
            wishes,
            occurred_at=event.time,
            told_up_to=session.filled_to,
        )
    if newer or batch:
        release_waiting(context, session)


def take_deposit(context: Notifications, event: Event) -> None:
    """A deposit. Raises WaitingFor while its session is not here."""
    session = _session_or_wait(event.data["session_id"], event.account_id)
    deposit = _keep_deposit(context, event.data, session, filled=event.snapshot)
    if not event.snapshot:
        announce(
            context,
            facts.of_deposit(event.type, event.data),
            session,
            preferences_of(event.account_id),
            occurred_at=event.time,
            told_up_to=deposit.filled_to,
        )


def take_refund(context: Notifications, event: Event) -> None:
    """A refund, and the deposit as it left it. Raises WaitingFor while its session is not here."""
    data = event.data
    session = _session_or_wait(data["session_id"], event.account_id)
    names = "id account_id version deposit_id session_id cancellation_id status amount currency percentage reason failure".split()
    row = {name: data[name] for name in names}
    if _is_erased(session):
        row |= REFUND_WITHOUT_WORDS
    replicas.keep(context.store, Refund, row)
    deposit = _keep_deposit(context, data["deposit"], session, filled=False)
    # Refunds have no snapshots: whether this one is older than what filled us is told by the deposit that it left.
    if data["deposit"]["version"] > deposit.filled_to:
        announce(
            context,
            facts.of_refund(event.type, data),
            session,
            preferences_of(event.account_id),
            occurred_at=event.time,
            told_up_to=0,
        )


def _leave_to_record(client_id: str, channel: str, recorded: bool) -> None:
    """Where the clients service has repeated what the client told us, its record has the word from here on."""
    wish = replicas.wish(client_id, channel)
    if wish is not None and wish.allowed == recorded:
        wish.delete_instance()


def _give_over(context: Notifications, wish: Wish, client_id: str) -> None:
    """Let a wish count for the client into whom its own was merged, unless the record of that one repeats it already."""
    stays = replicas.client(client_id, wish.account_id, share=True)
    if stays is None:
        replicas.give_wish_over(context.store, wish, to=client_id)
        return
    replicas.give_wish_over(context.store, wish, to=stays.id)
    _leave_to_record(stays.id, wish.channel, stays.allows(wish.channel))


def _session_or_wait(session_id: str, account_id: str) -> Session:
    session = replicas.session(session_id, account_id)
    if session is None:
        raise WaitingFor(session_id)
    return session


def _is_erased(session: Session) -> bool:
    """Whether the session's client was erased, who stays as they are until the unit of work ends."""
    client = replicas.client(session.client_id, session.account_id, share=True)
    return client is not None and client.erased_at is not None


def _keep_deposit(context: Notifications, data: Mapping[str, Any], session: Session, *, filled: bool) -> Deposit:
    names = "id account_id version session_id client_id status reason amount held_amount due_amount refunded_amount currency payment_url".split()
    row = {name: data[name] for name in names} | {"held": [], "filled_to": data["version"] if filled else 0}
    if _is_erased(session):
        row |= DEPOSIT_WITHOUT_LINK
    replicas.keep(
        context.store,
        Deposit,
        row,
        only_at_first=("held", "filled_to"),
    )
    replicas.note_held(context.store, data["id"], data["version"], data["held_amount"])
    release_waiting(context, session)
    kept: Deposit = Deposit.get_by_id(data["id"])
    return kept


def _session_row(event: Event) -> dict[str, Any]:
    data = event.data
    names = (
        "id account_id version client_id service_id service_name calendar_id starts_at ends_at timezone status notes client_message "
        "price deposit payment_url manage_url source series_id"
    ).split()
    return {name: data[name] for name in names} | {
        "cancellations": [
            {
                "id": each["id"],
                "by": each["by"],
                "reason": each["reason"],
                "refund": each["refund"],
                "quote": each["quote"],
            }
            for each in data["cancellations"]
        ],
        "filled_to": data["version"] if event.snapshot else 0,
    }
