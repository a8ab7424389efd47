"""Who is let in: tokens by a shared secret or by published keys, tokens between services, and everybody else kept out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from shared.chassis.tests.ledger.service import settings_for

from chassis import auth, published_keys
from chassis.auth import Verifier
from chassis.problems import Unauthenticated, Unavailable

SETTINGS = settings_for("sqlite:////unused", "memory://")
SECRET = SETTINGS.auth_jwt_secret or ""


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    made = {"sub": "u1", "account_id": "acc_one", "scope": "payments:read ops", "aud": "timeblu", "exp": now + 60}
    return {name: value for name, value in (made | changes).items() if value is not None}


def bearer(token: str) -> str:
    return f"Bearer {token}"


def signed(key: Any = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return bearer(jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers))


def test_a_good_token_tells_account_subject_and_scopes() -> None:
    caller = Verifier(SETTINGS).verify(signed())

    assert caller.account_id == "acc_one"
    assert caller.subject == "u1"
    assert caller.scopes == {"payments:read", "ops"}
    assert Verifier(SETTINGS).verify(signed(scope=None)).scopes == frozenset()


def test_a_token_that_was_let_in_is_not_once_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier, token = Verifier(SETTINGS), signed()
    assert verifier.verify(token) == verifier.verify(token)
    ended = claims()["exp"] + 1
    monkeypatch.setattr("chassis.auth.time.time", lambda: ended)
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def _keyed(key: bytes, header: dict[str, Any]) -> str:
    """A token whose HMAC has a key that PyJWT itself would not take for one."""
    unsigned = _raw(header, claims()).removeprefix("Bearer ").rstrip(".")
    mac = hmac.new(key, unsigned.encode(), hashlib.sha256).digest()
    return bearer(f"{unsigned}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}")


def _raw(header: dict[str, Any], body: Any, signature: str = "") -> str:
    parts = [json.dumps(part).encode() if not isinstance(part, bytes) else part for part in (header, body)]
    return bearer(".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), signature]))


BAD = {
    "none at all": None,
    "empty": "",
    "another scheme": "Basic dTpw",
    "no token": "Bearer ",
    "no JWT": bearer("abc"),
    "dots": bearer("..."),
    "not ASCII": bearer("é.é.é"),
    "expired": signed(exp=int(time.time()) - 10),
    "expired just now": signed(exp=int(time.time())),
    "no expiry": signed(exp=None),
    "expiry is text": signed(exp="soon"),
    "expiry without end": _raw({"alg": "HS256"}, b'{"exp": 1e999}'),
    "another audience": signed(aud="somebody-else"),
    "no audience": signed(aud=None),
    "no subject": signed(sub=None),
    "no account": signed(account_id=None),
    "account is a list": signed(account_id=["acc_one"]),
    "account is empty": signed(account_id=""),
    "account holds U+0000": signed(account_id="acc_\0"),
    "account holds half a surrogate pair": signed(account_id="acc_\ud800"),
    "account is endless": signed(account_id="acc_" + "x" * 5000),
    "subject is empty": signed(sub=""),
    "subject holds U+0000": signed(sub="u\0"),
    "expiry is a number in quotes": signed(exp=str(int(time.time()) + 60)),
    "scope is a list": signed(scope=["ops"]),
    "another secret": signed("another secret, which is as long as needed"),
    "alg none": _raw({"alg": "none"}, claims()),
    "alg None with a signature": _raw({"alg": "None"}, claims(), "AAAA"),
    "another algorithm": signed(SECRET, "HS512"),
    "a service's name, the callers' secret": signed(iss="timeblu-service"),
    "nested too deep": _raw({"alg": "HS256"}, b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "body is a list": _raw({"alg": "HS256"}, [1]),
    "not before tomorrow": signed(nbf=int(time.time()) + 86_400),
}


@pytest.mark.parametrize("name", BAD)
def test_everything_else_is_401(name: str) -> None:
    with pytest.raises(Unauthenticated):
        Verifier(SETTINGS).verify(BAD[name])


def test_a_services_token_is_good_for_one_account_one_scope_and_one_minute() -> None:
    token = auth.issue_service_token(
        SETTINGS.service_jwt_secret, service="scheduling", account_id="acc_one", scope="clients:write"
    )

    caller = Verifier(SETTINGS).verify(bearer(token))

    assert caller.subject == "service:scheduling"
    assert caller.scopes == {"clients:write"}
    inside = jwt.decode(token, options={"verify_signature": False})
    assert inside["exp"] - inside["iat"] == 60
    forged = auth.issue_service_token(
        "a secret of nobody here, but long enough", service="x", account_id="a", scope="ops"
    )
    with pytest.raises(Unauthenticated):
        Verifier(SETTINGS).verify(bearer(forged))


# --- published keys -------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class KeyServer:
    """Publishes keys as an identity provider does."""

    url: str
    keys: dict[str, PrivateKeyTypes] = field(default_factory=dict)
    asked: int = 0
    down: bool = False
    nonsense: bytes | None = None

    def document(self) -> bytes:
        published = []
        for name, key in self.keys.items():
            if isinstance(key, rsa.RSAPrivateKey):
                made = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
            else:
                assert isinstance(key, ec.EllipticCurvePrivateKey)
                made = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
            published.append({**made, "kid": name, "use": "sig"})
        return json.dumps({"keys": published}).encode()


@pytest.fixture
def key_server() -> Iterator[KeyServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked += 1
            self.send_response(500 if made.down else 200)
            self.end_headers()
            self.wfile.write(made.document() if made.nonsense is None else made.nonsense)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = KeyServer(url=f"http://127.0.0.1:{server.server_port}/jwks.json")
    made.keys = {"rsa-1": rsa.generate_private_key(65537, 2048), "ec-1": ec.generate_private_key(ec.SECP256R1())}
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def verifier(key_server: KeyServer) -> Verifier:
    return Verifier(settings_for("sqlite:////unused", "memory://", auth_jwt_secret=None, auth_jwks_url=key_server.url))


def test_tokens_are_verified_by_published_keys(key_server: KeyServer, verifier: Verifier) -> None:
    for name, algorithm in (("rsa-1", "RS256"), ("ec-1", "ES256"), ("rsa-1", "PS256")):
        token = signed(key_server.keys[name], algorithm, {"kid": name})
        if algorithm == "PS256":  # the key is published for RS256
            with pytest.raises(Unauthenticated):
                verifier.verify(token)
        else:
            assert verifier.verify(token).account_id == "acc_one"
    assert key_server.asked == 1, "the keys are remembered"


@pytest.mark.parametrize(
    "forge", ["another key", "unknown key", "no key id", "the public key as a secret", "the old secret", "expired"]
)
def test_forged_tokens_are_401(key_server: KeyServer, verifier: Verifier, forge: str) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    mine = key_server.keys["rsa-1"]
    tokens: dict[str, Callable[[], str]] = {
        "another key": lambda: signed(stranger, "RS256", {"kid": "rsa-1"}),
        "unknown key": lambda: signed(stranger, "RS256", {"kid": "rsa-9"}),
        "no key id": lambda: signed(mine, "RS256"),
        "the public key as a secret": lambda: _keyed(key_server.document(), {"alg": "HS256", "kid": "rsa-1"}),
        "the old secret": lambda: signed(SECRET, "HS256", {"kid": "rsa-1"}),
        "expired": lambda: signed(mine, "RS256", {"kid": "rsa-1"}, exp=int(time.time()) - 10),
    }

    with pytest.raises(Unauthenticated):
        verifier.verify(tokens[forge]())


def test_services_call_each_other_where_callers_have_published_keys(verifier: Verifier) -> None:
    token = auth.issue_service_token(
        SETTINGS.service_jwt_secret, service="scheduling", account_id="acc_one", scope="ops"
    )

    assert verifier.verify(bearer(token)).subject == "service:scheduling"


def test_keys_that_cannot_be_fetched_are_a_503_and_not_a_401(key_server: KeyServer, verifier: Verifier) -> None:
    key_server.down = True

    with pytest.raises(Unavailable):
        verifier.verify(signed(key_server.keys["rsa-1"], "RS256", {"kid": "rsa-1"}))

    key_server.down = False
    assert verifier.verify(signed(key_server.keys["rsa-1"], "RS256", {"kid": "rsa-1"})).subject == "u1"


def test_keys_that_are_no_keys_are_a_503_too(key_server: KeyServer, verifier: Verifier) -> None:
    for nonsense in (b"", b"<html>", b"[]", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "none"}]}'):
        key_server.nonsense = nonsense
        with pytest.raises(Unavailable):
            verifier.verify(signed(key_server.keys["rsa-1"], "RS256", {"kid": "rsa-1"}))
        verifier = Verifier(verifier._settings)


def test_a_key_that_is_new_is_found_with_its_first_token(key_server: KeyServer, verifier: Verifier) -> None:
    new = rsa.generate_private_key(65537, 2048)
    token = signed(new, "RS256", {"kid": "rsa-2"})
    verifier.verify(signed(key_server.keys["rsa-1"], "RS256", {"kid": "rsa-1"}))
    with pytest.raises(Unauthenticated):
        verifier.verify(token)

    key_server.keys = {"rsa-2": new}

    assert verifier.verify(token).subject == "u1"
    with pytest.raises(Unauthenticated):
        verifier.verify(signed(new, "RS256", {"kid": "rsa-1"}))


def test_keys_that_are_known_serve_while_their_publisher_is_down(
    key_server: KeyServer, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_keys, "_REMEMBERED_SECONDS", 0.0)
    token = signed(key_server.keys["rsa-1"], "RS256", {"kid": "rsa-1"})
    verifier.verify(token)
    key_server.down = True

    for _ in range(5):
        assert verifier.verify(token).subject == "u1"
    assert key_server.asked == 2, "it is not asked each time"
    with pytest.raises(Unavailable):
        verifier.verify(signed(key_server.keys["rsa-1"], "RS256", {"kid": "rsa-9"}))


def test_a_key_that_was_withdrawn_is_forgotten(
    key_server: KeyServer, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_keys, "_REMEMBERED_SECONDS", 0.0)
    token = signed(key_server.keys["rsa-1"], "RS256", {"kid": "rsa-1"})
    verifier.verify(token)

    del key_server.keys["rsa-1"]

    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def test_made_up_key_ids_do_not_make_us_ask_each_time(key_server: KeyServer, verifier: Verifier) -> None:
    verifier.verify(signed(key_server.keys["rsa-1"], "RS256", {"kid": "rsa-1"}))
    for number in range(50):
        with pytest.raises(Unauthenticated):
            verifier.verify(signed(key_server.keys["rsa-1"], "RS256", {"kid": f"made-up-{number}"}))

    assert key_server.asked <= 10
    assert verifier.verify(signed(key_server.keys["ec-1"], "ES256", {"kid": "ec-1"})).subject == "u1"
