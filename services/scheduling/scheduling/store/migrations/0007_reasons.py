"""Why something was done is found by its account, to be blanked when a client is erased."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    for history in ("session_history", "blocked_time_history"):
        db.execute_sql(f"CREATE INDEX {history}_reasons ON {history} (account_id) WHERE reason IS NOT NULL")
