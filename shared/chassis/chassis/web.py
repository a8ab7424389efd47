"""HTTP as every service speaks it: bearer tokens and scopes, problem documents, versions, pages, limits and an OpenAPI document."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Any, NoReturn, TypeVar

import flask_smorest
import peewee
from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from opentelemetry.trace import SpanKind
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from chassis.auth import Caller, Verifier
from chassis.idempotency import once
from chassis.ids import new_event_id
from chassis.problems import Forbidden, Invalid, InvalidJson, NotFound, Problem, Unavailable, UnsupportedMediaType
from chassis.service import Service
from chassis.store import StoreDown
from chassis.telemetry import logged, span
from contracts.fields import UtcTime

__all__ = [
    "Blueprint", "Body", "Page", "PageQuery", "Query", "caller", "create_app", "decode_cursor", "encode_cursor", "if_match", "once", "public", "requires",
]  # fmt: skip
log = logging.getLogger(__name__)

_LARGEST_BODY = 1_000_000
_LARGEST_VERSIONED = 64_000
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BODY_METHODS = {"POST", "PUT", "PATCH"}
F = TypeVar("F", bound=Callable[..., Any])


class Body(Schema):
    """A JSON body: unknown fields are refused. For PATCH give `partial=True`: what is absent stays."""

    class Meta:
        unknown = RAISE


class Query(Schema):
    """A query string: unknown parameters are refused."""

    class Meta:
        unknown = RAISE


class PageQuery(Query):
    """The parameters of every list."""

    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))
    cursor = fields.String(load_default=None)
    updated_since = UtcTime(load_default=None)


class Page(Schema):
    """A list's answer; subclasses say what `data` holds."""

    next_cursor = fields.String(
        allow_none=True, metadata={"description": "give it as ?cursor= for the next page; null at the end"}
    )


