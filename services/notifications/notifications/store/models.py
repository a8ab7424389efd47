"""The tables as peewee sees them; the migrations have the last word on what they are."""

from __future__ import annotations

from typing import Any

from peewee import BigIntegerField, BooleanField, CompositeKey, DatabaseProxy, IntegerField, Model, TextField

from chassis.columns import JsonField, UtcDateTimeField
from notifications.domain.kinds import Channel

database = DatabaseProxy()


class Base(Model):
    class Meta:
        database = database
        legacy_table_names = False

    def as_dict(self) -> dict[str, Any]:
        """Its columns by name."""
        return dict(self.__data__)


class Account(Base):
    id = TextField(primary_key=True)
    account_id = TextField()
    version = BigIntegerField()
    name = TextField()
    email = TextField()
    plan = TextField()
    timezone = TextField()
    locale = TextField()

    class Meta:
        table_name = "accounts"


class SessionType(Base):
    """A service of the domain: what kinds of session the account offers."""

    id = TextField(primary_key=True)
    account_id = TextField()
    version = BigIntegerField()
    name = TextField()
    active = BooleanField()

    class Meta:
        table_name = "services"


class Client(Base):
    id = TextField(primary_key=True)
    account_id = TextField()
    version = BigIntegerField()
    name = TextField()
    email = TextField(null=True)
    phone = TextField(null=True)
    locale = TextField(null=True)
    timezone = TextField(null=True)
    email_allowed = BooleanField()
    sms_allowed = BooleanField()
    deleted = BooleanField()
    merged_into = TextField(null=True)
    erased_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "clients"

    def allows(self, channel: str) -> bool:
        """Whether the record lets the client be written to by this channel."""
        return bool(self.email_allowed if channel == Channel.EMAIL else self.sms_allowed)


class Session(Base):
    id = TextField(primary_key=True)
    account_id = TextField()
    version = BigIntegerField()
    client_id = TextField()
    service_id = TextField()
    service_name = TextField()
    calendar_id = TextField()
    starts_at = UtcDateTimeField()
    ends_at = UtcDateTimeField()
    timezone = TextField()
    status = TextField()
    notes = TextField()
    client_message = TextField()
    price = JsonField(null=True)
    deposit = JsonField(null=True)
    payment_url = TextField(null=True)
    manage_url = TextField(null=True)
    source = TextField()
    series_id = TextField(null=True)
    cancellations = JsonField()
    filled_to = BigIntegerField()

    class Meta:
        table_name = "sessions"


class BatchMember(Base):
    """A session that an act has changed together with others; the times of it that were told with them, and whether its payment link was."""

    batch_id = TextField()
    session_id = TextField()
    cancellation_id = TextField(null=True)
    told_starts_at = UtcDateTimeField(null=True)
    told_ends_at = UtcDateTimeField(null=True)
    told_link = BooleanField(null=True)

    class Meta:
        table_name = "batch_members"
        primary_key = CompositeKey("batch_id", "session_id")


class Deposit(Base):
    id = TextField(primary_key=True)
    account_id = TextField()
    version = BigIntegerField()
    session_id = TextField()
    client_id = TextField()
    status = TextField()
    reason = TextField(null=True)
    amount = BigIntegerField()
    held_amount = BigIntegerField()
    due_amount = BigIntegerField()
    refunded_amount = BigIntegerField()
    currency = TextField()
    payment_url = TextField(null=True)
    held = JsonField()
    filled_to = BigIntegerField()

    class Meta:
        table_name = "deposits"


class Refund(Base):
    id = TextField(primary_key=True)
    account_id = TextField()
    version = BigIntegerField()
    deposit_id = TextField()
    session_id = TextField()
    cancellation_id = TextField(null=True)
    status = TextField()
    amount = BigIntegerField()
    currency = TextField()
    percentage = IntegerField(null=True)
    reason = TextField(null=True)
    failure = TextField(null=True)

    class Meta:
        table_name = "refunds"


class Preference(Base):
    account_id = TextField(primary_key=True)
    version = BigIntegerField()
    data = JsonField()
    updated_at = UtcDateTimeField()

    class Meta:
        table_name = "preferences"


class Template(Base):
    """An account's own version; one that was removed keeps its row, so that its version goes on growing."""

    account_id = TextField()
    kind = TextField()
    channel = TextField()
    locale = TextField()
    version = BigIntegerField()
    subject = TextField()
    text = TextField()
    html = TextField()
    removed = BooleanField()
    updated_at = UtcDateTimeField()

    class Meta:
        table_name = "templates"
        primary_key = CompositeKey("account_id", "kind", "channel", "locale")


class Replan(Base):
    account_id = TextField(primary_key=True)
    requested_at = UtcDateTimeField()
    after_session = TextField()

    class Meta:
        table_name = "replans"


class Wish(Base):
    client_id = TextField()
    channel = TextField()
    account_id = TextField()
    allowed = BooleanField()
    at = UtcDateTimeField()

    class Meta:
        table_name = "wishes"
        primary_key = CompositeKey("client_id", "channel")


class StoppedNumber(Base):
    number_digest = TextField(primary_key=True)
    at = UtcDateTimeField()

    class Meta:
        table_name = "stopped_numbers"


class SmsUsage(Base):
    account_id = TextField()
    month = TextField()
    used = IntegerField()

    class Meta:
        table_name = "sms_usage"
        primary_key = CompositeKey("account_id", "month")


class Reminder(Base):
    id = TextField(primary_key=True)
    account_id = TextField()
    session_id = TextField()
    client_id = TextField()
    kind = TextField()
    channel = TextField()
    starts_at = UtcDateTimeField()
    due_at = UtcDateTimeField()
    status = TextField()
    reason = TextField(null=True)
    delivery_id = TextField(null=True)
    updated_at = UtcDateTimeField()

    class Meta:
        table_name = "reminders"


class Delivery(Base):
    id = TextField(primary_key=True)
    account_id = TextField()
    key = TextField()
    version = BigIntegerField()
    kind = TextField()
    channel = TextField()
    session_id = TextField()
    client_id = TextField()
    batch_id = TextField(null=True)
    batch_size = IntegerField(null=True)
    cancellation_id = TextField(null=True)
    deposit_id = TextField(null=True)
    refund_id = TextField(null=True)
    reminder_id = TextField(null=True)
    resend_of = TextField(null=True)
    sequence = BigIntegerField()
    due_at = UtcDateTimeField()
    waits = BooleanField()
    status = TextField()
    reason = TextField(null=True)
    error = TextField(null=True)
    attempts = IntegerField()
    next_attempt_at = UtcDateTimeField(null=True)
    lease_until = UtcDateTimeField(null=True)
    claim = TextField(null=True)
    attempted_at = UtcDateTimeField(null=True)
    text_digest = TextField(null=True)
    address = TextField(null=True)
    provider_id = TextField(null=True)
    sent_at = UtcDateTimeField(null=True)
    told_starts_at = UtcDateTimeField(null=True)
    told_ends_at = UtcDateTimeField(null=True)
    told_link = BooleanField(null=True)
    unless_told = BooleanField()
    slot_at = UtcDateTimeField(null=True)
    segments = IntegerField(null=True)
    created_at = UtcDateTimeField()
    updated_at = UtcDateTimeField()

    class Meta:
        table_name = "deliveries"
