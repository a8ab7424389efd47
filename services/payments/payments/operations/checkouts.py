"""Checkout pages: the payment link opens one at the moment that it is followed, and one that must not be paid any more is ended at Stripe first."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chassis.ids import new_id
from chassis.problems import NotFound, Unavailable
from chassis.store import moment
from contracts.links import MANAGE, PAYMENT
from contracts.sessions import DepositStatus, SessionStatus
from payments.domain.charging import ChargeModel, application_fee
from payments.gateways.stripe import CheckoutPage, NewCheckout, StripeBusy, StripeRefused, StripeUnsure
from payments.operations.connect import note_refusal
from payments.operations.context import Payments
from payments.operations.money import take_in_page
from payments.operations.settle import PAGE_LEASE, Case, conclude, open_case
from payments.store.models import Account, Checkout, CheckoutState, Client, Connection, Deposit, Session
from payments.store.queries import LIVE_PAGES, client_now, live_page

log = logging.getLogger(__name__)

# Stripe takes 30 minutes to 24 hours.
_PAGE_LIFE, _LEAST_LIFE = timedelta(hours=23), timedelta(hours=1)
_UNKNOWN_LINK_SECONDS, _OTHER_OPENER_SECONDS, _POLL_SECONDS = 2.0, 12.0, 0.05
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=1), timedelta(minutes=10)
_ROUNDS = 4


class LinkState(StrEnum):
    """What a payment link leads to just now."""

    PAYABLE = "payable"  # `url` is the open page
    PROCESSING = "processing"  # paid, the bank has not confirmed it
    PAID = "paid"
    DISPUTED = "disputed"  # the client's bank took it back
    CANCELLED = "cancelled"
    RELEASED = "released"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, kw_only=True)
class LinkView:
    """What the page behind the link shows; no name or address of the client, as whoever has the link sees it."""

    state: LinkState
    url: str | None
    status: DepositStatus
    provider: str
    service: str
    starts_at: datetime
    timezone: str
    amount: int
    held: int
    refunded: int
    currency: str
    manage_url: str | None
    """The client's own page for the session; None where there is no console"""


class _NotPayable(Exception):
    """Stripe does not take this payment as things are: the account may not charge, or the rest is less than Stripe's minimum."""


class _NeverMade(Exception):
    """Stripe has no such page, and the key remembers a failure: the next one needs another."""


def follow_link(context: Payments, secret: str) -> LinkView:
    """What the payment link leads to: an open Checkout page made or looked at just now, the receipt, or why it cannot be paid.

    Raises:
        NotFound: we never drew this link.
        Unavailable: its deposit has not arrived here yet, or Stripe cannot be asked.
    """
    if not context.links.genuine(PAYMENT, secret):
        raise NotFound
    deposit = _await_deposit(context, secret)
    for _ in range(_ROUNDS):
        opening = context.store.run(lambda: _page_to_show(context, deposit))
        if opening is None:
            return _view(context, deposit.id, None)
        page = opening.page
        if page.state != CheckoutState.INTENDED:
            shown = _look_at(context, page)
            if shown is None and page.state == CheckoutState.PROCESSING:
                return _view(context, deposit.id, None)
        elif opening.ours:
            try:
                shown = _open(context, page)
            except _NotPayable:
                return _view(context, deposit.id, None)
        else:
            _await_opener(context, page)
            shown = None
        if shown is not None:
            return _view(context, deposit.id, shown)
    raise Unavailable("the payment page changes just now; try again")


def _await_deposit(context: Payments, secret: str) -> Deposit:
    """The link's deposit; a client may be quicker than the event that tells of the session."""
    deadline = time.monotonic() + _UNKNOWN_LINK_SECONDS
    while True:
        with context.store.reading():
            deposit: Deposit | None = Deposit.get_or_none(Deposit.secret == secret)
        if deposit is not None:
            return deposit
        if time.monotonic() > deadline:
            raise Unavailable("this payment is not ready yet; try again in a moment", retry_after=3)
        time.sleep(_POLL_SECONDS)


