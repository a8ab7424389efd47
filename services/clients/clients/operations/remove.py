"""A client is hidden, and brought back within 30 days."""

from __future__ import annotations

from chassis.problems import Conflict
from clients.domain import lifecycle, record
from clients.domain.lifecycle import Action
from clients.operations import accounts, create
from clients.operations.announce import announce
from clients.operations.change import keep, locked
from clients.operations.context import Clients
from clients.store import queries


def delete(context: Clients, account_id: str, client_id: str, *, seen: int | None = None) -> None:
    """Hide a client: lists leave it out, reminders stop, sessions stay.

    Raises:
        NotFound, Stale, Unavailable.
        Conflict: `invalid_transition` where it is hidden already.
    """
    with context.store.transaction():
        accounts.known(account_id)
        row = locked(context, account_id, client_id, Action.DELETE, seen)
        row.deleted_at = context.clock.now()
        keep(context, row)
        announce(context, "deleted", row)


def restore(
    context: Clients, account_id: str, client_id: str, *, seen: int | None = None, allow_duplicate: bool = False
) -> record.Client:
    """Bring a hidden client back.

    Raises:
        NotFound, Stale, Unavailable.
        Conflict: `undo_expired` after 30 days, `invalid_transition` where it is not hidden, `plan_limit_reached`, or
            `duplicate` where its email belongs to another client by now.
    """
    with context.store.transaction():
        account = accounts.locked(context, account_id)
        row = locked(context, account_id, client_id, Action.RESTORE, seen)
        if lifecycle.undo_ended(row.deleted_at, context.clock.now()):
            raise Conflict("a deletion can be undone for 30 days", code="undo_expired")
        same = create.same_email(account, {"email_key": row.email_key})
        if same and not allow_duplicate:
            raise create.duplicate(same)
        accounts.make_room(account)
        row.deleted_at = None
        row.duplicate_allowed = bool(same)
        keep(context, row)
        announce(context, "restored", row)
        return queries.shown(row)
