"""Sending one delivery: its state is checked and its text rendered at that moment, the attempt is committed before the call, the outcome after it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import TemplateError

from notifications.domain import backoff, standing
from notifications.domain import reminders as rules
from notifications.domain.kinds import TERMS, Channel, Kind
from notifications.domain.letters import BadAddress
from notifications.domain.outcomes import Outcome, Result, without_addresses
from notifications.domain.segments import length
from notifications.domain.standing import Known
from notifications.domain.statuses import OPEN, DeliveryStatus, Reason, ReminderStatus
from notifications.gateways.mail import Mailer
from notifications.gateways.texts import Texter, digest
from notifications.operations import wishes as client_wishes
from notifications.operations.composing import Message
from notifications.operations.context import Notifications
from notifications.operations.ending import fail, postpone, skip, succeed, unsure
from notifications.operations.pacing import ProviderPace, later, slot_of, until
from notifications.operations.reach import preferences_of, situation_of
from notifications.store import deliveries, quota, reminders, replicas
from notifications.store.models import Account, Client, Delivery, Session


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A delivery that this worker has claimed, with what to send."""

    delivery_id: str
    claim: str
    to: str
    email: bytes = b""
    message_id: str | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A text message whose attempt began and left no outcome: Twilio is to be asked."""

    delivery_id: str
    claim: str
    to: str
    text_digest: str
    attempted_at: datetime


class _Wait:
    """Everything stands, but the provider's pace has no permit at hand."""


def send_email(context: Notifications, mailer: Mailer, delivery_id: str, pace: ProviderPace) -> None:
    """Send the email of this delivery, if it still is to be sent."""
    ready = _claim_at_pace(context, delivery_id, pace, Channel.EMAIL)
    if isinstance(ready, Ready):
        outcome = mailer.send(
            ready.email,
            sender=context.settings.mail_from,
            to=ready.to,
            begin=lambda: context.store.run(lambda: _begin(context, ready)),
        )
        context.store.run(lambda: _settle(context, ready.delivery_id, ready.claim, outcome))


def send_sms(context: Notifications, texter: Texter | None, delivery_id: str, pace: ProviderPace) -> None:
    """Send the text message of this delivery, if it still is to be sent; ask Twilio where an earlier answer was lost."""
    claimed = _claim_at_pace(context, delivery_id, pace, Channel.SMS)
    if claimed is None:
        return
    # Without Twilio nothing is ever claimed: it is skipped as turned off.
    assert texter is not None
    if isinstance(claimed, Ready):
        callback = f"{context.settings.public_url}/v1/webhooks/twilio?delivery={claimed.delivery_id}"
        outcome = texter.send(to=claimed.to, text=claimed.text, status_callback=callback)
        if outcome.result is Result.UNSURE:
            outcome = _ask(context, texter, _begun(context, claimed), outcome.error)
        context.store.run(lambda: _settle(context, claimed.delivery_id, claimed.claim, outcome))
    elif isinstance(claimed, Lost):
        outcome = _ask(context, texter, claimed, "the worker died while it was sending")
        context.store.run(lambda: _settle(context, claimed.delivery_id, claimed.claim, outcome))


def _ask(context: Notifications, texter: Texter, lost: Lost, error: str | None) -> Outcome:
    def taken(sids: object) -> set[str]:
        with context.store.reading():
            return deliveries.known_to_provider(list(sids))  # type: ignore[call-overload]

    try:
        sid = texter.find(to=lost.to, text_digest=lost.text_digest, since=lost.attempted_at, taken=taken)
    except LookupError as unanswered:
        return Outcome(result=Result.UNSURE, error=f"{error}; {unanswered}"[:500])
    return Outcome(result=Result.SENT, provider_id=sid) if sid else Outcome(result=Result.UNSURE, error=error)


# --- before the call --------------------------------------------------------------------------------------------------


