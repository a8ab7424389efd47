"""A client is recorded, or found to be there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis import rows
from chassis.ids import new_id
from chassis.problems import Conflict
from clients.domain import record
from clients.domain.search import searchable
from clients.operations import accounts, consent, fields
from clients.operations.announce import announce_all
from clients.operations.context import Clients
from clients.operations.fields import Fields
from clients.store import queries
from clients.store.models import Account, Client


@dataclass(frozen=True, kw_only=True)
class Created:
    """`made` is false where a client with the same email was there; `possible_duplicates` have the same phone."""

    client: record.Client
    possible_duplicates: tuple[str, ...]
    made: bool


def create(
    context: Clients, account_id: str, given: Fields, *, source: str, allow_duplicate: bool = False, reuse: bool = False
) -> Created:
    """Record a client; with `reuse` a live one of the same email is the answer, as it stands.

    The account stays locked from the look for others to the commit, so that of any number at once one is first; the unique
    index on live emails is the database's own word on it.

    Raises:
        Conflict: `duplicate` with `existing_ids`, or `plan_limit_reached`.
        Invalid: an address or a number is none.
        Unavailable: the account is not known here yet.
    """
    with context.store.transaction():
        account = accounts.locked(context, account_id)
        found = fields.columns(given, account)
        same = same_email(account, found)
        if same and reuse:
            existing = queries.client(account_id, same[0])
            assert existing is not None
            return Created(client=queries.shown(existing), possible_duplicates=(), made=False)
        if same and not allow_duplicate:
            raise duplicate(same)
        accounts.make_room(account)
        row = _row(context, account, new_id("cli"), found, given, duplicate_allowed=bool(same))
        _add(context, [(row, given)], source=source)
        doubles = queries.live_with_phone(account_id, row.phone, besides=row.id) if row.phone else []
        return Created(client=queries.shown(row), possible_duplicates=tuple(doubles), made=True)


@dataclass(frozen=True, kw_only=True)
class New:
    """Somebody who is to be recorded: what was given, as columns, and what an import knows them by."""

    id: str
    given: Fields
    columns: dict[str, Any]
    import_mark: str | None


def insert_many(context: Clients, account: Account, new: Sequence[New], *, source: str) -> None:
    """Record clients who are known to be new and to have room; the account must be locked."""
    made = [
        (_row(context, account, each.id, each.columns, each.given, import_mark=each.import_mark), each.given)
        for each in new
    ]
    _add(context, made, source=source)


def same_email(account: Account, found: dict[str, Any], *, besides: str | None = None) -> list[str]:
    """The live clients that have the email in `found`; the account must be locked."""
    key = found.get("email_key")
    return queries.live_with_email(account.id, key, besides=besides) if key else []


def duplicate(existing_ids: list[str]) -> Conflict:
    """The refusal of another client with an email that is taken."""
    return Conflict("a client with this email exists", code="duplicate", existing_ids=existing_ids)


def _row(
    context: Clients,
    account: Account,
    id_: str,
    found: dict[str, Any],
    given: Fields,
    *,
    duplicate_allowed: bool = False,
    import_mark: str | None = None,
) -> Client:
    now = context.clock.now()
    contact = given.get("contact", {})
    values = {
        **found,
        "id": id_,
        "account_id": account.id,
        "version": 1,
        "duplicate_allowed": duplicate_allowed,
        "email_set_at": now if found.get("email") else None,
        "contact_email": contact.get("email", True),
        "contact_sms": contact.get("sms", True),
        "search": searchable(found["name"], found.get("email"), found.get("phone")),
        "created_at": now,
        "updated_at": now,
        "import_mark": import_mark,
    }
    # Columns that were not spoken of are empty.
    return Client(**{name: values.get(name) for name in Client._meta.fields})


def _add(context: Clients, made: Sequence[tuple[Client, Fields]], *, source: str) -> None:
    """Store rows with the tags and the consent that were given, and tell of each."""
    # Nothing here needs an answer of the store.
    with context.store.together():
        rows.add_all([row for row, _ in made])
        rows.add_all([tag for row, given in made for tag in queries.tags_of(row, fields.tags(given.get("tags")))])
        rows.add_all(
            [
                consent.line(row, record.Channel(channel), record.Change.SET, at=row.created_at, source=source)
                for row, given in made
                for channel in given.get("contact", {})
            ]
        )
        announce_all(context, "created", [row for row, _ in made])
