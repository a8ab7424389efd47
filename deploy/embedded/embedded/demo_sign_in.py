"""Signs in whoever sits at this machine as the demo account, and nobody else: neither another machine nor another site's page."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from chassis.auth import SCOPES, issue
from chassis.problems import Forbidden, InvalidJson
from embedded.provision import ACCOUNT

_SECONDS = 60 * 60
# What a proxy adds: behind one every caller seems to be at this machine.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def sign_in_blueprint(secret: Callable[[], str]) -> Blueprint:
    """`POST /demo/sign-in`; `secret` is what the suite's tokens are signed with."""
    routes = Blueprint("demo_sign_in", __name__)

    @routes.post("/demo/sign-in")
    def sign_in() -> Response:
        _refuse_others()
        # `{}`, or nothing.
        if request.get_data() and not isinstance(request.get_json(silent=True), dict):
            raise InvalidJson
        token = issue(secret(), account_id=ACCOUNT, scope=" ".join(SCOPES), ttl=_SECONDS)
        answer = jsonify(access_token=token, expires_in=_SECONDS)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return routes


def _refuse_others() -> None:
    """Raises Forbidden for everyone but a page of this suite, or a program, on this machine.

    The Host header is what keeps out a foreign name that was made to point here (DNS rebinding); the content type and Sec-Fetch-Site,
    which no page can set, keep out a page from elsewhere that posts blindly.
    """
    if not _is_loopback(request.remote_addr or "") or any(name in request.headers for name in _FORWARDED):
        raise Forbidden("the demo account is signed in from this machine alone")
    if not _is_loopback(_host(f"//{request.headers.get('Host', '')}")):
        raise Forbidden("the demo account is signed in at localhost or 127.0.0.1 alone")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise Forbidden("the demo account is signed in by this suite's own page alone")
    origin = request.headers.get("Origin")
    if origin is not None and not _is_loopback(_host(origin)):
        raise Forbidden("the demo account is signed in by this suite's own page alone")
    if request.mimetype != "application/json":
        raise Forbidden("the demo account is signed in by application/json alone")


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
