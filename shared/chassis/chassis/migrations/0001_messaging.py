"""The chassis's own tables: outbox, inbox and the answers to idempotent requests."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    for statement in _STATEMENTS:
        db.execute_sql(statement)


_STATEMENTS = (
    """CREATE TABLE outbox (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        type TEXT NOT NULL,
        subject TEXT NOT NULL,
        sequence BIGINT NOT NULL,
        dataschema INTEGER NOT NULL,
        occurred_at TIMESTAMPTZ NOT NULL,
        traceparent TEXT,
        queue TEXT,
        body TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        next_attempt_at TIMESTAMPTZ,
        published_at TIMESTAMPTZ)""",
    "CREATE INDEX outbox_unpublished ON outbox (id) WHERE published_at IS NULL",
    "CREATE INDEX outbox_published_at ON outbox (published_at) WHERE published_at IS NOT NULL",
    "CREATE INDEX outbox_subject ON outbox (subject)",
    """CREATE TABLE inbox (
        event_id TEXT NOT NULL,
        handler TEXT NOT NULL,
        status TEXT NOT NULL,
        account_id TEXT,
        type TEXT,
        subject TEXT,
        headers TEXT,
        body TEXT,
        attempts INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        waiting_for TEXT,
        next_attempt_at TIMESTAMPTZ,
        received_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (event_id, handler))""",
    "CREATE INDEX inbox_due ON inbox (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
    "CREATE INDEX inbox_open ON inbox (status, received_at) WHERE status <> 'done'",
    "CREATE INDEX inbox_waiting ON inbox (waiting_for) WHERE waiting_for IS NOT NULL",
    "CREATE INDEX inbox_received ON inbox (received_at)",
    """CREATE TABLE idempotency_keys (
        account_id TEXT NOT NULL,
        key TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        status INTEGER,
        headers TEXT,
        body TEXT,
        created_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (account_id, key))""",
    "CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at)",
)