@dataclass(frozen=True, kw_only=True)
class _Opening:
    """A page to show; `ours`: it is not made yet, and this request is the one to make it."""

    page: Checkout
    ours: bool


def _page_to_show(context: Payments, deposit: Deposit) -> _Opening | None:
    """The page to open or to look at, its intent kept; None where nothing is to be paid."""
    with context.store.transaction():
        case = open_case(context, deposit.account_id, deposit.session_id)
        assert case is not None, "a deposit has a session"
        page = live_page(case.deposit)
        if page is not None and _abandoned(context, page):
            if page.expires_at - context.now() > _LEAST_LIFE:
                page.lease_until = context.now() + PAGE_LEASE
                page.save()
                return _Opening(page=page, ours=True)
            page.state = CheckoutState.FAILED.value
            page.save()
            page = None
        if page is not None:
            return _Opening(page=page, ours=False)
        conclude(case)
        if case.deposit.status != DepositStatus.REQUIRED or not case.deposit.due_amount:
            return None
        return _Opening(page=_intend(case), ours=True)


def _abandoned(context: Payments, page: Checkout) -> bool:
    """Whether nobody is making this page any more, whose maker may have died."""
    over = page.lease_until is None or page.lease_until <= context.now()
    return page.state == CheckoutState.INTENDED and not page.ending and over


def _intend(case: Case) -> Checkout:
    """The row of a page that is about to be made."""
    context, deposit = case.context, case.deposit
    connection = Connection.get_or_none(Connection.account_id == deposit.account_id)
    if connection is None or connection.stripe_account is None:
        raise Unavailable("the provider cannot take payments just now")
    now = context.now()
    last = (
        Checkout.select(Checkout.generation)
        .where(Checkout.deposit_id == deposit.id)
        .order_by(Checkout.generation.desc())
        .first()
    )
    page: Checkout = Checkout.create(
        id=new_id("chk"),
        account_id=deposit.account_id,
        deposit_id=deposit.id,
        generation=(last.generation if last else 0) + 1,
        state=CheckoutState.INTENDED.value,
        stripe_account=connection.stripe_account,
        amount=deposit.due_amount,
        currency=deposit.currency,
        charge_model=context.settings.charge_model.value,
        application_fee=application_fee(deposit.due_amount, context.settings.application_fee_percent, deposit.currency),
        expires_at=(now + _PAGE_LIFE).replace(microsecond=0),
        ending=False,
        intended_at=now,
        lease_until=now + PAGE_LEASE,
        tries=0,
    )
    return page


def _open(context: Payments, page: Checkout) -> str | None:
    """Make the page at Stripe; its address, or None if it must not be shown any more."""
    try:
        seen = _made(context, page)
    except (StripeBusy, StripeUnsure) as trouble:
        # The same key makes the same page: whoever comes next goes on with this row.
        context.store.run(lambda: _give_up(context, page, for_good=False))
        raise Unavailable("the payment page cannot be opened just now") from trouble
    except _NeverMade as trouble:
        context.store.run(lambda: _give_up(context, page, for_good=True))
        raise Unavailable("the payment page cannot be opened just now") from trouble
    except StripeRefused as refused:
        log.warning("no Checkout page for deposit %s: %s", page.deposit_id, refused.code)
        note_refusal(context, page.stripe_account, refused)
        context.store.run(lambda: _give_up(context, page, for_good=True))
        raise _NotPayable from refused
    context.store.run(lambda: take_in_page(context, page.id, seen))
    with context.store.reading():
        made = Checkout.get_by_id(page.id)
    return made.url if made.state == CheckoutState.OPEN and not made.ending else None


def _made(context: Payments, page: Checkout) -> CheckoutPage:
    """The page at Stripe, found there if its key remembers a failure that came after it was made."""
    wanted = _wanted(context, page)
    try:
        return context.stripe().create_checkout(wanted)
    except StripeUnsure as unsure:
        if not unsure.spoilt:
            raise
        found = context.stripe().find_checkout(wanted, since=page.intended_at)
        if found is None:
            raise _NeverMade from unsure
        return found


