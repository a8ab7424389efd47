"""The refund policy as pure arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.money import CURRENCIES, decimals, smallest_step
from payments.domain.policy import NoSuchPolicy, RefundPolicy, Tier, refund_amount
from payments.gateways.stripe import from_stripe, to_stripe

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
USUAL = RefundPolicy(
    tiers=(
        Tier(hours_before=48, percentage=100),
        Tier(hours_before=24, percentage=50),
        Tier(hours_before=0, percentage=0),
    )
)
HOUR = timedelta(hours=1)


def _percentage(policy: RefundPolicy, before: timedelta, by: str = "client") -> int:
    return policy.share(starts_at=START, at=START - before, by=by).percentage


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (72 * HOUR, 100),
        (48 * HOUR, 100),
        (48 * HOUR - timedelta(seconds=1), 50),
        (24 * HOUR, 50),
        (24 * HOUR - timedelta(microseconds=1), 0),
        (timedelta(0), 0),
    ],
)
def test_a_tier_includes_its_own_hour(before: timedelta, expected: int) -> None:
    assert _percentage(USUAL, before) == expected


def test_below_the_last_tier_nothing_comes_back() -> None:
    assert _percentage(RefundPolicy(tiers=(Tier(hours_before=24, percentage=80),)), 23 * HOUR) == 0


@pytest.mark.parametrize(
    "policy", [RefundPolicy(percentage=100), USUAL, RefundPolicy(percentage=10, provider_percentage=100)]
)
@pytest.mark.parametrize("by", ["client", "provider"])
def test_once_it_has_begun_nothing_comes_back(policy: RefundPolicy, by: str) -> None:
    assert _percentage(policy, -timedelta(seconds=1), by) == 0


def test_a_single_percentage_counts_until_the_very_start() -> None:
    assert _percentage(RefundPolicy(percentage=70), timedelta(0)) == 70


def test_hours_are_elapsed_time_across_the_end_of_summer_time() -> None:
    # In Berlin the night before this start had 25 hours; 24 elapsed hours are 10 o'clock on the wall.
    start = datetime(2026, 10, 25, 8, tzinfo=UTC)
    cancelled_at = datetime(2026, 10, 24, 8, tzinfo=UTC)
    assert USUAL.share(starts_at=start, at=cancelled_at, by="client").percentage == 50


def test_what_changes_is_told_with_its_moment() -> None:
    changes = USUAL.changes(starts_at=START, after=START - 72 * HOUR, by="client")
    assert [(change.at, change.percentage) for change in changes] == [(START - 48 * HOUR, 50), (START - 24 * HOUR, 0)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"percentage": 50, "tiers": (Tier(hours_before=1, percentage=50),)},
        {},
        {"tiers": (Tier(hours_before=24, percentage=50), Tier(hours_before=24, percentage=40))},
        {"tiers": (Tier(hours_before=48, percentage=50), Tier(hours_before=24, percentage=60))},
    ],
)
def test_a_policy_that_contradicts_itself_is_none(wrong: dict[str, object]) -> None:
    with pytest.raises(NoSuchPolicy):
        RefundPolicy(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("paid", "percentage", "currency", "expected"),
    [
        (2001, 50, "EUR", 1000),
        (2003, 50, "EUR", 1002),
        (1015, 50, "JPY", 508),
        (1050, 50, "KWD", 520),
        (1070, 50, "KWD", 540),
    ],
)
def test_rounding_is_half_even_once_to_the_smallest_step(
    paid: int, percentage: int, currency: str, expected: int
) -> None:
    assert refund_amount(paid=paid, gone_back=0, percentage=percentage, currency=currency) == expected


percentages = st.integers(0, 100)
amounts = st.integers(0, 99_999_999)
currencies = st.sampled_from(sorted(CURRENCIES))


@st.composite
def policies(draw: st.DrawFn) -> RefundPolicy:
    provider = draw(st.none() | percentages)
    if draw(st.booleans()):
        return RefundPolicy(percentage=draw(percentages), provider_percentage=provider)
    hours = draw(st.lists(st.integers(0, 500), min_size=1, max_size=5, unique=True))
    falling = sorted(draw(st.lists(percentages, min_size=len(hours), max_size=len(hours))))
    tiers = tuple(Tier(hours_before=h, percentage=p) for h, p in zip(sorted(hours), falling, strict=True))
    return RefundPolicy(tiers=tiers, provider_percentage=provider)


@given(policies(), st.integers(-10, 1000), st.integers(0, 1000), st.sampled_from(["client", "provider"]))
def test_nearer_to_the_start_never_more_comes_back(policy: RefundPolicy, hours: int, later: int, by: str) -> None:
    assert _percentage(policy, (hours - later) * HOUR, by) <= _percentage(policy, hours * HOUR, by)


@given(amounts, percentages, currencies)
def test_a_refund_lies_between_nothing_and_what_was_paid(paid: int, percentage: int, currency: str) -> None:
    paid -= paid % smallest_step(currency)
    amount = refund_amount(paid=paid, gone_back=0, percentage=percentage, currency=currency)
    assert 0 <= amount <= paid
    assert amount % smallest_step(currency) == 0
    assert abs(amount - paid * percentage / 100) <= smallest_step(currency) / 2


@given(amounts, st.lists(percentages, max_size=6), currencies)
def test_refunds_one_after_another_never_exceed_the_whole(paid: int, shares: list[int], currency: str) -> None:
    gone = 0
    for share in shares:
        gone += refund_amount(paid=paid, gone_back=gone, percentage=share, currency=currency)
    assert gone <= paid


@given(policies())
def test_a_policy_survives_being_kept(policy: RefundPolicy) -> None:
    assert RefundPolicy.from_data(policy.as_data()) == policy


@given(policies(), st.integers(0, 1000))
def test_the_changes_told_are_the_changes_that_happen(policy: RefundPolicy, hours: int) -> None:
    after = START - hours * HOUR
    for change in policy.changes(starts_at=START, after=after, by="client"):
        assert policy.share(starts_at=START, at=change.at, by="client").percentage != change.percentage
        just_after = policy.share(starts_at=START, at=change.at + timedelta(microseconds=1), by="client")
        assert just_after.percentage == change.percentage


@pytest.mark.parametrize("currency", sorted(CURRENCIES))
@given(paid=amounts, hours=st.integers(0, 600), policy=policies())
@settings(max_examples=15)
def test_in_every_currency_refunds_in_parts_stay_within_what_was_paid_and_reach_stripe_unrounded(
    currency: str, paid: int, hours: int, policy: RefundPolicy
) -> None:
    paid -= paid % smallest_step(currency)
    gone = 0
    for left in range(hours, -1, -200):
        percentage = _percentage(policy, left * HOUR)
        part = refund_amount(paid=paid, gone_back=gone, percentage=percentage, currency=currency)
        assert part % smallest_step(currency) == 0
        assert from_stripe(to_stripe(part, currency), currency) == part
        gone += part
        assert gone <= paid


@pytest.mark.parametrize("currency", sorted(CURRENCIES))
def test_stripe_is_told_ten_units_of_every_currency_in_the_decimals_that_it_expects(currency: str) -> None:
    """Source: docs.stripe.com/currencies: zero-decimal currencies as they are, ISK and UGX as if they had two, others in minor units."""
    zero = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()
    three = "BHD IQD JOD KWD LYD OMR TND".split()
    places = 0 if currency in zero else 3 if currency in three else 2
    assert to_stripe(10 * 10 ** decimals(currency), currency) == 10 * 10**places
