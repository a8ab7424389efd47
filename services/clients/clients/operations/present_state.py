"""The present state of every client, for a service that is filled anew, and what must always hold of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chassis.service import Invariant, Snapshot
from clients.domain.search import searchable
from clients.operations.announce import public
from clients.operations.context import Clients
from clients.store import queries
from clients.store.models import Client


def snapshots(context: Clients) -> Iterator[Snapshot]:
    """A `client.snapshot` for each client, hidden ones too."""
    for row in _every_client(context):
        yield Snapshot(
            type="client.snapshot",
            subject=row.id,
            account_id=row.account_id,
            sequence=row.version,
            data=public(row),
            occurred_at=row.updated_at,
        )


def _every_client(context: Clients) -> Iterator[Client]:
    """Read in batches, so that no connection is held while the caller works on one."""
    last = ""
    while True:
        with context.store.reading():
            rows = queries.next_clients(last)
        if not rows:
            return
        yield from rows
        last = rows[-1].id


def invariants(context: Clients) -> Sequence[Invariant]:
    """What the operations API checks. The plan's limit is none: a downgrade leaves more clients than it allows."""

    def ids(sql: str) -> list[str]:
        with context.store.reading():
            return [row[0] for row in context.store.execute(sql)]

    def not_found_by_what_they_show() -> list[str]:
        return [row.id for row in _every_client(context) if row.search != searchable(row.name, row.email, row.phone)]

    return [
        Invariant(name="one live client an email, unless allowed", query=lambda: ids(_SAME_EMAIL)),
        Invariant(name="an email has its key, and neither comes alone", query=lambda: ids(_KEYLESS)),
        Invariant(name="every client belongs to a known account", query=lambda: ids(_STRANGERS)),
        Invariant(name="tags and consent belong to a client of the same account", query=lambda: ids(_ASTRAY)),
        Invariant(name="every client is found by what it shows", query=not_found_by_what_they_show),
    ]


_SAME_EMAIL = """SELECT min(id) FROM clients
    WHERE email_key IS NOT NULL AND deleted_at IS NULL AND merged_into IS NULL AND NOT duplicate_allowed
    GROUP BY account_id, email_key HAVING count(*) > 1"""
_KEYLESS = "SELECT id FROM clients WHERE (email IS NULL) <> (email_key IS NULL)"
_STRANGERS = "SELECT id FROM clients WHERE account_id NOT IN (SELECT id FROM accounts)"
_ASTRAY = """SELECT client_id FROM (SELECT client_id, account_id FROM client_tags UNION SELECT client_id, account_id FROM contact_changes) owned
    WHERE NOT EXISTS (SELECT 1 FROM clients WHERE clients.id = owned.client_id AND clients.account_id = owned.account_id)"""
