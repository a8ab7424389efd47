"""`/v1/manage/{token}`: what the client's own link for a session tells of their money. Scheduling signs it, and shows and changes the session."""

from __future__ import annotations

from typing import Any

from chassis.web import Blueprint, public
from payments.api.pay import kept_private
from payments.api.schemas import QuoteOut
from payments.operations import deposits
from payments.operations.context import Payments


def blueprint(context: Payments) -> Blueprint:
    """The client's link."""
    routes = Blueprint("manage", __name__, url_prefix="/v1/manage", description="The client's own link for a session")
    routes.after_request(kept_private)

    @routes.get("/<token>/refund-quote")
    @public
    @routes.response(200, QuoteOut)
    def quote(token: str) -> dict[str, Any]:
        """What cancelling now would return; it can be executed by its quote_id."""
        return deposits.quote_by_link(context, token)

    return routes
