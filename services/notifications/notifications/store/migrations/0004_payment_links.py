"""Which messages told their client by which link a deposit is paid, and which go only to who was not told it."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    for statement in _STATEMENTS:
        db.execute_sql(statement)


_STATEMENTS = (
    "ALTER TABLE deliveries ADD COLUMN told_link BOOLEAN",
    "ALTER TABLE deliveries ADD COLUMN unless_told BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE batch_members ADD COLUMN told_link BOOLEAN",
)
