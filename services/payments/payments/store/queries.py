"""The questions that several operations ask of the store, locks and sums of the ledger among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from chassis.problems import NotFound
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
    found: M | None = model.get_or_none((model.id == id) & (model.account_id == account_id))
    if found is None:
        raise NotFound
    return found


def locked(store: Store, query: Any) -> Any:
    """The query's rows, locked until the unit of work ends; SQLite's units of work exclude each other anyway."""
    return query.for_update() if store.on_postgresql else query


def lock_session(store: Store, account_id: str, session_id: str) -> Session | None:
    """The session's row, locked: whoever changes a deposit holds this first, so that two never decide at once."""
    query = Session.select().where((Session.id == session_id) & (Session.account_id == account_id))
    found: Session | None = locked(store, query).first()
    return found


def lock_part(store: Store, part_id: str) -> RefundPart:
    """One part of a refund, locked against those who claim it; whoever needs the session's lock takes that first."""
    part: RefundPart = locked(store, RefundPart.select().where(RefundPart.id == part_id)).get()
    return part


def deposit_of(account_id: str, session_id: str) -> Deposit | None:
    found: Deposit | None = Deposit.get_or_none((Deposit.session_id == session_id) & (Deposit.account_id == account_id))
    return found


def live_page(deposit: Deposit) -> Checkout | None:
    """The Checkout page that may be open at Stripe; the database allows one a deposit."""
    found: Checkout | None = Checkout.get_or_none((Checkout.deposit_id == deposit.id) & Checkout.state.in_(LIVE_PAGES))
    return found


def payments_of(deposit: Deposit) -> list[Payment]:
    """Newest first: the youngest charge is the one that a bank returns most surely."""
    return list(
        Payment.select().where(Payment.deposit_id == deposit.id).order_by(Payment.received_at.desc(), Payment.id.desc())
    )


def refunds_of(deposit: Deposit) -> list[Refund]:
    """Newest first."""
    return list(
        Refund.select().where(Refund.deposit_id == deposit.id).order_by(Refund.created_at.desc(), Refund.id.desc())
    )


def parts_of_deposit(deposit: Deposit) -> list[RefundPart]:
    return list(RefundPart.select().where(RefundPart.deposit_id == deposit.id))


def entries_of(deposit: Deposit) -> list[LedgerEntry]:
    return list(LedgerEntry.select().where(LedgerEntry.deposit_id == deposit.id))


def client_now(client_id: str) -> str:
    """The id that answers for `client_id` since it was merged, itself otherwise."""
    for _ in range(_MERGES):
        client = Client.get_or_none(Client.id == client_id)
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
