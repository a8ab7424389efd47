"""Moments, currencies, numbers and flags mean one thing on both sides of the wire, or are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from contracts.fields import Currency, Flag, UtcTime, Whole, minor_units, rfc3339

_OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# Away from both ends, as an offset may lead out of the years that there are.
_MOMENTS = st.datetimes(timezones=_OFFSETS).filter(lambda moment: 1 < moment.year < 9999)


class Moment(Schema):
    at = UtcTime(required=True)


class Number(Schema):
    n = Whole(required=True)


class Switch(Schema):
    on = Flag(required=True)


@given(_MOMENTS)
def test_a_moment_survives_the_wire_in_utc(moment: datetime) -> None:
    loaded = Moment().load(Moment().dump({"at": moment}))["at"]

    assert loaded == moment
    assert loaded.tzinfo is UTC


@given(_MOMENTS)
def test_a_moment_with_any_offset_is_understood(moment: datetime) -> None:
    assert Moment().load({"at": moment.isoformat()})["at"] == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01T09:00:00Z", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("2026-12-01t09:00:00z", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("2026-12-01 09:00:00Z", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("2026-12-01T09:00:00+01:00", datetime(2026, 12, 1, 8, tzinfo=UTC)),
        ("2026-12-01T09:00:00-00:00", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("2026-12-01T09:00:00.5Z", datetime(2026, 12, 1, 9, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-12-01T09:00:00.123456789Z", datetime(2026, 12, 1, 9, 0, 0, 123_456, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_rfc_3339_is_understood(text: str, moment: datetime) -> None:
    assert Moment().load({"at": text})["at"] == moment


@pytest.mark.parametrize(
    "value",
    [
        "2026-12-01T09:00:00",  # no offset
        "2026-12-01",
        "2026-12-01T09:00Z",  # no seconds
        "2026-W01-1T09:00:00Z",  # a week date
        "20261201T090000Z",
        "2026-12-01T090000+0000",
        "2026-12-01T09:00:00+01",
        "2026-12-01T09:00:00+01:00:30",
        "2026-12-01T09:00:00,5Z",
        "2026-12-01T09:00:00.Z",
        "2026-12-31T23:59:60Z",  # a leap second, which datetime does not have
        "2026-12-01T24:00:00Z",
        "2026-02-30T09:00:00Z",
        "9999-12-31T23:59:59-01:00",  # the year 10000
        "0001-01-01T00:00:00+01:00",  # the year 0
        "10000-01-01T00:00:00Z",
        "2026-12-01T09:00:00+24:00",
        "٢٠٢٦-12-01T09:00:00Z",
        " 2026-12-01T09:00:00Z",
        "2026-12-01T09:00:00Z\n",
        "",
        1764579600,
        None,
        ["2026-12-01T09:00:00Z"],
    ],
)
def test_anything_but_rfc_3339_is_refused(value: Any) -> None:
    assert list(Moment().validate({"at": value})) == ["at"]


def test_a_missing_offset_is_told_from_other_faults() -> None:
    assert Moment().validate({"at": "2026-12-01T09:00:00"})["at"] == ["Not a valid aware datetime."]
    assert Moment().validate({"at": "tomorrow at nine o'clock"})["at"] == ["Not a valid datetime."]


def test_a_naive_moment_is_never_sent() -> None:
    with pytest.raises(ValueError, match="no offset"):
        Moment().dump({"at": datetime(2026, 12, 1, 9)})  # noqa: DTZ001


def test_microseconds_are_shown_only_where_there_are_some() -> None:
    assert rfc3339(datetime(2026, 12, 1, 9, tzinfo=UTC)) == "2026-12-01T09:00:00Z"
    assert rfc3339(datetime(2026, 12, 1, 9, 0, 0, 5, tzinfo=UTC)) == "2026-12-01T09:00:00.000005Z"


@pytest.mark.parametrize("value", ["5", 5.0, 5.7, True, None, [5]])
def test_only_a_whole_number_is_read_as_one(value: Any) -> None:
    assert Number().validate({"n": value})


def test_a_fraction_is_never_cut_off_when_sent() -> None:
    assert Number().dump({"n": Decimal(2000)}) == {"n": 2000}
    with pytest.raises(ValueError, match="not a whole number"):
        Number().dump({"n": 19.99})


@pytest.mark.parametrize("value", ["true", "yes", 1, 0, None])
def test_only_true_and_false_are_read_as_flags(value: Any) -> None:
    assert Switch().validate({"on": value})


@pytest.mark.parametrize("code", ["eur", "EURO", "", "ABC", "XXX", "XTS", "XAU", "BGN", None])
def test_what_is_no_currency_is_refused(code: Any) -> None:
    with pytest.raises(ValidationError):
        Currency(required=True).deserialize(code)


@pytest.mark.parametrize("amount", [-1, 100_000_000_000, "100", 1.5])
def test_an_amount_out_of_bounds_is_refused(amount: Any) -> None:
    with pytest.raises(ValidationError):
        minor_units().deserialize(amount)
