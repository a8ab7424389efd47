"""Whether a client may be written to, and where each change of that came from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chassis import rows
from chassis.ids import new_id
from clients.domain.record import Change, Channel
from clients.operations.announce import announce
from clients.operations.context import Clients
from clients.store import queries
from clients.store.models import Client, ContactChange

# Bounces and wishes are told apart: a mailbox that failed says nothing about what its owner wants.
_WISHES = (Change.OPTED_OUT, Change.OPTED_IN)
_BOUNCES = (Change.BOUNCED,)


def set_by_hand(row: Client, wanted: dict[str, bool], *, at: datetime, source: str) -> bool:
    """Write `wanted` (by channel) into the row, with a line of history for each that changed; whether any did."""
    changed = [channel for channel in Channel if channel in wanted and _allowed(row, channel) != wanted[channel]]
    for channel in changed:
        setattr(row, f"contact_{channel}", wanted[channel])
        rows.add(line(row, channel, Change.SET, at=at, source=source))
    return bool(changed)


def line(
    row: Client, channel: Channel, change: Change, *, at: datetime, source: str, sequence: int | None = None
) -> ContactChange:
    """A line of the history, to be added: what holds for the channel now, since when, and from where."""
    return ContactChange(
        id=new_id("cch"),
        account_id=row.account_id,
        client_id=row.id,
        at=at,
        channel=channel,
        change=change,
        allowed=_allowed(row, channel),
        source=source,
        sequence=sequence,
    )


def hear(context: Clients, change: Change, account_id: str, data: dict[str, Any]) -> None:
    """Take over what notifications learnt (`contracts.schemas.ContactChangeData`): a wish of the client, or a bounce.

    News older than what was heard of the same channel is passed over, whatever order it comes in; so is what concerns a client
    who is gone, and a bounce of an address that has been replaced since.
    """
    channel, at = Channel(data["channel"]), data["at"]
    with context.store.transaction():
        row = queries.lock_client(context.store, account_id, data["id"])
        if row is None or row.erased_at is not None:
            return
        newest = queries.newest_news(row.id, channel, _WISHES if change in _WISHES else _BOUNCES)
        if newest is not None and newest >= (data["version"], at):
            return
        if change is Change.BOUNCED:
            if channel is Channel.EMAIL and row.email_set_at is not None and row.email_set_at <= at:
                row.email_bounced_at = at
        else:
            setattr(row, f"contact_{channel}", data["allowed"])
        rows.add(line(row, channel, change, at=at, source=data["source"], sequence=data["version"]))
        row.version += 1
        row.updated_at = context.clock.now()
        row.save()
        announce(context, "updated", row)


def _allowed(row: Client, channel: Channel) -> bool:
    allowed: bool = getattr(row, f"contact_{channel}")
    return allowed
