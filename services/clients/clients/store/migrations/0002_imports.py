"""Imports: what is to be taken in, in parts that go as they are done, and the report of each row."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    """CREATE TABLE imports (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        status TEXT NOT NULL,
        dry_run BOOLEAN NOT NULL,
        ignored_columns TEXT NOT NULL,
        total INTEGER NOT NULL,
        created INTEGER NOT NULL,
        duplicates INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        started_at TIMESTAMPTZ NOT NULL,
        worked_at TIMESTAMPTZ NOT NULL,
        finished_at TIMESTAMPTZ
    )""",
    "CREATE INDEX imports_open ON imports (worked_at) WHERE finished_at IS NULL",
    "CREATE INDEX imports_old ON imports (started_at)",
    """CREATE TABLE import_parts (
        import_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (import_id, position)
    )""",
    """CREATE TABLE import_reports (
        import_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (import_id, position)
    )""",
    # What a dry run would have made, so that it knows the same again further down.
    """CREATE TABLE import_marks (
        import_id TEXT NOT NULL,
        mark TEXT NOT NULL,
        PRIMARY KEY (import_id, mark)
    )""",
    # What a client who has neither email nor phone was known by when it was imported.
    "ALTER TABLE clients ADD COLUMN import_mark TEXT",
    "CREATE INDEX clients_imported ON clients (account_id, import_mark) WHERE import_mark IS NOT NULL",
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
