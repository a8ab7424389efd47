"""Series, their occurrences, and events: blocked time."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    for statement in _STATEMENTS:
        db.execute_sql(statement)


_STATEMENTS = (
    # `starts_wall`, `wall` and `made_until` are wall times in `timezone`; `shift` is in microseconds.
    """CREATE TABLE series (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('session', 'event')),
        client_id TEXT,
        template TEXT NOT NULL,
        rrule TEXT NOT NULL,
        starts_wall TEXT NOT NULL,
        timezone TEXT NOT NULL,
        shift BIGINT NOT NULL,
        made_until TEXT NOT NULL,
        extend_at TIMESTAMPTZ,
        retired_at TIMESTAMPTZ,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL)""",
    "CREATE INDEX series_by_account ON series (account_id, id)",
    "CREATE INDEX series_by_change ON series (account_id, updated_at, id)",
    "CREATE INDEX series_by_client ON series (client_id) WHERE client_id IS NOT NULL",
    "CREATE INDEX series_to_extend ON series (extend_at) WHERE extend_at IS NOT NULL",
    # An occurrence is made once, whoever makes it; one that was skipped stays skipped.
    """CREATE TABLE occurrences (
        series_id TEXT NOT NULL,
        wall TEXT NOT NULL,
        account_id TEXT NOT NULL,
        member_id TEXT,
        conflicts TEXT NOT NULL,
        PRIMARY KEY (series_id, wall))""",
    "CREATE UNIQUE INDEX occurrences_by_member ON occurrences (member_id) WHERE member_id IS NOT NULL",
    """CREATE TABLE blocked_times (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        title TEXT NOT NULL,
        notes TEXT NOT NULL,
        calendar_id TEXT NOT NULL REFERENCES calendars (id),
        starts_at TIMESTAMPTZ NOT NULL,
        ends_at TIMESTAMPTZ NOT NULL,
        all_day BOOLEAN NOT NULL,
        series_id TEXT,
        retired_at TIMESTAMPTZ,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        CHECK (ends_at > starts_at))""",
    "CREATE INDEX blocked_times_by_start ON blocked_times (account_id, starts_at, id)",
    "CREATE INDEX blocked_times_by_end ON blocked_times (account_id, ends_at)",
    "CREATE INDEX blocked_times_by_change ON blocked_times (account_id, updated_at, id)",
    """CREATE TABLE blocked_time_history (
        blocked_time_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        account_id TEXT NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        changes TEXT NOT NULL,
        reason TEXT,
        PRIMARY KEY (blocked_time_id, version))""",
    # When the deposit of a session in a series is asked; null once it was, or where none is.
    "ALTER TABLE sessions ADD COLUMN ask_deposit_at TIMESTAMPTZ",
    """CREATE INDEX sessions_to_ask ON sessions (ask_deposit_at)
        WHERE ask_deposit_at IS NOT NULL AND status IN ('pending', 'confirmed')""",
)
