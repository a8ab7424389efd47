"""Ids: a prefix that tells the kind, and a UUIDv7 (RFC 9562) in hex, so that ids sort by the time they were made."""

from __future__ import annotations

import uuid_utils


def new_id(prefix: str) -> str:
    """A new id such as `ses_0192…`."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"


def new_event_id() -> str:
    """A new event id: a UUIDv7 in its usual form."""
    return str(uuid_utils.uuid7())
