"""The public booking page: what it offers, its free slots, and what clients book there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chassis.ids import new_id
from chassis.problems import Invalid, Unavailable
from contracts.sessions import DepositStatus, SessionStatus
from scheduling.domain.booking import AutoConfirm
from scheduling.domain.deposits import SessionDeposit
from scheduling.domain.spans import micros
from scheduling.domain.wall import instant, local_date
from scheduling.operations import client_replicas, holds
from scheduling.operations.book import Plan, deposit_for, examine_slot, new_session, take_slot
from scheduling.operations.context import Scheduling, reading, unit_of_work
from scheduling.operations.finding import calendars_for
from scheduling.operations.free_slots import Slot, bookable, shape_of
from scheduling.operations.holds import check_hold, hold_slot, the_hold
from scheduling.operations.holds import view as hold_view
from scheduling.operations.managing import CLIENT, link_view
from scheduling.operations.offering import check_offered, online_type, online_types, open_page
from scheduling.operations.placement import Override, Placement, claiming
from scheduling.operations.sessions import money_data, record
from scheduling.store import claims
from scheduling.store.models import Account, Calendar, Hold, SessionType

_HELD_FOR = timedelta(minutes=10)


@reading
def page(context: Scheduling, username: str) -> dict[str, Any]:
    """What the page shows before anything is chosen.

    Raises:
        NotFound: there is no such page, or it is switched off.
    """
    account = open_page(username)
    rules = account.rules
    return {
        "name": account.name,
        "username": account.username,
        "timezone": account.timezone,
        "currency": account.currency,
        "locale": account.locale,
        "booking": {
            "auto_confirm": rules.auto_confirm.value,
            "min_notice_hours": rules.min_notice_hours,
            "max_advance_days": rules.max_advance_days,
            "client_cancellation": rules.client_cancellation,
            "cancel_cutoff_hours": rules.cancel_cutoff_hours,
            "reschedule_cutoff_hours": rules.reschedule_cutoff_hours,
        },
        "services": [_offer(account, session_type) for session_type in online_types(account)],
    }


@reading
def owner(context: Scheduling, username: str) -> str:
    """Whose the idempotency keys of requests to this page are: not the provider's own.

    Raises:
        NotFound: there is no such page.
    """
    return f"{open_page(username).id}:page"


@reading
def slots(
    context: Scheduling, username: str, service_id: str, calendar_id: str | None, since: datetime, until: datetime
) -> tuple[list[Slot], int]:
    """The free slots that start from `since` to `until` (half-open), and how long each is, in microseconds.

    Raises:
        NotFound: there is no such page.
        Invalid: it offers no such type, or not on that calendar.
    """
    account = open_page(username)
    session_type = online_type(context, account, service_id)
    calendars = calendars_for(account, session_type, calendar_id)
    found = bookable(context, account, session_type, calendars, (micros(since), micros(until)))
    return found, shape_of(session_type).duration


def meet_client(context: Scheduling, username: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Before the unit of work: the client of this email, made where there is none; what the provider recorded stays.

    A booking that cannot be made as things stand makes no client. Who is known here can book while the clients service is down.

    Raises:
        NotFound, Invalid, Conflict: as `book` would.
        Unavailable: the clients service is needed and down.
    """
    account_id = _examine(context, username, body)
    client = body["client"] | ({"timezone": body["timezone"]} if body.get("timezone") else {})
    try:
        return context.clients.make(account_id, client, key=key)
    except Unavailable:
        known = client_replicas.known_by_email(context, account_id, body["client"]["email"])
        if known is None:
            raise
        return known


@unit_of_work
def book(context: Scheduling, username: str, body: Mapping[str, Any], prepared: Mapping[str, Any]) -> dict[str, Any]:
    """Book a slot for the client who was met; without `calendar_id` on the free calendar that is least busy that day.

    It is confirmed as the provider's rules say; with a deposit to pay it waits for that first.

    Raises:
        NotFound: there is no such page.
        Invalid: it offers no such type, or not on that calendar.
        Conflict: `slot_unavailable`, `slot_taken`, `outside_working_hours` or `hold_invalid`.
    """
    account = open_page(username)
    plan = _plan(context, account, body, locked=True)
    client = client_replicas.the_client(account, "", prepared)
    with claiming(context):
        placed = take_slot(context, account, plan)
        session = new_session(
            context,
            account,
            plan,
            client,
            source="online",
            outside_hours=placed.outside_hours,
            client_message=body.get("notes") or "",
        )
        deposit, rules = session.its_deposit, account.rules
        session.auto_confirm_at = rules.confirms_at(session.created_at, session.starts_at)
        if rules.auto_confirm is AutoConfirm.IMMEDIATE and not _to_pay(deposit):
            session.status, session.auto_confirm_at = SessionStatus.CONFIRMED.value, None
        record(
            context,
            account,
            session,
            "session.created",
            actor=CLIENT,
            action="created",
            changes={},
            new=True,
            session_type=plan.session_type,
        )
    return link_view(context, account, session)


