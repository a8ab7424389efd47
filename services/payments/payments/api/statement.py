"""`/v1/statement.csv`: for the bookkeeper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response

from chassis.spreadsheets import harmless, line
from chassis.web import Blueprint, caller, requires
from contracts.fields import rfc3339
from payments.api.schemas import StatementQuery
from payments.operations.context import Payments
from payments.operations.statements import Line, statement

_COLUMNS = (
    "session_id",
    "deposit_id",
    "client_id",
    "service",
    "starts_at",
    "currency",
    "paid",
    "paid_in_cash",
    "fee",
    "refunded",
    "disputed",
    "kept",
)


def blueprint(context: Payments) -> Blueprint:
    routes = Blueprint("statement", __name__, url_prefix="/v1", description="For the bookkeeper.")

    @routes.get("/statement.csv")
    @requires("payments:read")
    @routes.arguments(StatementQuery, location="query")
    @routes.doc(responses={200: {"description": "a line a session", "content": {"text/csv": {}}}})
    def see(query: dict[str, Any]) -> Response:
        """What was paid, kept back as fee, refunded and kept in the period, by session; amounts in minor units."""
        lines = statement(context, caller().account_id, begin=query["from_"], end=query["to"])
        answer = Response(_csv(lines), mimetype="text/csv")
        answer.headers["Content-Disposition"] = 'attachment; filename="statement.csv"'
        return answer

    return routes


def _csv(lines: Iterator[Line]) -> Iterator[str]:
    yield line(_COLUMNS)
    for session in lines:
        yield line(
            [
                rfc3339(session.starts_at) if name == "starts_at" else harmless(getattr(session, name))
                for name in _COLUMNS
            ]
        )
