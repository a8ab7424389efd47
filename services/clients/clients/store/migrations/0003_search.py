"""Indexes by which clients are found among a million: by trigrams, and by letters and pairs of letters, which are too short for those."""

from __future__ import annotations

from typing import Any

import peewee

# What is searched is one line now: words begin after a space, and after any punctuation, which gets one.
_PUNCTUATION = r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"""
_ONE_LINE_POSTGRESQL = r"""UPDATE clients SET search = ' ' || trim(
    regexp_replace(regexp_replace(search, '([!-/:-@\[-`{-~])', '\1 ', 'g'), '\s+', ' ', 'g'))"""
_ONE_LINE_SQLITE = (
    *(
        f"UPDATE clients SET search = replace(search, char({ord(mark)}), char({ord(mark)}, 32))"
        for mark in _PUNCTUATION
    ),
    "UPDATE clients SET search = replace(search, char(10), ' ')",
    *["UPDATE clients SET search = replace(search, '  ', ' ')"] * 3,
    "UPDATE clients SET search = ' ' || trim(search)",
)
_POSTGRESQL = (
    # Trusted: the owner of the database may make it.
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    # All letters, and the pairs that begin at odd and at even places.
    r"""CREATE FUNCTION client_parts(text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT string_to_array($1, NULL)
            || string_to_array(rtrim(regexp_replace($1, '(..)', E'\\1\n', 'g'), E'\n'), E'\n')
            || string_to_array(rtrim(regexp_replace(substr($1, 2), '(..)', E'\\1\n', 'g'), E'\n'), E'\n') $$""",
    "CREATE INDEX clients_trigrams ON clients USING gin (search gin_trgm_ops) WHERE deleted_at IS NULL AND merged_into IS NULL",
    """CREATE INDEX clients_parts ON clients USING gin (client_parts(search) COLLATE "C")
        WHERE deleted_at IS NULL AND merged_into IS NULL""",
)


def _pairs(text: str) -> str:
    """The pairs of letters of a column, a space behind the last, as hexadecimal words: so that no tokenizer has an opinion on what a letter is."""
    return f"""(SELECT group_concat(hex(substr({text} || ' ', place, 2)), ' ') FROM (
        WITH RECURSIVE places(place) AS (VALUES (1) UNION ALL SELECT place + 1 FROM places WHERE place < length({text}))
        SELECT place FROM places))"""


def _index(client: str) -> str:
    return f"""INSERT INTO client_pairs (rowid, pairs)
        SELECT row, {_pairs(f"{client}.search")} FROM client_rows WHERE client_id = {client}.id;"""


_UNINDEX = f"""INSERT INTO client_pairs (client_pairs, rowid, pairs)
    SELECT 'delete', row, {_pairs("old.search")} FROM client_rows WHERE client_id = old.id;"""
_SQLITE = (
    # A table with a text as its key may number its rows anew (VACUUM): these numbers stay.
    "CREATE TABLE client_rows (row INTEGER PRIMARY KEY, client_id TEXT NOT NULL UNIQUE)",
    # The text itself is in the table of clients.
    "CREATE VIRTUAL TABLE client_pairs USING fts5(pairs, content='', tokenize='ascii', detail='none')",
    "INSERT INTO client_rows (client_id) SELECT id FROM clients ORDER BY id",
    f"INSERT INTO client_pairs (rowid, pairs) SELECT row, {_pairs('search')} FROM client_rows JOIN clients ON id = client_id",
    f"""CREATE TRIGGER clients_found AFTER INSERT ON clients BEGIN
        INSERT INTO client_rows (client_id) VALUES (new.id);
        {_index("new")}
    END""",
    f"""CREATE TRIGGER clients_found_otherwise AFTER UPDATE OF search ON clients WHEN old.search <> new.search BEGIN
        {_UNINDEX}
        {_index("new")}
    END""",
    f"""CREATE TRIGGER clients_found_no_more AFTER DELETE ON clients BEGIN
        {_UNINDEX}
        DELETE FROM client_rows WHERE client_id = old.id;
    END""",
)


def up(migrator: Any, db: Any) -> None:
    on_sqlite = isinstance(db, peewee.SqliteDatabase)
    for statement in (*_ONE_LINE_SQLITE, *_SQLITE) if on_sqlite else (_ONE_LINE_POSTGRESQL, *_POSTGRESQL):
        db.execute_sql(statement)
