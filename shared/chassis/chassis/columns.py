"""peewee fields that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import peewee

from chassis.store import moment
from contracts.envelope import format_time


class UtcDateTimeField(peewee.Field):
    """An aware UTC moment: `timestamptz` on PostgreSQL, RFC 3339 text of fixed width (so it sorts) on SQLite."""

    field_type = "TIMESTAMPTZ"

    def db_value(self, value: datetime | str | None) -> str | None:
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError(f"{self.name}: {value!r} has no offset")
            return format_time(value)
        return value

    def python_value(self, value: Any) -> datetime | None:
        return moment(value)


class JsonField(peewee.TextField):
    """A JSON value kept as text: read and written whole, never searched."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def python_value(self, value: str | None) -> Any:
        return None if value is None else json.loads(value)
