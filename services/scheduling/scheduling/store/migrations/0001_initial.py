"""The first tables of scheduling, and the rule of the database that no slot is sold twice."""

from __future__ import annotations

from typing import Any

import peewee


def up(migrator: Any, db: Any) -> None:
    on_sqlite = isinstance(db, peewee.SqliteDatabase)
    for statement in _TABLES + (_SQLITE if on_sqlite else _POSTGRESQL):
        db.execute_sql(statement)


_TABLES = (
    """CREATE TABLE accounts (
        id TEXT PRIMARY KEY,
        version BIGINT NOT NULL,
        name TEXT NOT NULL,
        email TEXT NOT NULL,
        username TEXT NOT NULL,
        plan TEXT NOT NULL,
        timezone TEXT NOT NULL,
        currency TEXT NOT NULL,
        locale TEXT NOT NULL,
        country TEXT NOT NULL,
        booking TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL)""",
    "CREATE UNIQUE INDEX accounts_username ON accounts (lower(username))",
    """CREATE TABLE session_types (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        name TEXT NOT NULL,
        description TEXT NOT NULL,
        duration_minutes INTEGER NOT NULL,
        buffer_before_minutes INTEGER NOT NULL,
        buffer_after_minutes INTEGER NOT NULL,
        price_amount BIGINT,
        price_currency TEXT,
        deposit TEXT,
        color TEXT NOT NULL,
        online BOOLEAN NOT NULL,
        active BOOLEAN NOT NULL,
        calendar_ids TEXT NOT NULL,
        auto_assign BOOLEAN NOT NULL,
        retired_at TIMESTAMPTZ,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL)""",
    "CREATE INDEX session_types_by_account ON session_types (account_id, id)",
    "CREATE INDEX session_types_by_change ON session_types (account_id, updated_at, id)",
    """CREATE TABLE calendars (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        name TEXT NOT NULL,
        color TEXT NOT NULL,
        working_hours TEXT NOT NULL,
        overrides TEXT NOT NULL,
        is_default BOOLEAN NOT NULL,
        retired_at TIMESTAMPTZ,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL)""",
    "CREATE INDEX calendars_by_account ON calendars (account_id, id)",
    "CREATE INDEX calendars_by_change ON calendars (account_id, updated_at, id)",
    "CREATE UNIQUE INDEX calendars_default ON calendars (account_id) WHERE is_default",
    """CREATE TABLE clients (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        name TEXT NOT NULL,
        email TEXT,
        phone TEXT,
        search TEXT NOT NULL,
        deleted BOOLEAN NOT NULL,
        merged_into TEXT,
        erased BOOLEAN NOT NULL)""",
    "CREATE INDEX clients_by_account ON clients (account_id)",
    "CREATE INDEX clients_by_merge ON clients (merged_into) WHERE merged_into IS NOT NULL",
    """CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        client_id TEXT NOT NULL,
        service_id TEXT NOT NULL REFERENCES session_types (id),
        calendar_id TEXT NOT NULL REFERENCES calendars (id),
        starts_at TIMESTAMPTZ NOT NULL,
        ends_at TIMESTAMPTZ NOT NULL,
        duration_minutes INTEGER NOT NULL,
        buffer_before_minutes INTEGER NOT NULL,
        buffer_after_minutes INTEGER NOT NULL,
        status TEXT NOT NULL,
        status_before TEXT,
        outside_hours BOOLEAN NOT NULL,
        notes TEXT NOT NULL,
        session_notes TEXT NOT NULL,
        client_message TEXT NOT NULL,
        auto_confirm_at TIMESTAMPTZ,
        price_amount BIGINT,
        price_currency TEXT,
        deposit TEXT,
        deposit_version BIGINT NOT NULL,
        payment_secret TEXT,
        source TEXT NOT NULL,
        series_id TEXT,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        CHECK (ends_at > starts_at),
        CHECK ((status = 'cancelled') = (status_before IS NOT NULL)))""",
    "CREATE INDEX sessions_by_start ON sessions (account_id, starts_at, id)",
    "CREATE INDEX sessions_by_calendar ON sessions (account_id, calendar_id, starts_at, id)",
    "CREATE INDEX sessions_by_client ON sessions (account_id, client_id, starts_at, id)",
    "CREATE INDEX sessions_by_type ON sessions (account_id, service_id, starts_at, id)",
    "CREATE INDEX sessions_by_change ON sessions (account_id, updated_at, id)",
    "CREATE INDEX sessions_by_creation ON sessions (account_id, created_at)",
    """CREATE TABLE cancellations (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        session_id TEXT NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        cancelled_by TEXT NOT NULL,
        reason TEXT,
        starts_at TIMESTAMPTZ NOT NULL,
        refund TEXT,
        quote TEXT,
        answered BOOLEAN NOT NULL,
        restored_at TIMESTAMPTZ)""",
    "CREATE INDEX cancellations_by_session ON cancellations (session_id, id)",
    # A session is cancelled once until it is restored, whatever races.
    "CREATE UNIQUE INDEX cancellations_standing ON cancellations (session_id) WHERE restored_at IS NULL",
    """CREATE TABLE session_history (
        session_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        account_id TEXT NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        changes TEXT NOT NULL,
        reason TEXT,
        PRIMARY KEY (session_id, version))""",
    """CREATE TABLE sanctions (
        session_id TEXT NOT NULL,
        other_id TEXT NOT NULL,
        account_id TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (session_id, other_id))""",
    "CREATE INDEX sanctions_other ON sanctions (other_id)",
)

