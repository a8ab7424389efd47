"""How a client is found as one types: accents and case aside, by parts of words, by phone numbers however they are grouped."""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import dataclass

from clients.domain.contact import phone_digits

# Letters that Unicode does not decompose into a base and an accent, and apostrophes that phones type.
_PLAIN = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ı": "i",
        "ł": "l",
        "ŧ": "t",
        "þ": "th",
        "’": "'",
        "‘": "'",
        "ʼ": "'",
    }
)
_PHONE_AS_TYPED = re.compile(r"[+\d\s()./\-]*\d[+\d\s()./\-]*")
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")  # ASCII's
# More words than this narrow nothing down any further.
_MOST_WORDS = 8


def fold(text: str) -> str:
    """`text` without case and accents; the same on every store, as it is done here and not by the database's collation."""
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in decomposed if not _is_accent(char))
    return unicodedata.normalize("NFKC", bare.casefold()).translate(_PLAIN)


def _is_accent(char: str) -> bool:
    """Marks that people leave out when they type: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowel signs.

    Marks of other scripts are letters of theirs: が is not か.
    """
    return "\u0300" <= char <= "\u036f" or 10 <= unicodedata.combining(char) <= 35


def searchable(name: str, email: str | None, phone: str | None) -> str:
    """What of a client is searched: name, email, the number from abroad and from home in one line, a space before every word."""
    numbers = phone_digits(phone) if phone else ()
    return " " + _spaced(" ".join([fold(name), fold(email or ""), *numbers]))


def _spaced(text: str) -> str:
    """Words begin after a space, and after a hyphen, an apostrophe, an at sign and the like: `hans- gerd`, `anna@ example. com`."""
    return " ".join(_PUNCTUATION.sub(r"\g<0> ", text).split())


@dataclass(frozen=True, kw_only=True)
class Search:
    """Found is what holds all parts of one of the `ways` anywhere in its searchable text; found best, where each of them begins a word."""

    ways: tuple[tuple[str, ...], ...]


def parse(typed: str) -> Search:
    """What somebody who typed this is looking for; no way at all for a blank one, which finds everybody."""
    words, digits = tuple(map(_spaced, fold(typed).split()[:_MOST_WORDS])), digits_dialled(typed)
    ways = [words, (digits,) if digits else ()]
    return Search(ways=tuple(dict.fromkeys(filter(None, ways))))


def digits_dialled(typed: str) -> str | None:
    """The digits of what may be a phone number or a part of one, None where it cannot be."""
    if not _PHONE_AS_TYPED.fullmatch(typed):
        return None
    # 00 is dialled for +, and (0) is written for the prefix that falls away after a country code.
    digits = (str(unicodedata.decimal(char)) for char in typed.replace("(0)", "") if char.isdecimal())
    return "".join(digits).removeprefix("00") or None


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Where a page of what was found ended: at this id, among those found best or among the others."""

    best: bool
    id: str
