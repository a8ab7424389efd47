"""Moments and money as a person writes them, in one locale and timezone: the one formatter of every message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import format_decimal, parse_pattern

from contracts.money import decimals

LANGUAGES = ("en", "de")
"""The languages that messages are written in; for any other one it is the first."""
_LANGUAGE_AND_COUNTRY = re.compile(r"[A-Za-z]{2,3}(?:[-_](?:[A-Za-z]{2}|[0-9]{3}))?")
_CODE_BY_NUMBER = re.compile(r"(?<=[A-Za-z])(?=\d)")
_KEPT = 4096
_NO_BREAK = re.compile("[\u00a0\u202f\u2009]")


@dataclass(frozen=True, kw_only=True)
class Wording:
    """`locale` is one of ours as Babel knows it, `timezone` an IANA name."""

    locale: Locale
    timezone: str

    @property
    def language(self) -> str:
        return str(self.locale.language)

    def date(self, moment: datetime) -> str:
        """`Tuesday, 1 December 2026`"""
        return _date(self._local(moment).date(), "full", self.locale)

    def time(self, moment: datetime) -> str:
        """`10:00` or `10:00 AM`"""
        local = self._local(moment)
        return _time(time(local.hour, local.minute), self.locale)

    def short_date(self, moment: datetime) -> str:
        """`01.12.26`, for text messages."""
        return _date(self._local(moment).date(), "short", self.locale)

    def zone(self, moment: datetime) -> str:
        """The name of the timezone at that moment: `Central European Standard Time`."""
        return _zone(self._local(moment).replace(second=0, microsecond=0), self.timezone, self.locale)

    def span(self, starts_at: datetime, ends_at: datetime) -> str:
        """`Tuesday, 1 December 2026, 10:00–11:00`; the second day is named where it is another."""
        start, end = self._local(starts_at), self._local(ends_at)
        upto = self.time(ends_at) if start.date() == end.date() else f"{self.date(ends_at)}, {self.time(ends_at)}"
        return f"{self.date(starts_at)}, {self.time(starts_at)}–{upto}"

    def money(self, amount: int, currency: str) -> str:
        """Minor units of `currency` with as many decimals as ISO 4217 gives it, whatever the locale's data would show."""
        digits = decimals(currency)
        pattern = parse_pattern(self.locale.currency_formats["standard"].pattern)
        pattern.frac_prec = (digits, digits)
        text = pattern.apply(Decimal(amount).scaleb(-digits), self.locale, currency=currency, currency_digits=False)
        # CLDR's currency spacing, which Babel leaves out: a code does not touch its number.
        return _plain(_CODE_BY_NUMBER.sub(" ", text))

    def number(self, value: int) -> str:
        return _plain(format_decimal(value, locale=self.locale))

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.timezone))


def locale_for(*wishes: str | None) -> Locale:
    """The locale of the first wish (such as `de-AT` or `en_GB`) that is one; English where its language is not written here."""
    locale = wished(*wishes)
    return locale if locale.language in LANGUAGES else Locale(LANGUAGES[0])


def wished(*wishes: str | None) -> Locale:
    """The locale of the first wish that is one, whether or not anything is written in its language; else English."""
    found = (parse_locale(wish) for wish in wishes if wish)
    return next((locale for locale in found if locale is not None), Locale(LANGUAGES[0]))


@lru_cache(_KEPT)
def parse_locale(text: str) -> Locale | None:
    """The locale that `de-AT` or `en_GB` names; None where it names none."""
    try:
        return Locale.parse(text.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return None


def template_locale(text: str) -> Locale | None:
    """The locale of a template: a language, or one of a country, such as `de` and `de-AT`; None where it is neither."""
    return parse_locale(text) if _LANGUAGE_AND_COUNTRY.fullmatch(text) else None


def tag(locale: Locale) -> str:
    """A locale as the API writes it: `de-AT`."""
    return str(locale).replace("_", "-")


# Babel puts a form together anew each time; those who are reminded together are told of the same days and hours.


@lru_cache(_KEPT)
def _date(day: date, form: Literal["full", "short"], locale: Locale) -> str:
    return _plain(format_date(day, form, locale=locale))


@lru_cache(_KEPT)
def _time(wall: time, locale: Locale) -> str:
    return _plain(format_time(wall, "short", locale=locale))


@lru_cache(_KEPT)
def _zone(local: datetime, timezone: str, locale: Locale) -> str:
    """`timezone` is a part of the key, as moments of two timezones may be equal."""
    return _plain(get_timezone_name(local, width="long", locale=locale))


def _plain(text: str) -> str:
    """With ordinary spaces: the fine ones break words in terminals and make a text message twice as long."""
    return _NO_BREAK.sub(" ", text)
