"""marshmallow fields for what crosses a boundary everywhere: moments and currencies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from contracts.envelope import parse_time
from contracts.money import CURRENCIES


class UtcTime(fields.AwareDateTime):
    """A moment: RFC 3339 outside (a time without an offset is refused), aware UTC inside."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else rfc3339(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        try:
            return parse_time(value)
        except ValueError:
            # marshmallow's own reading tells a missing offset from other faults, for a better message.
            super()._deserialize(value, attr, data, **kwargs)
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None


def rfc3339(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC with a Z, microseconds only where there are some; ValueError for a naive one."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no offset")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Whole(fields.Integer):
    """A whole number: neither "5" nor 5.0 is read as one, and 5.7 is never written as 5."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is not None and value != int(value):
            raise ValueError(f"{attr}: {value!r} is not a whole number")
        return super()._serialize(value, attr, obj, **kwargs)


class Flag(fields.Boolean):
    """true or false: neither "yes" nor 1 is read as one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Currency(fields.String):
    """An ISO 4217 code."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        code = super()._deserialize(value, attr, data, **kwargs)
        if code not in CURRENCIES:
            raise ValidationError("Not an ISO 4217 currency code.")
        return code


def minor_units(**kwargs: Any) -> Whole:
    """An amount of money in minor units, never negative, at most what a 64-bit column and every provider take."""
    return Whole(validate=validate.Range(min=0, max=99_999_999_999), **kwargs)
