"""Whether a row of somebody's file is about a person who is to be forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from clients.domain.contact import phone_digits
from clients.domain.search import digits_dialled, fold


@dataclass(frozen=True, kw_only=True)
class Person:
    """What a record says of who somebody is; `email_key` as it is compared, `phone` in E.164."""

    name: str
    email_key: str | None
    phone: str | None

    def is_meant_by(self, row: Any) -> bool:
        """Whether a row (fields of a client as a file has them, not checked yet) is this person's.

        It is where it has their email. By their name it is where it has their number, too, or nothing that tells it from a namesake: families
        share numbers, and many are called the same.
        """
        texts = [fold(text) for text in _texts(row)]
        if self.email_key and any(_stands_alone(fold(self.email_key)).search(text) for text in texts):
            return True
        if (
            not isinstance(row, dict)
            or not self.name
            or fold(str(row.get("name") or "")).split() != fold(self.name).split()
        ):
            return False
        number = digits_dialled(str(row.get("phone") or ""))
        if number is None:
            return not row.get("email")
        return self.phone is not None and number in phone_digits(self.phone)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _stands_alone(address: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.+-]){re.escape(address)}(?![\w.-]*\w)")
