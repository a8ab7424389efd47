"""The tables as peewee models. Migrations, not these, say what the database looks like."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from peewee import BigIntegerField, BooleanField, DatabaseProxy, IntegerField, Model, TextField

from chassis.columns import JsonField, UtcDateTimeField

database = DatabaseProxy()


class CheckoutState(StrEnum):
    INTENDED = "intended"  # the page may exist at Stripe: its key says which it is
    OPEN = "open"
    PROCESSING = "processing"  # done by the client, not confirmed by the bank
    COMPLETE = "complete"
    EXPIRED = "expired"
    FAILED = "failed"


class PartStatus(StrEnum):
    """`planned` is ours alone; the others are Stripe's words."""

    PLANNED = "planned"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class WebhookState(StrEnum):
    STORED = "stored"
    DONE = "done"
    UNKNOWN = "unknown"  # of an account that is not connected here: kept, not acted upon
    FAILED = "failed"


class Purse(StrEnum):
    """Where money is: with the client, in the provider's till, held as deposit, paid too much, or taken back by the client's bank."""

    CLIENT = "client"
    CASH = "cash"
    HELD = "held"
    SURPLUS = "surplus"
    DISPUTED = "disputed"


class Entry(StrEnum):
    CHARGE = "charge"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    DISPUTE = "dispute"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LESS = "dispute_less"  # what a refund had sent back before the dispute, and was heard of after it


class Base(Model):
    id: Any = TextField(primary_key=True)
    account_id: Any = TextField()

    class Meta:
        database = database
        legacy_table_names = False


class Account(Base):
    account_id: Any = None  # an account is its own
    version: Any = BigIntegerField()
    name: Any = TextField()
    email: Any = TextField()
    plan: Any = TextField()
    country: Any = TextField()
    timezone: Any = TextField()
    currency: Any = TextField()
    locale: Any = TextField()

    class Meta:
        table_name = "accounts"


class Client(Base):
    version: Any = BigIntegerField()
    name: Any = TextField()
    email: Any = TextField(null=True)
    merged_into: Any = TextField(null=True)
    erased_at: Any = UtcDateTimeField(null=True)

    class Meta:
        table_name = "clients"


class Session(Base):
    version: Any = BigIntegerField()
    client_id: Any = TextField()
    service_name: Any = TextField()
    starts_at: Any = UtcDateTimeField()
    status: Any = TextField()
    source: Any = TextField()
    terms: Any = JsonField(null=True)
    payment_url: Any = TextField(null=True)
    cancellations: Any = JsonField()
    created_at: Any = UtcDateTimeField()
    settled_version: Any = BigIntegerField(default=0)
    """The version if the deposit was settled by what is kept here; another after a snapshot, which triggers nothing."""

    class Meta:
        table_name = "sessions"


class Settings(Base):
    id: Any = None
    account_id: Any = TextField(primary_key=True)
    version: Any = BigIntegerField()
    policy: Any = JsonField()
    deposit_due_hours: Any = IntegerField()
    updated_at: Any = UtcDateTimeField()

    class Meta:
        table_name = "settings"


class Connection(Base):
    """The provider's account at Stripe; `attempt` numbers the idempotency keys with which it was asked for."""

    id: Any = None
    account_id: Any = TextField(primary_key=True)
    version: Any = BigIntegerField()
    country: Any = TextField()
    dashboard: Any = TextField()
    attempt: Any = IntegerField()
    intended_at: Any = UtcDateTimeField()
    stripe_account: Any = TextField(null=True, unique=True)
    cut_off: Any = BooleanField()
    details_submitted: Any = BooleanField()
    charges_enabled: Any = BooleanField()
    payouts_enabled: Any = BooleanField()
    requirements: Any = JsonField()
    capabilities: Any = JsonField(default=dict)
    updated_at: Any = UtcDateTimeField()

    class Meta:
        table_name = "connections"


class Deposit(Base):
    """Its status and amounts are what `domain.standing` made of the facts when something changed last; `era` counts the restores."""

    session_id: Any = TextField(unique=True)
    client_id: Any = TextField()
    version: Any = BigIntegerField()
    status: Any = TextField()
    reason: Any = TextField(null=True)
    amount: Any = BigIntegerField()
    held_amount: Any = BigIntegerField()
    due_amount: Any = BigIntegerField()
    refunded_amount: Any = BigIntegerField()
    currency: Any = TextField()
    payment_url: Any = TextField(null=True)
    secret: Any = TextField(null=True)
    policy: Any = JsonField(null=True)
    era: Any = IntegerField()
    asked_at: Any = UtcDateTimeField(null=True)
    remind_at: Any = UtcDateTimeField(null=True)
    release_at: Any = UtcDateTimeField(null=True)
    released_at: Any = UtcDateTimeField(null=True)
    pay_by: Any = UtcDateTimeField(null=True)
    """The first `release_at`, as it is told; None once the slot will not be released"""
    created_at: Any = UtcDateTimeField()
    updated_at: Any = UtcDateTimeField()

    class Meta:
        table_name = "deposits"


