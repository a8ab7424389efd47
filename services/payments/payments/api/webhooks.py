"""`/v1/webhooks/stripe`: what Stripe tells, signed."""

from __future__ import annotations

from typing import Any

from flask import request

from chassis.web import Blueprint, any_body, public
from payments.operations import webhooks
from payments.operations.context import Payments


def blueprint(context: Payments) -> Blueprint:
    routes = Blueprint("webhooks", __name__, url_prefix="/v1/webhooks", description="What Stripe tells.")

    @routes.post("/stripe")
    @public
    @any_body
    @routes.response(200)
    def stripe() -> dict[str, Any]:
        """Kept and acknowledged; what follows is done apart from it."""
        new = webhooks.store_webhook(context, request.get_data(cache=False), request.headers.get("Stripe-Signature"))
        return {"received": True, "new": new}

    return routes
