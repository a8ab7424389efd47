"""Sending deliveries: their state is checked and their text rendered at that moment, the attempt is committed before the call, the outcome after it.

What a worker begins together is read, committed and settled together (see `chassis.service.Worker`); each call is its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import TemplateError

from chassis import rows
from chassis.inbox import Event
from chassis.service import Done, Worker
from chassis.telemetry import following
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
from notifications.operations.ending import fail, hold, postpone, skip, succeed, unsure
from notifications.operations.pacing import ProviderPace, later, slot_of, until
from notifications.operations.reach import number_digest, preferences_of, situation_of
from notifications.store import deliveries, quota, reminders, replicas
from notifications.store.models import (
    Account,
    Client,
    Delivery,
    Deposit,
    Preference,
    Reminder,
    Session,
    StoppedNumber,
    Template,
    Wish,
)


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A delivery that this worker has claimed, with what to send."""

    delivery_id: str
    claim: str
    to: str
    at: datetime
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


Claimed = Ready | Lost


def email_worker(context: Notifications, mailer: Mailer, pace: ProviderPace) -> Worker[Claimed, Outcome]:
    """Sends what is on the queue of emails."""

    def call(claimed: Claimed) -> Outcome:
        assert isinstance(claimed, Ready), "a mail server cannot be asked"
        return mailer.send(
            claimed.email,
            sender=context.settings.mail_from,
            to=claimed.to,
            begin=lambda: context.store.run(lambda: _begin(context, claimed)),
        )

    return _worker(context, Channel.EMAIL, pace, call)


def sms_worker(context: Notifications, texter: Texter | None, pace: ProviderPace) -> Worker[Claimed, Outcome]:
    """Sends what is on the queue of text messages; asks Twilio where an earlier answer was lost."""

    def call(claimed: Claimed) -> Outcome:
        # Without Twilio nothing is ever claimed: it is skipped as turned off.
        assert texter is not None
        if isinstance(claimed, Lost):
            return _ask(context, texter, claimed, "the worker died while it was sending")
        callback = f"{context.settings.public_url}/v1/webhooks/twilio?delivery={claimed.delivery_id}"
        outcome = texter.send(to=claimed.to, text=claimed.text, status_callback=callback)
        return _ask(context, texter, _lost_now(claimed), outcome.error) if outcome.result is Result.UNSURE else outcome

    return _worker(context, Channel.SMS, pace, call)


def _worker(
    context: Notifications, channel: Channel, pace: ProviderPace, call: Callable[[Claimed], Outcome]
) -> Worker[Claimed, Outcome]:
    return Worker(
        queue=f"notifications.{channel}",
        take=lambda events: _take(context, channel, pace, events),
        call=call,
        settle=lambda done: _settle(context, done),
    )


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


def _take(
    context: Notifications, channel: Channel, pace: ProviderPace, events: Sequence[Event]
) -> list[Claimed | None]:
    """Claim deliveries with permits of the provider's pace, which are waited for before, so that what is sent is what holds then."""
    ids = [event.subject for event in events]
    permits, used = pace.take(len(ids)), 0
    if not permits:
        context.store.run(lambda: _come_again(context, ids))
        return [None] * len(ids)
    try:
        claimed = context.store.run(lambda: _claim(context, channel, ids[:permits]))
        used = sum(isinstance(each, Ready) for each in claimed)
    finally:
        pace.give_back(permits - used)
    return claimed


def _come_again(context: Notifications, ids: Collection[str]) -> None:
    with context.store.transaction():
        for delivery in deliveries.all_locked(ids).values():
            if delivery.status == DeliveryStatus.QUEUED and delivery.claim is None:
                postpone(context, delivery, later(context))


def _claim(context: Notifications, channel: Channel, ids: Sequence[str]) -> list[Claimed | None]:
    """Take these deliveries for this worker: None where there is nothing (more) to do."""
    claimed: dict[str, Claimed | None] = {}
    with context.store.transaction(), ExitStack() as stack:
        # In the order of their accounts, whose quotas are locked: so no two workers wait for each other.
        found = sorted(deliveries.all_locked(set(ids)).values(), key=lambda each: (each.account_id, each.id))
        open_now = [delivery for delivery in found if _to_be_done(context, channel, delivery)]
        _read_ahead(stack, open_now)
        prepared = []
        for delivery in open_now:
            if delivery.status == DeliveryStatus.SENDING:
                claimed[delivery.id] = _resume(context, delivery)
            elif (ready := _prepare(context, delivery, channel)) is not None:
                prepared.append(ready)
        claimed |= {ready.delivery_id: ready for ready in _taken_up(context, channel, prepared)}
    # Of several copies of one message the first has it.
    return [claimed.pop(id, None) for id in ids]


