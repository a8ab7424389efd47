"""Changing members of a series: this one, this and the following ones, or all; everything in one unit of work.

What is over stays as it was, and so does what was cancelled. One that was moved by itself stays where it was put; what else is changed
reaches it. `following` splits the series in two, as calendars do (RFC 5545: the old rule ends before the split, another begins there).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from chassis.ids import new_id
from chassis.problems import Conflict, Invalid
from chassis.statements import Question
from contracts.sessions import RefundDecision, SessionStatus
from scheduling.domain.recurrence import Scope
from scheduling.domain.transitions import Action
from scheduling.operations import amend as amending
from scheduling.operations import blocked_times
from scheduling.operations import cancel as cancelling
from scheduling.operations.context import Actor, Scheduling, unit_of_work, unit_of_work_asking
from scheduling.operations.finding import fresh, the_account, the_event, the_session
from scheduling.operations.laying_out import OUTSIDE, all_taken, note_horizon, outside
from scheduling.operations.placement import Placement
from scheduling.operations.series_members import Body, Members, Plan, members_of, stands_elsewhere
from scheduling.operations.sessions import Batch, standing_cancellation, view
from scheduling.operations.steps import step
from scheduling.store import claims
from scheduling.store.models import Account, BlockedTime, Cancellation, Occurrence, Series, Session


@dataclass(kw_only=True)
class Part:
    """The members of a series that a change reaches, locked, by their wall times; `chosen` is the one it was said of, at `wall`."""

    series: Series
    scope: Scope
    wall: datetime
    chosen: Any | None
    by_wall: dict[datetime, Any]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What is known before members change: their facts, and which of them stand elsewhere than their series laid them."""

    plan: Plan
    before: Mapping[str, dict[str, Any]]
    elsewhere: frozenset[str]


@unit_of_work
def amend_session(
    context: Scheduling, account_id: str, session_id: str, actor: Actor, body: Body, expected: int | None
) -> dict[str, Any]:
    """Change the session, and as many others of its series as `scope` says. Raises as `amend.amend`; a 409 tells every conflict."""
    scope, body = _scope(body)
    if scope is Scope.THIS:
        return amending.amend(context, account_id, session_id, actor, body, expected)
    account = the_account(account_id)
    the_session(account, session_id, locked=False)
    part = _part_of(context, account, session_id, scope, expected)
    carry_out(context, account, part, draft(context, account, part, body), body, actor)
    assert part.chosen is not None
    return view(context, account, part.chosen)


@unit_of_work
def amend_event(
    context: Scheduling, account_id: str, event_id: str, actor: Actor, body: Body, expected: int | None
) -> dict[str, Any]:
    """Change the event, and as many others of its series as `scope` says. Raises as `blocked_times.amend`."""
    scope, body = _scope(body)
    if scope is Scope.THIS:
        return blocked_times.amend(context, account_id, event_id, actor, body, expected)
    account = the_account(account_id)
    the_event(account, event_id, locked=False)
    part = _part_of(context, account, event_id, scope, expected)
    carry_out(context, account, part, draft(context, account, part, body), body, actor)
    assert part.chosen is not None
    return blocked_times.view(part.chosen)


@unit_of_work
def remove_event(
    context: Scheduling, account_id: str, event_id: str, actor: Actor, scope: Scope, expected: int | None
) -> None:
    """Remove the event, and as many others of its series as `scope` says, which then goes no further. Raises as `blocked_times.remove`."""
    if scope is Scope.THIS:
        blocked_times.remove(context, account_id, event_id, actor, expected)
        return
    account = the_account(account_id)
    the_event(account, event_id, locked=False)
    part = _part_of(context, account, event_id, scope, expected)
    for event in reached(context, account, part):
        blocked_times.retire(context, event, actor)
    go_no_further(context, part)


def _asked_to_cancel(
    _: Scheduling, account_id: str, session_id: str, __: Actor, body: Body, ___: int | None
) -> list[Question]:
    scope, _body = _scope(body)
    return cancelling.asked_to_cancel(account_id, session_id) if scope is Scope.THIS else []


@unit_of_work_asking(_asked_to_cancel)
def cancel_session(
    context: Scheduling, account_id: str, session_id: str, actor: Actor, body: Body, expected: int | None
) -> dict[str, Any]:
    """Cancel the session, and as many others of its series as `scope` says; one `refund` decides for all.

    Raises:
        NotFound, Stale, Invalid: as `cancel.cancel`.
        Conflict: as there; `refund_decision_required` tells the `deposits` that hold money.
    """
    scope, body = _scope(body)
    if scope is Scope.THIS:
        return cancelling.cancel(context, account_id, session_id, actor, body, expected)
    if body.get("refund_quote_id") is not None:
        raise Invalid.field("/refund_quote_id", "A quote is for one session.")
    account = the_account(account_id)
    the_session(account, session_id, locked=False)
    part = _part_of(context, account, session_id, scope, expected)
    assert part.chosen is not None
    if not cancelling.undecided(part.chosen, standing_cancellation(part.chosen)):
        step(context, part.chosen, Action.CANCEL)
    decision = RefundDecision(body["refund"]) if body.get("refund") else None
    cancel_all(context, account, part, actor, body.get("reason") or None, decision)
    go_no_further(context, part)
    return view(context, account, part.chosen)


