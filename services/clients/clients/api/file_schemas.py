"""Query strings, rows and answers of import and export."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from chassis.problems import Invalid
from chassis.web import Query, field_errors, unstorable
from clients.api.schemas import ClientBody
from clients.operations.fields import Fields
from contracts.fields import UtcTime

# What an answer shows of a client beyond what can be given.
_READ_ONLY = {
    "id", "account_id", "version", "contact_history", "email_bounced_at", "deleted_at", "merged_into", "erased_at", "created_at", "updated_at",
}  # fmt: skip


class ImportQuery(Query):
    dry_run = fields.Boolean(load_default=False, metadata={"description": "only say what would become of each row"})
    columns = fields.String(
        load_default="",
        validate=validate.Length(max=2000),
        metadata={"description": "which header is which field: Vorname:name,Mail:email"},
    )


class RowOut(Schema):
    row = fields.Integer()
    status = fields.String(validate=validate.OneOf(["created", "duplicate", "failed"]))
    client_id = fields.String(allow_none=True)
    errors = fields.List(fields.Dict())


class ImportOut(Schema):
    """An import and, row by row, what became of it so far."""

    id = fields.String()
    status = fields.String(validate=validate.OneOf(["queued", "running", "completed"]))
    dry_run = fields.Boolean()
    total = fields.Integer()
    created = fields.Integer()
    duplicates = fields.Integer()
    failed = fields.Integer()
    ignored_columns = fields.List(fields.String())
    started_at = UtcTime()
    finished_at = UtcTime(allow_none=True)
    rows = fields.List(fields.Nested(RowOut))


def mapping(text: str) -> dict[str, str]:
    """`Vorname:name,Mail:email` as headers and fields.

    Raises:
        Invalid
    """
    pairs = [part.rpartition(":") for part in text.split(",") if part.strip()]
    if any(not header.strip() or not field.strip() for header, _, field in pairs):
        raise Invalid.field("/columns", "Pairs of header and field, such as Vorname:name,Mail:email.")
    return {header.strip(): field.strip() for header, _, field in pairs}


def read_row(values: Mapping[str, Any]) -> Fields:
    """A row's fields, checked as those of a body are.

    Raises:
        Invalid: with a pointer for each that is wrong.
    """
    if not isinstance(values, dict):
        raise Invalid.field("", "Not a client: each row is an object.")
    if wrong := list(unstorable(values)):
        raise Invalid(errors=wrong)
    try:
        found: Fields = _schema().load({name: value for name, value in values.items() if name not in _READ_ONLY})
    except ValidationError as error:
        raise Invalid(errors=field_errors(error.messages)) from None
    return found


@cache
def _schema() -> ClientBody:
    return ClientBody(exclude=("allow_duplicate",))
