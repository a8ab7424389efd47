"""Who calls, and what they may: bearer tokens by a shared secret or published keys, scopes, and tokens between services."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt

from chassis.problems import Unauthenticated, Unavailable
from chassis.published_keys import KeysUnavailable, PublishedKeys, UnknownKey
from chassis.settings import ServiceSettings

AUDIENCE = "timeblu"
SCOPES = (
    "sessions:read sessions:write sessions:notes clients:read clients:write payments:read payments:write "
    "notifications:read notifications:write ops"
).split()
_SERVICE_ISSUER = "timeblu-service"
_SERVICE_TOKEN_SECONDS = 60
_PUBLISHED_ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "EdDSA")
# By which the issuer's clock may be ahead; a token that has ended has ended.
_LEEWAY_SECONDS = 5
_LONGEST_NAME = 255
_REMEMBERED_TOKENS = 1000


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The bearer of a token: for which account, as whom, with which scopes."""

    account_id: str
    subject: str
    scopes: frozenset[str]


def issue(
    secret: str, *, account_id: str, scope: str, subject: str = "local", ttl: int = 3600, issuer: str | None = None
) -> str:
    """A token (HS256) for `account_id`, good for `ttl` seconds of real time; `scope` is space-separated."""
    now = int(time.time())
    claims = {"sub": subject, "account_id": account_id, "scope": scope, "aud": AUDIENCE, "iat": now, "exp": now + ttl}
    if issuer:
        claims["iss"] = issuer
    return jwt.encode(claims, secret, algorithm="HS256")


def issue_service_token(secret: str, *, service: str, account_id: str, scope: str) -> str:
    """A token of one minute for one account and one scope, by which one service calls another."""
    return issue(
        secret,
        account_id=account_id,
        scope=scope,
        subject=f"service:{service}",
        ttl=_SERVICE_TOKEN_SECONDS,
        issuer=_SERVICE_ISSUER,
    )


class Verifier:
    """Verifies tokens as `settings` say: callers' by secret or JWKS, other services' by the services' own secret."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._published = PublishedKeys(settings.auth_jwks_url) if settings.auth_jwks_url else None

    def verify(self, authorization: str | None) -> Caller:
        """The bearer of an Authorization header.

        Raises:
            Unauthenticated: it is missing, malformed, forged, expired or not for us.
            Unavailable: the published keys cannot be fetched.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("send Authorization: Bearer <token>")
        token = token.strip()
        try:
            key, algorithms = self._key(token)
            claims = _claims(token, key, algorithms)
        except KeysUnavailable:
            raise Unavailable("the keys that verify tokens cannot be fetched") from None
        except UnknownKey:
            raise Unauthenticated("the token's key is not known") from None
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            raise Unauthenticated(f"the token is not valid: {error}") from None
        account_id, subject, scope = claims["account_id"], claims["sub"], claims.get("scope", "")
        if not isinstance(claims["exp"], int | float) or claims["exp"] <= time.time():
            raise Unauthenticated("the token has expired")
        if not (_is_name(account_id) and _is_name(subject) and isinstance(scope, str)):
            raise Unauthenticated("the token's account_id, sub and scope must be text")
        return Caller(account_id=account_id, subject=subject, scopes=frozenset(scope.split()))

    def _key(self, token: str) -> tuple[Any, tuple[str, ...]]:
        # The unverified issuer only chooses the key; whoever lies about it fails the signature.
        if _unverified_issuer(token) == _SERVICE_ISSUER:
            return self._settings.service_jwt_secret, ("HS256",)
        if self._published is not None:
            return self._published.find(jwt.get_unverified_header(token).get("kid")), _PUBLISHED_ALGORITHMS
        return self._settings.auth_jwt_secret, ("HS256",)


@lru_cache(maxsize=_REMEMBERED_TOKENS)
def _claims(token: str, key: Any, algorithms: tuple[str, ...]) -> Mapping[str, Any]:
    """What a token says that `key` has signed. Remembered, as callers use theirs until it ends: only whether it has is asked each time."""
    claims: Mapping[str, Any] = jwt.decode(
        token,
        key,
        algorithms=algorithms,
        audience=AUDIENCE,
        leeway=_LEEWAY_SECONDS,
        options={"require": ["exp", "aud", "sub", "account_id"]},
    )
    return claims


def _unverified_issuer(token: str) -> Any:
    """What the token says of its issuer, whatever else it says; ValueError where it is no JWT (RFC 7519, section 3)."""
    _, payload, _ = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if not isinstance(claims, dict):
        raise ValueError("the claims are not a JSON object")
    return claims.get("iss")


def _is_name(claim: Any) -> bool:
    """Whether a store takes it as the name of somebody."""
    return isinstance(claim, str) and 0 < len(claim) <= _LONGEST_NAME and claim.isprintable()
