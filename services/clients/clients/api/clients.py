"""`/v1/clients`: the people who are served."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from chassis.problems import Forbidden, Invalid
from chassis.web import Blueprint, Nothing, caller, decode_cursor, encode_cursor, if_match, once, requires
from clients.api.schemas import (
    ClientBody,
    ClientChange,
    ClientOut,
    ClientPage,
    CreatedOut,
    CreateQuery,
    DataExportOut,
    ErasureOut,
    ListQuery,
    MergeBody,
    RestoreBody,
    TimelineOut,
)
from clients.domain import record, timeline
from clients.domain.search import Reached
from clients.operations import change, create, erasure, find, holding, merge, remove
from clients.operations.context import Clients
from contracts.envelope import format_time, parse_time

READ, WRITE, NOTES = "clients:read", "clients:write", "sessions:notes"
_AN_ID = re.compile(r"cli_[0-9a-f]{32}")


def blueprint(context: Clients) -> Blueprint:
    """The routes of clients."""
    routes = Blueprint("clients", __name__, url_prefix="/v1/clients", description="The people who are served.")

    @routes.post("")
    @requires(WRITE)
    @routes.arguments(CreateQuery, location="query")
    @routes.arguments(ClientBody)
    @once(context.store)
    @routes.response(201, CreatedOut)
    @routes.alt_response(
        200, schema=ClientOut, success=True, description="With reuse: the client who had this email already"
    )
    def create_client(query: dict[str, Any], body: dict[str, Any]) -> Any:
        made = create.create(
            context,
            caller().account_id,
            _given(body),  # type: ignore[arg-type]
            source=_source(),
            allow_duplicate=body.get("allow_duplicate", False),
            reuse=query["reuse"],
        )
        if not made.made:
            # Without the notes whoever asks: an answer kept for an Idempotency-Key is given to all who may write clients.
            return {name: value for name, value in vars(made.client).items() if name != "notes"}, 200
        return {**_shown(made.client), "possible_duplicates": made.possible_duplicates}

    @routes.get("")
    @requires(READ)
    @routes.arguments(ListQuery, location="query")
    @routes.response(200, ClientPage)
    def list_clients(query: dict[str, Any]) -> dict[str, Any]:
        cursor, since = query.pop("cursor"), query["updated_since"]
        wanted = find.Wanted(**query)
        if since is None:
            page, last = find.recent(context, caller().account_id, wanted, _reached(cursor) if cursor else None)
            next_cursor = encode_cursor([last.best, last.id]) if last else None
        else:
            page, reached = find.changed(
                context, caller().account_id, wanted, since, _moment_and_id(cursor) if cursor else None
            )
            next_cursor = encode_cursor([format_time(reached[0]), reached[1]]) if reached else None
        return {"data": [_shown(client) for client in page], "next_cursor": next_cursor}

    @routes.get("/<client_id>")
    @requires(READ)
    @routes.response(200, ClientOut)
    def get_client(client_id: str) -> dict[str, Any]:
        return _shown(find.one(context, caller().account_id, client_id))

    @routes.patch("/<client_id>")
    @requires(WRITE)
    @routes.arguments(ClientChange(partial=True))
    @routes.response(200, ClientOut)
    def change_client(body: dict[str, Any], client_id: str) -> dict[str, Any]:
        given, seen, account_id, source = _given(body), if_match(), caller().account_id, _source()
        return _shown(
            context.store.run(
                lambda: change.change(
                    context,
                    account_id,
                    client_id,
                    given,  # type: ignore[arg-type]
                    source=source,
                    seen=seen,
                    allow_duplicate=body.get("allow_duplicate", False),
                )
            )
        )

    @routes.delete("/<client_id>")
    @requires(WRITE)
    @routes.response(204)
    def delete_client(client_id: str) -> None:
        seen, account_id = if_match(), caller().account_id
        context.store.run(lambda: remove.delete(context, account_id, client_id, seen=seen))

    @routes.post("/<client_id>/restore")
    @requires(WRITE)
    @routes.arguments(RestoreBody, required=False)
    @once(context.store)
    @routes.response(200, ClientOut)
    def restore_client(body: dict[str, Any], client_id: str) -> dict[str, Any]:
        return _shown(
            remove.restore(
                context,
                caller().account_id,
                client_id,
                seen=if_match(),
                allow_duplicate=body.get("allow_duplicate", False),
            )
        )

    @routes.post("/<client_id>/merge")
    @requires(WRITE)
    @routes.arguments(MergeBody)
    @once(context.store)
    @routes.response(200, ClientOut)
    def merge_clients(body: dict[str, Any], client_id: str) -> dict[str, Any]:
        merged = merge.merge(context, caller().account_id, client_id, body["others"], source=_source(), seen=if_match())
        return _shown(merged)

    @routes.post("/<client_id>/erase")
    @requires(WRITE)
    @routes.arguments(Nothing, required=False)
    @once(context.store)
    @routes.response(202, ErasureOut)
    def erase_client(_: dict[str, Any], client_id: str) -> erasure.Receipt:
        return erasure.erase(context, caller().account_id, client_id, seen=if_match())

    @routes.get("/<client_id>/erasure")
    @requires(READ)
    @routes.response(200, ErasureOut)
    def client_erasure(client_id: str) -> erasure.Receipt:
        return erasure.receipt(context, caller().account_id, client_id)

    @routes.get("/<client_id>/data-export")
    @requires(READ)
    @routes.response(200, DataExportOut)
    def export_data(client_id: str) -> dict[str, Any]:
        found = holding.export(context, caller().account_id, client_id, private=NOTES in caller().scopes)
        return {**vars(found), "records": [_shown(client) for client in found.records]}

    @routes.get("/<client_id>/timeline")
    @requires(READ)
    @routes.response(200, TimelineOut)
    def client_timeline(client_id: str) -> timeline.Timeline:
        return find.years(context, caller().account_id, client_id)

    return routes


def _given(body: dict[str, Any]) -> dict[str, Any]:
    """The client's own fields of a body.

    Raises:
        Forbidden: private notes without their scope.
    """
    if "notes" in body and NOTES not in caller().scopes:
        raise Forbidden(f"private notes need the scope {NOTES}")
    return {name: value for name, value in body.items() if name != "allow_duplicate"}


def _source() -> str:
    """Who changes a consent: the provider, or the service that acts for the client."""
    service = caller().subject.partition("service:")[2]
    return service or "provider"


def _shown(client: record.Client) -> dict[str, Any]:
    """The record as this caller may see it."""
    return {name: value for name, value in vars(client).items() if name != "notes" or NOTES in caller().scopes}


def _reached(cursor: str) -> Reached:
    """Where a list of the most recent ended."""
    best, id_ = decode_cursor(cursor, 2)
    if not isinstance(best, bool):
        raise _not_ours()
    return Reached(best=best, id=_checked(id_))


def _moment_and_id(cursor: str) -> tuple[datetime, str]:
    """Where a list of changes ended."""
    at, id_ = decode_cursor(cursor, 2)
    try:
        return parse_time(str(at)), _checked(id_)
    except ValueError:
        raise _not_ours() from None


def _checked(id_: object) -> str:
    # A forged cursor may hold characters that a database refuses.
    if not isinstance(id_, str) or not _AN_ID.fullmatch(id_):
        raise _not_ours()
    return id_


def _not_ours() -> Invalid:
    return Invalid.field("/cursor", "Not a cursor of this list.")
