"""Events: time that is blocked, so that nobody is booked into it; they may overlap each other, and buffers may run into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chassis.ids import new_id
from chassis.problems import Invalid, NotFound
from contracts.envelope import format_time
from contracts.fields import rfc3339
from scheduling.domain.blocks import whole_days
from scheduling.operations.context import Actor, Scheduling, reading, unit_of_work
from scheduling.operations.finding import the_account, the_calendar, the_event
from scheduling.operations.placement import Block, Override, Placed, forget_sanctions, place
from scheduling.store import claims
from scheduling.store.models import Account, BlockedTime, BlockedTimeChange, Calendar, Series

_PLAIN = ("title", "notes", "calendar_id", "all_day", "series_id")
_TIMES = {"starts_at", "ends_at", "all_day"}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which events: those that take time from `since` on and before `until`."""

    since: datetime | None = None
    until: datetime | None = None
    calendar_id: str | None = None
    updated_since: datetime | None = None


@unit_of_work
def create(context: Scheduling, account_id: str, actor: Actor, body: Mapping[str, Any]) -> dict[str, Any]:
    """Block the time that `body` says.

    Raises:
        Invalid: it ends before it begins, or its calendar does not exist here.
        Conflict: `slot_taken`, a live session or a hold has this time.
    """
    account = the_account(account_id)
    calendar = calendar_named(context, account, body.get("calendar_id"))
    starts_at, ends_at = times(account.zone, body["starts_at"], body.get("ends_at"), all_day=body["all_day"])
    override = Override.of(body)
    block = block_for(new_id("evt"), calendar.id, starts_at, ends_at)
    placed = place(context, account, block, override)
    event = put_down(
        context,
        account,
        block,
        placed,
        actor=actor,
        texts=body,
        all_day=body["all_day"],
        reason=override.reason,
    )
    return view(event)


@unit_of_work
def amend(
    context: Scheduling, account_id: str, event_id: str, actor: Actor, body: Mapping[str, Any], expected: int | None
) -> dict[str, Any]:
    """Change what `body` names; nothing changed is no new version. Raises as `create`, and `NotFound`, `Stale`."""
    account = the_account(account_id)
    event = the_event(account, event_id, expected)
    keep(context, apply(context, account, event, body), actor)
    return view(event)


@unit_of_work
def remove(context: Scheduling, account_id: str, event_id: str, actor: Actor, expected: int | None) -> None:
    """Give the time free again; what happened to the event stays on record.

    Raises:
        NotFound, Stale: as always.
    """
    account = the_account(account_id)
    retire(context, the_event(account, event_id, expected), actor)


@reading
def show(context: Scheduling, account_id: str, event_id: str) -> dict[str, Any]:
    """One event."""
    return view(the_event(the_account(account_id), event_id, locked=False))


@reading
def history(context: Scheduling, account_id: str, event_id: str) -> list[dict[str, Any]]:
    """Who did what to the event, oldest first."""
    event = the_event(the_account(account_id), event_id, locked=False)
    query = BlockedTimeChange.select().where(BlockedTimeChange.blocked_time_id == event.id)
    return [
        {
            "at": change.at,
            "actor": change.actor,
            "action": change.action,
            "changes": change.changes,
            "reason": change.reason,
        }
        for change in query.order_by(BlockedTimeChange.version)
    ]


