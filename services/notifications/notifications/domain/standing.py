"""Whether a message still holds at the moment of sending, and whether it must wait for payments first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contracts.sessions import DepositStatus, RefundDecision, RefundStatus, SessionStatus
from notifications.domain.facts import standing_cancellation
from notifications.domain.kinds import TELL_THE_TIME, Kind
from notifications.domain.reminders import LIVE

PAYMENTS_ANSWER_WITHIN = timedelta(seconds=60)
"""How long a message about money waits for payments; a payment link is stable, so it goes out then all the same."""
BATCH_COMES_WITHIN = timedelta(hours=1)
"""How long a message about several sessions waits until the events of all are here; after that it tells of those that are."""
_OF_CANCELLED_SESSIONS = (
    DepositStatus.REFUNDED,
    DepositStatus.PARTIALLY_REFUNDED,
    DepositStatus.KEPT,
    DepositStatus.REFUND_FAILED,
    DepositStatus.CANCELED,
)
_NOT_REFUNDED = (RefundStatus.FAILED, RefundStatus.CANCELED)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known when a message is about to be sent. Sessions, deposits and refunds are as their events carry them."""

    session: Mapping[str, Any]
    deposit: Mapping[str, Any] | None
    refund: Mapping[str, Any] | None
    told_times: tuple[datetime, datetime] | None
    """Start and end as the client was told them last, None where no message that says them went out, or a cancellation was told since."""
    to_come: Collection[Kind]
    """The kinds of the messages that will say when the session is, once a worker takes them; of moves, those after this one. Asked of a move."""
    cancellation_untold: bool
    """Whether the message about the last cancellation was overtaken before it went out."""
    link_told: bool
    """Whether another message has told the payment link, or is about to; asked of a restore, and of one that goes only to who has not been told it."""
    time_untold: bool
    """Whether a message that says when the session is was overtaken before it went out, and no other is about to say it."""
    later_restore_told: bool
    """Whether the message about a later restore has gone out before this one about a restore."""
    held_before: Sequence[tuple[int, int]] = field(default=())
    """What the deposit held at each of its versions that are known, as (version, held amount), ascending."""


def holds(kind: Kind, known: Known, now: datetime, *, sequence: int, cancellation_id: str | None) -> bool:
    """Whether what a message of this kind would tell is still so, and new."""
    session = known.session
    status: str = session["status"]
    ends_at: datetime = session["ends_at"]
    starts_at: datetime = session["starts_at"]
    cancellation = standing_cancellation(session)
    this_cancellation = cancellation is not None and cancellation["id"] == cancellation_id
    match kind:
        case Kind.PENDING:
            return status == SessionStatus.PENDING and ends_at > now
        case Kind.CONFIRMATION:
            return status == SessionStatus.CONFIRMED and ends_at > now
        case Kind.RESCHEDULED:
            new = known.told_times != (starts_at, ends_at) and not _left_to_others(known)
            return status in LIVE and ends_at > now and new
        case Kind.RESCHEDULED_BY_CLIENT:
            return status in LIVE and ends_at > now
        case Kind.CANCELLED | Kind.RELEASED | Kind.CANCELLED_BY_CLIENT | Kind.BOOKING_RELEASED:
            return this_cancellation
        case Kind.RESTORED:
            # What a cancellation overtook that was taken back untold, a move say, nobody tells but the restore.
            missed = known.time_untold and known.told_times != (starts_at, ends_at)
            # So with the payment link, which another message has left to it.
            missed = missed or (_due(known) and not known.link_told)
            back = not (known.cancellation_untold or known.later_restore_told)
            return status != SessionStatus.CANCELLED and (missed or back)
        case Kind.REFUND_DECISION_NEEDED:
            return this_cancellation and cancellation["refund"] is None and _paid(known)  # type: ignore[index]
        case Kind.DEPOSIT_DUE:
            return status in LIVE and _due(known) and not known.link_told
        case Kind.DEPOSIT_RECEIVED | Kind.DEPOSIT_PAID:
            return money_came(known.held_before, sequence)
        case Kind.DEPOSIT_NOT_ASKED:
            return status in LIVE and deposit_status(known) == DepositStatus.NOT_ASKED
        case Kind.DISPUTED:
            return deposit_status(known) == DepositStatus.DISPUTED
        case Kind.REFUND_SENT:
            return _refund_is(known.refund, sequence, RefundStatus.SUCCEEDED)
        case Kind.REFUND_FAILED:
            return _refund_is(known.refund, sequence, *_NOT_REFUNDED)
        case Kind.BOOKING_RECEIVED | Kind.AUTO_CONFIRMED:
            return status != SessionStatus.CANCELLED
        case Kind.REMINDER_24H | Kind.REMINDER_2H:
            return status in LIVE and starts_at > now


