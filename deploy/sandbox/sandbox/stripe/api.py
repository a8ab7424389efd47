"""One request to Stripe's API from its first header to its last: who asks, which faults, which key, what answer."""

import base64
import binascii
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Request, Response, request

from sandbox.faults import ConnectionDropped, Fault, Faults, Target
from sandbox.stripe import errors
from sandbox.stripe.due import KEY_SECONDS
from sandbox.stripe.endpoints import Endpoint, endpoint_for
from sandbox.stripe.errors import StripeError
from sandbox.stripe.forms import tree
from sandbox.stripe.resources import PLATFORM, find, new_id, render
from sandbox.stripe.world import API_VERSION, Work, World

LONGEST_KEY = 255


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`request` is the one that did the work: of a replay, the first."""

    status: int
    body: str
    request: str
    replayed: bool = False


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request as far as Stripe looks at it before it begins to execute."""

    id: str
    method: str
    path: str
    endpoint: Endpoint
    account: str
    key: str | None
    pairs: list[tuple[str, str]]
    names: dict[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(sorted(self.pairs)).encode()).hexdigest()


class KeysInUse:
    """Idempotency keys of requests under way. In memory: what a crash interrupts has not happened and holds nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[tuple[str, str]] = set()

    @contextmanager
    def use(self, account: str, key: str | None) -> Iterator[None]:
        """Raises `idempotency_key_in_use` when another request with the same key is under way."""
        if key is None:
            yield
            return
        with self._lock:
            if (account, key) in self._keys:
                raise errors.key_in_use(key)
            self._keys.add((account, key))
        try:
            yield
        finally:
            with self._lock:
                self._keys.discard((account, key))


class StripeApi:
    """Answers `/stripe/v1/…`."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._in_use = KeysInUse()

    def blueprint(self) -> Blueprint:
        blueprint = Blueprint("stripe_api", __name__)
        blueprint.add_url_rule(
            "/stripe/v1/<path:path>", view_func=self._serve, methods=["GET", "POST", "DELETE", "PUT", "PATCH"]
        )
        return blueprint

    def _serve(self, path: str) -> Response:
        id_, fault = new_id("request"), None
        try:
            self._check_key(request)
            fault = self._faults.take(Target.STRIPE, request.method, request.path)
            answer = self._answer(id_, path, fault)
        except StripeError as error:
            answer = Answer(status=error.status, body=_error_body(error, id_), request=id_)
        if fault is Fault.DROP_AFTER_PROCESSING:
            raise ConnectionDropped
        return self._response(answer, id_)

    def _check_key(self, incoming: Request) -> None:
        kind, _, credentials = incoming.headers.get("Authorization", "").partition(" ")
        key = ""
        if kind.lower() == "bearer":
            key = credentials.strip()
        elif kind.lower() == "basic":
            try:
                key = base64.b64decode(credentials, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                raise errors.no_key() from None
        if not key:
            raise errors.no_key()
        if key != self._world.keys.stripe_secret_key:
            raise errors.wrong_key(key)

    def _answer(self, id_: str, path: str, fault: Fault | None) -> Answer:
        if fault is Fault.RATE_LIMIT:
            raise errors.rate_limited()
        if fault is Fault.TIMEOUT:
            time.sleep(self._world.settings.timeout_seconds)
            raise ConnectionDropped
        question = self._question(id_, path)
        if question.method == "GET":
            return self._look(question, fault)
        with self._in_use.use(question.account, question.key):
            return self._execute(question, fault)

    def _question(self, id_: str, path: str) -> Question:
        found = endpoint_for(request.method, path)
        if found is None:
            raise errors.unknown_url(request.method, f"/v1/{path}")
        endpoint, names = found
        account = request.headers.get("Stripe-Account", PLATFORM)
        if account:
            with self._world.store.read() as view:
                if find(view, "account", account) is None:
                    raise errors.no_access(self._world.keys.stripe_secret_key, account)
        return Question(
            id=id_,
            method=request.method,
            path=f"/v1/{path}",
            endpoint=endpoint,
            names=names,
            account=account,
            key=_idempotency_key(request),
            pairs=_pairs(request),
        )

    def _look(self, question: Question, fault: Fault | None) -> Answer:
        params = question.endpoint.params.parse(tree(question.pairs))
        if fault in (Fault.ERROR_500, Fault.ERROR_500_AFTER_PROCESSING):
            raise errors.server_error()
        with self._world.store.read() as view:
            work = Work(
                world=self._world,
                tx=view,
                account=question.account,
                now=self._world.now(),
                request_id=question.id,
                params=params,
                path=question.names,
            )
            body = render(view, question.account, question.endpoint.act(work), params.get("expand", []))
        return Answer(status=200, body=_json(body), request=question.id)

    def _execute(self, question: Question, fault: Fault | None) -> Answer:
        remembered = self._remembered(question)
        if remembered is not None:
            # A fault that meets a repeated request spoils this answer, not the remembered one.
            if fault in (Fault.ERROR_500, Fault.ERROR_500_AFTER_PROCESSING):
                raise errors.server_error()
            return remembered
        params = question.endpoint.params.parse(tree(question.pairs))
        with self._world.store.write() as tx:
            work = Work(
                world=self._world,
                tx=tx,
                account=question.account,
                now=self._world.now(),
                request_id=question.id,
                idempotency_key=question.key,
                params=params,
                path=question.names,
            )
            try:
                with tx.savepoint():
                    if fault is Fault.ERROR_500:
                        raise errors.server_error()
                    result = question.endpoint.act(work)
                    body = render(tx, question.account, result, params.get("expand", []))
                answer = Answer(status=200, body=_json(body), request=question.id)
                if fault is Fault.ERROR_500_AFTER_PROCESSING:
                    error = errors.server_error()
                    answer = Answer(status=500, body=_error_body(error, question.id), request=question.id)
            except StripeError as error:
                answer = Answer(status=error.status, body=_error_body(error, question.id), request=question.id)
            self._remember(work, question, answer)
        return answer

    def _remembered(self, question: Question) -> Answer | None:
        """What this key was answered in the last 24 hours of the suite, or Stripe's refusal to use it for something else."""
        if question.key is None or question.method != "POST":
            return None
        with self._world.store.read() as view:
            row = view.execute(
                "SELECT * FROM stripe_answer WHERE account = ? AND key = ? AND at > ?",
                (question.account, question.key, self._world.now() - KEY_SECONDS),
            ).fetchone()
        if row is None:
            return None
        if row["endpoint"] != question.path:
            raise errors.key_reused_elsewhere(question.key, row["endpoint"], question.path)
        if row["fingerprint"] != question.fingerprint:
            raise errors.key_reused(question.key)
        return Answer(status=row["status"], body=row["body"], request=row["request"], replayed=True)

    def _remember(self, work: Work, question: Question, answer: Answer) -> None:
        if question.key is None or question.method != "POST":
            return
        work.tx.execute(
            "INSERT OR REPLACE INTO stripe_answer (account, key, at, endpoint, fingerprint, request, status, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                question.account,
                question.key,
                work.now,
                question.path,
                question.fingerprint,
                question.id,
                answer.status,
                answer.body,
            ),
        )

    def _response(self, answer: Answer, id_: str) -> Response:
        response = Response(answer.body, status=answer.status, content_type="application/json")
        response.headers["Request-Id"] = id_
        response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
        response.headers["Cache-Control"] = "no-cache, no-store"
        if account := request.headers.get("Stripe-Account"):
            response.headers["Stripe-Account"] = account
        key = request.headers.get("Idempotency-Key")
        if key and request.method == "POST":
            response.headers["Idempotency-Key"] = key
            response.headers["Original-Request"] = answer.request
        if answer.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        if answer.status == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
        if answer.status == 429:
            response.headers["Stripe-Rate-Limited-Reason"] = "global-rate"
        if answer.status == 409:
            response.headers["Stripe-Should-Retry"] = "true"
        elif answer.status >= 500 and key:
            response.headers["Stripe-Should-Retry"] = "false"  # the key would only replay it
        return response


def _idempotency_key(incoming: Request) -> str | None:
    key = incoming.headers.get("Idempotency-Key")
    if key is None or incoming.method != "POST":
        return None
    if len(key) > LONGEST_KEY:
        raise errors.invalid(f"Idempotency keys can be at most {LONGEST_KEY} characters long.")
    if not key:
        raise errors.invalid("Idempotency keys must not be empty.", code="idempotency_key_empty")
    return key


def _pairs(incoming: Request) -> list[tuple[str, str]]:
    """Stripe reads the query of a GET and the form of a POST."""
    if incoming.method in ("GET", "DELETE"):
        return list(incoming.args.items(multi=True))
    if incoming.content_length and incoming.mimetype != "application/x-www-form-urlencoded":
        raise errors.invalid(
            "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any "
            "questions, we can help at https://support.stripe.com/."
        )
    return list(incoming.args.items(multi=True)) + list(incoming.form.items(multi=True))


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body)


def _error_body(error: StripeError, request_id: str) -> str:
    log = f"https://dashboard.stripe.com/test/logs/{request_id}"
    return _json({"error": error.error | {"request_log_url": log}})
