"""Calls from one service to another over HTTP: short, authenticated, and clear about who failed."""

from __future__ import annotations

import threading
from typing import Any

import requests

from chassis import telemetry
from chassis.auth import issue_service_token
from chassis.problems import Unavailable

_CONNECT_SECONDS, _READ_SECONDS = 1.0, 3.0


class PeerRefused(Exception):
    """The peer answered with a refusal: its status and its problem document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.problem = problem


class Peer:
    """The service `name` at `base_url`, called on behalf of one account with one scope at a time."""

    def __init__(self, *, base_url: str, secret: str, name: str) -> None:
        self._base_url = base_url
        self._secret = secret
        self._name = name
        self._local = threading.local()

    def get(self, path: str, *, account_id: str, scope: str, params: dict[str, str] | None = None) -> Any:
        """What GET `path` answers.

        Raises:
            PeerRefused: with a 4xx.
            Unavailable: it is down, slow or broken.
        """
        return self._call("GET", path, account_id, scope, params=params)

    def post(
        self,
        path: str,
        *,
        json: Any,
        account_id: str,
        scope: str,
        idempotency_key: str,
        params: dict[str, str] | None = None,
    ) -> Any:
        """What POST `path` answers; repeated with the same key it has its effect once. Raises as `get`."""
        return self._call(
            "POST", path, account_id, scope, params=params, json=json, headers={"Idempotency-Key": idempotency_key}
        )

    def _call(
        self,
        method: str,
        path: str,
        account_id: str,
        scope: str,
        *,
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> Any:
        token = issue_service_token(self._secret, service=self._name, account_id=account_id, scope=scope)
        context = telemetry.traceparent()
        try:
            answer = self._send(
                method,
                f"{self._base_url}{path}",
                headers={
                    "Authorization": f"Bearer {token}",
                    **({"traceparent": context} if context else {}),
                    **(headers or {}),
                },
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                **kwargs,
            )
        except requests.RequestException as error:
            raise Unavailable(f"the {self._name} service does not answer") from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Unavailable(f"the {self._name} service is not able to answer", retry_after=_retry_after(answer))
        body = _json(answer)
        if answer.status_code >= 400:
            raise PeerRefused(answer.status_code, body if isinstance(body, dict) else {})
        return body

    def _send(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        try:
            return self._session().request(method, url, **kwargs)
        except requests.Timeout:
            raise
        except requests.ConnectionError:
            # It may only have closed a connection that was kept open; whatever is sent here may be sent again.
            return self._session().request(method, url, **kwargs)

    def _session(self) -> requests.Session:
        """One session a thread keeps its connections open."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False  # neither a proxy nor a .netrc stands between services
        session: requests.Session = self._local.session
        return session


def _retry_after(answer: requests.Response) -> int:
    value = answer.headers.get("Retry-After", "1")
    return int(value) if value.isdigit() else 1


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return {}
