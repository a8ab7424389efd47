"""How an account lets itself be booked: its settings, with what they are until somebody changes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class AutoConfirm(StrEnum):
    MANUAL = "manual"
    IMMEDIATE = "immediate"
    AFTER_TIMEOUT = "after_timeout"


@dataclass(frozen=True, kw_only=True)
class BookingRules:
    """Notice, advance and cut-offs bind clients, not the provider."""

    enabled: bool = False
    auto_confirm: AutoConfirm = AutoConfirm.AFTER_TIMEOUT
    confirm_timeout_hours: int = 24
    min_notice_hours: int = 2
    max_advance_days: int = 60
    client_cancellation: bool = True
    cancel_cutoff_hours: int = 24
    reschedule_cutoff_hours: int = 24
    slot_interval_minutes: int = 15

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> BookingRules:
        """From what `as_data` made; settings that are newer than the record have their defaults."""
        rules = cls(**data)
        return cls(**{**asdict(rules), "auto_confirm": AutoConfirm(rules.auto_confirm)})

    def earliest(self, now: datetime) -> datetime:
        """The first start that a client may book."""
        return now + timedelta(hours=self.min_notice_hours)

    def latest(self, now: datetime) -> datetime:
        """The last start that a client may book; that moment included."""
        return now + timedelta(days=self.max_advance_days)

    def as_data(self) -> dict[str, Any]:
        """As the API shows it."""
        return {**asdict(self), "auto_confirm": self.auto_confirm.value}

    def confirms_at(self, booked_at: datetime, starts_at: datetime) -> datetime | None:
        """When the clock confirms what a client booked, at its start at the latest; None where the provider does it by hand."""
        match self.auto_confirm:
            case AutoConfirm.MANUAL:
                return None
            case AutoConfirm.IMMEDIATE:
                return booked_at
            case AutoConfirm.AFTER_TIMEOUT:
                return min(booked_at + timedelta(hours=self.confirm_timeout_hours), starts_at)

    def cancel_until(self, starts_at: datetime) -> datetime:
        """The last moment at which a client may cancel."""
        return starts_at - timedelta(hours=self.cancel_cutoff_hours)

    def reschedule_until(self, starts_at: datetime) -> datetime:
        """The last moment at which a client may move it."""
        return starts_at - timedelta(hours=self.reschedule_cutoff_hours)
