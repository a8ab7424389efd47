"""Until when a client may pay for what they booked, as payments told it last."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql("ALTER TABLE sessions ADD COLUMN pay_by TIMESTAMPTZ")
