"""The envelope of an event: CloudEvents 1.0, binary mode over AMQP, so that any subscriber can read it."""

from __future__ import annotations

import json
import re
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
# CloudEvents 1.0.2, "Type System": strings hold neither control characters nor lone surrogates. No store takes a NUL either.
_NOT_IN_A_STRING = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_GREATEST = 2**63 - 1
# RFC 3339, section 5.6: day, time, seconds and offset are all there. Python alone would take week dates and "0900+0100" as well.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


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
            "dataschema": schema_name(self.type, self.dataschema),
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
        if _string(attributes, "specversion") != SPEC_VERSION:
            raise MalformedEvent(f"specversion is not {SPEC_VERSION}")
        type_, traceparent = _string(attributes, "type"), attributes.get("traceparent")
        return cls(
            id=_string(attributes, "id"),
            source=_string(attributes, "source"),
            type=type_,
            subject=_string(attributes, "subject"),
            time=_time(attributes),
            dataschema=_schema_version(type_, attributes.get("dataschema")),
            account_id=_string(attributes, "accountid"),
            sequence=_number("sequence", attributes.get("sequence")),
            # W3C Trace Context, section 3.2: one that cannot be read is ignored.
            traceparent=traceparent if isinstance(traceparent, str) else None,
            body=body,
        )

    def decoded(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            MalformedEvent: it is none.
        """
        try:
            data = json.loads(self.body.decode(), parse_constant=_no_number)
        except (ValueError, RecursionError) as wrong:
            raise MalformedEvent(f"the body is not JSON: {wrong}") from None
        if not isinstance(data, dict):
            raise MalformedEvent("the body is not a JSON object")
        return data


def schema_name(type: str, version: int) -> str:
    """What `dataschema` says, and the `$id` of the JSON Schema that it means."""
    return f"urn:timeblu:{type}:{version}"


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: of fixed width, so that text order is time order; ValueError for a naive one."""
    return _utc(moment).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """An aware UTC datetime from RFC 3339 text; ValueError for anything else.

    What is finer than a microsecond is cut off. A leap second (`:60`) is refused: Python's datetime has none.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError(f"{text!r} is not an RFC 3339 time with an offset")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999") from None


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no offset")
    return moment.astimezone(UTC)


def _string(attributes: Mapping[str, Any], name: str) -> str:
    if name not in attributes:
        raise MalformedEvent(f"attribute {name} is missing")
    value = attributes[name]
    if not isinstance(value, str) or not value or _NOT_IN_A_STRING.search(value):
        raise MalformedEvent(f"attribute {name} is not a string of printable characters: {value!r:.100}")
    return value


def _time(attributes: Mapping[str, Any]) -> datetime:
    """RFC 3339 text or, from other senders, AMQP's own timestamp, which clients give as a datetime in UTC."""
    sent = attributes.get("time")
    if isinstance(sent, datetime):
        return sent.astimezone(UTC) if sent.tzinfo else sent.replace(tzinfo=UTC)
    try:
        return parse_time(_string(attributes, "time"))
    except ValueError as wrong:
        raise MalformedEvent(f"time: {wrong}") from None


def _number(name: str, value: Any) -> int:
    """A whole number that a 64-bit column takes, as text or, from other senders, as AMQP's own integer."""
    digits = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[0-9]{1,19}", digits) or int(digits) > _GREATEST:
        raise MalformedEvent(f"{name} is not a whole number of 64 bits: {value!r:.100}")
    return int(digits)


def _schema_version(type: str, dataschema: Any) -> int:
    """The version in a schema's name or, from other senders, the version alone."""
    family = schema_name(type, 0)[:-1]
    return _number("dataschema", dataschema.removeprefix(family) if isinstance(dataschema, str) else dataschema)


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON number")
