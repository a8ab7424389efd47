"""Questions to the store, each within one account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from functools import reduce
from operator import and_, or_
from typing import Any, TypeVar

import peewee
from peewee import EXCLUDED, ModelSelect

from chassis import rows
from chassis.store import Store
from clients.domain import record, timeline
from clients.domain.search import Search
from clients.store import models
from clients.store.models import Account, Client, ClientTag, ContactChange, Deposit, Erasure, ErasureAnswer, Session
from contracts.sessions import SessionStatus

M = TypeVar("M", bound=peewee.Model)


def account(account_id: str) -> Account | None:
    """The account's replica, if it has been heard of."""
    found: Account | None = Account.get_or_none(Account.id == account_id)
    return found


def lock_account(store: Store, account_id: str) -> Account | None:
    """The account's replica, locked: what counts clients or compares them with each other goes one after the other."""
    return _first(store, Account.select().where(Account.id == account_id))


def client(account_id: str, client_id: str) -> Client | None:
    """The client of the account who answers for this id, since a merge perhaps another; hidden and erased ones too."""
    found: Client | None = Client.get_or_none(Client.account_id == account_id, Client.id == client_id)
    # Merges go one after the other and only the living take part, so that this ends.
    while found is not None and found.merged_into is not None:
        found = Client.get_or_none(Client.account_id == account_id, Client.id == found.merged_into)
    return found


def lock_client(store: Store, account_id: str, client_id: str) -> Client | None:
    """The same, locked until the unit of work ends."""
    answering = client(account_id, client_id)
    while answering is not None:
        row = lock_record(store, account_id, answering.id)
        if row is None or row.merged_into is None:
            return row
        answering = client(account_id, row.merged_into)
    return None


def lock_record(store: Store, account_id: str, client_id: str) -> Client | None:
    """The record of exactly this id, merged ones too, locked until the unit of work ends."""
    return _first(store, Client.select().where(Client.account_id == account_id, Client.id == client_id))


def merged_ids(account_id: str, client_id: str) -> list[str]:
    """The ids that this client answers for: their own, and all that were merged into it."""
    found = [client_id]
    for one in found:
        query = Client.select(Client.id).where(Client.account_id == account_id, Client.merged_into == one)
        found += [row.id for row in query.order_by(Client.id)]
    return found


def records_of(account_id: str, client_ids: Sequence[str]) -> list[Client]:
    """The records of exactly these ids."""
    query = Client.select().where(Client.account_id == account_id, Client.id.in_(list(client_ids)))
    return list(query.order_by(Client.id))


def give_consent_over(client_id: str, *, to: str) -> None:
    """Make the history of consent of one client another's."""
    ContactChange.update(client_id=to).where(ContactChange.client_id == client_id).execute()


def _first(store: Store, query: ModelSelect[M]) -> M | None:
    found: M | None = (query.for_update() if store.on_postgresql else query).first()
    return found


def live() -> peewee.Expression:
    """Neither deleted nor merged into another."""
    return Client.deleted_at.is_null() & Client.merged_into.is_null()


def count_live(account_id: str, *, up_to: int) -> int:
    """How many live clients the account has; counting stops at `up_to`."""
    counted = Client.select(Client.id).where(Client.account_id == account_id, live()).limit(up_to)
    return int(counted.count())


def live_with_email(account_id: str, email_key: str, *, besides: str | None = None) -> list[str]:
    """The ids of the account's live clients with this address, the oldest first."""
    return _ids(account_id, Client.email_key == email_key, besides)


def live_with_phone(account_id: str, phone: str, *, besides: str | None = None) -> list[str]:
    """The ids of the account's live clients with this number, the oldest first."""
    return _ids(account_id, Client.phone == phone, besides)


def _ids(account_id: str, condition: peewee.Expression, besides: str | None) -> list[str]:
    query = Client.select(Client.id).where(Client.account_id == account_id, condition, live()).order_by(Client.id)
    return [row.id for row in query if row.id != besides]


def changed(
    account_id: str,
    *,
    search: Search,
    tag_key: str | None,
    since: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Client]:
    """Clients changed at or after `since`, hidden ones too, in the order of their changes, from the one after `after` on."""
    query = Client.select().where(
        Client.account_id == account_id, Client.updated_at >= since, *_matches(search), *_tagged(account_id, tag_key)
    )
    if after is not None:
        at, id_ = after
        query = query.where((Client.updated_at > at) | ((Client.updated_at == at) & (Client.id > id_)))
    return list(query.order_by(Client.updated_at, Client.id).limit(limit))


def _matches(search: Search) -> list[Any]:
    if not search.ways:
        return []
    return [reduce(or_, (reduce(and_, map(_contains, way)) for way in search.ways))]


def _contains(part: str) -> peewee.NodeList:
    # peewee's own operator would be GLOB on SQLite.
    return peewee.NodeList((Client.search, peewee.SQL("LIKE"), peewee.Value(pattern(part)), peewee.SQL("ESCAPE '\\'")))


def pattern(part: str) -> str:
    """What LIKE takes for text that holds `part`. Both sides are folded already, so that it is exact."""
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _tagged(account_id: str, tag_key: str | None) -> list[peewee.Expression]:
    if tag_key is None:
        return []
    return [
        Client.id.in_(
            ClientTag.select(ClientTag.client_id).where(
                ClientTag.account_id == account_id, ClientTag.tag_key == tag_key
            )
        )
    ]


