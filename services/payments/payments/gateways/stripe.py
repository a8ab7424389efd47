"""Stripe, as payments speaks to it: a few calls, small values back, and errors sorted by what may be done about them.

Every call that changes something carries an idempotency key, and none is repeated here: whether an outcome that is not known may
be repeated is the caller's to decide, who has committed the intent before.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
import stripe
import urllib3

from payments.domain.charging import ChargeModel, Dashboard

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 3.05
_WEBHOOK_AGE_SECONDS = 300
_CLOCKS_APART = timedelta(minutes=5)
# Currencies whose amounts at Stripe differ from ISO 4217's minor units. Source: docs.stripe.com/currencies, special cases.
_TWO_DECIMALS_AT_STRIPE = frozenset({"ISK", "UGX"})
_NO_DECIMALS_AT_STRIPE = frozenset({"MGA"})


class StripeBusy(Exception):
    """Nothing was done, and later it may be: rate limit, no connection, a key that is refused."""


class StripeUnsure(Exception):
    """It may have been done. `spoilt`: the idempotency key remembers a server error, or other parameters, and would repeat that for 24 hours."""

    def __init__(self, reason: str, *, spoilt: bool = False) -> None:
        super().__init__(reason)
        self.spoilt = spoilt


class StripeInFlight(StripeUnsure):
    """Another request with the same idempotency key is being done just now."""


class StripeRefused(Exception):
    """Nothing was done, and repeating it as it is will not help. `code` is Stripe's, or the HTTP status."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def out_of_reach(self) -> bool:
        """Whether the account was closed, or has cut us off; Stripe's SDK tells no code with a 403."""
        return self.code in {"account_invalid", "403"}


class NoEvent(Exception):
    """The webhook was signed with one of our secrets, and what it says is no event of Stripe's."""


class BadSignature(Exception):
    """The webhook was not signed with one of our secrets, or longer than five minutes ago."""


@dataclass(frozen=True, kw_only=True)
class AccountState:
    id: str
    country: str
    details_submitted: bool
    charges_enabled: bool
    payouts_enabled: bool
    currently_due: list[str]
    disabled_reason: str | None
    capabilities: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class PaymentState:
    """Money that arrived: `amount` in ISO 4217 minor units."""

    payment_intent: str
    charge: str | None
    amount: int
    currency: str
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class CheckoutPage:
    """A Checkout page: `status` open, complete or expired; `payment` once it is paid.

    A complete one may still wait for the bank; `refused`: it did, and the bank takes no payment of it any more.
    """

    id: str
    status: str
    url: str | None
    expires_at: datetime
    payment: PaymentState | None
    refused: bool
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RefundState:
    id: str
    created_at: datetime
    status: str
    amount: int
    currency: str
    payment_intent: str | None
    charge: str | None
    pending_reason: str | None
    failure_reason: str | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class DisputeState:
    id: str
    created_at: datetime
    status: str
    amount: int
    currency: str
    payment_intent: str | None
    charge: str

    @property
    def won(self) -> bool:
        return self.status in {"won", "warning_closed", "prevented"}

    @property
    def withdrawn(self) -> bool:
        """Whether the bank took the money: an early warning (inquiry) does not."""
        return not self.status.startswith("warning_") and not self.won


@dataclass(frozen=True, kw_only=True)
class ChargeState:
    """A charge that went through: `amount` arrived, `refunded` of it went back or is on its way, in ISO 4217 minor units."""

    id: str
    payment_intent: str | None
    amount: int
    refunded: int
    currency: str
    disputed: bool
    created_at: datetime
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class StripeEvent:
    """A webhook: what it is about, and on which account (None: the platform's own).

    `status`, `pending_reason` and `metadata` are the object's when it happened, `refunded` what had gone back of a charge by then.
    """

    id: str
    type: str
    account: str | None
    object_id: str | None
    status: str | None
    pending_reason: str | None
    refunded: int | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class NewCheckout:
    """What a Checkout page is to ask for: `amount` minor units, `fee` of which go to the platform."""

    stripe_account: str
    model: ChargeModel
    amount: int
    fee: int
    currency: str
    label: str
    email: str | None
    locale: str
    return_url: str
    expires_at: datetime
    metadata: dict[str, str]
    key: str


