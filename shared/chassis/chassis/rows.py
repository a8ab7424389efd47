"""Rows found by what they equal, rows added and rows changed, each by a statement that is written once and kept.

peewee writes a statement's text anew for every use: 350 microseconds for a row of twenty columns, of which the store's own
share is ten. What is asked for at every request goes through here; what is more than an equality stays peewee's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import peewee

from chassis.statements import Question, answer, ask, write
from chassis.store import portions

M = TypeVar("M", bound=peewee.Model)
# SQLite binds 32,766 values to a statement, PostgreSQL 65,535; more rows by one gain nothing any more.
_MOST_BOUND = 5000


@dataclass(frozen=True, kw_only=True)
class _Read:
    """The rows of a model whose fields are each among `values`, by the value of the first of these fields."""

    values: Mapping[str, frozenset[Any]]
    rows: defaultdict[Any, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def covers(self, equal: Mapping[str, Any]) -> bool:
        return all(equal.get(name) in values for name, values in self.values.items())

    def find(self, equal: Mapping[str, Any]) -> list[Any]:
        return [
            row
            for row in self.rows.get(equal[next(iter(self.values))], ())
            if all(row.__data__[name] == value for name, value in equal.items())
        ]


_ahead: ContextVar[Mapping[type[peewee.Model], tuple[_Read, ...]]] = ContextVar("rows_read_ahead", default={})  # noqa: B039 - never changed in place


def first(model: type[M], *, lock: bool = False, share: bool = False, **equal: Any) -> M | None:
    """The row whose fields equal these (None: is null); None where there is none.

    `lock` keeps others from changing it until the unit of work ends, and so does `share`, which any number may have at once; on SQLite the
    one writer at a time needs no lock.
    """
    found = every(model, lock=lock, share=share, **equal)
    return found[0] if found else None


def every(model: type[M], *, lock: bool = False, share: bool = False, **equal: Any) -> list[M]:
    """All rows whose fields equal these, in no order. `lock` and `share` as `first`."""
    for read in () if lock or share else _ahead.get().get(model, ()):
        if read.covers(equal):
            return read.find(equal)
    asked = question(model, lock=lock, share=share, **equal)
    return [_made(model, row) for row in answer(model._meta.database, asked)]


def question(model: type[peewee.Model], *, lock: bool = False, share: bool = False, **equal: Any) -> Question:
    """What `first` or `every` of the same arguments asks the store; to ask it together with others, by `Store.asked_together`."""
    meta = model._meta
    nulls = tuple([name for name, value in equal.items() if value is None])
    strength = (" FOR UPDATE" if lock else " FOR SHARE" if share else "") if meta.database.for_update else ""
    bound = tuple([meta.fields[name].db_value(value) for name, value in equal.items() if value is not None])
    one = any(value is not None and _unique(meta.fields[name]) for name, value in equal.items())
    width = len(meta.sorted_fields) if one else None
    return Question(_select(model, tuple(equal), nulls, strength, meta.database.param), bound, width, lock or share)


def locked(model: type[M], ids: Collection[Any]) -> list[M]:
    """The rows of these primary keys, for this unit of work alone to change; locked in the order of the keys."""
    if not ids:
        return []
    database = model._meta.database
    asked = _among(model, {_key(model): ids})
    strength = " FOR UPDATE" if database.for_update else ""
    found = database.execute_sql(f'{asked.text} ORDER BY "{_key(model)}"{strength}', asked.bound).fetchall()
    return [_made(model, row) for row in found]


@contextmanager
def ahead(*wanted: tuple[type[peewee.Model], Mapping[str, Collection[Any]]]) -> Iterator[None]:
    """Read, with one question, the rows of each model whose fields are among these values; inside, `first` and `every` answer from them.

    They do where it is sure that all rows asked for are here and no lock is asked for. So what a unit of work needs of many subjects is
    written for one, and asked once. The rows are shared by all who ask: nobody changes them.
    """
    reads = {model: _Read(values={name: frozenset(each) for name, each in values.items()}) for model, values in wanted}
    asked = [(model, read) for model, read in reads.items() if all(read.values.values())]
    if asked:
        questions = [_among(model, read.values) for model, read in asked]
        for (model, read), found in zip(asked, ask(asked[0][0]._meta.database, questions), strict=True):
            by = next(iter(read.values))
            for row in found:
                made = _made(model, row)
                read.rows[made.__data__[by]].append(made)
    before = _ahead.get()
    token = _ahead.set({**before, **{model: (read, *before.get(model, ())) for model, read in reads.items()}})
    try:
        yield
    finally:
        _ahead.reset(token)


def add(row: peewee.Model) -> None:
    """Insert the row with the fields that it was given; the others are the table's defaults."""
    model, values = type(row), row.__data__
    database = model._meta.database
    fields = model._meta.fields
    bound = [fields[name].db_value(value) for name, value in values.items()]
    write(database, _insert(model, tuple(values), database.param), bound)
    _mark_stored(row)


