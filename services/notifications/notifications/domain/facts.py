"""Which messages an event calls for: a pure function of that event alone.

Each is called for once, by a key made of what happened. So it does not matter in which order events come, how often, or what is
known besides; whether a message still holds is asked when it is sent (see `standing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.sessions import DepositStatus, SessionStatus
from notifications.domain.kinds import TOLD_TOGETHER, Kind

UNPAID = "deposit_unpaid"
"""The reason of a cancellation by the system that releases a session whose deposit was not paid in time."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something to tell. `key` names it for good; `sequence` is the subject's version that told it.

    What one act did to several sessions is one fact, whichever of their events tells it: `batch_id` names the act, which has
    changed `batch_size` sessions. `unless_told` is one that goes only to a client who has not been told the payment link.
    """

    kind: Kind
    key: str
    session_id: str
    client_id: str
    sequence: int
    batch_id: str | None = None
    batch_size: int | None = None
    cancellation_id: str | None = None
    deposit_id: str | None = None
    refund_id: str | None = None
    unless_told: bool = False


def of_session(event: str, session: Mapping[str, Any]) -> Iterator[Fact]:
    """What `event` (such as `session.cancelled`) with the data of a session calls for."""
    cancellation = standing_cancellation(session)
    tellers = {
        "session.created": _created,
        "session.confirmed": _confirmed,
        "session.rescheduled": _rescheduled,
        "session.cancelled": _cancelled,
        "session.restored": _restored,
    }
    if event in tellers:
        yield from tellers[event](session)
    if event in ("session.updated", "session.rescheduled") and _may_be_asked_now(session):
        yield _fact(session, Kind.DEPOSIT_DUE, "asked", unless_told=True)
    if cancellation and cancellation["refund"] is None and _deposit_status(session) == DepositStatus.PAID:
        yield _fact(session, Kind.REFUND_DECISION_NEEDED, cancellation["id"], cancellation_id=cancellation["id"])


def of_deposit(event: str, deposit: Mapping[str, Any]) -> Iterator[Fact]:
    """What a deposit's event calls for."""
    kinds: dict[str, tuple[Kind, ...]] = {
        "deposit.paid": (Kind.DEPOSIT_RECEIVED, Kind.DEPOSIT_PAID),
        "deposit.due": (Kind.DEPOSIT_DUE,),
        "deposit.disputed": (Kind.DISPUTED,),
    }
    for kind in kinds.get(event, ()):
        yield _deposit_fact(deposit, kind, deposit["version"])
    # One that was not asked at first: what told of its session may have gone out without a link.
    if event == "deposit.required" and deposit["version"] > 1:
        yield _deposit_fact(deposit, Kind.DEPOSIT_DUE, f"asked:{deposit['version']}", unless_told=True)
    # Below plan max nobody expects a deposit: nothing to tell.
    if event == "deposit.not_asked" and deposit["reason"] != "plan":
        yield _deposit_fact(deposit, Kind.DEPOSIT_NOT_ASKED, deposit["id"])


def of_refund(event: str, refund: Mapping[str, Any]) -> Iterator[Fact]:
    """What a refund's event calls for, each time that it succeeds or fails anew: one that failed may be tried again."""
    kinds = {
        "refund.succeeded": Kind.REFUND_SENT,
        "refund.failed": Kind.REFUND_FAILED,
        "refund.canceled": Kind.REFUND_FAILED,
    }
    if event in kinds:
        yield _refund_fact(refund, kinds[event])