@dataclass(frozen=True, kw_only=True)
class NewRefund:
    stripe_account: str
    model: ChargeModel
    payment_intent: str | None
    charge: str | None = None
    """Named where the charge has no intent"""
    amount: int
    currency: str
    return_fee: bool
    metadata: dict[str, str]
    key: str


class StripeGateway:
    """Stripe's API with one key; threads may share it, each keeps its own connections open."""

    def __init__(
        self, *, secret_key: str, api_base: str | None, webhook_secrets: Sequence[str], timeout_seconds: float = 10.0
    ) -> None:
        self._webhook_secrets = tuple(webhook_secrets)
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base} if api_base else None,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=(_CONNECT_SECONDS, timeout_seconds)),
        )

    # --- connected accounts -------------------------------------------------------------------------------------

    def create_account(
        self, *, email: str, country: str, dashboard: Dashboard, metadata: dict[str, str], key: str
    ) -> AccountState:
        """A connected account for a provider who does not exist at Stripe yet."""
        express = dashboard is Dashboard.EXPRESS
        # Stripe has given up account types. Who may lose money is told by `controller`; losses with the platform demand fees with it, too.
        controller = {
            "stripe_dashboard": {"type": dashboard.value},
            "fees": {"payer": "application" if express else "account"},
            "losses": {"payments": "application" if express else "stripe"},
            "requirement_collection": "stripe",
        }
        params = {
            "country": country,
            "email": email,
            "controller": controller,
            "capabilities": {"card_payments": {"requested": True}, "transfers": {"requested": True}},
            "metadata": metadata,
        }
        with _errors_sorted():
            return _account(self._client.v1.accounts.create(_as_params(params), {"idempotency_key": key}))

    def find_account(self, *, since: datetime, country: str, metadata: Mapping[str, str]) -> AccountState | None:
        """The account with this metadata made in `country` since then, after an answer that never came."""
        with _errors_sorted():
            found = self._client.v1.accounts.list(_as_params(_made_since(since)))
            mine = (each for each in found.auto_paging_iter() if _metadata(each) == metadata)
            return next((_account(each) for each in mine if each.country == country), None)

    def account(self, stripe_account: str) -> AccountState:
        with _errors_sorted():
            return _account(self._client.v1.accounts.retrieve(stripe_account))

    def onboarding_link(self, stripe_account: str, *, return_url: str, refresh_url: str) -> str:
        """Where the provider goes on with onboarding; good once, and for some minutes."""
        params = {
            "account": stripe_account,
            "type": "account_onboarding",
            "return_url": return_url,
            "refresh_url": refresh_url,
        }
        with _errors_sorted():
            return self._client.v1.account_links.create(_as_params(params)).url

    # --- payment ------------------------------------------------------------------------------------------------

    def create_checkout(self, wanted: NewCheckout) -> CheckoutPage:
        intent: dict[str, Any] = {"metadata": wanted.metadata}
        if wanted.fee:
            intent["application_fee_amount"] = to_stripe(wanted.fee, wanted.currency)
        if wanted.model is ChargeModel.DESTINATION:
            intent |= {"transfer_data": {"destination": wanted.stripe_account}, "on_behalf_of": wanted.stripe_account}
        params: dict[str, Any] = {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": wanted.currency.lower(),
                        "unit_amount": to_stripe(wanted.amount, wanted.currency),
                        "product_data": {"name": wanted.label},
                    },
                }
            ],
            "payment_intent_data": intent,
            "metadata": wanted.metadata,
            "client_reference_id": wanted.metadata["timeblu_deposit"],
            "success_url": wanted.return_url,
            "cancel_url": wanted.return_url,
            "expires_at": int(wanted.expires_at.timestamp()),
            "locale": wanted.locale,
        }
        if wanted.email:
            params["customer_email"] = wanted.email
        options = _on(wanted.stripe_account, wanted.model) | {"idempotency_key": wanted.key}
        with _errors_sorted():
            return self._page(self._client.v1.checkout.sessions.create(_as_params(params), _as_params(options)))

    def find_checkout(self, wanted: NewCheckout, *, since: datetime) -> CheckoutPage | None:
        """The page with this metadata made since then, after an answer that never came."""
        options = _as_params(_on(wanted.stripe_account, wanted.model))
        with _errors_sorted():
            found = self._client.v1.checkout.sessions.list(_as_params(_made_since(since)), options)
            return next(
                (self._page(each) for each in found.auto_paging_iter() if _metadata(each) == wanted.metadata), None
            )

    def checkout(self, stripe_account: str, model: ChargeModel, session: str) -> CheckoutPage:
        with _errors_sorted():
            return self._page(
                self._client.v1.checkout.sessions.retrieve(
                    session, {"expand": ["payment_intent.latest_charge"]}, _as_params(_on(stripe_account, model))
                )
            )

    def end_checkout(self, stripe_account: str, model: ChargeModel, session: str) -> CheckoutPage:
        """End an open page; one that is complete or expired stays as it is, and is what comes back."""
        try:
            with _errors_sorted():
                self._client.v1.checkout.sessions.expire(session, None, _as_params(_on(stripe_account, model)))
        except StripeRefused as refused:
            log.info("the Checkout page %s was not open any more: %s", session, refused.code)
        return self.checkout(stripe_account, model, session)

    # --- refunds ------------------------------------------------------------------------------------------------

    def create_refund(self, wanted: NewRefund) -> RefundState:
        params: dict[str, Any] = {
            "payment_intent" if wanted.payment_intent else "charge": wanted.payment_intent or wanted.charge,
            "amount": to_stripe(wanted.amount, wanted.currency),
            "metadata": wanted.metadata,
        }
        if wanted.model is ChargeModel.DESTINATION:
            params["reverse_transfer"] = True
        if wanted.return_fee:
            params["refund_application_fee"] = True
        options = _on(wanted.stripe_account, wanted.model) | {"idempotency_key": wanted.key}
        with _errors_sorted():
            return _refund(self._client.v1.refunds.create(_as_params(params), _as_params(options)))

    def refund(self, stripe_account: str, model: ChargeModel, refund: str) -> RefundState:
        with _errors_sorted():
            return _refund(self._client.v1.refunds.retrieve(refund, None, _as_params(_on(stripe_account, model))))

    def refunds_of(
        self, stripe_account: str, model: ChargeModel, *, payment_intent: str | None = None, charge: str | None = None
    ) -> list[RefundState]:
        """All refunds of one payment, whoever made them."""
        params = {"limit": 100, **({"payment_intent": payment_intent} if payment_intent else {"charge": charge})}
        with _errors_sorted():
            found = self._client.v1.refunds.list(_as_params(params), _as_params(_on(stripe_account, model)))
            return [_refund(each) for each in found.auto_paging_iter()]

    def dispute(self, stripe_account: str, model: ChargeModel, dispute: str) -> DisputeState:
        with _errors_sorted():
            found = self._client.v1.disputes.retrieve(dispute, None, _as_params(_on(stripe_account, model)))
        return _dispute(found)

    # --- lists of a period, for comparing -----------------------------------------------------------------------

    def charges(
        self, stripe_account: str, model: ChargeModel, *, since: datetime, until: datetime
    ) -> Iterator[list[ChargeState]]:
        """What was charged from `since` until before `until`, newest first, a page at a time."""
        yield from self._pages(
            self._client.v1.charges.list, _charge, _made_between(since, until), _on(stripe_account, model)
        )

    def refunds(
        self, stripe_account: str, model: ChargeModel, *, since: datetime, until: datetime
    ) -> Iterator[list[RefundState]]:
        """What was refunded from `since` until before `until`, whoever did it, newest first, a page at a time."""
        yield from self._pages(
            self._client.v1.refunds.list, _refund, _made_between(since, until), _on(stripe_account, model)
        )

    def disputes(
        self, stripe_account: str, model: ChargeModel, *, since: datetime, until: datetime
    ) -> Iterator[list[DisputeState]]:
        """What was disputed from `since` until before `until`, newest first, a page at a time."""
        yield from self._pages(
            self._client.v1.disputes.list, _dispute, _made_between(since, until), _on(stripe_account, model)
        )

    def charge_of(self, stripe_account: str, model: ChargeModel, payment_intent: str) -> ChargeState | None:
        """The charge by which this payment went through; None where there is none."""
        params = {"payment_intent": payment_intent, "limit": 100}
        found = self._pages(self._client.v1.charges.list, _charge, params, _on(stripe_account, model))
        return next((each for page in found for each in page), None)

    def disputes_of(self, stripe_account: str, model: ChargeModel, payment_intent: str) -> list[DisputeState]:
        params = {"payment_intent": payment_intent, "limit": 100}
        found = self._pages(self._client.v1.disputes.list, _dispute, params, _on(stripe_account, model))
        return [each for page in found for each in page]

    @staticmethod
    def _pages(
        ask: Callable[..., Any], read: Callable[[Any], Any], params: dict[str, Any], options: dict[str, Any]
    ) -> Iterator[list[Any]]:
        """Page after page of a list, so that any number fits into memory; what `read` takes for nothing is left out."""
        after: dict[str, str] = {}
        while True:
            with _errors_sorted():
                page = ask(_as_params({**params, **after}), _as_params(options))
            yield [value for each in page.data if (value := read(each)) is not None]
            if not page.has_more or not page.data:
                return
            after = {"starting_after": page.data[-1].id}

    # --- webhooks -----------------------------------------------------------------------------------------------

    def event(self, body: bytes, signature: str | None) -> StripeEvent:
        """The event that Stripe signed with one of our secrets (several while one is being changed), by the real clock.

        Raises:
            BadSignature: it is forged, altered or too old.
            NoEvent: it is signed, and is no event.
        """
        if not any(self._signed(body, signature, secret) for secret in self._webhook_secrets):
            raise BadSignature
        return read_event(body)

    @staticmethod
    def _signed(body: bytes, signature: str | None, secret: str) -> bool:
        try:
            stripe.WebhookSignature.verify_header(body, signature, secret, _WEBHOOK_AGE_SECONDS)
        except (stripe.SignatureVerificationError, ValueError, TypeError):
            # Signatures that are not ASCII cannot even be compared.
            return False
        return True

    @staticmethod
    def _page(session: Any) -> CheckoutPage:
        return CheckoutPage(
            id=session.id,
            status=session.status,
            url=session.url,
            expires_at=_moment(session.expires_at),
            payment=_payment(session.payment_intent) if session.payment_status == "paid" else None,
            refused=session.status == "complete" and _refused(session.payment_intent),
            metadata=_metadata(session),
        )