def _wanted(context: Payments, page: Checkout) -> NewCheckout:
    with context.store.reading():
        deposit = Deposit.get_by_id(page.deposit_id)
        session = Session.get_by_id(deposit.session_id)
        client = Client.get_or_none(Client.id == client_now(session.client_id))
        account = Account.get_by_id(deposit.account_id)
    return NewCheckout(
        stripe_account=page.stripe_account,
        model=ChargeModel(page.charge_model),
        amount=page.amount,
        fee=page.application_fee,
        currency=page.currency,
        label=f"{session.service_name} – {account.name}"[:250] or "Deposit",
        email=client.email if client else None,
        locale="auto",
        return_url=deposit.payment_url,
        expires_at=page.expires_at,
        metadata={
            "timeblu_deposit": deposit.id,
            "timeblu_session": deposit.session_id,
            "timeblu_account": deposit.account_id,
            "timeblu_checkout": page.id,
        },
        key=page.key,
    )


def _await_opener(context: Payments, page: Checkout) -> None:
    """Wait until whoever is making the page has an outcome, so that opens at the same time get one page."""
    deadline = time.monotonic() + _OTHER_OPENER_SECONDS
    while time.monotonic() < deadline:
        with context.store.reading():
            now = Checkout.get_by_id(page.id)
        if now.state != CheckoutState.INTENDED or now.ending or _abandoned(context, now):
            return
        time.sleep(_POLL_SECONDS)


def _give_up(context: Payments, page: Checkout, *, for_good: bool) -> None:
    """Leave the page to who comes next, or close its row so that a fresh key is used."""
    with context.store.transaction():
        deposit = Deposit.get_by_id(page.deposit_id)
        case = open_case(context, deposit.account_id, deposit.session_id)
        assert case is not None, "a deposit has a session"
        row = Checkout.get_by_id(page.id)
        if row.state != CheckoutState.INTENDED:
            return
        row.lease_until = None
        if for_good:
            row.state, row.next_attempt_at = CheckoutState.FAILED.value, None
        row.save()
        conclude(case)


def _look_at(context: Payments, page: Checkout) -> str | None:
    """Ask Stripe how an open page stands, and keep it; its address while it may be paid, None to look again."""
    try:
        if page.ending:
            seen = context.stripe().end_checkout(
                page.stripe_account, ChargeModel(page.charge_model), page.stripe_session
            )
        else:
            seen = context.stripe().checkout(page.stripe_account, ChargeModel(page.charge_model), page.stripe_session)
    except (StripeBusy, StripeUnsure, StripeRefused) as trouble:
        raise Unavailable("the payment page cannot be looked at just now") from trouble
    context.store.run(lambda: take_in_page(context, page.id, seen))
    return seen.url if seen.status == "open" and not page.ending else None


def _view(context: Payments, deposit_id: str, url: str | None) -> LinkView:
    with context.store.reading():
        deposit = Deposit.get_by_id(deposit_id)
        session = Session.get_by_id(deposit.session_id)
        account = Account.get_by_id(deposit.account_id)
        page = live_page(deposit)
    return LinkView(
        state=LinkState.PAYABLE
        if url
        else _state(deposit, session, processing=page is not None and page.state == CheckoutState.PROCESSING),
        url=url,
        status=DepositStatus(deposit.status),
        provider=account.name,
        service=session.service_name,
        starts_at=session.starts_at,
        timezone=account.timezone,
        amount=deposit.amount,
        held=deposit.held_amount,
        refunded=deposit.refunded_amount,
        currency=deposit.currency,
        manage_url=_manage_url(context, session),
    )


def _manage_url(context: Payments, session: Session) -> str | None:
    console = context.settings.console_public_url
    return f"{console}/manage/{context.links.sign(MANAGE, [session.account_id, session.id])}" if console else None


