"""The inbox is found by subject too, for the journey of one. Nobody writes to it while the index is made."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql("CREATE INDEX inbox_subject ON inbox (subject)")
