"""What stands in the cells of a spreadsheet, as the fields of a client."""

from datetime import date

import pytest

from clients.domain import tables


@pytest.mark.parametrize(
    ("text", "birth_date"),
    [
        ("01.05.1990", "1990-05-01"),
        ("1.5.90", "1990-05-01"),
        ("27.11.26", "2026-11-27"),
        ("28.11.26", "1926-11-28"),
        ("29.02.36", "1936-02-29"),
        ("01.05.55", "1955-05-01"),
        ("31.02.90", "31.02.90"),
        ("1990-05-01", "1990-05-01"),
    ],
)
def test_a_year_of_two_digits_is_one_in_which_somebody_may_be_born(text: str, birth_date: str) -> None:
    meant = tables.columns(["Name", "Geburtsdatum"], {})

    found = tables.record(["Anna", text], meant, today=date(2026, 11, 27))

    assert found["birth_date"] == birth_date
