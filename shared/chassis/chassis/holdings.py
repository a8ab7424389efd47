"""What is held about a person, as plain rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import peewee

Rows = Sequence[Mapping[str, Any]]


def rows_of(query: Iterable[peewee.Model], names: str) -> list[dict[str, Any]]:
    """The columns `names` (space-separated) of each row."""
    return [{name: getattr(row, name) for name in names.split()} for row in query]
