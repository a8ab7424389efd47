"""Series: sessions or events that recur by a rule, made in one transaction, with a report of every occurrence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.idempotency import Unprepared
from chassis.ids import new_id
from chassis.problems import Conflict, Invalid
from contracts.fields import rfc3339
from scheduling.domain.blocks import Length
from scheduling.domain.recurrence import BadRule, Rule
from scheduling.domain.wall import on_the_wall, wall_of
from scheduling.operations import blocked_times, client_replicas
from scheduling.operations.book import PAST, Plan, planned
from scheduling.operations.context import Actor, Scheduling, reading, unit_of_work
from scheduling.operations.finding import the_account, the_series
from scheduling.operations.laying_out import (
    SESSION,
    Laid,
    claim_all,
    first_laid,
    judge,
    make_all,
    maker_for,
    note_horizon,
    refuse_conflicts,
)
from scheduling.operations.limits import check_month
from scheduling.operations.lists import Page, page_of
from scheduling.operations.placement import Override, sanctioned_with
from scheduling.operations.series_members import members_of
from scheduling.operations.sessions import money_data
from scheduling.store.models import Account, Hold, Occurrence, Series

FAIL, SKIP = "fail", "skip"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A series that somebody asks for; `at` is where its template lies in their body."""

    kind: str
    template: Mapping[str, Any]
    rrule: str
    on_conflict: str
    at: str = "/template"


def meet_client(context: Scheduling, account_id: str, wish: Wish, key: str) -> dict[str, Any] | None:
    """Outside of any unit of work: make or fetch the client of a series of sessions where the replica does not know it.

    A series that cannot be made as things stand makes no client. Raises as `create`, and as `book.meet_client`.
    """
    if wish.kind != SESSION:
        return None
    with below(wish.at):
        if wish.template.get("client") is None:
            return client_replicas.ask_for(context, account_id, wish.template["client_id"])
    _examine(context, account_id, wish)
    with below(wish.at):
        return context.clients.make(account_id, wish.template["client"], key=key)


