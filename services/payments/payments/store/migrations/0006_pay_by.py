"""Until when a client may pay for what they booked, as it is told: `release_at` moves while the open page is being ended."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql("ALTER TABLE deposits ADD COLUMN pay_by TIMESTAMPTZ")
