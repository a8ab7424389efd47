"""What other services told: the highest version of each subject, and reading it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from chassis import rows
from chassis.store import Store
from notifications.store.models import (
    Account,
    Base,
    BatchMember,
    Client,
    Deposit,
    Preference,
    Refund,
    Replan,
    Session,
    StoppedNumber,
    Wish,
)

M = TypeVar("M", bound=Base)
_LONGEST_CHAIN = 20


def keep(store: Store, model: type[Base], values: Mapping[str, Any], *, only_at_first: Sequence[str] = ()) -> bool:
    """Insert the row, or update it where `values` has the higher version; returns whether it did either.

    Either way the row is locked until the unit of work ends. `only_at_first` names columns that an update leaves alone.
    """
    fields = [field for field in model._meta.sorted_fields if field.name in values]
    columns = [field.column_name for field in fields]
    changed = [column for column in columns if column != "id" and column not in only_at_first]
    table = model._meta.table_name
    # An erased client stays erased, whatever late event comes.
    still = " AND clients.erased_at IS NULL" if model is Client else ""
    found = store.execute(
        f"""INSERT INTO {table} ({", ".join(columns)}) VALUES ({", ".join(["%s"] * len(columns))})
            ON CONFLICT (id) DO UPDATE SET {", ".join(f"{column} = excluded.{column}" for column in changed)}
            WHERE {table}.version < excluded.version{still} RETURNING id""",
        [field.db_value(values[field.name]) for field in fields],
    )
    return bool(found)


def account(account_id: str, *, share: bool = False) -> Account | None:
    """The account; `share` keeps it as it is until the unit of work ends."""
    return rows.first(Account, share=share, id=account_id)


def client(client_id: str, account_id: str, *, share: bool = False) -> Client | None:
    """The client, or the one that it was merged into as far as that is known; `share` as above."""
    found: Client | None = None
    for _ in range(_LONGEST_CHAIN):
        following = rows.first(Client, share=share, id=client_id, account_id=account_id)
        if following is None:
            return found
        found = following
        if found.merged_into is None:
            return found
        client_id = found.merged_into
    return found


def same_person(client_id: str) -> list[str]:
    """The ids that answer for this client: its own, and all that were merged into it."""
    ids, fresh = [client_id], [client_id]
    while fresh:
        fresh = [row.id for row in Client.select(Client.id).where(Client.merged_into.in_(fresh)) if row.id not in ids]
        ids += fresh
    return ids


def session(session_id: str, account_id: str | None = None) -> Session | None:
    """The session, of that account where one is given."""
    if account_id is None:
        return rows.first(Session, id=session_id)
    return rows.first(Session, id=session_id, account_id=account_id)


def join_batch(store: Store, batch_id: str, session_id: str, cancellation_id: str | None) -> None:
    """Note that the act has changed this session; once, however often that is told."""
    store.execute(
        """INSERT INTO batch_members (batch_id, session_id, cancellation_id) VALUES (%s, %s, %s)
           ON CONFLICT (batch_id, session_id) DO NOTHING""",
        (batch_id, session_id, cancellation_id),
    )


def batches_of(session_id: str) -> list[str]:
    """The acts that have changed this session together with others."""
    return [row.batch_id for row in BatchMember.select().where(BatchMember.session_id == session_id)]


def sessions_of_batch(batch_id: str) -> list[tuple[Session, str | None]]:
    """The sessions that the act has changed, as far as that was heard, by their start; each with its cancellation, where it was one."""
    members = {
        row.session_id: row.cancellation_id for row in BatchMember.select().where(BatchMember.batch_id == batch_id)
    }
    found = Session.select().where(Session.id.in_(list(members))).order_by(Session.starts_at, Session.id)
    return [(session, members[session.id]) for session in found]


def note_told(batch_id: str, session: Session, *, link: bool) -> None:
    """Note that the message about the act has told when this session is, and whether it held its payment link."""
    BatchMember.update(told_starts_at=session.starts_at, told_ends_at=session.ends_at, told_link=link).where(
        (BatchMember.batch_id == batch_id) & (BatchMember.session_id == session.id)
    ).execute()


def sessions_to_come(client_ids: Sequence[str], now: datetime) -> list[str]:
    """Ids of the sessions of these clients that have not begun, in one order for everybody who locks them."""
    found = (
        Session.select(Session.id)
        .where(Session.client_id.in_(list(client_ids)) & (Session.starts_at > now))
        .order_by(Session.id)
    )
    return [row.id for row in found]


def sessions_after(account_id: str, after: str, now: datetime, limit: int) -> list[str]:
    """Ids of the account's sessions that have not begun, from `after` on, in the order of their ids."""
    found = (
        Session.select(Session.id)
        .where((Session.account_id == account_id) & (Session.id > after) & (Session.starts_at > now))
        .order_by(Session.id)
        .limit(limit)
    )
    return [row.id for row in found]


