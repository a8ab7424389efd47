"""Files of clients as they come: CSV in whatever a spreadsheet writes, or a JSON array, row by row in bounded memory."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

_BLOCK = 1 << 16
_DELIMITERS = ";,\t|"
_LONGEST_ROW = 1_000_000  # characters
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Unreadable(ValueError):
    """The file as a whole is no CSV or JSON of that kind; the text says where."""


def encoding(file: IO[bytes]) -> str:
    """The encoding of a text file: by its byte order mark, else UTF-8 where it is that, else Windows' Western one."""
    file.seek(0)
    head = file.read(4)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


@dataclass(kw_only=True)
class CsvTable:
    """A table's header, and its rows with their numbers: the first after the header is 1. Rows without any text are passed over."""

    file: IO[bytes]
    charset: str | None = None
    header: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        name = self.charset or encoding(self.file)
        self.file.seek(0)
        try:
            # cp1252 leaves five bytes undefined; a file that has them is not lost for that.
            self._text = io.TextIOWrapper(
                self.file, encoding=name, errors="strict" if self.charset else "replace", newline=""
            )
        except LookupError:
            raise Unreadable(f"The encoding {name} is not known.") from None
        try:
            lines = iter(lambda: self._text.readline(_LONGEST_ROW).lstrip("\ufeff"), "")
            first = next((line for line in lines if line.strip()), "")
            told = first.strip().lower().startswith("sep=")
            delimiter = first.strip()[4:5] if told else _delimiter(first)
            self._text.seek(0)
            while told and not self._text.readline().strip("\ufeff \t\r\n"):
                pass
            self._rows = csv.reader(self._text, delimiter=delimiter or ",", strict=False)
            # Tables may begin below some empty rows.
            header = next((row for row in self._rows if any(cell.strip("\ufeff \t") for cell in row)), [])
            self.header = [name.lstrip("\ufeff").strip() for name in header]
        except (UnicodeError, csv.Error, TypeError) as error:
            raise Unreadable(f"The header cannot be read: {error}") from None

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        number = 0
        while True:
            number += 1
            try:
                row = next(self._rows)
            except StopIteration:
                return
            except (UnicodeError, csv.Error) as error:
                raise Unreadable(f"Row {number} cannot be read: {error}") from None
            if any(cell.strip() for cell in row):
                yield number, row

    def let_go(self) -> None:
        """Leave the file open, which the wrapper would close."""
        self._text.detach()


def _delimiter(line: str) -> str:
    outside = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def json_rows(file: IO[bytes]) -> Iterator[tuple[int, Any]]:
    """The values of a JSON array with their numbers from 1, one at a time.

    Raises:
        Unreadable: it is no array, or not JSON from there on.
    """
    text = _Text(file)
    if text.next_char() != "[":
        raise Unreadable("The body must be an array of clients.")
    text.skip(1)
    number = 0
    if text.next_char() == "]":
        text.skip(1)
    else:
        while True:
            number += 1
            yield number, text.value(number)
            following = text.next_char()
            text.skip(1)
            if following == "]":
                break
            if following != ",":
                raise Unreadable(f"After row {number} a comma or the end of the array is missing.")
    if text.next_char():
        raise Unreadable("There is something after the end of the array.")


class _Text:
    """A window on a UTF-8 text of which no more is kept than the value at hand."""

    def __init__(self, file: IO[bytes]) -> None:
        file.seek(0)
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._json = json.JSONDecoder(parse_constant=_no_number)
        self._buffer = ""
        self._at = 0
        self._ended = False

    def next_char(self) -> str:
        """The next character that is no white space, not taken; empty at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def skip(self, characters: int) -> None:
        self._at += characters

    def value(self, number: int) -> Any:
        self.next_char()
        while True:
            try:
                found, end = self._json.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise Unreadable(f"Row {number} is nested too deeply.") from None
            except ValueError as error:
                # It may only be cut off.
                if len(self._buffer) - self._at > _LONGEST_ROW or not self._more():
                    raise Unreadable(f"Row {number} is not JSON: {error}") from None
                continue
            # A number at the end of what was read may go on.
            if end == len(self._buffer) and self._more():
                continue
            self._at = end
            return found

    def _more(self) -> bool:
        if self._ended:
            return False
        block = self._file.read(_BLOCK)
        self._ended = not block
        try:
            self._buffer = self._buffer[self._at :] + self._decode(block, not block)
        except UnicodeDecodeError as error:
            raise Unreadable(f"The body is not UTF-8: {error.reason}") from None
        self._at = 0
        return bool(block)


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON number")
