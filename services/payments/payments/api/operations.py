"""`/v1/ops/differences`: what reconciliation with Stripe has found, for operators."""

from __future__ import annotations

from typing import Any

from chassis.web import Blueprint, decode_cursor, encode_cursor, requires
from payments.api.schemas import DifferencePage, DifferencesQuery
from payments.operations.context import Payments
from payments.operations.reconciling import list_differences


def blueprint(context: Payments) -> Blueprint:
    routes = Blueprint("reconciliation", __name__, url_prefix="/v1/ops", description="Our books beside Stripe's.")

    @routes.get("/differences")
    @requires("ops")
    @routes.arguments(DifferencesQuery, location="query")
    @routes.response(200, DifferencePage)
    def see(query: dict[str, Any]) -> dict[str, Any]:
        """What Stripe and we tell differently, of every account, and what to do about it."""
        found = list_differences(
            context,
            settled=query["settled"],
            before=str(decode_cursor(query["cursor"], 1)[0]) if query["cursor"] else None,
            limit=query["limit"] + 1,
        )
        page = found[: query["limit"]]
        return {"data": page, "next_cursor": encode_cursor([page[-1]["id"]]) if len(found) > len(page) else None}

    return routes
