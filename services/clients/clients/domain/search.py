"""How a client is found as one types: accents and case aside, by parts of words, by phone numbers however they are grouped."""

from __future__ import annotations

import re
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
# More words than this narrow nothing down any further.
_MOST_WORDS = 8


def fold(text: str) -> str:
    """`text` without case and accents; the same on every store, as it is done here and not by the database's collation."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in decomposed if not _is_accent(char))
    return unicodedata.normalize("NFKC", bare.casefold()).translate(_PLAIN)


def _is_accent(char: str) -> bool:
    """Marks that people leave out when they type: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowel signs.

    Marks of other scripts are letters of theirs: が is not か.
    """
    return "\u0300" <= char <= "\u036f" or 10 <= unicodedata.combining(char) <= 35


def searchable(name: str, email: str | None, phone: str | None) -> str:
    """What of a client is searched: one folded line for the name, the email, and the number from abroad and from home."""
    numbers = phone_digits(phone) if phone else ()
    return "\n".join([" ".join(fold(name).split()), fold(email or ""), *numbers])


@dataclass(frozen=True, kw_only=True)
class Search:
    """Found is what holds all `words`, or `digits`, anywhere in its searchable text."""

    words: tuple[str, ...]
    digits: str | None


def parse(typed: str) -> Search:
    """What somebody who typed this is looking for; no words at all for a blank one, which finds everybody."""
    digits = None
    if _PHONE_AS_TYPED.fullmatch(typed):
        # 00 is dialled for +, and (0) is written for the prefix that falls away after a country code.
        digits = "".join(filter(str.isdigit, typed.replace("(0)", ""))).removeprefix("00") or None
    return Search(words=tuple(fold(typed).split()[:_MOST_WORDS]), digits=digits)
