"""Values that several resources take or show: money, colours, minutes, pages and the caller as an actor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from email_validator import EmailNotValidError, validate_email
from marshmallow import Schema, ValidationError, fields, validate

from chassis.problems import Invalid
from chassis.web import Body, Page, PageQuery, caller, decode_cursor, encode_cursor
from contracts.envelope import parse_time
from contracts.fields import Currency, UtcTime, minor_units
from scheduling.domain.recurrence import Scope
from scheduling.domain.regions import UnknownTimezone, zone
from scheduling.operations import lists
from scheduling.operations.context import Actor

EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class MoneyIn(Body):
    amount = minor_units(required=True)
    currency = Currency(required=True)


class MoneyOut(Schema):
    amount = fields.Integer(metadata={"description": "in minor units"})
    currency = fields.String()


class Versioned(Schema):
    """What every single resource carries."""

    id = fields.String()
    account_id = fields.String()
    version = fields.Integer()
    created_at = UtcTime()
    updated_at = UtcTime()


def text(longest: int, **kwargs: Any) -> fields.String:
    """A text of at most `longest` characters."""
    return fields.String(validate=validate.Length(max=longest), **kwargs)


def name(**kwargs: Any) -> fields.String:
    """A name: something that can be seen."""
    return fields.String(
        validate=validate.Regexp(r"(?s)(?=.*\S).{1,200}\Z", error="1 to 200 characters, not all blank."), **kwargs
    )


def color(**kwargs: Any) -> fields.String:
    """A colour as CSS writes it: `#2f6fed` or a name."""
    return fields.String(validate=validate.Regexp(r"(#[0-9A-Fa-f]{3}([0-9A-Fa-f]{3})?|[a-z]{3,30})\Z"), **kwargs)


def whole(low: int, high: int, **kwargs: Any) -> fields.Integer:
    """An integer from `low` to `high`."""
    return fields.Integer(strict=True, validate=validate.Range(min=low, max=high), **kwargs)


def moment(**kwargs: Any) -> UtcTime:
    """A moment within the years that calendars are kept for."""
    return UtcTime(validate=validate.Range(min=EARLIEST, max=LATEST), **kwargs)


def email(**kwargs: Any) -> fields.String:
    """An email address."""
    return fields.String(validate=[validate.Length(max=254), _like_an_address], **kwargs)


def _like_an_address(value: str) -> None:
    try:
        # Whether the domain takes mail is found out by sending; names that are only known inside are fine here.
        validate_email(value, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValidationError(str(error)) from None


def timezone(**kwargs: Any) -> fields.String:
    """The name of an IANA timezone."""
    return fields.String(validate=_known_timezone, **kwargs)


def _known_timezone(value: str) -> None:
    try:
        zone(value)
    except UnknownTimezone as error:
        raise ValidationError(str(error)) from None


def yes(**kwargs: Any) -> fields.Boolean:
    """true or false, and nothing that looks like it."""
    return fields.Boolean(truthy={True}, falsy={False}, **kwargs)


def scope(**kwargs: Any) -> fields.String:
    """How far a change of a series' member reaches."""
    return fields.String(validate=validate.OneOf([scope.value for scope in Scope]), **kwargs)


def listed(query: dict[str, Any]) -> lists.Page:
    """The page that a PageQuery asks for, of a list by id."""
    after = None
    if query["cursor"] is not None:
        after = str(decode_cursor(query["cursor"], 1)[0])
    return lists.Page(limit=query["limit"], after=after, updated_since=query["updated_since"])


def moment_and_id(cursor: str | None) -> tuple[datetime, str] | None:
    """What the cursor of a list by time holds.

    Raises:
        Invalid: it is not one that this list gave.
    """
    if cursor is None:
        return None
    at, row_id = decode_cursor(cursor, 2)
    try:
        return parse_time(str(at)), str(row_id)
    except (ValueError, OverflowError):
        raise Invalid.field("/cursor", "Not a cursor of this list.") from None


def page(rows: list[dict[str, Any]], following: list[str] | None) -> dict[str, Any]:
    """A page as every list answers."""
    return {"data": rows, "next_cursor": encode_cursor(list(following)) if following else None}


def actor() -> Actor:
    """The caller, as the history names them."""
    return Actor(name=caller().subject)


__all__ = [
    "Currency", "MoneyIn", "MoneyOut", "Page", "PageQuery", "UtcTime", "Versioned", "actor", "color", "email", "listed",
    "minor_units", "moment", "moment_and_id", "name", "page", "scope", "text", "timezone", "whole", "yes",
]  # fmt: skip
