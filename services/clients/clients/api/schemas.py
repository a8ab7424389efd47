"""Bodies, query strings and answers of the clients resource."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from marshmallow import Schema, ValidationError, fields, pre_load, validate

from chassis.web import Body, Page, PageQuery, Query
from contracts.fields import UtcTime, minor_units

# RFC 5646 as far as people choose languages: a language, then script, region or variant.
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_LONGEST_ADDRESS_OF_MAIL = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets


class _Line(fields.String):
    """One line of text without control characters, white space at its ends taken off."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if not text.isprintable() and any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in text):
            raise ValidationError("One line of text, without control characters.")
        return text


def _line(longest: int, **kwargs: Any) -> _Line:
    return _Line(validate=validate.Length(min=1, max=longest), **kwargs)


def _locale(value: str) -> None:
    if not _LOCALE.fullmatch(value):
        raise ValidationError("A language tag such as de or en-GB.")


@cache
def _timezones() -> frozenset[str]:
    # The standard library walks its folders at every call.
    return frozenset(available_timezones())


def _timezone(value: str) -> None:
    if value not in _timezones():
        raise ValidationError("An IANA time zone such as Europe/Berlin.")


def _flag(**kwargs: Any) -> fields.Boolean:
    """JSON's true or false; a text that looks like one is a mistake of the caller."""
    return fields.Boolean(truthy={True}, falsy={False}, **kwargs)


class ContactWish(Schema):
    email = _flag()
    sms = _flag()


class ClientBody(Body):
    """A client as a caller gives it. Null and blank text say that there is none."""

    name = _line(200, required=True)
    email = _line(_LONGEST_ADDRESS_OF_MAIL, allow_none=True)
    phone = _line(
        50, allow_none=True, metadata={"description": "E.164, or as dialled at home in the account's country"}
    )
    birth_date = fields.Date(allow_none=True)
    address = fields.String(allow_none=True, validate=validate.Length(max=1000))
    tags = fields.List(_line(50), allow_none=True, validate=validate.Length(max=50))
    notes = fields.String(
        allow_none=True,
        validate=validate.Length(max=20_000),
        metadata={"description": "private; needs the scope sessions:notes"},
    )
    locale = fields.String(allow_none=True, validate=_locale)
    timezone = fields.String(allow_none=True, validate=_timezone)
    contact = fields.Nested(ContactWish)
    allow_duplicate = _flag(metadata={"description": "let another live client have the same email"})

    @pre_load
    def blank_is_none(self, data: Any, **_: Any) -> Any:
        """A form sends an empty text where nothing was typed."""
        if not isinstance(data, dict):
            return data
        optional = {name for name, field in self.fields.items() if field.allow_none}
        return {
            name: None if name in optional and isinstance(value, str) and not value.strip() else value
            for name, value in data.items()
        }


class ClientChange(ClientBody):
    """The same as a merge patch, to be made with `partial=True`: what is absent stays."""


class RestoreBody(Body):
    allow_duplicate = _flag(load_default=False)


class MergeBody(Body):
    from_ = fields.List(
        fields.String(validate=validate.Length(min=1, max=64)),
        required=True,
        data_key="from",
        attribute="others",
        validate=validate.Length(min=1, max=100),
        metadata={"description": "who becomes one with this client"},
    )


class KeptOut(Schema):
    service = fields.String()
    what = fields.String()
    why = fields.String()


class ErasureOut(Schema):
    """The receipt of an erasure."""

    client_id = fields.String()
    status = fields.String(validate=validate.OneOf(["running", "completed"]))
    requested_at = UtcTime()
    completed_at = UtcTime(allow_none=True)
    waiting_for = fields.List(fields.String(), metadata={"description": "the services that have not answered yet"})
    blanked = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String(), values=fields.Integer()),
        metadata={"description": "by service: how many records of which kind"},
    )
    kept = fields.List(fields.Nested(KeptOut))


class DataExportOut(Schema):
    """Everything that is held about a person; `notes` as in the record itself."""

    client_id = fields.String()
    exported_at = UtcTime()
    records = fields.List(fields.Nested(lambda: ClientOut()))
    services = fields.Dict(
        keys=fields.String(), values=fields.Dict(), metadata={"description": "by service, by kind of record: its rows"}
    )


class CreateQuery(Query):
    reuse = fields.Boolean(
        load_default=False,
        metadata={"description": "answer 200 with the live client of the same email, if there is one"},
    )


class ListQuery(PageQuery):
    q = fields.String(
        load_default="", validate=validate.Length(max=200), metadata={"description": "name, email, phone, as one types"}
    )
    tag = fields.String(load_default=None)


class ContactOut(Schema):
    email = fields.Boolean()
    sms = fields.Boolean()


class ContactChangeOut(Schema):
    at = UtcTime()
    channel = fields.String()
    change = fields.String()
    allowed = fields.Boolean()
    source = fields.String()


class ClientOut(Schema):
    """A client's record; `notes` are left out for callers without the scope sessions:notes."""

    id = fields.String()
    account_id = fields.String()
    name = fields.String()
    email = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    birth_date = fields.Date(allow_none=True)
    address = fields.String(allow_none=True)
    tags = fields.List(fields.String())
    notes = fields.String(allow_none=True)
    locale = fields.String(allow_none=True)
    timezone = fields.String(allow_none=True)
    contact = fields.Nested(ContactOut)
    contact_history = fields.List(fields.Nested(ContactChangeOut))
    email_bounced_at = UtcTime(allow_none=True)
    deleted_at = UtcTime(allow_none=True)
    merged_into = fields.String(
        allow_none=True, metadata={"description": "in lists of changes: who answers for this id"}
    )
    erased_at = UtcTime(allow_none=True, metadata={"description": "in lists of changes: nothing of the person is left"})
    version = fields.Integer()
    created_at = UtcTime()
    updated_at = UtcTime()


class CreatedOut(ClientOut):
    possible_duplicates = fields.List(fields.String(), metadata={"description": "live clients with the same phone"})


class ClientPage(Page):
    data = fields.List(fields.Nested(ClientOut))


class DepositSumOut(Schema):
    currency = fields.String()
    held_amount = minor_units()
    refunded_amount = minor_units()


class TimelineDepositOut(DepositSumOut):
    status = fields.String()
    amount = minor_units()


class TimelineSessionOut(Schema):
    id = fields.String()
    service_name = fields.String()
    starts_at = UtcTime()
    ends_at = UtcTime()
    status = fields.String()
    deposit = fields.Nested(TimelineDepositOut, allow_none=True)


class YearOut(Schema):
    year = fields.Integer()
    total = fields.Integer()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    no_shows = fields.Integer()
    deposits = fields.List(fields.Nested(DepositSumOut))
    sessions = fields.List(fields.Nested(TimelineSessionOut))


class TimelineOut(Schema):
    years = fields.List(fields.Nested(YearOut))
    total = fields.Integer()
    no_shows = fields.Integer()
    next = fields.Nested(TimelineSessionOut, allow_none=True)
    last = fields.Nested(TimelineSessionOut, allow_none=True)
