"""The members of a series, sessions or events, as a change of several of them treats them: where each belongs, and what it is to become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from contracts.money import Money
from contracts.sessions import SessionStatus
from scheduling.domain.blocks import Length
from scheduling.domain.wall import on_the_wall, wall_of
from scheduling.operations import amend as amending
from scheduling.operations import blocked_times
from scheduling.operations.book import price_from
from scheduling.operations.context import Actor, Scheduling
from scheduling.operations.finding import calendar_for, offered_type
from scheduling.operations.laying_out import SESSION
from scheduling.operations.placement import Override, Placement
from scheduling.operations.sessions import Batch, facts, money_data
from scheduling.store.models import Account, BlockedTime, Series, Session, SessionType

Body = Mapping[str, Any]
# Calendar, start and end.
Place = tuple[str, datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a series becomes: its template, and by how much of wall time everything is moved."""

    template: dict[str, Any]
    shift: timedelta

    @property
    def moves(self) -> bool:
        return bool(self.shift)


class Changed(Protocol):
    """A member that was changed and is not stored yet."""

    @property
    def changes(self) -> dict[str, list[Any]]: ...

    @property
    def moved(self) -> bool: ...


class Members(Protocol):
    """One kind of member. `member` is a Session or a BlockedTime, which nobody else looks into."""

    # What puts a member elsewhere: one that was put elsewhere by itself keeps that.
    placing: frozenset[str]
    # What of that says when it is.
    timing: frozenset[str]

    def found(self, ids: Sequence[str]) -> list[Any]:
        """The members of these ids, but for events that were removed."""
        ...

    def locked(self, ids: Sequence[str]) -> list[Any]:
        """The same, kept from others until the unit of work ends."""
        ...

    def to_come(self, member: Any) -> bool:
        """Whether it stands and is not over: what is over stays as it was."""
        ...

    def facts(self, member: Any) -> dict[str, Any]: ...

    def place_of(self, member: Any) -> Placement: ...

    def laid_at(self, series: Series, wall: datetime) -> Place:
        """Where the series lays the occurrence at `wall`."""
        ...

    def plan(self, series: Series, wall: datetime, member: Any | None, body: Body) -> Plan:
        """What the series becomes when `body` is said of its occurrence at `wall`, which is `member`.

        Raises:
            Invalid: something it names does not exist here.
        """
        ...

    def times(self, series: Series, wall: datetime, plan: Plan, body: Body) -> dict[str, Any]:
        """The times that `body` is to have for the occurrence at `wall`, once the series is as planned."""
        ...

    def wanted(self, member: Any, body: Body) -> Placement: ...

    def apply(self, member: Any, actor: Actor, body: Body, before: dict[str, Any]) -> Changed: ...

    def keep(self, changed: Any, actor: Actor, batch: Batch | None) -> None: ...


def _laid_start(series: Series, wall: datetime) -> datetime:
    """When the series has its occurrence at `wall` begin."""
    return on_the_wall(wall + series.shifted, series.zone)


def _shift(series: Series, wall: datetime, starts_at: datetime) -> timedelta:
    """How far the series moves by the clock on its wall, if its occurrence at `wall` is to begin at `starts_at`."""
    return wall_of(starts_at, series.zone) - wall_of(_laid_start(series, wall), series.zone)


def _sessions(ids: Sequence[str]) -> Any:
    return Session.select().where(Session.id.in_(ids)).order_by(Session.id)


def _events(ids: Sequence[str]) -> Any:
    return (
        BlockedTime.select().where(BlockedTime.id.in_(ids), BlockedTime.retired_at.is_null()).order_by(BlockedTime.id)
    )


def _locked(context: Scheduling, query: Any) -> list[Any]:
    """The query's rows, locked until the unit of work ends; SQLite's units of work exclude each other anyway."""
    return list(query.for_update() if context.store.on_postgresql else query)


