"""`/v1/settings`: the refund policy, and what it would mean."""

from __future__ import annotations

from typing import Any

from chassis.web import Blueprint, caller, if_match, once, requires
from payments.api.schemas import SettingsBody, SettingsOut, SimulationBody, SimulationOut
from payments.operations import policies
from payments.operations.context import Payments


def blueprint(context: Payments) -> Blueprint:
    routes = Blueprint("settings", __name__, url_prefix="/v1/settings", description="The refund policy.")

    @routes.get("")
    @requires("payments:read", "payments:write")
    @routes.response(200, SettingsOut)
    def see() -> dict[str, Any]:
        return policies.see_settings(context, caller().account_id)

    @routes.put("")
    @requires("payments:write")
    @routes.arguments(SettingsBody)
    @routes.response(200, SettingsOut)
    def replace(body: dict[str, Any]) -> dict[str, Any]:
        expected = if_match()
        return context.store.run(
            lambda: policies.replace_settings(context, caller().account_id, body, expected=expected)
        )

    @routes.post("/simulate")
    @requires("payments:read", "payments:write")
    @routes.arguments(SimulationBody)
    @once(context.store)
    @routes.response(200, SimulationOut)
    def simulate(body: dict[str, Any]) -> dict[str, Any]:
        """What these settings would return at usual distances from the start. Nothing is kept."""
        return policies.simulate(context, caller().account_id, body)

    return routes
