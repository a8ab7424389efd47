"""What a spreadsheet would compute is made harmless, and can be had back."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.spreadsheets import as_given, harmless, line

_RISKY = st.text(alphabet="'=+-@\t\r\n1a")


@given(_RISKY | st.text())
def test_nothing_that_is_made_harmless_is_computed_and_all_of_it_comes_back(text: str) -> None:
    assert harmless(text)[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}
    assert as_given(harmless(text)) == text


@pytest.mark.parametrize(
    ("cell", "shown"), [("+4915123456789", "+4915123456789"), ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0")]
)
def test_a_phone_number_is_left_as_it_is_and_what_only_begins_like_one_is_not(cell: str, shown: str) -> None:
    assert harmless(cell, phone=True) == shown


def test_what_is_no_text_is_left_alone() -> None:
    assert [harmless(cell) for cell in (-5, None, 2.5)] == [-5, None, 2.5]


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00")), min_size=2))
def test_a_line_is_read_as_it_was_written(cells: list[str]) -> None:
    assert next(csv.reader(io.StringIO(line(cells), newline=""))) == cells
