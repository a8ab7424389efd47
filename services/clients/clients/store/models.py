"""The service's tables as peewee sees them; the migrations made them."""

from __future__ import annotations

import peewee
from peewee import BigIntegerField, BooleanField, CompositeKey, DatabaseProxy, IntegerField, Model, TextField

from chassis.columns import JsonField, UtcDateTimeField

database = DatabaseProxy()


class Base(Model):
    class Meta:
        database = database
        legacy_table_names = False


class Account(Base):
    """What this service needs of an account: a replica, the highest version seen. Its row is the lock of what counts per account."""

    id = TextField(primary_key=True)
    version = IntegerField()
    plan = TextField()
    timezone = TextField()
    country = TextField()

    class Meta:
        table_name = "accounts"


class Client(Base):
    """`email_key`, `phone` and `search` are what is compared and searched; `duplicate_allowed` lifts the one-client-an-email rule."""

    id = TextField(primary_key=True)
    account_id = TextField()
    version = IntegerField()
    name = TextField()
    email = TextField(null=True)
    email_key = TextField(null=True)
    email_set_at = UtcDateTimeField(null=True)
    email_bounced_at = UtcDateTimeField(null=True)
    duplicate_allowed = BooleanField(default=False)
    phone = TextField(null=True)
    birth_date = TextField(null=True)
    address = TextField(null=True)
    notes = TextField(null=True)
    locale = TextField(null=True)
    timezone = TextField(null=True)
    contact_email = BooleanField()
    contact_sms = BooleanField()
    search = TextField()
    deleted_at = UtcDateTimeField(null=True)
    merged_into = TextField(null=True)
    erased_at = UtcDateTimeField(null=True)
    import_mark = TextField(null=True)
    created_at = UtcDateTimeField()
    updated_at = UtcDateTimeField()

    class Meta:
        table_name = "clients"


class ClientTag(Base):
    """A tag of a client, as written and as compared, in the order it was given."""

    client_id = TextField()
    tag_key = TextField()
    account_id = TextField()
    tag = TextField()
    position = IntegerField()

    class Meta:
        table_name = "client_tags"
        primary_key = CompositeKey("client_id", "tag_key")


class ContactChange(Base):
    """`sequence` is the event's, for what notifications learnt; null for what was set here."""

    id = TextField(primary_key=True)
    account_id = TextField()
    client_id = TextField()
    at = UtcDateTimeField()
    channel = TextField()
    change = TextField()
    allowed = BooleanField()
    source = TextField()
    sequence = BigIntegerField(null=True)

    class Meta:
        table_name = "contact_changes"


class Session(Base):
    """A replica for the timeline, the highest version seen. Its notes are not kept here."""

    id = TextField(primary_key=True)
    account_id = TextField()
    version = IntegerField()
    client_id = TextField()
    service_name = TextField()
    starts_at = UtcDateTimeField()
    ends_at = UtcDateTimeField()
    status = TextField()

    class Meta:
        table_name = "sessions"


class Deposit(Base):
    """A replica for the timeline, the highest version seen."""

    id = TextField(primary_key=True)
    account_id = TextField()
    version = IntegerField()
    session_id = TextField()
    client_id = TextField()
    status = TextField()
    amount = BigIntegerField()
    held_amount = BigIntegerField()
    refunded_amount = BigIntegerField()
    currency = TextField()

    class Meta:
        table_name = "deposits"


class Erasure(Base):
    """A client who asked to be forgotten; complete once every service has answered."""

    client_id = TextField(primary_key=True)
    account_id = TextField()
    requested_at = UtcDateTimeField()
    completed_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "erasures"


class ErasureAnswer(Base):
    """What one service blanked and what it keeps, and why."""

    client_id = TextField()
    service = TextField()
    account_id = TextField()
    version = IntegerField()
    blanked = JsonField()
    kept = JsonField()
    answered_at = UtcDateTimeField()

    class Meta:
        table_name = "erasure_answers"
        primary_key = CompositeKey("client_id", "service")


class Import(Base):
    """A file of clients that is taken in, or was; its row is the lock of whoever works on it."""

    id = TextField(primary_key=True)
    account_id = TextField()
    status = TextField()
    dry_run = BooleanField()
    ignored_columns = JsonField()
    total = IntegerField()
    created = IntegerField()
    duplicates = IntegerField()
    failed = IntegerField()
    started_at = UtcDateTimeField()
    worked_at = UtcDateTimeField()
    finished_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "imports"


class ImportPart(Base):
    """Rows that are not done yet, as JSON."""

    import_id = TextField()
    position = IntegerField()
    content = TextField()

    class Meta:
        table_name = "import_parts"
        primary_key = CompositeKey("import_id", "position")


class ImportReport(Base):
    """What became of the rows of a part, as JSON."""

    import_id = TextField()
    position = IntegerField()
    content = TextField()

    class Meta:
        table_name = "import_reports"
        primary_key = CompositeKey("import_id", "position")


class ImportMark(Base):
    """What a dry run would have made is known by."""

    import_id = TextField()
    mark = TextField()

    class Meta:
        table_name = "import_marks"
        primary_key = CompositeKey("import_id", "mark")


ALL: tuple[type[peewee.Model], ...] = (
    Account,
    Client,
    ClientTag,
    ContactChange,
    Session,
    Deposit,
    Erasure,
    ErasureAnswer,
    Import,
    ImportPart,
    ImportReport,
    ImportMark,
)
