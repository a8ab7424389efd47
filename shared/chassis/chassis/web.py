"""HTTP as every service speaks it: bearer tokens and scopes, problem documents, versions, pages, limits and an OpenAPI document."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Any, NoReturn, TypeVar

import flask_smorest
import peewee
from apispec.ext.marshmallow import MarshmallowPlugin, resolver
from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from marshmallow import RAISE, Schema, ValidationError, fields, missing, validate
from opentelemetry.trace import SpanKind
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from chassis.auth import Caller, Verifier
from chassis.idempotency import KeysInUse, once
from chassis.ids import new_event_id
from chassis.links import BadLink, Links
from chassis.problems import (
    BadRequest,
    Forbidden,
    Invalid,
    InvalidJson,
    NotFound,
    Problem,
    Stale,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from chassis.service import Service
from chassis.store import StoreDown, sqlstate
from chassis.telemetry import logged, span
from contracts.fields import UtcTime

__all__ = [
    "Blueprint", "Body", "Page", "PageQuery", "Query", "caller", "create_app", "decode_cursor", "encode_cursor", "if_match", "once", "public", "requires",
]  # fmt: skip
log = logging.getLogger(__name__)

_LARGEST_BODY = 1_000_000
_LARGEST_VERSIONED = 64_000
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_BODY_METHODS = {"POST", "PUT", "PATCH"}
_METHODS = {"GET", "HEAD", "OPTIONS", "DELETE", *_BODY_METHODS}
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

    def _raw_load_json(self, req: Any) -> Any:
        if not req.is_json:
            return missing
        data = json.loads(req.get_data(cache=True), parse_constant=_no_number, parse_int=_whole_number)
        errors = list(_unstorable(data))
        if errors:
            raise Invalid(errors=errors)
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_document_headers)


def _document_headers(doc: dict[str, Any], info: Mapping[str, Any], *, method: str, **_: Any) -> dict[str, Any]:
    """Add to an operation's document the headers that are taken by habit."""
    taken = []
    if info.get("idempotent"):
        taken.append(("Idempotency-Key", "the first answer to it is given again for 24 hours"))
    if method in {"put", "patch", "delete"}:
        taken.append(
            ("If-Match", "the version that the caller has seen, in quotes; 412 where it is not the present one")
        )
    for name, description in taken:
        header = {"in": "header", "name": name, "schema": {"type": "string"}, "description": description}
        doc.setdefault("parameters", []).append(header)
    return doc


def _no_number(constant: str) -> NoReturn:
    raise InvalidJson(f"{constant} is not a JSON number")


def _whole_number(digits: str) -> int | float:
    # Python refuses to convert thousands of digits; whatever is this long is out of range all the same.
    return int(digits) if len(digits) < 25 else math.inf


def _unstorable(value: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """What is right JSON, but no store takes: numbers beyond 64 bits, U+0000, half a surrogate pair."""
    if isinstance(value, str) and _NO_TEXT.search(value):
        yield {"pointer": pointer, "detail": "Text may hold neither U+0000 nor half a surrogate pair."}
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield {"pointer": pointer, "detail": "A number of more than 64 bits."}
    elif isinstance(value, float) and not math.isfinite(value):
        yield {"pointer": pointer, "detail": "A number out of range."}
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unstorable(inner, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            if _NO_TEXT.search(name):
                yield {
                    "pointer": pointer,
                    "detail": "A field's name may hold neither U+0000 nor half a surrogate pair.",
                }
            else:
                yield from _unstorable(inner, f"{pointer}/{_escaped(name)}")


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
        Stale: it is some other entity tag.
        Invalid: it is no entity tag.
    """
    value = request.headers.get("If-Match", "*").strip()
    if value == "*":
        return None
    match = re.fullmatch(r'(?:W/)?"([^"]*)"', value)
    if match is None:
        raise Invalid('If-Match takes one version in quotes, such as "3"', errors=[])
    if not re.fullmatch(r"[0-9]{1,18}", match.group(1)):
        raise Stale
    return int(match.group(1))


def encode_cursor(values: list[Any]) -> str:
    """Where a page of the present list ended, as text to give back: signed, so that what comes back has the types that went out."""
    return _cursors().sign(_list_name(), values)


def decode_cursor(text: str, length: int) -> list[Any]:
    """The `length` values of a cursor.

    Raises:
        Invalid: it is not one that this list gave.
    """
    try:
        values = _cursors().read(_list_name(), text)
    except BadLink:
        values = None
    if not isinstance(values, list) or len(values) != length:
        raise Invalid.field("/cursor", "Not a cursor of this list.")
    return values


def _cursors() -> Links:
    service: Service = current_app.extensions["timeblu"]
    return Links(service.settings.service_jwt_secret)


def _list_name() -> str:
    return f"cursor of {request.endpoint}"


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
    app.extensions["timeblu_keys"] = KeysInUse()
    verifier = Verifier(service.settings)
    # Flask takes errors by class; Problem first, then the framework's own, then whatever nobody foresaw.
    api = _Api(spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_schema_name)})
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

    def _register_responses(self) -> None:
        # What it registers are the errors; what views answer keeps the class's media type.
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE


def _schema_name(schema: Any) -> str:
    """A schema's name in the OpenAPI document; one of which every field may be absent has a name of its own."""
    name: str = resolver(schema)
    return f"{name}Patch" if getattr(schema, "partial", None) else name


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
        if request.content_length is None:
            _read_chunks()


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
