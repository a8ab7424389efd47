"""Timezones and the countries they lie in, from the time zone database itself, whose release is pinned with `tzdata`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones


class UnknownTimezone(ValueError):
    """Not the name of an IANA timezone."""


def zone(name: str) -> ZoneInfo:
    """The timezone `name`.

    Raises:
        UnknownTimezone: there is none of this name.
    """
    if name not in _names():
        raise UnknownTimezone(f"{name!r} is not an IANA timezone")
    return ZoneInfo(name)


def country_of(timezone: str) -> str | None:
    """The ISO 3166-1 country in which `timezone` lies; None for those that lie in none, such as UTC."""
    return _countries().get(timezone)


def is_country(code: str) -> bool:
    """Whether `code` is an ISO 3166-1 alpha-2 code."""
    return code in _codes()


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones() - {"Factory", "localtime", "posixrules"})


@cache
def _countries() -> dict[str, str]:
    found = {name: country for country, _, name, *_ in _rows("zone.tab")}
    # An older name (Asia/Calcutta) is a link to the present one: "L target name" in the database's compact form.
    for line in _table("tzdata.zi").splitlines():
        if line.startswith("L "):
            _, target, name = line.split()
            if target in found:
                found.setdefault(name, found[target])
    return found


@cache
def _codes() -> frozenset[str]:
    return frozenset(code for code, *_ in _rows("iso3166.tab"))


def _rows(table: str) -> list[list[str]]:
    return [line.split("\t") for line in _table(table).splitlines() if line and not line.startswith("#")]


def _table(name: str) -> str:
    return files("tzdata.zoneinfo").joinpath(name).read_text(encoding="utf-8")
