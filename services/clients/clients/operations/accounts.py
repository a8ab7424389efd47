"""What is known of accounts: enough to limit, to complete phone numbers, and to name years."""

from __future__ import annotations

from typing import Any

from chassis.problems import Conflict, Unavailable
from clients.operations.context import Clients
from clients.store import queries
from clients.store.models import Account
from contracts.plans import PLANS, Plan


def learn(context: Clients, data: dict[str, Any]) -> None:
    """Keep what an account's event says, unless a newer one was heard."""
    with context.store.transaction():
        queries.keep_newest(Account, {name: data[name] for name in ("id", "version", "plan", "timezone", "country")})


def known(account_id: str) -> Account:
    """The caller's account.

    Raises:
        Unavailable: it has not been heard of yet.
    """
    return _known(queries.account(account_id))


def locked(context: Clients, account_id: str) -> Account:
    """The caller's account, locked until the unit of work ends: who counts clients or looks for doubles waits for the others.

    Raises:
        Unavailable: it has not been heard of yet.
    """
    return _known(queries.lock_account(context.store, account_id))


def _known(account: Account | None) -> Account:
    if account is None:
        raise Unavailable("this account is not known here yet")
    return account


def make_room(account: Account) -> None:
    """See that the plan has room for one more live client; the account must be locked.

    Raises:
        Conflict: `plan_limit_reached`.
    """
    limit = PLANS[Plan(account.plan)].clients
    if limit is not None and queries.count_live(account.id, up_to=limit) >= limit:
        raise Conflict(f"the plan {account.plan} includes {limit} clients", code="plan_limit_reached", limit=limit)
