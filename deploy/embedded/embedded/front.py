"""What the suite answers outside its services: the console, or without one a page that says where things are; and whether it is up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, Flask, Response, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from chassis.app import http_error_response, problem_response
from chassis.problems import Problem, Unavailable

_SERVICES = {
    "scheduling": "accounts, session types, calendars, sessions",
    "clients": "clients",
    "payments": "connected accounts, deposits, refunds",
    "notifications": "reminders and deliveries",
}
PLACES = "".join(
    f"<li><a href=/{name}/docs>{name}</a>: {what} (<a href=/{name}/metrics>metrics</a>, <a href=/{name}/meta>meta</a>)</li>"
    for name, what in _SERVICES.items()
) + ("<li><a href=/sandbox/>sandbox</a>: the mailbox, texts, and Stripe as it stands in here</li>")
"""An HTML list of the services' own pages."""


def create_front(ready: Callable[[], bool], console: Sequence[Blueprint] = ()) -> Flask:
    """The application at `/`, and everywhere while the services are not there yet; `ready` says whether they are. `console` is what
    takes the place of the page at `/`."""
    app = Flask("timeblu", static_folder=None)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        return (jsonify(status="ready"), 200) if ready() else (jsonify(status="not ready"), 503)

    for blueprint in console:
        app.register_blueprint(blueprint)
    if not console:
        app.add_url_rule("/", view_func=lambda: _index(ready()), endpoint="index")

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> ResponseReturnValue:
        if ready():
            return http_error_response(error)
        return problem_response(Unavailable("The suite is starting or ending."))

    app.register_error_handler(Problem, problem_response)
    return app


def _index(ready: bool) -> tuple[str, int]:
    if not ready:
        return "The suite is starting or ending.", 503
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>Timeblu</title><style>body{font:16px/1.6 system-ui;max-width:44rem;margin:3rem auto;padding:0 1rem}</style>"
        f"<h1>Timeblu</h1><p>The embedded suite is running.</p><ul>{PLACES}</ul>",
        200,
    )
