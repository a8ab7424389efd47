"""An OpenID Connect provider as the console meets one: code flow with PKCE, tokens signed by published keys, strict about both."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

_KEY_ID = "identity-1"


@dataclass(kw_only=True)
class IdentityProvider:
    """Knows one client of it, and one person, who is asked by a page with a button."""

    url: str
    client_id: str
    scope: str
    account_id: str
    audience: str = "timeblu"
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def token(self, **claims: Any) -> str:
        """A signed token, good for five minutes."""
        now = int(time.time())
        body = {"iss": self.url, "sub": "ada", "iat": now, "exp": now + 300, **claims}
        return jwt.encode(body, self.key, algorithm="RS256", headers={"kid": _KEY_ID})

    def access_token(self, scope: str) -> str:
        """What the services ask for (API, Everywhere)."""
        return self.token(aud=self.audience, account_id=self.account_id, scope=scope)

    def app(self) -> Flask:
        app = Flask("identity")

        @app.after_request
        def shared(answer: Response) -> Response:
            answer.headers["Access-Control-Allow-Origin"] = "*"
            return answer

        @app.get("/.well-known/openid-configuration")
        def configuration() -> Response:
            return jsonify(
                issuer=self.url,
                authorization_endpoint=f"{self.url}/authorize",
                token_endpoint=f"{self.url}/token",
                jwks_uri=f"{self.url}/jwks",
                response_types_supported=["code"],
                subject_types_supported=["public"],
                id_token_signing_alg_values_supported=["RS256"],
                code_challenge_methods_supported=["S256"],
            )

        @app.get("/jwks")
        def keys() -> Response:
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return jsonify(keys=[{**public, "kid": _KEY_ID, "use": "sig", "alg": "RS256"}])

        @app.get("/authorize")
        def ask() -> ResponseReturnValue:
            asked = request.args
            if asked.get("client_id") != self.client_id or asked.get("response_type") != "code":
                return "no such client", 400
            if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
                return "PKCE is needed", 400
            fields = "".join(
                f"<input type=hidden name='{name}' value='{asked[name]}'>" for name in _CARRIED if name in asked
            )
            return f"<!doctype html><title>Identity</title><h1>Sign in</h1><form method=post>{fields}<button>I am Ada</button></form>"

        @app.post("/authorize")
        def agree() -> ResponseReturnValue:
            code = secrets.token_urlsafe(16)
            self.codes[code] = dict(request.form)
            back = {"code": code, "state": request.form["state"]}
            return redirect(f"{request.form['redirect_uri']}?{urlencode(back)}", 303)

        @app.post("/token")
        def exchange() -> ResponseReturnValue:
            asked = self.codes.pop(request.form.get("code", ""), None)
            if asked is None or asked["redirect_uri"] != request.form.get("redirect_uri"):
                return jsonify(error="invalid_grant"), 400
            digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
                return jsonify(error="invalid_grant", error_description="the verifier is another's"), 400
            return jsonify(
                access_token=self.access_token(self.scope),
                id_token=self.token(aud=self.client_id, **({"nonce": asked["nonce"]} if "nonce" in asked else {})),
                token_type="Bearer",
                expires_in=300,
                scope=asked["scope"],
            )

        return app


_CARRIED = ("state", "nonce", "redirect_uri", "code_challenge", "scope")


@contextmanager
def identity_provider(
    *, port: int, account_id: str, scope: str, client_id: str = "console"
) -> Iterator[IdentityProvider]:
    """One that runs."""
    provider = IdentityProvider(url=f"http://127.0.0.1:{port}", client_id=client_id, scope=scope, account_id=account_id)
    server = make_server("127.0.0.1", port, provider.app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    thread.join()
