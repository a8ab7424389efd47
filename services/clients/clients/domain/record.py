"""A client's record as the service shows it, whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


class Change(StrEnum):
    """What happened to a channel: somebody set it here, the client said so elsewhere, or an address did not take mail."""

    SET = "set"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    BOUNCED = "bounced"


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Whether the client may be reminded on each channel; a client who said nothing may."""

    email: bool = True
    sms: bool = True


@dataclass(frozen=True, kw_only=True)
class ContactChange:
    """One line of the history of consent: `allowed` is what holds since, `source` who or what it came from."""

    at: datetime
    channel: Channel
    change: Change
    allowed: bool
    source: str


@dataclass(frozen=True, kw_only=True)
class Client:
    """`notes` are private: whoever hands a record out decides whether the caller may see them."""

    id: str
    account_id: str
    version: int
    name: str
    email: str | None
    phone: str | None
    birth_date: date | None
    address: str | None
    tags: tuple[str, ...]
    notes: str | None
    locale: str | None
    timezone: str | None
    contact: Contact
    contact_history: tuple[ContactChange, ...]
    email_bounced_at: datetime | None
    deleted_at: datetime | None
    merged_into: str | None
    erased_at: datetime | None
    created_at: datetime
    updated_at: datetime
