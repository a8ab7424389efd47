"""What clients tell us themselves (unsubscribe, STOP, START) and what their addresses tell (bounces): kept here at once, and told to the clients service."""

from __future__ import annotations

from chassis.links import BadLink
from chassis.problems import NotFound
from notifications.domain.kinds import Channel
from notifications.operations.composing import UNSUBSCRIBE
from notifications.operations.context import Notifications
from notifications.operations.reach import number_digest
from notifications.operations.reminding import plan_sessions_of_client
from notifications.store import replicas
from notifications.store.models import Client, Delivery, StoppedNumber

# Twilio's own lists (www.twilio.com/docs/messaging/tutorials/advanced-opt-out and "Twilio support for opt-out keywords").
_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
_START = frozenset({"start", "yes", "unstop"})


def unsubscribe(context: Notifications, token: str) -> None:
    """End the reminders by email of the client whom the link was made for; repeating it changes nothing (RFC 8058).

    Raises:
        NotFound: the link is none of ours, or its client is not (any more) here.
    """
    client_id, account_id = _read(context, token)
    with context.store.transaction():
        client = replicas.client(client_id, account_id, share=True)
        if client is None or client.erased_at is not None:
            raise NotFound("this link leads nowhere")
        _note(context, client, Channel.EMAIL, allowed=False, source="unsubscribe link")


def provider_of(context: Notifications, token: str) -> tuple[str, str | None]:
    """The name of the provider whom the link is about, and the locale of its client, for the page behind it. Raises as above."""
    client_id, account_id = _read(context, token)
    with context.store.reading():
        account = replicas.account(account_id)
        client = replicas.client(client_id, account_id)
    if account is None or client is None:
        raise NotFound("this link leads nowhere")
    return account.name, client.locale or account.locale


def text_back(context: Notifications, *, number: str, text: str) -> None:
    """A text from a client: STOP and its like end text messages to the number, START and its like allow them again."""
    word = text.strip().lower()
    with context.store.transaction():
        if word in _STOP:
            stop_number(context, number, source="STOP")
        elif word in _START:
            _start_number(context, number)


def stop_number(context: Notifications, number: str, *, source: str) -> None:
    """No more text messages to a number, from no account, as the sender is shared by all; within the open unit of work."""
    context.store.execute(
        "INSERT INTO stopped_numbers (number_digest, at) VALUES (%s, %s) ON CONFLICT (number_digest) DO NOTHING",
        (number_digest(number), context.now()),
    )
    for client in replicas.clients_with_phone(number):
        _note(context, client, Channel.SMS, allowed=False, source=source)


def bounced(context: Notifications, delivery: Delivery, *, source: str) -> None:
    """Tell that the address of the delivery's client takes no mail, within the open unit of work; unless they have another by now."""
    client = replicas.client(delivery.client_id, delivery.account_id)
    if client is not None and client.email is not None and client.email == delivery.address:
        _publish(
            context,
            "notification.bounced",
            client,
            Channel.EMAIL,
            allowed=client.email_allowed,
            source=source,
        )


def _start_number(context: Notifications, number: str) -> None:
    StoppedNumber.delete().where(StoppedNumber.number_digest == number_digest(number)).execute()
    for client in replicas.clients_with_phone(number):
        _note(context, client, Channel.SMS, allowed=True, source="START")
        # Where the record has allowed texts all along, only the number's STOP held them back.
        plan_sessions_of_client(context, client)


def _note(context: Notifications, client: Client, channel: Channel, *, allowed: bool, source: str) -> None:
    wish = replicas.wish(client.id, channel)
    if (wish.allowed if wish else client.allows(channel)) == allowed:
        return
    context.store.execute(
        """INSERT INTO wishes (client_id, channel, account_id, allowed, at) VALUES (%s, %s, %s, %s, %s)
           ON CONFLICT (client_id, channel) DO UPDATE SET allowed = excluded.allowed, at = excluded.at""",
        (client.id, channel.value, client.account_id, allowed, context.now()),
    )
    plan_sessions_of_client(context, client)
    _publish(
        context,
        "notification.opted_in" if allowed else "notification.opted_out",
        client,
        channel,
        allowed=allowed,
        source=source,
    )


def _publish(
    context: Notifications, type: str, client: Client, channel: Channel, *, allowed: bool, source: str
) -> None:
    now = context.now()
    # The client's versions are the clients service's: what we learn is told by its moment instead, which only grows.
    sequence = int(now.timestamp() * 1000)
    context.outbox.publish(
        type,
        subject=client.id,
        account_id=client.account_id,
        sequence=sequence,
        data={
            "id": client.id,
            "account_id": client.account_id,
            "version": sequence,
            "channel": channel.value,
            "allowed": allowed,
            "source": source,
            "at": now,
        },
    )


def _read(context: Notifications, token: str) -> tuple[str, str]:
    try:
        signed = context.links.read(UNSUBSCRIBE, token)
    except BadLink:
        raise NotFound("this link leads nowhere") from None
    return signed["client"], signed["account"]
