"""What a deposit comes to, what may change it, and how payments' word is taken over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import Money
from contracts.sessions import DepositStatus
from scheduling.domain.deposits import (
    DepositTerms,
    SessionDeposit,
    TermsRefused,
    asked_anew,
    check_terms,
    complete_terms,
    stripe_minimum,
    taken_over,
)

EUR80 = Money(amount=8000, currency="EUR")
REQUIRED = SessionDeposit.asked(Money(amount=2000, currency="EUR"), included=True)
PAID = replace(REQUIRED, id="dep_1", status=DepositStatus.PAID, held_amount=2000, due_amount=0)


@pytest.mark.parametrize(
    ("terms", "price", "expected"),
    [
        (DepositTerms(percent=25), EUR80, 2000),
        (DepositTerms(percent=33), Money(amount=9999, currency="EUR"), 3300),
        (DepositTerms(fixed=3000), EUR80, 3000),
        (DepositTerms(fixed=3000), None, 3000),
        (DepositTerms(fixed=3000), Money(amount=1000, currency="EUR"), 1000),
        (DepositTerms(fixed=3000), Money(amount=1005, currency="KWD"), 1000),
        (DepositTerms(fixed=3000), Money(amount=0, currency="EUR"), None),
        (DepositTerms(percent=25), None, None),
        (DepositTerms(percent=1), Money(amount=4900, currency="EUR"), None),
        (DepositTerms(percent=25), Money(amount=12345, currency="KWD"), 3090),
        (DepositTerms(percent=50), Money(amount=101, currency="JPY"), 50),
    ],
)
def test_a_deposit_comes_to_its_share_of_the_price(
    terms: DepositTerms, price: Money | None, expected: int | None
) -> None:
    money = terms.of(price, "EUR")
    assert (money and money.amount) == expected


@pytest.mark.parametrize(
    ("terms", "price", "path"),
    [
        (DepositTerms(fixed=49), EUR80, "/deposit/amount"),
        (DepositTerms(fixed=9000), EUR80, "/deposit/amount"),
        (DepositTerms(percent=25), None, "/deposit/percent"),
        (DepositTerms(percent=1), Money(amount=4000, currency="EUR"), "/deposit/percent"),
        (DepositTerms(fixed=1001), Money(amount=5000, currency="KWD"), "/deposit/amount"),
        (DepositTerms(fixed=29), Money(amount=5000, currency="GBP"), "/deposit/amount"),
        (DepositTerms(fixed=490), Money(amount=5000, currency="KWD"), "/deposit/amount"),
        (DepositTerms(fixed=49), Money(amount=5000, currency="ISK"), "/deposit/amount"),
        (DepositTerms(fixed=49), Money(amount=5000, currency="UGX"), "/deposit/amount"),
        (DepositTerms(percent=1), Money(amount=4900, currency="KRW"), "/deposit/percent"),
    ],
)
def test_terms_that_could_not_be_charged_are_refused(terms: DepositTerms, price: Money | None, path: str) -> None:
    with pytest.raises(TermsRefused) as refused:
        check_terms(terms, price, "EUR")
    assert refused.value.path == path


@given(st.integers(1, 100), st.integers(0, 10**7), st.sampled_from(["EUR", "JPY", "KWD", "HUF", "XOF"]))
def test_a_deposit_is_never_more_than_the_price_nor_less_than_can_be_charged(
    percent: int, amount: int, currency: str
) -> None:
    money = DepositTerms(percent=percent).of(Money(amount=amount, currency=currency), currency)
    assert money is None or stripe_minimum(currency) <= money.amount <= amount + 5


def test_a_patch_that_changes_the_type_drops_the_other_types_number() -> None:
    patch = {"type": "percent", "percent": 25}
    assert complete_terms({"type": "fixed", "amount": 2000} | patch, patch) == {"type": "percent", "percent": 25}


def test_writing_both_numbers_is_refused() -> None:
    both = {"type": "percent", "percent": 25, "amount": 100}
    with pytest.raises(TermsRefused):
        complete_terms(both, both)


def test_below_the_plan_a_deposit_is_not_asked_and_says_why() -> None:
    deposit = SessionDeposit.asked(Money(amount=2000, currency="EUR"), included=False)
    assert (deposit.status, deposit.reason, deposit.amount, deposit.due_amount) == (
        DepositStatus.NOT_ASKED,
        "plan",
        2000,
        0,
    )


@pytest.mark.parametrize(
    "status", [DepositStatus.PAID, DepositStatus.KEPT, DepositStatus.REFUND_PENDING, DepositStatus.DISPUTED]
)
def test_another_price_leaves_money_that_was_paid_alone(status: DepositStatus) -> None:
    deposit = replace(PAID, status=status)
    assert asked_anew(deposit, Money(amount=4000, currency="EUR"), included=True) == deposit
    assert asked_anew(deposit, None, included=True) == deposit


def test_another_price_changes_what_is_asked_while_nothing_was_paid() -> None:
    deposit = asked_anew(replace(REQUIRED, id="dep_1"), Money(amount=4000, currency="EUR"), included=True)
    assert deposit is not None
    assert (deposit.id, deposit.amount, deposit.due_amount) == ("dep_1", 4000, 4000)
    assert asked_anew(REQUIRED, None, included=True) is None


def test_what_is_asked_stays_schedulings_word_until_payments_has_taken_it_up() -> None:
    asked = replace(REQUIRED, id="dep_1", amount=4000, due_amount=4000)
    told = replace(REQUIRED, id="dep_1")
    deposit = taken_over(asked, told, awaits_refund=False)
    assert deposit is not None
    assert (deposit.amount, deposit.due_amount) == (4000, 4000)


def test_while_a_refund_is_awaited_paid_does_not_open_the_way_to_a_restore() -> None:
    deposit = taken_over(PAID.refunding(), PAID, awaits_refund=True)
    assert deposit is not None
    assert deposit.status is DepositStatus.REFUND_PENDING


def test_once_payments_has_answered_its_word_counts() -> None:
    assert taken_over(PAID.refunding(), PAID, awaits_refund=False) == PAID


@pytest.mark.parametrize(
    ("status", "held", "expected"),
    [
        (DepositStatus.PAID, 2000, True),
        (DepositStatus.PAID, 0, True),  # in cash
        (DepositStatus.KEPT, 2000, True),  # after a restore it counts as paid
        (DepositStatus.REQUIRED, 1000, True),  # what is missing since a restore is due, the rest is held
        (DepositStatus.REQUIRED, 0, False),
        (DepositStatus.REFUNDED, 0, False),
        (DepositStatus.DISPUTED, 2000, False),
        (DepositStatus.REFUND_PENDING, 2000, True),  # by hand, perhaps of a part
    ],
)
def test_a_cancellation_needs_a_decision_where_money_is_held(status: DepositStatus, held: int, expected: bool) -> None:
    assert replace(PAID, status=status, held_amount=held).holds_money is expected
