"""The first tables: clients with what is compared and searched, consent, replicas for limits and the timeline, erasures."""

from __future__ import annotations

from typing import Any

TABLES = (
    """CREATE TABLE accounts (
        id TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        plan TEXT NOT NULL,
        timezone TEXT NOT NULL,
        country TEXT NOT NULL
    )""",
    """CREATE TABLE clients (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        name TEXT NOT NULL,
        email TEXT,
        email_key TEXT,
        email_set_at TIMESTAMPTZ,
        email_bounced_at TIMESTAMPTZ,
        duplicate_allowed BOOLEAN NOT NULL,
        phone TEXT,
        birth_date TEXT,
        address TEXT,
        notes TEXT,
        locale TEXT,
        timezone TEXT,
        contact_email BOOLEAN NOT NULL,
        contact_sms BOOLEAN NOT NULL,
        search TEXT NOT NULL,
        deleted_at TIMESTAMPTZ,
        merged_into TEXT,
        erased_at TIMESTAMPTZ,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )""",
    # One live client an email, unless somebody allowed another on purpose: the database's own word on it.
    """CREATE UNIQUE INDEX clients_one_an_email ON clients (account_id, email_key)
        WHERE deleted_at IS NULL AND merged_into IS NULL AND NOT duplicate_allowed""",
    "CREATE INDEX clients_live ON clients (account_id, id) WHERE deleted_at IS NULL AND merged_into IS NULL",
    "CREATE INDEX clients_changed ON clients (account_id, updated_at, id)",
    "CREATE INDEX clients_email ON clients (account_id, email_key)",
    "CREATE INDEX clients_phone ON clients (account_id, phone)",
    """CREATE TABLE client_tags (
        client_id TEXT NOT NULL,
        tag_key TEXT NOT NULL,
        account_id TEXT NOT NULL,
        tag TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (client_id, tag_key)
    )""",
    "CREATE INDEX client_tags_tagged ON client_tags (account_id, tag_key, client_id)",
    """CREATE TABLE contact_changes (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        client_id TEXT NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        channel TEXT NOT NULL,
        change TEXT NOT NULL,
        allowed BOOLEAN NOT NULL,
        source TEXT NOT NULL,
        sequence BIGINT
    )""",
    "CREATE INDEX contact_changes_of ON contact_changes (client_id, id)",
    """CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        client_id TEXT NOT NULL,
        service_name TEXT NOT NULL,
        starts_at TIMESTAMPTZ NOT NULL,
        ends_at TIMESTAMPTZ NOT NULL,
        status TEXT NOT NULL
    )""",
    "CREATE INDEX sessions_of ON sessions (account_id, client_id, starts_at)",
    """CREATE TABLE deposits (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        session_id TEXT NOT NULL,
        client_id TEXT NOT NULL,
        status TEXT NOT NULL,
        amount BIGINT NOT NULL,
        held_amount BIGINT NOT NULL,
        refunded_amount BIGINT NOT NULL,
        currency TEXT NOT NULL
    )""",
    "CREATE INDEX deposits_of ON deposits (session_id)",
    """CREATE TABLE erasures (
        client_id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        requested_at TIMESTAMPTZ NOT NULL,
        completed_at TIMESTAMPTZ
    )""",
    """CREATE TABLE erasure_answers (
        client_id TEXT NOT NULL,
        service TEXT NOT NULL,
        account_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        blanked TEXT NOT NULL,
        kept TEXT NOT NULL,
        answered_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (client_id, service)
    )""",
)


def up(migrator: Any, db: Any) -> None:
    for statement in TABLES:
        db.execute_sql(statement)
