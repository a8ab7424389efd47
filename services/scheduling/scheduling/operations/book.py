"""Booking a session, for a client who is known or made on the spot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chassis import rows
from chassis.idempotency import Unprepared
from chassis.ids import new_id
from chassis.problems import Invalid
from chassis.statements import Question
from contracts.money import Money
from contracts.plans import Feature, includes
from contracts.sessions import SessionStatus
from scheduling.domain.deposits import SessionDeposit
from scheduling.operations import client_replicas
from scheduling.operations.context import Actor, Scheduling, reading, unit_of_work_asking
from scheduling.operations.finding import calendar_for, offered_type, the_account
from scheduling.operations.holds import check_hold, redeem, the_hold
from scheduling.operations.limits import check_month
from scheduling.operations.placement import Override, Placed, Placement, check, claiming, place, sanctioned_with
from scheduling.operations.session_types import check_currency, merged_price
from scheduling.operations.sessions import record, set_deposit, set_price, view_of_new
from scheduling.store.models import Account, Calendar, Client, Hold, Session, SessionType

PAST = {SessionStatus.COMPLETED, SessionStatus.NO_SHOW}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a body asks for once everything it names was found."""

    session_type: SessionType
    calendar: Calendar
    placement: Placement
    price: Money | None
    status: SessionStatus
    override: Override
    hold: Hold | None


