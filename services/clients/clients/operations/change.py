"""A client's record is changed."""

from __future__ import annotations

from chassis.problems import Conflict, NotFound, Stale
from clients.domain import lifecycle, record
from clients.domain.lifecycle import Action
from clients.domain.search import searchable
from clients.operations import accounts, consent, create, fields
from clients.operations.announce import announce
from clients.operations.context import Clients
from clients.operations.fields import Fields
from clients.store import queries
from clients.store.models import Account, Client


def change(
    context: Clients,
    account_id: str,
    client_id: str,
    given: Fields,
    *,
    source: str,
    seen: int | None = None,
    allow_duplicate: bool = False,
) -> record.Client:
    """Write what is `given`, leave the rest; what changes nothing leaves the version and tells nobody.

    Raises:
        NotFound, Stale (`seen` is not the present version), Invalid, Unavailable.
        Conflict: `duplicate`, or `invalid_transition` for a deleted client.
    """
    with context.store.transaction():
        account = accounts.locked(context, account_id) if "email" in given else accounts.known(account_id)
        row = locked(context, account_id, client_id, Action.CHANGE, seen)
        if _write(context, account, row, given, source=source, allow_duplicate=allow_duplicate):
            keep(context, row)
            announce(context, "updated", row)
        return queries.shown(row)


def locked(context: Clients, account_id: str, client_id: str, action: Action, seen: int | None) -> Client:
    """The client, locked until the unit of work ends, to which `action` may be done.

    Raises:
        NotFound: the account has none of this id.
        Stale: `seen` is not its present version.
        Conflict: `invalid_transition`.
    """
    row = queries.lock_client(context.store, account_id, client_id)
    if row is None or (row.erased_at is not None and action is not Action.ERASE):
        raise NotFound
    if seen is not None and seen != row.version:
        raise Stale(version=row.version)
    standing = lifecycle.state(row.deleted_at, row.merged_into, row.erased_at)
    if (standing, action) not in lifecycle.TRANSITIONS:
        raise Conflict(f"a client who is {standing} cannot take {action}", code="invalid_transition")
    return row


def keep(context: Clients, row: Client) -> None:
    """Write a changed row as its next version."""
    row.version += 1
    row.updated_at = context.clock.now()
    row.save()


def _write(
    context: Clients, account: Account, row: Client, given: Fields, *, source: str, allow_duplicate: bool
) -> bool:
    now = context.clock.now()
    found = fields.columns(given, account)
    if "email_key" in found and found["email_key"] != row.email_key:
        same = create.same_email(account, found, besides=row.id)
        if same and not allow_duplicate:
            raise create.duplicate(same)
        found |= {
            "duplicate_allowed": bool(same),
            "email_set_at": now if found["email"] else None,
            "email_bounced_at": None,
        }
    changed = fields.write(row, found)
    if changed:
        row.search = searchable(row.name, row.email, row.phone)
    if "tags" in given:
        tags = fields.tags(given["tags"])
        if [tag for _, tag in tags] != list(queries.shown(row).tags):
            queries.set_tags(row, tags)
            changed = True
    return consent.set_by_hand(row, dict(given.get("contact", {})), at=now, source=source) or changed