@reading
def listing(
    context: Scheduling, account_id: str, wanted: Filter, *, limit: int, after: tuple[datetime, str] | None
) -> tuple[list[dict[str, Any]], list[str] | None]:
    """A page of events by their start; `after` is what the last page's cursor held. Returns them and what the next one holds."""
    the_account(account_id)
    query = BlockedTime.select().where(BlockedTime.account_id == account_id, BlockedTime.retired_at.is_null())
    if wanted.since is not None:
        query = query.where(BlockedTime.ends_at > wanted.since)
    if wanted.until is not None:
        query = query.where(BlockedTime.starts_at < wanted.until)
    if wanted.calendar_id is not None:
        query = query.where(BlockedTime.calendar_id == wanted.calendar_id)
    if wanted.updated_since is not None:
        query = query.where(BlockedTime.updated_at >= wanted.updated_since)
    if after is not None:
        at, event_id = after
        query = query.where(BlockedTime.starts_at >= at, (BlockedTime.starts_at > at) | (BlockedTime.id > event_id))
    rows = list(query.order_by(BlockedTime.starts_at, BlockedTime.id).limit(limit + 1))
    more = len(rows) > limit
    rows = rows[:limit]
    following = [format_time(rows[-1].starts_at), rows[-1].id] if more else None
    return [view(row) for row in rows], following


def view(event: BlockedTime) -> dict[str, Any]:
    return {
        "id": event.id,
        "account_id": event.account_id,
        **{name: getattr(event, name) for name in _PLAIN},
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "version": event.version,
        "created_at": event.created_at,
        "updated_at": event.updated_at,
    }


def times(zone: ZoneInfo, starts_at: datetime, ends_at: datetime | None, *, all_day: bool) -> tuple[datetime, datetime]:
    """From when to when; an event of whole days from midnight to midnight in `zone`.

    Raises:
        Invalid: it has no end, or ends before it begins.
    """
    if ends_at is None and not all_day:
        raise Invalid.field("/ends_at", "Only an event of whole days may be without: it is one day then.")
    if ends_at is not None and ends_at <= starts_at:
        raise Invalid.field("/ends_at", "An event ends after it begins.")
    if all_day:
        return whole_days(starts_at, ends_at, zone)
    assert ends_at is not None
    return starts_at, ends_at


def calendar_named(context: Scheduling, account: Account, calendar_id: str | None) -> Calendar:
    """The calendar that a body names; without a name the default one.

    Raises:
        Invalid: there is none of this id.
    """
    if calendar_id is None:
        default: Calendar = Calendar.get(Calendar.account_id == account.id, Calendar.is_default)
        return default
    try:
        return the_calendar(account, calendar_id)
    except NotFound:
        raise Invalid.field("/calendar_id", "There is no calendar of this id.") from None


