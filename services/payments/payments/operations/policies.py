"""The provider's settings: the refund policy, when an unpaid deposit is reminded of, and what the policy would mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from chassis.problems import Invalid, Stale, Unavailable
from payments.domain.policy import DEFAULT_POLICY, PROVIDER, NoSuchPolicy, RefundPolicy, refund_amount
from payments.operations.context import Payments
from payments.store.models import Account, Settings
from payments.store.queries import locked

DEFAULT_DUE_HOURS: Final = 72
_SIMULATED_HOURS: Final = (168, 72, 48, 24, 12, 1)
_CLIENT: Final = "client"


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """What one provider has set; version 0 are the defaults, which nobody has touched."""

    version: int
    policy: RefundPolicy
    deposit_due_hours: int

    def as_data(self) -> dict[str, Any]:
        return {"version": self.version, **self.policy.as_data(), "deposit_due_hours": self.deposit_due_hours}


def settings_of(account_id: str) -> ProviderSettings:
    """What stands for the account, the defaults where it has set nothing."""
    row = Settings.get_or_none(Settings.account_id == account_id)
    if row is None:
        return ProviderSettings(version=0, policy=DEFAULT_POLICY, deposit_due_hours=DEFAULT_DUE_HOURS)
    return ProviderSettings(
        version=row.version, policy=RefundPolicy.from_data(row.policy), deposit_due_hours=row.deposit_due_hours
    )


def policy_of(account_id: str) -> RefundPolicy:
    return settings_of(account_id).policy


def known_account(account_id: str) -> Account:
    """The account as scheduling told it.

    Raises:
        Unavailable: it was not told yet.
    """
    account: Account | None = Account.get_or_none(Account.id == account_id)
    if account is None:
        raise Unavailable("this account has not been heard of here yet")
    return account


def see_settings(context: Payments, account_id: str) -> dict[str, Any]:
    with context.store.reading():
        known_account(account_id)
        return settings_of(account_id).as_data()


def replace_settings(
    context: Payments, account_id: str, wanted: Mapping[str, Any], *, expected: int | None
) -> dict[str, Any]:
    """Replace all settings; deposits asked before keep the policy that stood then.

    Raises:
        Invalid: the policy contradicts itself.
        Stale: somebody else changed them since version `expected`.
    """
    policy = _policy(wanted)
    with context.store.transaction():
        known_account(account_id)
        row = locked(context.store, Settings.select().where(Settings.account_id == account_id)).first()
        if expected is not None and expected != (row.version if row else 0):
            raise Stale
        due_hours = wanted["deposit_due_hours"] if wanted["deposit_due_hours"] is not None else DEFAULT_DUE_HOURS
        values = {"policy": policy.as_data(), "deposit_due_hours": due_hours, "updated_at": context.now()}
        if row is None:
            Settings.insert(account_id=account_id, version=1, **values).on_conflict(
                conflict_target=[Settings.account_id], update={**values, Settings.version: Settings.version + 1}
            ).execute()
        else:
            Settings.update(version=row.version + 1, **values).where(Settings.account_id == account_id).execute()
        return settings_of(account_id).as_data()


def simulate(context: Payments, account_id: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What these settings would return of `amount` at usual distances from the start, to a client and to a provider who cancels.

    Raises:
        Invalid: the policy contradicts itself.
    """
    policy, amount = _policy(wanted), wanted["amount"]
    with context.store.reading():
        currency = known_account(account_id).currency
    starts_at = context.now()

    def outcome(hours: int, by: str) -> tuple[int, int]:
        share = policy.share(starts_at=starts_at, at=starts_at - timedelta(hours=hours), by=by)
        return share.percentage, refund_amount(paid=amount, gone_back=0, percentage=share.percentage, currency=currency)

    rows = []
    for hours in _SIMULATED_HOURS:
        percentage, back = outcome(hours, _CLIENT)
        provider_percentage, provider_back = outcome(hours, PROVIDER)
        rows.append(
            {
                "hours_before": hours,
                "percentage": percentage,
                "amount": back,
                "provider_percentage": provider_percentage,
                "provider_amount": provider_back,
            }
        )
    return {"amount": amount, "currency": currency, "data": rows}


def _policy(wanted: Mapping[str, Any]) -> RefundPolicy:
    """The policy that a caller's body tells; neither percentage nor tiers is the default."""
    given = dict(wanted)
    if given["refund_percentage"] is None and not given["refund_tiers"]:
        if given["refund_tiers"] is not None:
            raise Invalid.field("/refund_tiers", "Give at least one tier.")
        given["refund_percentage"] = DEFAULT_POLICY.percentage
    try:
        return RefundPolicy.from_data(given)
    except NoSuchPolicy as wrong:
        raise Invalid.field(f"/{wrong.field}", wrong.reason) from None
