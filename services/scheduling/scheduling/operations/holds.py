"""Holds: a slot kept for somebody who is about to book it. One ends by itself, and from that moment on is in nobody's way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chassis.ids import new_id
from chassis.problems import Conflict, Invalid, NotFound
from scheduling.operations.context import Scheduling, unit_of_work
from scheduling.operations.finding import calendar_for, fresh, offered_type, the_account
from scheduling.operations.limits import check_month
from scheduling.operations.placement import Override, Placement, check, sanctioned_with, take
from scheduling.store import claims, histories
from scheduling.store.claims import Owner
from scheduling.store.models import Account, Calendar, Hold, Sanction, SessionType

# A hold that has ended is known for so long, so that who books with it too late is told so.
_REMEMBERED = timedelta(days=1)
# Its claims are left to a booking that came in time and is still on its way.
_GRACE = timedelta(minutes=1)
_AT_ONCE = 500


@unit_of_work
def create(context: Scheduling, account_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Hold the slot that `body` asks for; the provider's rules are those of a booking.

    Raises:
        Invalid: something it names does not exist here.
        Conflict: `slot_taken`, `outside_working_hours` or `plan_limit_reached`.
        Unavailable: the account is not known yet.
    """
    account = the_account(account_id)
    session_type = offered_type(account, body["service_id"])
    calendar = calendar_for(account, session_type, body.get("calendar_id"))
    check_month(context, account)
    hold = hold_slot(
        context,
        account,
        session_type,
        calendar,
        body["starts_at"],
        duration_minutes=body.get("duration_minutes") or session_type.duration_minutes,
        ttl=timedelta(seconds=body["ttl_seconds"]),
    )
    return view(hold)


def hold_slot(
    context: Scheduling,
    account: Account,
    session_type: SessionType,
    calendar: Calendar,
    starts_at: datetime,
    *,
    duration_minutes: int,
    ttl: timedelta,
    for_client: bool = False,
) -> Hold:
    """Hold the slot in the open unit of work, under the lock of its calendar.

    Raises:
        Conflict: `slot_taken` or `outside_working_hours`.
    """
    now = context.clock.now()
    hold = Hold(
        id=new_id("hld"),
        account_id=account.id,
        service_id=session_type.id,
        calendar_id=calendar.id,
        starts_at=starts_at,
        duration_minutes=duration_minutes,
        buffer_before_minutes=session_type.buffer_before_minutes,
        buffer_after_minutes=session_type.buffer_after_minutes,
        expires_at=now + ttl,
        created_at=now,
    )
    wanted = Placement(
        session_id=hold.id,
        calendar_id=calendar.id,
        starts_at=starts_at,
        duration_minutes=duration_minutes,
        before_minutes=hold.buffer_before_minutes,
        after_minutes=hold.buffer_after_minutes,
        for_client=for_client,
    )
    locked = claims.lock_calendars(account.id, {calendar.id})
    placed = check(context, account, locked[calendar.id], wanted, Override())
    take(context, wanted.claim(account.id, Owner.HOLD, expires_at=hold.expires_at), placed)
    hold.save(force_insert=True)
    return hold


@unit_of_work
def release(context: Scheduling, account_id: str, hold_id: str, expected: int | None) -> None:
    """Give the slot back before the hold ends by itself.

    Raises:
        NotFound: there is none of this id, or it has ended.
        Stale: its version is not the expected one.
    """
    account = the_account(account_id)
    hold = fresh(Hold.get_or_none(Hold.id == hold_id, Hold.account_id == account.id), expected)
    if not _end(context, account, hold):
        raise NotFound()
    Sanction.delete().where(Sanction.other_id == hold.id).execute()


def the_hold(context: Scheduling, account: Account, hold_id: str) -> Hold:
    """The hold that a body names, one that has ended too.

    Raises:
        Invalid: there is none of this id.
    """
    hold: Hold | None = Hold.get_or_none(Hold.id == hold_id, Hold.account_id == account.id)
    if hold is None:
        raise Invalid.field("/hold_id", "There is no hold of this id.")
    return hold


def check_hold(context: Scheduling, hold: Hold, session_type: SessionType, wanted: Placement) -> None:
    """Whether the hold stands, and is for that very slot.

    Raises:
        Conflict: `hold_invalid`.
    """
    if hold.ended(context.clock.now()):
        raise _invalid("The hold has ended.")
    held = (hold.service_id, hold.calendar_id, hold.starts_at, hold.duration_minutes)
    if held != (session_type.id, wanted.calendar_id, wanted.starts_at, wanted.duration_minutes):
        raise _invalid("The hold is for another slot.")


def redeem(context: Scheduling, account: Account, hold: Hold, session_id: str) -> frozenset[str]:
    """Make the hold's time free for its session, in the session's unit of work, under the calendar's lock: nobody comes in between.

    Returns whom the session may overlap: those who were let in over the hold on purpose.

    Raises:
        Conflict: `hold_invalid`, it has ended meanwhile.
    """
    if not _end(context, account, hold, session_id):
        raise _invalid("The hold has ended.")
    Sanction.update(other_id=session_id).where(Sanction.other_id == hold.id).execute()
    _name_instead(session_id, hold)
    return sanctioned_with(session_id)


def _name_instead(session_id: str, hold: Hold) -> None:
    """The histories of those who were let in over the hold name its session from now on: the hold is soon forgotten."""
    for change in histories.explained(hold.account_id, since=hold.created_at):
        over = histories.overlapped(change)
        if hold.id in over:
            named = [session_id if each == hold.id else each for each in over]
            histories.rewrite(change, changes=change.changes | {"overlaps": [[], named]})


def forget_ended(context: Scheduling) -> int:
    """Delete a portion of what holds leave behind when they end; returns how much that was."""
    now = context.clock.now()

    def portion() -> int:
        with context.store.transaction():
            left = claims.drop_ended(context.store, now - _GRACE, _AT_ONCE)
            old = [
                hold.id
                for hold in Hold.select(Hold.id)
                .where(Hold.expires_at <= now - _REMEMBERED)
                .order_by(Hold.expires_at)
                .limit(_AT_ONCE)
            ]
            Sanction.delete().where(Sanction.other_id.in_(old)).execute()
            Hold.delete().where(Hold.id.in_(old)).execute()
            return left + len(old)

    return context.store.run(portion)


def view(hold: Hold) -> dict[str, Any]:
    return {
        "id": hold.id,
        "account_id": hold.account_id,
        "service_id": hold.service_id,
        "calendar_id": hold.calendar_id,
        "starts_at": hold.starts_at,
        "ends_at": hold.starts_at + timedelta(minutes=hold.duration_minutes),
        "duration_minutes": hold.duration_minutes,
        "expires_at": hold.expires_at,
        "version": hold.version,
        "created_at": hold.created_at,
        "updated_at": hold.created_at,
    }


def _end(context: Scheduling, account: Account, hold: Hold, session_id: str | None = None) -> bool:
    """End the hold, under the lock of its calendar; whether it stood until now."""
    now = context.clock.now()
    claims.lock_calendars(account.id, {hold.calendar_id})
    standing = (Hold.id == hold.id) & Hold.ended_at.is_null() & (Hold.expires_at > now)
    ended = Hold.update(ended_at=now, session_id=session_id).where(standing).execute()
    # Without its claims it had ended for somebody who looked later than `now`, and took the time.
    return bool(ended) and claims.release(context.store, hold.id)


def _invalid(detail: str) -> Conflict:
    return Conflict(detail, code="hold_invalid")
