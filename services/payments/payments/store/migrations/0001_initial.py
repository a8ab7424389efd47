"""The tables of payments, and the guarantees about money that the database itself gives."""

from __future__ import annotations

from typing import Any

import peewee


def up(migrator: Any, db: Any) -> None:
    on_sqlite = isinstance(db, peewee.SqliteDatabase)
    for statement in (*_TABLES, *(_SQLITE_GUARDS if on_sqlite else _POSTGRESQL_GUARDS)):
        db.execute_sql(statement)


_TABLES = (
    # What other services told: the newest state of each subject, as far as deposits need it.
    """CREATE TABLE accounts (
        id TEXT PRIMARY KEY,
        version BIGINT NOT NULL,
        name TEXT NOT NULL,
        email TEXT NOT NULL,
        plan TEXT NOT NULL,
        country TEXT NOT NULL,
        timezone TEXT NOT NULL,
        currency TEXT NOT NULL,
        locale TEXT NOT NULL)""",
    """CREATE TABLE clients (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        name TEXT NOT NULL,
        email TEXT,
        merged_into TEXT,
        erased_at TIMESTAMPTZ)""",
    "CREATE INDEX clients_merged_into ON clients (merged_into) WHERE merged_into IS NOT NULL",
    """CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        client_id TEXT NOT NULL,
        service_name TEXT NOT NULL,
        starts_at TIMESTAMPTZ NOT NULL,
        status TEXT NOT NULL,
        source TEXT NOT NULL,
        terms TEXT,
        payment_url TEXT,
        cancellations TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL)""",
    "CREATE INDEX sessions_client ON sessions (account_id, client_id)",
    # The provider's own.
    """CREATE TABLE settings (
        account_id TEXT PRIMARY KEY,
        version BIGINT NOT NULL,
        policy TEXT NOT NULL,
        deposit_due_hours INTEGER NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL)""",
    """CREATE TABLE connections (
        account_id TEXT PRIMARY KEY,
        version BIGINT NOT NULL,
        country TEXT NOT NULL,
        dashboard TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        intended_at TIMESTAMPTZ NOT NULL,
        stripe_account TEXT UNIQUE,
        cut_off BOOLEAN NOT NULL,
        details_submitted BOOLEAN NOT NULL,
        charges_enabled BOOLEAN NOT NULL,
        payouts_enabled BOOLEAN NOT NULL,
        requirements TEXT NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL)""",
    # One deposit a session, for life.
    """CREATE TABLE deposits (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        session_id TEXT NOT NULL UNIQUE,
        client_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        status TEXT NOT NULL,
        reason TEXT,
        amount BIGINT NOT NULL CHECK (amount >= 0),
        held_amount BIGINT NOT NULL CHECK (held_amount >= 0),
        due_amount BIGINT NOT NULL CHECK (due_amount >= 0),
        refunded_amount BIGINT NOT NULL CHECK (refunded_amount >= 0),
        currency TEXT NOT NULL,
        payment_url TEXT,
        secret TEXT UNIQUE,
        policy TEXT,
        era INTEGER NOT NULL,
        asked_at TIMESTAMPTZ,
        remind_at TIMESTAMPTZ,
        release_at TIMESTAMPTZ,
        released_at TIMESTAMPTZ,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL)""",
    "CREATE INDEX deposits_account ON deposits (account_id, id)",
    "CREATE INDEX deposits_updated ON deposits (account_id, updated_at)",
    "CREATE INDEX deposits_client ON deposits (account_id, client_id)",
    "CREATE INDEX deposits_not_asked ON deposits (account_id) WHERE asked_at IS NULL",
    "CREATE INDEX deposits_remind ON deposits (remind_at) WHERE remind_at IS NOT NULL",
    "CREATE INDEX deposits_release ON deposits (release_at) WHERE release_at IS NOT NULL",
    """CREATE TABLE checkouts (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        deposit_id TEXT NOT NULL REFERENCES deposits (id),
        generation INTEGER NOT NULL,
        state TEXT NOT NULL,
        stripe_account TEXT NOT NULL,
        stripe_session TEXT UNIQUE,
        url TEXT,
        amount BIGINT NOT NULL CHECK (amount > 0),
        currency TEXT NOT NULL,
        charge_model TEXT NOT NULL,
        application_fee BIGINT NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        ending BOOLEAN NOT NULL,
        intended_at TIMESTAMPTZ NOT NULL,
        lease_until TIMESTAMPTZ,
        tries INTEGER NOT NULL,
        next_attempt_at TIMESTAMPTZ,
        UNIQUE (deposit_id, generation))""",
    "CREATE UNIQUE INDEX checkouts_one_live ON checkouts (deposit_id) WHERE state IN ('intended', 'open', 'processing')",
    "CREATE INDEX checkouts_due ON checkouts (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
    """CREATE TABLE payments (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        deposit_id TEXT NOT NULL REFERENCES deposits (id),
        kind TEXT NOT NULL CHECK (kind IN ('card', 'cash')),
        amount BIGINT NOT NULL CHECK (amount > 0),
        currency TEXT NOT NULL,
        stripe_account TEXT,
        payment_intent TEXT UNIQUE,
        charge TEXT UNIQUE,
        charge_model TEXT,
        application_fee BIGINT NOT NULL,
        dispute TEXT,
        dispute_status TEXT,
        received_at TIMESTAMPTZ NOT NULL)""",
    "CREATE INDEX payments_deposit ON payments (deposit_id)",
    # A refund is what was decided, once for each cause; its parts are what goes back along each payment.
    """CREATE TABLE refunds (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        deposit_id TEXT NOT NULL REFERENCES deposits (id),
        session_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        cause TEXT NOT NULL,
        cancellation_id TEXT,
        era INTEGER NOT NULL,
        status TEXT NOT NULL,
        pending_reason TEXT,
        amount BIGINT NOT NULL CHECK (amount >= 0),
        currency TEXT NOT NULL,
        percentage INTEGER,
        reason TEXT,
        failure TEXT,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        UNIQUE (deposit_id, cause),
        UNIQUE (deposit_id, cancellation_id))""",
    """CREATE TABLE refund_parts (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        refund_id TEXT NOT NULL REFERENCES refunds (id),
        deposit_id TEXT NOT NULL,
        payment_id TEXT NOT NULL REFERENCES payments (id),
        purse TEXT NOT NULL CHECK (purse IN ('held', 'surplus')),
        amount BIGINT NOT NULL CHECK (amount > 0),
        status TEXT NOT NULL,
        replaced BOOLEAN NOT NULL,
        stripe_refund TEXT UNIQUE,
        pending_reason TEXT,
        failure TEXT,
        attempt INTEGER NOT NULL,
        key_used_at TIMESTAMPTZ,
        key_spoilt BOOLEAN NOT NULL,
        unsure BOOLEAN NOT NULL,
        tries INTEGER NOT NULL,
        next_attempt_at TIMESTAMPTZ,
        traceparent TEXT,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL)""",
    "CREATE INDEX refund_parts_refund ON refund_parts (refund_id)",
    "CREATE INDEX refund_parts_deposit ON refund_parts (deposit_id)",
    "CREATE INDEX refund_parts_payment ON refund_parts (payment_id)",
    "CREATE INDEX refund_parts_due ON refund_parts (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
    # Double entry: a row takes from one purse and gives the same to another, so the whole always balances.
    """CREATE TABLE ledger (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        deposit_id TEXT NOT NULL REFERENCES deposits (id),
        payment_id TEXT NOT NULL REFERENCES payments (id),
        refund_part_id TEXT REFERENCES refund_parts (id),
        kind TEXT NOT NULL,
        era INTEGER NOT NULL,
        taken_from TEXT NOT NULL CHECK (taken_from IN ('client', 'cash', 'held', 'surplus', 'disputed')),
        given_to TEXT NOT NULL CHECK (given_to IN ('client', 'cash', 'held', 'surplus', 'disputed')),
        amount BIGINT NOT NULL CHECK (amount > 0),
        currency TEXT NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        recorded_at TIMESTAMPTZ NOT NULL,
        CHECK (taken_from <> given_to))""",
    "CREATE INDEX ledger_deposit ON ledger (deposit_id)",
    "CREATE INDEX ledger_payment ON ledger (payment_id)",
    # Stripe's webhooks as they came; the body goes once it was processed.
    """CREATE TABLE webhooks (
        id TEXT PRIMARY KEY,
        account_id TEXT,
        stripe_account TEXT,
        type TEXT NOT NULL,
        object_id TEXT,
        body TEXT,
        state TEXT NOT NULL,
        tries INTEGER NOT NULL,
        error TEXT,
        traceparent TEXT,
        received_at TIMESTAMPTZ NOT NULL,
        next_attempt_at TIMESTAMPTZ)""",
    "CREATE INDEX webhooks_due ON webhooks (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
    "CREATE INDEX webhooks_received ON webhooks (received_at)",
)

