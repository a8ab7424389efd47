"""What every operation's OpenAPI document says by habit: the refusals that it may answer with, and the problem document that they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import flask_smorest
from apispec import BasePlugin
from apispec.ext.marshmallow import MarshmallowPlugin, resolver
from marshmallow import INCLUDE, Schema, fields

IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "the version that the caller has seen, in quotes; 412 where it is not the present one",
}


class FieldError(Schema):
    pointer = fields.String(required=True, metadata={"description": "where it stands, as a JSON pointer"})
    detail = fields.String(required=True)


class ProblemDocument(Schema):
    """RFC 9457, with a stable `code`; some codes have members of their own."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldError), metadata={"description": "for bad fields"})


class Api(flask_smorest.Api):
    """flask-smorest with our problem documents in its OpenAPI document, and without error handlers of its own.

    The document is written when it is first asked for: that takes as long as all the rest of an application's start.
    """

    ERROR_SCHEMA = ProblemDocument

    def __init__(self) -> None:
        self._undocumented: list[flask_smorest.Blueprint] = []
        self._writing = threading.Lock()
        marshmallow = MarshmallowPlugin(schema_name_resolver=_schema_name)
        super().__init__(spec_kwargs={"marshmallow_plugin": marshmallow, "extra_plugins": [_Habits()]})

    def _register_error_handlers(self) -> None:
        """None of its own: errors become problem documents in chassis.app."""

    def register_blueprint(self, blp: flask_smorest.Blueprint, **options: Any) -> None:
        """Take in its routes; `document` will tell of them."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)
        self._undocumented.append(blp)

    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        with self._writing:
            if self._undocumented:
                self._document_errors()
            while self._undocumented:
                blueprint = self._undocumented.pop(0)
                blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
                self.spec.tag({"name": blueprint.name, "description": blueprint.description})
            document: dict[str, Any] = self.spec.to_dict()
            return document

    def _register_responses(self) -> None:
        """Not at the start, as flask-smorest has it."""

    def _document_errors(self) -> None:
        # What views answer keeps the class's media type.
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE


def _schema_name(schema: Any) -> str:
    """A schema's name in the OpenAPI document; one of which every field may be absent has a name of its own."""
    name: str = resolver(schema)
    return f"{name}Patch" if getattr(schema, "partial", None) else name


class _Habits(BasePlugin):
    """Adds to each operation what follows from its method, path and scopes; `default` stays for what nobody foresaw."""

    def operation_helper(
        self, path: str | None = None, operations: dict[str, dict[str, Any]] | None = None, **_: Any
    ) -> None:
        for method, operation in (operations or {}).items():
            if _takes_version(method, path or "", operation) and not _says_version(operation):
                operation.setdefault("parameters", []).append(IF_MATCH)
            responses = operation.setdefault("responses", {})
            told = {str(status) for status in responses}
            for status in _refusals(method, path or "", operation):
                if str(int(status)) not in told:
                    responses[int(status)] = status.name


def _takes_version(method: str, path: str, operation: dict[str, Any]) -> bool:
    """Changes do, actions on what the caller's account holds, and what says so itself."""
    if _says_version(operation):
        return True
    if method == "post":
        return "{" in path and any(
            scopes != ["ops"] for need in operation.get("security", []) for scopes in need.values()
        )
    return method in {"put", "patch", "delete"}


def _says_version(operation: dict[str, Any]) -> bool:
    return IF_MATCH in operation.get("parameters", [])


def _refusals(method: str, path: str, operation: dict[str, Any]) -> Iterator[HTTPStatus]:
    if operation.get("security"):
        yield HTTPStatus.UNAUTHORIZED
        yield HTTPStatus.FORBIDDEN
    else:
        # What needs no token is where the rate is limited.
        yield HTTPStatus.TOO_MANY_REQUESTS
    if "{" in path:
        yield HTTPStatus.NOT_FOUND
    if method != "get":
        yield HTTPStatus.CONFLICT
    if _takes_version(method, path, operation):
        yield HTTPStatus.PRECONDITION_FAILED
    if method in {"post", "put", "patch"}:
        yield HTTPStatus.BAD_REQUEST
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    # Any query may hold what no text may.
    yield HTTPStatus.UNPROCESSABLE_ENTITY
    yield HTTPStatus.SERVICE_UNAVAILABLE
