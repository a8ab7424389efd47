"""Deliveries: one row a message and channel, from the moment it is called for to what its provider said last."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from peewee import fn

from chassis import rows
from chassis.store import Store, moment
from notifications.domain.kinds import TELL_OF_THE_END, TELL_THE_LINK, TELL_THE_TIME, Channel, Kind
from notifications.domain.statuses import HANDED_OVER, OPEN, DeliveryStatus, Reason
from notifications.store.models import BatchMember, Client, Delivery


def add(store: Store, delivery: Delivery) -> bool:
    """Insert the row unless there is one of its key; returns whether it did."""
    return add_all(store, [delivery])[0]


def add_all(store: Store, added: Sequence[Delivery]) -> list[bool]:
    """Insert these rows, which have the same fields, each unless there is one of its key; returns of each whether it did."""
    if not added:
        return []
    values = [delivery.as_dict() for delivery in added]
    fields = [field for field in Delivery._meta.sorted_fields if field.name in values[0]]
    found = store.execute_each(
        f"""INSERT INTO deliveries ({", ".join(field.column_name for field in fields)}) VALUES ({", ".join(["%s"] * len(fields))})
            ON CONFLICT (key) DO NOTHING RETURNING id""",
        [[field.db_value(each[field.name]) for field in fields] for each in values],
    )
    return [bool(inserted) for inserted in found]


def change(delivery_id: str, **values: Any) -> None:
    rows.update(Delivery, delivery_id, values)


def get(delivery_id: str, account_id: str) -> Delivery | None:
    found: Delivery | None = Delivery.get_or_none((Delivery.id == delivery_id) & (Delivery.account_id == account_id))
    return found


def locked(delivery_id: str) -> Delivery | None:
    """The delivery, for this unit of work alone to change."""
    return rows.first(Delivery, lock=True, id=delivery_id)


def all_locked(delivery_ids: Collection[str]) -> dict[str, Delivery]:
    """These deliveries by their ids, for this unit of work alone to change."""
    return {delivery.id: delivery for delivery in rows.locked(Delivery, delivery_ids)}


def id_by_provider(provider_id: str) -> str | None:
    row = Delivery.select(Delivery.id).where(Delivery.provider_id == provider_id).first()
    return None if row is None else str(row.id)


def id_by_key(key: str) -> str | None:
    row = Delivery.select(Delivery.id).where(Delivery.key == key).first()
    return None if row is None else str(row.id)


def known_to_provider(provider_ids: Sequence[str]) -> set[str]:
    """Which of these ids of a provider belong to a delivery."""
    return {
        str(row.provider_id)
        for row in Delivery.select(Delivery.provider_id).where(Delivery.provider_id.in_(list(provider_ids)))
    }


def waiting_of(session_id: str) -> list[Delivery]:
    """What waits to be told of this session alone."""
    return list(
        Delivery.select().where(
            (Delivery.session_id == session_id)
            & Delivery.batch_id.is_null()
            & (Delivery.status == DeliveryStatus.QUEUED.value)
            & (Delivery.waits == True)  # noqa: E712
        )
    )


def waiting_of_batch(store: Store, batch_id: str) -> list[Delivery]:
    """What waits to be told of an act that changed several sessions, locked: so whoever comes last sees all that came before."""
    found = store.execute(
        f"SELECT id FROM deliveries WHERE batch_id = %s AND status = 'queued' AND waits ORDER BY id {store.for_update}",
        (batch_id,),
    )
    return list(Delivery.select().where(Delivery.id.in_([row[0] for row in found]))) if found else []


def told_last(session_id: str, delivery: Delivery) -> tuple[datetime, datetime] | None:
    """Start and end of the session as messages other than this delivery have told its client last, or are just telling.

    None where nothing said them, or where the client was told since that the session does not take place.
    """
    # Few kinds go by text. What the confirmation told by email is known as well; the email about the same move replaces no text.
    by_email = (Delivery.channel == Channel.EMAIL.value) & (Delivery.kind != delivery.kind)
    # One that a worker has taken goes out as it was rendered; should it be put off, it is judged anew.
    taken = Delivery.status.in_([status.value for status in OPEN]) & Delivery.claim.is_null(False)
    told = _about(
        session_id,
        (Delivery.id != delivery.id)
        & ((Delivery.channel == delivery.channel) | by_email)
        & Delivery.kind.in_([kind.value for kind in (*TELL_THE_TIME, *TELL_OF_THE_END)])
        & (Delivery.status.in_([status.value for status in HANDED_OVER]) | taken),
        fn.COALESCE(Delivery.sent_at, Delivery.updated_at),
        Delivery.id,
        Delivery.kind,
    )
    latest = max((row for row in told if row[-1] is not None), default=None)
    return None if latest is None or latest[2] in TELL_OF_THE_END else latest[-2:]


def to_come(session_id: str, delivery: Delivery) -> set[Kind]:
    """The kinds of the messages by the delivery's channel that say when the session is and that no worker has taken yet; of moves, those called for after this one.

    They are locked first, so that what a worker renders of them just now is known.
    """
    found = _about(
        session_id,
        (Delivery.id != delivery.id)
        & (Delivery.channel == delivery.channel)
        & Delivery.kind.in_([kind.value for kind in TELL_THE_TIME])
        & ((Delivery.kind != Kind.RESCHEDULED.value) | (Delivery.id > delivery.id))
        & (Delivery.status == DeliveryStatus.QUEUED.value)
        & Delivery.claim.is_null(),
        Delivery.id,
    )
    return {
        Kind(each.kind) for each in all_locked([row[0] for row in found]).values() if _untaken(each.status, each.claim)
    }


def time_untold(delivery: Delivery, *, by: Collection[Kind]) -> bool:
    """Whether a message by the delivery's channel that says when its session is was overtaken, and no other of the kinds `by` is about to say it."""
    found = _about(
        delivery.session_id,
        (Delivery.id != delivery.id)
        & (Delivery.channel == delivery.channel)
        & Delivery.kind.in_([kind.value for kind in TELL_THE_TIME]),
        Delivery.kind,
        Delivery.status,
        Delivery.claim,
        Delivery.reason,
    )
    if any(kind in by and _untaken(status, claim) for kind, status, claim, *_ in found):
        return False
    # A message about several that went out without this one has told nothing of it, either.
    return any(
        reason == Reason.OVERTAKEN or (status in HANDED_OVER and told is None)
        for _, status, _, reason, told, _ in found
    )