_SQLITE_GUARDS = (
    "CREATE TRIGGER ledger_is_never_edited BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is never edited'); END",
    "CREATE TRIGGER ledger_is_never_deleted BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is never edited'); END",
    """CREATE TRIGGER ledger_is_never_overdrawn BEFORE INSERT ON ledger WHEN NEW.taken_from IN ('held', 'surplus', 'disputed')
       BEGIN
           SELECT RAISE(ABORT, 'more would leave than is there') WHERE NEW.amount >
               (SELECT coalesce(sum(CASE WHEN given_to = NEW.taken_from THEN amount WHEN taken_from = NEW.taken_from THEN -amount ELSE 0 END), 0)
                FROM ledger WHERE payment_id = NEW.payment_id);
       END""",
    *(
        f"""CREATE TRIGGER refunds_never_exceed_payments_{name} BEFORE {event} ON refund_parts WHEN NEW.status NOT IN ('failed', 'canceled')
            BEGIN
                SELECT RAISE(ABORT, 'refunds would exceed what was paid') WHERE NEW.amount +
                    (SELECT coalesce(sum(amount), 0) FROM refund_parts
                     WHERE payment_id = NEW.payment_id AND status NOT IN ('failed', 'canceled') AND id <> NEW.id)
                    > (SELECT amount FROM payments WHERE id = NEW.payment_id);
            END"""
        for name, event in (("insert", "INSERT"), ("update", "UPDATE OF amount, status, payment_id"))
    ),
)