def read_event(body: bytes | str) -> StripeEvent:
    """What a webhook says.

    Raises:
        NoEvent: it says nothing of the kind.
    """
    try:
        event = json.loads(body)
        subject = event["data"]["object"]
        refunded = subject.get("amount_refunded")
        return StripeEvent(
            id=str(event["id"]),
            type=str(event["type"]),
            account=event.get("account"),
            object_id=subject.get("id"),
            status=subject.get("status"),
            pending_reason=subject.get("pending_reason"),
            refunded=None if refunded is None else from_stripe(refunded, subject["currency"].upper()),
            metadata=subject.get("metadata") or {},
        )
    except (ValueError, TypeError, KeyError, AttributeError) as malformed:
        raise NoEvent from malformed


def to_stripe(amount: int, currency: str) -> int:
    """Minor units of ISO 4217 as Stripe counts them."""
    if currency in _TWO_DECIMALS_AT_STRIPE:
        return amount * 100
    return amount // 100 if currency in _NO_DECIMALS_AT_STRIPE else amount


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's amount as ISO 4217 minor units."""
    if currency in _TWO_DECIMALS_AT_STRIPE:
        return amount // 100
    return amount * 100 if currency in _NO_DECIMALS_AT_STRIPE else amount


def _as_params(values: dict[str, Any]) -> Any:
    """The SDK's parameter types name every field of Stripe's API; what we send is checked by Stripe itself."""
    return values


