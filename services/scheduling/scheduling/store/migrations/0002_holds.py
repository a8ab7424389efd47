"""Holds: time kept for somebody who is about to book. Their claims lie beside everybody's; here stands what was promised until when."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    for statement in _STATEMENTS:
        db.execute_sql(statement)


_STATEMENTS = (
    """CREATE TABLE holds (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        service_id TEXT NOT NULL REFERENCES session_types (id),
        calendar_id TEXT NOT NULL REFERENCES calendars (id),
        starts_at TIMESTAMPTZ NOT NULL,
        duration_minutes INTEGER NOT NULL,
        buffer_before_minutes INTEGER NOT NULL,
        buffer_after_minutes INTEGER NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        ended_at TIMESTAMPTZ,
        session_id TEXT,
        created_at TIMESTAMPTZ NOT NULL,
        CHECK (session_id IS NULL OR ended_at IS NOT NULL))""",
    "CREATE INDEX holds_by_end ON holds (expires_at)",
)
