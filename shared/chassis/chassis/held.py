"""`/v1/held/{client_id}`: what a service holds about a person, for the clients service to gather (GDPR, article 15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from marshmallow import Schema, fields

from chassis.holdings import Rows
from chassis.store import Store
from chassis.web import Blueprint, caller, requires
from contracts.envelope import format_time


class HeldOut(Schema):
    data = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.Dict()),
        metadata={"description": "by kind of record: its rows, as they are kept; empty where nothing is held"},
    )


def blueprint(
    store: Store, scopes: Sequence[str], gather: Callable[[str, str, frozenset[str]], Mapping[str, Rows]]
) -> Blueprint:
    """The route; `gather` is given the account, the client and the caller's scopes, and reads within one connection."""
    routes = Blueprint("held", __name__, url_prefix="/v1/held", description="What is held about a person.")

    @routes.get("/<client_id>")
    @requires(*scopes)
    @routes.response(200, HeldOut)
    def held(client_id: str) -> dict[str, Any]:
        with store.reading():
            found = gather(caller().account_id, client_id, caller().scopes)
        return {"data": {kind: [_written(row) for row in rows] for kind, rows in found.items()}}

    return routes


def _written(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: format_time(value) if isinstance(value, datetime) else value for name, value in row.items()}
