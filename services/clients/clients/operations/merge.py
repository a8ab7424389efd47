"""Several records of one person become one: the others' ids answer with it from then on, and what was theirs follows by events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chassis.problems import Conflict, Invalid
from clients.domain import lifecycle, merging, record
from clients.domain.lifecycle import Action
from clients.domain.search import searchable
from clients.operations import accounts, change, consent, fields
from clients.operations.announce import announce
from clients.operations.context import Clients
from clients.store import queries
from clients.store.models import Client


def merge(
    context: Clients, account_id: str, client_id: str, others: Sequence[str], *, source: str, seen: int | None = None
) -> record.Client:
    """Put `others` into the client, who stays; answers with the record as it is then.

    The account is locked, so that merges go one after the other: none can end in a circle.

    Raises:
        NotFound, Stale, Unavailable.
        Invalid: one of `others` does not exist here, or is the client who stays.
        Conflict: `invalid_transition` where one of them is deleted, erased or merged already.
    """
    with context.store.transaction():
        accounts.locked(context, account_id)
        stays = change.locked(context, account_id, client_id, Action.MERGE, seen)
        rows = [
            _other(context, account_id, stays, other, f"/from/{index}")
            for index, other in enumerate(dict.fromkeys(others))
        ]
        gathered = merging.together(queries.shown(stays), queries.records(rows))
        _take_in(context, stays, rows, gathered, source=source)
        for row in rows:
            row.merged_into = stays.id
            change.keep(context, row)
            queries.give_consent_over(row.id, to=stays.id)
            announce(context, "merged", row)
        return queries.shown(stays)


def _other(context: Clients, account_id: str, stays: Client, other: str, pointer: str) -> Client:
    row = queries.lock_record(context.store, account_id, other)
    if row is None:
        raise Invalid.field(pointer, "There is no client of this id.")
    if row.id == stays.id:
        raise Invalid.field(pointer, "A client cannot be merged into themselves.")
    standing = lifecycle.state(row.deleted_at, row.merged_into, row.erased_at)
    if (standing, Action.MERGE) not in lifecycle.TRANSITIONS:
        raise Conflict(f"a client who is {standing} cannot be merged", code="invalid_transition", client_id=other)
    return row


def _take_in(context: Clients, stays: Client, rows: Sequence[Client], gathered: dict[str, Any], *, source: str) -> None:
    """Write what was gathered; its version grows even where nothing was, as more sessions are this client's now."""
    now = context.clock.now()
    giver = next((row for row in rows if "email" in gathered and row.email == gathered["email"]), None)
    columns = {name: value for name, value in gathered.items() if name not in {"tags", "contact"}}
    if giver is not None:
        columns |= {
            "email_key": giver.email_key,
            "email_set_at": giver.email_set_at,
            "email_bounced_at": giver.email_bounced_at,
            # Others may share the address; that was allowed for the one who gives it.
            "duplicate_allowed": giver.duplicate_allowed,
        }
    if fields.write(stays, columns):
        stays.search = searchable(stays.name, stays.email, stays.phone)
    if "tags" in gathered:
        queries.set_tags(stays, fields.tags(gathered["tags"]))
    consent.set_by_hand(stays, gathered.get("contact", {}), at=now, source=f"merge by {source}")
    if giver is not None:
        # The database lets one live client have an email: the giver must be out of the way first.
        Client.update(merged_into=stays.id).where(Client.id == giver.id).execute()
    change.keep(context, stays)
    announce(context, "updated", stays)
