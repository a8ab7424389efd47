"""Pages of a list: the same few rules for every resource, with a cursor that tells where the last page ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import peewee

M = TypeVar("M", bound=peewee.Model)


@dataclass(frozen=True, kw_only=True)
class Page:
    """`after` is what the last page's cursor held: the id of its last row. `updated_since` leaves out what is older."""

    limit: int
    after: str | None = None
    updated_since: datetime | None = None


def page_of(query: peewee.ModelSelect[Any], model: Any, page: Page) -> tuple[list[Any], list[str] | None]:
    """The rows of one page in the order of their ids, which is that of their making, and what the next cursor holds."""
    if page.updated_since is not None:
        query = query.where(model.updated_at >= page.updated_since)
    if page.after is not None:
        query = query.where(model.id > page.after)
    rows = list(query.order_by(model.id).limit(page.limit + 1))
    more = len(rows) > page.limit
    rows = rows[: page.limit]
    return rows, [rows[-1].id] if more else None
