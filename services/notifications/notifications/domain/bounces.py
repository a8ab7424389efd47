"""Reading what a mail server reports later of a message that it had taken (delivery status notifications, RFC 3464)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message

from notifications.domain.outcomes import without_addresses

# RFC 3463: the subjects and details of a status that are about the mailbox itself. A full mailbox (5.2.2) or a message that was
# refused for what it is (5.7) say nothing against the address.
_ABOUT_THE_ADDRESS = re.compile(r"5\.(1\.(1|2|3|6|10)|2\.1)\b")
_MESSAGE_ID = re.compile(r"<[^<>\s]+>")


@dataclass(frozen=True, kw_only=True)
class Bounce:
    """`message_id` is the Message-ID of what bounced; `bad_address` tells that its recipient's address takes no mail."""

    message_id: str
    error: str
    bad_address: bool


def read(report: bytes) -> Bounce | None:
    """What a report says; None where it is none, or tells of anything but a failure for good."""
    message = message_from_bytes(report, policy=policy.compat32)
    original = next((found for part in message.walk() if (found := _original_id(part))), None)
    if message.get_content_type() != "multipart/report" or original is None:
        return None
    for recipient in _recipients(message):
        status = str(recipient.get("Status") or "").strip()
        if str(recipient.get("Action") or "").strip().lower() == "failed" and not status.startswith("4"):
            diagnostic = " ".join(str(recipient.get("Diagnostic-Code") or "").split())
            return Bounce(
                message_id=original,
                error=(without_addresses(f"{status} {diagnostic}".strip()) or "bounced")[:500],
                bad_address=bool(_ABOUT_THE_ADDRESS.match(status)),
            )
    return None


def _recipients(message: Message) -> Iterator[Message]:
    """The groups of fields about one recipient each; the first group is about the whole message."""
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status" and part.is_multipart():
            for fields in part.get_payload():
                if isinstance(fields, Message) and "Action" in fields:
                    yield fields


def _original_id(part: Message) -> str | None:
    """The Message-ID of the message that came back, whole or as its headers alone."""
    if part.get_content_type() == "message/rfc822" and part.is_multipart():
        inner = next(iter(part.get_payload()), None)
        text = str(inner.get("Message-ID") or "") if isinstance(inner, Message) else ""
    elif part.get_content_type() == "text/rfc822-headers":
        body = part.get_payload(decode=True)
        text = str(message_from_bytes(body).get("Message-ID") or "") if isinstance(body, bytes) else ""
    else:
        return None
    found = _MESSAGE_ID.search(text)
    return found.group(0) if found else None
