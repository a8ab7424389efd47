"""When the clock may confirm a session that a client booked."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    for statement in _STATEMENTS:
        db.execute_sql(statement)


_STATEMENTS = (
    "ALTER TABLE sessions ADD COLUMN confirm_due_at TIMESTAMPTZ",
    "CREATE INDEX sessions_to_confirm ON sessions (confirm_due_at) WHERE confirm_due_at IS NOT NULL",
    # Who books again is found by email while the clients service is down.
    "CREATE INDEX clients_by_email ON clients (account_id, lower(email)) WHERE email IS NOT NULL",
)
