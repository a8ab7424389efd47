"""Which rows of a waiting file are about somebody who is to be forgotten."""

from typing import Any

import pytest

from clients.domain.person import Person

ANNA = Person(name="Anna Müller", email_key="anna@example.com", phone="+4915123456789")


@pytest.mark.parametrize(
    "row",
    [
        {"name": "Anna Müller", "email": "anna@example.com", "phone": "0151 23456789"},
        {"name": "Somebody", "email": " ANNA@Example.com "},
        {"name": "Bert", "notes": "write to <anna@example.com>, please"},
        {"name": "anna  MULLER"},
        {"name": "Anna Müller", "phone": "+49 (0)151 234 567 89", "email": "another@example.com"},
        {"name": "Anna Müller", "phone": "0049 151/23456789"},
        {"name": 7, "tags": ["anna@example.com"]},
        ["anna@example.com"],
        "anna@example.com",
    ],
)
def test_it_is_theirs(row: Any) -> None:
    assert ANNA.is_meant_by(row)


@pytest.mark.parametrize(
    "row",
    [
        {"name": "Anna Müller", "email": "another@example.com"},
        {"name": "Anna Müller", "phone": "0151 1"},
        {"name": "Bert Müller", "phone": "0151 23456789"},
        {"name": "Joanna", "email": "joanna@example.com"},
        {"name": "Anna", "email": "anna@example.com.au"},
        {"name": None}, {}, None, 5, [],
    ],
)  # fmt: skip
def test_it_is_somebody_elses(row: Any) -> None:
    assert not ANNA.is_meant_by(row)


def test_one_without_any_address_is_known_by_name() -> None:
    assert Person(name="Anna", email_key=None, phone=None).is_meant_by({"name": "Anna", "notes": "x"})
    assert not Person(name="Anna", email_key=None, phone=None).is_meant_by({"name": "Anna", "email": "a@example.com"})