def _claim_at_pace(
    context: Notifications, delivery_id: str, pace: ProviderPace, channel: Channel
) -> Ready | Lost | None:
    """Claim the delivery with a permit of the provider's pace. It is waited for before the claim, so that what is sent is what holds then."""
    permitted = pace.take()
    claimed = context.store.run(lambda: _claim(context, delivery_id, channel, permitted=permitted))
    if isinstance(claimed, _Wait):
        permitted = pace.wait()
        if not permitted:
            context.store.run(lambda: _come_again(context, delivery_id))
            return None
        claimed = context.store.run(lambda: _claim(context, delivery_id, channel, permitted=True))
    if permitted and not isinstance(claimed, Ready):
        pace.give_back()
    return None if isinstance(claimed, _Wait) else claimed


def _come_again(context: Notifications, delivery_id: str) -> None:
    with context.store.transaction():
        delivery = deliveries.locked(delivery_id)
        if delivery is not None and delivery.status == DeliveryStatus.QUEUED and delivery.claim is None:
            postpone(context, delivery, later(context))


def _claim(
    context: Notifications, delivery_id: str, channel: Channel, *, permitted: bool
) -> Ready | Lost | _Wait | None:
    """Take the delivery for this worker: None where there is nothing (more) to do about it."""
    with context.store.transaction():
        delivery = deliveries.locked(delivery_id)
        if delivery is None or delivery.channel != channel or delivery.status not in OPEN:
            return None
        real_now = context.real_clock.now()
        if delivery.claim is not None and delivery.lease_until is not None and delivery.lease_until > real_now:
            return None  # another worker has it
        if delivery.next_attempt_at is not None and delivery.next_attempt_at > context.now():
            return None  # an early copy of the message: the dispatcher brings it in time
        if delivery.status == DeliveryStatus.SENDING:
            return _resume(context, delivery)
        message = _checked(context, delivery)
        if message is None:
            return None
        slot = slot_of(context, delivery)
        if slot is not None:
            deliveries.change(delivery.id, slot_at=slot)
            postpone(context, delivery, until(context, slot))
            return None
        if not permitted:
            return _Wait()
        return _render(context, delivery, message, channel)


def _resume(context: Notifications, delivery: Delivery) -> Lost | None:
    """The attempt of a worker that died: Twilio can be asked, a mail server cannot."""
    if delivery.channel == Channel.EMAIL:
        unsure(context, delivery, "the worker died while it was sending")
        return None
    taken = _taken(context)
    deliveries.change(delivery.id, **taken)
    return _lost(delivery, taken["claim"])


def _begun(context: Notifications, ready: Ready) -> Lost:
    with context.store.reading():
        return _lost(Delivery.get_by_id(ready.delivery_id), ready.claim)


def _lost(delivery: Delivery, claim: str) -> Lost:
    assert delivery.attempted_at is not None
    return Lost(
        delivery_id=delivery.id,
        claim=claim,
        to=delivery.address or "",
        text_digest=delivery.text_digest or "",
        attempted_at=delivery.attempted_at,
    )


def _checked(context: Notifications, delivery: Delivery) -> Message | None:
    """The message, if it still is to be sent now; else the delivery has been brought to its end, or put off."""
    now = context.now()
    account = replicas.account(delivery.account_id)
    client = replicas.client(delivery.client_id, delivery.account_id)
    assert account is not None
    assert client is not None
    message, holds = message_of(delivery, account, client, now, again=bool(delivery.resend_of))
    session = message.session
    if client.erased_at is not None:
        skip(context, delivery, Reason.ERASED)
        return None
    if delivery.reminder_id is not None:
        return message if _reminder_stands(context, message) else None
    kind, terms = message.kind, TERMS[message.kind]
    reason = None
    if message.to_client:
        situation = situation_of(context, session, account, client, message.wishes)
        reason = rules.unreachable(situation, kind, Channel(delivery.channel))
    if reason is None and not delivery.resend_of and not holds:
        reason = Reason.OVERTAKEN
    if reason is not None:
        skip(context, delivery, reason)
        return None
    if now > delivery.due_at + terms.max_lateness:
        if delivery.attempts:
            fail(context, delivery, delivery.error or "too late to try again")
        else:
            skip(context, delivery, Reason.TOO_LATE)
        return None
    if delivery.channel == Channel.SMS and message.wishes.quiet_hours:
        held = message.wishes.quiet_hours.held_until(now, client.timezone or account.timezone)
        if held > now:
            postpone(context, delivery, held)
            return None
    return message


