"""What a deposit comes to, how it stands on the session, and when cancelling it needs somebody's decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from contracts.money import Money, decimals, percentage_of, smallest_step
from contracts.sessions import DepositStatus

# The least that Stripe charges, in minor units. Source: Stripe, "Supported currencies", minimum charge amounts; where a
# currency is not listed there the least follows from the settlement currency's rate of the day, which nobody knows here:
# half a unit has to do, as with most that are listed, and fifty units where there are no smaller ones, as with the yen.
_STRIPE_MINIMUM = {
    "USD": 50, "AED": 200, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50, "GBP": 30,
    "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PLN": 200,
    "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000,
}  # fmt: skip


def stripe_minimum(currency: str) -> int:
    """The least that can be charged in `currency`, in minor units."""
    return _STRIPE_MINIMUM.get(currency, 500 if decimals(currency) == 3 else 50)


@dataclass(frozen=True, kw_only=True)
class DepositTerms:
    """What a session type asks: a `fixed` amount in minor units, or a `percent` (1 to 100) of the session's price."""

    fixed: int | None = None
    percent: int | None = None

    @classmethod
    def read(cls, terms: Mapping[str, Any] | None) -> DepositTerms | None:
        """From the form that the API shows: `{"type":"fixed","amount":2000}`, `{"type":"percent","percent":25}` or None."""
        if terms is None:
            return None
        return cls(fixed=terms["amount"]) if terms["type"] == "fixed" else cls(percent=terms["percent"])

    def of(self, price: Money | None, currency: str) -> Money | None:
        """What is asked for a session of `price`: never more than the price itself, None where Stripe could not charge it."""
        if price is not None:
            currency = price.currency
        if self.fixed is not None:
            step = smallest_step(currency)
            amount = self.fixed if price is None else min(self.fixed, price.amount // step * step)
        else:
            assert self.percent is not None
            amount = percentage_of(price.amount, self.percent, currency) if price else 0
        return Money(amount=amount, currency=currency) if amount >= stripe_minimum(currency) else None


class TermsRefused(ValueError):
    """A session type's deposit that could never be charged; `path` leads to what is wrong with it."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(text)
        self.path = path


def complete_terms(terms: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """The terms in the form that the API shows, without what the other type left behind; `said` is what the caller wrote.

    Raises:
        TermsRefused: the type or its number is missing, or the number of the other type was written.
    """
    if terms.get("type") is None:
        raise TermsRefused("/deposit/type", "Missing data for required field.")
    name, other = ("amount", "percent") if terms["type"] == "fixed" else ("percent", "amount")
    if terms.get(name) is None:
        raise TermsRefused(f"/deposit/{name}", f"A deposit of type {terms['type']} needs it.")
    if said.get(other) is not None:
        raise TermsRefused(f"/deposit/{other}", f"A deposit of type {terms['type']} has none.")
    return {"type": terms["type"], name: terms[name]}


def check_terms(terms: DepositTerms | None, price: Money | None, currency: str) -> None:
    """Refuse terms that no session of the type's own price could be asked.

    Raises:
        TermsRefused: a percentage of nothing, more than the price, an amount Stripe cannot charge exactly or at all.
    """
    if terms is None:
        return
    if terms.percent is not None and price is None:
        raise TermsRefused("/deposit/percent", "A percentage needs a price.")
    currency = price.currency if price else currency
    if terms.fixed is not None and terms.fixed % smallest_step(currency):
        raise TermsRefused("/deposit/amount", f"Amounts in {currency} go in steps of {smallest_step(currency)}.")
    if terms.fixed is not None and price is not None and terms.fixed > price.amount:
        raise TermsRefused("/deposit/amount", "A deposit is not more than the price.")
    if terms.of(price, currency) is None:
        least = stripe_minimum(currency)
        raise TermsRefused(
            "/deposit/amount" if terms.fixed is not None else "/deposit/percent",
            f"This comes to less than what can be charged: {least} minor units of {currency}.",
        )


@dataclass(frozen=True, kw_only=True)
class SessionDeposit:
    """A session's deposit: `amount` is what scheduling asks, the rest what payments told last; minor units of `currency`.

    `id` is None until payments has answered, `reason` says why one is `not_asked`.
    """

    id: str | None
    status: DepositStatus
    reason: str | None
    amount: int
    held_amount: int
    due_amount: int
    refunded_amount: int
    currency: str

    @classmethod
    def asked(cls, money: Money, *, included: bool) -> SessionDeposit:
        """A new one; where the plan does not include deposits it is not asked."""
        return cls(
            id=None,
            status=DepositStatus.REQUIRED if included else DepositStatus.NOT_ASKED,
            reason=None if included else "plan",
            amount=money.amount,
            held_amount=0,
            due_amount=money.amount if included else 0,
            refunded_amount=0,
            currency=money.currency,
        )

    @classmethod
    def read(cls, data: Mapping[str, Any] | None) -> SessionDeposit | None:
        """From what `as_data` made, or from an event's data, which knows more."""
        if data is None:
            return None
        known = {name: data[name] for name in cls.__dataclass_fields__}
        status = DepositStatus(data["status"])
        # Payments has reasons for other states too; on a session the reason is why a deposit is not asked.
        return cls(
            **known | {"status": status, "reason": data["reason"] if status is DepositStatus.NOT_ASKED else None}
        )

    def as_data(self) -> dict[str, Any]:
        """As the API and the events show it."""
        return {**asdict(self), "status": self.status.value}

    @property
    def holds_money(self) -> bool:
        """Whether a cancellation has to say what becomes of it. A lost or running dispute is not the provider's to decide.

        A refund by hand that is under way need not take all of it.
        """
        return self.status is DepositStatus.PAID or (self.held_amount > 0 and self.status is not DepositStatus.DISPUTED)

    @property
    def payable(self) -> bool:
        """Whether the client can pay something now."""
        return self.status is DepositStatus.REQUIRED and self.due_amount > 0

    def refund_under_way(self, *, awaited: bool) -> bool:
        """Whether a restore has to wait. `awaited`: payments has not answered the cancellation that wants the refund; what it
        tells before, such as the end of an earlier refund by hand, opens no way."""
        if self.status is DepositStatus.REFUND_PENDING:
            return True
        return awaited and self.status in _BEFORE_THE_ANSWER and self.held_amount > 0

    def refunding(self) -> SessionDeposit:
        """The same once its refund was decided: a restore waits until payments has answered."""
        return replace(self, status=DepositStatus.REFUND_PENDING)


# How a deposit may stand that holds money while payments has not heard of the decision to refund it.
_BEFORE_THE_ANSWER = {DepositStatus.PAID, DepositStatus.PARTIALLY_REFUNDED, DepositStatus.REFUND_FAILED}
# While nothing was paid, another price or type may change what is asked.
_OPEN = {DepositStatus.REQUIRED, DepositStatus.NOT_ASKED, DepositStatus.CANCELED}


def asked_anew(current: SessionDeposit | None, money: Money | None, *, included: bool) -> SessionDeposit | None:
    """The deposit once the session asks `money` instead: what is paid, kept or under way stays as it is."""
    if current is None:
        return SessionDeposit.asked(money, included=included) if money else None
    if current.status not in _OPEN or current.held_amount or current.refunded_amount:
        return current
    if money is None:
        return None
    if (money.amount, money.currency) == (current.amount, current.currency):
        return current
    if current.status is DepositStatus.NOT_ASKED:
        return replace(current, amount=money.amount, currency=money.currency)
    fresh = SessionDeposit.asked(money, included=included)
    return replace(fresh, id=current.id)


def asked_when_restored(current: SessionDeposit | None, money: Money | None) -> SessionDeposit | None:
    """The deposit of a cancelled session whose price asks `money` instead: nothing is asked of it now, a restore asks that."""
    deposit = asked_anew(current, money, included=True)
    if deposit is None or (current is not None and current.status is not DepositStatus.CANCELED):
        return deposit
    return replace(deposit, status=DepositStatus.CANCELED, due_amount=0)


def taken_over(current: SessionDeposit | None, told: SessionDeposit, *, awaits_refund: bool) -> SessionDeposit | None:
    """The session's deposit after payments `told` how it stands.

    What is asked stays scheduling's word until payments has taken it up, or money was paid. `awaits_refund`: a refund was
    decided and payments has not answered that yet; what it says of the time before must not open the way to a restore.
    """
    if awaits_refund and told.status is DepositStatus.PAID:
        told = told.refunding()
    if current is None:
        # The terms are gone (another type, another price); only money that came nevertheless is of interest.
        return told if told.held_amount or told.refunded_amount or told.status not in _OPEN else None
    asks = told.status in {DepositStatus.REQUIRED, DepositStatus.CANCELED}
    if not asks or (told.amount, told.currency) == (current.amount, current.currency):
        return told
    due = max(current.amount - told.held_amount, 0) if told.status is DepositStatus.REQUIRED else 0
    return replace(told, amount=current.amount, currency=current.currency, due_amount=due)
