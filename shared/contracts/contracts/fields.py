"""marshmallow fields for what crosses a boundary everywhere: moments and currencies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from contracts.money import CURRENCIES


class UtcTime(fields.AwareDateTime):
    """A moment: RFC 3339 outside (a time without an offset is refused), aware UTC inside."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else rfc3339(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        # The format is RFC 3339's, whose day and time are both there; Python alone would take "2026-12-01" or a week date.
        if not isinstance(value, str) or len(value) < 20 or value[10] not in "Tt ":
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        moment: datetime = super()._deserialize(value, attr, data, **kwargs)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None


def rfc3339(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC with a Z, microseconds only where there are some."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Currency(fields.String):
    """An ISO 4217 code."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        code = super()._deserialize(value, attr, data, **kwargs)
        if code not in CURRENCIES:
            raise ValidationError("Not an ISO 4217 currency code.")
        return code


def minor_units(**kwargs: Any) -> fields.Integer:
    """An amount of money in minor units, never negative, at most what a 64-bit column and every provider take."""
    return fields.Integer(strict=True, validate=validate.Range(min=0, max=99_999_999_999), **kwargs)
