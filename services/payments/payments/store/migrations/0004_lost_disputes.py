"""What of a payment was lost in disputes before its newest, so that what becomes of that leaves it lost."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql("ALTER TABLE payments ADD COLUMN lost_amount BIGINT NOT NULL DEFAULT 0")
