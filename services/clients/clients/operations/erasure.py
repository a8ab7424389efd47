"""A client asked to be forgotten: what each service answers is kept for the receipt."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from clients.operations.context import Clients
from clients.store import queries
from clients.store.models import ErasureAnswer


def answered(context: Clients, account_id: str, data: dict[str, Any], *, at: datetime) -> None:
    """Keep a service's answer (`contracts.schemas.ErasedData`), the latest of each; a repeated one changes nothing."""
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
        queries.keep_newest(ErasureAnswer, row, key=("client_id", "service"))
