"""The client's own link: seeing, confirming, cancelling and moving the one session that it was signed for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.links import BadLink
from chassis.problems import Conflict, NotFound
from contracts.links import MANAGE
from contracts.sessions import RefundDecision
from scheduling.domain.transitions import Action
from scheduling.operations.amend import amend
from scheduling.operations.cancel import carry_out, promised
from scheduling.operations.context import Actor, Scheduling, reading, unit_of_work
from scheduling.operations.finding import the_account, the_session
from scheduling.operations.offering import check_offered
from scheduling.operations.sessions import manage_url, view
from scheduling.operations.steps import possible, step, take_step
from scheduling.store.models import Account, Calendar, Session

CLIENT = Actor(name="client", by="client")


@reading
def show(context: Scheduling, token: str) -> dict[str, Any]:
    """The session as its client may see it, with what they may do about it.

    Raises:
        NotFound: this is no link of ours.
    """
    account, session = _linked(context, token, locked=False)
    return link_view(context, account, session)


@unit_of_work
def confirm(context: Scheduling, token: str) -> dict[str, Any]:
    """Confirm what the provider made pending.

    Raises:
        NotFound: this is no link of ours.
        Conflict: `invalid_transition`, also where the client booked it and the provider is to confirm.
    """
    account, session = _linked(context, token)
    if session.source == "online":
        raise Conflict("You booked this one yourself: the provider confirms it.", code="invalid_transition")
    take_step(context, account.id, session.id, CLIENT, Action.CONFIRM, None)
    return _shown_anew(context, token)


@unit_of_work
def cancel(context: Scheduling, token: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Cancel; what was paid goes back by the provider's policy, or as it was quoted, without a question.

    Raises:
        NotFound: this is no link of ours.
        Conflict: `invalid_transition`, `cancellation_disabled`, `cutoff_passed` or `quote_expired`.
        Invalid: a quote that is not ours, or another session's.
    """
    account, session = _linked(context, token)
    step(context, session, Action.CANCEL)
    quote = promised(context, session, body.get("refund_quote_id"))
    if not account.rules.client_cancellation:
        raise Conflict("This provider takes no cancellations here: please ask them.", code="cancellation_disabled")
    if context.clock.now() > account.rules.cancel_until(session.starts_at):
        raise Conflict("It is too late to cancel here: please ask the provider.", code="cutoff_passed")
    carry_out(context, account, session, CLIENT, body.get("reason") or None, RefundDecision.REFUND, quote)
    return link_view(context, account, session)


@unit_of_work
def reschedule(context: Scheduling, token: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Move it to another start that is offered to clients.

    Raises:
        NotFound: this is no link of ours.
        Conflict: `invalid_transition`, `cutoff_passed`, `slot_unavailable`, `slot_taken` or `outside_working_hours`.
    """
    account, session = _linked(context, token)
    step(context, session, Action.RESCHEDULE)
    if context.clock.now() > account.rules.reschedule_until(session.starts_at):
        raise Conflict("It is too late to move it here: please ask the provider.", code="cutoff_passed")
    if Calendar.get_by_id(session.calendar_id).retired_at is not None:
        raise Conflict("This calendar offers no more slots: please ask the provider.", code="slot_unavailable")
    check_offered(context, account, body["starts_at"])
    amend(context, account.id, session.id, CLIENT, {"starts_at": body["starts_at"]}, None)
    return _shown_anew(context, token)


def link_view(context: Scheduling, account: Account, session: Session) -> dict[str, Any]:
    """What the client sees: nothing that is the provider's own, and what can still be done."""
    shown = view(context, account, session)
    calendar = Calendar.get_by_id(session.calendar_id)
    rules, now = account.rules, context.clock.now()
    cancel_until, reschedule_until = rules.cancel_until(session.starts_at), rules.reschedule_until(session.starts_at)
    return {name: shown[name] for name in _SHOWN} | {
        "provider": {"name": account.name, "username": account.username, "online": rules.enabled},
        "calendar": {"id": calendar.id, "name": calendar.name},
        "pay_by": session.pay_by if shown["payment_url"] else None,
        "manage_url": manage_url(context, session),
        "cancel_until": cancel_until if rules.client_cancellation else None,
        "reschedule_until": reschedule_until,
        "may": {
            "confirm": session.source != "online" and possible(context, session, Action.CONFIRM),
            "cancel": rules.client_cancellation and now <= cancel_until and possible(context, session, Action.CANCEL),
            "reschedule": (
                now <= reschedule_until
                and calendar.retired_at is None
                and possible(context, session, Action.RESCHEDULE)
            ),
        },
    }


_SHOWN = (
    "id", "service_id", "service", "calendar_id", "starts_at", "ends_at", "duration_minutes", "timezone", "status", "notes", "client_message",
    "auto_confirm_at", "price", "deposit", "payment_url", "cancellation", "version", "created_at", "updated_at",
)  # fmt: skip


def owner(context: Scheduling, token: str) -> str:
    """Whose the idempotency keys of requests by this link are.

    Raises:
        NotFound: this is no link of ours.
    """
    return ":".join(_read(context, token))


def _linked(context: Scheduling, token: str, *, locked: bool = True) -> tuple[Account, Session]:
    account_id, session_id = _read(context, token)
    account = the_account(account_id)
    return account, the_session(account, session_id, locked=locked)


def _read(context: Scheduling, token: str) -> tuple[str, str]:
    try:
        account_id, session_id = context.links.read(MANAGE, token)
    except (BadLink, TypeError, ValueError):
        raise NotFound from None
    return account_id, session_id


def _shown_anew(context: Scheduling, token: str) -> dict[str, Any]:
    return link_view(context, *_linked(context, token, locked=False))