def meet_client(context: Scheduling, account_id: str, body: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """Outside of any unit of work: make or fetch the client where the replica does not know it; None where it does.

    A booking that cannot be made as things stand makes no client. `key` keeps a repeated request from making two.

    Raises:
        Invalid, Conflict: as `book` would.
        Unavailable: the clients service is needed and down.
    """
    if body.get("client") is None:
        return client_replicas.ask_for(context, account_id, body["client_id"])
    _examine(context, account_id, body)
    return context.clients.make(account_id, body["client"], key=key)


def _questions(
    context: Scheduling,
    account_id: str,
    actor: Actor,
    body: Mapping[str, Any],
    prepared: Mapping[str, Any] | None,
    **_: Any,
) -> list[Question]:
    """What is surely asked; a calendar that is left to us, or a client who is put down only now, is asked for on the way."""
    in_use: dict[str, Any] = {"account_id": account_id, "retired_at": None}
    asked = [rows.question(Account, id=account_id), rows.question(SessionType, id=body["service_id"], **in_use)]
    if body.get("calendar_id"):
        asked.append(rows.question(Calendar, id=body["calendar_id"], **in_use))
    if body.get("client_id") and prepared is None:
        asked.append(rows.question(Client, share=True, id=body["client_id"], account_id=account_id))
    return asked


@unit_of_work_asking(_questions)
def book(
    context: Scheduling,
    account_id: str,
    actor: Actor,
    body: Mapping[str, Any],
    prepared: Mapping[str, Any] | None,
    *,
    action: str = "created",
    copied: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make the session that `body` asks for. `copied` are fields that only a duplicate brings along.

    Raises:
        Unprepared: the client must be made or fetched first, by `meet_client`.
        Invalid: something it names does not exist here, or a status that needs a start in the past.
        Conflict: `slot_taken`, `outside_working_hours`, `plan_limit_reached` or `hold_invalid`.
        Unavailable: the account is not known yet.
    """
    if body.get("client") is not None and prepared is None:
        raise Unprepared
    account = the_account(account_id)
    if account.terms.sessions_a_month is not None:
        # The lock makes counting and adding one caller's business at a time.
        account = the_account(account_id, locked=True)
    plan = planned(context, account, body)
    check_month(context, account)
    client = client_replicas.the_client(account, body.get("client_id") or "", prepared)
    with claiming(context):
        placed = take_slot(context, account, plan)
        session = new_session(
            context,
            account,
            plan,
            client,
            outside_hours=placed.outside_hours,
            source="manual",
            notes=body.get("notes") or "",
            session_notes=body.get("session_notes") or "",
            client_message=(copied or {}).get("client_message", ""),
        )
        record(
            context,
            account,
            session,
            "session.created",
            actor=actor,
            action=action,
            changes={**placed.as_changes(), **({"copied_from": [None, copied["id"]]} if copied else {})},
            reason=plan.override.reason if placed.overlaps or placed.outside_hours else None,
            new=True,
            session_type=plan.session_type,
        )
    return view_of_new(context, account, session, plan.session_type, client)


def take_slot(context: Scheduling, account: Account, plan: Plan) -> Placed:
    """Claim the planned time, with the hold that was kept for it where there is one.

    Raises:
        Conflict: `slot_taken`, `outside_working_hours` or `hold_invalid`.
    """
    let_in = redeem(context, account, plan.hold, plan.placement.session_id) if plan.hold else frozenset()
    return place(
        context,
        account,
        plan.placement,
        plan.override,
        permitted=let_in,
        outside_permitted=plan.hold is not None,
    )


def new_session(
    context: Scheduling, account: Account, plan: Plan, client: Client, *, source: str, outside_hours: bool, **texts: str
) -> Session:
    """The session that is planned, with its price and deposit; `texts` are `notes`, `session_notes` and `client_message`."""
    session = Session(
        id=plan.placement.session_id,
        account_id=account.id,
        client_id=client.id,
        service_id=plan.session_type.id,
        calendar_id=plan.calendar.id,
        starts_at=plan.placement.starts_at,
        ends_at=plan.placement.ends_at,
        duration_minutes=plan.placement.duration_minutes,
        buffer_before_minutes=plan.placement.before_minutes,
        buffer_after_minutes=plan.placement.after_minutes,
        status=plan.status.value,
        status_before=None,
        outside_hours=outside_hours,
        deposit_version=0,
        source=source,
        created_at=context.clock.now(),
        **{"notes": "", "session_notes": "", "client_message": ""} | texts,
    )
    set_price(session, plan.price)
    set_deposit(context, session, deposit_for(account, plan.session_type, plan.price))
    return session


def deposit_for(account: Account, session_type: SessionType, price: Money | None) -> SessionDeposit | None:
    """The deposit that a new session of this type and price is asked; None where there is none."""
    terms = session_type.deposit_terms
    money = terms.of(price, account.currency) if terms else None
    return SessionDeposit.asked(money, included=includes(account.plan, Feature.DEPOSITS)) if money else None


def price_from(account: Account, body: Mapping[str, Any], default: Money | None) -> Money | None:
    """The price that a body gives, merged into the default; that one where it gives none; null is no price."""
    if "price" not in body:
        return default
    merged = merged_price(default, body["price"])
    price = Money(**merged) if merged else None
    check_currency(account, price)
    return price


@reading
def _examine(context: Scheduling, account_id: str, body: Mapping[str, Any]) -> None:
    account = the_account(account_id)
    plan = planned(context, account, body)
    check_month(context, account)
    examine_slot(context, account, plan)


def examine_slot(context: Scheduling, account: Account, plan: Plan) -> None:
    """Whether the planned time can be had as things stand. Raises as `take_slot`."""
    hold_id = plan.hold.id if plan.hold else ""
    check(
        context,
        account,
        plan.calendar,
        plan.placement,
        plan.override,
        permitted=sanctioned_with(hold_id),
        outside_permitted=plan.hold is not None,
        besides=(hold_id,),
    )


def planned(context: Scheduling, account: Account, body: Mapping[str, Any]) -> Plan:
    """What the body asks for.

    Raises:
        Invalid: something it names does not exist here, or a status that needs a start in the past.
        Conflict: `hold_invalid`.
    """
    session_type = offered_type(account, body["service_id"])
    hold = the_hold(context, account, body["hold_id"]) if body.get("hold_id") is not None else None
    # What is left unsaid is as it was held.
    calendar_id = body.get("calendar_id") or (hold.calendar_id if hold else None)
    calendar = calendar_for(account, session_type, calendar_id)
    sized = hold or session_type
    placement = Placement(
        session_id=new_id("ses"),
        calendar_id=calendar.id,
        starts_at=body["starts_at"],
        duration_minutes=body.get("duration_minutes") or sized.duration_minutes,
        before_minutes=sized.buffer_before_minutes,
        after_minutes=sized.buffer_after_minutes,
    )
    if hold is not None:
        check_hold(context, hold, session_type, placement)
    status = SessionStatus(body.get("status") or SessionStatus.CONFIRMED)
    if status in PAST and body["starts_at"] > context.clock.now():
        raise Invalid.field("/status", f"Only a session that has started can be {status}.")
    return Plan(
        session_type=session_type,
        calendar=calendar,
        placement=placement,
        price=price_from(account, body, session_type.price),
        status=status,
        override=Override.of(body),
        hold=hold,
    )
