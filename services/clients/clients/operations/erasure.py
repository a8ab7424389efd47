"""A client is forgotten, here at once and in every other service by its own answer: a saga whose state is the receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.erasing import blank_traffic
from chassis.problems import Conflict, NotFound
from clients.domain import timeline
from clients.domain.lifecycle import Action
from clients.domain.person import Person
from clients.domain.search import searchable
from clients.operations import accounts, change, imports
from clients.operations.context import Clients
from clients.store import queries, search
from clients.store.models import Client, ClientTag, ContactChange, Erasure, ErasureAnswer
from contracts.registry import SERVICES

_KEPT = [
    {
        "what": "that there was a client: an id, and when it was made, merged and erased",
        "why": "sessions and money lead to it; it names nobody, and tells whatever comes late to stay away",
    },
    {"what": "when sessions took place and what was paid", "why": "the provider's books; they name nobody any more"},
]


@dataclass(frozen=True, kw_only=True)
class Kept:
    service: str
    what: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What was blanked and what is kept, by every service that has answered; `completed` once all have."""

    client_id: str
    status: str
    requested_at: datetime
    completed_at: datetime | None
    waiting_for: list[str]
    blanked: dict[str, dict[str, int]]
    kept: list[Kept]


def erase(context: Clients, account_id: str, client_id: str, *, seen: int | None = None) -> Receipt:
    """Blank the client and all who were merged into them, and ask every service to do the same.

    Each of the ids is asked for: a service that has not heard of the merge yet forgets them all the same.

    Raises:
        NotFound, Stale, Unavailable.
        Conflict: `client_has_sessions` while live ones are to come, `invalid_transition` where it was done before.
    """
    with context.store.transaction():
        accounts.locked(context, account_id)
        row = change.locked(context, account_id, client_id, Action.ERASE, seen)
        ids = queries.merged_ids(account_id, row.id)
        _refuse_before_sessions(context, account_id, ids)
        now = context.clock.now()
        Erasure.create(client_id=row.id, account_id=account_id, requested_at=now)
        blanked = _blank(context, account_id, ids)
        ErasureAnswer.create(
            client_id=row.id,
            service="clients",
            account_id=account_id,
            version=row.version + 1,
            blanked=blanked,
            kept=_KEPT,
            answered_at=now,
        )
        for one in ids:
            _ask(context, account_id, one, now)
        search.forget(context.store)
        context.store.forget_after_commit()
        return _receipt(account_id, row.id)


def answered(context: Clients, account_id: str, data: dict[str, Any], *, at: datetime) -> None:
    """Keep a service's answer (`contracts.schemas.ErasedData`), the latest of each; the last that was missing completes the erasure."""
    row = {
        "client_id": data["id"],
        "service": data["service"],
        "account_id": account_id,
        "version": data["version"],
        "blanked": data["blanked"],
        "kept": data["kept"],
        "answered_at": at,
    }
    with context.store.transaction():
        client = queries.client(account_id, data["id"])
        # Locked, so that of two answers at once the second sees the first.
        erasure = queries.lock_erasure(context.store, account_id, client.id) if client is not None else None
        queries.keep_newest(ErasureAnswer, row, key=("client_id", "service"))
        if erasure is not None and erasure.completed_at is None and not _missing(account_id, erasure.client_id):
            erasure.completed_at = context.clock.now()
            erasure.save()


def receipt(context: Clients, account_id: str, client_id: str) -> Receipt:
    """How an erasure stands.

    Raises:
        NotFound: none was asked for, or there is no such client.
        Unavailable.
    """
    with context.store.reading():
        accounts.known(account_id)
        row = queries.client(account_id, client_id)
        if row is None or row.erased_at is None:
            raise NotFound
        return _receipt(account_id, row.id)


def _refuse_before_sessions(context: Clients, account_id: str, ids: Sequence[str]) -> None:
    now = context.clock.now()
    coming = [one.id for one in queries.sessions_of(account_id, ids) if timeline.is_to_come(one, now)]
    if coming:
        raise Conflict(
            "sessions of this client are to come: cancel them first", code="client_has_sessions", session_ids=coming
        )


def _blank(context: Clients, account_id: str, ids: Sequence[str]) -> dict[str, int]:
    rows = [row for one in ids if (row := queries.lock_record(context.store, account_id, one)) is not None]
    texts = [text for row in rows for text in (row.name, row.email, row.phone)]
    people = [Person(name=row.name, email_key=row.email_key, phone=row.phone) for row in rows]
    for row in rows:
        for name in (
            "email",
            "email_key",
            "email_set_at",
            "email_bounced_at",
            "phone",
            "birth_date",
            "address",
            "import_mark",
        ):
            setattr(row, name, None)
        for name in ("notes", "locale", "timezone"):
            setattr(row, name, None)
        row.name, row.search = "", searchable("", None, None)
        row.contact_email = row.contact_sms = False
        row.erased_at = context.clock.now()
        row.deleted_at = row.deleted_at or row.erased_at
        change.keep(context, row)
    tags = ClientTag.delete().where(ClientTag.client_id.in_(ids)).execute()
    consent = ContactChange.delete().where(ContactChange.client_id.in_(ids)).execute()
    return {
        "clients": len(rows),
        "tags": int(tags),
        "contact_changes": int(consent),
        "import_rows": imports.forget(account_id, people),
        **blank_traffic(context.store, subjects=ids, texts=texts),
    }


def _ask(context: Clients, account_id: str, client_id: str, now: datetime) -> None:
    row = Client.get_by_id(client_id)
    context.outbox.publish(
        "client.erasure_requested",
        subject=row.id,
        account_id=account_id,
        sequence=row.version,
        data={"id": row.id, "account_id": account_id, "version": row.version, "requested_at": now},
        occurred_at=now,
    )


def _missing(account_id: str, client_id: str) -> list[str]:
    """The services whose answer is missing, for any of the client's ids."""
    ids = queries.merged_ids(account_id, client_id)
    given = {(answer.service, answer.client_id) for answer in queries.erasure_answers(account_id, ids)}
    others = [service for service in SERVICES if service != "clients"]
    return [service for service in others if any((service, one) not in given for one in ids)]


def _receipt(account_id: str, client_id: str) -> Receipt:
    erasure = Erasure.get_by_id(client_id)
    answers = queries.erasure_answers(account_id, queries.merged_ids(account_id, client_id))
    blanked: dict[str, Counter[str]] = {}
    for answer in answers:
        blanked.setdefault(answer.service, Counter()).update(answer.blanked)
    kept = [Kept(service=answer.service, **each) for answer in answers for each in answer.kept]
    return Receipt(
        client_id=client_id,
        status="completed" if erasure.completed_at else "running",
        requested_at=erasure.requested_at,
        completed_at=erasure.completed_at,
        waiting_for=_missing(account_id, client_id),
        blanked={service: dict(counts) for service, counts in blanked.items()},
        kept=list(dict.fromkeys(kept)),
    )