class Checkout(Base):
    deposit_id: Any = TextField()
    generation: Any = IntegerField()
    state: Any = TextField()
    stripe_account: Any = TextField()
    stripe_session: Any = TextField(null=True)
    url: Any = TextField(null=True)
    amount: Any = BigIntegerField()
    currency: Any = TextField()
    charge_model: Any = TextField()
    application_fee: Any = BigIntegerField()
    expires_at: Any = UtcDateTimeField()
    ending: Any = BooleanField()
    intended_at: Any = UtcDateTimeField()
    lease_until: Any = UtcDateTimeField(null=True)
    tries: Any = IntegerField()
    next_attempt_at: Any = UtcDateTimeField(null=True)

    class Meta:
        table_name = "checkouts"

    @property
    def key(self) -> str:
        """Its idempotency key at Stripe: the same generation is the same page, whoever asks."""
        return f"checkout:{self.deposit_id}:{self.generation}"


class Payment(Base):
    deposit_id: Any = TextField()
    kind: Any = TextField()
    amount: Any = BigIntegerField()
    currency: Any = TextField()
    stripe_account: Any = TextField(null=True)
    payment_intent: Any = TextField(null=True)
    charge: Any = TextField(null=True, unique=True)
    charge_model: Any = TextField(null=True)
    application_fee: Any = BigIntegerField()
    dispute: Any = TextField(null=True)
    dispute_status: Any = TextField(null=True)
    disputed_at: Any = UtcDateTimeField(null=True)
    lost_amount: Any = BigIntegerField(default=0)
    """What disputes before this one have lost."""
    received_at: Any = UtcDateTimeField()

    class Meta:
        table_name = "payments"


class Refund(Base):
    """What was decided to go back, once for each `cause`."""

    deposit_id: Any = TextField()
    session_id: Any = TextField()
    version: Any = BigIntegerField()
    cause: Any = TextField()
    cancellation_id: Any = TextField(null=True)
    era: Any = IntegerField()
    status: Any = TextField()
    pending_reason: Any = TextField(null=True)
    amount: Any = BigIntegerField()
    currency: Any = TextField()
    percentage: Any = IntegerField(null=True)
    reason: Any = TextField(null=True)
    failure: Any = TextField(null=True)
    created_at: Any = UtcDateTimeField()
    updated_at: Any = UtcDateTimeField()

    class Meta:
        table_name = "refunds"


class RefundPart(Base):
    """The share of a refund that goes back along one payment: one refund at Stripe. One that failed is `replaced` when it is tried again."""

    refund_id: Any = TextField()
    deposit_id: Any = TextField()
    payment_id: Any = TextField()
    purse: Any = TextField()
    amount: Any = BigIntegerField()
    status: Any = TextField()
    replaced: Any = BooleanField()
    stripe_refund: Any = TextField(null=True)
    pending_reason: Any = TextField(null=True)
    failure: Any = TextField(null=True)
    attempt: Any = IntegerField()
    key_used_at: Any = UtcDateTimeField(null=True)
    key_spoilt: Any = BooleanField()
    unsure: Any = BooleanField()
    tries: Any = IntegerField()
    next_attempt_at: Any = UtcDateTimeField(null=True)
    traceparent: Any = TextField(null=True)  # of the cancellation, so that it and its refund are one trace
    created_at: Any = UtcDateTimeField()
    updated_at: Any = UtcDateTimeField()

    class Meta:
        table_name = "refund_parts"
        # Who claims a part and who settles it write different columns.
        only_save_dirty = True

    @property
    def key(self) -> str:
        """Its idempotency key at Stripe, a new one for each `attempt` number."""
        return f"refund:{self.id}:{self.attempt}"


class LedgerEntry(Base):
    deposit_id: Any = TextField()
    payment_id: Any = TextField()
    refund_part_id: Any = TextField(null=True)
    kind: Any = TextField()
    era: Any = IntegerField()
    taken_from: Any = TextField()
    given_to: Any = TextField()
    amount: Any = BigIntegerField()
    currency: Any = TextField()
    at: Any = UtcDateTimeField()
    recorded_at: Any = UtcDateTimeField()

    class Meta:
        table_name = "ledger"


class Webhook(Base):
    account_id: Any = TextField(null=True)
    stripe_account: Any = TextField(null=True)
    type: Any = TextField()
    object_id: Any = TextField(null=True)
    body: Any = TextField(null=True)
    state: Any = TextField()
    tries: Any = IntegerField()
    error: Any = TextField(null=True)
    traceparent: Any = TextField(null=True)
    received_at: Any = UtcDateTimeField()
    next_attempt_at: Any = UtcDateTimeField(null=True)

    class Meta:
        table_name = "webhooks"


class Reconciliation(Base):
    """When one place where charges live is compared with Stripe next: a connected account, or `platform`."""

    id: Any = None
    account_id: Any = None
    home: Any = TextField(primary_key=True)
    next_at: Any = UtcDateTimeField()
    lease_until: Any = UtcDateTimeField(null=True)
    done_until: Any = UtcDateTimeField(null=True)
    trouble: Any = TextField(null=True)

    class Meta:
        table_name = "reconciliations"


class Difference(Base):
    """Something that Stripe and we tell differently. It is settled once it was repaired, or is not found any more."""

    account_id: Any = TextField(null=True)
    home: Any = TextField()
    kind: Any = TextField()
    subject: Any = TextField()
    payment_intent: Any = TextField(null=True)
    deposit_id: Any = TextField(null=True)
    ours: Any = TextField(null=True)
    theirs: Any = TextField(null=True)
    repaired: Any = BooleanField()
    first_seen_at: Any = UtcDateTimeField()
    last_seen_at: Any = UtcDateTimeField()
    settled_at: Any = UtcDateTimeField(null=True)

    class Meta:
        table_name = "differences"
