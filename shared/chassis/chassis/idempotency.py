"""Idempotency-Key on a POST: the first answer is kept in the transaction of its effect, and given again.

Within a process whoever comes second waits for the first without holding a connection; between processes the key's own row
is the lock. Either way it waits five seconds at most, and finds the answer when the first commits or takes over when the
first rolls back. A crash leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any

import peewee
from flask import Response, current_app, g, make_response, request

from chassis.clock import Clock
from chassis.problems import Conflict, Invalid, KeyReused
from chassis.store import Store, sqlstate
from chassis.uploads import Upload

_KEPT = timedelta(hours=24)
_PATIENCE_SECONDS = 5
_LOCK_NOT_AVAILABLE = "55P03"
# The ETag is not among them: it is made from the body's version, of a replay as well.
_KEPT_HEADERS = ("Location", "Content-Type")
_LONGEST_KEY = 255
_DELETE_AT_ONCE = 1000
View = Callable[..., Any]


class Unprepared(Exception):
    """Raised by a view that was given nothing prepared and cannot do without."""


class _Taken(Exception):
    """Another request has committed this key meanwhile."""


def once(
    store: Store,
    *,
    prepare: Callable[..., Any] | None = None,
    on_demand: bool = False,
    scope: Callable[[], str] | None = None,
) -> Callable[[View], View]:
    """Run a POST's view in one unit of work, and once for each Idempotency-Key.

    `prepare`, called like the view but before the unit of work, is for calls to the outside; what it returns is given to the view as `prepared`.
    `on_demand`: only where the view, given None, raises `Unprepared`; its unit of work is then rolled back, and run again.
    `scope` names whose key it is: the caller's account unless said otherwise.
    """

    def decorate(view: View) -> View:
        def run(how: Callable[[Callable[[], Response]], Response], *args: Any, **kwargs: Any) -> Response:
            """Answer by `how`, which is given the call of the view, once what goes before it is done."""

            def answer(**more: Any) -> Response:
                return store.run(lambda: how(lambda: make_response(view(*args, **kwargs, **more))))

            if prepare is None:
                return answer()
            if on_demand:
                with suppress(Unprepared):
                    return answer(prepared=None)
            return answer(prepared=prepare(*args, **kwargs))

        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Response:
            key = request.headers.get("Idempotency-Key")
            if key is None:
                return run(lambda view_call: view_call(), *args, **kwargs)
            if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
                raise Invalid(f"an Idempotency-Key has 1 to {_LONGEST_KEY} printable characters", errors=[])
            owner = scope() if scope else g.caller.account_id
            request_ = _Request(store=store, clock=g.service.clock, owner=owner, key=key)
            keys: KeysInUse = current_app.extensions["timeblu_keys"]
            with keys.alone(owner, key):
                while True:
                    kept = request_.answer()
                    if kept is not None:
                        return kept
                    with suppress(_Taken):
                        return run(request_.answer_with, *args, **kwargs)

        wrapper.__dict__["_apidoc"] = {**getattr(view, "_apidoc", {}), "idempotent": True}
        return wrapper

    return decorate


class KeysInUse:
    """The keys that this process is answering just now."""

    def __init__(self) -> None:
        self._names: set[tuple[str, str]] = set()
        self._changed = threading.Condition()

    @contextmanager
    def alone(self, owner: str, key: str) -> Iterator[None]:
        """Answer this key alone.

        Raises:
            Conflict: another request has been answering it for five seconds since.
        """
        name = (owner, key)
        with self._changed:
            if not self._changed.wait_for(lambda: name not in self._names, _PATIENCE_SECONDS):
                raise _in_flight()
            self._names.add(name)
        try:
            yield
        finally:
            with self._changed:
                self._names.discard(name)
                self._changed.notify_all()


def _in_flight() -> Conflict:
    return Conflict(
        "a request with this Idempotency-Key is still being answered", code="idempotency_in_flight", retry_after=1
    )


def delete_expired(store: Store, clock: Clock) -> int:
    """Forget answers older than a day; returns how many, at most a thousand at once."""
    with store.transaction():
        return len(
            store.execute(
                f"""DELETE FROM idempotency_keys WHERE (account_id, key) IN
                    (SELECT account_id, key FROM idempotency_keys WHERE created_at < %s LIMIT {_DELETE_AT_ONCE}) RETURNING key""",
                (clock.now() - _KEPT,),
            )
        )


class _Request:
    """The present request under its key."""

    def __init__(self, *, store: Store, clock: Clock, owner: str, key: str) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._key = key
        self._fingerprint = _fingerprint()

    def answer(self) -> Response | None:
        """The answer given before, None where there is none.

        Raises:
            KeyReused: the key belongs to another request.
        """
        with self._store.reading():
            rows = self._store.execute(
                "SELECT fingerprint, status, headers, body FROM idempotency_keys WHERE account_id = %s AND key = %s AND created_at > %s",
                (self._owner, self._key, self._clock.now() - _KEPT),
            )
        if not rows:
            return None
        fingerprint, status, headers, body = rows[0]
        if fingerprint != self._fingerprint:
            raise KeyReused
        response = make_response(body, status, json.loads(headers))
        response.headers["Idempotent-Replayed"] = "true"
        return response

    def answer_with(self, act: Callable[[], Response]) -> Response:
        """What `act` answers, kept with its effect."""
        now = self._clock.now()
        with self._store.transaction():
            if self._store.on_postgresql:
                self._store.execute(f"SET LOCAL lock_timeout = '{_PATIENCE_SECONDS}s'")
            try:
                self._store.execute(
                    "DELETE FROM idempotency_keys WHERE account_id = %s AND key = %s AND created_at <= %s",
                    (self._owner, self._key, now - _KEPT),
                )
                mine = self._store.execute(
                    """INSERT INTO idempotency_keys (account_id, key, fingerprint, created_at) VALUES (%s, %s, %s, %s)
                       ON CONFLICT (account_id, key) DO NOTHING RETURNING key""",
                    (self._owner, self._key, self._fingerprint, now),
                )
            except peewee.PeeweeException as error:
                if sqlstate(error) == _LOCK_NOT_AVAILABLE:
                    raise _in_flight() from None
                raise
            if not mine:
                raise _Taken
            if self._store.on_postgresql:
                self._store.execute("SET LOCAL lock_timeout TO DEFAULT")
            response = act()
            if response.status_code >= HTTPStatus.BAD_REQUEST:
                # A refusal frees the key, also one that the view answers instead of raising it.
                self._store.execute(
                    "DELETE FROM idempotency_keys WHERE account_id = %s AND key = %s", (self._owner, self._key)
                )
                return response
            headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
            self._store.execute(
                "UPDATE idempotency_keys SET status = %s, headers = %s, body = %s WHERE account_id = %s AND key = %s",
                (response.status_code, json.dumps(headers), response.get_data(as_text=True), self._owner, self._key),
            )
            return response


def _fingerprint() -> str:
    """The request's method, path, query, body and scopes, JSON in canonical form: key order and white space do not matter.

    The scopes, because an answer may hold what a caller with fewer of them must not see.
    """
    upload: Upload | None = g.get("upload")
    if upload is not None:
        return hashlib.sha256(_head() + upload.digest.encode()).hexdigest()
    body = request.get_json(silent=True)
    canonical = (
        request.get_data()
        if body is None
        else json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    )
    return hashlib.sha256(_head() + canonical).hexdigest()


def _head() -> bytes:
    scopes = " ".join(sorted(g.caller.scopes)) if "caller" in g else ""
    return f"{request.method} {request.path}?{request.query_string.decode(errors='replace')}\n{scopes}\n".encode()
