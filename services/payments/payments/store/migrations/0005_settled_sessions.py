"""Which sessions are kept as their deposits were settled by: the next event of such a one that only mirrors the deposit need not settle it again."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql("ALTER TABLE sessions ADD COLUMN settled_version BIGINT NOT NULL DEFAULT 0")
