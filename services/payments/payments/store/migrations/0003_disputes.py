"""When the dispute of a payment that counts was opened, so that an older one is known for what it is; pages that a bank has are looked at."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql("ALTER TABLE payments ADD COLUMN disputed_at TIMESTAMPTZ")
    db.execute_sql("UPDATE checkouts SET next_attempt_at = intended_at WHERE state = 'processing'")
