"""Shares of money are right in every currency: rounded half-even once, in steps that a card can be charged, never too much."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import CURRENCIES, Money, decimals, percentage_of, smallest_step

_CURRENCY = st.sampled_from(sorted(CURRENCIES))
_AMOUNT = st.integers(0, 99_999_999_999)
_PERCENT = st.integers(0, 100) | st.decimals(0, 100, places=2)


def test_decimals_are_those_of_iso_4217() -> None:
    by_decimals = {digits: {code for code in CURRENCIES if decimals(code) == digits} for digits in (0, 2, 3)}

    assert by_decimals[0] == set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())
    assert by_decimals[3] == set("BHD IQD JOD KWD LYD OMR TND".split())
    assert by_decimals[2] == CURRENCIES - by_decimals[0] - by_decimals[3]
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CURRENCIES)


@pytest.mark.parametrize("currency", sorted(CURRENCIES))
def test_nothing_and_all_of_a_chargeable_amount_are_exact_in_every_currency(currency: str) -> None:
    amount = 1234 * smallest_step(currency)

    assert percentage_of(amount, 0, currency) == 0
    assert percentage_of(amount, 100, currency) == amount


@given(_AMOUNT, _PERCENT, _CURRENCY)
def test_a_share_can_be_charged_and_never_exceeds_the_whole(amount: int, percent: Decimal | int, currency: str) -> None:
    share = percentage_of(amount, percent, currency)

    assert share % smallest_step(currency) == 0
    assert 0 <= share <= amount


@given(_AMOUNT, _PERCENT, _CURRENCY)
def test_a_share_is_the_nearest_step_and_ties_go_to_the_even_one(
    amount: int, percent: Decimal | int, currency: str
) -> None:
    step = smallest_step(currency)
    steps = Fraction(amount) * Fraction(percent) / 100 / step

    assert (
        percentage_of(amount, percent, currency) == min(round(steps), amount // step) * step
    )  # Python rounds half to even


@given(_AMOUNT, _PERCENT, _PERCENT, _CURRENCY)
def test_a_greater_percentage_is_never_a_smaller_share(
    amount: int, one: Decimal | int, other: Decimal | int, currency: str
) -> None:
    less, more = sorted([one, other])

    assert percentage_of(amount, less, currency) <= percentage_of(amount, more, currency)


@pytest.mark.parametrize(
    ("amount", "percent", "currency", "share"),
    [
        (8000, 25, "EUR", 2000),
        (1, 50, "EUR", 0),
        (3, 50, "EUR", 2),
        (5, 50, "JPY", 2),
        (1500, 50, "KWD", 750),
        (1010, 50, "KWD", 500),
        (1030, 50, "KWD", 520),
        (1006, 100, "KWD", 1000),
        (999, Decimal("33.33"), "USD", 333),
    ],
)
def test_examples(amount: int, percent: Decimal | int, currency: str, share: int) -> None:
    assert percentage_of(amount, percent, currency) == share
    assert Money(amount=amount, currency=currency).percent(percent) == Money(amount=share, currency=currency)


@pytest.mark.parametrize(("amount", "percent"), [(100, 101), (100, -1), (-100, 50), (100, Decimal("100.01"))])
def test_what_is_no_share_of_money_is_refused(amount: int, percent: Decimal | int) -> None:
    with pytest.raises(ValueError, match="not a share"):
        percentage_of(amount, percent, "EUR")


@pytest.mark.parametrize("code", ["eur", "XXX", ""])
def test_money_without_a_currency_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(amount=1, currency=code)