def add_all(added: Sequence[peewee.Model]) -> None:
    """Insert rows of one model that were given the same fields, many by a statement."""
    if not added:
        return
    model, names = type(added[0]), tuple(added[0].__data__)
    database, fields = model._meta.database, [model._meta.fields[name] for name in names]
    for some in portions(added, _MOST_BOUND // len(names)):
        text = _insert(model, names, database.param) + f", ({', '.join([database.param] * len(names))})" * (
            len(some) - 1
        )
        bound = [field.db_value(row.__data__[field.name]) for row in some for field in fields]
        write(database, text, bound)
    for row in added:
        _mark_stored(row)


def change(row: peewee.Model) -> None:
    """Store the fields that were set since the row was read or stored, under its primary key."""
    key = _key(type(row))
    names = sorted({field.name for field in row.dirty_fields} - {key})
    if names:
        update(type(row), row.__data__[key], {name: row.__data__[name] for name in names})
    _mark_stored(row)


def update(model: type[peewee.Model], id: Any, values: Mapping[str, Any]) -> None:
    """Give the row of that primary key these values, unread."""
    database, fields, key = model._meta.database, model._meta.fields, _key(model)
    bound = [fields[name].db_value(value) for name, value in (*values.items(), (key, id))]
    write(database, _update(model, tuple(values), key, database.param), bound)


def _unique(field: Any) -> bool:
    """Whether one row at most has a value of it."""
    return bool(field.primary_key or field.unique)


def _key(model: type[peewee.Model]) -> str:
    return str(model._meta.primary_key.name)  # type: ignore[union-attr]


def _mark_stored(row: peewee.Model) -> None:
    row._dirty.clear()  # type: ignore[attr-defined]  # as Model.save does


def _made(model: type[M], values: Sequence[Any]) -> M:
    row = model(__no_default__=True)
    data = row.__data__
    for (name, read), value in zip(_readers(model), values, strict=True):
        data[name] = value if value is None or read is None else read(value)
    return row


@cache
def _readers(model: type[peewee.Model]) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """Each column's field and what reads it; nothing has to be done to text and whole numbers."""
    plain = peewee.TextField, peewee.IntegerField, peewee.BigIntegerField
    fields: list[Any] = model._meta.sorted_fields
    return [(field.name, None if type(field) in plain else field.python_value) for field in fields]


def _among(model: type[peewee.Model], values: Mapping[str, Collection[Any]]) -> Question:
    """The statement for the rows whose fields are each among these."""
    fields = model._meta.fields
    bound = [[fields[name].db_value(value) for value in some] for name, some in values.items()]
    if model._meta.database.for_update:
        # One text however many they are, so that it is prepared once.
        return Question(_select_any(model, tuple(values)), tuple(bound))
    conditions = [
        f"{_column(model, name)} IN ({', '.join('?' * len(some))})" for name, some in zip(values, bound, strict=True)
    ]
    text = f"{_select_all(model)} WHERE {' AND '.join(conditions)}"
    return Question(text, tuple(value for some in bound for value in some))


@cache
def _select_any(model: type[peewee.Model], names: tuple[str, ...]) -> str:
    return f"{_select_all(model)} WHERE {' AND '.join(f'{_column(model, name)} = ANY(%s)' for name in names)}"


@cache
def _select_all(model: type[peewee.Model]) -> str:
    columns = ", ".join(f'"{field.column_name}"' for field in model._meta.sorted_fields)
    return f'SELECT {columns} FROM "{model._meta.table_name}"'


@cache
def _select(model: type[peewee.Model], names: tuple[str, ...], nulls: tuple[str, ...], lock: str, param: str) -> str:
    conditions = [
        f"{_column(model, name)} IS NULL" if name in nulls else f"{_column(model, name)} = {param}" for name in names
    ]
    return f"{_select_all(model)} WHERE {' AND '.join(conditions)}{lock}"


@cache
def _insert(model: type[peewee.Model], names: tuple[str, ...], param: str) -> str:
    columns = ", ".join(_column(model, name) for name in names)
    return f'INSERT INTO "{model._meta.table_name}" ({columns}) VALUES ({", ".join([param] * len(names))})'


@cache
def _update(model: type[peewee.Model], names: tuple[str, ...], key: str, param: str) -> str:
    settings = ", ".join(f"{_column(model, name)} = {param}" for name in names)
    return f'UPDATE "{model._meta.table_name}" SET {settings} WHERE {_column(model, key)} = {param}'


def _column(model: type[peewee.Model], name: str) -> str:
    return f'"{model._meta.fields[name].column_name}"'
