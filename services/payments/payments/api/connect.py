"""`/v1/connect`: the provider's account at Stripe."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect

from chassis.web import Blueprint, caller, if_match, once, public, requires, versioned
from payments.api.pages import render
from payments.api.schemas import ConnectBody, ConnectOut, OnboardingOut
from payments.operations import connect
from payments.operations.context import Payments


def blueprint(context: Payments) -> Blueprint:
    routes = Blueprint(
        "connect", __name__, url_prefix="/v1/connect", description="The provider's own account at Stripe."
    )

    def at_stripe(body: dict[str, Any]) -> str:
        return connect.start_onboarding(context, caller().account_id, body["country"], expected=if_match())

    @routes.post("")
    @requires("payments:write")
    @versioned
    @routes.arguments(ConnectBody)
    @once(context.store, prepare=at_stripe)
    @routes.response(200, OnboardingOut)
    def start(body: dict[str, Any], prepared: str) -> dict[str, Any]:
        return {**connect.see_connection(context, caller().account_id), "onboarding_url": prepared}

    @routes.get("")
    @requires("payments:read")
    @routes.response(200, ConnectOut)
    def see() -> dict[str, Any]:
        return connect.see_connection(context, caller().account_id)

    @routes.get("/resume/<signed>")
    @public
    def resume(signed: str) -> Any:
        """Where Stripe sends the provider whose onboarding link has ended."""
        return redirect(connect.resume_onboarding(context, signed), code=303)

    @routes.get("/done")
    @public
    def done() -> Response:
        """Where Stripe sends the provider who has left onboarding, finished or not."""
        return render("onboarding_left")

    return routes