def cancel_all(
    context: Scheduling,
    account: Account,
    part: Part,
    actor: Actor,
    reason: str | None,
    decision: RefundDecision | None,
) -> None:
    """Cancel what stands of a part of a series of sessions, and decide about the money of those that were cancelled without.

    Raises:
        Conflict: `refund_decision_required`.
    """
    standing: list[Session] = []
    undecided: list[tuple[Session, Cancellation]] = []
    for session in part.by_wall.values():
        if session.status == SessionStatus.CANCELLED:
            cancellation = standing_cancellation(session)
            if cancellation is not None and cancelling.undecided(session, cancellation):
                undecided.append((session, cancellation))
        elif session is part.chosen or members_of(context, account, part.series).to_come(session):
            standing.append(session)
    # What nobody said of one that was cancelled before need not be said now, unless it is the one that was chosen.
    asked: list[Session] = [session for session, _ in undecided if session is part.chosen]
    cancelling.require_decision(decision, [*standing, *asked])
    cancel_each(context, account, standing, actor, reason, decision)
    for session, cancellation in undecided if decision else []:
        cancelling.decide(context, account, session, cancellation, actor, decision)


def cancel_each(
    context: Scheduling,
    account: Account,
    sessions: list[Session],
    actor: Actor,
    reason: str | None,
    decision: RefundDecision | None,
    before: Mapping[str, dict[str, Any]] | None = None,
) -> None:
    """Cancel these sessions by one act."""
    batch = Batch(id=new_id("bat"), size=len(sessions)) if len(sessions) > 1 else None
    for session in sessions:
        facts = before[session.id] if before else None
        cancelling.carry_out(context, account, session, actor, reason, decision, before=facts, batch=batch)


def reached(context: Scheduling, account: Account, part: Part) -> list[Any]:
    """The members of the part that are not over, and the chosen one."""
    members = members_of(context, account, part.series)
    return [member for member in part.by_wall.values() if member is part.chosen or members.to_come(member)]


def go_no_further(context: Scheduling, part: Part) -> None:
    """Make no more occurrences of the series; where it was cut off in its midst its rule says so."""
    series = part.series
    earlier = _walls_before(series, part.wall) if part.scope is Scope.FOLLOWING else []
    if earlier:
        series.rrule = str(series.rule.ending_at(earlier[-1]))
    series.extend_at = None
    store(context, series)


def draft(context: Scheduling, account: Account, part: Part, body: Body) -> Draft:
    """Have the series be as `body` says, from this part on; its members are still as they were.

    Raises:
        Invalid: something that the body names does not exist here.
    """
    members = members_of(context, account, part.series)
    plan = members.plan(part.series, part.wall, part.chosen, body)
    found = Draft(
        plan=plan,
        before={member.id: members.facts(member) for member in part.by_wall.values()},
        elsewhere=frozenset(
            member.id
            for wall, member in part.by_wall.items()
            if member is not part.chosen and stands_elsewhere(members, member, members.laid_at(part.series, wall))
        ),
    )
    if plan.template != part.series.template or plan.shift:
        _replan(context, part, plan)
    return found


def carry_out(context: Scheduling, account: Account, part: Part, drafted: Draft, body: Body, actor: Actor) -> None:
    """Change each member of the part, or say everything that is in their way.

    Raises:
        Conflict: `slot_taken`; `invalid_transition` where the chosen one cannot be moved.
    """
    members = members_of(context, account, part.series)
    bodies = {
        wall: said
        for wall, member in part.by_wall.items()
        if (said := _body_for(members, part, drafted, wall, body))
        or member.series_id != drafted.before[member.id]["series_id"]
    }
    _make_room(context, account, members, part, bodies)
    changed, refused = [], []
    conflicts: list[dict[str, str]] = []
    for wall, said in bodies.items():
        member = part.by_wall[wall]
        wanted = members.wanted(member, said)
        try:
            changed.append(members.apply(member, actor, said, drafted.before[member.id]))
        except Conflict as conflict:
            conflicts += _told(conflict, wanted)
            refused.append(conflict)
    if refused:
        alternatives = refused[0].extra.get("alternatives", [])
        raise all_taken(conflicts, count=len(refused), of=len(bodies), alternatives=alternatives)
    moved = sum(each.moved for each in changed)
    batch = Batch(id=new_id("bat"), size=moved) if moved > 1 else None
    for each in changed:
        members.keep(each, actor, batch if each.moved else None)


def store(context: Scheduling, series: Series) -> None:
    """Store the next version of the series."""
    series.version += 1
    series.updated_at = context.clock.now()
    series.save()


