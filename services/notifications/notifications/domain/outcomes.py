"""What can become of an attempt to send, whichever provider it went to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    SENT = "sent"
    NOT_NOW = "not_now"
    """Surely not taken, and worth another attempt: refused connection, SMTP 4xx, 429."""
    REFUSED = "refused"
    """Surely not taken, for good: SMTP 5xx, a number that is none."""
    OPTED_OUT = "opted_out"
    """The recipient has said STOP to this sender."""
    UNSURE = "unsure"
    """The answer was lost: it may have been taken. Never repeated by itself."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`bad_address` tells that the refusal was about the recipient's address, for good."""

    result: Result
    provider_id: str | None = None
    error: str | None = None
    bad_address: bool = False


_ADDRESS = re.compile(r"\S+@\S+|\+?\d{7,}")


def without_addresses(text: str | None) -> str | None:
    """A provider's words without the email addresses and numbers in them: errors are logged and published, addresses are not."""
    return None if text is None else _ADDRESS.sub("…", text)
