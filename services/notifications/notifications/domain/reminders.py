"""When a session is reminded of, by which channel, and why not: the rules behind the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from contracts.plans import Feature, includes
from contracts.sessions import SessionStatus
from notifications.domain.kinds import REMINDERS, TERMS, Channel, Kind
from notifications.domain.preferences import Preferences
from notifications.domain.statuses import Reason, ReminderStatus

LIVE = (SessionStatus.PENDING, SessionStatus.CONFIRMED)
_ALWAYS_LISTED = (
    (Kind.REMINDER_24H, Channel.EMAIL),
    (Kind.REMINDER_24H, Channel.SMS),
    (Kind.REMINDER_2H, Channel.EMAIL),
)
_FEATURES = {
    (Kind.REMINDER_24H, Channel.EMAIL): Feature.EMAIL_REMINDER_24H,
    (Kind.REMINDER_2H, Channel.EMAIL): Feature.EMAIL_REMINDER_2H,
}


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How the client can be reached: addresses, wishes, and the timezone that their clock shows."""

    email: str | None
    phone: str | None
    email_allowed: bool
    sms_allowed: bool
    hidden: bool
    """Deleted: hidden from the provider, and no longer reminded."""
    timezone: str


@dataclass(frozen=True, kw_only=True)
class Situation:
    """All that a reminder of one session depends on."""

    status: str
    starts_at: datetime
    calendar_id: str
    service_id: str
    plan: str
    preferences: Preferences
    reach: Reach
    sms_possible: bool
    """Whether this installation can send text messages at all."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of one reminder: `planned` for `due_at`, or not, and why."""

    kind: Kind
    channel: Channel
    due_at: datetime
    status: ReminderStatus
    reason: Reason | None


def plan(situation: Situation, now: datetime) -> Iterator[Verdict]:
    """The verdicts on every reminder of a session, as one that is planned at `now`."""
    for kind, channel in listed(situation.preferences):
        yield judge(situation, kind, channel, now, standing=False)


def listed(preferences: Preferences) -> list[tuple[Kind, Channel]]:
    """The reminders that a session has a row for; what the plan does not include is skipped, never absent."""
    extra = [
        (kind, Channel.SMS)
        for kind in REMINDERS
        if (kind, Channel.SMS) not in _ALWAYS_LISTED and preferences.wants(kind, Channel.SMS)
    ]
    return [*_ALWAYS_LISTED, *extra]


def judge(situation: Situation, kind: Kind, channel: Channel, now: datetime, *, standing: bool) -> Verdict:
    """The verdict on one reminder at `now`.

    `standing` is one that was planned before: it may be late, up to the kind's `max_lateness`. One that is planned only now,
    and whose moment has passed, is too late at once, so that no change ever sends something at once.
    """
    terms = TERMS[kind]
    assert terms.lead is not None, f"{kind} is no reminder"
    nominal = situation.starts_at - terms.lead
    quiet = situation.preferences.quiet_hours if channel is Channel.SMS else None

    def held(moment: datetime) -> datetime:
        return quiet.held_until(moment, situation.reach.timezone) if quiet else moment

    due_at = held(nominal)
    latest = due_at + terms.max_lateness
    if held(latest) > latest:
        # Quiet hours cut the time in which it may be late: that counts anew from their end.
        latest = held(latest) + terms.max_lateness
    if standing and now > due_at:
        due_at = max(due_at, held(now)) if held(now) > now else due_at

    def verdict(status: ReminderStatus, reason: Reason | None = None) -> Verdict:
        return Verdict(kind=kind, channel=channel, due_at=due_at, status=status, reason=reason)

    if situation.status == SessionStatus.CANCELLED:
        return verdict(ReminderStatus.CANCELLED, Reason.SESSION_CANCELLED)
    if reason := unreachable(situation, kind, channel):
        return verdict(ReminderStatus.SKIPPED, reason)
    if situation.status not in LIVE or now >= situation.starts_at:
        return verdict(ReminderStatus.SKIPPED, Reason.TOO_LATE)
    pushed_past_start = due_at >= situation.starts_at
    if now > latest if standing else now >= (nominal if pushed_past_start else due_at):
        return verdict(ReminderStatus.SKIPPED, Reason.TOO_LATE)
    if pushed_past_start:
        return verdict(ReminderStatus.SKIPPED, Reason.QUIET_HOURS)
    return verdict(ReminderStatus.PLANNED)


def unreachable(situation: Situation, kind: Kind, channel: Channel) -> Reason | None:
    """Why a message of this kind cannot go to the client by this channel, whatever the time."""
    preferences, reach, reminder = situation.preferences, situation.reach, TERMS[kind].reminder
    feature = _FEATURES.get((kind, channel)) if channel is Channel.EMAIL else Feature.SMS_REMINDER
    if feature and not includes(situation.plan, feature):
        return Reason.PLAN
    if not preferences.wants(kind, channel) or (reminder and reach.hidden):
        return Reason.TURNED_OFF
    if channel is Channel.SMS:
        if not (situation.sms_possible and preferences.texts_for(situation.calendar_id, situation.service_id)):
            return Reason.TURNED_OFF
        if not reach.phone:
            return Reason.NO_PHONE
        return None if reach.sms_allowed else Reason.OPTED_OUT
    if not reach.email:
        return Reason.NO_EMAIL
    # Unsubscribing ends reminders only: a confirmation is part of what was booked.
    return Reason.OPTED_OUT if reminder and not reach.email_allowed else None
