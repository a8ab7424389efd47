"""What a service's routes are written with: bodies and queries, scopes, versions, pages and their cursors."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, TypeVar

import flask_smorest
from flask import current_app, g, request
from marshmallow import RAISE, Schema, ValidationError, fields, missing, validate
from webargs.flaskparser import FlaskParser

from chassis.auth import Caller
from chassis.idempotency import once
from chassis.links import BadLink, Links
from chassis.openapi import IF_MATCH
from chassis.problems import Invalid, InvalidJson, Stale
from chassis.service import Service
from chassis.uploads import Upload
from contracts.fields import UtcTime

__all__ = [
    "Blueprint", "Body", "Nothing", "Page", "PageQuery", "Query", "any_body", "caller", "decode_cursor", "encode_cursor", "if_match", "once", "public", "requires", "unstorable", "upload", "uploaded", "versioned",
]  # fmt: skip
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
F = TypeVar("F", bound=Callable[..., Any])


class Body(Schema):
    """A JSON body: unknown fields are refused. For PATCH give `partial=True`: what is absent stays."""

    class Meta:
        unknown = RAISE


class Nothing(Body):
    """The body of an action that takes none: it may be left out, or be `{}`."""


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


class _Parser(FlaskParser):
    """Reads bodies and query strings; what is wrong becomes a Problem."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}

    def _raw_load_json(self, req: Any) -> Any:
        if req.method == "PUT" and not req.get_data(cache=True).strip():
            # It would put the default in the place of everything.
            raise InvalidJson("The body is empty; {} is the least that a PUT can say")
        if not req.is_json:
            return missing
        data = json.loads(req.get_data(cache=True), parse_constant=_no_number, parse_int=_whole_number)
        errors = list(unstorable(data))
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

    def arguments(self, schema: type[Schema] | Schema, **kwargs: Any) -> Any:
        """As flask-smorest's; the schema is made here, not anew at every request."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **kwargs)


def _document_headers(doc: dict[str, Any], info: Mapping[str, Any], **_: Any) -> dict[str, Any]:
    """Add to the document of an operation the headers that it takes."""
    if info.get("versioned"):
        doc.setdefault("parameters", []).append(IF_MATCH)
    if info.get("idempotent"):
        doc.setdefault("parameters", []).append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "schema": {"type": "string"},
                "description": "the first answer to it is given again for 24 hours",
            }
        )
    return doc


def _no_number(constant: str) -> NoReturn:
    raise InvalidJson(f"{constant} is not a JSON number")


def _whole_number(digits: str) -> int | float:
    # Python refuses to convert thousands of digits; whatever is this long is out of range all the same.
    return int(digits) if len(digits) < 25 else math.inf


def unstorable(value: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """What is right JSON, but no store takes: numbers beyond 64 bits, U+0000, half a surrogate pair."""
    if isinstance(value, str) and _NO_TEXT.search(value):
        yield {"pointer": pointer, "detail": "Text may hold neither U+0000 nor half a surrogate pair."}
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield {"pointer": pointer, "detail": "A number of more than 64 bits."}
    elif isinstance(value, float) and not math.isfinite(value):
        yield {"pointer": pointer, "detail": "A number out of range."}
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from unstorable(inner, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            if _NO_TEXT.search(name):
                yield {
                    "pointer": pointer,
                    "detail": "A field's name may hold neither U+0000 nor half a surrogate pair.",
                }
            else:
                yield from unstorable(inner, f"{pointer}/{_escaped(name)}")


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


def versioned(view: F) -> F:
    """Have the OpenAPI document say that the view honours `If-Match`, where its method and path do not tell that."""
    view.__dict__["_apidoc"] = {**getattr(view, "_apidoc", {}), "versioned": True}
    return view


def any_body(view: F) -> F:
    """Take bodies of any media type: webhooks, uploads."""
    view.__dict__["takes_any_body"] = True
    return view


def upload(largest: int) -> Callable[[F], F]:
    """Take a body of any media type and of up to `largest` bytes, which `uploaded()` then gives, in bounded memory."""

    def mark(view: F) -> F:
        view.__dict__["largest_upload"] = largest
        return any_body(view)

    return mark


def uploaded() -> Upload:
    """The body of the present request to a route marked `upload`."""
    found: Upload = g.upload
    return found


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
