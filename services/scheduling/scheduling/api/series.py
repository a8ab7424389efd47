"""`/v1/series`: sessions or events that recur."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, make_response
from marshmallow import Schema, ValidationError

from chassis.problems import Invalid
from chassis.web import Blueprint, PageQuery, caller, field_errors, if_match, once, requires
from scheduling.api.series_schemas import NewSeries, SeriesEnd, SeriesOut, SeriesPage, SeriesPatch, read_patch
from scheduling.api.sessions import NOTES, client_key, may_write
from scheduling.api.values import actor, listed, page
from scheduling.operations import amend_series, series
from scheduling.operations.context import Scheduling


def blueprint(context: Scheduling) -> Blueprint:
    """Series."""
    routes = Blueprint("series", __name__, url_prefix="/v1/series", description="Recurring sessions and events")

    def meet_client(body: dict[str, Any]) -> dict[str, Any] | None:
        return series.meet_client(
            context, caller().account_id, series.Wish(**body), client_key("series", body["template"])
        )

    @routes.post("")
    @requires("sessions:write")
    @routes.arguments(NewSeries)
    @once(context.store, prepare=meet_client, on_demand=True)
    @routes.response(201, SeriesOut)
    def create(body: dict[str, Any], prepared: dict[str, Any] | None) -> Response:
        may_write(body["template"])
        made = series.create(context, caller().account_id, actor(), series.Wish(**body), prepared)
        return answer(SeriesOut(), made, 201)

    @routes.get("")
    @requires("sessions:read")
    @routes.arguments(PageQuery, location="query")
    @routes.response(200, SeriesPage)
    def index(query: dict[str, Any]) -> dict[str, Any]:
        rows, following = series.listing(context, caller().account_id, listed(query))
        return page([shown(row) for row in rows], following)

    @routes.get("/<series_id>")
    @requires("sessions:read")
    @routes.response(200, SeriesOut)
    def show(series_id: str) -> Response:
        return answer(SeriesOut(), series.show(context, caller().account_id, series_id), 200)

    @routes.patch("/<series_id>")
    @requires("sessions:write")
    @routes.arguments(SeriesPatch(partial=True))
    @routes.response(200, SeriesOut)
    def amend(body: dict[str, Any], series_id: str) -> Response:
        if "template" in body:
            body["template"] = _template(
                amend_series.kind_of(context, caller().account_id, series_id), body["template"]
            )
            may_write(body["template"])
        changed = amend_series.amend(context, caller().account_id, series_id, actor(), body, if_match())
        return answer(SeriesOut(), changed, 200)

    @routes.delete("/<series_id>")
    @requires("sessions:write")
    @routes.arguments(SeriesEnd, location="query")
    @routes.response(204)
    def remove(query: dict[str, Any], series_id: str) -> None:
        amend_series.remove(
            context,
            caller().account_id,
            series_id,
            actor(),
            query.get("refund"),
            query.get("reason"),
            if_match(),
        )

    return routes


def answer(schema: Schema, row: dict[str, Any], status: int) -> Response:
    """One resource with its version as the ETag, however long its report is."""
    response = make_response(current_app.json.response(schema.dump(shown(row))), status)
    response.set_etag(str(row["version"]))
    return response


def shown(series: dict[str, Any]) -> dict[str, Any]:
    """The series as this caller may see it: private notes are for their scope alone."""
    template = series.get("template", {})
    if "session_notes" not in template or NOTES in caller().scopes:
        return series
    return series | {"template": template | {"session_notes": None}}


def _template(kind: str, template: dict[str, Any]) -> dict[str, Any]:
    try:
        return read_patch(kind, template)
    except ValidationError as wrong:
        raise Invalid(errors=list(field_errors(wrong.messages))) from None
