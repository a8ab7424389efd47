"""The envelope of an event: CloudEvents 1.0, binary mode over AMQP, so that any subscriber can read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"
# CloudEvents AMQP binding 1.0.2, section 3.1.3: attributes are application properties under one of these prefixes;
# the underscore is the one to send, both are to be understood.
_PREFIX = "cloudEvents_"
_PREFIXES = (_PREFIX, "cloudEvents:")


class MalformedEvent(ValueError):
    """A message that is no event of ours: what it is lacking stands in the text."""


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """One event as it travels: attributes and the encoded body.

    `sequence` is the subject's version, `dataschema` the version of the data's schema, `time` when it happened.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    dataschema: int
    account_id: str
    sequence: int
    traceparent: str | None
    body: bytes

    def headers(self) -> dict[str, str]:
        """The attributes as AMQP application properties."""
        attributes = {
            "specversion": SPEC_VERSION,
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": format_time(self.time),
            "dataschema": f"urn:timeblu:{self.type}:{self.dataschema}",
            "accountid": self.account_id,
            "sequence": str(self.sequence),
        }
        if self.traceparent:
            attributes["traceparent"] = self.traceparent
        return {_PREFIX + name: value for name, value in attributes.items()}

    @classmethod
    def from_message(cls, headers: Mapping[str, Any], body: bytes) -> Envelope:
        """The envelope of an AMQP message.

        Raises:
            MalformedEvent: an attribute is missing or not of its form.
        """
        attributes = {
            name[len(prefix) :]: value
            for prefix in reversed(_PREFIXES)
            for name, value in headers.items()
            if name.startswith(prefix)
        }
        try:
            return cls(
                id=str(attributes["id"]),
                source=str(attributes["source"]),
                type=str(attributes["type"]),
                subject=str(attributes["subject"]),
                time=parse_time(str(attributes["time"])),
                dataschema=int(str(attributes["dataschema"]).rpartition(":")[2]),
                account_id=str(attributes["accountid"]),
                sequence=int(attributes["sequence"]),
                traceparent=attributes.get("traceparent"),
                body=body,
            )
        except KeyError as missing:
            raise MalformedEvent(f"attribute {missing.args[0]} is missing") from None
        except ValueError as wrong:
            raise MalformedEvent(str(wrong)) from None

    def decoded(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            MalformedEvent: it is none.
        """
        try:
            data = json.loads(self.body)
        except ValueError as wrong:
            raise MalformedEvent(f"the body is not JSON: {wrong}") from None
        if not isinstance(data, dict):
            raise MalformedEvent("the body is not a JSON object")
        return data


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: of fixed width, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """An aware UTC datetime from RFC 3339 text; ValueError without an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return moment.astimezone(UTC)
