"""CSV (RFC 4180) as spreadsheets take it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

# OWASP, CSV injection: what begins so is computed by spreadsheets.
_COMPUTED = "=+-@\t\r"


def line(cells: Iterable[Any]) -> str:
    """A row, its line end included."""
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def harmless(cell: Any, *, phone: bool = False) -> Any:
    """Text that a spreadsheet would take for a formula, with a prefix; `phone`: it may be a number in E.164, which is none."""
    computed = _COMPUTED.replace("+", "") if phone else _COMPUTED
    return f"'{cell}" if isinstance(cell, str) and cell and cell[0] in computed else cell
