"""Finding as one types, as pure rules: accents and case aside, by parts of words and numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.domain import search


def finds(typed: str, name: str, email: str | None = None, phone: str | None = None) -> bool:
    ways = search.parse(typed).ways
    text = search.searchable(name, email, phone)
    return not ways or any(all(part in text for part in way) for way in ways)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("muller", "Anna Müller"),
        ("MÜLLER", "anna muller"),
        ("mü an", "Anna Müller"),
        ("strasse", "Herr Straße"),
        ("soren", "Søren Ångström"),
        ("lodz", "Łukasz z Łodzi"),
        ("istanbul", "İSTANBUL"),
        ("o'brien", "Conor O’Brien"),
        ("ελλη", "Έλλη"),
        ("йоа", "Йоахим"),
        ("김", "김민수"),
        ("が", "がくと"),
        ("ａｎｎａ", "Anna"),
        ("", "anybody"),
    ],
)
def test_a_name_is_found_with_accents_and_case_aside(typed: str, name: str) -> None:
    assert finds(typed, name)


@pytest.mark.parametrize(
    ("typed", "name"), [("か", "がくと"), ("anna meier", "Anna Müller"), ("%", "Anna"), ("_", "Anna")]
)
def test_what_is_not_in_the_name_is_not_found(typed: str, name: str) -> None:
    assert not finds(typed, name)


@pytest.mark.parametrize(
    "typed",
    [
        "0151 234",
        "0151/23456789",
        "+49 151 2345",
        "0049 151 2345",
        "+49 (0)151 2345",
        "4915123",
        "23456789",
        "456 78",
        "٠١٥١ ٢٣٤",
    ],
)
def test_a_number_is_found_however_it_is_grouped_and_from_wherever_it_is_dialled(typed: str) -> None:
    assert finds(typed, "Anna", None, "+4915123456789")


def test_another_number_is_not_found() -> None:
    assert not finds("0152 234", "Anna", None, "+4915123456789")


def test_words_may_be_spread_over_name_and_email() -> None:
    assert finds("anna example", "Anna Müller", "a.mueller@example.com")


def test_digits_in_an_email_are_found_as_typed() -> None:
    assert finds("12.34", "Anna", "anna.12.34@example.com")


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert search.fold(search.fold(text)) == search.fold(text)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1))
def test_whoever_types_a_whole_name_finds_it(name: str) -> None:
    text = search.searchable(name, None, None)
    assert all(part in text for way in search.parse(name).ways[:1] for part in way)


@given(st.text(max_size=50))
def test_anything_can_be_typed(typed: str) -> None:
    assert all(part and not part.isspace() for way in search.parse(typed).ways for part in way)