def shown(row: Client) -> record.Client:
    """The whole record of one row."""
    return records([row])[0]


def records(clients: Sequence[Client]) -> list[record.Client]:
    """The whole records of these rows, in three queries however many there are."""
    ids = [row.id for row in clients]
    tags, history = defaultdict(list), defaultdict(list)
    if ids:
        for tag in (
            ClientTag.select().where(ClientTag.client_id.in_(ids)).order_by(ClientTag.client_id, ClientTag.position)
        ):
            tags[tag.client_id].append(tag.tag)
        for change in (
            ContactChange.select().where(ContactChange.client_id.in_(ids)).order_by(ContactChange.at, ContactChange.id)
        ):
            history[change.client_id].append(change)
    return [_record(row, tags[row.id], history[row.id]) for row in clients]


def _record(row: Client, tags: Sequence[str], history: Sequence[ContactChange]) -> record.Client:
    return record.Client(
        id=row.id,
        account_id=row.account_id,
        version=row.version,
        name=row.name,
        email=row.email,
        phone=row.phone,
        birth_date=date.fromisoformat(row.birth_date) if row.birth_date else None,
        address=row.address,
        tags=tuple(tags),
        notes=row.notes,
        locale=row.locale,
        timezone=row.timezone,
        contact=record.Contact(email=row.contact_email, sms=row.contact_sms),
        contact_history=tuple(
            record.ContactChange(
                at=change.at,
                channel=record.Channel(change.channel),
                change=record.Change(change.change),
                allowed=change.allowed,
                source=change.source,
            )
            for change in history
        ),
        email_bounced_at=row.email_bounced_at,
        deleted_at=row.deleted_at,
        merged_into=row.merged_into,
        erased_at=row.erased_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def set_tags(row: Client, tags: Sequence[tuple[str, str]]) -> None:
    """Make `tags` (as compared, as written) the client's, in this order."""
    ClientTag.delete().where(ClientTag.client_id == row.id).execute()
    rows.add_all(tags_of(row, tags))


def tags_of(row: Client, tags: Sequence[tuple[str, str]]) -> list[ClientTag]:
    """`tags` (as compared, as written) as rows to be added."""
    return [
        ClientTag(client_id=row.id, account_id=row.account_id, tag_key=key, tag=tag, position=position)
        for position, (key, tag) in enumerate(tags)
    ]


def newest_news(client_id: str, channel: str, changes: Sequence[str]) -> tuple[int, datetime] | None:
    """Sequence and moment of the latest that notifications told of a client's channel, of these kinds of change."""
    query = ContactChange.select().where(
        ContactChange.client_id == client_id,
        ContactChange.channel == channel,
        ContactChange.change.in_(changes),
        ContactChange.sequence.is_null(False),
    )
    return max(((int(change.sequence or 0), change.at) for change in query), default=None)


def keep_newest(model: type[models.Base], row: dict[str, Any], *, key: Sequence[str] = ("id",)) -> None:
    """Write a replica's row unless one of a version at least as high is there, whatever arrives at the same time."""
    fields = model._meta.fields
    model.insert(row).on_conflict(
        conflict_target=[fields[name] for name in key],
        preserve=[field for name, field in fields.items() if name not in key],
        where=EXCLUDED.version > fields["version"],
    ).execute()


def sessions_of(account_id: str, client_ids: Sequence[str]) -> list[timeline.Session]:
    """Every session of these clients with its deposit, as last heard."""
    sessions = list(Session.select().where(Session.account_id == account_id, Session.client_id.in_(client_ids)))
    deposits = {
        deposit.session_id: timeline.Deposit(
            status=deposit.status,
            amount=deposit.amount,
            held_amount=deposit.held_amount,
            refunded_amount=deposit.refunded_amount,
            currency=deposit.currency,
        )
        for deposit in Deposit.select().where(Deposit.account_id == account_id, Deposit.client_id.in_(client_ids))
    }
    return [
        timeline.Session(
            id=session.id,
            service_name=session.service_name,
            starts_at=session.starts_at,
            ends_at=session.ends_at,
            status=SessionStatus(session.status),
            deposit=deposits.get(session.id),
        )
        for session in sessions
    ]


def live_after(account_id: str, after: str, limit: int = 500) -> list[Client]:
    """The account's next live clients by id; begin with an empty `after`."""
    query = Client.select().where(Client.account_id == account_id, live(), Client.id > after)
    return list(query.order_by(Client.id).limit(limit))


def next_clients(after: str, limit: int = 500) -> list[Client]:
    """The next rows by id, of every account, hidden ones too; begin with an empty `after`."""
    return list(Client.select().where(Client.id > after).order_by(Client.id).limit(limit))


def lock_erasure(store: Store, account_id: str, client_id: str) -> Erasure | None:
    """The erasure of a client, locked until the unit of work ends."""
    return _first(store, Erasure.select().where(Erasure.account_id == account_id, Erasure.client_id == client_id))


def erasure_answers(account_id: str, client_ids: Sequence[str]) -> list[ErasureAnswer]:
    """What services answered about these ids, in one order."""
    query = ErasureAnswer.select().where(
        ErasureAnswer.account_id == account_id, ErasureAnswer.client_id.in_(client_ids)
    )
    return list(query.order_by(ErasureAnswer.service, ErasureAnswer.client_id))