@dataclass(frozen=True, kw_only=True)
class SessionMembers:
    context: Scheduling
    account: Account
    placing = frozenset({"starts_at", "duration_minutes", "calendar_id"})
    timing = frozenset({"starts_at"})

    def found(self, ids: Sequence[str]) -> list[Session]:
        return list(_sessions(ids))

    def locked(self, ids: Sequence[str]) -> list[Session]:
        return _locked(self.context, _sessions(ids))

    def to_come(self, member: Session) -> bool:
        stands = member.status in {SessionStatus.PENDING, SessionStatus.CONFIRMED}
        return stands and not member.started(self.context.clock.now())

    def facts(self, member: Session) -> dict[str, Any]:
        return facts(member)

    def place_of(self, member: Session) -> Placement:
        return Placement.of(member)

    def laid_at(self, series: Series, wall: datetime) -> Place:
        starts_at = _laid_start(series, wall)
        duration = timedelta(minutes=series.template["duration_minutes"])
        return series.template["calendar_id"], starts_at, starts_at + duration

    def plan(self, series: Series, wall: datetime, member: Session | None, body: Body) -> Plan:
        template: dict[str, Any] = dict(series.template)
        session_type = SessionType.get_by_id(template["service_id"])
        if body.get("service_id", session_type.id) != session_type.id:
            session_type = offered_type(self.account, body["service_id"])
        if {"service_id", "calendar_id"} & body.keys():
            wanted = body.get("calendar_id", template["calendar_id"])
            template["calendar_id"] = calendar_for(self.account, session_type, wanted).id
        template["service_id"] = session_type.id
        for name in ("notes", "session_notes"):
            if name in body:
                template[name] = body[name] or ""
        template["duration_minutes"] = body.get("duration_minutes", template["duration_minutes"])
        template["price"] = money_data(
            price_from(self.account, body, Money(**template["price"]) if template["price"] else None)
        )
        shift = timedelta(0)
        if "starts_at" in body:
            shift = _shift(series, wall, body["starts_at"])
        if shift or {"duration_minutes", "calendar_id"} & body.keys():
            # Whoever moves loses what was allowed for the old time.
            override = Override.of(body)
            template["outside_hours"] = override.reason if override.outside_hours else None
        return Plan(template=template, shift=shift)

    def times(self, series: Series, wall: datetime, plan: Plan, body: Body) -> dict[str, Any]:
        return {"starts_at": _laid_start(series, wall)} if plan.moves else {}

    def wanted(self, member: Session, body: Body) -> Placement:
        session_type = amending.its_type(self.context, self.account, member, body)
        return amending.wanted_placement(self.context, self.account, member, session_type, body)

    def apply(self, member: Session, actor: Actor, body: Body, before: dict[str, Any]) -> amending.Changed:
        return amending.apply(self.context, self.account, member, actor, body, before=before)

    def keep(self, changed: amending.Changed, actor: Actor, batch: Batch | None) -> None:
        amending.keep(self.context, self.account, changed, actor, batch)


@dataclass(frozen=True, kw_only=True)
class EventMembers:
    context: Scheduling
    account: Account
    placing = frozenset({"starts_at", "ends_at", "all_day", "calendar_id"})
    timing = frozenset({"starts_at", "ends_at", "all_day"})

    def found(self, ids: Sequence[str]) -> list[BlockedTime]:
        return list(_events(ids))

    def locked(self, ids: Sequence[str]) -> list[BlockedTime]:
        return _locked(self.context, _events(ids))

    def to_come(self, member: BlockedTime) -> bool:
        return bool(member.ends_at > self.context.clock.now())

    def facts(self, member: BlockedTime) -> dict[str, Any]:
        return blocked_times.facts(member)

    def place_of(self, member: BlockedTime) -> Placement:
        return blocked_times.block_of(member)

    def laid_at(self, series: Series, wall: datetime) -> Place:
        starts_at = _laid_start(series, wall)
        return (
            series.template["calendar_id"],
            starts_at,
            Length.read(series.template["length"]).end(starts_at, series.zone),
        )

    def plan(self, series: Series, wall: datetime, member: BlockedTime | None, body: Body) -> Plan:
        template: dict[str, Any] = dict(series.template)
        if "title" in body:
            template["title"] = body["title"]
        if "notes" in body:
            template["notes"] = body["notes"] or ""
        if "calendar_id" in body:
            template["calendar_id"] = blocked_times.calendar_named(self.context, self.account, body["calendar_id"]).id
        if not self.timing & body.keys():
            return Plan(template=template, shift=timedelta(0))
        _, *laid = self.laid_at(series, wall)
        here = laid if member is None else [member.starts_at, member.ends_at]
        all_day = body.get("all_day", template["all_day"] if member is None else member.all_day)
        starts_at, ends_at = blocked_times.times(
            series.zone, body.get("starts_at", here[0]), body.get("ends_at", here[1]), all_day=all_day
        )
        length = Length.between(starts_at, ends_at, all_day=all_day, zone=series.zone)
        template |= {"all_day": all_day, "length": length.as_data()}
        if "starts_at" not in body:
            # Where the named one was put by itself is not said of the others.
            starts_at, _ = blocked_times.times(series.zone, *laid, all_day=all_day)
        return Plan(template=template, shift=_shift(series, wall, starts_at))

    def times(self, series: Series, wall: datetime, plan: Plan, body: Body) -> dict[str, Any]:
        if not self.timing & body.keys():
            return {}
        _, starts_at, ends_at = self.laid_at(series, wall)
        return {"starts_at": starts_at, "ends_at": ends_at, "all_day": series.template["all_day"]}

    def wanted(self, member: BlockedTime, body: Body) -> Placement:
        return blocked_times.wanted_block(self.context, self.account, member, body)

    def apply(self, member: BlockedTime, actor: Actor, body: Body, before: dict[str, Any]) -> blocked_times.Changed:
        return blocked_times.apply(self.context, self.account, member, body, before=before)

    def keep(self, changed: blocked_times.Changed, actor: Actor, batch: Batch | None) -> None:
        blocked_times.keep(self.context, changed, actor)


def members_of(context: Scheduling, account: Account, series: Series) -> Members:
    """What treats the members of this series."""
    if series.kind == SESSION:
        return SessionMembers(context=context, account=account)
    return EventMembers(context=context, account=account)


def stands_elsewhere(members: Members, member: Any, laid: Place) -> bool:
    """Whether it was moved, lengthened or put on another calendar by itself."""
    place = members.place_of(member)
    return (place.calendar_id, place.starts_at, place.ends_at) != laid
