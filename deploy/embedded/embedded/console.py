"""The console as the suite serves it: one page at all its addresses, its files, and what it has to be told of this suite."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, send_from_directory
from werkzeug.exceptions import NotFound

from embedded.console_build import BUILDING, BUILT, Build

# Where the page is at home; it finds out by itself which of its views an address means.
_PAGES = (
    "/",
    "/calendar",
    "/clients",
    "/clients/cli_<path>",
    "/dashboard",
    "/setup",
    "/setup/<path>",
    "/operations",
    "/book/<path>",
    "/manage/<path>",
    "/sign-in/callback",
)
# Of these, the ones below a service's own prefix.
_AMONG_CLIENTS = re.compile(r"/clients(/cli_[^/]+)?")
_NONCE = "__CSP_NONCE__"
_FOREVER = "public, max-age=31536000, immutable"
# The machine's own table of types is not the same everywhere, and nosniff makes a wrong one an error.
_TYPES = {
    ".css": "text/css",
    ".ics": "text/calendar",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


class WrongConsole(Exception):
    """A setting of the console is wrong; the text names it."""


@dataclass(frozen=True, kw_only=True)
class Authority:
    """Where people sign in by OpenID Connect; tokens from there are verified by AUTH_JWKS_URL."""

    address: str
    client_id: str
    scope: str

    @property
    def origin(self) -> str:
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings:
    """What the page is told: how one signs in, and whether Stripe is the sandbox's."""

    authority: Authority | None
    demo: bool
    """Whether who is at this machine signs in as the demo account; else, and without an authority, with a token"""
    sandbox: bool

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> ConsoleSettings:
        """From CONSOLE_OIDC_AUTHORITY, CONSOLE_OIDC_CLIENT_ID and CONSOLE_OIDC_SCOPE.

        Raises:
            WrongConsole: the authority is no address.
        """
        address, client_id = environment.get("CONSOLE_OIDC_AUTHORITY"), environment.get("CONSOLE_OIDC_CLIENT_ID")
        authority = None
        if address and client_id:
            # It stands in a header, so that its characters matter.
            if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(/[!-~]*)?", address):
                raise WrongConsole("CONSOLE_OIDC_AUTHORITY: must begin with https:// and a host")
            scope = environment.get("CONSOLE_OIDC_SCOPE") or "openid"
            authority = Authority(address=address, client_id=client_id, scope=scope)
        return cls(
            authority=authority,
            # Where others sign the tokens, ours are worth nothing.
            demo=authority is None and not environment.get("AUTH_JWKS_URL"),
            sandbox=not environment.get("STRIPE_SECRET_KEY"),
        )

    def document(self) -> dict[str, Any]:
        """What /config.json answers."""
        sign_in = {"kind": "demo" if self.demo else "token"}
        if self.authority:
            sign_in = {
                "kind": "oidc",
                "authority": self.authority.address,
                "client_id": self.authority.client_id,
                "scope": self.authority.scope,
            }
        return {"sign_in": sign_in, "sandbox": self.sandbox}


def console_directory(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where the console's sources are: in the checkout that this package is linked from, or where CONSOLE says; None without, or by CONSOLE=0."""
    given = environment.get("CONSOLE", "")
    if given == "0":
        return None
    directory = Path(given).resolve() if given else Path(__file__).resolve().parents[3] / "console"
    return directory if (directory / "build").is_file() and (directory / "package.json").is_file() else None


def is_console_page(path: str) -> bool:
    """Whether an address below the prefix of a service is the console's all the same: the services answer below /v1 and to names of their own."""
    return _AMONG_CLIENTS.fullmatch(path) is not None


def policy(nonce: str, settings: ConsoleSettings) -> str:
    """The page's Content-Security-Policy: nothing but its own files, this suite, and where people sign in."""
    reached = f"'self' {settings.authority.origin}" if settings.authority else "'self'"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; "
        f"img-src 'self' data: blob:; font-src 'self'; connect-src {reached}; frame-src {reached}; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
    )


def console_blueprint(build: Build, settings: ConsoleSettings, *, ready: Callable[[], bool], places: str) -> Blueprint:
    """The page, its files and /config.json; while there is no page yet, one that says why. `places` is the HTML list of what else is here."""
    routes = Blueprint("console", __name__)

    def page(path: str = "") -> Response | tuple[str, int]:
        if not ready():
            return "The suite is starting or ending.", 503
        nonce = secrets.token_urlsafe(18)
        text = _index(build) or _not_yet(build, nonce, places)
        answer = Response(text.replace(_NONCE, nonce), mimetype="text/html")
        answer.headers["Content-Security-Policy"] = policy(nonce, settings)
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    for rule in _PAGES:
        routes.add_url_rule(rule, endpoint="page", view_func=page)

    @routes.get("/assets/<path:name>")
    def asset(name: str) -> Response:
        if build.state != BUILT:
            raise NotFound
        mimetype = _TYPES.get(Path(name).suffix, "application/octet-stream")
        answer = send_from_directory(build.dist / "assets", name, mimetype=mimetype)
        answer.headers["Cache-Control"] = _FOREVER
        return answer

    @routes.get("/config.json")
    def config() -> Response:
        answer = jsonify(settings.document())
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    @routes.after_request
    def guard(answer: Response) -> Response:
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "same-origin"
        answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return answer

    return routes


def _index(build: Build) -> str | None:
    """The page, read anew each time: `make console` may have put another in its place."""
    if build.state != BUILT:
        return None
    try:
        return (build.dist / "index.html").read_text()
    except FileNotFoundError:  # just being replaced, or removed
        return None


def _not_yet(build: Build, nonce: str, places: str) -> str:
    """A page that looks again by itself until the console is there."""
    if build.state in {BUILDING, BUILT}:
        seconds, title = 2, "The console is being built"
        said = "<p>That is done once after a checkout or an update and takes a minute or two. This page looks again by itself."
    else:
        seconds, title = 10, "The console could not be built"
        said = (
            f"<pre>{escape(build.reason)}</pre><p><code>make console</code> tries again, and tells all of it; "
            "the page comes up here by itself then. The services do not need it."
        )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<meta http-equiv=refresh content={seconds}><link rel=icon href='data:,'><title>{title} · Timeblu</title><style nonce='{nonce}'>"
        ":root{color-scheme:light dark}body{font:16px/1.6 system-ui;max-width:44rem;margin:3rem auto;padding:0 1rem}"
        "pre{overflow:auto;padding:1rem;border:1px solid;border-radius:.5rem;font-size:13px;white-space:pre-wrap}</style>"
        f"<h1>{title}</h1>{said}<h2>Here already</h2><ul>{places}</ul>"
    )