def lock_session(store: Store, session_id: str) -> None:
    """Have this unit of work alone change what belongs to the session."""
    store.execute(f"SELECT 1 FROM sessions WHERE id = %s {store.for_update}", (session_id,))


def deposit(session_id: str) -> Deposit | None:
    """The session's deposit as payments told it last."""
    return max(rows.every(Deposit, session_id=session_id), key=lambda row: int(row.version), default=None)


def note_held(store: Store, deposit_id: str, version: int, held_amount: int) -> None:
    """Remember what the deposit held at this version, however late the version is heard of."""
    store.execute(f"SELECT 1 FROM deposits WHERE id = %s {store.for_update}", (deposit_id,))
    row = Deposit.get_by_id(deposit_id)
    held = dict(map(tuple, row.held)) | {version: held_amount}
    Deposit.update(held=sorted(held.items())).where(Deposit.id == deposit_id).execute()


def refund(refund_id: str | None) -> Refund | None:
    found: Refund | None = Refund.get_or_none(Refund.id == refund_id)
    return found


def refund_of(session_id: str, cancellation_id: str) -> Refund | None:
    """What that cancellation of the session returned, or is to return."""
    found: Refund | None = Refund.get_or_none(
        (Refund.session_id == session_id) & (Refund.cancellation_id == cancellation_id)
    )
    return found


def preferences(account_id: str) -> Preference | None:
    return rows.first(Preference, account_id=account_id)


def request_replan(store: Store, account_id: str, now: datetime) -> None:
    """Have the account's sessions to come be planned anew, from the first."""
    store.execute(
        """INSERT INTO replans (account_id, requested_at, after_session) VALUES (%s, %s, '')
           ON CONFLICT (account_id) DO UPDATE SET requested_at = excluded.requested_at, after_session = ''""",
        (account_id, now),
    )


def claim_replan(store: Store) -> Replan | None:
    """One account that is to be planned anew, locked for this unit of work."""
    found = store.execute(f"SELECT account_id FROM replans ORDER BY requested_at LIMIT 1 {store.skip_locked}")
    return Replan.get_by_id(found[0][0]) if found else None


def wish(client_id: str, channel: str) -> Wish | None:
    return rows.first(Wish, client_id=client_id, channel=str(channel))


def give_wish_over(store: Store, wish: Wish, *, to: str) -> None:
    """Let a wish count for the client into whom its own was merged, until the clients service has repeated it; the younger of two counts."""
    store.execute(
        """INSERT INTO wishes (client_id, channel, account_id, allowed, at) VALUES (%s, %s, %s, %s, %s)
           ON CONFLICT (client_id, channel) DO UPDATE SET allowed = excluded.allowed, at = excluded.at
           WHERE wishes.at < excluded.at""",
        (to, wish.channel, wish.account_id, wish.allowed, wish.at),
    )
    wish.delete_instance()


def wishes_of(client_id: str) -> dict[str, bool]:
    """What the client told us and the clients service has not repeated yet, by channel."""
    return {wish.channel: wish.allowed for wish in rows.every(Wish, client_id=client_id)}


def stopped(number_digest: str) -> bool:
    """Whether STOP holds for a number."""
    return rows.first(StoppedNumber, number_digest=number_digest) is not None


def clients_with_phone(phone: str) -> list[Client]:
    """Every client of every account that has this number."""
    return list(Client.select().where((Client.phone == phone) & Client.merged_into.is_null()).order_by(Client.id))
