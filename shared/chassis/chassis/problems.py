"""Errors as types with a stable code, raised where they are known and turned into RFC 9457 documents at one place."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any


class Problem(Exception):
    """Something the caller did or met that has a name.

    `detail` is a sentence for a person; `extra` are members of the problem document beside the standard ones.
    """

    status: HTTPStatus = HTTPStatus.CONFLICT
    code: str = "conflict"
    title: str = "The request conflicts with the present state"

    def __init__(
        self, detail: str | None = None, *, code: str | None = None, retry_after: int | None = None, **extra: Any
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.code = code or type(self).code
        self.retry_after = retry_after
        self.extra = extra


class Conflict(Problem):
    """409; give the `code` that API.md lists."""


class InvalidJson(Problem):
    status, code, title = HTTPStatus.BAD_REQUEST, "invalid_json", "The body is not JSON"


class BadRequest(Problem):
    status, code, title = HTTPStatus.BAD_REQUEST, "bad_request", "The request cannot be understood"


class Unauthenticated(Problem):
    status, code, title = HTTPStatus.UNAUTHORIZED, "unauthenticated", "A valid bearer token is needed"


class Forbidden(Problem):
    status, code, title = HTTPStatus.FORBIDDEN, "forbidden", "The token's scope does not allow this"


class NotFound(Problem):
    status, code, title = HTTPStatus.NOT_FOUND, "not_found", "There is no such thing here"


class Gone(Problem):
    status, code, title = HTTPStatus.GONE, "gone", "This is no longer available"


class Stale(Problem):
    status, code, title = HTTPStatus.PRECONDITION_FAILED, "stale", "It has changed since you read it"


class TooLarge(Problem):
    status, code, title = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "The body is too large"


class UnsupportedMediaType(Problem):
    status, code, title = (
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "The body must be application/json",
    )


class Invalid(Problem):
    """422: `Invalid.field("/starts_at", "…")`, or several errors at once."""

    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "Some fields are not valid"

    @classmethod
    def field(cls, pointer: str, detail: str) -> Invalid:
        """One bad field, named by its JSON pointer."""
        return cls(errors=[{"pointer": pointer, "detail": detail}])


class KeyReused(Problem):
    status, code, title = (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request",
    )


class TooManyRequests(Problem):
    status, code, title = HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", "Too many requests"


class Unavailable(Problem):
    """503: a part that is needed is down; `retry_after` seconds."""

    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "A part that is needed is not available"

    def __init__(self, detail: str | None = None, *, retry_after: int = 1, **extra: Any) -> None:
        super().__init__(detail, retry_after=retry_after, **extra)
