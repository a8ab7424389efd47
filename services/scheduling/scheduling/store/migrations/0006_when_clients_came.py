"""When each client was recorded, which tells how many are new."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql("ALTER TABLE clients ADD COLUMN created_at TIMESTAMPTZ")
    db.execute_sql("CREATE INDEX clients_by_creation ON clients (account_id, created_at)")
