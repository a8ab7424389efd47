"""One service's WSGI application, put together: who is let in, what every answer carries, and what becomes of errors."""

from __future__ import annotations

import json
import logging
import math
import re
from http import HTTPStatus
from time import perf_counter
from typing import Any

import peewee
from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from opentelemetry.trace import SpanKind
from werkzeug.exceptions import HTTPException

from chassis import health_routes, operations_api, uploads
from chassis.auth import Verifier
from chassis.idempotency import KeysInUse
from chassis.ids import new_event_id
from chassis.openapi import Api
from chassis.problems import (
    BadRequest,
    Forbidden,
    Invalid,
    InvalidJson,
    NotFound,
    Problem,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from chassis.service import Service
from chassis.store import StoreDown, sqlstate
from chassis.telemetry import logged, span

log = logging.getLogger(__name__)

_LARGEST_BODY = 1_000_000
_LARGEST_VERSIONED = 64_000
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BODY_METHODS = {"POST", "PUT", "PATCH"}
_METHODS = {"GET", "HEAD", "OPTIONS", "DELETE", *_BODY_METHODS}


def create_app(service: Service) -> Flask:
    """The service's WSGI application: its blueprints, the operations API, health, metrics, meta and OpenAPI."""
    app = Flask(service.name, static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=_LARGEST_BODY,
        API_TITLE=f"Timeblu {service.name}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "servers": [{"url": service.settings.public_url}],
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
        },
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.extensions["timeblu"] = service
    app.extensions["timeblu_keys"] = KeysInUse()
    verifier = Verifier(service.settings)
    # Flask takes errors by class; Problem first, then the framework's own, then whatever nobody foresaw.
    api = Api()
    _time_requests(app, service)
    _admit(app, verifier)
    _version_answers(app)
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(Exception, _unforeseen)
    api.init_app(app)
    app.register_error_handler(HTTPException, http_error_response)
    for blueprint in [*service.blueprints(), *operations_api.blueprints(service)]:
        api.register_blueprint(blueprint)
    health_routes.add_health_routes(app, service, api.document)
    for rule in app.url_map.iter_rules():
        view: Any = app.view_functions[rule.endpoint]
        if not hasattr(view, "required_scopes"):
            raise TypeError(f"{rule.rule} says neither which scopes it requires nor that it is public")
        if "POST" in (rule.methods or ()) and view.required_scopes and not view._apidoc.get("idempotent"):
            raise TypeError(f"POST {rule.rule} takes no Idempotency-Key: it lacks @once")
    return app


def problem_response(problem: Problem) -> Response:
    """The problem document of an error."""
    document = {
        "type": f"https://timeblu.dev/problems/{problem.code}",
        "title": problem.title,
        "status": int(problem.status),
        "detail": problem.detail,
        "code": problem.code,
        **problem.extra,
    }
    response = current_app.response_class(
        current_app.json.dumps(document) + "\n", status=int(problem.status), mimetype="application/problem+json"
    )
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="timeblu"'
    return response


def http_error_response(error: HTTPException) -> ResponseReturnValue:
    """The problem document of what the framework refuses: an unknown path, a method that is not taken."""
    status = HTTPStatus(error.code or 500)
    if status < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    problem = Problem(error.description or status.phrase, code=_HTTP_CODES.get(status, status.name.lower()))
    problem.status, problem.title = status, status.phrase
    response = problem_response(problem)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


# PostgreSQL's: serialization failure and deadlock (after all reruns), a lock or a statement that took too long.
_BUSY = {"40001", "40P01", "55P03", "57014"}
_HTTP_CODES = {
    HTTPStatus.BAD_REQUEST: "invalid_json",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
}


def _unforeseen(error: Exception) -> ResponseReturnValue:
    if isinstance(error, StoreDown):
        log.warning("the store is down: %s", error)
        return problem_response(Unavailable("the store cannot be reached just now"))
    if isinstance(error, peewee.PeeweeException) and sqlstate(error) in _BUSY:
        log.warning("the store is too busy", exc_info=True)
        return problem_response(Unavailable("the store is too busy just now"))
    if isinstance(error, RecursionError):
        return problem_response(InvalidJson("the body is nested too deeply"))
    log.error("unforeseen error", exc_info=error)
    problem = Problem(
        f"something went wrong here; the log tells more under request {g.get('request_id', '-')}", code="internal"
    )
    problem.status, problem.title = HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error"
    return problem_response(problem)


def _time_requests(app: Flask, service: Service) -> None:
    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else new_event_id()
        g.service = service
        g.began = perf_counter()
        route = request.url_rule.rule if request.url_rule else "unmatched"
        g.contexts = [
            logged(request_id=g.request_id),
            span(f"{request.method} {route}", kind=SpanKind.SERVER, traceparent=request.headers.get("traceparent")),
        ]
        for context in g.contexts:
            context.__enter__()

    @app.after_request
    def finish(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "unmatched"
        seconds = perf_counter() - g.get("began", perf_counter())
        response.headers["X-Request-Id"] = g.get("request_id", "-")
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        method = request.method if request.method in _METHODS else "other"
        service.metrics.http_seconds.labels(method, route, str(response.status_code)).observe(seconds)
        if route not in {"/healthz", "/readyz", "/metrics"}:
            # The route, not the path: links carry secrets.
            log.info(
                "answered",
                extra={
                    "method": request.method,
                    "route": route,
                    "status": response.status_code,
                    "ms": round(seconds * 1000, 1),
                },
            )
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        for context in reversed(g.pop("contexts", [])):
            context.__exit__(None, None, None)


def _admit(app: Flask, verifier: Verifier) -> None:
    @app.before_request
    def admit() -> None:
        if request.endpoint is None:
            return
        view = app.view_functions[request.endpoint]
        scopes: frozenset[str] = getattr(view, "required_scopes", frozenset())
        if scopes:
            g.caller = verifier.verify(request.headers.get("Authorization"))
            if not scopes & g.caller.scopes:
                raise Forbidden(f"this needs the scope {' or '.join(sorted(scopes))}")
        if "\x00" in request.path:
            raise NotFound
        if b"%00" in request.query_string:
            raise Invalid("a query may not hold the character U+0000", errors=[])
        if (
            request.method in _BODY_METHODS
            and not getattr(view, "takes_any_body", False)
            and not request.is_json
            and (request.content_length or request.headers.get("Transfer-Encoding"))
        ):
            raise UnsupportedMediaType
        largest = getattr(view, "largest_upload", None)
        if largest is not None:
            g.upload = uploads.take(request, largest)
        elif request.content_length is None:
            _read_chunks()

    @app.teardown_request
    def close_upload(_: BaseException | None) -> None:
        upload: uploads.Upload | None = g.pop("upload", None)
        if upload is not None:
            upload.file.close()


def _read_chunks() -> None:
    """Read a body of unknown length, which Werkzeug would cut off at the limit without a word."""
    try:
        length = len(request.get_data(cache=True))
    except (ValueError, OSError) as error:
        raise BadRequest(f"the body cannot be read: {error}") from None
    if length >= (request.max_content_length or math.inf):
        raise TooLarge


def _version_answers(app: Flask) -> None:
    @app.after_request
    def set_etag(response: Response) -> Response:
        """Single resources carry their version; it is their ETag."""
        if (
            response.status_code in {200, 201}
            and response.mimetype == "application/json"
            and "ETag" not in response.headers
            and not response.is_streamed
        ):
            text = response.get_data()
            body = json.loads(text) if len(text) < _LARGEST_VERSIONED and text.startswith(b"{") else {}
            if isinstance(body.get("version"), int):
                response.set_etag(str(body["version"]))
        return response
