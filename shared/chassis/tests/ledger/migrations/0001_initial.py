"""Two tables: the subjects that are known, and an entry for each event that had its effect."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql("CREATE TABLE subjects (id TEXT PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL)")
    # No unique event id: an effect that happens twice is to be seen.
    db.execute_sql(
        """CREATE TABLE entries (id TEXT PRIMARY KEY, account_id TEXT NOT NULL, event_id TEXT NOT NULL, subject TEXT NOT NULL,
           note TEXT NOT NULL, amount BIGINT NOT NULL, version INTEGER NOT NULL, made_at TIMESTAMPTZ NOT NULL)"""
    )