def block_for(event_id: str, calendar_id: str, starts_at: datetime, ends_at: datetime) -> Block:
    """The time of an event as its placement."""
    return Block(
        session_id=event_id,
        calendar_id=calendar_id,
        starts_at=starts_at,
        until=ends_at,
        duration_minutes=-((starts_at - ends_at) // timedelta(minutes=1)),
        before_minutes=0,
        after_minutes=0,
    )


def block_of(event: BlockedTime) -> Block:
    """The time that an event has."""
    return block_for(event.id, event.calendar_id, event.starts_at, event.ends_at)


def put_down(
    context: Scheduling,
    account: Account,
    block: Block,
    placed: Placed,
    *,
    actor: Actor,
    texts: Mapping[str, Any],
    all_day: bool,
    reason: str | None,
    series_id: str | None = None,
) -> BlockedTime:
    """Store a new event whose time is claimed; `reason` is why it may overlap."""
    event = BlockedTime(
        id=block.session_id,
        account_id=account.id,
        title=texts["title"],
        notes=texts.get("notes") or "",
        calendar_id=block.calendar_id,
        starts_at=block.starts_at,
        ends_at=block.ends_at,
        all_day=all_day,
        series_id=series_id,
        created_at=context.clock.now(),
    )
    _record(
        context,
        event,
        actor=actor,
        action="created",
        changes=placed.as_changes(),
        reason=reason if placed.overlaps else None,
        new=True,
    )
    return event


@dataclass(frozen=True, kw_only=True)
class Changed:
    """An event that was changed and is not stored yet: `changes` are for the history, empty where all is as it was."""

    event: BlockedTime
    changes: dict[str, list[Any]]
    reason: str | None

    @property
    def moved(self) -> bool:
        return bool({"starts_at", "ends_at", "calendar_id"} & self.changes.keys())


def apply(
    context: Scheduling,
    account: Account,
    event: BlockedTime,
    body: Mapping[str, Any],
    *,
    before: dict[str, Any] | None = None,
) -> Changed:
    """Change an event that is locked; `before` are its facts from before changes that are part of the same one. Raises as `amend`."""
    override = Override.of(body)
    before = before or facts(event)
    if "title" in body:
        event.title = body["title"]
    if "notes" in body:
        event.notes = body["notes"] or ""
    placed = _move(context, account, event, body, override)
    changes = differences(before, event)
    return Changed(
        event=event,
        changes=changes | placed.as_changes() if changes else {},
        reason=override.reason if placed.overlaps else None,
    )


def keep(context: Scheduling, changed: Changed, actor: Actor) -> None:
    """Store what was changed."""
    if changed.changes:
        _record(context, changed.event, actor=actor, action="updated", changes=changed.changes, reason=changed.reason)


def retire(context: Scheduling, event: BlockedTime, actor: Actor) -> None:
    """Remove an event that is locked."""
    claims.release(context.store, event.id)
    forget_sanctions(event.id)
    event.retired_at = context.clock.now()
    _record(context, event, actor=actor, action="removed", changes={})


def wanted_block(context: Scheduling, account: Account, event: BlockedTime, body: Mapping[str, Any]) -> Block:
    """The time that `body` asks for the event. Raises Invalid as `times` and `calendar_named`."""
    calendar_id = body.get("calendar_id", event.calendar_id)
    if calendar_id != event.calendar_id:
        calendar_id = calendar_named(context, account, calendar_id).id
    starts_at, ends_at = body.get("starts_at", event.starts_at), body.get("ends_at", event.ends_at)
    if _TIMES & body.keys():
        # A series keeps the timezone that it was made in.
        zone = Series.get_by_id(event.series_id).zone if event.series_id else account.zone
        starts_at, ends_at = times(zone, starts_at, ends_at, all_day=body.get("all_day", event.all_day))
    return block_for(event.id, calendar_id, starts_at, ends_at)


def facts(event: BlockedTime) -> dict[str, Any]:
    """What the history tells changes of, in the form of the API."""
    return {
        **{name: getattr(event, name) for name in _PLAIN},
        "starts_at": rfc3339(event.starts_at),
        "ends_at": rfc3339(event.ends_at),
    }


def differences(before: dict[str, Any], event: BlockedTime) -> dict[str, list[Any]]:
    """The fields that changed since `before` was taken, each with its old and its new value."""
    after = facts(event)
    return {name: [before[name], after[name]] for name in after if before[name] != after[name]}


def _move(
    context: Scheduling, account: Account, event: BlockedTime, body: Mapping[str, Any], override: Override
) -> Placed:
    here = block_of(event)
    wanted = wanted_block(context, account, event, body)
    event.all_day = body.get("all_day", event.all_day)
    if wanted == here:
        return Placed()
    # What was allowed was for the old time alone.
    forget_sanctions(event.id)
    placed = place(context, account, wanted, override, leaving=event.calendar_id)
    event.calendar_id = wanted.calendar_id
    event.starts_at = wanted.starts_at
    event.ends_at = wanted.ends_at
    return placed


def _record(
    context: Scheduling,
    event: BlockedTime,
    *,
    actor: Actor,
    action: str,
    changes: dict[str, list[Any]],
    reason: str | None = None,
    new: bool = False,
) -> None:
    """Store the event's change: its next version and a row of history."""
    now = context.clock.now()
    event.version = 1 if new else event.version + 1
    event.updated_at = now
    event.save(force_insert=new)
    BlockedTimeChange.insert(
        blocked_time_id=event.id,
        version=event.version,
        account_id=event.account_id,
        at=now,
        actor=actor.name,
        action=action,
        changes=changes,
        reason=reason,
    ).execute()
