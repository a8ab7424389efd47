"""`/v1/unsubscribe/{token}`: the end of reminders, by one click of a mail reader (RFC 8058) or by a button on a page."""

from __future__ import annotations

from flask import Response

from chassis.web import Blueprint, any_body, public
from notifications.operations.context import Notifications
from notifications.operations.pages import unsubscribe_page, unsubscribed_page
from notifications.operations.wishes import provider_of, unsubscribe


def blueprint(context: Notifications) -> Blueprint:
    routes = Blueprint("unsubscribe", __name__, url_prefix="/v1/unsubscribe")

    @routes.get("/<token>")
    @public
    @routes.response(200, {"type": "string"}, content_type="text/html")
    def ask(token: str) -> Response:
        """A page with a button: mail scanners open links, so opening one changes nothing."""
        return _page(unsubscribe_page(*provider_of(context, token)))

    @routes.post("/<token>")
    @public
    @any_body
    @routes.response(200, {"type": "string"}, content_type="text/html")
    def end(token: str) -> Response:
        """End reminders by email for the client of the link; repeatable."""
        context.store.run(lambda: unsubscribe(context, token))
        return _page(unsubscribed_page(*provider_of(context, token)))

    return routes


def _page(html: str) -> Response:
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