def _on(stripe_account: str, model: ChargeModel) -> dict[str, Any]:
    """A direct charge lives on the provider's account, a destination charge on the platform's."""
    return {"stripe_account": stripe_account} if model is ChargeModel.DIRECT else {}


def _made_since(moment: datetime) -> dict[str, Any]:
    """Parameters of a list of what was made since then, or just before: Stripe's clock may be behind ours."""
    return {"limit": 100, "created": {"gte": int((moment - _CLOCKS_APART).timestamp())}}


def _made_between(since: datetime, until: datetime) -> dict[str, Any]:
    return {"limit": 100, "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())}}


@contextmanager
def _errors_sorted() -> Iterator[None]:
    """The SDK's errors by what may be done about them; their texts hold no key and no card."""
    try:
        yield
    except stripe.RateLimitError as error:
        raise StripeBusy("rate limit") from error
    except stripe.APIConnectionError as error:
        if _never_sent(error):
            raise StripeBusy("no connection") from error
        raise StripeUnsure("the connection was lost or no answer came in time") from error
    except stripe.AuthenticationError as error:
        log.error("Stripe does not take our key")
        raise StripeBusy("Stripe does not take the platform's key") from error
    except stripe.StripeError as error:
        status = error.http_status or 0
        if status == 409 or error.code in {"idempotency_key_in_use", "lock_timeout"}:
            raise StripeInFlight("another request is at it") from error
        if isinstance(error, stripe.IdempotencyError):
            # What we say of a client or an account may have changed since the key was used first.
            raise StripeUnsure("the key was used with other parameters", spoilt=True) from error
        if status >= 500 or status == 0:
            raise StripeUnsure(f"Stripe answered {status}", spoilt=True) from error
        raise StripeRefused(error.code or str(status), error.user_message or "Stripe refused it") from error


def _never_sent(error: stripe.APIConnectionError) -> bool:
    cause = error.__cause__
    if isinstance(cause, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError):
        return True
    reason = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _account(account: Any) -> AccountState:
    requirements = account.requirements
    return AccountState(
        id=account.id,
        country=account.country,
        details_submitted=bool(account.details_submitted),
        charges_enabled=bool(account.charges_enabled),
        payouts_enabled=bool(account.payouts_enabled),
        currently_due=sorted({*(requirements.currently_due or []), *(requirements.past_due or [])})
        if requirements
        else [],
        disabled_reason=requirements.disabled_reason if requirements else None,
        capabilities=dict(account.capabilities.to_dict()) if account.capabilities else {},
    )


def _charge(charge: Any) -> ChargeState | None:
    """None for one that did not go through."""
    if not charge.paid:
        return None
    currency = charge.currency.upper()
    return ChargeState(
        id=charge.id,
        payment_intent=_id(charge.payment_intent),
        amount=from_stripe(charge.amount_captured, currency),
        refunded=from_stripe(charge.amount_refunded, currency),
        currency=currency,
        disputed=bool(charge.disputed),
        created_at=_moment(charge.created),
        metadata=_metadata(charge),
    )


def _dispute(found: Any) -> DisputeState:
    currency = found.currency.upper()
    return DisputeState(
        id=found.id,
        created_at=_moment(found.created),
        status=found.status,
        amount=from_stripe(found.amount, currency),
        currency=currency,
        payment_intent=_id(found.payment_intent),
        charge=_id(found.charge) or "",
    )


def _payment(intent: Any) -> PaymentState | None:
    """The payment of an expanded intent; None where only its id came."""
    if intent is None or isinstance(intent, str):
        return None
    charge = intent.latest_charge
    currency = intent.currency.upper()
    return PaymentState(
        payment_intent=intent.id,
        charge=_id(charge),
        amount=from_stripe(intent.amount_received, currency),
        currency=currency,
        received_at=_moment(intent.created if charge is None or isinstance(charge, str) else charge.created),
    )


def _refused(intent: Any) -> bool:
    """Whether an expanded intent waits for another way to pay, or for none. Source: docs.stripe.com/payments/paymentintents/lifecycle."""
    expanded = intent is not None and not isinstance(intent, str)
    return expanded and intent.status in {"requires_payment_method", "canceled"}


def _refund(refund: Any) -> RefundState:
    currency = refund.currency.upper()
    return RefundState(
        id=refund.id,
        created_at=_moment(refund.created),
        status=refund.status or "pending",
        amount=from_stripe(refund.amount, currency),
        currency=currency,
        payment_intent=_id(refund.payment_intent),
        charge=_id(refund.charge),
        pending_reason=refund.pending_reason if "pending_reason" in refund else None,
        failure_reason=refund.failure_reason if "failure_reason" in refund else None,
        metadata=_metadata(refund),
    )


def _metadata(thing: Any) -> dict[str, str]:
    return dict(thing.metadata.to_dict()) if thing.metadata else {}


def _id(thing: Any) -> str | None:
    return thing if thing is None or isinstance(thing, str) else str(thing.id)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
