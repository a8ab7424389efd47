"""The present state, subject by subject, for a service that is filled anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chassis.service import Snapshot
from contracts.registry import event_type
from scheduling.operations import accounts, session_types
from scheduling.operations.context import Scheduling
from scheduling.operations.sessions import event_data
from scheduling.store.models import Account, Session, SessionType

_BATCH = 200


def snapshots(context: Scheduling, to: str) -> Iterator[Snapshot]:
    """What `to` consumes of scheduling, each subject after those that it refers to; read in portions, so of any number."""
    if to in event_type("account.snapshot").consumers:
        for account in _all(context, Account):
            yield _snapshot("account", account.id, account, accounts.event_data(account))
    if to in event_type("service.snapshot").consumers:
        for session_type in _all(context, SessionType):
            yield _snapshot("service", session_type.account_id, session_type, session_types.event_data(session_type))
    if to in event_type("session.snapshot").consumers:
        known: dict[str, Account] = {}
        for session in _all(context, Session):
            with context.store.reading():
                account = known.get(session.account_id) or Account.get_by_id(session.account_id)
                known = {account.id: account}
                yield _snapshot("session", session.account_id, session, event_data(context, account, session))


def _snapshot(subject: str, account_id: str, row: Any, data: dict[str, Any]) -> Snapshot:
    return Snapshot(
        type=f"{subject}.snapshot",
        subject=row.id,
        account_id=account_id,
        sequence=row.version,
        data=data,
        occurred_at=row.updated_at,
    )


def _all(context: Scheduling, model: Any) -> Iterator[Any]:
    last = ""
    while True:
        with context.store.reading():
            rows = list(model.select().where(model.id > last).order_by(model.id).limit(_BATCH))
        yield from rows
        if len(rows) < _BATCH:
            return
        last = rows[-1].id
