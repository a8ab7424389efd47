"""`/v1/sessions`: booking, looking, and all that happens to a session."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import request

from chassis.ids import new_id
from chassis.problems import Forbidden
from chassis.web import Blueprint, Nothing, caller, if_match, once, requires
from contracts.sessions import SessionStatus
from scheduling.api.session_schemas import (
    Cancel,
    HistoryOut,
    NewSession,
    OverrideFlags,
    Reschedule,
    SessionCopy,
    SessionOut,
    SessionPage,
    SessionPatch,
    SessionQuery,
)
from scheduling.api.values import actor, moment_and_id, page
from scheduling.domain.transitions import Action
from scheduling.operations import book as booking
from scheduling.operations import duplicate as duplicating
from scheduling.operations import look, restore, series_changes, steps
from scheduling.operations.context import Scheduling

NOTES = "sessions:notes"


def blueprint(context: Scheduling) -> Blueprint:
    """Sessions."""
    routes = Blueprint("sessions", __name__, url_prefix="/v1/sessions", description="Appointments")

    def meet_client(body: dict[str, Any]) -> dict[str, Any] | None:
        return booking.meet_client(context, caller().account_id, body, client_key("booking", body))

    @routes.post("")
    @requires("sessions:write")
    @routes.arguments(NewSession)
    @once(context.store, prepare=meet_client, on_demand=True)
    @routes.response(201, SessionOut)
    def create(body: dict[str, Any], prepared: dict[str, Any] | None) -> dict[str, Any]:
        may_write(body)
        return _shown(booking.book(context, caller().account_id, actor(), body, prepared))

    @routes.get("")
    @requires("sessions:read")
    @routes.arguments(SessionQuery, location="query")
    @routes.response(200, SessionPage)
    def index(query: dict[str, Any]) -> dict[str, Any]:
        wanted = look.Filter(
            since=query.get("since"),
            until=query.get("until"),
            statuses=[SessionStatus(status) for status in query.get("status", [])],
            client_id=query.get("client_id"),
            calendar_id=query.get("calendar_id"),
            service_id=query.get("service_id"),
            text=query.get("q"),
            updated_since=query["updated_since"],
        )
        rows, following = look.listing(
            context,
            caller().account_id,
            wanted,
            sort=query["sort"],
            limit=query["limit"],
            after=moment_and_id(query["cursor"]),
        )
        return page([_shown(row) for row in rows], following)

    @routes.get("/<session_id>")
    @requires("sessions:read")
    @routes.response(200, SessionOut)
    def show(session_id: str) -> dict[str, Any]:
        return _shown(look.show(context, caller().account_id, session_id))

    @routes.patch("/<session_id>")
    @requires("sessions:write")
    @routes.arguments(SessionPatch(partial=True))
    @routes.response(200, SessionOut)
    def amend(body: dict[str, Any], session_id: str) -> dict[str, Any]:
        may_write(body)
        return _shown(series_changes.amend_session(context, caller().account_id, session_id, actor(), body, if_match()))

    def add_step(path: str, action: Action, summary: str) -> None:
        @requires("sessions:write")
        @routes.arguments(Nothing, required=False)
        @once(context.store)
        @routes.response(200, SessionOut)
        @routes.doc(summary=summary)
        def take(body: dict[str, Any], session_id: str) -> dict[str, Any]:
            return _shown(steps.take_step(context, caller().account_id, session_id, actor(), action, if_match()))

        routes.post(f"/<session_id>/{path}", endpoint=action.value)(take)

    add_step("confirm", Action.CONFIRM, "It will take place")
    add_step("complete", Action.COMPLETE, "It took place")
    add_step("no-show", Action.NO_SHOW, "The client did not come")

    @routes.post("/<session_id>/cancel")
    @requires("sessions:write")
    @routes.arguments(Cancel)
    @once(context.store)
    @routes.response(200, SessionOut)
    def cancel(body: dict[str, Any], session_id: str) -> dict[str, Any]:
        return _shown(
            series_changes.cancel_session(context, caller().account_id, session_id, actor(), body, if_match())
        )

    @routes.post("/<session_id>/restore")
    @requires("sessions:write")
    @routes.arguments(OverrideFlags)
    @once(context.store)
    @routes.response(200, SessionOut)
    def bring_back(body: dict[str, Any], session_id: str) -> dict[str, Any]:
        return _shown(restore.restore(context, caller().account_id, session_id, actor(), body, if_match()))

    @routes.post("/<session_id>/reschedule")
    @requires("sessions:write")
    @routes.arguments(Reschedule)
    @once(context.store)
    @routes.response(200, SessionOut)
    def reschedule(body: dict[str, Any], session_id: str) -> dict[str, Any]:
        return _shown(series_changes.amend_session(context, caller().account_id, session_id, actor(), body, if_match()))

    def meet_client_of_copy(body: dict[str, Any], session_id: str) -> dict[str, Any] | None:
        return duplicating.meet_client_of_copy(
            context, caller().account_id, session_id, body, client_key("booking", body), if_match()
        )

    @routes.post("/<session_id>/duplicate")
    @requires("sessions:write")
    @routes.arguments(SessionCopy)
    @once(context.store, prepare=meet_client_of_copy, on_demand=True)
    @routes.response(201, SessionOut)
    def duplicate(body: dict[str, Any], session_id: str, prepared: dict[str, Any] | None) -> dict[str, Any]:
        may_write(body)
        return _shown(
            duplicating.duplicate(context, caller().account_id, session_id, actor(), body, prepared, if_match())
        )

    @routes.get("/<session_id>/history")
    @requires("sessions:read")
    @routes.response(200, HistoryOut)
    def history(session_id: str) -> dict[str, Any]:
        return {"data": look.history(context, caller().account_id, session_id)}

    return routes


def _shown(session: dict[str, Any]) -> dict[str, Any]:
    """The session as this caller may see it: private notes are for their scope alone."""
    return session if NOTES in caller().scopes else session | {"session_notes": None}


def may_write(body: dict[str, Any]) -> None:
    """Private notes are written by those who may see them."""
    if "session_notes" in body and NOTES not in caller().scopes:
        raise Forbidden(f"session_notes need the scope {NOTES}")


def client_key(purpose: str, body: dict[str, Any]) -> str:
    """The key under which the clients service is asked: a repeated booking makes no second client, and one that was refused
    may come again with another."""
    key = request.headers.get("Idempotency-Key") or new_id("key")
    told = json.dumps([key, body.get("client")], sort_keys=True)
    return f"{purpose}-{hashlib.sha256(told.encode()).hexdigest()}"
