"""Timezones and countries come from the time zone database."""

from __future__ import annotations

import pytest

from scheduling.domain.regions import UnknownTimezone, country_of, is_country, zone


@pytest.mark.parametrize(
    ("timezone", "country"),
    [
        ("Europe/Berlin", "DE"),
        ("Europe/Vienna", "AT"),
        ("America/New_York", "US"),
        ("Asia/Calcutta", "IN"),
        ("UTC", None),
    ],
)
def test_a_timezone_lies_in_its_country(timezone: str, country: str | None) -> None:
    assert country_of(timezone) == country


@pytest.mark.parametrize(
    "name", ["Europe/Nowhere", "CEST", "+01:00", "../etc/passwd", "", "localtime", "europe/berlin"]
)
def test_what_is_no_iana_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownTimezone):
        zone(name)


def test_countries_are_iso_codes() -> None:
    assert is_country("CH")
    assert not is_country("XX")
    assert not is_country("de")