# A claim says that its owner (a session, a hold, an event) needs a calendar from `starts_at` to `ends_at`: a `core` row
# without and a `padded` row with the buffers. Core meets padded is a conflict; padded meets padded is not, so the larger of
# two buffers counts. Holds end at `expires_at`. What was booked over another on purpose is `sanctioned`.
_CLAIM_COLUMNS = """
        owner_id TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('core', 'padded')),
        account_id TEXT NOT NULL,
        owner_type TEXT NOT NULL CHECK (owner_type IN ('session', 'hold', 'event')),
        calendar_id TEXT NOT NULL,
        starts_at TIMESTAMPTZ NOT NULL,
        ends_at TIMESTAMPTZ NOT NULL,
        sanctioned BOOLEAN NOT NULL,
        expires_at TIMESTAMPTZ,
        PRIMARY KEY (owner_id, kind),
        CHECK (ends_at > starts_at)"""
_CLAIM_INDEXES = (
    "CREATE INDEX claims_by_time ON claims (calendar_id, ends_at, starts_at)",
    "CREATE INDEX claims_expiring ON claims (calendar_id, expires_at) WHERE expires_at IS NOT NULL",
)

_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    f"""CREATE TABLE claims ({_CLAIM_COLUMNS},
        during TSTZRANGE NOT NULL GENERATED ALWAYS AS (tstzrange(starts_at, ends_at)) STORED,
        CONSTRAINT claims_no_overlap EXCLUDE USING gist
            (calendar_id WITH =, during WITH &&, kind WITH <>, owner_id WITH <>) WHERE (NOT sanctioned))""",
    *_CLAIM_INDEXES,
)

_OVERLAPPED = """SELECT 1 FROM claims
            WHERE calendar_id = NEW.calendar_id AND ends_at > NEW.starts_at AND starts_at < NEW.ends_at
              AND kind <> NEW.kind AND owner_id <> NEW.owner_id AND NOT sanctioned"""

_SQLITE = (
    f"CREATE TABLE claims ({_CLAIM_COLUMNS})",
    *_CLAIM_INDEXES,
    *(
        f"""CREATE TRIGGER claims_no_overlap_{event} BEFORE {event} ON claims
        WHEN NOT NEW.sanctioned AND EXISTS ({_OVERLAPPED})
        BEGIN SELECT RAISE(ABORT, 'claims_no_overlap'); END"""
        for event in ("insert", "update")
    ),
)
