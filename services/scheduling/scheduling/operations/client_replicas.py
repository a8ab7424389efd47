"""What scheduling knows of clients: a replica kept from their events, and asked for where it has a gap."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

import peewee

from chassis import rows
from chassis.idempotency import Unprepared
from chassis.inbox import WaitingFor
from chassis.problems import Invalid, Unavailable
from chassis.store import moment
from scheduling.operations.context import SYSTEM, Scheduling, reading, unit_of_work
from scheduling.operations.finding import answering, known_client, the_account
from scheduling.operations.sessions import record
from scheduling.store.models import Account, Client, Series, Session


def remember(account_id: str, data: Mapping[str, Any]) -> Client:
    """Keep what an event or the clients service's answer says of a client, unless something newer is known."""
    known = rows.first(Client, id=data["id"], account_id=account_id)
    if known is not None and (known.version >= data["version"] or known.erased):
        return known
    client = known or Client(id=data["id"], account_id=account_id, erased=False)
    client.version = data["version"]
    client.name = data["name"]
    client.email = data.get("email")
    client.phone = data.get("phone")
    client.search = searchable(client.name, client.email, client.phone)
    client.deleted = bool(data.get("deleted", False))
    client.merged_into = data.get("merged_into")
    # Events of an earlier release do not tell it.
    client.created_at = moment(data.get("created_at")) or client.created_at
    (rows.change if known else rows.add)(client)
    return client


def searchable(*texts: str | None) -> str:
    """What a search looks through: everything that is known, case and accents aside."""
    decomposed = unicodedata.normalize("NFKD", "\n".join(text.casefold() for text in texts if text))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


@unit_of_work
def take_over(context: Scheduling, account_id: str, data: Mapping[str, Any]) -> None:
    """Follow what the clients service told; the sessions of a client who was merged go over to the one who stays.

    Raises:
        WaitingFor: who stays, or the account, is not known here yet.
    """
    account = rows.first(Account, id=account_id)
    if account is None:
        raise WaitingFor(account_id)
    client = remember(account_id, data)
    if client.merged_into is None:
        return
    heir_id = answering(account_id, client.id)
    if rows.first(Client, id=heir_id, account_id=account_id) is None:
        raise WaitingFor(heir_id)
    Series.update(client_id=heir_id, version=Series.version + 1, updated_at=context.clock.now()).where(
        Series.account_id == account_id, Series.client_id == client.id
    ).execute()
    for session in sessions_of(context, account_id, client.id):
        session.client_id = heir_id
        changes: dict[str, list[Any]] = {"client_id": [client.id, heir_id]}
        record(context, account, session, "session.updated", actor=SYSTEM, action="client_merged", changes=changes)


def merged_into(account_id: str, client_id: str) -> list[str]:
    """This client, and everybody for whom they answer since a merge."""
    found = [client_id]
    for one in found:
        merged = Client.select(Client.id).where(Client.account_id == account_id, Client.merged_into == one)
        found += [client.id for client in merged if client.id not in found]
    return found


def sessions_of(context: Scheduling, account_id: str, *client_ids: str) -> list[Session]:
    """All sessions of these clients, kept from others until the unit of work ends."""
    query = (
        Session.select().where(Session.account_id == account_id, Session.client_id.in_(client_ids)).order_by(Session.id)
    )
    return list(query.for_update() if context.store.on_postgresql else query)


def ask_for(context: Scheduling, account_id: str, client_id: str) -> dict[str, Any] | None:
    """The client from the clients service where the replica does not know it; None where it does. No unit of work may be open.

    Raises:
        Invalid: there is none of this id.
        Unavailable: the clients service is down, or the account not known yet.
    """
    if _is_known_to_be(context, account_id, client_id):
        return None
    found = context.clients.find(account_id, client_id)
    if found is None or found.get("deleted"):
        raise Invalid.field("/client_id", "There is no client of this id.")
    return found


@reading
def known_by_email(context: Scheduling, account_id: str, email: str) -> dict[str, Any] | None:
    """The client of this email as the replica knows them, in the form in which the clients service would tell; None where nobody is known."""
    client = (
        Client.select()
        .where(
            Client.account_id == account_id,
            peewee.fn.lower(Client.email) == email.strip().lower(),
            ~Client.deleted,
            ~Client.erased,
            Client.merged_into.is_null(),
        )
        .order_by(Client.id)
        .first()
    )
    return client and {name: getattr(client, name) for name in ("id", "version", "name", "email", "phone")}


@reading
def _is_known_to_be(context: Scheduling, account_id: str, client_id: str) -> bool:
    the_account(account_id)
    return _is_heard_of(account_id, client_id)


def _is_heard_of(account_id: str, client_id: str) -> bool:
    """Also one who was deleted: nobody needs to be asked about them."""
    return rows.first(Client, id=client_id, account_id=account_id) is not None


def the_client(account: Account, client_id: str, prepared: Mapping[str, Any] | None) -> Client:
    """The client to book: the replica's, or the one that was fetched or made just before (`prepared`).

    Raises:
        Unprepared: the clients service must be asked about this id first.
        Invalid: there is none of this id, or it was deleted.
    """
    if prepared is not None:
        client_id = remember(account.id, prepared).id
    client = known_client(account, client_id)
    if client is None and prepared is None:
        if not _is_heard_of(account.id, client_id):
            raise Unprepared
        # Their event may have come between the two questions.
        client = known_client(account, client_id)
    if client is None:
        if prepared is not None:
            raise Unavailable("this client is being changed just now")
        raise Invalid.field("/client_id", "There is no client of this id.")
    return client