def _untaken(status: str, claim: str | None) -> bool:
    """Whether no worker has the delivery yet, or has it any more."""
    return status == DeliveryStatus.QUEUED and claim is None


def _about(session_id: str, which: Any, *columns: Any) -> list[Any]:
    """These columns of the deliveries that are about the session, alone or with others, and the start and end of it that each told."""
    alone = Delivery.select(*columns, Delivery.told_starts_at, Delivery.told_ends_at).where(
        which & (Delivery.session_id == session_id) & Delivery.batch_id.is_null()
    )
    together = (
        Delivery.select(*columns, BatchMember.told_starts_at, BatchMember.told_ends_at)
        .join(BatchMember, on=(BatchMember.batch_id == Delivery.batch_id))
        .where(which & (BatchMember.session_id == session_id))
    )
    return list(alone.union_all(together).tuples())


def link_told(delivery: Delivery) -> bool:
    """Whether another message has told the client the payment link of this one's session, or will: the last that could speaks for all.

    They are locked first, so that what a worker renders of them just now is known.
    """
    # What an email told need not be told by text. Of two about a deposit that was asked, or a restore, the first tells it, each channel by itself.
    others = Delivery.channel.in_([delivery.channel, Channel.EMAIL.value]) & (Delivery.kind != delivery.kind)
    # A reminder by text has no room for it.
    others &= (Delivery.channel != Channel.SMS.value) | (Delivery.kind != Kind.REMINDER_24H.value)
    earlier = (Delivery.kind == delivery.kind) & (Delivery.channel == delivery.channel) & (Delivery.id < delivery.id)
    telling = _about(
        delivery.session_id,
        (others | earlier) & Delivery.kind.in_([kind.value for kind in TELL_THE_LINK]),
        Delivery.id,
    )
    gone = (DeliveryStatus.FAILED, DeliveryStatus.SKIPPED)
    found = [each for each in all_locked([row[0] for row in telling]).values() if each.status not in gone]
    last = max(found, key=lambda each: str(each.id), default=None)
    if last is None or _untaken(last.status, last.claim):
        return last is not None
    told = (
        last
        if last.batch_id is None
        else rows.first(BatchMember, batch_id=last.batch_id, session_id=delivery.session_id)
    )
    return told is not None and bool(told.told_link)