@unit_of_work
def create(
    context: Scheduling, account_id: str, actor: Actor, wish: Wish, prepared: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Make the series with its occurrences of the coming twelve months.

    Raises:
        Unprepared: the client must be made or fetched first, by `meet_client`.
        Invalid: something it names does not exist here, or a rule that no series can follow.
        Conflict: `slot_taken` with every conflict, unless occurrences in conflict are to be skipped; `plan_limit_reached`.
        Unavailable: the account is not known yet.
    """
    if wish.kind == SESSION and wish.template.get("client") is not None and prepared is None:
        raise Unprepared
    account = the_account(account_id)
    if wish.kind == SESSION and account.terms.sessions_a_month is not None:
        # The lock makes counting and adding one caller's business at a time.
        account = the_account(account_id, locked=True)
    series, laid, hold = _drafted(context, account, wish)
    with below(wish.at):
        override = Override.of(wish.template)
        if wish.kind == SESSION:
            series.client_id = client_replicas.the_client(account, series.client_id or "", prepared).id
        maker = maker_for(context, account, series)
    verdicts = claim_all(context, account, maker, laid, override, hold)
    if wish.on_conflict == FAIL:
        refuse_conflicts(context, account, maker, verdicts)
    if wish.kind == SESSION:
        check_month(context, account, adding=sum(verdict.placed is not None for verdict in verdicts))
    make_all(context, series, maker, verdicts, override, actor, announced=True)
    note_horizon(series, laid[-1][0])
    series.save(force_insert=True)
    return view(context, account, series)


@reading
def show(context: Scheduling, account_id: str, series_id: str) -> dict[str, Any]:
    """One series, with what became of each of its occurrences."""
    account = the_account(account_id)
    return view(context, account, the_series(account, series_id, locked=False))


@reading
def listing(context: Scheduling, account_id: str, page: Page) -> tuple[list[dict[str, Any]], list[str] | None]:
    """The series in the order they were made, without their occurrences."""
    the_account(account_id)
    query = Series.select().where(Series.account_id == account_id, Series.retired_at.is_null())
    rows, following = page_of(query, Series, page)
    return [_head(row) for row in rows], following


def view(context: Scheduling, account: Account, series: Series) -> dict[str, Any]:
    """The series as the API shows it; `template` holds private notes, which are taken out there for callers without the scope."""
    return _head(series) | {"occurrences": _report(context, account, series)}


@contextmanager
def below(path: str) -> Iterator[None]:
    """What is wrong with a part of the body is told where that part lies."""
    try:
        yield
    except Invalid as wrong:
        errors = [{**error, "pointer": path + error["pointer"]} for error in wrong.extra["errors"]]
        raise Invalid(wrong.detail, errors=errors) from None


def rule_of(text: str) -> Rule:
    """The rule that a body says.

    Raises:
        Invalid: it is none that a series can follow.
    """
    try:
        return Rule.read(text)
    except BadRule as bad:
        raise Invalid.field("/rrule", str(bad)) from None


@reading
def _examine(context: Scheduling, account_id: str, wish: Wish) -> None:
    """Whether the series could be made if its client existed."""
    account = the_account(account_id)
    series, laid, hold = _drafted(context, account, wish)
    with below(wish.at):
        override = Override.of(wish.template)
        maker = maker_for(context, account, series, client_known=False)
    verdicts = [
        judge(
            context,
            account,
            maker,
            wall,
            maker.placement(starts_at),
            override,
            permitted=sanctioned_with(hold.id) if hold else frozenset(),
            held=hold is not None and hold.starts_at == starts_at,
            besides=(hold.id,) if hold else (),
        )
        for wall, starts_at in laid
    ]
    if wish.on_conflict == FAIL:
        refuse_conflicts(context, account, maker, verdicts)
    check_month(context, account, adding=sum(verdict.placed is not None for verdict in verdicts))


def _drafted(context: Scheduling, account: Account, wish: Wish) -> tuple[Series, list[Laid], Hold | None]:
    """The series that is asked for, the occurrences to make of it, and the hold on the first one; nothing is stored yet."""
    now = context.clock.now()
    rule = rule_of(wish.rrule)
    hold = None
    with below(wish.at):
        if wish.kind == SESSION:
            plan = planned(context, account, wish.template)
            starts_at, template, hold = plan.placement.starts_at, _session_template(plan, wish.template), plan.hold
        else:
            starts_at, template = _event_template(context, account, wish.template)
    wall = wall_of(starts_at, account.zone)
    if template.get("all_day"):
        # Whole days, also where the clocks skip the midnight of the first.
        wall = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    series = Series(
        id=new_id("srs"),
        account_id=account.id,
        version=1,
        kind=wish.kind,
        client_id=wish.template.get("client_id"),
        template=template,
        rrule=str(rule),
        starts_wall=wall,
        timezone=account.timezone,
        shift=0,
        made_until=wall,
        extend_at=None,
        retired_at=None,
        created_at=now,
        updated_at=now,
    )
    laid = first_laid(series, now)
    if template.get("status") in PAST and laid[-1][1] > now:
        with below(wish.at):
            raise Invalid.field("/status", f"Only sessions that have all started can be {template['status']}.")
    if hold is not None and laid[0][1] != hold.starts_at:
        raise Conflict("The hold is for a start that the rule does not name.", code="hold_invalid")
    return series, laid, hold


def _session_template(plan: Plan, body: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept for the sessions still to be made: all that was decided, so that they are alike."""
    return {
        "service_id": plan.session_type.id,
        "calendar_id": plan.calendar.id,
        "duration_minutes": plan.placement.duration_minutes,
        "price": money_data(plan.price),
        "status": plan.status.value,
        "notes": body.get("notes") or "",
        "session_notes": body.get("session_notes") or "",
        # Working hours are left on purpose for the whole series; whom it overlaps is allowed of those that are there now.
        "outside_hours": plan.override.reason if plan.override.outside_hours else None,
    }


def _event_template(context: Scheduling, account: Account, body: Mapping[str, Any]) -> tuple[datetime, dict[str, Any]]:
    """The first start of a series of events, and what is kept for those still to be made."""
    all_day = body["all_day"]
    starts_at, ends_at = blocked_times.times(account.zone, body["starts_at"], body.get("ends_at"), all_day=all_day)
    return starts_at, {
        "title": body["title"],
        "notes": body.get("notes") or "",
        "calendar_id": blocked_times.calendar_named(context, account, body.get("calendar_id")).id,
        "all_day": all_day,
        "length": Length.between(starts_at, ends_at, all_day=all_day, zone=account.zone).as_data(),
    }


def _head(series: Series) -> dict[str, Any]:
    starts_at = on_the_wall(series.starts_wall + series.shifted, series.zone)
    template = dict(series.template) | {"starts_at": rfc3339(starts_at)}
    if series.kind == SESSION:
        outside = template.pop("outside_hours")
        template |= {
            "client_id": series.client_id,
            "allow_outside_hours": outside is not None,
            "override_reason": outside,
        }
    else:
        length = Length.read(template.pop("length"))
        template["ends_at"] = rfc3339(length.end(starts_at, series.zone))
    return {
        "id": series.id,
        "account_id": series.account_id,
        "kind": series.kind,
        "template": template,
        "rrule": series.rrule,
        "timezone": series.timezone,
        "shift_seconds": series.shift // 1_000_000,
        "version": series.version,
        "created_at": series.created_at,
        "updated_at": series.updated_at,
    }


def _report(context: Scheduling, account: Account, series: Series) -> list[dict[str, Any]]:
    """What became of each occurrence, in the order of the clocks; events that were removed by themselves are gone.

    Each is where the series lays it; what a change of the series reaches no more (what is over or cancelled) is where it was.
    """
    rows = list(Occurrence.select().where(Occurrence.series_id == series.id).order_by(Occurrence.wall))
    members = members_of(context, account, series)
    found = {
        member.id: member for member in members.found([row.member_id for row in rows if row.member_id is not None])
    }
    stays = {id: member.starts_at for id, member in found.items() if not members.to_come(member)}
    return [
        {
            "starts_at": stays.get(row.member_id) or members.laid_at(series, row.wall)[1],
            "result": "skipped" if row.member_id is None else "created",
            f"{series.kind}_id": row.member_id,
            "conflicts": row.conflicts,
        }
        for row in rows
        if row.member_id is None or row.member_id in found
    ]