def message_of(
    delivery: Delivery, account: Account, client: Client, now: datetime, *, again: bool = False
) -> tuple[Message, bool]:
    """The message of a delivery, and whether what it tells still holds; of several sessions, it is about those of which it does.

    `again` passes over what the client was told before.
    """
    wishes = preferences_of(account.id)
    found = [
        Message(delivery, session, account, client, wishes, cancellation_id=cancellation_id)
        for session, cancellation_id in _told_by(delivery)
    ]
    holding = [message for message in found if _holds(message, now, again=again)]
    message = (holding or found)[0]
    message.together = holding or found
    return message, bool(holding)


def _told_by(delivery: Delivery) -> list[tuple[Session, str | None]]:
    if delivery.batch_id is not None:
        return replicas.sessions_of_batch(delivery.batch_id)
    session = replicas.session(delivery.session_id)
    assert session is not None
    return [(session, delivery.cancellation_id)]


def _holds(message: Message, now: datetime, *, again: bool) -> bool:
    return standing.holds(
        message.kind,
        known(message, again=again),
        now,
        sequence=message.delivery.sequence,
        cancellation_id=message.cancellation_id,
    )


def known(message: Message, *, again: bool = False) -> Known:
    """What is known now of the session that a message is about; `again` passes over what the client was told before."""
    session, deposit, refund = message.session, message.deposit, message.refund
    cancellation = session.cancellations[-1]["id"] if session.cancellations else None
    return Known(
        session=session.as_dict(),
        deposit=deposit.as_dict() if deposit else None,
        refund=refund.as_dict() if refund else None,
        told_times=deliveries.told_last(session.id) if message.kind is Kind.RESCHEDULED and not again else None,
        cancellation_untold=message.kind is Kind.RESTORED and not again and deliveries.untold(session.id, cancellation),
        held_before=[(version, held) for version, held in deposit.held] if deposit else [],
    )


def _reminder_stands(context: Notifications, message: Message) -> bool:
    """Whether the reminder is still to be sent now, by the session, the plan, the settings and the clock of this moment."""
    delivery, session, now = message.delivery, message.session, context.now()
    row = reminders.get(delivery.reminder_id)
    if row is None or row.status != ReminderStatus.PLANNED or row.starts_at != session.starts_at:
        skip(context, delivery, Reason.OVERTAKEN if row is None or row.reason is None else Reason(row.reason))
        return False
    situation = situation_of(context, session, message.account, message.client, message.wishes)
    verdict = rules.judge(situation, message.kind, Channel(delivery.channel), now, standing=True)
    if verdict.reason is Reason.TOO_LATE and delivery.attempts and situation.status in rules.LIVE:
        fail(context, delivery, delivery.error or "too late to try again")
        return False
    if verdict.reason is not None:
        skip(context, delivery, verdict.reason)
        return False
    if verdict.due_at > now:
        postpone(context, delivery, verdict.due_at)
        return False
    return True


def _render(context: Notifications, delivery: Delivery, message: Message, channel: Channel) -> Ready | None:
    """Render the message and take the delivery; a text message's attempt begins here, an email's right before its DATA."""
    now = context.now()
    recipient = message.client if message.to_client else message.account
    to = (message.client.phone if channel is Channel.SMS else recipient.email) or ""
    try:
        if channel is Channel.EMAIL:
            letter = message.email(context)
            ready = Ready(
                delivery_id=delivery.id, claim="", to=to, email=letter.as_bytes(now), message_id=letter.message_id
            )
        else:
            ready = Ready(delivery_id=delivery.id, claim="", to=to, text=message.text(context))
    except TemplateError as error:
        fail(context, delivery, f"the template cannot be rendered: {error}")
        return None
    except BadAddress as error:
        fail(context, delivery, str(error))
        return None
    if channel is Channel.SMS and not quota.take(
        context.store, delivery.account_id, _month(message, now), message.wishes.quota
    ):
        skip(context, delivery, Reason.QUOTA)
        return None
    claim, told = _taken(context), message.session
    values = {**claim, "address": to, "told_starts_at": told.starts_at, "told_ends_at": told.ends_at}
    if channel is Channel.SMS:
        values |= _begun_now(context, delivery, ready.text)
    else:
        values["provider_id"] = ready.message_id
    deliveries.change(delivery.id, **values)
    if delivery.batch_id is not None:
        for each in message.together:
            replicas.note_told(delivery.batch_id, each.session)
    return replace(ready, claim=claim["claim"])


