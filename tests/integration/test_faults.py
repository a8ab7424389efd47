"""Whatever Stripe answers, each cancellation is refunded once."""

from __future__ import annotations

import pytest

from embedded.practice import Practice
from support.storm import expect_faults_make_no_second_refund
from support.suite import Deployment

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "fault", ["error_500", "error_500_after_processing", "rate_limit", "timeout", "drop_after_processing"]
)
def test_a_fault_of_stripe_still_makes_one_refund(deployment: Deployment, practice: Practice, fault: str) -> None:
    expect_faults_make_no_second_refund(deployment, practice, fault, sessions=3)