def _to_be_done(context: Notifications, channel: Channel, delivery: Delivery) -> bool:
    if delivery.channel != channel or delivery.status not in OPEN:
        return False
    if delivery.claim is not None and delivery.lease_until is not None:
        return bool(delivery.lease_until <= context.real_clock.now())  # else another worker has it
    # An early copy of the message: the dispatcher brings it in time.
    return delivery.next_attempt_at is None or bool(delivery.next_attempt_at <= context.now())


def _read_ahead(stack: ExitStack, open_now: Sequence[Delivery]) -> None:
    """Read at once what the rules will ask for of each of these."""
    if not open_now:
        return

    def of_all(name: str) -> set[Any]:
        return {getattr(delivery, name) for delivery in open_now} - {None}

    accounts, sessions, clients = of_all("account_id"), of_all("session_id"), of_all("client_id")
    template = {"account_id": accounts, "kind": of_all("kind"), "channel": of_all("channel"), "removed": {False}}
    stack.enter_context(
        rows.ahead(
            (Account, {"id": accounts}),
            (Preference, {"account_id": accounts}),
            (Template, template),
            (Client, {"id": clients}),
            (Wish, {"client_id": clients}),
            (Session, {"id": sessions}),
            (Deposit, {"session_id": sessions}),
            (Reminder, {"id": of_all("reminder_id")}),
        )
    )
    found = [replicas.client(delivery.client_id, delivery.account_id) for delivery in open_now]
    numbers = {number_digest(client.phone) for client in found if client is not None and client.phone}
    stack.enter_context(rows.ahead((StoppedNumber, {"number_digest": numbers})))


def _prepare(context: Notifications, delivery: Delivery, channel: Channel) -> _Prepared | None:
    """The delivery as it is to be sent now; None where it has been brought to its end, or put off."""
    message = _checked(context, delivery)
    if message is None:
        return None
    slot = slot_of(context, delivery)
    if slot is not None:
        deliveries.change(delivery.id, slot_at=slot)
        postpone(context, delivery, until(context, slot))
        return None
    return _rendered(context, delivery, message, channel)


def _resume(context: Notifications, delivery: Delivery) -> Lost | None:
    """The attempt of a worker that died: Twilio can be asked, a mail server cannot."""
    if delivery.channel == Channel.EMAIL:
        unsure(context, delivery, "the worker died while it was sending")
        return None
    claim = token_hex(8)
    deliveries.change(delivery.id, **_taken(context, claim))
    return _lost(delivery, claim)


