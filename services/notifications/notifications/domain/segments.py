"""How many text messages a text is: GSM-7 (3GPP TS 23.038) where its alphabet suffices, else UCS-2, and split where it is longer than one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
# After an escape, so that each takes two.
_EXTENDED = frozenset("\f^{}\\[~]|€")


class Encoding(StrEnum):
    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


_ALONE = {Encoding.GSM_7: 160, Encoding.UCS_2: 70}
# A part of several gives 6 bytes to the header that joins them (3GPP TS 23.040, 9.2.3.24.1).
_JOINED = {Encoding.GSM_7: 153, Encoding.UCS_2: 67}


@dataclass(frozen=True, kw_only=True)
class Length:
    """`units` are septets of GSM-7 or 16-bit units of UCS-2; `segments` is what is paid for."""

    encoding: Encoding
    units: int
    segments: int


def length(text: str) -> Length:
    """The length of a text as a phone network counts it; of an empty one no segment."""
    encoding = Encoding.GSM_7 if set(text) <= _BASIC | _EXTENDED else Encoding.UCS_2
    sizes = [1] * len(text) if set(text) <= _BASIC else [_size(character, encoding) for character in text]
    units = sum(sizes)
    segments = min(units, 1) if units <= _ALONE[encoding] else _parts(sizes, _JOINED[encoding])
    return Length(encoding=encoding, units=units, segments=segments)


def _size(character: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM_7:
        return 2 if character in _EXTENDED else 1
    return 2 if ord(character) > 0xFFFF else 1


def _parts(sizes: Iterable[int], room: int) -> int:
    """How many parts of `room` units: what takes two units is never cut in two."""
    parts, left = 0, 0
    for size in sizes:
        if size > left:
            parts, left = parts + 1, room
        left -= size
    return parts