def _taken(context: Notifications) -> dict[str, Any]:
    """What a delivery becomes when this worker takes it."""
    return {
        "claim": token_hex(8),
        "next_attempt_at": None,
        "lease_until": _lease(context),
        "updated_at": context.now(),
    }


def _lease(context: Notifications) -> datetime:
    return context.real_clock.now() + timedelta(seconds=context.settings.send_lease_seconds)


def _begin(context: Notifications, ready: Ready) -> bool:
    """Commit the attempt; False where another worker has taken the delivery over, or it was ended meanwhile."""
    with context.store.transaction():
        delivery = deliveries.locked(ready.delivery_id)
        if delivery is None or delivery.claim != ready.claim or delivery.status != DeliveryStatus.QUEUED:
            return False
        deliveries.change(delivery.id, **_begun_now(context, delivery))
        return True


def _begun_now(context: Notifications, delivery: Delivery, text: str | None = None) -> dict[str, Any]:
    """What a delivery becomes when its attempt begins; `text` is a text message's."""
    now = context.now()
    return {
        "status": DeliveryStatus.SENDING.value,
        "attempts": delivery.attempts + 1,
        "attempted_at": now,
        "lease_until": _lease(context),
        "updated_at": now,
        **({} if text is None else {"text_digest": digest(text), "segments": length(text).segments}),
    }


def _month(message: Message, now: datetime) -> str:
    return f"{now.astimezone(ZoneInfo(message.account.timezone)):%Y-%m}"


# --- after the call ---------------------------------------------------------------------------------------------------


def _settle(context: Notifications, delivery_id: str, claim: str, outcome: Outcome) -> None:
    """Commit what became of an attempt. What is known for sure counts even where another worker has given up on it meanwhile."""
    with context.store.transaction():
        delivery = deliveries.locked(delivery_id)
        if delivery is None:
            return
        outcome = replace(outcome, error=without_addresses(outcome.error))
        mine = delivery.claim == claim and delivery.status in OPEN
        if outcome.result is Result.SENT:
            succeed(context, delivery, provider_id=outcome.provider_id)
            return
        if not mine:
            return
        if outcome.result is Result.UNSURE:
            unsure(context, delivery, outcome.error)
            return
        _give_back(context, delivery)
        match outcome.result:
            case Result.NOT_NOW:
                # An email's attempt is counted when its DATA begins; one that did not come so far counts here.
                attempts = delivery.attempts + (delivery.status == DeliveryStatus.QUEUED)
                deliveries.change(
                    delivery.id,
                    status=DeliveryStatus.QUEUED.value,
                    attempts=attempts,
                    error=outcome.error,
                    slot_at=None,
                )
                postpone(context, delivery, context.now() + backoff.pause(attempts, random.random()))
            case Result.OPTED_OUT:
                client_wishes.stop_number(context, delivery.address or "", source="twilio 21610")
                skip(context, delivery, Reason.OPTED_OUT)
            case Result.REFUSED:
                fail(context, delivery, outcome.error or "refused")
                if outcome.bad_address and TERMS[Kind(delivery.kind)].audience == "client":
                    client_wishes.bounced(context, delivery, source="refused by the mail server")


def _give_back(context: Notifications, delivery: Delivery) -> None:
    """A text message that was not sent does not count against the quota."""
    if delivery.channel == Channel.SMS and delivery.status == DeliveryStatus.SENDING:
        account = replicas.account(delivery.account_id)
        assert account is not None
        moment = delivery.attempted_at or context.now()
        quota.give_back(context.store, delivery.account_id, f"{moment.astimezone(ZoneInfo(account.timezone)):%Y-%m}")
