"""How much of a deposit goes back: the provider's policy as arithmetic on elapsed time and minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from contracts.money import percentage_of

PROVIDER: Final = "provider"


class NoSuchPolicy(ValueError):
    """A policy that contradicts itself; `field` names where, in the words of the settings."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Tier:
    """`percentage` comes back when at least `hours_before` hours are left: the tier includes its own hour."""

    hours_before: int
    percentage: int

    def includes(self, left: timedelta) -> bool:
        return left >= timedelta(hours=self.hours_before)


@dataclass(frozen=True, kw_only=True)
class Share:
    """What a policy says of one moment; `tier` is the one that applied, None for a single percentage or none that fits."""

    percentage: int
    tier: Tier | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """From just after `at` on, only `percentage` comes back."""

    at: datetime
    percentage: int


@dataclass(frozen=True, kw_only=True)
class RefundPolicy:
    """One percentage, or tiers by hours before the start (furthest first); the provider's own cancellations may have another.

    Raises:
        NoSuchPolicy: both or neither are given, a tier comes twice, or more would come back nearer to the start.
    """

    percentage: int | None = None
    tiers: tuple[Tier, ...] = ()
    provider_percentage: int | None = None

    def __post_init__(self) -> None:
        if self.percentage is not None and self.tiers:
            raise NoSuchPolicy("refund_tiers", "give refund_percentage or refund_tiers, not both")
        if self.percentage is None and not self.tiers:
            raise NoSuchPolicy("refund_percentage", "refund_percentage or refund_tiers is needed")
        ordered = tuple(sorted(self.tiers, key=lambda tier: -tier.hours_before))
        for further, nearer in pairwise(ordered):
            if further.hours_before == nearer.hours_before:
                raise NoSuchPolicy("refund_tiers", f"{nearer.hours_before} hours come twice")
            if nearer.percentage > further.percentage:
                raise NoSuchPolicy(
                    "refund_tiers",
                    f"{nearer.hours_before} hours before must not return more than {further.hours_before} hours before",
                )
        object.__setattr__(self, "tiers", ordered)

    def share(self, *, starts_at: datetime, at: datetime, by: str) -> Share:
        """What comes back of a session that starts at `starts_at` when `by` cancels it `at`: nothing once it has begun."""
        left = starts_at - at
        if left < timedelta(0):
            return Share(percentage=0)
        if by == PROVIDER and self.provider_percentage is not None:
            return Share(percentage=self.provider_percentage)
        if self.percentage is not None:
            return Share(percentage=self.percentage)
        for tier in self.tiers:
            if tier.includes(left):
                return Share(percentage=tier.percentage, tier=tier)
        return Share(percentage=0)

    def changes(self, *, starts_at: datetime, after: datetime, by: str) -> list[Change]:
        """The moments after `after` from which on less comes back, in order."""
        moments = {starts_at} | {starts_at - timedelta(hours=tier.hours_before) for tier in self.tiers}
        changes: list[Change] = []
        before = self.share(starts_at=starts_at, at=after, by=by).percentage
        for moment in sorted(m for m in moments if m >= after):
            then = self.share(starts_at=starts_at, at=moment + timedelta(microseconds=1), by=by).percentage
            if then != before:
                changes.append(Change(at=moment, percentage=then))
            before = then
        return changes

    def as_data(self) -> dict[str, Any]:
        """As it is kept with a deposit."""
        return {
            "refund_percentage": self.percentage,
            "refund_tiers": [{"hours_before": t.hours_before, "percentage": t.percentage} for t in self.tiers] or None,
            "provider_cancellation_percentage": self.provider_percentage,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> RefundPolicy:
        """The policy that `as_data` wrote, or that a caller's settings tell."""
        return cls(
            percentage=data["refund_percentage"],
            tiers=tuple(
                Tier(hours_before=t["hours_before"], percentage=t["percentage"]) for t in data["refund_tiers"] or ()
            ),
            provider_percentage=data["provider_cancellation_percentage"],
        )


DEFAULT_POLICY = RefundPolicy(percentage=100)


def refund_amount(*, paid: int, gone_back: int, percentage: int, currency: str) -> int:
    """What is still to go back of `paid` minor units, of which `gone_back` went or are on their way: never negative, never above the rest.

    The percentage is rounded half-even once, to the currency's smallest step.
    """
    owed = min(percentage_of(paid, percentage, currency), paid)
    return max(owed - gone_back, 0)
