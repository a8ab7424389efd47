"""How a client can be reached, put together from the client's record, the account's settings and what the client told us."""

from __future__ import annotations

import hashlib

from chassis.inbox import WaitingFor
from notifications.domain import preferences
from notifications.domain.kinds import Channel
from notifications.domain.preferences import Preferences
from notifications.domain.reminders import Reach, Situation
from notifications.operations.context import Notifications
from notifications.store import replicas
from notifications.store.models import Account, Client, Session


def account_or_wait(context: Notifications, account_id: str) -> Account:
    """The account, kept as it is until the unit of work ends, so that what is planned by it cannot be outdated unseen.

    Raises:
        WaitingFor: it is not here yet.
    """
    account = replicas.account(account_id, share=True)
    if account is None:
        raise WaitingFor(account_id)
    return account


def client_or_wait(context: Notifications, client_id: str, account_id: str) -> Client:
    """The client, likewise."""
    client = replicas.client(client_id, account_id, share=True)
    if client is None:
        raise WaitingFor(client_id)
    return client


def preferences_of(account_id: str) -> Preferences:
    """The account's settings, the defaults where it has set none."""
    row = replicas.preferences(account_id)
    return preferences.from_json(row.data if row else {})


def situation_of(
    context: Notifications, session: Session, account: Account, client: Client, wishes: Preferences
) -> Situation:
    """Everything that the reminders of a session depend on."""
    return Situation(
        status=session.status,
        starts_at=session.starts_at,
        calendar_id=session.calendar_id,
        service_id=session.service_id,
        plan=account.plan,
        preferences=wishes,
        reach=reach_of(client, account),
        sms_possible=context.settings.sms_possible,
    )


def reach_of(client: Client, account: Account) -> Reach:
    """Addresses and wishes; what the client told us counts until the clients service has repeated it."""
    told = replicas.wishes_of(client.id)
    stopped = client.phone is not None and replicas.stopped(number_digest(client.phone))
    return Reach(
        email=client.email or None,
        phone=client.phone or None,
        email_allowed=told.get(Channel.EMAIL, client.email_allowed),
        sms_allowed=told.get(Channel.SMS, client.sms_allowed) and not stopped,
        hidden=client.deleted or client.erased_at is not None,
        timezone=client.timezone or account.timezone,
    )


def number_digest(phone: str) -> str:
    """A number's name in the table of those that said STOP, which is to outlive the client's erasure."""
    return hashlib.sha256(phone.encode()).hexdigest()
