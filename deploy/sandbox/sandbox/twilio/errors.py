"""Twilio's error bodies (https://www.twilio.com/docs/api/errors), so that the SDK raises what it raises in production."""

from typing import Any


class TwilioError(Exception):
    """`code` is Twilio's, `status` the HTTP one."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def refused(code: int, message: str) -> TwilioError:
    return TwilioError(400, code, message)


def unauthenticated() -> TwilioError:
    return TwilioError(401, 20003, "Authenticate")


def not_found(path: str) -> TwilioError:
    return TwilioError(404, 20404, f"The requested resource {path} was not found")


def too_many_requests() -> TwilioError:
    return TwilioError(429, 20429, "Too Many Requests")


def server_error() -> TwilioError:
    return TwilioError(500, 20500, "An internal server error has occurred")
