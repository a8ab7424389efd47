"""The ways in which money can be charged and accounts be made at Stripe."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from contracts.money import percentage_of


class ChargeModel(StrEnum):
    """Whose charge it is: the provider's own (`direct`), or the platform's, passed on (`destination`)."""

    DIRECT = "direct"
    DESTINATION = "destination"


class Dashboard(StrEnum):
    """The provider's access to Stripe, which decides who bears losses and Stripe's fees (see the README)."""

    EXPRESS = "express"
    FULL = "full"


def application_fee(amount: int, percent: Decimal, currency: str) -> int:
    """The platform's share of a charge of `amount` minor units, always less than the whole."""
    return min(percentage_of(amount, percent, currency), max(amount - 1, 0))
