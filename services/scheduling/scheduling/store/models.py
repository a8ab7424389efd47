"""The tables of scheduling as peewee sees them; migrations make them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from peewee import BigIntegerField, BooleanField, CompositeKey, DatabaseProxy, IntegerField, Model, TextField

from chassis.columns import JsonField, UtcDateTimeField
from contracts.money import Money
from contracts.plans import PLANS, Plan, PlanTerms
from contracts.sessions import RefundDecision, SessionStatus
from scheduling.domain.booking import BookingRules
from scheduling.domain.deposits import DepositTerms, SessionDeposit
from scheduling.domain.hours import WorkingHours
from scheduling.domain.recurrence import Rule
from scheduling.domain.regions import zone

database = DatabaseProxy()


def _money(amount: int | None, currency: str | None) -> Money | None:
    return None if amount is None or currency is None else Money(amount=amount, currency=currency)


def draw_token() -> str:
    """A text that nobody can guess and that fits into a URL."""
    return secrets.token_urlsafe(24)


class WallField(TextField):
    """A naive time, as the clocks of some timezone show it."""

    def db_value(self, value: datetime | str | None) -> str | None:
        return value.isoformat() if isinstance(value, datetime) else value

    def python_value(self, value: Any) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class Base(Model):
    class Meta:
        database = database
        legacy_table_names = False
        only_save_dirty = True


class Account(Base):
    """A provider; its id is its platform's own."""

    id = TextField(primary_key=True)
    version = IntegerField()
    name = TextField()
    email = TextField()
    username = TextField()
    plan = TextField()
    timezone = TextField()
    currency = TextField()
    locale = TextField()
    country = TextField()
    booking = JsonField()
    created_at = UtcDateTimeField()
    updated_at = UtcDateTimeField()

    class Meta:
        table_name = "accounts"

    @property
    def zone(self) -> ZoneInfo:
        return zone(self.timezone)

    @property
    def terms(self) -> PlanTerms:
        return PLANS[Plan(self.plan)]

    @property
    def rules(self) -> BookingRules:
        return BookingRules.read(self.booking)


class SessionType(Base):
    """What the API calls a service."""

    id = TextField(primary_key=True)
    account_id = TextField()
    version = IntegerField()
    name = TextField()
    description = TextField()
    duration_minutes = IntegerField()
    buffer_before_minutes = IntegerField()
    buffer_after_minutes = IntegerField()
    price_amount = IntegerField(null=True)
    price_currency = TextField(null=True)
    deposit = JsonField(null=True)
    color = TextField()
    online = BooleanField()
    active = BooleanField()
    calendar_ids = JsonField()
    auto_assign = BooleanField()
    retired_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField()
    updated_at = UtcDateTimeField()

    class Meta:
        table_name = "session_types"

    @property
    def price(self) -> Money | None:
        return _money(self.price_amount, self.price_currency)

    def offered_on(self, calendar_id: str) -> bool:
        """Whether the calendar offers it; one that names none is offered on all."""
        return not self.calendar_ids or calendar_id in self.calendar_ids

    @property
    def deposit_terms(self) -> DepositTerms | None:
        return DepositTerms.read(self.deposit)


class Calendar(Base):
    """`feed_token` is what opens its feed; blank is nothing that does."""

    id = TextField(primary_key=True)
    account_id = TextField()
    version = IntegerField()
    name = TextField()
    color = TextField()
    working_hours = JsonField()
    overrides = JsonField()
    is_default = BooleanField()
    feed_token = TextField(default=draw_token)
    retired_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField()
    updated_at = UtcDateTimeField()

    class Meta:
        table_name = "calendars"

    @property
    def hours(self) -> WorkingHours:
        return WorkingHours.read(self.working_hours, self.overrides)


class Client(Base):
    """A replica of what the clients service told last, enough to book and to find sessions by."""

    id = TextField(primary_key=True)
    account_id = TextField()
    version = IntegerField()
    name = TextField()
    email = TextField(null=True)
    phone = TextField(null=True)
    search = TextField()
    deleted = BooleanField()
    merged_into = TextField(null=True)
    erased = BooleanField()
    created_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "clients"


class Session(Base):
    """An appointment. `status_before` is what a cancelled one was; the buffers are the type's when it was booked.

    `confirm_due_at` is `auto_confirm_at` while nothing holds that back.
    `ask_deposit_at` is when the deposit of one in a series is asked, None once it was or where there is none.
    """

    id = TextField(primary_key=True)
    account_id = TextField()
    version = IntegerField()
    client_id = TextField()
    service_id = TextField()
    calendar_id = TextField()
    starts_at = UtcDateTimeField()
    ends_at = UtcDateTimeField()
    duration_minutes = IntegerField()
    buffer_before_minutes = IntegerField()
    buffer_after_minutes = IntegerField()
    status = TextField()
    status_before = TextField(null=True)
    outside_hours = BooleanField()
    notes = TextField()
    session_notes = TextField()
    client_message = TextField()
    auto_confirm_at = UtcDateTimeField(null=True)
    confirm_due_at = UtcDateTimeField(null=True)
    price_amount = IntegerField(null=True)
    price_currency = TextField(null=True)
    deposit = JsonField(null=True)
    deposit_version = IntegerField()
    payment_secret = TextField(null=True)
    pay_by = UtcDateTimeField(null=True)
    ask_deposit_at = UtcDateTimeField(null=True)
    source = TextField()
    series_id = TextField(null=True)
    created_at = UtcDateTimeField()
    updated_at = UtcDateTimeField()

    class Meta:
        table_name = "sessions"

    @property
    def state(self) -> SessionStatus:
        return SessionStatus(self.status)

    @property
    def price(self) -> Money | None:
        return _money(self.price_amount, self.price_currency)

    @property
    def its_deposit(self) -> SessionDeposit | None:
        return SessionDeposit.read(self.deposit)

    def started(self, now: datetime) -> bool:
        return bool(self.starts_at <= now)


