"""Changing a session: its notes and price at any time, its time and type while it is to come; a move is a reschedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chassis import rows
from contracts.plans import Feature, includes
from contracts.sessions import SessionStatus
from scheduling.domain.deposits import asked_anew, asked_when_restored
from scheduling.domain.transitions import Action
from scheduling.operations.book import price_from
from scheduling.operations.context import Actor, Scheduling, unit_of_work
from scheduling.operations.finding import calendar_for, offered_type, the_account, the_session
from scheduling.operations.placement import Override, Placed, Placement, forget_sanctions, place, sanctioned_with
from scheduling.operations.series_deposits import expect, follow_start, is_early
from scheduling.operations.sessions import Batch, differences, facts, record, set_deposit, set_price, view
from scheduling.operations.steps import step
from scheduling.store.models import Account, Cancellation, Session, SessionType


@unit_of_work
def amend(
    context: Scheduling, account_id: str, session_id: str, actor: Actor, body: Mapping[str, Any], expected: int | None
) -> dict[str, Any]:
    """Change what `body` names; what stays the same is no change, and nothing changed is no new version.

    Raises:
        NotFound, Stale: as always.
        Invalid: something it names does not exist here.
        Conflict: `invalid_transition` for a move of a session that is over or cancelled, `slot_taken`, `outside_working_hours`.
    """
    account = the_account(account_id)
    session = the_session(account, session_id, expected)
    keep(context, account, apply(context, account, session, actor, body), actor)
    return view(context, account, session)


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A session that was changed and is not stored yet: `changes` are for the history, empty where all is as it was."""

    session: Session
    changes: dict[str, list[Any]]
    reason: str | None

    @property
    def moved(self) -> bool:
        """Whether it is a reschedule."""
        return bool({"starts_at", "duration_minutes", "calendar_id"} & self.changes.keys())


def apply(
    context: Scheduling,
    account: Account,
    session: Session,
    actor: Actor,
    body: Mapping[str, Any],
    *,
    before: dict[str, Any] | None = None,
) -> Changed:
    """Change a session that is locked; `before` are its facts from before changes that are part of the same one. Raises as `amend`."""
    override = Override.of(body)
    before = before or facts(session)
    for name in ("notes", "session_notes"):
        if name in body:
            setattr(session, name, body[name] or "")
    session_type = its_type(context, account, session, body)
    placed = _move(context, account, session, session_type, actor, body, override)
    _reprice(context, account, session, session_type, body, changed_type=session.service_id != before["service_id"])
    follow_start(context, account, session, session_type)
    changes = differences(before, session)
    return Changed(
        session=session,
        changes=changes | placed.as_changes() if changes else {},
        reason=override.reason if placed.overlaps or placed.outside_hours else None,
    )


def keep(context: Scheduling, account: Account, changed: Changed, actor: Actor, batch: Batch | None = None) -> None:
    """Store what was changed and tell it; `batch` is the act that changes others of its series as well."""
    if changed.changes:
        record(
            context,
            account,
            changed.session,
            "session.rescheduled" if changed.moved else "session.updated",
            actor=actor,
            action="rescheduled" if changed.moved else "updated",
            changes=changed.changes,
            reason=changed.reason,
            batch=batch,
        )


def its_type(context: Scheduling, account: Account, session: Session, body: Mapping[str, Any]) -> SessionType:
    """The session type that `body` asks for the session; the one it has, where that is not another. Raises Invalid."""
    if body.get("service_id", session.service_id) == session.service_id:
        kept: SessionType = SessionType.get_by_id(session.service_id)
        return kept
    return offered_type(account, body["service_id"])


def wanted_placement(
    context: Scheduling, account: Account, session: Session, session_type: SessionType, body: Mapping[str, Any]
) -> Placement:
    """The time that `body` asks for the session, as one of that type. Raises Invalid for a calendar that is none, or does not offer the type."""
    here = Placement.of(session)
    calendar_id = body.get("calendar_id", session.calendar_id)
    changed_type = session_type.id != session.service_id
    if calendar_id != session.calendar_id or changed_type:
        calendar_id = calendar_for(account, session_type, calendar_id).id
    wanted = replace(
        here,
        calendar_id=calendar_id,
        starts_at=body.get("starts_at", session.starts_at),
        duration_minutes=body.get("duration_minutes", session.duration_minutes),
    )
    if changed_type:
        wanted = replace(
            wanted, before_minutes=session_type.buffer_before_minutes, after_minutes=session_type.buffer_after_minutes
        )
    return wanted


def _move(
    context: Scheduling,
    account: Account,
    session: Session,
    session_type: SessionType,
    actor: Actor,
    body: Mapping[str, Any],
    override: Override,
) -> Placed:
    """Give the session its new time, where that is another one than it has."""
    here = Placement.of(session)
    changed_type = session_type.id != session.service_id
    wanted = wanted_placement(context, account, session, session_type, body)
    if wanted == here and not changed_type:
        return Placed()
    step(context, session, Action.RESCHEDULE)
    session.service_id = session_type.id
    if wanted == here:
        return Placed()
    stays = (wanted.calendar_id, wanted.core) == (here.calendar_id, here.core)
    # Other buffers around the same time keep what was allowed for that time; another time is another matter.
    permitted = sanctioned_with(session.id) if stays else frozenset()
    if not stays:
        forget_sanctions(session.id)
    placed = place(
        context,
        account,
        replace(wanted, for_client=actor.by == "client"),
        override,
        leaving=session.calendar_id,
        permitted=permitted,
        outside_permitted=stays and session.outside_hours,
    )
    had_started = session.started(context.clock.now())
    session.calendar_id = wanted.calendar_id
    session.starts_at = wanted.starts_at
    session.ends_at = wanted.ends_at
    session.duration_minutes = wanted.duration_minutes
    session.buffer_before_minutes = wanted.before_minutes
    session.buffer_after_minutes = wanted.after_minutes
    session.outside_hours = placed.outside_hours
    # A booking that was restored after its start has no time until it gets a start to come.
    put_off = session.source == "online" and had_started and not session.started(context.clock.now())
    if session.status == SessionStatus.PENDING and (session.auto_confirm_at is not None or put_off):
        since = _last_restored(session) or session.created_at
        session.auto_confirm_at = account.rules.confirms_at(since, session.starts_at)
    return placed


def _last_restored(session: Session) -> datetime | None:
    restored = (cancellation.restored_at for cancellation in rows.every(Cancellation, session_id=session.id))
    return max((at for at in restored if at is not None), default=None)


def _reprice(
    context: Scheduling,
    account: Account,
    session: Session,
    session_type: SessionType,
    body: Mapping[str, Any],
    *,
    changed_type: bool,
) -> None:
    """Set the price; where that or the type has changed, a deposit on which nothing was paid is asked anew."""
    price = price_from(account, body, session.price)
    if price == session.price and not changed_type:
        return
    set_price(session, price)
    terms = session_type.deposit_terms
    money = terms.of(price, account.currency) if terms else None
    current = session.its_deposit
    if session.status == SessionStatus.CANCELLED:
        # One of which a deposit was never asked is asked none by its restore, either.
        if session.payment_secret is not None:
            set_deposit(context, session, asked_when_restored(current, money))
        return
    if current is None and is_early(context, session):
        expect(context, session, deposit=money is not None)
        return
    deposit = asked_anew(current, money, included=includes(account.plan, Feature.DEPOSITS))
    set_deposit(context, session, deposit)
