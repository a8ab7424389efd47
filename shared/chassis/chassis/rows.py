"""Rows found by what they equal, rows added and rows changed, each by a statement that is written once and kept.

peewee writes a statement's text anew for every use: 350 microseconds for a row of twenty columns, of which the store's own
share is ten. What is asked for at every request goes through here; what is more than an equality stays peewee's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import peewee

M = TypeVar("M", bound=peewee.Model)


def first(model: type[M], *, lock: bool = False, share: bool = False, **equal: Any) -> M | None:
    """The row whose fields equal these (None: is null); None where there is none.

    `lock` keeps others from changing it until the unit of work ends, and so does `share`, which any number may have at once; on SQLite the
    one writer at a time needs no lock.
    """
    found = every(model, lock=lock, share=share, **equal)
    return found[0] if found else None


def every(model: type[M], *, lock: bool = False, share: bool = False, **equal: Any) -> list[M]:
    """All rows whose fields equal these, in no order. `lock` and `share` as `first`."""
    database, fields = model._meta.database, model._meta.sorted_fields
    nulls = tuple(name for name, value in equal.items() if value is None)
    strength = (" FOR UPDATE" if lock else " FOR SHARE" if share else "") if database.for_update else ""
    text = _select(model, tuple(equal), nulls, strength, database.param)
    bound = [model._meta.fields[name].db_value(value) for name, value in equal.items() if value is not None]
    return [_made(model, fields, row) for row in database.execute_sql(text, bound).fetchall()]


def add(row: peewee.Model) -> None:
    """Insert the row with the fields that it was given; the others are the table's defaults."""
    model, values = type(row), row.__data__
    database = model._meta.database
    fields = model._meta.fields
    database.execute_sql(
        _insert(model, tuple(values), database.param), [fields[name].db_value(value) for name, value in values.items()]
    )
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
    database.execute_sql(_update(model, tuple(values), key, database.param), bound)


def _key(model: type[peewee.Model]) -> str:
    return str(model._meta.primary_key.name)  # type: ignore[union-attr]


def _mark_stored(row: peewee.Model) -> None:
    row._dirty.clear()  # type: ignore[attr-defined]  # as Model.save does


def _made(model: type[M], fields: Sequence[peewee.Field], values: Sequence[Any]) -> M:
    row = model(__no_default__=True)
    row.__data__.update((field.name, field.python_value(value)) for field, value in zip(fields, values, strict=True))
    return row


@cache
def _select(model: type[peewee.Model], names: tuple[str, ...], nulls: tuple[str, ...], lock: str, param: str) -> str:
    columns = ", ".join(f'"{field.column_name}"' for field in model._meta.sorted_fields)
    conditions = [
        f"{_column(model, name)} IS NULL" if name in nulls else f"{_column(model, name)} = {param}" for name in names
    ]
    return f'SELECT {columns} FROM "{model._meta.table_name}" WHERE {" AND ".join(conditions)}{lock}'


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
