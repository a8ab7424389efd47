"""A session as its caller and its events see it, and the one way in which every change of a session is put on record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chassis import rows
from contracts.fields import rfc3339
from contracts.links import MANAGE, PAYMENT
from contracts.money import Money
from contracts.sessions import DepositStatus, SessionStatus
from scheduling.domain.deposits import SessionDeposit
from scheduling.operations.context import Actor, Scheduling
from scheduling.store.models import Account, Cancellation, Change, Client, Session, SessionType

PRIVATE = "(private)"
DELETED_CLIENT = "Deleted client"
# What wakes the job that confirms by the clock.
AUTO_CONFIRM = "auto-confirm"

# What a change of these looks like in the history; others are noted by those who make them.
_SHOWN = ("client_id", "service_id", "calendar_id", "duration_minutes", "status", "notes", "series_id")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One act that changes `size` sessions of a series; `id` names it, so that whoever is told of it is told once."""

    id: str
    size: int


def record(
    context: Scheduling,
    account: Account,
    session: Session,
    event: str,
    *,
    actor: Actor,
    action: str,
    changes: dict[str, list[Any]],
    reason: str | None = None,
    new: bool = False,
    session_type: SessionType | None = None,
    batch: Batch | None = None,
) -> None:
    """Store the session's change: its next version, a row of history and the one event of that version.

    `session_type` is its type, where that is at hand; `batch` the act that changes others of its series as well.
    """
    now = session.created_at if new else context.clock.now()
    session.version = 1 if new else session.version + 1
    session.updated_at = now
    session.confirm_due_at = session.auto_confirm_at if _awaits_its_timeout(session) else None
    if session.confirm_due_at is not None:
        context.wakeups.after_commit(AUTO_CONFIRM)
    data = event_data(context, account, session, session_type, changed_by=actor.by) | {"batch": batch and asdict(batch)}
    with context.store.as_one(left=True):
        (rows.add if new else rows.change)(session)
        rows.add(
            Change(
                session_id=session.id,
                version=session.version,
                account_id=session.account_id,
                at=now,
                actor=actor.name,
                action=action,
                changes=changes,
                reason=reason,
            )
        )
        context.outbox.publish(
            event,
            subject=session.id,
            account_id=session.account_id,
            sequence=session.version,
            data=data,
            occurred_at=now,
        )


def _awaits_its_timeout(session: Session) -> bool:
    """Whether the clock may confirm it: a deposit that is still to be paid, or is so again once payments has heard of a restore, holds that back."""
    deposit = session.its_deposit
    unpaid = deposit is not None and deposit.status in {DepositStatus.REQUIRED, DepositStatus.CANCELED}
    return session.status == SessionStatus.PENDING and not unpaid


def event_data(
    context: Scheduling,
    account: Account,
    session: Session,
    session_type: SessionType | None = None,
    *,
    changed_by: str | None = None,
) -> dict[str, Any]:
    """The session's whole public state, without anything private, as contracts lay it down."""
    asked = [] if session_type else [rows.question(SessionType, id=session.service_id)]
    asked += [] if session.version == 1 else [rows.question(Cancellation, session_id=session.id)]
    with context.store.asked_together(*asked):
        session_type = session_type or rows.first(SessionType, id=session.service_id)
        cancellations = [] if session.version == 1 else rows.every(Cancellation, session_id=session.id)
    assert session_type is not None
    cancellations.sort(key=lambda each: each.id)
    return {
        "id": session.id,
        "account_id": session.account_id,
        "version": session.version,
        "client_id": session.client_id,
        "service_id": session.service_id,
        "service_name": session_type.name,
        "calendar_id": session.calendar_id,
        "starts_at": session.starts_at,
        "ends_at": session.ends_at,
        "duration_minutes": session.duration_minutes,
        "timezone": account.timezone,
        "status": session.status,
        "notes": session.notes,
        "client_message": session.client_message,
        "price": money_data(session.price),
        "deposit": session.deposit,
        "payment_url": payment_url(context, session),
        "manage_url": manage_url(context, session),
        "source": session.source,
        "series_id": session.series_id,
        "auto_confirm_at": session.auto_confirm_at,
        "changed_by": changed_by,
        "cancellations": [
            {
                "id": cancellation.id,
                "at": cancellation.at,
                "by": cancellation.by,
                "reason": cancellation.reason,
                "starts_at": cancellation.starts_at,
                "refund": cancellation.refund,
                "quote": cancellation.quote,
                "restored_at": cancellation.restored_at,
            }
            for cancellation in cancellations
        ],
        "created_at": session.created_at,
        "updated_at": session.updated_at,
    }


def view(context: Scheduling, account: Account, session: Session) -> dict[str, Any]:
    """The session as the API shows it; `session_notes` are in it, and taken out there for callers without the scope."""
    cancelled = session.status == SessionStatus.CANCELLED
    with context.store.asked_together(
        rows.question(SessionType, id=session.service_id),
        rows.question(Client, id=session.client_id),
        *([rows.question(Cancellation, session_id=session.id)] if cancelled else []),
    ):
        session_type = rows.first(SessionType, id=session.service_id)
        client = rows.first(Client, id=session.client_id)
        cancellations = rows.every(Cancellation, session_id=session.id) if cancelled else []
    assert session_type is not None, "session types are retired, never deleted"
    return _view(context, account, session, session_type, client, cancellations)


