"""Accounts' own templates, what rates are shared by all workers, and of how many parts a text message was."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    for statement in _STATEMENTS:
        db.execute_sql(statement)


_STATEMENTS = (
    """CREATE TABLE templates (
        account_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        channel TEXT NOT NULL,
        locale TEXT NOT NULL,
        version BIGINT NOT NULL,
        subject TEXT NOT NULL,
        text TEXT NOT NULL,
        html TEXT NOT NULL,
        removed BOOLEAN NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (account_id, kind, channel, locale))""",
    # The moment, in microseconds since 1970, until which what a rate allows is given away.
    """CREATE TABLE paces (
        name TEXT PRIMARY KEY,
        free_at BIGINT NOT NULL)""",
    "ALTER TABLE deliveries ADD COLUMN slot_at TIMESTAMPTZ",
    "ALTER TABLE deliveries ADD COLUMN segments INTEGER",
)