def untold(session_id: str, cancellation_id: str | None, channel: str) -> bool:
    """Whether the client's message about this cancellation, by this channel if there is one, was overtaken or is about to be."""
    told_by = Delivery.kind.in_([kind.value for kind in TELL_OF_THE_END])
    open_still = (Delivery.status == DeliveryStatus.QUEUED.value) & Delivery.claim.is_null()
    overtaken = (Delivery.status == DeliveryStatus.SKIPPED.value) & (Delivery.reason == "overtaken")
    of_it = (
        told_by
        & (Delivery.session_id == session_id)
        & (Delivery.cancellation_id == cancellation_id)
        & Delivery.batch_id.is_null()
    )
    # A text may wait for the end of quiet hours when the email has told it long since: each channel goes by its own message.
    by_channel = of_it & (Delivery.channel == channel)
    alone = Delivery.select().where(
        (by_channel if Delivery.select().where(by_channel).exists() else of_it) & (overtaken | open_still)
    )
    # A message about several that went out without this one has told nothing of it, either.
    together = (
        Delivery.select()
        .join(BatchMember, on=(BatchMember.batch_id == Delivery.batch_id))
        .where(
            told_by
            & (BatchMember.session_id == session_id)
            & (BatchMember.cancellation_id == cancellation_id)
            & BatchMember.told_starts_at.is_null()
        )
    )
    return bool(alone.exists() or together.exists())


def later_told(delivery: Delivery) -> bool:
    """Whether a message of the same kind and channel about the session that was called for after this one has gone out."""
    later: bool = (
        Delivery.select()
        .where(
            (Delivery.session_id == delivery.session_id)
            & (Delivery.kind == delivery.kind)
            & (Delivery.channel == delivery.channel)
            & (Delivery.id > delivery.id)
            & Delivery.status.in_([status.value for status in HANDED_OVER])
        )
        .exists()
    )
    return later


def claim_due(store: Store, now: datetime, real_now: datetime, limit: int) -> list[Delivery]:
    """Deliveries to hand to a worker, locked: those whose moment has come, and those whose worker was not heard of again."""
    ids: list[str] = []
    for condition, value in (
        ("status = 'queued' AND next_attempt_at <= %s ORDER BY next_attempt_at", now),
        ("status IN ('queued', 'sending') AND lease_until <= %s ORDER BY lease_until", real_now),
    ):
        found = store.execute(
            f"SELECT id FROM deliveries WHERE {condition} LIMIT %s {store.skip_locked}", (value, limit)
        )
        ids += [row[0] for row in found]
    return list(Delivery.select().where(Delivery.id.in_(ids))) if ids else []


def earliest_due(store: Store) -> datetime | None:
    return moment(
        store.execute(
            "SELECT min(next_attempt_at) FROM deliveries WHERE status = 'queued' AND next_attempt_at IS NOT NULL"
        )[0][0]
    )