class Cancellation(Base):
    """One cancellation of a session. `answered`: payments has said what became of the deposit since."""

    id = TextField(primary_key=True)
    account_id = TextField()
    session_id = TextField()
    at = UtcDateTimeField()
    by = TextField(column_name="cancelled_by")
    reason = TextField(null=True)
    starts_at = UtcDateTimeField()
    refund = TextField(null=True)
    quote = JsonField(null=True)
    answered = BooleanField()
    restored_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "cancellations"

    @property
    def awaits_refund(self) -> bool:
        return self.refund == RefundDecision.REFUND and not self.answered


class Change(Base):
    """Who did what to a session, and what it changed: one row a version, never with the text of private notes."""

    session_id = TextField()
    version = IntegerField()
    account_id = TextField()
    at = UtcDateTimeField()
    actor = TextField()
    action = TextField()
    changes = JsonField()
    reason = TextField(null=True)

    class Meta:
        table_name = "session_history"
        primary_key = False


class Hold(Base):
    """A slot kept until `expires_at`, unless it ended before: given back, or booked by `session_id`. Its buffers are the type's when it was made."""

    id = TextField(primary_key=True)
    account_id = TextField()
    service_id = TextField()
    calendar_id = TextField()
    starts_at = UtcDateTimeField()
    duration_minutes = IntegerField()
    buffer_before_minutes = IntegerField()
    buffer_after_minutes = IntegerField()
    expires_at = UtcDateTimeField()
    ended_at = UtcDateTimeField(null=True)
    session_id = TextField(null=True)
    created_at = UtcDateTimeField()

    # It never changes.
    version = 1

    class Meta:
        table_name = "holds"

    def ended(self, now: datetime) -> bool:
        return self.ended_at is not None or bool(self.expires_at <= now)


class Sanction(Base):
    """An overlap that somebody allowed on purpose: of these two alone, while neither moves. The other may be a hold."""

    session_id = TextField()
    other_id = TextField()
    account_id = TextField()
    reason = TextField()
    at = UtcDateTimeField()

    class Meta:
        table_name = "sanctions"
        primary_key = False


class Series(Base):
    """Sessions or events that recur by a rule.

    `starts_wall` is where the rule begins, in `timezone`; all was laid out whose wall time is not after `made_until`, and more is
    due at `extend_at`. `shift` is by how many microseconds of wall time everything was moved since. `template` is what each
    occurrence is made of, without its time; the client of a series of sessions is beside it.
    """

    id = TextField(primary_key=True)
    account_id = TextField()
    version = IntegerField()
    kind = TextField()
    client_id = TextField(null=True)
    template = JsonField()
    rrule = TextField()
    starts_wall = WallField()
    timezone = TextField()
    shift = BigIntegerField()
    made_until = WallField()
    extend_at = UtcDateTimeField(null=True)
    retired_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField()
    updated_at = UtcDateTimeField()

    class Meta:
        table_name = "series"

    @property
    def rule(self) -> Rule:
        return Rule.read(self.rrule)

    @property
    def zone(self) -> ZoneInfo:
        return zone(self.timezone)

    @property
    def shifted(self) -> timedelta:
        return timedelta(microseconds=self.shift)


class Occurrence(Base):
    """What became of one wall time of a series' rule: a session or an event, or nothing because of what was in the way."""

    series_id = TextField()
    wall = WallField()
    account_id = TextField()
    member_id = TextField(null=True)
    conflicts = JsonField()

    class Meta:
        table_name = "occurrences"
        primary_key = CompositeKey("series_id", "wall")


class BlockedTime(Base):
    """What the API calls an event."""

    id = TextField(primary_key=True)
    account_id = TextField()
    version = IntegerField()
    title = TextField()
    notes = TextField()
    calendar_id = TextField()
    starts_at = UtcDateTimeField()
    ends_at = UtcDateTimeField()
    all_day = BooleanField()
    series_id = TextField(null=True)
    retired_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField()
    updated_at = UtcDateTimeField()

    class Meta:
        table_name = "blocked_times"


class BlockedTimeChange(Base):
    """Who did what to an event: one row a version."""

    blocked_time_id = TextField()
    version = IntegerField()
    account_id = TextField()
    at = UtcDateTimeField()
    actor = TextField()
    action = TextField()
    changes = JsonField()
    reason = TextField(null=True)

    class Meta:
        table_name = "blocked_time_history"
        primary_key = False
