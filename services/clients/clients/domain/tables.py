"""Tables of clients as spreadsheets write and read them: headers, and what stands in cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from clients.domain.search import fold

COLUMNS = (
    "name", "email", "phone", "birth_date", "address", "tags", "notes", "locale", "timezone", "contact_email", "contact_sms",
)  # fmt: skip
# How headers are usually called, English and German, as `_header` leaves them.
_WORDS = {
    "name": "name|full name|client|client name|customer|customer name|display name|kunde|kundin|kundenname|klient|klientin|vollstandiger name",
    "first": "first name|given name|firstname|forename|vorname",
    "last": "last name|family name|lastname|surname|nachname|familienname",
    "email": "email|e mail|mail|email address|e mail address|e mail adresse|emailadresse|mailadresse",
    "phone": "phone|phone number|telephone|tel|mobile|mobile phone|cell|cell phone|telefon|telefonnummer|mobil|mobiltelefon|mobilnummer|handy|handynummer|rufnummer",
    "birth_date": "birth date|birthdate|birthday|date of birth|dob|geburtstag|geburtsdatum",
    "address": "address|postal address|adresse|anschrift",
    "tags": "tags|tag|labels|label|groups|gruppen|gruppe|schlagworte|schlagworter",
    "notes": "notes|note|comment|comments|remarks|notizen|notiz|bemerkung|bemerkungen|kommentar",
    "locale": "locale|language|sprache",
    "timezone": "timezone|time zone|zeitzone",
    "contact_email": "contact email",
    "contact_sms": "contact sms",
}
_BY_WORD = {word: field for field, words in _WORDS.items() for word in words.split("|")}
# What an export adds and an import does not take.
_READ_ONLY = {"id", "created at"}
_JOINED_BY = {"name": " ", "address": "\n", "notes": "\n", "tags": ";"}
_YES, _NO = {"true", "yes", "ja", "1", "wahr"}, {"false", "no", "nein", "0", "falsch"}
_FULL_DATE, _SHORT_DATE = "%d.%m.%Y", "%d.%m.%y"


class NoSuchColumn(ValueError):
    """A mapping names a field that clients do not have, or a header that the table does not have, or there is no name."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which cells make which field, in the order in which they are joined; headers that mean nothing here are `ignored`."""

    fields: Mapping[str, Sequence[int]]
    ignored: Sequence[str]
    width: int


def columns(headers: Sequence[str], mapping: Mapping[str, str]) -> Columns:
    """What the headers mean: as `mapping` (header to field) says, else by the usual words.

    Raises:
        NoSuchColumn
    """
    wrong = sorted(set(mapping.values()) - set(COLUMNS))
    if wrong:
        raise NoSuchColumn(f"Clients have no field {wrong[0]}.")
    asked = {_header(header): field for header, field in mapping.items()}
    missing = sorted(set(asked) - {_header(header) for header in headers})
    if missing:
        raise NoSuchColumn(f"The table has no column {missing[0]}.")
    found: dict[str, list[int]] = {}
    ignored = []
    for index, header in enumerate(headers):
        word = _header(header)
        field = asked.get(word) or _BY_WORD.get(word)
        if field is not None:
            found.setdefault(field, []).append(index)
        elif word and word not in _READ_ONLY:
            ignored.append(header)
    first, last = found.pop("first", []), found.pop("last", [])
    if "name" not in mapping.values():
        # "Vorname; Name" is a first and a last name, "Name; Given name; Family name" says the same twice.
        found["name"] = first + (last or found.get("name", []))
    if not found["name"]:
        raise NoSuchColumn("The table has no column for the name.")
    return Columns(fields=found, ignored=ignored, width=len(headers))


def _header(text: str) -> str:
    return " ".join(re.split(r"[\s_\-./]+", fold(text))).strip()


def record(cells: Sequence[str], meant: Columns, *, today: date) -> dict[str, Any]:
    """A row's cells as the fields of a client, as a JSON body would have them; empty cells are not spoken of.

    Nobody is born after `today`: a year of two digits is the last such one by then.
    """
    found: dict[str, Any] = {}
    for field, indexes in meant.fields.items():
        texts = [text for index in indexes if index < len(cells) and (text := cells[index])]
        if not texts:
            continue
        joined = _JOINED_BY.get(field)
        text = joined.join(texts) if joined is not None else texts[0]
        if field.startswith("contact_"):
            found.setdefault("contact", {})[field.removeprefix("contact_")] = _flag(text)
        else:
            found[field] = _read(field, text, today)
    return found


def _read(field: str, text: str, today: date) -> Any:
    if field == "tags":
        return [tag for part in text.split(";" if ";" in text else ",") if (tag := part.strip())]
    if field == "birth_date":
        full, short = _date(text, _FULL_DATE), _date(text, _SHORT_DATE)
        if full is None and short is not None and short > today:
            short = short.replace(year=short.year - 100)
        born = full or short
        return born.isoformat() if born else text
    return text


def _date(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return None


def _flag(text: str) -> bool | str:
    word = fold(text)
    return True if word in _YES else False if word in _NO else text


def cells(client: Mapping[str, Any]) -> list[str]:
    """A client's fields as a row in the order of COLUMNS."""
    contact = client["contact"]
    values = dict(client) | {
        "contact_email": contact.email,
        "contact_sms": contact.sms,
        "tags": _joined(client["tags"]),
    }
    return [_written(values.get(column)) for column in COLUMNS]


def _joined(tags: Sequence[str]) -> str:
    text = ";".join(tags)
    return text + ";" if len(tags) == 1 and "," in text else text


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