def oldest_due(store: Store, now: datetime) -> datetime | None:
    """The moment of the oldest message whose moment has come and that nobody has tried to send yet."""
    moments = [
        moment(store.execute(query, (now,))[0][0])
        for query in (
            "SELECT min(due_at) FROM reminders WHERE status = 'planned' AND delivery_id IS NULL AND due_at <= %s",
            "SELECT min(next_attempt_at) FROM deliveries WHERE status = 'queued' AND next_attempt_at IS NOT NULL AND next_attempt_at <= %s",
            """SELECT min(due_at) FROM deliveries WHERE status IN ('queued', 'sending') AND lease_until IS NOT NULL
               AND next_attempt_at IS NULL AND due_at <= %s""",
        )
    ]
    return min((due for due in moments if due is not None), default=None)


def listing(
    account_id: str,
    *,
    session_id: str | None,
    statuses: Sequence[str],
    kind: str | None,
    channel: str | None,
    text: str | None,
    updated_since: datetime | None,
    after: str | None,
    limit: int,
) -> list[Delivery]:
    """The account's deliveries, newest first; `text` is looked for in the address and in the client's name."""
    query = Delivery.select().where((Delivery.account_id == account_id) & Delivery.status.in_(list(statuses)))
    if session_id is not None:
        query = query.where(Delivery.session_id == session_id)
    if kind is not None:
        query = query.where(Delivery.kind == kind)
    if channel is not None:
        query = query.where(Delivery.channel == channel)
    if text:
        named = Client.select(Client.id).where((Client.account_id == account_id) & Client.name.contains(text))
        query = query.where(Delivery.address.contains(text) | Delivery.client_id.in_(named))
    if updated_since is not None:
        query = query.where(Delivery.updated_at >= updated_since)
    if after is not None:
        query = query.where(Delivery.id < after)
    return list(query.order_by(Delivery.id.desc()).limit(limit))


def of_clients(client_ids: Sequence[str]) -> list[Delivery]:
    return list(Delivery.select().where(Delivery.client_id.in_(list(client_ids))).order_by(Delivery.id))


def forget_addresses(now: datetime, older_than: datetime, limit: int) -> int:
    """Blank the addresses of deliveries that ended before `older_than`; returns of how many, at most `limit`."""
    old = (
        Delivery.select(Delivery.id)
        .where(
            Delivery.address.is_null(False)
            & (Delivery.updated_at < older_than)
            & Delivery.status.not_in([DeliveryStatus.QUEUED.value, DeliveryStatus.SENDING.value])
        )
        .limit(limit)
    )
    count: int = Delivery.update(address=None, updated_at=now).where(Delivery.id.in_(old)).execute()
    return count


def without_outcome(store: Store) -> list[str]:
    """Open deliveries that nothing will ever pick up again: there must be none."""
    found = store.execute(
        "SELECT id FROM deliveries WHERE status IN ('queued', 'sending') AND next_attempt_at IS NULL AND lease_until IS NULL"
    )
    return [row[0] for row in found]


def disagreeing_with_reminders(store: Store) -> list[str]:
    """Reminders that are planned although their delivery has ended: there must be none."""
    found = store.execute(
        """SELECT r.id FROM reminders r JOIN deliveries d ON d.id = r.delivery_id
           WHERE r.status = 'planned' AND d.status NOT IN ('queued', 'sending')"""
    )
    return [row[0] for row in found]


def sent_twice(store: Store) -> list[str]:
    """Reminders of one session, kind, channel and start that went out in more than one delivery: there must be none."""
    found = store.execute(
        """SELECT reminder_id FROM deliveries WHERE reminder_id IS NOT NULL AND resend_of IS NULL
           AND status IN ('sent', 'delivered', 'undelivered') GROUP BY reminder_id HAVING count(*) > 1"""
    )
    return [row[0] for row in found]