def _state(deposit: Deposit, session: Session, *, processing: bool) -> LinkState:
    if deposit.status == DepositStatus.NOT_ASKED:
        return LinkState.NOT_ASKED
    if deposit.status == DepositStatus.CANCELED:
        return (
            LinkState.CANCELLED
            if session.status == SessionStatus.CANCELLED and deposit.released_at is None
            else LinkState.RELEASED
        )
    if deposit.status == DepositStatus.REQUIRED:
        if session.status == SessionStatus.CANCELLED:
            return LinkState.CANCELLED
        return LinkState.PROCESSING if processing else LinkState.NOT_ASKED
    if deposit.status == DepositStatus.DISPUTED and not deposit.held_amount:
        return LinkState.DISPUTED
    return LinkState.PAID


# --- ending pages ---------------------------------------------------------------------------------------------------


def end_one_page(context: Payments) -> int:
    """End one Checkout page that is not to be paid any more; returns how many were dealt with (0 or 1)."""
    page = context.store.run(lambda: _claim_ending(context))
    if page is None:
        return 0
    end_page(context, page)
    return 1


def end_page(context: Payments, page: Checkout) -> None:
    """End this page at Stripe and settle its deposit; where that fails it is tried again later."""
    try:
        session = page.stripe_session or _lost(context, page)
        if session is None:
            context.store.run(lambda: _give_up(context, page, for_good=True))
            return
        seen = context.stripe().end_checkout(page.stripe_account, ChargeModel(page.charge_model), session)
    except (StripeBusy, StripeUnsure) as trouble:
        log.info("the Checkout page %s is not ended yet: %s", page.id, trouble)
    except StripeRefused as refused:
        log.warning("the Checkout page %s cannot be ended: %s", page.id, refused.code)
        if context.now() > page.expires_at:
            # The account is out of reach, and by its own end the page cannot be paid either.
            context.store.run(lambda: _note_expired(context, page))
    else:
        context.store.run(lambda: take_in_page(context, page.id, seen))


def _lost(context: Payments, page: Checkout) -> str | None:
    """The id of a page whose maker died or never heard of it (its lease has run out); None where Stripe has none either."""
    found = context.stripe().find_checkout(_wanted(context, page), since=page.intended_at)
    return found.id if found else None


def find_page(context: Payments, page: Checkout) -> CheckoutPage | None:
    """How the page stands at Stripe, found there if we never heard of its making; None where Stripe has none."""
    session = page.stripe_session or _lost(context, page)
    if session is None:
        return None
    return context.stripe().checkout(page.stripe_account, ChargeModel(page.charge_model), session)


def _claim_ending(context: Payments) -> Checkout | None:
    now = context.now()
    with context.store.transaction():
        rows = context.store.execute(
            f"""SELECT id FROM checkouts WHERE next_attempt_at <= %s AND state IN (%s, %s, %s)
                ORDER BY next_attempt_at LIMIT 1 {context.store.skip_locked}""",
            (now, *LIVE_PAGES),
        )
        if not rows:
            return None
        page: Checkout = Checkout.get_by_id(rows[0][0])
        if page.state == CheckoutState.INTENDED and page.lease_until is not None and page.lease_until > now:
            page.next_attempt_at = page.lease_until
            page.save()
            return None
        page.next_attempt_at = now + min(_FIRST_RETRY * 2 ** min(page.tries, 12), _LONGEST_RETRY)
        page.tries += 1
        page.save()
        return page


def _note_expired(context: Payments, page: Checkout) -> None:
    with context.store.transaction():
        deposit = Deposit.get_by_id(page.deposit_id)
        case = open_case(context, deposit.account_id, deposit.session_id)
        assert case is not None, "a deposit has a session"
        Checkout.update(state=CheckoutState.EXPIRED.value, next_attempt_at=None).where(Checkout.id == page.id).execute()
        conclude(case)


def next_ending_due() -> datetime | None:
    query = Checkout.select(Checkout.next_attempt_at).where(
        Checkout.next_attempt_at.is_null(False) & Checkout.state.in_(LIVE_PAGES)
    )
    return moment(query.order_by(Checkout.next_attempt_at).limit(1).scalar())
