"""The questions that several operations ask of the store, locks and sums of the ledger among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from chassis.problems import NotFound
from chassis.rows import every, first
from chassis.store import Store
from payments.store.models import (
    Base,
    Checkout,
    CheckoutState,
    Client,
    Deposit,
    LedgerEntry,
    Payment,
    Refund,
    RefundPart,
    Session,
)

M = TypeVar("M", bound=Base)

LIVE_PAGES = (CheckoutState.INTENDED.value, CheckoutState.OPEN.value, CheckoutState.PROCESSING.value)
_MERGES = 20


def own(model: type[M], account_id: str, id: str) -> M:
    """The account's own row of this id.

    Raises:
        NotFound: there is none, or it is another account's.
    """
    found = first(model, id=id, account_id=account_id)
    if found is None:
        raise NotFound
    return found


def locked(store: Store, query: Any) -> Any:
    """The query's rows, locked until the unit of work ends; SQLite's units of work exclude each other anyway."""
    return query.for_update() if store.on_postgresql else query


def lock_session(account_id: str, session_id: str) -> Session | None:
    """The session's row, locked: whoever changes a deposit holds this first, so that two never decide at once."""
    return first(Session, lock=True, id=session_id, account_id=account_id)


def lock_part(part_id: str) -> RefundPart:
    """One part of a refund, locked against those who claim it; whoever needs the session's lock takes that first."""
    part = first(RefundPart, lock=True, id=part_id)
    assert part is not None, "parts are never deleted"
    return part


def deposit_of(account_id: str, session_id: str) -> Deposit | None:
    return first(Deposit, session_id=session_id, account_id=account_id)


def live_page(deposit: Deposit) -> Checkout | None:
    """The Checkout page that may be open at Stripe; the database allows one a deposit."""
    return next((page for page in every(Checkout, deposit_id=deposit.id) if page.state in LIVE_PAGES), None)


def payments_of(deposit: Deposit) -> list[Payment]:
    """Newest first: the youngest charge is the one that a bank returns most surely."""
    return sorted(every(Payment, deposit_id=deposit.id), key=lambda each: (each.received_at, each.id), reverse=True)


def refunds_of(deposit: Deposit) -> list[Refund]:
    """Newest first."""
    return sorted(every(Refund, deposit_id=deposit.id), key=lambda each: (each.created_at, each.id), reverse=True)


def parts_of_deposit(deposit: Deposit) -> list[RefundPart]:
    return every(RefundPart, deposit_id=deposit.id)


def entries_of(deposit: Deposit) -> list[LedgerEntry]:
    return every(LedgerEntry, deposit_id=deposit.id)


def client_now(client_id: str) -> str:
    """The id that answers for `client_id` since it was merged, itself otherwise."""
    for _ in range(_MERGES):
        client = first(Client, id=client_id)
        if client is None or client.merged_into is None:
            return client_id
        client_id = client.merged_into
    return client_id


def merged_ids(account_id: str, client_id: str) -> list[str]:
    """`client_id` and every id that was merged into it."""
    found: list[str] = [client_id]
    fresh: Sequence[str] = [client_id]
    while fresh:
        rows = Client.select(Client.id).where(
            (Client.account_id == account_id) & Client.merged_into.in_(list(fresh)) & Client.id.not_in(found)
        )
        fresh = [row.id for row in rows]
        found += fresh
    return found