def members_by_wall(
    context: Scheduling, account: Account, series: Series, since: datetime | None = None
) -> dict[datetime, Any]:
    """The members of the series from its occurrence at `since` on, locked."""
    rows = Occurrence.select().where(Occurrence.series_id == series.id, Occurrence.member_id.is_null(False))
    if since is not None:
        rows = rows.where(Occurrence.wall >= since)
    walls = {row.member_id: row.wall for row in rows if row.member_id is not None}
    found = {walls[member.id]: member for member in members_of(context, account, series).locked(list(walls))}
    return dict(sorted(found.items()))


def _scope(body: Body) -> tuple[Scope, Body]:
    return Scope(body.get("scope", Scope.THIS)), {name: value for name, value in body.items() if name != "scope"}


def _part_of(context: Scheduling, account: Account, member_id: str, scope: Scope, expected: int | None) -> Part:
    """What a change of this member reaches.

    Raises:
        Invalid: it is of no series (any more).
        NotFound, Stale: as always.
    """
    series = None
    while True:
        occurrence = Occurrence.get_or_none(Occurrence.member_id == member_id, Occurrence.account_id == account.id)
        if occurrence is None:
            raise Invalid.field("/scope", "It is not of a series.")
        if series is not None and occurrence.series_id == series.id:
            break
        # Somebody may split the series until its lock is ours.
        series = _locked(context, occurrence.series_id)
    if series.retired_at is not None:
        raise Invalid.field("/scope", "Its series was ended.")
    since = occurrence.wall if scope is Scope.FOLLOWING else None
    by_wall = members_by_wall(context, account, series, since)
    chosen = fresh(by_wall.get(occurrence.wall), expected)
    return Part(series=series, scope=scope, wall=occurrence.wall, chosen=chosen, by_wall=by_wall)


def _locked(context: Scheduling, series_id: str) -> Series:
    query = Series.select().where(Series.id == series_id)
    found: Series = (query.for_update() if context.store.on_postgresql else query).get()
    return found


def _walls_before(series: Series, wall: datetime) -> list[datetime]:
    return list(takewhile(lambda each: each < wall, series.rule.walls(series.starts_wall, series.zone)))


def _replan(context: Scheduling, part: Part, plan: Plan) -> None:
    """Have the series be as planned; where that is for the following ones alone, they become a series of their own."""
    now = context.clock.now()
    series, goes_on = part.series, part.series.extend_at is not None
    earlier = _walls_before(series, part.wall) if part.scope is Scope.FOLLOWING else []
    if earlier:
        part.series = Series(
            **series.__data__
            | {
                "id": new_id("srs"),
                "version": 0,
                "rrule": str(series.rule.after(len(earlier))),
                "starts_wall": part.wall,
                "created_at": now,
            }
        )
        series.rrule, series.made_until = str(series.rule.ending_at(earlier[-1])), earlier[-1]
        series.extend_at = None
        store(context, series)
        Occurrence.update(series_id=part.series.id).where(
            Occurrence.series_id == series.id, Occurrence.wall >= part.wall
        ).execute()
        for member in part.by_wall.values():
            member.series_id = part.series.id
        moved = Occurrence.select(Occurrence.member_id).where(Occurrence.series_id == part.series.id)
        # Those that were removed by themselves are of it as well.
        BlockedTime.update(series_id=part.series.id).where(
            BlockedTime.series_id == series.id, BlockedTime.retired_at.is_null(False), BlockedTime.id.in_(moved)
        ).execute()
    part.series.template = plan.template
    part.series.shift += plan.shift // timedelta(microseconds=1)
    if goes_on:
        note_horizon(part.series, part.series.made_until)
    part.series.version += 1
    part.series.updated_at = now
    part.series.save(force_insert=bool(earlier))


def _body_for(members: Members, part: Part, drafted: Draft, wall: datetime, body: Body) -> Body:
    """What of `body` is said to the member at `wall`."""
    member = part.by_wall[wall]
    if member is part.chosen:
        return body
    if not members.to_come(member):
        return {}
    if member.id in drafted.elsewhere:
        return {name: value for name, value in body.items() if name not in members.placing}
    said = {name: value for name, value in body.items() if name not in members.timing}
    return said | members.times(part.series, wall, drafted.plan, body)


def _make_room(
    context: Scheduling, account: Account, members: Members, part: Part, bodies: Mapping[datetime, Body]
) -> None:
    """Let go of the time of all that will move, so that none is in another's way."""
    moving: list[str] = []
    calendars: set[str] = set()
    for wall, body in bodies.items():
        member = part.by_wall[wall]
        here, wanted = members.place_of(member), members.wanted(member, body)
        if wanted != here:
            moving.append(member.id)
            calendars |= {here.calendar_id, wanted.calendar_id}
    claims.lock_calendars(account.id, calendars)
    for member_id in moving:
        claims.release(context.store, member_id)


def _told(conflict: Conflict, wanted: Placement) -> list[dict[str, str]]:
    """What is in the way of one member; any other refusal is one of the whole."""
    if conflict.code == OUTSIDE:
        return [outside(wanted)]
    if conflict.code == "slot_taken" and conflict.extra["conflicts"]:
        told: list[dict[str, str]] = conflict.extra["conflicts"]
        return told
    raise conflict
