"""An email as bytes: headers that mail servers and readers rely on, text and HTML, the invitation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime

from notifications.domain.templates import Rendered

_LONGEST_LINE = 998  # RFC 5322, 2.1.1


class _Policy(EmailPolicy):
    """Leaves a plain subject on its line: Python would begin a long one on the next, where some readers show it with a blank before it."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name == "Subject" and value.isascii() and len(value) < _LONGEST_LINE - 20:
            return f"{name}: {value}{self.linesep}".encode("ascii")
        if name == "Subject":
            # As encoded words throughout: where Python encodes a part of a long one, readers see a blank too many.
            return f"{name}: {Header(str(value), 'utf-8', header_name=name).encode(linesep=self.linesep)}{self.linesep}".encode()
        return super().fold_binary(name, value)


class BadAddress(ValueError):
    """An address that no mail can be sent to."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What one email says and to whom. `key` is the delivery's: the Message-ID is made of it, the same for every attempt."""

    key: str
    sender: str
    sender_name: str
    reply_to: str | None
    to: str
    to_name: str
    content: Rendered
    language: str
    invitation: tuple[str, bytes] | None = None
    """The method and the iCalendar document."""
    unsubscribe_url: str | None = None

    @property
    def message_id(self) -> str:
        return message_id(self.key, self.sender)

    def as_bytes(self, now: datetime) -> bytes:
        """The message with CRLF line ends.

        Raises:
            BadAddress: the recipient's address is none.
        """
        message = EmailMessage(policy=_Policy(linesep="\r\n"))
        message["Message-ID"] = self.message_id
        message["Date"] = format_datetime(now)
        message["From"] = _address(self.sender_name, self.sender)
        message["To"] = _address(self.to_name, self.to)
        if self.reply_to:
            message["Reply-To"] = _address("", self.reply_to)
        message["Subject"] = self.content.subject
        # Nobody's out-of-office notice need answer (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        if self.unsubscribe_url:
            message["List-Unsubscribe"] = f"<{self.unsubscribe_url}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(self.content.text)
        message.add_alternative(self.content.html, subtype="html")
        if self.invitation:
            method, calendar = self.invitation
            message.add_attachment(
                calendar,
                maintype="text",
                subtype="calendar",
                filename="session.ics",
                params={"method": method, "charset": "utf-8"},
            )
        # Last, as making parts moves every Content- header into the first of them.
        message["Content-Language"] = self.language
        return message.as_bytes()


def message_id(key: str, sender: str) -> str:
    """The Message-ID of the delivery of that key."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{sender.rpartition('@')[2]}>"


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    if not local or not domain:
        raise BadAddress("not an email address")
    try:
        # The domain in the form that goes over the wire (IDNA), the name on one line.
        return Address(" ".join(name.split()), local, domain.encode("idna").decode("ascii"))
    except (ValueError, UnicodeError, IndexError) as error:
        raise BadAddress(f"not an email address: {error}") from None
