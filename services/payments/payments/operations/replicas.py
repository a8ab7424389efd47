"""What payments remembers of accounts, clients and sessions: the newest state of each that it was told, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from chassis.inbox import WaitingFor
from chassis.rows import first, question
from chassis.statements import Question
from chassis.store import placeholders
from contracts.sessions import DepositStatus
from payments.domain.cancellations import to_data
from payments.operations.context import Payments
from payments.operations.settle import asked_to_open, settle
from payments.store.models import Account, Base, Client, Deposit, Session
from payments.store.queries import client_now, deposit_of, lock_session, merged_ids

_TERMS = ("id", "status", "reason", "amount", "currency")
# What of a session, and of the terms of its deposit, `settle` looks at once that is asked.
_SETTLED_BY = ("client_id", "status", "source", "payment_url", "cancellations")
_ASKS = ("amount", "currency")


def remember_account(context: Payments, data: Mapping[str, Any]) -> None:
    """Keep the account's newest state."""
    fields = ("version", "name", "email", "plan", "country", "timezone", "currency", "locale")
    _keep_newest(context, Account, {"id": data["id"], **{name: data[name] for name in fields}})


def remember_client(context: Payments, data: Mapping[str, Any], *, acting: bool) -> None:
    """Keep the client's newest state; one that was erased stays blank, whatever comes late.

    With `acting`, the deposits of a client who was merged follow to the one who answers now.
    """
    known = first(Client, id=data["id"])
    if known is None or known.erased_at is None:
        fields = ("account_id", "version", "name", "email", "merged_into")
        _keep_newest(context, Client, {"id": data["id"], **{name: data[name] for name in fields}})
    if acting and data["merged_into"]:
        _follow_merge(context, data["account_id"], data["id"])


def asked_to_remember(data: Mapping[str, Any]) -> list[Question]:
    """What `remember_session` asks the store: the session's lock, and what stands against it or is settled by it."""
    account_id, terms = data["account_id"], data["deposit"]
    return [
        question(Account, id=account_id),
        *([question(Client, **_payer(data))] if terms else []),
        *asked_to_open(account_id, data["id"]),
    ]


def remember_session(context: Payments, data: Mapping[str, Any], *, acting: bool) -> None:
    """Keep the session's newest state and, with `acting`, settle its deposit by whatever state is newest.

    Raises:
        WaitingFor: its account, or the client who is to pay, is not known here yet.
    """
    account_id, session_id, terms = data["account_id"], data["id"], data["deposit"]
    with context.store.asked_together(*asked_to_remember(data)):
        if first(Account, id=account_id) is None:
            raise WaitingFor(account_id)
        client = first(Client, **_payer(data)) if terms else None
        if terms and client is None:
            raise WaitingFor(data["client_id"])
        before = lock_session(account_id, session_id)
        deposit = deposit_of(account_id, session_id)
    told = _session(data, acting=acting)
    with context.store.as_one(left=True):
        _keep_newest(context, Session, told)
    if acting and not (client is not None and client.merged_into is None and _only_mirrors(before, told)):
        settle(context, account_id, session_id, seen=deposit)


def _payer(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": data["client_id"], "account_id": data["account_id"]}


def _session(data: Mapping[str, Any], *, acting: bool) -> dict[str, Any]:
    """The row of a session as an event tells of it, and as it is once the deposit is settled by that."""
    terms = data["deposit"]
    fields = (
        "account_id",
        "version",
        "client_id",
        "service_name",
        "starts_at",
        "status",
        "source",
        "payment_url",
        "created_at",
    )
    return {
        "id": data["id"],
        **{name: data[name] for name in fields},
        "terms": {name: terms[name] for name in _TERMS} if terms else None,
        "cancellations": to_data(data["cancellations"]),
        "settled_version": data["version"] if acting else 0,
    }


def _only_mirrors(before: Session | None, told: Mapping[str, Any]) -> bool:
    """Whether nothing that a deposit is settled by differs from what it was settled by last, as when scheduling shows what payments told it.

    `told` may be older than what is kept. While no deposit is asked, or scheduling has not heard of it, other things count.
    """
    terms = told["terms"]
    if before is None or before.settled_version != before.version or not before.terms or not terms:
        return False
    if terms["id"] is None or terms["status"] == DepositStatus.NOT_ASKED:
        return False
    if told["version"] <= before.version:
        return True
    return all(before.terms[name] == terms[name] for name in _ASKS) and all(
        getattr(before, name) == told[name] for name in _SETTLED_BY
    )


def _follow_merge(context: Payments, account_id: str, client_id: str) -> None:
    survivor = client_now(client_id)
    sessions = Session.select(Session.id).where(
        (Session.account_id == account_id) & Session.client_id.in_(merged_ids(account_id, survivor))
    )
    for session in list(sessions):
        deposit = Deposit.get_or_none((Deposit.session_id == session.id) & (Deposit.account_id == account_id))
        if deposit is not None and deposit.client_id != survivor:
            settle(context, account_id, session.id)


def _keep_newest(context: Payments, model: type[Base], row: dict[str, Any]) -> None:
    """Insert the row, or update it where this version is newer; an id never changes its account."""
    fields = model._meta.fields
    context.store.write(_upsert(model, tuple(row)), [fields[name].db_value(value) for name, value in row.items()])


@cache
def _upsert(model: type[Base], names: tuple[str, ...]) -> str:
    table = model._meta.table_name
    same_account = f" AND {table}.account_id = excluded.account_id" if "account_id" in names else ""
    return (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({placeholders(names)}) ON CONFLICT (id) DO UPDATE "
        f"SET {', '.join(f'{name} = excluded.{name}' for name in names if name != 'id')} "
        f"WHERE {table}.version < excluded.version{same_account}"
    )
