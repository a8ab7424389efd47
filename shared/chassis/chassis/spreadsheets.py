"""CSV (RFC 4180) as spreadsheets take it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

# OWASP, CSV injection: what begins so is computed by spreadsheets. What has prefixes already gets one more, so that each can be taken off again.
_COMPUTED = re.compile(r"'*[=+\-@\t\r\n]")
_E164 = re.compile(r"\+[0-9]+")


def line(cells: Iterable[Any]) -> str:
    """A row, its line end included."""
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def harmless(cell: Any, *, phone: bool = False) -> Any:
    """Text that a spreadsheet would take for a formula, with a prefix; `phone`: it may be a number in E.164, which is none."""
    if not isinstance(cell, str) or not _COMPUTED.match(cell) or (phone and _E164.fullmatch(cell)):
        return cell
    return f"'{cell}"


def as_given(cell: str) -> str:
    """The text that `harmless` was given."""
    return cell[1:] if cell.startswith("'") and _COMPUTED.match(cell) else cell
