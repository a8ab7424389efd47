"""`/v1/holds`: a slot kept while somebody makes up their mind."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from chassis.web import Blueprint, Body, caller, if_match, once, requires
from contracts.fields import UtcTime
from scheduling.api.values import Versioned, moment, text, whole
from scheduling.operations import holds
from scheduling.operations.context import Scheduling

_TEN_MINUTES, _A_DAY = 600, 86_400


class HoldIn(Body):
    service_id = text(100, required=True)
    starts_at = moment(required=True)
    calendar_id = text(100)
    duration_minutes = whole(1, 1440)
    ttl_seconds = whole(1, _A_DAY, load_default=_TEN_MINUTES)


class HoldOut(Versioned):
    service_id = fields.String()
    calendar_id = fields.String()
    starts_at = UtcTime()
    ends_at = UtcTime()
    duration_minutes = fields.Integer()
    expires_at = UtcTime()


def blueprint(context: Scheduling) -> Blueprint:
    """Holds."""
    routes = Blueprint("holds", __name__, url_prefix="/v1/holds", description="Slots kept for a while")

    @routes.post("")
    @requires("sessions:write")
    @routes.arguments(HoldIn)
    @once(context.store)
    @routes.response(201, HoldOut)
    def create(body: dict[str, Any]) -> dict[str, Any]:
        return holds.create(context, caller().account_id, body)

    @routes.delete("/<hold_id>")
    @requires("sessions:write")
    @routes.response(204)
    def release(hold_id: str) -> None:
        holds.release(context, caller().account_id, hold_id, if_match())

    return routes
