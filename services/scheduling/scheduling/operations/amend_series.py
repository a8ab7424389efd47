"""Changing a series as a whole: what its occurrences to come are, when they take place, or that there are no more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chassis.problems import Invalid
from contracts.sessions import RefundDecision
from scheduling.domain.recurrence import Rule, Scope
from scheduling.domain.wall import on_the_wall, wall_of
from scheduling.operations import blocked_times
from scheduling.operations import cancel as cancelling
from scheduling.operations.context import Actor, Scheduling, reading, unit_of_work
from scheduling.operations.finding import the_account, the_series
from scheduling.operations.laying_out import (
    MOST_AT_ONCE,
    SESSION,
    Laid,
    claim_all,
    laid_until,
    make_all,
    maker_for,
    note_horizon,
    refuse_conflicts,
)
from scheduling.operations.limits import check_month
from scheduling.operations.placement import Override
from scheduling.operations.series import FAIL, below, rule_of, view
from scheduling.operations.series_changes import (
    Draft,
    Part,
    cancel_all,
    cancel_each,
    carry_out,
    draft,
    go_no_further,
    members_by_wall,
    reached,
    store,
)
from scheduling.operations.series_members import Body, members_of
from scheduling.store.models import Account, Occurrence, Series


@dataclass(frozen=True, kw_only=True)
class Anew:
    """Another rule for what is to come: what its conflicts do, and what becomes of money that was paid for what it drops."""

    rule: Rule
    on_conflict: str
    decision: RefundDecision | None


@reading
def kind_of(context: Scheduling, account_id: str, series_id: str) -> str:
    """Whether the series is one of sessions or of events."""
    series = the_series(the_account(account_id), series_id, locked=False)
    return str(series.kind)


@unit_of_work
def amend(
    context: Scheduling, account_id: str, series_id: str, actor: Actor, body: Body, expected: int | None
) -> dict[str, Any]:
    """Change all that is to come: by `template` what it is, by `rrule` when it takes place.

    Occurrences that the new rule does not name leave the series and are cancelled; those that it names besides are made.

    Raises:
        NotFound, Stale: as always.
        Invalid: as `series.create`.
        Conflict: `slot_taken`, `plan_limit_reached`, `refund_decision_required`.
    """
    account = the_account(account_id)
    part = _whole(context, account, the_series(account, series_id, expected))
    template = body.get("template", {})
    with below("/template"):
        drafted = draft(context, account, part, template)
    if "rrule" not in body:
        with below("/template"):
            carry_out(context, account, part, drafted, template, actor)
        return view(context, account, part.series)
    if part.series.kind == SESSION and account.terms.sessions_a_month is not None:
        account = the_account(account_id, locked=True)
    anew = Anew(
        rule=rule_of(body["rrule"]),
        on_conflict=body.get("on_conflict", FAIL),
        decision=RefundDecision(body["refund"]) if body.get("refund") else None,
    )
    laid = _follow(context, part, anew.rule)
    _let_go(context, account, part, drafted, laid, anew, actor)
    with below("/template"):
        carry_out(context, account, part, drafted, template, actor)
        override = Override.of(template)
    reason = part.series.template.get("outside_hours")
    if reason is not None and not override.outside_hours:
        override = replace(override, outside_hours=True, reason=override.reason or reason)
    _fill(context, account, part.series, laid, anew, override, actor)
    store(context, part.series)
    return view(context, account, part.series)


@unit_of_work
def remove(
    context: Scheduling,
    account_id: str,
    series_id: str,
    actor: Actor,
    refund: str | None,
    reason: str | None,
    expected: int | None,
) -> None:
    """End the series: its sessions to come are cancelled, its events to come removed; what is over stays.

    Raises:
        NotFound, Stale: as always.
        Conflict: `refund_decision_required`.
    """
    account = the_account(account_id)
    part = _whole(context, account, the_series(account, series_id, expected))
    if part.series.kind == SESSION:
        cancel_all(context, account, part, actor, reason, RefundDecision(refund) if refund else None)
    else:
        for event in reached(context, account, part):
            blocked_times.retire(context, event, actor)
    part.series.retired_at = context.clock.now()
    go_no_further(context, part)


def _whole(context: Scheduling, account: Account, series: Series) -> Part:
    """All of a series that is locked."""
    by_wall = members_by_wall(context, account, series)
    return Part(series=series, scope=Scope.ALL, wall=series.starts_wall, chosen=None, by_wall=by_wall)


def _follow(context: Scheduling, part: Part, rule: Rule) -> list[Laid]:
    """Have the series follow another rule; returns the occurrences to come that it names, as far as they are to be made now.

    The rule lays everything where it takes place: what was moved so far is where the series has always been.
    """
    series, now = part.series, context.clock.now()
    if series.shift:
        by = series.shifted
        rows = list(Occurrence.select().where(Occurrence.series_id == series.id))
        Occurrence.delete().where(Occurrence.series_id == series.id).execute()
        if rows:
            Occurrence.insert_many([row.__data__ | {"wall": row.wall + by} for row in rows]).execute()
        part.by_wall = {wall + by: member for wall, member in part.by_wall.items()}
        series.starts_wall += by
        series.shift = 0
    series.rrule = str(rule)
    laid = laid_until(series, now)
    if not laid:
        raise Invalid.field("/rrule", "From the series' start on, this rule names no occurrence.")
    coming = [(wall, starts_at) for wall, starts_at in laid if starts_at > now]
    if len(coming) > MOST_AT_ONCE:
        raise Invalid.field("/rrule", f"These are more than {MOST_AT_ONCE} occurrences at once.")
    note_horizon(series, max(laid[-1][0], wall_of(now, series.zone)))
    return coming


def _let_go(
    context: Scheduling,
    account: Account,
    part: Part,
    drafted: Draft,
    laid: list[Laid],
    anew: Anew,
    actor: Actor,
) -> None:
    """Cancel or remove what is to come and no longer named; it is of the series no more."""
    series, members, now = part.series, members_of(context, account, part.series), context.clock.now()
    named = {wall for wall, _ in laid}
    rows = Occurrence.select().where(Occurrence.series_id == series.id)
    walls = [row.wall for row in rows if row.wall not in named and on_the_wall(row.wall, series.zone) > now]
    gone = [part.by_wall[wall] for wall in walls if wall in part.by_wall and members.to_come(part.by_wall[wall])]
    if series.kind == SESSION:
        cancelling.require_decision(anew.decision, gone)
        for session in gone:
            session.series_id = None
        cancel_each(context, account, gone, actor, None, anew.decision, drafted.before)
    else:
        for event in gone:
            blocked_times.retire(context, event, actor)
    left = {member.id for member in gone}
    for wall in walls:
        member = part.by_wall.get(wall)
        if member is None or member.id in left:
            part.by_wall.pop(wall, None)
            Occurrence.delete().where(Occurrence.series_id == series.id, Occurrence.wall == wall).execute()


def _fill(
    context: Scheduling,
    account: Account,
    series: Series,
    laid: list[Laid],
    anew: Anew,
    override: Override,
    actor: Actor,
) -> None:
    """Make the occurrences that the new rule names and that were not there; what was skipped stays skipped."""
    there = {row.wall for row in Occurrence.select().where(Occurrence.series_id == series.id)}
    missing = [each for each in laid if each[0] not in there]
    if not missing:
        return
    with below("/template"):
        maker = maker_for(context, account, series)
    verdicts = claim_all(context, account, maker, missing, override)
    if anew.on_conflict == FAIL:
        refuse_conflicts(context, account, maker, verdicts)
    if series.kind == SESSION:
        check_month(context, account, adding=sum(verdict.placed is not None for verdict in verdicts))
    make_all(context, series, maker, verdicts, override, actor, announced=True)
