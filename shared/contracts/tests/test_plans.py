"""The plan table says what the product's page says."""

from __future__ import annotations

import pytest

from contracts.plans import PLANS, Feature, Plan, includes


@pytest.mark.parametrize(
    ("feature", "plans"),
    [
        (Feature.EMAIL_REMINDER_24H, {"free", "pro", "max"}),
        (Feature.EMAIL_REMINDER_2H, {"pro", "max"}),
        (Feature.SMS_REMINDER, {"max"}),
        (Feature.ONLINE_BOOKING, {"pro", "max"}),
        (Feature.AUTO_CONFIRMATION, {"pro", "max"}),
        (Feature.RATES, {"pro", "max"}),
        (Feature.DEPOSITS, {"max"}),
    ],
)
def test_each_feature_is_in_its_plans(feature: Feature, plans: set[str]) -> None:
    assert {plan for plan in Plan if includes(plan, feature)} == plans


def test_every_feature_is_asked_above() -> None:
    assert len(Feature) == 7


@pytest.mark.parametrize(
    ("plan", "clients", "sessions_a_month", "calendars"),
    [("free", 20, 15, 1), ("pro", None, None, 3), ("max", None, None, None)],
)
def test_each_plan_has_its_limits(
    plan: str, clients: int | None, sessions_a_month: int | None, calendars: int | None
) -> None:
    terms = PLANS[Plan(plan)]

    assert (terms.clients, terms.sessions_a_month, terms.calendars) == (clients, sessions_a_month, calendars)


def test_an_unknown_plan_is_an_error_not_a_free_one() -> None:
    with pytest.raises(ValueError, match="gold"):
        includes("gold", Feature.DEPOSITS)
