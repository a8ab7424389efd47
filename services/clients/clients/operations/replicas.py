"""What is kept of sessions and deposits, for the timeline: the highest version of each, nothing private."""

from __future__ import annotations

from typing import Any

from clients.operations.context import Clients
from clients.store import queries
from clients.store.models import Deposit, Session

_OF_SESSIONS = ("id", "account_id", "version", "client_id", "service_name", "starts_at", "ends_at", "status")
_OF_DEPOSITS = (
    "id", "account_id", "version", "session_id", "client_id", "status", "amount", "held_amount", "refunded_amount", "currency",
)  # fmt: skip


def learn_session(context: Clients, data: dict[str, Any]) -> None:
    """Keep what a session's event says, unless a newer one was heard."""
    with context.store.transaction():
        queries.keep_newest(Session, {name: data[name] for name in _OF_SESSIONS})


def learn_deposit(context: Clients, data: dict[str, Any]) -> None:
    """Keep what a deposit's event says, unless a newer one was heard."""
    with context.store.transaction():
        queries.keep_newest(Deposit, {name: data[name] for name in _OF_DEPOSITS})