def standing_cancellation(session: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The cancellation that holds at present, if the session is cancelled."""
    if session["status"] != SessionStatus.CANCELLED or not session["cancellations"]:
        return None
    last: Mapping[str, Any] = session["cancellations"][-1]
    return last


def _created(session: Mapping[str, Any]) -> Iterator[Fact]:
    # What was added to a series later is told to nobody: its client knows of the whole.
    added = session["source"] == "series" and not session.get("batch")
    if session["status"] in (SessionStatus.PENDING, SessionStatus.CONFIRMED) and not added:
        kind = Kind.PENDING if session["status"] == SessionStatus.PENDING else Kind.CONFIRMATION
        yield _fact(session, kind, "")
    if session["source"] == "online":
        yield _fact(session, Kind.BOOKING_RECEIVED, "")


def _confirmed(session: Mapping[str, Any]) -> Iterator[Fact]:
    yield _fact(session, Kind.CONFIRMATION, "")
    due = session["auto_confirm_at"]
    if session["source"] == "online" and due is not None and session["updated_at"] >= due:
        yield _fact(session, Kind.AUTO_CONFIRMED, "")


def _rescheduled(session: Mapping[str, Any]) -> Iterator[Fact]:
    yield _fact(session, Kind.RESCHEDULED, session["version"])
    if session["changed_by"] == "client":
        yield _fact(session, Kind.RESCHEDULED_BY_CLIENT, session["version"])


def _cancelled(session: Mapping[str, Any]) -> Iterator[Fact]:
    cancellation = standing_cancellation(session)
    if cancellation is None:
        return
    released = cancellation["by"] == "system" and cancellation["reason"] == UNPAID
    kinds = [Kind.RELEASED, Kind.BOOKING_RELEASED] if released else [Kind.CANCELLED]
    if cancellation["by"] == "client":
        kinds.append(Kind.CANCELLED_BY_CLIENT)
    for kind in kinds:
        yield _fact(session, kind, cancellation["id"], cancellation_id=cancellation["id"])


def _restored(session: Mapping[str, Any]) -> Iterator[Fact]:
    last = session["cancellations"][-1]["id"] if session["cancellations"] else None
    yield _fact(session, Kind.RESTORED, session["version"], cancellation_id=last)


def _may_be_asked_now(session: Mapping[str, Any]) -> bool:
    """Whether the change may have brought the deposit, and so a link that is new, long after the session was confirmed.

    So with one in a series whose day has come, and where another session type asks one.
    """
    deposit = session["deposit"]
    return (
        session["status"] in (SessionStatus.PENDING, SessionStatus.CONFIRMED)
        and deposit is not None
        and deposit["status"] == DepositStatus.REQUIRED
        and deposit["id"] is None
    )


def _fact(
    session: Mapping[str, Any],
    kind: Kind,
    what: object,
    *,
    cancellation_id: str | None = None,
    unless_told: bool = False,
) -> Fact:
    batch = session.get("batch") if kind in TOLD_TOGETHER else None
    parts = (batch["id"], kind) if batch else (session["id"], kind, what)
    return Fact(
        kind=kind,
        key=":".join(str(part) for part in parts if part != ""),
        session_id=session["id"],
        client_id=session["client_id"],
        sequence=session["version"],
        batch_id=batch and batch["id"],
        batch_size=batch and batch["size"],
        cancellation_id=cancellation_id,
        unless_told=unless_told,
    )


def _deposit_fact(deposit: Mapping[str, Any], kind: Kind, what: object, *, unless_told: bool = False) -> Fact:
    return Fact(
        kind=kind,
        key=f"{deposit['session_id']}:{kind}:{what}",
        session_id=deposit["session_id"],
        client_id=deposit["client_id"],
        sequence=deposit["version"],
        deposit_id=deposit["id"],
        unless_told=unless_told,
    )


def _refund_fact(refund: Mapping[str, Any], kind: Kind) -> Fact:
    return Fact(
        kind=kind,
        key=f"{refund['session_id']}:{kind}:{refund['id']}:{refund['version']}",
        session_id=refund["session_id"],
        client_id=refund["client_id"],
        sequence=refund["version"],
        cancellation_id=refund["cancellation_id"],
        deposit_id=refund["deposit_id"],
        refund_id=refund["id"],
    )


def _deposit_status(session: Mapping[str, Any]) -> str | None:
    deposit = session["deposit"]
    return None if deposit is None else deposit["status"]
