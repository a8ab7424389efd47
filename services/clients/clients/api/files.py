"""`/v1/clients/import` and `/v1/clients/export`: clients by the file."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import IO, Any

from flask import Response, request

from chassis.problems import Forbidden, Invalid, InvalidJson, Problem, UnsupportedMediaType
from chassis.spreadsheets import as_given, harmless, line
from chassis.web import Blueprint, caller, once, requires, upload, uploaded
from clients.api.clients import NOTES, READ, WRITE
from clients.api.file_schemas import ImportOut, ImportQuery, mapping, read_row
from clients.api.schemas import ClientOut
from clients.domain import record, tables
from clients.domain.uploads import CsvTable, Unreadable, json_rows
from clients.operations import find, imports
from clients.operations.context import Clients

_LARGEST_FILE = 64_000_000
_CSV, _JSON = "text/csv", "application/json"


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """A file that was read once: its rows lie in `lines`, a part a line."""

    lines: IO[str]
    total: int
    ignored_columns: Sequence[str]

    def __iter__(self) -> Iterator[list[tuple[int, Any]]]:
        self.lines.seek(0)
        for part in self.lines:
            yield json.loads(part)


def blueprint(context: Clients) -> Blueprint:
    """The routes of import and export."""
    routes = Blueprint("files", __name__, url_prefix="/v1/clients", description="Clients by the file.")

    @routes.post("/import")
    @requires(WRITE)
    @upload(_LARGEST_FILE)
    @routes.arguments(ImportQuery, location="query")
    @once(context.store, prepare=lambda query: _read(query, today=context.clock.now().date()))
    @routes.response(200, ImportOut)
    @routes.alt_response(202, schema=ImportOut, success=True, description="It goes on; look at `Location`")
    def import_clients(query: dict[str, Any], prepared: _Parts) -> Any:
        begun = imports.begin(
            context,
            caller().account_id,
            prepared,
            total=prepared.total,
            dry_run=query["dry_run"],
            ignored_columns=prepared.ignored_columns,
            read=read_row,
        )
        rows = [row for part in imports.reports(context, begun.id) for row in part]
        headers = {"Location": f"{context.settings.public_url}/v1/clients/import/{begun.id}"}
        return {**vars(begun), "rows": rows}, 200 if begun.finished_at else 202, headers

    @routes.get("/import/<import_id>")
    @requires(READ, WRITE)
    @routes.response(200, ImportOut)
    def get_import(import_id: str) -> Response:
        standing = imports.progress(context, caller().account_id, import_id)
        head = json.dumps(ImportOut(exclude=("rows",)).dump(standing), ensure_ascii=False)

        def whole() -> Iterator[str]:
            yield head[:-1] + ', "rows": ['
            for number, part in enumerate(imports.reports(context, import_id)):
                yield ("," if number and part else "") + json.dumps(part, ensure_ascii=False)[1:-1]
            yield "]}\n"

        return Response(whole(), mimetype=_JSON)

    @routes.get("/export")
    @requires(READ)
    @routes.response(200, ClientOut(many=True))
    def export_clients() -> Response:
        kind = request.accept_mimetypes.best_match([_CSV, _JSON]) if request.accept_mimetypes else _CSV
        if kind is None:
            raise _not_acceptable()
        batches = find.everybody(context, caller().account_id)
        notes = NOTES in caller().scopes
        text = _as_csv(batches, notes) if kind == _CSV else _as_json(batches, notes)
        ending = "csv" if kind == _CSV else "json"
        headers = {"Content-Disposition": f'attachment; filename="clients.{ending}"'}
        return Response(text, mimetype=kind, headers=headers)

    return routes


def _not_acceptable() -> Problem:
    problem = Problem(f"an export is {_CSV} or {_JSON}", code="not_acceptable")
    problem.status, problem.title = 406, "Not acceptable"  # type: ignore[assignment]
    return problem


def _read(query: dict[str, Any], *, today: date) -> _Parts:
    """Read the whole file once, before anything is begun: a file that is broken changes nothing."""
    kind = request.mimetype
    if kind not in {_CSV, _JSON}:
        raise UnsupportedMediaType(f"an import is {_CSV} or {_JSON}")
    columns = mapping(query["columns"])
    try:
        if kind == _CSV:
            return _read_csv(columns, today)
        return _kept(json_rows(uploaded().file), ignored=())
    except Unreadable as error:
        if kind == _JSON:
            raise InvalidJson(str(error)) from None
        raise Invalid.field("", str(error)) from None
    except tables.NoSuchColumn as error:
        raise Invalid.field("/columns", str(error)) from None


def _read_csv(columns: dict[str, str], today: date) -> _Parts:
    table = CsvTable(file=uploaded().file, charset=request.mimetype_params.get("charset"))
    try:
        meant = tables.columns(table.header, columns)
        rows = (
            (number, tables.record([as_given(cell.strip()) for cell in cells], meant, today=today))
            for number, cells in table
        )
        return _kept(rows, ignored=meant.ignored)
    finally:
        table.let_go()


def _kept(rows: Iterator[tuple[int, Any]], *, ignored: Sequence[str]) -> _Parts:
    may_note = NOTES in caller().scopes
    lines = tempfile.SpooledTemporaryFile(1 << 20, mode="w+", encoding="utf-8")  # noqa: SIM115 - gone with its last reader
    part: list[tuple[int, Any]] = []
    total = 0
    for number, values in rows:
        if not may_note and isinstance(values, dict) and values.get("notes"):
            raise Forbidden(f"private notes need the scope {NOTES}")
        part.append((number, values))
        total += 1
        if len(part) == imports.ROWS_AT_ONCE:
            lines.write(json.dumps(part) + "\n")
            part = []
    if part:
        lines.write(json.dumps(part) + "\n")
    return _Parts(lines=lines, total=total, ignored_columns=ignored)


def _as_csv(batches: Iterator[list[record.Client]], notes: bool) -> Iterator[str]:
    # The byte order mark is how spreadsheets know UTF-8.
    yield "\ufeff" + line(tables.COLUMNS)
    for batch in batches:
        yield "".join(line(map(harmless, tables.cells(_shown(client, notes)))) for client in batch)


def _as_json(batches: Iterator[list[record.Client]], notes: bool) -> Iterator[str]:
    schema = ClientOut()
    before = "["
    for batch in batches:
        for client in batch:
            yield before + json.dumps(schema.dump(_shown(client, notes)), ensure_ascii=False)
            before = ",\n"
    yield ("[" if before == "[" else "") + "]\n"


def _shown(client: record.Client, notes: bool) -> dict[str, Any]:
    return {name: value for name, value in vars(client).items() if notes or name != "notes"}
