"""What reconciliation with Stripe found and when it looked, what an account may do, and a way through one account's ledger."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    for statement in _STATEMENTS:
        db.execute_sql(statement)


_STATEMENTS = (
    # One row a place where charges live: a connected account, or the platform.
    """CREATE TABLE reconciliations (
        home TEXT PRIMARY KEY,
        next_at TIMESTAMPTZ NOT NULL,
        lease_until TIMESTAMPTZ,
        done_until TIMESTAMPTZ,
        trouble TEXT)""",
    """CREATE TABLE differences (
        id TEXT PRIMARY KEY,
        account_id TEXT,
        home TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        payment_intent TEXT,
        deposit_id TEXT,
        ours TEXT,
        theirs TEXT,
        repaired BOOLEAN NOT NULL,
        first_seen_at TIMESTAMPTZ NOT NULL,
        last_seen_at TIMESTAMPTZ NOT NULL,
        settled_at TIMESTAMPTZ,
        UNIQUE (home, kind, subject))""",
    "CREATE INDEX differences_open ON differences (home) WHERE settled_at IS NULL",
    "CREATE INDEX payments_received ON payments (stripe_account, received_at)",
    "CREATE INDEX refund_parts_created ON refund_parts (created_at)",
    "CREATE INDEX ledger_account ON ledger (account_id, deposit_id)",
    "ALTER TABLE connections ADD COLUMN capabilities TEXT NOT NULL DEFAULT '{}'",
)
