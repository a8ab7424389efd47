"""`/v1/events`: blocked time, once or by a rule."""

from __future__ import annotations

from typing import Any

from flask import Response

from chassis.web import Blueprint, caller, if_match, once, requires
from scheduling.api.event_schemas import EventOut, EventPage, EventPatch, EventQuery, ScopeQuery
from scheduling.api.series import answer
from scheduling.api.series_schemas import NewEvent, SeriesOut
from scheduling.api.session_schemas import HistoryOut
from scheduling.api.values import actor, moment_and_id, page
from scheduling.domain.recurrence import Scope
from scheduling.operations import blocked_times, series_changes
from scheduling.operations import series as recurring
from scheduling.operations.context import Scheduling
from scheduling.operations.laying_out import EVENT

_EVENT_OR_SERIES = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("EventOut", "SeriesOut")]}


def blueprint(context: Scheduling) -> Blueprint:
    """Events."""
    routes = Blueprint("events", __name__, url_prefix="/v1/events", description="Blocked time")

    @routes.post("")
    @requires("sessions:write")
    @routes.arguments(NewEvent)
    @once(context.store)
    @routes.response(201, _EVENT_OR_SERIES)
    def create(body: dict[str, Any]) -> Response:
        if "rrule" not in body:
            return answer(EventOut(), blocked_times.create(context, caller().account_id, actor(), body), 201)
        template = {name: value for name, value in body.items() if name not in {"rrule", "on_conflict"}}
        wish = recurring.Wish(
            kind=EVENT, template=template, rrule=body["rrule"], on_conflict=body["on_conflict"], at=""
        )
        return answer(SeriesOut(), recurring.create(context, caller().account_id, actor(), wish, None), 201)

    @routes.get("")
    @requires("sessions:read")
    @routes.arguments(EventQuery, location="query")
    @routes.response(200, EventPage)
    def index(query: dict[str, Any]) -> dict[str, Any]:
        wanted = blocked_times.Filter(
            since=query.get("since"),
            until=query.get("until"),
            calendar_id=query.get("calendar_id"),
            updated_since=query["updated_since"],
        )
        return page(
            *blocked_times.listing(
                context, caller().account_id, wanted, limit=query["limit"], after=moment_and_id(query["cursor"])
            )
        )

    @routes.get("/<event_id>")
    @requires("sessions:read")
    @routes.response(200, EventOut)
    def show(event_id: str) -> dict[str, Any]:
        return blocked_times.show(context, caller().account_id, event_id)

    @routes.patch("/<event_id>")
    @requires("sessions:write")
    @routes.arguments(EventPatch(partial=True))
    @routes.response(200, EventOut)
    def amend(body: dict[str, Any], event_id: str) -> dict[str, Any]:
        return series_changes.amend_event(context, caller().account_id, event_id, actor(), body, if_match())

    @routes.delete("/<event_id>")
    @requires("sessions:write")
    @routes.arguments(ScopeQuery, location="query")
    @routes.response(204)
    def remove(query: dict[str, Any], event_id: str) -> None:
        scope = Scope(query["scope"])
        series_changes.remove_event(context, caller().account_id, event_id, actor(), scope, if_match())

    @routes.get("/<event_id>/history")
    @requires("sessions:read")
    @routes.response(200, HistoryOut)
    def history(event_id: str) -> dict[str, Any]:
        return {"data": blocked_times.history(context, caller().account_id, event_id)}

    return routes
