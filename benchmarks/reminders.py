"""Planned reminders by the thousand, written by SQL as planning writes them: what sending and claiming are measured with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

import psycopg

from benchmarks.ground import Ground

ACCOUNTS = 20
_LEAD = timedelta(hours=24)
_STATEMENTS = (
    """INSERT INTO accounts (id, account_id, version, name, email, plan, timezone, locale)
       SELECT 'acc_' || n, 'acc_' || n, 1, 'Praxis ' || n, 'p' || n || '@praxis.example', 'max', 'Europe/Berlin', 'en-GB'
       FROM generate_series(0, %(accounts)s - 1) AS n ON CONFLICT DO NOTHING""",
    """INSERT INTO preferences (account_id, version, data, updated_at)
       SELECT id, 1, %(settings)s, now() FROM accounts ON CONFLICT DO NOTHING""",
    """INSERT INTO clients (id, account_id, version, name, email, phone, email_allowed, sms_allowed, deleted)
       SELECT 'cli_' || n, 'acc_' || n %% %(accounts)s, 1, 'Client ' || n, 'c' || n || '@client.example', '+4917' || lpad(n::text, 8, '0'),
              TRUE, TRUE, FALSE
       FROM generate_series(%(first)s::int, %(first)s::int + %(count)s::int - 1) AS n""",
    """INSERT INTO sessions (id, account_id, version, client_id, service_id, service_name, calendar_id, starts_at, ends_at, timezone, status,
              notes, client_message, source, cancellations, filled_to)
       SELECT 'ses_' || n, 'acc_' || n %% %(accounts)s, 1, 'cli_' || n, 'svc_1', 'Coaching', 'cal_1', at.starts, at.starts + interval '1 hour',
              'Europe/Berlin', 'confirmed', '', '', 'manual', '[]', 0
       FROM generate_series(%(first)s::int, %(first)s::int + %(count)s::int - 1) AS n,
            LATERAL (SELECT %(starts_at)s::timestamptz + (n - %(first)s::int) * %(apart)s::interval AS starts) AS at""",
    """INSERT INTO reminders (id, account_id, session_id, client_id, kind, channel, starts_at, due_at, status, updated_at)
       SELECT 'rem_' || %(channel)s || substr(id, 5), account_id, id, client_id, 'reminder_24h', %(channel)s, starts_at,
              starts_at - interval '24 hours', 'planned', now()
       FROM sessions WHERE substr(id, 5)::int BETWEEN %(first)s::int AND %(first)s::int + %(count)s::int - 1""",
)


def environment(ground: Ground, provider: str) -> dict[str, str]:
    """What the processes of notifications are told; texts go to `provider`."""
    return {
        **ground.settings(ground.broker.vhost(), ground.postgres.database()),
        "SMTP_URL": "smtp://127.0.0.1:1",
        "MAIL_FROM": "bookings@timeblu.example",
        "TWILIO_ACCOUNT_SID": "AC" + "3" * 32,
        "TWILIO_AUTH_TOKEN": "4" * 32,
        "TWILIO_API_BASE": provider,
        "TWILIO_FROM": "+15005550006",
        "ACCOUNT_MESSAGES_PER_SECOND": "0",
        "STORE_POOL_SIZE": "40",
        "LOG_LEVEL": "WARNING",
    }


def plan(store_url: str, *, first: int, count: int, due_at: datetime, apart: timedelta = timedelta(0)) -> None:
    """`count` sessions numbered from `first`, each with a reminder by SMS that is due `apart` after the one before, the first at `due_at`."""
    values: Mapping[str, object] = {
        "accounts": ACCOUNTS,
        "settings": json.dumps({"sms": {"quota": 1_000_000}}),
        "first": first,
        "count": count,
        "starts_at": due_at + _LEAD,
        "apart": apart,
        "channel": "sms",
    }
    with psycopg.connect(store_url) as connection:
        for statement in _STATEMENTS:
            connection.execute(statement, values)
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


class Deliveries:
    """Looks at what became of them."""

    def __init__(self, store_url: str) -> None:
        self._connection = psycopg.connect(store_url, autocommit=True)

    def count(self, status: str) -> int:
        found = self._connection.execute("SELECT count(*) FROM deliveries WHERE status = %s", (status,)).fetchone()
        return int(found[0]) if found else 0

    def handed_over(self) -> int:
        """How many are on the queue, or were."""
        found = self._connection.execute(
            "SELECT count(*) FROM outbox WHERE queue = 'notifications.sms' AND published_at IS NOT NULL"
        ).fetchone()
        return int(found[0]) if found else 0

    def rate(self, skip: int) -> float:
        """How many a second were sent, without the first `skip`."""
        found = self._connection.execute(
            """SELECT count(*) - 1, extract(epoch FROM max(sent_at) - min(sent_at)) FROM
               (SELECT sent_at FROM deliveries WHERE status = 'sent' ORDER BY sent_at OFFSET %s) AS counted""",
            (skip,),
        ).fetchone()
        assert found is not None
        return float(found[0] / found[1])

    def close(self) -> None:
        self._connection.close()
