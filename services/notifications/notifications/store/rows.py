"""Rows read and changed by statements that are written once: for every message anew, peewee's putting them together takes most of a worker's time."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from notifications.store.models import Base

M = TypeVar("M", bound=Base)


def one(model: type[M], condition: str, *values: Any) -> M | None:
    """The first row for which `condition` holds: SQL that may go on with ORDER BY, LIMIT and FOR UPDATE; `%s` for each value."""
    statement, convert = _select(model)
    row = _execute(model, f"{statement} WHERE {condition}", values).fetchone()
    if row is None:
        return None
    found = model(__no_default__=True)
    found.__data__.update(
        {name: into(value) if into else value for (name, into), value in zip(convert, row, strict=True)}
    )
    return found


def change(model: type[Base], id: str, values: dict[str, Any]) -> None:
    """Give the row of that id these values."""
    fields = model._meta.fields
    columns = ", ".join(f"{fields[name].column_name} = %s" for name in values)
    bound = [fields[name].db_value(value) for name, value in values.items()]
    _execute(model, f"UPDATE {model._meta.table_name} SET {columns} WHERE id = %s", (*bound, id))


def _execute(model: type[Base], sql: str, values: Any) -> Any:
    database = model._meta.database
    return database.execute_sql(sql.replace("%s", database.param), list(values))


@cache
def _select(model: type[Base]) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """The statement that reads whole rows, and by column its name and what makes a value of it."""
    fields = model._meta.sorted_fields
    columns = ", ".join(field.column_name for field in fields)
    return f"SELECT {columns} FROM {model._meta.table_name}", tuple(
        (field.name, field.python_value) for field in fields
    )