def _lost_now(ready: Ready) -> Lost:
    return Lost(
        delivery_id=ready.delivery_id,
        claim=ready.claim,
        to=ready.to,
        text_digest=digest(ready.text),
        attempted_at=ready.at,
    )


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
    if reason is None and not holds:
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
            hold(context, delivery, held)
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
    kind, channel = message.kind, message.delivery.channel
    cancellation = session.cancellations[-1]["id"] if session.cancellations else None
    moved, restored = (kind is each and not again for each in (Kind.RESCHEDULED, Kind.RESTORED))
    # Asked before what was told: another worker may be about to tell it, and is waited for.
    to_come = deliveries.to_come(session.id, message.delivery) if moved else set()
    return Known(
        session=session.as_dict(),
        deposit=deposit.as_dict() if deposit else None,
        refund=refund.as_dict() if refund else None,
        to_come=to_come,
        told_times=deliveries.told_last(session.id, message.delivery) if moved or restored else None,
        cancellation_untold=(restored or Kind.RESTORED in to_come)
        and deliveries.untold(session.id, cancellation, channel),
        time_untold=restored and deliveries.time_untold(message.delivery, by=standing.saying_the_time(session.status)),
        link_told=(restored or message.delivery.unless_told) and not again and deliveries.link_told(message.delivery),
        later_restore_told=restored and deliveries.later_told(message.delivery),
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
        hold(context, delivery, verdict.due_at)
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """A delivery that is about to be taken, with its message and what that is rendered."""

    delivery: Delivery
    message: Message
    ready: Ready


def _rendered(context: Notifications, delivery: Delivery, message: Message, channel: Channel) -> _Prepared | None:
    now = context.now()
    recipient = message.client if message.to_client else message.account
    to = (message.client.phone if channel is Channel.SMS else recipient.email) or ""
    ready = Ready(delivery_id=delivery.id, claim=token_hex(8), to=to, at=now)
    try:
        if channel is Channel.EMAIL:
            letter = message.email(context)
            ready = replace(ready, email=letter.as_bytes(now), message_id=letter.message_id)
        else:
            ready = replace(ready, text=message.text(context))
    except TemplateError as error:
        fail(context, delivery, f"the template cannot be rendered: {error}")
        return None
    except BadAddress as error:
        fail(context, delivery, str(error))
        return None
    return _Prepared(delivery=delivery, message=message, ready=ready)


def _taken_up(context: Notifications, channel: Channel, prepared: Sequence[_Prepared]) -> list[Ready]:
    """Take these deliveries; a text message's attempt begins here, an email's right before its DATA."""
    if channel is Channel.SMS:
        prepared = _within_quota(context, prepared)
    with context.store.together():
        for each in prepared:
            deliveries.change(each.delivery.id, **_change(context, channel, each))
    for each in prepared:
        if each.delivery.batch_id is not None:
            for told in each.message.together:
                replicas.note_told(each.delivery.batch_id, told.session, link=told.holds_link)
    return [each.ready for each in prepared]


def _within_quota(context: Notifications, prepared: Sequence[_Prepared]) -> list[_Prepared]:
    """Those that still fit their accounts' quotas; the others are skipped."""
    wanted = [
        (each.delivery.account_id, _month(each.message, each.ready.at), each.message.wishes.quota) for each in prepared
    ]
    fit = []
    for each, counted in zip(prepared, quota.take(context.store, wanted), strict=True):
        if counted:
            fit.append(each)
        else:
            skip(context, each.delivery, Reason.QUOTA)
    return fit


def _change(context: Notifications, channel: Channel, prepared: _Prepared) -> dict[str, Any]:
    """What a delivery becomes when it is taken to be sent."""
    ready, message = prepared.ready, prepared.message
    return {
        **_taken(context, ready.claim),
        "address": ready.to,
        "told_starts_at": message.session.starts_at,
        "told_ends_at": message.session.ends_at,
        "told_link": message.holds_link,
        **(
            _begun_now(context, prepared.delivery, ready.text)
            if channel is Channel.SMS
            else {"provider_id": ready.message_id}
        ),
    }


def _taken(context: Notifications, claim: str) -> dict[str, Any]:
    """What a delivery becomes when this worker takes it."""
    return {
        "claim": claim,
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


def _settle(context: Notifications, done: Sequence[Done[Claimed, Outcome]]) -> None:
    """Commit what became of attempts. What is known for sure counts even where another worker has given up on it meanwhile."""
    # Should a delivery be among them twice, the second time is about what the first has left.
    by_delivery = {each.task.delivery_id: each for each in reversed(done)}
    context.store.run(lambda: _settle_each(context, by_delivery))
    again = [each for each in done if by_delivery[each.task.delivery_id] is not each]
    if again:
        _settle(context, again)


def _settle_each(context: Notifications, done: Mapping[str, Done[Claimed, Outcome]]) -> None:
    with context.store.transaction():
        found = sorted(deliveries.all_locked(done).values(), key=lambda each: (each.account_id, each.id))
        sent = [delivery for delivery in found if done[delivery.id].outcome.result is Result.SENT]
        with context.store.together():
            for delivery in sent:
                with following(done[delivery.id].traceparent):
                    succeed(context, delivery, provider_id=done[delivery.id].outcome.provider_id)
        for delivery in found:
            outcome = done[delivery.id].outcome
            if outcome.result is not Result.SENT:
                with following(done[delivery.id].traceparent):
                    _settle_unsent(context, delivery, done[delivery.id].task.claim, outcome)


def _settle_unsent(context: Notifications, delivery: Delivery, claim: str, outcome: Outcome) -> None:
    if delivery.claim != claim or delivery.status not in OPEN:
        return  # another worker has it, or has brought it to its end
    outcome = replace(outcome, error=without_addresses(outcome.error))
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
