"""Questions to the tables of imports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from chassis.store import Store
from clients.store.models import Client, Import, ImportMark, ImportPart, ImportReport
from clients.store.queries import live


def claim(store: Store) -> Import | None:
    """The open import that was worked on least recently, locked; others pass it by."""
    rows = store.execute(
        f"SELECT id FROM imports WHERE finished_at IS NULL ORDER BY worked_at LIMIT 1 {store.skip_locked}"
    )
    found: Import | None = Import.get_by_id(rows[0][0]) if rows else None
    return found


def keep_part(import_id: str, position: int, content: str) -> None:
    ImportPart.insert(import_id=import_id, position=position, content=content).execute()


def next_part(import_id: str) -> tuple[int, str] | None:
    """The first part that is not done."""
    row = ImportPart.select().where(ImportPart.import_id == import_id).order_by(ImportPart.position).first()
    return (row.position, row.content) if row is not None else None


def waiting_parts(account_id: str) -> Iterator[tuple[str, int, str]]:
    """Every part of the account's imports that is not done, one in memory at a time: its import, its position, its content."""
    query = (
        ImportPart.select(ImportPart.import_id, ImportPart.position)
        .join(Import, on=(Import.id == ImportPart.import_id))
        .where(Import.account_id == account_id)
        .order_by(ImportPart.import_id, ImportPart.position)
    )
    for waiting in list(query):
        part = ImportPart.get(ImportPart.import_id == waiting.import_id, ImportPart.position == waiting.position)
        yield part.import_id, part.position, part.content


def rewrite_part(import_id: str, position: int, content: str) -> None:
    ImportPart.update(content=content).where(
        ImportPart.import_id == import_id, ImportPart.position == position
    ).execute()


def done(import_id: str, position: int, report: str) -> None:
    """Put the report in the place of a part."""
    ImportPart.delete().where(ImportPart.import_id == import_id, ImportPart.position == position).execute()
    ImportReport.insert(import_id=import_id, position=position, content=report).execute()


def next_report(import_id: str, *, after: int) -> tuple[int, str] | None:
    query = ImportReport.select().where(ImportReport.import_id == import_id, ImportReport.position > after)
    row = query.order_by(ImportReport.position).first()
    return (row.position, row.content) if row is not None else None


def keep_marks(import_id: str, marks: Iterable[str]) -> None:
    rows = [{"import_id": import_id, "mark": mark} for mark in dict.fromkeys(marks)]
    if rows:
        ImportMark.insert_many(rows).on_conflict_ignore().execute()


def marked(import_id: str, marks: Collection[str]) -> list[str]:
    """Which of `marks` were kept."""
    query = ImportMark.select(ImportMark.mark).where(
        ImportMark.import_id == import_id, ImportMark.mark.in_(list(marks))
    )
    return [row.mark for row in query] if marks else []


def forget_marks(account_id: str, marks: Sequence[str]) -> None:
    """Delete these marks of the account's dry runs."""
    own = Import.select(Import.id).where(Import.account_id == account_id)
    ImportMark.delete().where(ImportMark.mark.in_(list(marks)), ImportMark.import_id.in_(own)).execute()


def delete_marks(import_id: str) -> None:
    ImportMark.delete().where(ImportMark.import_id == import_id).execute()


def live_like(
    account_id: str, *, emails: Sequence[str], phones: Sequence[str], marks: Sequence[str]
) -> list[tuple[str, str | None, str | None, str, str | None]]:
    """Live clients who have one of these, the oldest first: id, email key, phone, name, mark of their import."""
    found: set[tuple[str, str | None, str | None, str, str | None]] = set()
    # Each by an index of its own.
    for column, values in ((Client.email_key, emails), (Client.phone, phones), (Client.import_mark, marks)):
        if values:
            query = Client.select(Client.id, Client.email_key, Client.phone, Client.name, Client.import_mark).where(
                Client.account_id == account_id, column.in_(list(values)), live()
            )
            found.update(tuple(row) for row in query.tuples().iterator())
    return sorted(found, key=lambda row: row[0])


def delete_before(store: Store, moment: datetime) -> int:
    """Delete finished imports that were started before `moment`, a few at once; returns how many."""
    ids = [
        row.id
        for row in Import.select(Import.id)
        .where(Import.started_at < moment, Import.finished_at.is_null(False))
        .limit(10)
    ]
    for id_ in ids:
        ImportReport.delete().where(ImportReport.import_id == id_).execute()
        Import.delete().where(Import.id == id_).execute()
    return len(ids)
