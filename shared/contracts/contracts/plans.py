"""What each plan includes: one table that every service asks, so that no two of them disagree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Plan(StrEnum):
    FREE = "free"
    PRO = "pro"
    MAX = "max"


class Feature(StrEnum):
    EMAIL_REMINDER_24H = "email_reminder_24h"
    EMAIL_REMINDER_2H = "email_reminder_2h"
    SMS_REMINDER = "sms_reminder"
    ONLINE_BOOKING = "online_booking"
    AUTO_CONFIRMATION = "auto_confirmation"
    DEPOSITS = "deposits"
    RATES = "rates"


@dataclass(frozen=True, kw_only=True)
class PlanTerms:
    """What a plan allows; None is no limit."""

    features: frozenset[Feature]
    clients: int | None
    sessions_a_month: int | None  # counted by creation, in the account's month
    calendars: int | None


_FREE = frozenset({Feature.EMAIL_REMINDER_24H})
_PRO = _FREE | {Feature.EMAIL_REMINDER_2H, Feature.ONLINE_BOOKING, Feature.AUTO_CONFIRMATION, Feature.RATES}
_MAX = _PRO | {Feature.SMS_REMINDER, Feature.DEPOSITS}

PLANS: dict[Plan, PlanTerms] = {
    Plan.FREE: PlanTerms(features=_FREE, clients=20, sessions_a_month=15, calendars=1),
    Plan.PRO: PlanTerms(features=_PRO, clients=None, sessions_a_month=None, calendars=3),
    Plan.MAX: PlanTerms(features=_MAX, clients=None, sessions_a_month=None, calendars=None),
}


def includes(plan: str, feature: Feature) -> bool:
    """Whether `plan` includes `feature`."""
    return feature in PLANS[Plan(plan)].features
