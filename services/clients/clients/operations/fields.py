"""What callers give of a client, as columns: addresses normalised by the account's country, every bad one named at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypedDict, TypeVar

from chassis.problems import Invalid
from clients.domain import contact
from clients.domain.contact import NotAnAddress
from clients.domain.search import fold
from clients.store.models import Account, Client

T = TypeVar("T")
_AS_THEY_ARE = ("name", "address", "notes", "locale", "timezone")


class Fields(TypedDict, total=False):
    """Fields of a client as a caller gives them; what is absent is not spoken of, None empties."""

    name: str
    email: str | None
    phone: str | None
    birth_date: date | None
    address: str | None
    tags: list[str] | None
    notes: str | None
    locale: str | None
    timezone: str | None
    contact: dict[str, bool]


def columns(given: Fields, account: Account) -> dict[str, Any]:
    """The columns that `given` speaks of, tags and contact left out.

    Raises:
        Invalid: an address or a number is none.
    """
    found: dict[str, Any] = {name: given[name] for name in _AS_THEY_ARE if name in given}  # type: ignore[literal-required]
    errors: list[dict[str, str]] = []
    if "birth_date" in given:
        found["birth_date"] = given["birth_date"].isoformat() if given["birth_date"] else None
    if "email" in given:
        address = _try(contact.email, given["email"], "/email", errors)
        found["email"] = address.address if address else None
        found["email_key"] = address.key if address else None
    if "phone" in given:
        found["phone"] = _try(lambda text: contact.phone(text, account.country), given["phone"], "/phone", errors)
    if errors:
        raise Invalid(errors=errors)
    return found


def _try(read: Callable[[str], T], text: str | None, pointer: str, errors: list[dict[str, str]]) -> T | None:
    if text is None:
        return None
    try:
        return read(text)
    except NotAnAddress as wrong:
        errors.append({"pointer": pointer, "detail": str(wrong)})
        return None


def tags(given: list[str] | None) -> list[tuple[str, str]]:
    """Tags as compared and as written, each once, in the order given; None is as none."""
    once: dict[str, str] = {}
    for tag in given or ():
        once.setdefault(fold(tag), tag)
    return list(once.items())


def write(row: Client, found: dict[str, Any]) -> bool:
    """Write `found` into the row's attributes; whether that changed anything."""
    changed = {name: value for name, value in found.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return bool(changed)
