"""Money as integer minor units of an ISO 4217 currency, because floats and bare numbers lose cents and currencies."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

# ISO 4217 list one (active codes), without funds, metals and test codes.
CURRENCIES = frozenset(
    """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP
    CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD
    IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
    MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
    SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG
    XOF XPF YER ZAR ZMW ZWG""".split()
)
_ZERO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())
_WHOLE_AT_STRIPE = frozenset({"MGA"})
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())


def decimals(currency: str) -> int:
    """Digits after the decimal point of `currency` (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD."""
    if currency in _ZERO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def smallest_step(currency: str) -> int:
    """The smallest amount, in minor units, by which a card charge can differ: 10 for three-decimal currencies, 100 for MGA, else 1.

    Source: Stripe, "Supported currencies": three-decimal amounts must end in 0, and the ariary goes as whole ones. (That ISK and UGX travel as two decimals
    is the payment gateway's affair: here one króna is one minor unit.)
    """
    if currency in _WHOLE_AT_STRIPE:
        return 100
    return 10 if currency in _THREE_DECIMALS else 1


def percentage_of(amount: int, percent: Decimal | int, currency: str) -> int:
    """`percent` (0–100) of `amount` minor units, rounded half-even once, to the currency's smallest step.

    It is never more than `amount`: where that is no multiple of the step, all of it is what fits.

    Raises:
        ValueError: `percent` is no percentage, or `amount` is negative.
    """
    if not 0 <= percent <= 100 or amount < 0:
        raise ValueError(f"{percent} % of {amount} is not a share of money")
    step = smallest_step(currency)
    steps = (Decimal(amount) * Decimal(percent) / (100 * step)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    return min(int(steps), amount // step) * step


@dataclass(frozen=True, kw_only=True, order=False)
class Money:
    """An amount in the minor units of `currency`: 8000 EUR is eighty euros, 8000 JPY eight thousand yen."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in CURRENCIES:
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency code")

    def percent(self, percent: Decimal | int) -> Money:
        """That share of it, rounded half-even once."""
        return Money(amount=percentage_of(self.amount, percent, self.currency), currency=self.currency)
