"""Acts that change several sessions at once, of which clients are told once."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    for statement in _STATEMENTS:
        db.execute_sql(statement)


_STATEMENTS = (
    # Which sessions an act has changed, as far as its events have come; what of it was told with them.
    """CREATE TABLE batch_members (
        batch_id TEXT NOT NULL,
        session_id TEXT NOT NULL,
        cancellation_id TEXT,
        told_starts_at TIMESTAMPTZ,
        told_ends_at TIMESTAMPTZ,
        PRIMARY KEY (batch_id, session_id))""",
    "CREATE INDEX batch_members_session ON batch_members (session_id)",
    "DROP INDEX sessions_series",
    "ALTER TABLE deliveries RENAME COLUMN series_id TO batch_id",
    "ALTER TABLE deliveries ADD COLUMN batch_size INTEGER",
    "CREATE INDEX deliveries_batch ON deliveries (batch_id) WHERE batch_id IS NOT NULL",
)
