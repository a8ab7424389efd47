"""Clients found as one types, among a million: those found best before the others, the most recent first.

What many have is soon met by looking at the most recent clients in their order; what few have is met through an index. Which of the two it
is nobody knows before: so the most recent thousands are looked at, and what they hold of it tells whether to look on or to ask the index.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis.store import Store
from clients.domain.search import Reached, Search
from clients.store.models import Client
from clients.store.queries import pattern

_MOST_RECENT = 5000
# A client met in their order takes a tenth of the time of one that the index leads to (0.5 and 5 microseconds, measured). So of a million
# a page is sooner filled by looking on where the square of those met among the most recent is more than so many times the page.
_LOOK_ON = 5
# Of a number the last digits lead to few enough: each digit more would have the index of trigrams look at tens of thousands of entries more.
_TELLING_DIGITS = 5
# What PostgreSQL's trigrams are made of in every locale; other parts are looked up by their letters and pairs of letters.
_HAS_TRIGRAM = re.compile("[0-9a-z]{3}")
_EVERYBODY = "SELECT id FROM clients WHERE {} ORDER BY id DESC LIMIT {}"
_AMONG_RECENT = """SELECT id FROM (SELECT id, search FROM clients WHERE {} ORDER BY id DESC LIMIT {}) AS recent
    WHERE {} ORDER BY id DESC LIMIT {}"""
# Materialized, so that no planner walks all clients in their order for the sake of the limit.
_THROUGH_INDEX = """WITH hits AS MATERIALIZED (SELECT id FROM clients WHERE {})
    SELECT id FROM hits ORDER BY id DESC LIMIT {}"""
# A piece of SQL, and what it binds.
_Piece = tuple[str, list[Any]]


def found(
    store: Store, account_id: str, search: Search, *, tag_key: str | None, after: Reached | None, limit: int
) -> list[tuple[Reached, Client]]:
    """At most `limit` live clients that the search finds, those found best first, then the most recent; from the one `after` on."""
    page: list[Reached] = []
    for best in (True, False) if search.ways else (True,):
        if after is None or after.best or not best:
            before = after.id if after is not None and after.best is best else None
            asked = _Question(
                store=store, account_id=account_id, ways=search.ways, best=best, tag_key=tag_key, before=before
            )
            page += [Reached(best=best, id=id_) for id_ in asked.ids(limit - len(page))]
        if len(page) == limit:
            break
    rows = {row.id: row for row in Client.select().where(Client.id.in_([each.id for each in page]))}
    return [(each, rows[each.id]) for each in page]


def forget(store: Store) -> None:
    """Take what was overwritten out of SQLite's full-text index, which else keeps it until its parts are next merged."""
    if store.on_sqlite:
        store.execute("INSERT INTO client_pairs (client_pairs) VALUES ('optimize')")


@dataclass(frozen=True, kw_only=True)
class _Question:
    """Who is found best, or found but not best, and older than the id `before`?"""

    store: Store
    account_id: str
    ways: Sequence[Sequence[str]]
    best: bool
    tag_key: str | None
    before: str | None

    def ids(self, limit: int) -> list[str]:
        """The most recent of them."""
        if not self.ways:
            return self._ask(_EVERYBODY, _all(self._live(), *self._tagged()), _bound(limit))
        recent = self._among_recent(_MOST_RECENT, limit)
        if limit > len(recent) and len(recent) ** 2 > _LOOK_ON * limit:
            recent = self._among_recent(2 * _MOST_RECENT * limit // len(recent), limit)
        if len(recent) == limit:
            return recent
        matching = self._matching(through_index=True)
        return self._ask(_THROUGH_INDEX, _all(self._live(), matching, *self._tagged()), _bound(limit))

    def _among_recent(self, count: int, limit: int) -> list[str]:
        matching = _all(self._matching(through_index=False), *self._tagged())
        return self._ask(_AMONG_RECENT, self._live(), _bound(count), matching, _bound(limit))

    def _ask(self, sql: str, *pieces: _Piece) -> list[str]:
        bound = [value for _, values in pieces for value in values]
        # How many have what is asked for decides how they are best found.
        rows = self.store.execute(sql.format(*(text for text, _ in pieces)), bound, planned_anew=True)
        return [row[0] for row in rows]

    def _live(self) -> _Piece:
        live = ("account_id = %s AND deleted_at IS NULL AND merged_into IS NULL", [self.account_id])
        return live if self.before is None else _all(live, ("id < %s", [self.before]))

    def _tagged(self) -> list[_Piece]:
        if self.tag_key is None:
            return []
        tagged = "id IN (SELECT client_id FROM client_tags WHERE account_id = %s AND tag_key = %s)"
        return [(tagged, [self.account_id, self.tag_key])]

    def _matching(self, *, through_index: bool) -> _Piece:
        best = self._any_way(" ", through_index=through_index and self.best)
        if self.best:
            return best
        condition, bound = best
        return _all(self._any_way("", through_index=through_index), (f"NOT {condition}", bound))

    def _any_way(self, before_each: str, *, through_index: bool) -> _Piece:
        ways = [[before_each + part for part in way] for way in self.ways]
        pieces = [_all(*(self._indexed(way) if through_index else map(_holds, way))) for way in ways]
        return f"({' OR '.join(text for text, _ in pieces)})", [value for _, values in pieces for value in values]

    def _indexed(self, parts: Sequence[str]) -> list[_Piece]:
        return _on_sqlite(parts) if self.store.on_sqlite else _on_postgresql(parts)


def _on_postgresql(parts: Sequence[str]) -> list[_Piece]:
    """The index of trigrams serves LIKE by itself; what it cannot serve is looked up in the other."""
    looked_up = [letters for part in parts if not _HAS_TRIGRAM.search(part) for letters in _pairs(part)]
    pieces = [('client_parts(search) @> (%s::text[] COLLATE "C")', [looked_up])] if looked_up else []
    for part in parts:
        if part.lstrip().isdigit() and len(part.lstrip()) > _TELLING_DIGITS:
            # Nothing added to a text keeps the index from being asked for all of it.
            pieces += [_holds(part[-_TELLING_DIGITS:]), _holds(part, "search || ''")]
        else:
            pieces.append(_holds(part))
    return pieces


def _on_sqlite(parts: Sequence[str]) -> list[_Piece]:
    # The index has pairs alone; a letter is what begins a pair.
    words = [letters.encode().hex() + "*" * (len(letters) == 1) for part in parts for letters in _pairs(part)]
    rows = "SELECT rowid FROM client_pairs WHERE client_pairs MATCH %s"
    return [
        (f"id IN (SELECT client_id FROM client_rows WHERE row IN ({rows}))", [" ".join(words)]),
        *map(_holds, parts),
    ]


def _pairs(part: str) -> list[str]:
    return [part[at : at + 2] for at in range(len(part) - 1)] or [part]


def _holds(part: str, text: str = "search") -> _Piece:
    return f"{text} LIKE %s ESCAPE '\\'", [pattern(part)]


def _all(*pieces: _Piece) -> _Piece:
    return " AND ".join(text for text, _ in pieces), [value for _, values in pieces for value in values]


def _bound(value: int) -> _Piece:
    return "%s", [value]