_POSTGRESQL_GUARDS = (
    """CREATE FUNCTION ledger_is_never_edited() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
           RAISE EXCEPTION 'the ledger is never edited' USING ERRCODE = 'restrict_violation';
       END $$""",
    """CREATE TRIGGER ledger_is_never_edited BEFORE UPDATE OR DELETE ON ledger
       FOR EACH ROW EXECUTE FUNCTION ledger_is_never_edited()""",
    # The payment's row is locked, so that two who take from it at once see each other.
    """CREATE FUNCTION ledger_is_never_overdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
           PERFORM 1 FROM payments WHERE id = NEW.payment_id FOR UPDATE;
           IF NEW.amount > (SELECT coalesce(sum(CASE WHEN given_to = NEW.taken_from THEN amount WHEN taken_from = NEW.taken_from THEN -amount
                                                ELSE 0 END), 0) FROM ledger WHERE payment_id = NEW.payment_id) THEN
               RAISE EXCEPTION 'more would leave than is there' USING ERRCODE = 'check_violation';
           END IF;
           RETURN NEW;
       END $$""",
    """CREATE TRIGGER ledger_is_never_overdrawn BEFORE INSERT ON ledger FOR EACH ROW
       WHEN (NEW.taken_from IN ('held', 'surplus', 'disputed')) EXECUTE FUNCTION ledger_is_never_overdrawn()""",
    """CREATE FUNCTION refunds_never_exceed_payments() RETURNS trigger LANGUAGE plpgsql AS $$
       DECLARE paid BIGINT;
       BEGIN
           SELECT amount INTO paid FROM payments WHERE id = NEW.payment_id FOR UPDATE;
           IF NEW.amount + (SELECT coalesce(sum(amount), 0) FROM refund_parts
                            WHERE payment_id = NEW.payment_id AND status NOT IN ('failed', 'canceled') AND id <> NEW.id) > paid THEN
               RAISE EXCEPTION 'refunds would exceed what was paid' USING ERRCODE = 'check_violation';
           END IF;
           RETURN NEW;
       END $$""",
    """CREATE TRIGGER refunds_never_exceed_payments BEFORE INSERT OR UPDATE OF amount, status, payment_id ON refund_parts FOR EACH ROW
       WHEN (NEW.status NOT IN ('failed', 'canceled')) EXECUTE FUNCTION refunds_never_exceed_payments()""",
)
