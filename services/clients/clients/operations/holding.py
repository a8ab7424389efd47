"""Everything that is held about a person, gathered from every service for the one who asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clients.domain import record
from clients.operations import find
from clients.operations.context import Clients
from clients.store import queries


@dataclass(frozen=True, kw_only=True)
class DataExport:
    """`records` are the client's and those of everybody who was merged into them; `services` what the others hold, by kind of record."""

    client_id: str
    exported_at: datetime
    records: list[record.Client]
    services: dict[str, Any]


def export(context: Clients, account_id: str, client_id: str, *, private: bool) -> DataExport:
    """What every service holds; the provider's private notes only with `private`.

    Raises:
        NotFound
        Unavailable: a service cannot answer, or the account is not known yet.
    """
    client = find.one(context, account_id, client_id)
    services = context.holdings.of(account_id, client.id, private=private)
    with context.store.reading():
        records = queries.records(queries.records_of(account_id, queries.merged_ids(account_id, client.id)))
    return DataExport(client_id=client.id, exported_at=context.clock.now(), records=records, services=services)
