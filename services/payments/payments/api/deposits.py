"""`/v1/deposits` and `/v1/sessions/{id}/refund-quote`: deposits as the provider sees and handles them."""

from __future__ import annotations

from typing import Any

from chassis.web import Blueprint, Nothing, caller, decode_cursor, encode_cursor, if_match, once, requires
from payments.api.schemas import (
    DepositOut,
    DepositPage,
    DepositsQuery,
    MarkPaid,
    NewRefund,
    QuoteOut,
    QuoteQuery,
    RefundOut,
)
from payments.operations import deposits
from payments.operations.context import Payments


def blueprint(context: Payments) -> Blueprint:
    routes = Blueprint("deposits", __name__, url_prefix="/v1", description="Deposits and their refunds.")

    def end_open_page(body: dict[str, Any], deposit_id: str) -> None:
        deposits.end_open_page(context, caller().account_id, deposit_id)

    @routes.get("/deposits")
    @requires("payments:read")
    @routes.arguments(DepositsQuery, location="query")
    @routes.response(200, DepositPage)
    def list_deposits(query: dict[str, Any]) -> dict[str, Any]:
        found = deposits.list_deposits(
            context,
            caller().account_id,
            session_id=query["session_id"],
            status=[status for status in query["status"].split(",") if status],
            updated_since=query["updated_since"],
            before=str(decode_cursor(query["cursor"], 1)[0]) if query["cursor"] else None,
            limit=query["limit"] + 1,
        )
        page = found[: query["limit"]]
        return {"data": page, "next_cursor": encode_cursor([page[-1]["id"]]) if len(found) > len(page) else None}

    @routes.get("/deposits/<deposit_id>")
    @requires("payments:read")
    @routes.response(200, DepositOut)
    def see(deposit_id: str) -> dict[str, Any]:
        return deposits.see_deposit(context, caller().account_id, deposit_id)

    @routes.post("/deposits/<deposit_id>/refunds")
    @requires("payments:write")
    @routes.arguments(NewRefund)
    @once(context.store)
    @routes.response(201, RefundOut)
    def refund(body: dict[str, Any], deposit_id: str) -> dict[str, Any]:
        """Send money back by hand, whatever the policy says."""
        return deposits.refund_by_hand(context, caller().account_id, deposit_id, **body, expected=if_match())

    @routes.post("/deposits/<deposit_id>/retry-refund")
    @requires("payments:write")
    @routes.arguments(Nothing, required=False)
    @once(context.store)
    @routes.response(200, DepositOut)
    def retry(body: dict[str, Any], deposit_id: str) -> dict[str, Any]:
        """Try the refund that failed once more."""
        return deposits.retry_refund(context, caller().account_id, deposit_id, expected=if_match())

    @routes.post("/deposits/<deposit_id>/mark-paid")
    @requires("payments:write")
    @routes.arguments(MarkPaid, required=False)
    @once(context.store, prepare=end_open_page)
    @routes.response(200, DepositOut)
    def mark_paid(body: dict[str, Any], deposit_id: str, prepared: None) -> dict[str, Any]:
        """Note that it was paid in cash."""
        return deposits.mark_paid(
            context, caller().account_id, deposit_id, amount=body.get("amount"), expected=if_match()
        )

    @routes.get("/sessions/<session_id>/refund-quote")
    @requires("payments:read")
    @routes.arguments(QuoteQuery, location="query")
    @routes.response(200, QuoteOut)
    def quote(query: dict[str, Any], session_id: str) -> dict[str, Any]:
        """What a cancellation would return; one for now can be executed by its quote_id."""
        return deposits.quote(context, caller().account_id, session_id, at=query["at"], by=query["by"])

    return routes
