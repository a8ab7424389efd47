"""Clients are taken in by the file: parts of it wait in the store, and each is done in one transaction with its report.

A part is gone once it is done, so that whoever goes on after a crash does what is left, and nobody keeps the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chassis.ids import new_id
from chassis.problems import Invalid, NotFound
from clients.domain.person import Person
from clients.domain.search import fold
from clients.operations import accounts, create, fields
from clients.operations.context import Clients
from clients.operations.fields import Fields
from clients.store import imports as store
from clients.store import queries
from clients.store.models import Account, Import
from contracts.plans import PLANS, Plan

WORK = "imports"
ROWS_AT_ONCE = 500
_KEPT = timedelta(days=30)
# What makes a client without email and phone known again.
_CONTENT = ("name", "birth_date", "address", "notes", "locale", "timezone", "tags")
# What is left of a row that was about somebody who has been forgotten since; no row of a client is a text.
_FORGOTTEN = "(erased)"
_ERASED = {"pointer": "", "code": "erased", "detail": "This person was erased while the row waited."}
Read = Callable[[Mapping[str, Any]], Fields]
Rows = Sequence[tuple[int, Any]]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """An import as it stands; `total` rows are known from the beginning."""

    id: str
    status: str
    dry_run: bool
    total: int
    created: int
    duplicates: int
    failed: int
    ignored_columns: list[str]
    started_at: datetime
    finished_at: datetime | None


def begin(
    context: Clients,
    account_id: str,
    parts: Iterable[Rows],
    *,
    total: int,
    dry_run: bool,
    ignored_columns: Sequence[str],
    read: Read,
) -> Progress:
    """Keep the rows (numbers and fields), `ROWS_AT_ONCE` in a part; where there is but one part it is done at once.

    Raises:
        Unavailable: the account is not known here yet.
    """
    with context.store.transaction():
        accounts.known(account_id)
        now = context.clock.now()
        row = Import.create(
            id=new_id("imp"),
            account_id=account_id,
            status="queued",
            dry_run=dry_run,
            ignored_columns=list(ignored_columns),
            total=total,
            created=0,
            duplicates=0,
            failed=0,
            started_at=now,
            worked_at=now,
        )
        for position, part in enumerate(parts):
            store.keep_part(row.id, position, json.dumps(part))
        if total <= ROWS_AT_ONCE:
            _go_on(context, row, read)
        else:
            context.wakeups.after_commit(WORK)
        return _progress(row)


def work(context: Clients, read: Read) -> int:
    """Do the next part of the import that has waited longest; returns how many parts were done (0 or 1)."""
    with context.store.transaction():
        row = store.claim(context.store)
        if row is None:
            return 0
        _go_on(context, row, read)
        return 1


def progress(context: Clients, account_id: str, import_id: str) -> Progress:
    """How an import stands.

    Raises:
        NotFound, Unavailable.
    """
    with context.store.reading():
        accounts.known(account_id)
        row = Import.get_or_none(Import.account_id == account_id, Import.id == import_id)
        if row is None:
            raise NotFound
        return _progress(row)


def reports(context: Clients, import_id: str) -> Iterator[list[dict[str, Any]]]:
    """What became of the rows so far, part by part; no connection is held while the caller works on one."""
    position = -1
    while True:
        with context.store.reading():
            found = store.next_report(import_id, after=position)
        if found is None:
            return
        position, content = found
        yield json.loads(content)


def forget_old(context: Clients) -> int:
    """Delete the reports of imports of more than 30 days ago; returns how many imports."""
    with context.store.transaction():
        return store.delete_before(context.store, context.clock.now() - _KEPT)


def forget(account_id: str, people: Sequence[Person]) -> int:
    """Take the rows that are about these people out of what waits; returns how many. The account must be locked."""
    count = 0
    for import_id, position, content in store.waiting_parts(account_id):
        rows = json.loads(content)
        theirs = {number for number, values in rows if any(person.is_meant_by(values) for person in people)}
        if theirs:
            left = [(number, _FORGOTTEN if number in theirs else values) for number, values in rows]
            store.rewrite_part(import_id, position, json.dumps(left))
            count += len(theirs)
    marks = [mark for person in people for mark in _marks(person.email_key, person.phone, person.name)]
    store.forget_marks(account_id, marks)
    return count


def _progress(row: Import) -> Progress:
    return Progress(**{name: getattr(row, name) for name in Progress.__dataclass_fields__})


def _go_on(context: Clients, row: Import, read: Read) -> None:
    # Locked before the part is read: whoever forgets a person takes them out of what waits under the same lock.
    account = accounts.locked(context, row.account_id)
    part = store.next_part(row.id)
    if part is not None:
        position, content = part
        report = _take_in(context, account, row, json.loads(content), read)
        store.done(row.id, position, json.dumps(report, ensure_ascii=False, separators=(",", ":")))
        for name, status in (("created", "created"), ("duplicates", "duplicate"), ("failed", "failed")):
            setattr(row, name, getattr(row, name) + sum(each["status"] == status for each in report))
        row.status = "running"
    row.worked_at = context.clock.now()
    if part is None or row.created + row.duplicates + row.failed == row.total:
        row.status, row.finished_at = "completed", row.worked_at
        store.delete_marks(row.id)
    row.save()


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """A row that can become a client; it is there already where somebody has the first of its `marks`, and is known by all of them."""

    number: int
    given: Fields
    columns: dict[str, Any]
    marks: Sequence[str]

    @property
    def mark(self) -> str:
        return self.marks[0]


def _take_in(context: Clients, account: Account, import_: Import, rows: Rows, read: Read) -> list[dict[str, Any]]:
    """What becomes of each row, in their order; those that are new are clients now, unless it is a dry run."""
    report: dict[int, dict[str, Any]] = {}
    ready: list[_Ready] = []
    for number, values in rows:
        if values == _FORGOTTEN:
            report[number] = _row(number, "failed", errors=[_ERASED])
            continue
        try:
            ready.append(_ready(account, number, read(values)))
        except Invalid as wrong:
            report[number] = _row(number, "failed", errors=wrong.extra["errors"])
    known = _known(context, account.id, import_, ready)
    limit = PLANS[Plan(account.plan)].clients
    room = None if limit is None else limit - queries.count_live(account.id, up_to=limit)
    if room is not None and import_.dry_run:
        room -= import_.created
    fresh: list[create.New] = []
    for each in ready:
        if each.mark in known:
            report[each.number] = _row(each.number, "duplicate", client_id=known[each.mark])
        elif room is not None and len(fresh) >= room:
            report[each.number] = _row(each.number, "failed", errors=[_no_room(account, limit)])
        else:
            new = create.New(id=new_id("cli"), given=each.given, columns=each.columns, import_mark=_kept_mark(each))
            fresh.append(new)
            for mark in each.marks:
                known.setdefault(mark, None if import_.dry_run else new.id)
            report[each.number] = _row(each.number, "created", client_id=known[each.mark])
    if import_.dry_run:
        store.keep_marks(import_.id, [mark for mark, client_id in known.items() if client_id is None])
    else:
        create.insert_many(context, account, fresh, source="import")
    return [report[number] for number, _ in rows]


def _ready(account: Account, number: int, given: Fields) -> _Ready:
    columns = fields.columns(given, account)
    marks = list(_marks(columns.get("email_key"), columns.get("phone"), columns["name"]))
    if not marks:
        content = {name: str(given.get(name)) for name in _CONTENT if given.get(name)}
        marks = ["content " + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()]
    return _Ready(number=number, given=given, columns=columns, marks=marks)


def _marks(email_key: str | None, phone: str | None, name: str) -> Iterator[str]:
    """What somebody with an address is known by, the best first."""
    if email_key:
        yield f"email {email_key}"
    if phone:
        # A family shares a number: the name is needed as well.
        yield f"phone {phone} {fold(name)}"


def _kept_mark(row: _Ready) -> str | None:
    return row.mark if row.mark.startswith("content ") else None


def _known(context: Clients, account_id: str, import_: Import, rows: Sequence[_Ready]) -> dict[str, str | None]:
    """Who is there already, by mark: the id of the oldest live client, None for one whom this dry run would have made."""
    marks = {row.mark for row in rows}
    found: dict[str, str | None] = {}
    if import_.dry_run:
        found |= dict.fromkeys(store.marked(import_.id, marks))
    emails = [row.columns["email_key"] for row in rows if row.columns.get("email_key")]
    phones = [row.columns["phone"] for row in rows if row.mark.startswith("phone ")]
    for id_, email_key, phone, name, import_mark in store.live_like(
        account_id, emails=emails, phones=phones, marks=[mark for mark in marks if mark.startswith("content ")]
    ):
        for mark in (*_marks(email_key, phone, name), import_mark):
            if mark is not None and mark in marks:
                found[mark] = found.get(mark) or id_
    return found


def _row(
    number: int, status: str, *, client_id: str | None = None, errors: Sequence[dict[str, str]] = ()
) -> dict[str, Any]:
    return {"row": number, "status": status, "client_id": client_id, "errors": list(errors)}


def _no_room(account: Account, limit: int | None) -> dict[str, str]:
    return {
        "pointer": "",
        "code": "plan_limit_reached",
        "detail": f"The plan {account.plan} includes {limit} clients.",
    }
