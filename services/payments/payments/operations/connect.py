"""The provider's own account at Stripe: made once, onboarding that can be left and resumed, and what Stripe says that it may do."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from chassis.links import BadLink
from chassis.problems import Conflict, Invalid, NotFound, Stale, Unavailable
from chassis.rows import first
from contracts.plans import Feature, includes
from contracts.sessions import SessionStatus
from payments.domain.charging import Dashboard
from payments.gateways.stripe import AccountState, StripeBusy, StripeInFlight, StripeRefused, StripeUnsure
from payments.operations.context import WEBHOOKS, Payments
from payments.operations.policies import known_account
from payments.operations.settle import PLAN, settle, why_no_charge
from payments.store.models import Account, Connection, Deposit, Session, Webhook, WebhookState
from payments.store.queries import locked

log = logging.getLogger(__name__)

_RESUME = "connect-onboarding"
_OTHER_REQUEST_SECONDS, _POLL_SECONDS = 10.0, 0.1
# How often an account is asked for anew, as others learnt of it meanwhile.
_LOOKS = 5


class ConnectStatus(StrEnum):
    NOT_CONNECTED = "not_connected"
    ONBOARDING = "onboarding"  # Stripe still waits for the provider's details
    ACTIVE = "active"  # charges and payouts work
    RESTRICTED = "restricted"  # Stripe wants something before both work (again)
    DISCONNECTED = "disconnected"  # the provider cut us off, or the account was closed


@dataclass(frozen=True, kw_only=True)
class _Intended:
    """The account to ask Stripe for, or the one that is there. `ask_first`: it may have been made already, since `since`."""

    stripe_account: str | None
    country: str
    dashboard: Dashboard
    email: str
    attempt: int
    since: datetime
    key: str
    ask_first: bool


def see_connection(context: Payments, account_id: str) -> dict[str, Any]:
    """How the account stands at Stripe, as Stripe told it last."""
    with context.store.reading():
        known_account(account_id)
        return _seen(Connection.get_or_none(Connection.account_id == account_id))


def start_onboarding(context: Payments, account_id: str, country: str | None, *, expected: int | None = None) -> str:
    """Where the provider goes on at Stripe, whose account is made if there is none yet; called outside any unit of work.

    Raises:
        Conflict: the plan has no deposits, or the account was made for another country.
        Invalid: Stripe does not do this country.
        Stale: the connection is not at version `expected` any more.
        Unavailable: Stripe cannot be asked just now.
    """
    try:
        _look_again_where_cut_off(context, account_id)
        intended = context.store.run(lambda: _intend(context, account_id, country, expected))
        stripe_account = intended.stripe_account or _make(context, account_id, intended)
        resume = context.links.sign(_RESUME, account_id)
        base = context.settings.payments_public_url or context.settings.public_url
        console = context.settings.console_public_url
        by_default = f"{console}/setup/payments" if console else f"{base}/v1/connect/done"
        return context.stripe().onboarding_link(
            stripe_account,
            return_url=context.settings.connect_return_url or by_default,
            refresh_url=f"{base}/v1/connect/resume/{resume}",
        )
    except StripeRefused as refused:
        if refused.code == "country_unsupported":
            raise Invalid.field("/country", "Stripe does not offer accounts there.") from refused
        log.warning("onboarding of %s was refused: %s", account_id, refused.code)
        raise Unavailable(f"Stripe refused it: {refused.message}", retry_after=60) from refused
    except (StripeBusy, StripeUnsure) as trouble:
        raise Unavailable("Stripe cannot be asked just now") from trouble


def resume_onboarding(context: Payments, signed: str) -> str:
    """Where an onboarding link that has ended leads to: a fresh one.

    Raises:
        NotFound: the text was not signed here.
    """
    try:
        account_id = context.links.read(_RESUME, signed)
    except BadLink:
        raise NotFound from None
    return start_onboarding(context, account_id, None)


def _look_again_where_cut_off(context: Payments, account_id: str) -> None:
    """An account that can be reached again is gone on with, instead of a second one being made."""
    with context.store.reading():
        row = Connection.get_or_none(Connection.account_id == account_id)
    if row is not None and row.cut_off:
        look_at_account(context, row.stripe_account)


def _intend(context: Payments, account_id: str, country: str | None, expected: int | None) -> _Intended:
    """Keep that an account is about to be made, and by which key, before Stripe hears of it."""
    now = context.now()
    with context.store.transaction():
        account = locked(context.store, Account.select().where(Account.id == account_id)).first() or known_account(
            account_id
        )
        if not includes(account.plan, Feature.DEPOSITS):
            raise Conflict("deposits are part of the plan max", code="plan_required")
        row = Connection.get_or_none(Connection.account_id == account_id)
        if expected is not None and expected != (row.version if row else 0):
            raise Stale
        fresh = row is None
        if row is None:
            row = Connection.create(
                account_id=account_id,
                version=1,
                country=country or account.country,
                dashboard=context.settings.connect_dashboard.value,
                attempt=1,
                intended_at=now,
                cut_off=False,
                details_submitted=False,
                charges_enabled=False,
                payouts_enabled=False,
                requirements={"currently_due": [], "disabled_reason": None},
                updated_at=now,
            )
        elif row.stripe_account is not None and not row.cut_off and country not in {None, row.country}:
            raise Conflict(
                f"the Stripe account was made for {row.country}, and Stripe cannot change that",
                code="invalid_transition",
            )
        elif row.stripe_account is None or row.cut_off:
            wanted = country or row.country
            fresh = row.cut_off or wanted != row.country
            if fresh:
                row.attempt += 1
                row.intended_at = now
            row.country, row.stripe_account, row.cut_off = wanted, None, False
            row.save()
        return _Intended(
            stripe_account=row.stripe_account,
            country=row.country,
            dashboard=Dashboard(row.dashboard),
            email=account.email,
            attempt=row.attempt,
            since=row.intended_at,
            key=f"connect:{account_id}:{row.attempt}:{row.intended_at:%Y%m%d%H%M%S}",
            ask_first=not fresh,
        )


def _make(context: Payments, account_id: str, intended: _Intended) -> str:
    metadata = {"timeblu_account": account_id}
    found = None
    if intended.ask_first:
        found = context.stripe().find_account(since=intended.since, country=intended.country, metadata=metadata)
    try:
        state = found or _ask_stripe(context, intended, metadata)
    except StripeUnsure as unsure:
        if unsure.spoilt:
            context.store.run(lambda: _use_new_key(context, account_id, intended))
        raise
    except StripeRefused:
        context.store.run(lambda: _use_new_key(context, account_id, intended))
        raise
    context.store.run(lambda: _keep(context, account_id, state))
    return state.id


def _ask_stripe(context: Payments, intended: _Intended, metadata: dict[str, str]) -> AccountState:
    """The account made with this key; who asks at the same moment waits for the first answer and gets the same."""
    deadline = time.monotonic() + _OTHER_REQUEST_SECONDS
    while True:
        try:
            return context.stripe().create_account(
                email=intended.email,
                country=intended.country,
                dashboard=intended.dashboard,
                metadata=metadata,
                key=intended.key,
            )
        except StripeInFlight:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)


def _use_new_key(context: Payments, account_id: str, intended: _Intended) -> None:
    """The key remembers a failure: the next try needs another, the same for all who have seen it fail."""
    with context.store.transaction():
        Connection.update(attempt=intended.attempt + 1).where(
            (Connection.account_id == account_id)
            & Connection.stripe_account.is_null()
            & (Connection.attempt == intended.attempt)
        ).execute()


def _keep(context: Payments, account_id: str, state: AccountState) -> None:
    with context.store.transaction():
        row = locked(context.store, Connection.select().where(Connection.account_id == account_id)).get()
        row.stripe_account = row.stripe_account or state.id
        _update(context, row, state)
        # Stripe may have told of the account before we knew that it is ours.
        Webhook.update(state=WebhookState.STORED.value, account_id=account_id, next_attempt_at=context.now()).where(
            (Webhook.stripe_account == state.id) & (Webhook.state == WebhookState.UNKNOWN)
        ).execute()
        context.wakeups.after_commit(WEBHOOKS)


def look_at_account(context: Payments, stripe_account: str) -> None:
    """Ask Stripe how a connected account stands, and keep that; outside any unit of work.

    Raises:
        StripeBusy, StripeUnsure, StripeRefused: it cannot be asked.
    """
    if not any(_look_once(context, stripe_account) for _ in range(_LOOKS)):
        raise StripeUnsure("what is known of the account changes just now")


def _look_once(context: Payments, stripe_account: str) -> bool:
    """False: others learnt something of the account meanwhile, and this answer may be older than theirs."""
    with context.store.reading():
        row = Connection.get_or_none(Connection.stripe_account == stripe_account)
    if row is None:
        return True
    state: AccountState | None = None
    try:
        state = context.stripe().account(stripe_account)
    except StripeRefused as refused:
        if not refused.out_of_reach:
            raise
    return take_in_account(context, stripe_account, state, version=row.version)


def note_refusal(context: Payments, stripe_account: str, refused: StripeRefused) -> None:
    """Where Stripe refused something as the account is out of reach, keep that it is: its webhook may have been lost."""
    if not refused.out_of_reach:
        return
    try:
        look_at_account(context, stripe_account)
    except (StripeBusy, StripeUnsure, StripeRefused) as trouble:
        log.info("the account %s cannot be looked at: %s", stripe_account, trouble)


def take_in_account(
    context: Payments, stripe_account: str, state: AccountState | None, *, version: int | None = None
) -> bool:
    """Keep what Stripe says of a connected account (None: it cut us off), and ask for the deposits that waited for it; outside any unit of work.

    Returns whether that was done: not where the row is no longer the `version` that stood when Stripe was asked.
    """
    if not context.store.run(lambda: _keep_news(context, stripe_account, state, version)):
        return False
    _settle_waiting(context, stripe_account)
    return True


def _keep_news(context: Payments, stripe_account: str, state: AccountState | None, version: int | None) -> bool:
    with context.store.transaction():
        row = locked(context.store, Connection.select().where(Connection.stripe_account == stripe_account)).first()
        if row is None or (state is None and row.cut_off):
            return True
        if version not in {None, row.version}:
            return False
        if state is None:
            row.cut_off, row.charges_enabled, row.payouts_enabled = True, False, False
            row.version += 1
            row.updated_at = context.now()
            row.save()
        else:
            row.cut_off = False
            _update(context, row, state)
        return True


def _settle_waiting(context: Payments, stripe_account: str) -> None:
    """Settle what is not asked for a reason that holds no more, of a process that died before it came to that as well.

    Each by itself and after what was learnt of the account is committed: who settles locks the session first, then the account.
    """
    with context.store.reading():
        row = first(Connection, stripe_account=stripe_account)
        waiting = _not_asked_but_for(row) if row else []
    for deposit in waiting:
        context.store.run(lambda deposit=deposit: _settle_one(context, deposit))  # type: ignore[misc]


def _not_asked_but_for(row: Connection) -> list[Deposit]:
    """The account's deposits that are not asked and wanted, and for another reason than the account's present one."""
    wanted = (Session.status != SessionStatus.CANCELLED.value) & Session.terms.is_null(False)
    waiting = (Deposit.account_id == row.account_id) & Deposit.asked_at.is_null() & (Deposit.reason != PLAN)
    reason = why_no_charge(row)
    if reason is not None:
        waiting &= Deposit.reason != reason
    query = Deposit.select(Deposit.account_id, Deposit.session_id).join(Session, on=(Session.id == Deposit.session_id))
    return list(query.where(waiting & wanted).order_by(Deposit.id))


def _settle_one(context: Payments, deposit: Deposit) -> None:
    with context.store.transaction():
        settle(context, deposit.account_id, deposit.session_id)


def _update(context: Payments, row: Connection, state: AccountState) -> None:
    row.country = state.country
    row.details_submitted = state.details_submitted
    row.charges_enabled = state.charges_enabled
    row.payouts_enabled = state.payouts_enabled
    row.requirements = {"currently_due": state.currently_due, "disabled_reason": state.disabled_reason}
    row.capabilities = dict(state.capabilities)
    row.version += 1
    row.updated_at = context.now()
    row.save()


def _seen(row: Connection | None) -> dict[str, Any]:
    if row is None:
        return {
            "status": ConnectStatus.NOT_CONNECTED.value,
            "charges_enabled": False,
            "payouts_enabled": False,
            "requirements": {"currently_due": [], "disabled_reason": None},
            "capabilities": {},
            "country": None,
            "dashboard": None,
            "stripe_account_id": None,
            "version": 0,
        }
    return {
        "status": _status(row).value,
        "charges_enabled": row.charges_enabled,
        "payouts_enabled": row.payouts_enabled,
        "requirements": row.requirements,
        "capabilities": row.capabilities,
        "country": row.country,
        "dashboard": row.dashboard,
        "stripe_account_id": row.stripe_account,
        "version": row.version,
    }


def _status(row: Connection) -> ConnectStatus:
    if row.cut_off:
        return ConnectStatus.DISCONNECTED
    if row.stripe_account is None:
        return ConnectStatus.NOT_CONNECTED
    if not row.details_submitted:
        return ConnectStatus.ONBOARDING
    return ConnectStatus.ACTIVE if row.charges_enabled and row.payouts_enabled else ConnectStatus.RESTRICTED
