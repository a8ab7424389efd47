"""What the record of one person becomes when several records of them are put together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from clients.domain.record import Channel, Client

# What one record lacks another may have.
_FILLED = ("email", "phone", "birth_date", "address", "locale", "timezone")


def together(stays: Client, others: Sequence[Client]) -> dict[str, Any]:
    """What changes of the record that stays, by field (as `operations.fields.Fields` has them).

    What it says, it says still. What it lacks comes from the first of the others that has it; tags are united; private notes are written one
    below the other; a channel that any of them refused is refused: who said no once has not said yes by having two records.
    """
    everybody = [stays, *others]
    changes: dict[str, Any] = {}
    for name in _FILLED:
        found = next((getattr(one, name) for one in everybody if getattr(one, name) is not None), None)
        if found != getattr(stays, name):
            changes[name] = found.isoformat() if isinstance(found, date) else found
    tags = list(dict.fromkeys(tag for one in everybody for tag in one.tags))
    if tags != list(stays.tags):
        changes["tags"] = tags
    notes = "\n\n".join(dict.fromkeys(one.notes for one in everybody if one.notes))
    if notes and notes != stays.notes:
        changes["notes"] = notes
    refused = {
        channel.value: False
        for channel in Channel
        if getattr(stays.contact, channel) and not all(getattr(one.contact, channel) for one in others)
    }
    if refused:
        changes["contact"] = refused
    return changes