@unit_of_work
def hold(context: Scheduling, username: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a slot while the client fills in the rest.

    Raises:
        NotFound, Invalid, Conflict: as `book`.
    """
    account = open_page(username)
    session_type = online_type(context, account, body["service_id"])
    calendar = _calendar(context, account, session_type, body, None, locked=True)
    kept = hold_slot(
        context,
        account,
        session_type,
        calendar,
        body["starts_at"],
        duration_minutes=session_type.duration_minutes,
        ttl=_HELD_FOR,
        for_client=True,
    )
    return hold_view(kept)


@unit_of_work
def release(context: Scheduling, username: str, hold_id: str) -> None:
    """Give a slot back that the client wants no more.

    Raises:
        NotFound: there is no such page, or no hold of this id on it: it has ended, or was booked.
    """
    holds.release(context, open_page(username).id, hold_id, None)


@reading
def _examine(context: Scheduling, username: str, body: Mapping[str, Any]) -> str:
    account = open_page(username)
    plan = _plan(context, account, body, locked=False)
    examine_slot(context, account, plan)
    account_id: str = account.id
    return account_id


def _plan(context: Scheduling, account: Account, body: Mapping[str, Any], *, locked: bool) -> Plan:
    session_type = online_type(context, account, body["service_id"])
    hold = the_hold(context, account, body["hold_id"]) if body.get("hold_id") else None
    calendar = _calendar(context, account, session_type, body, hold, locked=locked)
    sized = hold or session_type
    placement = Placement(
        session_id=new_id("ses"),
        calendar_id=calendar.id,
        starts_at=body["starts_at"],
        duration_minutes=sized.duration_minutes,
        before_minutes=sized.buffer_before_minutes,
        after_minutes=sized.buffer_after_minutes,
        for_client=True,
    )
    if hold is not None:
        check_hold(context, hold, session_type, placement)
    return Plan(
        session_type=session_type,
        calendar=calendar,
        placement=placement,
        price=session_type.price,
        status=SessionStatus.PENDING,
        override=Override(),
        hold=hold,
    )


def _calendar(
    context: Scheduling,
    account: Account,
    session_type: SessionType,
    body: Mapping[str, Any],
    hold: Hold | None,
    *,
    locked: bool,
) -> Calendar:
    """The calendar to book on: the one named or held, else the free one that is least busy; `locked` keeps them as they are."""
    named = body.get("calendar_id") or (hold.calendar_id if hold else None)
    calendars = calendars_for(account, session_type, named)
    if not calendars:
        raise Invalid.field("/service_id", "Nobody offers this session type any more.")
    if hold is not None:
        return calendars[0]
    check_offered(context, account, body["starts_at"])
    if locked:
        claims.lock_calendars(account.id, [calendar.id for calendar in calendars])
    return _least_busy(context, account, session_type, calendars, body["starts_at"])


def _least_busy(
    context: Scheduling,
    account: Account,
    session_type: SessionType,
    calendars: Sequence[Calendar],
    starts_at: datetime,
) -> Calendar:
    """Of the calendars that are free at `starts_at` the one with the least to do that day; the first where none is, which says why."""
    start = micros(starts_at)
    free = {id for _, id in bookable(context, account, session_type, calendars, (start, start + 1))}
    candidates = [calendar for calendar in calendars if calendar.id in free]
    if len(candidates) < 2:
        return (candidates or calendars)[0]
    day = local_date(starts_at, account.zone)
    whole = instant(day, 0, account.zone), instant(day, 1440, account.zone)
    work = dict.fromkeys(free, 0)
    for claimed in claims.within(context.store, sorted(free), whole, context.clock.now()):
        if claimed.kind == "core":
            work[claimed.calendar_id] += min(claimed.end, whole[1]) - max(claimed.start, whole[0])
    return min(candidates, key=lambda calendar: work[calendar.id])


def _to_pay(deposit: SessionDeposit | None) -> bool:
    return deposit is not None and deposit.status is DepositStatus.REQUIRED


def _offer(account: Account, session_type: SessionType) -> dict[str, Any]:
    deposit = deposit_for(account, session_type, session_type.price)
    return {
        "id": session_type.id,
        "name": session_type.name,
        "description": session_type.description,
        "duration_minutes": session_type.duration_minutes,
        "price": money_data(session_type.price),
        "deposit": {"amount": deposit.amount, "currency": deposit.currency} if deposit and _to_pay(deposit) else None,
        "color": session_type.color,
        "auto_assign": session_type.auto_assign,
        "calendars": [
            {"id": calendar.id, "name": calendar.name, "color": calendar.color}
            for calendar in calendars_for(account, session_type)
        ],
    }