def saying_the_time(status: str) -> tuple[Kind, ...]:
    """The kinds of messages that tell the client of a live session of this status when it is, once a worker takes them."""
    begun_otherwise = Kind.CONFIRMATION if status == SessionStatus.PENDING else Kind.PENDING
    return tuple(kind for kind in TELL_THE_TIME if kind is not begun_otherwise)


def _left_to_others(known: Known) -> bool:
    """Whether a message that is still to go says the new time of a moved session: that about its booking, about its restore, or about a later move."""
    others = saying_the_time(known.session["status"])
    # A restore whose cancellation was not told leaves it to the move in turn.
    return any(kind in known.to_come and not (kind is Kind.RESTORED and known.cancellation_untold) for kind in others)


def money_came(held: Sequence[tuple[int, int]], version: int) -> bool:
    """Whether the deposit holds more at `version` than before: one that is `paid` again after a restore or a won dispute does not."""
    at = dict(held)
    if version not in at:
        return False
    before = [amount for earlier, amount in held if earlier < version]
    return at[version] > (before[-1] if before else 0)


def earlier_missing(held: Sequence[tuple[int, int]], version: int, filled_to: int) -> bool:
    """Whether a version of the deposit before `version` is still on its way: what came with `version` is not to be judged before.

    `filled_to` is the version of the snapshot with which this service began, 0 without one.
    """
    here = {known for known, _ in held}
    return any(each not in here for each in range(filled_to + 1, version))


def deposit_status(known: Known) -> str | None:
    """The deposit's status: payments' word where it is known, else scheduling's."""
    if known.deposit is not None:
        return str(known.deposit["status"])
    told = known.session["deposit"]
    return None if told is None else str(told["status"])


def _paid(known: Known) -> bool:
    """Whether the deposit is paid by payments' word, or by scheduling's where its event has come before that of payments."""
    status, told = deposit_status(known), known.session["deposit"]
    if status == DepositStatus.REQUIRED and told is not None:
        status = told["status"]
    return status == DepositStatus.PAID


def _refund_is(refund: Mapping[str, Any] | None, version: int, *statuses: RefundStatus) -> bool:
    """Whether the refund still is as that version of it told: one that failed and succeeds when it is tried again is told by the latter."""
    return refund is not None and refund["version"] == version and refund["status"] in statuses


def _due(known: Known) -> bool:
    """Whether there is a deposit to pay, and by payments' silence a link to pay it by."""
    if known.deposit is not None:
        return bool(known.deposit["due_amount"])
    told = known.session["deposit"]
    if told is None or told["status"] != DepositStatus.REQUIRED:
        return False
    return bool(told["due_amount"] and known.session["payment_url"])


def awaits_payments(
    session: Mapping[str, Any], deposit: Mapping[str, Any] | None, refund: Mapping[str, Any] | None
) -> bool:
    """Whether payments has yet to say what becomes of the deposit. `refund` is that of the session's last cancellation.

    So after a booking with a deposit, until payments has made it; after a cancellation with a refund, until the policy has
    decided how much that is; and after a restore, while the deposit is still that of the cancelled session.
    """
    told = session["deposit"]
    if told is None:
        return False
    money = deposit if deposit is not None else told
    status = money["status"]
    cancellation = standing_cancellation(session)
    if cancellation is not None:
        undecided = cancellation["refund"] == RefundDecision.REFUND and cancellation["quote"] is None and refund is None
        decided = (*_OF_CANCELLED_SESSIONS, DepositStatus.DISPUTED)
        return undecided and bool(money["held_amount"]) and status not in decided
    if session["status"] not in LIVE:
        return False
    if status in _OF_CANCELLED_SESSIONS:
        return True
    return status == DepositStatus.REQUIRED and deposit is None and told["id"] is None
