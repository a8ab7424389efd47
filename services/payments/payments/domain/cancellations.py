"""A session's cancellations as payments reads them from its events: each is settled once, in order, however late it is heard of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.envelope import parse_time
from contracts.fields import rfc3339
from contracts.sessions import RefundDecision

_SYSTEM, _UNPAID = "system", "deposit_unpaid"


@dataclass(frozen=True, kw_only=True)
class Cancellation:
    """`starts_at` is the start that stood when it was cancelled; `decision` is null while nobody has decided.

    A quote fixes percentage and amount. `restored_at` tells that the session stood again from then on.
    """

    id: str
    at: datetime
    by: str
    reason: str | None
    starts_at: datetime
    decision: RefundDecision | None
    quoted_percentage: int | None
    quoted_amount: int | None
    restored_at: datetime | None

    @property
    def released(self) -> bool:
        """Whether the slot was released because nobody paid in time: what arrives after that is returned in full."""
        return self.by == _SYSTEM and self.reason == _UNPAID


def to_data(cancellations: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """An event's cancellations as JSON, without what people wrote as their reason: no rule asks for it."""
    return [
        {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in each.items()}
        | {"reason": each["reason"] if each["by"] == _SYSTEM else None}
        for each in cancellations
    ]


def from_data(data: Iterable[Mapping[str, Any]]) -> list[Cancellation]:
    """What `to_data` kept, oldest first."""
    return [
        Cancellation(
            id=each["id"],
            at=parse_time(each["at"]),
            by=each["by"],
            reason=each["reason"],
            starts_at=parse_time(each["starts_at"]),
            decision=RefundDecision(each["refund"]) if each["refund"] else None,
            quoted_percentage=each["quote"]["percentage"] if each["quote"] else None,
            quoted_amount=each["quote"]["amount"] if each["quote"] else None,
            restored_at=parse_time(each["restored_at"]) if each["restored_at"] else None,
        )
        for each in sorted(data, key=lambda each: str(each["at"]))
    ]
