"""Twilio's Messages API over HTTP: who asks, which faults, what answer."""

import json
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from sandbox.faults import ConnectionDropped, Fault, Faults, Target
from sandbox.secrets_file import Keys
from sandbox.twilio.errors import TwilioError, not_found, refused, server_error, too_many_requests, unauthenticated
from sandbox.twilio.messages import API_VERSION, Messages

KNOWN = frozenset(
    "To From MessagingServiceSid Body StatusCallback ApplicationSid MaxPrice ProvideFeedback Attempt ValidityPeriod "
    "ForceDelivery ContentRetention AddressRetention SmartEncoded PersistentAction TrafficType ShortenUrls ScheduleType "
    "SendAt SendAsMms ContentVariables MessageIntent RiskCheck FallbackFrom MediaUrl ContentSid".split()
)
LARGEST_PAGE = 1000


class TwilioApi:
    """Answers `/twilio/2010-04-01/Accounts/{sid}/Messages…`."""

    def __init__(self, *, messages: Messages, keys: Keys, faults: Faults, timeout_seconds: float) -> None:
        self._messages = messages
        self._keys = keys
        self._faults = faults
        self._timeout_seconds = timeout_seconds

    def blueprint(self) -> Blueprint:
        blueprint = Blueprint("twilio_api", __name__)
        blueprint.add_url_rule("/twilio/<path:path>", view_func=self._serve, methods=["GET", "POST", "DELETE"])
        return blueprint

    def _serve(self, path: str) -> Response:
        fault: Fault | None = None
        try:
            self._check_key()
            fault = self._faults.take(Target.TWILIO, request.method, request.path)
            self._stop_early(fault)
            status, body = self._route(f"/{path}")()
            if fault is Fault.ERROR_500_AFTER_PROCESSING:
                raise server_error()
        except TwilioError as error:
            status, body = error.status, error.body()
        if fault is Fault.DROP_AFTER_PROCESSING:
            raise ConnectionDropped
        text = "" if status == 204 else json.dumps(body)
        response = Response(text, status=status, content_type="application/json;charset=utf-8")
        response.headers["Twilio-Request-Id"] = "RQ" + secrets.token_hex(16)
        return response

    def _check_key(self) -> None:
        given = request.authorization
        expected = (self._keys.twilio_account_sid, self._keys.twilio_auth_token)
        if given is None or given.type != "basic" or (given.username, given.password) != expected:
            raise unauthenticated()

    def _stop_early(self, fault: Fault | None) -> None:
        if fault is Fault.RATE_LIMIT:
            raise too_many_requests()
        if fault is Fault.ERROR_500:
            raise server_error()
        if fault is Fault.TIMEOUT:
            time.sleep(self._timeout_seconds)
            raise ConnectionDropped

    def _route(self, path: str) -> Callable[[], tuple[int, dict[str, Any]]]:
        account = f"/{API_VERSION}/Accounts/{self._keys.twilio_account_sid}"
        collection, method = f"{account}/Messages.json", request.method
        if path == collection and method in ("GET", "POST"):
            return self._create if method == "POST" else self._list
        if path == f"{account}.json" and method == "GET":
            return self._account
        sid = path.removeprefix(f"{account}/Messages/").removesuffix(".json")
        if path == f"{account}/Messages/{sid}.json" and method in ("GET", "DELETE"):
            return (lambda: self._fetch(sid, path)) if method == "GET" else (lambda: self._delete(sid, path))
        raise not_found(path)

    def _create(self) -> tuple[int, dict[str, Any]]:
        # Twilio ignores what it does not know; here it is most likely a mistake of ours, and is refused.
        for name in request.form:
            if name not in KNOWN:
                raise refused(20001, f"Unknown parameter: {name}")
        return 201, self._messages.send(request.form.to_dict())

    def _list(self) -> tuple[int, dict[str, Any]]:
        query = request.args
        size = min(_number("PageSize", 50), LARGEST_PAGE)
        number = _number("Page", 0)
        since, until = _sent_between()
        found = self._messages.listed(
            to=query.get("To"),
            sender=query.get("From"),
            since=since,
            until=until,
            limit=size + 1,
            offset=number * size,
        )
        return 200, self._page(found, size, number)

    def _page(self, found: list[dict[str, Any]], size: int, number: int) -> dict[str, Any]:
        messages = found[:size]
        filters = {name: value for name, value in request.args.items() if name not in ("Page", "PageSize", "PageToken")}

        def uri(page: int) -> str:
            query = urlencode(filters | {"PageSize": size, "Page": page})
            return f"/{API_VERSION}/Accounts/{self._keys.twilio_account_sid}/Messages.json?{query}"

        return {
            "end": number * size + max(len(messages) - 1, 0),
            "first_page_uri": uri(0),
            "messages": messages,
            "next_page_uri": uri(number + 1) if len(found) > size else None,
            "page": number,
            "page_size": size,
            "previous_page_uri": uri(number - 1) if number else None,
            "start": number * size,
            "uri": uri(number),
        }

    def _fetch(self, sid: str, path: str) -> tuple[int, dict[str, Any]]:
        message = self._messages.find(sid)
        if message is None:
            raise not_found(path)
        return 200, message

    def _delete(self, sid: str, path: str) -> tuple[int, dict[str, Any]]:
        if not self._messages.delete(sid):
            raise not_found(path)
        return 204, {}

    def _account(self) -> tuple[int, dict[str, Any]]:
        sid = self._keys.twilio_account_sid
        return 200, {"sid": sid, "friendly_name": "Sandbox", "status": "active", "type": "Trial"}


def _number(name: str, default: int) -> int:
    value = request.args.get(name, "")
    if value and not value.isdecimal():
        raise refused(20001, f"Parameter '{name}' is not valid")
    return int(value) if value else default


def _sent_between() -> tuple[float | None, float | None]:
    """`DateSent=2026-11-24` (that day), `DateSent>=…`, `DateSent<=…` (the SDK writes these as `DateSent>` and `DateSent<`)."""
    since = until = None
    if (day := request.args.get("DateSent")) is not None:
        since = _moment("DateSent", day[:10])
        until = since + 86400
    if (after := request.args.get("DateSent>")) is not None:
        since = _moment("DateSent>", after)
    if (before := request.args.get("DateSent<")) is not None:
        until = _moment("DateSent<", before) + (86400 if len(before) == 10 else 1)
    return since, until


def _moment(name: str, text: str) -> float:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise refused(20001, f"Parameter '{name}' is not valid") from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