class ProblemDocument(Schema):
    """RFC 9457, with a stable `code`."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    code = fields.String()
    errors = fields.List(fields.Dict(), metadata={"description": "for bad fields: pointer and detail of each"})


class _Parser(FlaskParser):
    """Reads bodies and query strings; what is wrong becomes a Problem."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}

    def load_json(self, req: Any, schema: Any) -> Any:
        data = super().load_json(req, schema)
        try:
            text = json.dumps(data, ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError:
            raise Invalid("text holds half a surrogate pair, which is no character", errors=[]) from None
        if b"\\u0000" in text:
            raise Invalid("text may not hold the character U+0000", errors=[])
        return data

    def _handle_invalid_json_error(self, error: Any, req: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise InvalidJson(str(error))

    def handle_error(self, error: ValidationError, req: Any, schema: Schema, **kwargs: Any) -> NoReturn:
        # webargs puts the messages under the location's name.
        messages = error.messages if isinstance(error.messages, dict) else {"": error.messages}
        raise Invalid(errors=[found for location in messages.values() for found in field_errors(location)])


class Blueprint(flask_smorest.Blueprint):
    """A resource's routes."""

    ARGUMENTS_PARSER = _Parser()


def field_errors(messages: Any, pointer: str = "") -> list[dict[str, str]]:
    """marshmallow's nested messages as `[{"pointer": "/a/0/b", "detail": "…"}]`."""
    if isinstance(messages, Mapping):
        return [
            found
            for name, inner in messages.items()
            for found in field_errors(inner, pointer if name == "_schema" else f"{pointer}/{_escaped(name)}")
        ]
    if isinstance(messages, list | tuple):
        return [found for message in messages for found in field_errors(message, pointer)]
    return [{"pointer": pointer, "detail": str(messages)}]


def _escaped(name: Any) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


def requires(*scopes: str) -> Callable[[F], F]:
    """Let in who has any of these scopes."""

    def mark(view: F) -> F:
        view.__dict__["required_scopes"] = frozenset(scopes)
        view.__dict__["_apidoc"] = {
            **getattr(view, "_apidoc", {}),
            "manual_doc": {"security": [{"bearer": list(scopes)}]},
        }
        return view

    return mark


def public(view: F) -> F:
    """Let in everybody: the link, the page's name or a signature is what admits."""
    view.__dict__["required_scopes"] = frozenset()
    view.__dict__["_apidoc"] = {**getattr(view, "_apidoc", {}), "manual_doc": {"security": []}}
    return view


def any_body(view: F) -> F:
    """Take bodies of any media type: webhooks, uploads."""
    view.__dict__["takes_any_body"] = True
    return view


def caller() -> Caller:
    """Who makes the present request."""
    found: Caller = g.caller
    return found


def if_match() -> int | None:
    """The version that the caller has seen, by `If-Match`; None where any will do.

    Raises:
        Invalid: it is not a version of ours.
    """
    value = request.headers.get("If-Match", "*").strip()
    if value == "*":
        return None
    match = re.fullmatch(r'(?:W/)?"(\d{1,18})"', value)
    if match is None:
        raise Invalid('If-Match takes one version in quotes, such as "3"', errors=[])
    return int(match.group(1))


def encode_cursor(values: list[Any]) -> str:
    """Where a page ended, as text to give back."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def decode_cursor(text: str, length: int) -> list[Any]:
    """The `length` values of a cursor.

    Raises:
        Invalid: it is not one that we gave.
    """
    try:
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        values = None
    if (
        not isinstance(values, list)
        or len(values) != length
        or not all(isinstance(value, str | int | float) for value in values)
    ):
        raise Invalid.field("/cursor", "Not a cursor of this list.")
    return values


def create_app(service: Service) -> Flask:
    """The service's WSGI application: its blueprints, the operations API, health, metrics, meta and OpenAPI."""
    from chassis.operations_api import blueprints as operations_blueprints

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
    verifier = Verifier(service.settings)
    # Flask takes errors by class; Problem first, then the framework's own, then whatever nobody foresaw.
    api = _Api()
    _time_requests(app, service)
    _admit(app, verifier)
    _version_answers(app)
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(Exception, _unforeseen)
    api.init_app(app)
    app.register_error_handler(HTTPException, _http_error)
    for blueprint in [*service.blueprints(), *operations_blueprints(service)]:
        api.register_blueprint(blueprint)
    from chassis.health_routes import add_health_routes

    add_health_routes(app, service, api.spec)
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if not hasattr(view, "required_scopes"):
            raise TypeError(f"{rule.rule} says neither which scopes it requires nor that it is public")
    return app


class _Api(flask_smorest.Api):
    """flask-smorest with our problem documents in its OpenAPI document."""

    ERROR_SCHEMA = ProblemDocument

    def _register_error_handlers(self) -> None:
        """None of its own: errors become problem documents here."""


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


def _http_error(error: HTTPException) -> ResponseReturnValue:
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


_HTTP_CODES = {
    HTTPStatus.BAD_REQUEST: "invalid_json",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
}


def _unforeseen(error: Exception) -> ResponseReturnValue:
    if isinstance(error, StoreDown):
        log.warning("the store is down: %s", error)
        return problem_response(Unavailable("the store cannot be reached just now"))
    if isinstance(error, peewee.OperationalError):
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
        service.metrics.http_seconds.labels(request.method, route, str(response.status_code)).observe(seconds)
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
        if "\x00" in request.path or "\x00" in "".join(request.args.values()):
            raise NotFound
        if (
            request.method in _BODY_METHODS
            and not getattr(view, "takes_any_body", False)
            and not request.is_json
            and (request.content_length or request.headers.get("Transfer-Encoding"))
        ):
            raise UnsupportedMediaType


def _version_answers(app: Flask) -> None:
    @app.after_request
    def set_etag(response: Response) -> Response:
        """Single resources carry their version; it is their ETag."""
        if (
            response.status_code in {200, 201}
            and response.mimetype == "application/json"
            and "ETag" not in response.headers
        ):
            text = response.get_data()
            body = json.loads(text) if len(text) < _LARGEST_VERSIONED and text.startswith(b"{") else {}
            if isinstance(body.get("version"), int):
                response.set_etag(str(body["version"]))
        return response
