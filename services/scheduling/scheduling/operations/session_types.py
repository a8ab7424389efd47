"""Session types (the API calls them services): what the provider sells, for how long, for how much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chassis.ids import new_id
from chassis.problems import Conflict, Invalid
from contracts.money import Money
from contracts.plans import Feature, includes
from scheduling.domain.deposits import DepositTerms, TermsRefused, check_terms, complete_terms
from scheduling.operations.context import Scheduling, reading, unit_of_work
from scheduling.operations.finding import the_account, the_type
from scheduling.operations.lists import Page, page_of
from scheduling.operations.sessions import money_data
from scheduling.store.models import Account, Calendar, SessionType

_PLAIN = (
    "name", "description", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "color", "online",
    "active", "calendar_ids", "auto_assign",
)  # fmt: skip


@unit_of_work
def create(context: Scheduling, account_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Make a session type.

    Raises:
        Invalid: another currency than the account's, unknown calendars, a deposit that cannot be charged.
        Conflict: `plan_required`, as deposits are part of the plan max.
    """
    account = the_account(account_id)
    now = context.clock.now()
    session_type = SessionType(
        id=new_id("svc"),
        account_id=account_id,
        version=1,
        created_at=now,
        updated_at=now,
        **{name: body[name] for name in _PLAIN},
    )
    _set_price(session_type, body["price"])
    session_type.deposit = _terms(None, body["deposit"])
    _check(account, session_type, new_deposit=session_type.deposit is not None)
    session_type.save(force_insert=True)
    _publish(context, session_type, "service.created")
    return view(session_type)


@unit_of_work
def amend(
    context: Scheduling, account_id: str, service_id: str, body: dict[str, Any], expected: int | None
) -> dict[str, Any]:
    """Change a session type; sessions that were booked keep what they have. Raises as `create`, and `Stale`."""
    account = the_account(account_id)
    session_type = _in_use(the_type(account, service_id, expected, locked=True))
    before = view(session_type)
    for name in _PLAIN:
        if name in body:
            setattr(session_type, name, body[name])
    if "price" in body:
        _set_price(session_type, merged_price(session_type.price, body["price"]))
    if "deposit" in body:
        session_type.deposit = _terms(session_type.deposit, body["deposit"])
    after = view(session_type)
    if after == before:
        return after
    if (
        after["price"] != before["price"]
        or after["deposit"] != before["deposit"]
        or after["calendar_ids"] != before["calendar_ids"]
    ):
        new_deposit = after["deposit"] is not None and after["deposit"] != before["deposit"]
        _check(account, session_type, new_deposit=new_deposit, accepted=before["calendar_ids"])
    _save(context, session_type)
    _publish(context, session_type, "service.updated")
    return view(session_type)


@unit_of_work
def retire(context: Scheduling, account_id: str, service_id: str, expected: int | None) -> None:
    """Offer the session type no more; its sessions stay."""
    session_type = _in_use(the_type(the_account(account_id), service_id, expected, locked=True))
    session_type.retired_at = context.clock.now()
    session_type.active = False
    _save(context, session_type)
    _publish(context, session_type, "service.retired")


@reading
def show(context: Scheduling, account_id: str, service_id: str) -> dict[str, Any]:
    """One session type, a retired one too."""
    return view(the_type(the_account(account_id), service_id))


@reading
def listing(context: Scheduling, account_id: str, page: Page) -> tuple[list[dict[str, Any]], list[str] | None]:
    """The session types that are not retired, in the order they were made."""
    the_account(account_id)
    query = SessionType.select().where(SessionType.account_id == account_id, SessionType.retired_at.is_null())
    rows, following = page_of(query, SessionType, page)
    return [view(row) for row in rows], following


def view(session_type: SessionType) -> dict[str, Any]:
    return {
        "id": session_type.id,
        "account_id": session_type.account_id,
        **{name: getattr(session_type, name) for name in _PLAIN},
        "price": money_data(session_type.price),
        "deposit": session_type.deposit,
        "retired_at": session_type.retired_at,
        "version": session_type.version,
        "created_at": session_type.created_at,
        "updated_at": session_type.updated_at,
    }


def event_data(session_type: SessionType) -> dict[str, Any]:
    """The type as its events tell it."""
    left_out = {"calendar_ids", "auto_assign", "retired_at", "created_at", "updated_at"}
    data = {name: value for name, value in view(session_type).items() if name not in left_out}
    if session_type.deposit is not None:
        data["deposit"] = {"amount": None, "percent": None} | session_type.deposit
    return data


def _in_use(session_type: SessionType) -> SessionType:
    if session_type.retired_at is not None:
        raise Conflict("This session type is retired.", code="invalid_transition")
    return session_type


def _set_price(session_type: SessionType, price: dict[str, Any] | None) -> None:
    session_type.price_amount = price["amount"] if price else None
    session_type.price_currency = price["currency"] if price else None


def _check(account: Account, session_type: SessionType, *, new_deposit: bool, accepted: Sequence[str] = ()) -> None:
    check_currency(account, session_type.price)
    known = {
        c.id
        for c in Calendar.select(Calendar.id).where(Calendar.account_id == account.id, Calendar.retired_at.is_null())
    }
    for index, calendar_id in enumerate(session_type.calendar_ids):
        if calendar_id not in known and calendar_id not in accepted:
            raise Invalid.field(f"/calendar_ids/{index}", "There is no calendar of this id.")
    try:
        check_terms(DepositTerms.read(session_type.deposit), session_type.price, account.currency)
    except TermsRefused as refused:
        raise Invalid.field(refused.path, str(refused)) from None
    if new_deposit and not includes(account.plan, Feature.DEPOSITS):
        raise Conflict("Deposits are part of the plan max.", code="plan_required")


def merged_price(current: Money | None, patch: dict[str, Any] | None) -> dict[str, Any] | None:
    """The price after a merge patch (RFC 7396): what the patch leaves out stays.

    Raises:
        Invalid: what comes out is not complete.
    """
    if patch is None:
        return None
    merged = (money_data(current) or {}) | patch
    for name in ("amount", "currency"):
        if name not in merged:
            raise Invalid.field(f"/price/{name}", "Missing data for required field.")
    return merged


def _terms(current: dict[str, Any] | None, patch: dict[str, Any] | None) -> dict[str, Any] | None:
    try:
        return None if patch is None else complete_terms((current or {}) | patch, patch)
    except TermsRefused as refused:
        raise Invalid.field(refused.path, str(refused)) from None


def check_currency(account: Account, price: Money | None) -> None:
    """Prices are in the account's currency, so that what is earned can be added up.

    Raises:
        Invalid: it is another one.
    """
    if price is not None and price.currency != account.currency:
        raise Invalid.field("/price/currency", f"The account's currency is {account.currency}.")


def _save(context: Scheduling, session_type: SessionType) -> None:
    session_type.version += 1
    session_type.updated_at = context.clock.now()
    session_type.save()


def _publish(context: Scheduling, session_type: SessionType, event: str) -> None:
    context.outbox.publish(
        event,
        subject=session_type.id,
        account_id=session_type.account_id,
        sequence=session_type.version,
        data=event_data(session_type),
        occurred_at=session_type.updated_at,
    )
