"""`/v1/services`: session types."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from chassis.web import Blueprint, Body, Page, PageQuery, caller, if_match, once, requires
from contracts.fields import UtcTime, minor_units
from scheduling.api.values import MoneyIn, MoneyOut, Versioned, color, listed, name, page, text, whole
from scheduling.operations import session_types
from scheduling.operations.context import Scheduling


class DepositTermsIn(Body):
    """`fixed` with an amount in minor units, or `percent` of the price."""

    type = fields.String(required=True, validate=validate.OneOf(["fixed", "percent"]))
    amount = minor_units(allow_none=True)
    percent = whole(1, 100, allow_none=True)


class DepositTermsOut(Schema):
    type = fields.String()
    amount = fields.Integer()
    percent = fields.Integer()


class ServiceIn(Body):
    name = name(required=True)
    description = text(5000, load_default="")
    duration_minutes = whole(1, 1440, required=True)
    buffer_before_minutes = whole(0, 720, load_default=0)
    buffer_after_minutes = whole(0, 720, load_default=0)
    price = fields.Nested(MoneyIn, allow_none=True, load_default=None)
    deposit = fields.Nested(DepositTermsIn, allow_none=True, load_default=None)
    color = color(load_default="#2f6fed")
    online = fields.Boolean(truthy={True}, falsy={False}, load_default=False)
    active = fields.Boolean(truthy={True}, falsy={False}, load_default=True)
    calendar_ids = fields.List(fields.String(), load_default=list, validate=validate.Length(max=200))
    auto_assign = fields.Boolean(truthy={True}, falsy={False}, load_default=False)


class ServicePatch(ServiceIn):
    """A merge patch: what is left out stays, within `price` and `deposit` too."""


class ServiceOut(Versioned):
    name = fields.String()
    description = fields.String()
    duration_minutes = fields.Integer()
    buffer_before_minutes = fields.Integer()
    buffer_after_minutes = fields.Integer()
    price = fields.Nested(MoneyOut, allow_none=True)
    deposit = fields.Nested(DepositTermsOut, allow_none=True)
    color = fields.String()
    online = fields.Boolean()
    active = fields.Boolean()
    calendar_ids = fields.List(fields.String(), metadata={"description": "empty: all"})
    auto_assign = fields.Boolean()
    retired_at = UtcTime(allow_none=True)


class ServicePage(Page):
    data = fields.List(fields.Nested(ServiceOut))


def blueprint(context: Scheduling) -> Blueprint:
    """Session types; a retired one is still shown by its id."""
    routes = Blueprint("services", __name__, url_prefix="/v1/services", description="Session types")

    @routes.post("")
    @requires("sessions:write")
    @routes.arguments(ServiceIn)
    @once(context.store)
    @routes.response(201, ServiceOut)
    def create(body: dict[str, Any]) -> dict[str, Any]:
        return session_types.create(context, caller().account_id, body)

    @routes.get("")
    @requires("sessions:read")
    @routes.arguments(PageQuery, location="query")
    @routes.response(200, ServicePage)
    def index(query: dict[str, Any]) -> dict[str, Any]:
        return page(*session_types.listing(context, caller().account_id, listed(query)))

    @routes.get("/<service_id>")
    @requires("sessions:read")
    @routes.response(200, ServiceOut)
    def show(service_id: str) -> dict[str, Any]:
        return session_types.show(context, caller().account_id, service_id)

    @routes.patch("/<service_id>")
    @requires("sessions:write")
    @routes.arguments(ServicePatch(partial=True))
    @routes.response(200, ServiceOut)
    def amend(body: dict[str, Any], service_id: str) -> dict[str, Any]:
        return session_types.amend(context, caller().account_id, service_id, body, if_match())

    @routes.delete("/<service_id>")
    @requires("sessions:write")
    @routes.response(204)
    def retire(service_id: str) -> None:
        session_types.retire(context, caller().account_id, service_id, if_match())

    return routes