def view_of_new(
    context: Scheduling, account: Account, session: Session, session_type: SessionType, client: Client
) -> dict[str, Any]:
    """The same of a session that was just booked, with what is at hand."""
    return _view(context, account, session, session_type, client, [])


def views(context: Scheduling, account: Account, sessions: Sequence[Session]) -> list[dict[str, Any]]:
    """Several sessions, with three queries whatever their number."""
    types = _by_id(SessionType.select().where(SessionType.id.in_(_distinct(s.service_id for s in sessions))))
    clients = _by_id(Client.select().where(Client.id.in_(_distinct(s.client_id for s in sessions))))
    cancelled = cancellations_of([s for s in sessions if s.status == SessionStatus.CANCELLED])
    return [
        _view(context, account, s, types[s.service_id], clients.get(s.client_id), cancelled.get(s.id, []))
        for s in sessions
    ]


def _view(
    context: Scheduling,
    account: Account,
    session: Session,
    session_type: SessionType,
    client: Client | None,
    cancellations: list[Cancellation],
) -> dict[str, Any]:
    deposit = session.its_deposit
    standing = next((c for c in cancellations if c.restored_at is None), None)
    payable = deposit is not None and deposit.payable and session.status != SessionStatus.CANCELLED
    return {
        "id": session.id,
        "account_id": session.account_id,
        "client_id": session.client_id,
        "client": client_view(client),
        "service_id": session.service_id,
        "service": {"name": session_type.name, "color": session_type.color},
        "calendar_id": session.calendar_id,
        "starts_at": session.starts_at,
        "ends_at": session.ends_at,
        "duration_minutes": session.duration_minutes,
        "timezone": account.timezone,
        "status": session.status,
        "notes": session.notes,
        "session_notes": session.session_notes,
        "client_message": session.client_message,
        "auto_confirm_at": session.auto_confirm_at,
        "price": money_data(session.price),
        "deposit": session.deposit,
        "payment_url": payment_url(context, session) if payable else None,
        "source": session.source,
        "series_id": session.series_id,
        "cancellation": standing
        and {
            "id": standing.id,
            "reason": standing.reason,
            "by": standing.by,
            "at": standing.at,
            "refund": standing.refund,
        },
        "version": session.version,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
    }


def client_view(client: Client | None) -> dict[str, Any]:
    """What a session shows of its client; of one who was deleted only that."""
    if client is None or client.deleted or client.erased:
        return {"name": DELETED_CLIENT, "email": None, "phone": None}
    return {"name": client.name, "email": client.email, "phone": client.phone}


def payment_url(context: Scheduling, session: Session) -> str | None:
    """Payments' stable link for this session; None where no deposit was ever asked."""
    if session.payment_secret is None:
        return None
    return f"{context.settings.payments_public_url}/v1/pay/{session.payment_secret}"


def manage_url(context: Scheduling, session: Session) -> str:
    """The client's own link for this session: always the same one, as it stands in messages that were sent."""
    return f"{context.settings.public_url}/v1/manage/{context.links.sign(MANAGE, [session.account_id, session.id])}"


def money_data(money: Money | None) -> dict[str, Any] | None:
    return None if money is None else {"amount": money.amount, "currency": money.currency}


def cancellations_of(sessions: Iterable[Session]) -> dict[str, list[Cancellation]]:
    """All cancellations of these sessions, oldest first, by session."""
    found: dict[str, list[Cancellation]] = {}
    ids = [session.id for session in sessions]
    if ids:
        for cancellation in Cancellation.select().where(Cancellation.session_id.in_(ids)).order_by(Cancellation.id):
            found.setdefault(cancellation.session_id, []).append(cancellation)
    return found


def standing_cancellation(session: Session) -> Cancellation | None:
    """The cancellation that was not undone; None for a session that stands."""
    return rows.first(Cancellation, session_id=session.id, restored_at=None)


def facts(session: Session) -> dict[str, Any]:
    """What the history tells changes of, in the form of the API."""
    return {
        **{name: getattr(session, name) for name in _SHOWN},
        "starts_at": rfc3339(session.starts_at),
        "price": money_data(session.price),
        "deposit": session.deposit,
        "auto_confirm_at": session.auto_confirm_at and rfc3339(session.auto_confirm_at),
        # That private notes changed is told, what they say is not.
        "session_notes": session.session_notes,
    }


def differences(before: dict[str, Any], session: Session) -> dict[str, list[Any]]:
    """The fields that changed since `before` was taken, each with its old and its new value."""
    after = facts(session)
    changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if "session_notes" in changes:
        changes["session_notes"] = [PRIVATE if text else "" for text in changes["session_notes"]]
    return changes


def set_price(session: Session, price: Money | None) -> None:
    session.price_amount = price.amount if price else None
    session.price_currency = price.currency if price else None


def set_deposit(context: Scheduling, session: Session, deposit: SessionDeposit | None) -> None:
    """Put the deposit on the session; the first one brings its payment link."""
    session.deposit = deposit and deposit.as_data()
    if deposit and session.payment_secret is None:
        session.payment_secret = context.links.draw(PAYMENT)


def _distinct(ids: Iterable[str]) -> list[str]:
    return sorted(set(ids))


def _by_id(rows: Iterable[Any]) -> dict[str, Any]:
    return {row.id: row for row in rows}
