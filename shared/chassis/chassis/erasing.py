"""Forgetting a person in what every service keeps of its traffic: outbox, inbox, dead letters, answers to idempotent requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from chassis.store import Store, placeholders, portions

# What speaks of a person in the data of events and in answers, and what takes its place: a value that the schemas allow.
_BLANKS: dict[str, Any] = {
    "name": "",
    "email": None,
    "phone": None,
    "birth_date": None,
    "address": None,
    "tags": [],
    "notes": "",
    "session_notes": "",
    "client_message": "",
    "reason": None,
    "to": "",
}
_ERASED = "(erased)"
_AT_ONCE = 200


def blank_traffic(store: Store, *, subjects: Iterable[str], texts: Iterable[str | None] = ()) -> dict[str, int]:
    """Blank, in the open unit of work, what is kept of events of `subjects` (ids of the client and of what is theirs); returns how many of each.

    Events stay what they were, ids, versions and moments, so that what is to be published or tried again still is. What cannot be
    decoded is deleted where it holds one of `texts` (a name, an address) or of the ids.
    """
    ids = sorted(set(subjects))
    needles = [*ids, *(text for text in texts if text)]
    return {
        "outbox": sum(_outbox(store, chunk) for chunk in portions(ids, _AT_ONCE)),
        "inbox": _inbox(store, ids, needles) + sum(_given_up(store, chunk) for chunk in portions(ids, _AT_ONCE)),
        "answers": sum(_answers(store, chunk) for chunk in portions(ids, _AT_ONCE)),
    }


def blanked(body: str) -> str:
    """JSON without what speaks of a person."""
    return json.dumps(_blank(json.loads(body)), separators=(",", ":"), ensure_ascii=False)


def _blank(value: Any) -> Any:
    if isinstance(value, list):
        return [_blank(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    # Reasons of deposits and of what happened by itself are codes, no words of people.
    coded = "held_amount" in value or value.get("by") == "system"
    return {
        name: _BLANKS[name] if name in _BLANKS and not (coded and name == "reason") and inner else _blank(inner)
        for name, inner in value.items()
    }


def _outbox(store: Store, ids: Sequence[str]) -> int:
    rows = store.execute(f"SELECT id, body FROM outbox WHERE subject IN ({placeholders(ids)})", ids)
    return _rewrite(rows, lambda id_, body: store.execute("UPDATE outbox SET body = %s WHERE id = %s", (body, id_)))


def _inbox(store: Store, ids: Sequence[str], needles: Sequence[str]) -> int:
    """Only what is not done has a body: few rows, which are all looked at, as what waits here may tell of a subject that is not known yet."""
    count = 0
    for event_id, handler, type_, body, error in store.execute(
        "SELECT event_id, handler, type, body, error FROM inbox WHERE body IS NOT NULL"
    ):
        if type_ is None:
            raw = bytes.fromhex(body).decode(errors="replace")
            if any(needle in raw for needle in needles):
                store.execute("DELETE FROM inbox WHERE event_id = %s AND handler = %s", (event_id, handler))
                count += 1
        elif any(id_ in body for id_ in ids):
            said = _ERASED if error and any(needle in error for needle in needles) else error
            store.execute(
                "UPDATE inbox SET body = %s, error = %s WHERE event_id = %s AND handler = %s",
                (_or_nothing(body), said, event_id, handler),
            )
            count += 1
    return count


def _given_up(store: Store, ids: Sequence[str]) -> int:
    """What was discarded has no body any more, and still says why it could not be handled."""
    return len(
        store.execute(
            f"""UPDATE inbox SET error = %s
                WHERE subject IN ({placeholders(ids)}) AND body IS NULL AND error <> %s RETURNING event_id""",
            [_ERASED, *ids, _ERASED],
        )
    )


def _answers(store: Store, ids: Sequence[str]) -> int:
    conditions = " OR ".join(["body LIKE %s"] * len(ids))
    rows = store.execute(
        f"SELECT account_id, key, body FROM idempotency_keys WHERE {conditions}", [f"%{id_}%" for id_ in ids]
    )
    return _rewrite(
        [((account_id, key), body) for account_id, key, body in rows],
        lambda key, body: store.execute(
            "UPDATE idempotency_keys SET body = %s WHERE account_id = %s AND key = %s", (body, *key)
        ),
    )


def _rewrite(rows: Iterable[tuple[Any, ...]], write: Callable[[Any, str], object]) -> int:
    count = 0
    for key, body in rows:
        without = _or_nothing(body)
        if without != body:
            write(key, without)
            count += 1
    return count


def _or_nothing(body: str) -> str:
    try:
        return blanked(body)
    except ValueError:
        return "{}"  # neither an event nor an answer of ours is anything but JSON
