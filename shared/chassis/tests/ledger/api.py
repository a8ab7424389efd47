"""The ledger over HTTP: enough of a resource to show every habit of the chassis."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from marshmallow import fields, validate
from shared.chassis.tests.ledger.service import Ledger, account

from chassis import problems
from chassis.problems import NotFound, Problem, Stale
from chassis.store import moment
from chassis.web import (
    Blueprint,
    Body,
    Page,
    PageQuery,
    caller,
    decode_cursor,
    encode_cursor,
    if_match,
    once,
    public,
    requires,
)
from contracts.envelope import format_time
from contracts.fields import UtcTime

_COLUMNS = "id, account_id, subject, note, amount, version, made_at"


class Line(Body):
    text = fields.String(required=True)
    count = fields.Integer()


class NewEntry(Body):
    note = fields.String(required=True)
    amount = fields.Integer(load_default=0)
    ratio = fields.Float()
    lines = fields.List(fields.Nested(Line))
    anything = fields.Raw()


class EntryOut(Body):
    id = fields.String()
    subject = fields.String()
    note = fields.String()
    amount = fields.Integer()
    version = fields.Integer()
    made_at = UtcTime()


class Listing(PageQuery):
    note = fields.String(validate=validate.Length(max=100))


class EntryPage(Page):
    data = fields.List(fields.Nested(EntryOut))


def blueprint(ledger: Ledger) -> Blueprint:
    """The routes of entries."""
    routes = Blueprint("entries", __name__, url_prefix="/v1/entries")
    store = ledger.store

    def one(entry_id: str) -> dict[str, Any]:
        rows = store.execute(
            f"SELECT {_COLUMNS} FROM entries WHERE id = %s AND account_id = %s", (entry_id, caller().account_id)
        )
        if not rows:
            raise NotFound
        return _as_dict(rows[0])

    @routes.post("")
    @requires("payments:write")
    @routes.arguments(NewEntry)
    @once(store)
    @routes.response(201, EntryOut)
    def add(body: dict[str, Any]) -> dict[str, Any]:
        """Add an entry and tell it."""
        owner = caller().account_id
        if body["note"] == "crash":
            os._exit(9)
        with store.transaction():
            made = ledger.enter(owner, "", owner, body["note"], body["amount"])
            ledger.outbox.publish("account.updated", subject=owner, account_id=owner, sequence=1, data=account(owner))
            if body["note"] == "refuse":
                raise problems.Conflict("after the effect", code="duplicate")
            if body["note"] == "wait" and not ledger.gate.wait(30):
                raise TimeoutError
        return made

    @routes.get("")
    @requires("payments:read", "payments:write")
    @routes.arguments(Listing, location="query")
    @routes.response(200, EntryPage)
    def many(query: dict[str, Any]) -> dict[str, Any]:
        """Entries, oldest first."""
        conditions, parameters = ["account_id = %s"], [caller().account_id]
        if query["cursor"]:
            conditions.append("(made_at, id) > (%s, %s)")
            parameters += decode_cursor(query["cursor"], 2)
        with store.reading():
            rows = store.execute(
                f"SELECT {_COLUMNS} FROM entries WHERE {' AND '.join(conditions)} ORDER BY made_at, id LIMIT %s",
                (*parameters, query["limit"] + 1),
            )
        found = [_as_dict(row) for row in rows[: query["limit"]]]
        more = len(rows) > len(found)
        cursor = encode_cursor([format_time(found[-1]["made_at"]), found[-1]["id"]]) if more else None
        return {"data": found, "next_cursor": cursor}

    @routes.get("/<entry_id>")
    @requires("payments:read")
    @routes.response(200, EntryOut)
    def show(entry_id: str) -> dict[str, Any]:
        """One entry."""
        with store.reading():
            return one(entry_id)

    @routes.patch("/<entry_id>")
    @requires("payments:write")
    @routes.arguments(NewEntry(partial=True))
    @routes.response(200, EntryOut)
    def change(body: dict[str, Any], entry_id: str) -> dict[str, Any]:
        """Change an entry."""
        seen = if_match()
        with store.transaction():
            found = one(entry_id)
            if seen is not None and seen != found["version"]:
                raise Stale
            found |= {"note": body.get("note", found["note"]), "version": found["version"] + 1}
            store.execute(
                "UPDATE entries SET note = %s, version = %s WHERE id = %s", (found["note"], found["version"], entry_id)
            )
        return found

    @routes.get("/problem/<name>")
    @public
    def problem(name: str) -> Any:
        """Raise what is asked for."""
        raise _PROBLEMS[name]()

    return routes


def _as_dict(row: tuple[Any, ...]) -> dict[str, Any]:
    found = dict(zip(_COLUMNS.split(", "), row, strict=True))
    found["made_at"] = moment(found["made_at"])
    return found


_PROBLEMS: dict[str, Callable[[], Exception]] = {
    "conflict": lambda: problems.Conflict("it cannot be", code="slot_taken", conflicts=[{"kind": "session"}]),
    "too_many": lambda: problems.TooManyRequests(retry_after=7),
    "unavailable": lambda: problems.Unavailable("Stripe does not answer", retry_after=3),
    "gone": problems.Gone,
    "bug": lambda: ZeroDivisionError("secret detail of the inside"),
    "problem": Problem,
}
