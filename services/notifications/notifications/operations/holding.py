"""What notifications holds about a person, whole, for an export of their data."""

from __future__ import annotations

from collections.abc import Mapping

from chassis.holdings import Rows, rows_of
from notifications.operations.context import Notifications
from notifications.operations.reach import number_digest
from notifications.store import replicas
from notifications.store.models import Client, Delivery, Reminder, Session, StoppedNumber, Wish


def held(context: Notifications, account_id: str, client_id: str, scopes: frozenset[str]) -> Mapping[str, Rows]:
    """Rows of the client and of all who were merged into them; never the links by which they act."""
    answering = replicas.client(client_id, account_id)
    ids = replicas.same_person(answering.id if answering is not None else client_id)
    clients = list(Client.select().where(Client.id.in_(ids) & (Client.account_id == account_id)).order_by(Client.id))
    sessions = Session.select().where(Session.client_id.in_(ids) & (Session.account_id == account_id))
    deliveries = Delivery.select().where(Delivery.client_id.in_(ids) & (Delivery.account_id == account_id))
    reminders = Reminder.select().where(Reminder.client_id.in_(ids) & (Reminder.account_id == account_id))
    wishes = Wish.select().where(Wish.client_id.in_(ids) & (Wish.account_id == account_id))
    digests = [number_digest(client.phone) for client in clients if client.phone]
    return {
        "clients": rows_of(clients, "id name email phone locale timezone email_allowed sms_allowed merged_into"),
        "sessions": rows_of(
            sessions.order_by(Session.id), "id service_name starts_at ends_at status notes client_message"
        ),
        "deliveries": rows_of(
            deliveries.order_by(Delivery.id), "id kind channel session_id address status error sent_at created_at"
        ),
        "reminders": rows_of(reminders.order_by(Reminder.id), "id kind channel session_id due_at status reason"),
        "wishes": rows_of(wishes.order_by(Wish.client_id, Wish.channel), "client_id channel allowed at"),
        "stopped_numbers": rows_of(StoppedNumber.select().where(StoppedNumber.number_digest.in_(digests)), "at"),
    }
