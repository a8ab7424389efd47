"""An account's settings for notifications: which kinds by which channel, quiet hours, the switches of SMS, the sender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from notifications.domain.kinds import TERMS, Audience, Channel, Kind
from notifications.domain.quiet_hours import QuietHours

DEFAULT_QUOTA = 50
_DEFAULT_SMS_KINDS = (Kind.REMINDER_24H,)


def channels(kind: Kind) -> tuple[Channel, ...]:
    """The channels that `kind` may use: the provider is written to by email alone."""
    return (Channel.EMAIL, Channel.SMS) if TERMS[kind].audience is Audience.CLIENT else (Channel.EMAIL,)


def wanted_by_default(kind: Kind, channel: Channel) -> bool:
    """Everything by email, the 24-hour reminder by SMS as well."""
    return channel is Channel.EMAIL or kind in _DEFAULT_SMS_KINDS


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """What is not set here is as by default; `quota` counts text messages in the account's month."""

    kinds: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    quiet_hours: QuietHours | None = None
    sms_enabled: bool = True
    sms_calendars: Mapping[str, bool] = field(default_factory=dict)
    sms_services: Mapping[str, bool] = field(default_factory=dict)
    quota: int = DEFAULT_QUOTA
    sender_name: str | None = None
    reply_to: str | None = None

    def wants(self, kind: Kind, channel: Channel) -> bool:
        """Whether messages of this kind go out by this channel at all."""
        return channel in channels(kind) and self.kinds.get(kind, {}).get(channel, wanted_by_default(kind, channel))

    def texts_for(self, calendar_id: str, service_id: str) -> bool:
        """The three switches of SMS: a lower one counts only where those above are on."""
        return (
            self.sms_enabled and self.sms_calendars.get(calendar_id, True) and self.sms_services.get(service_id, True)
        )

    def as_json(self) -> dict[str, Any]:
        """As the API shows it: every kind with every channel that it may use."""
        return {
            "kinds": {
                kind.value: {channel.value: self.wants(kind, channel) for channel in channels(kind)} for kind in Kind
            },
            "quiet_hours": None
            if self.quiet_hours is None
            else {"start": f"{self.quiet_hours.start:%H:%M}", "end": f"{self.quiet_hours.end:%H:%M}"},
            "sms": {
                "enabled": self.sms_enabled,
                "calendars": dict(self.sms_calendars),
                "services": dict(self.sms_services),
                "quota": self.quota,
            },
            "sender_name": self.sender_name,
            "reply_to": self.reply_to,
        }


def from_json(data: Mapping[str, Any]) -> Preferences:
    """The preferences of a document in the API's form; what is absent is as by default."""
    quiet, sms = data.get("quiet_hours"), data.get("sms") or {}
    return Preferences(
        kinds=data.get("kinds") or {},
        quiet_hours=QuietHours(start=time.fromisoformat(quiet["start"]), end=time.fromisoformat(quiet["end"]))
        if quiet
        else None,
        sms_enabled=sms.get("enabled", True),
        sms_calendars=sms.get("calendars") or {},
        sms_services=sms.get("services") or {},
        quota=sms.get("quota", DEFAULT_QUOTA),
        sender_name=data.get("sender_name"),
        reply_to=data.get("reply_to"),
    )
