"""Stripe's error bodies, so that the SDK raises what it raises in production."""

from typing import Any

DOCS = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """Answered as `{"error": {...}}`. `status` is the HTTP one."""

    def __init__(self, status: int, type_: str, message: str, *, code: str = "", param: str = "", **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"message": message, "type": type_, **more}
        if code:
            self.error |= {"code": code, "doc_url": DOCS + code.replace("_", "-")}
        if param:
            self.error["param"] = param


def invalid(message: str, *, code: str = "", param: str = "", status: int = 400, **more: Any) -> StripeError:
    return StripeError(status, "invalid_request_error", message, code=code, param=param, **more)


def missing_param(name: str) -> StripeError:
    return invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)


def unknown_params(names: list[str]) -> StripeError:
    plural = "s" if len(names) > 1 else ""
    return invalid(f"Received unknown parameter{plural}: {', '.join(names)}", code="parameter_unknown", param=names[0])


def no_such(kind: str, id_: str, param: str = "id", *, status: int = 404) -> StripeError:
    return invalid(f"No such {kind}: '{id_}'", code="resource_missing", param=param, status=status)


def unknown_url(method: str, path: str) -> StripeError:
    return invalid(
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/.",
        status=404,
    )


def no_key() -> StripeError:
    return invalid(
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer "
        "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for "
        "details, or we can help at https://support.stripe.com/.",
        status=401,
    )


def wrong_key(key: str) -> StripeError:
    return invalid(f"Invalid API Key provided: {hidden(key)}", status=401)


def hidden(key: str) -> str:
    """A key as Stripe prints it: its beginning and its last four characters."""
    return key[:8] + "*" * max(len(key) - 12, 4) + key[-4:] if len(key) > 12 else "*" * len(key)


def no_access(key: str, account: str) -> StripeError:
    return invalid(
        f"The provided key '{hidden(key)}' does not have access to account '{account}' (or that account does not "
        "exist). Application access may have been revoked.",
        code="account_invalid",
        status=403,
    )


def rate_limited() -> StripeError:
    return invalid(
        "Request rate limit exceeded. Learn more about rate limits here https://docs.stripe.com/rate-limits.",
        code="rate_limit",
        status=429,
    )


def server_error() -> StripeError:
    return StripeError(
        500, "api_error", "Sorry! There was an error while talking to one of our backends. (sandbox fault)"
    )


def key_in_use(key: str) -> StripeError:
    return invalid(
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again later.",
        code="idempotency_key_in_use",
        status=409,
    )


def key_reused(key: str) -> StripeError:
    return StripeError(
        400,
        "idempotency_error",
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using "
        f"a key other than '{key}' if you meant to execute a different request.",
    )


def key_reused_elsewhere(key: str, first: str, now: str) -> StripeError:
    return StripeError(
        400,
        "idempotency_error",
        f"Keys for idempotent requests can only be used for the same endpoint they were first used for ('{now}' vs "
        f"'{first}'). Try using a key other than '{key}' if you meant to execute a different request.",
    )
