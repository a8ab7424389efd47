"""Twilio's messages, by its SDK: what each answer means, and asking the list after one that was lost."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

import certifi
from requests.utils import get_auth_from_url, get_environ_proxies, select_proxy
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3 import PoolManager, ProxyManager, make_headers
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from notifications.domain.outcomes import Outcome, Result
from notifications.domain.twilio_errors import Meaning, meaning
from notifications.settings import Settings

log = logging.getLogger(__name__)
_RESULTS = {
    Meaning.FINAL: Result.REFUSED,
    Meaning.NOT_NOW: Result.NOT_NOW,
    Meaning.OPTED_OUT: Result.OPTED_OUT,
}
# Clocks differ: a message may seem to be older than the attempt that made it.
_SKEW = timedelta(minutes=2)
_LOOKED_AT = 50


class Texter:
    """Sends through the Twilio account of the settings."""

    def __init__(self, settings: Settings) -> None:
        assert settings.twilio_auth_token is not None, "TWILIO_AUTH_TOKEN is needed"
        self._settings = settings
        self._local = threading.local()

    def send(self, *, to: str, text: str, status_callback: str) -> Outcome:
        """Send one text to a number in E.164."""
        sender = (
            {"messaging_service_sid": self._settings.twilio_messaging_service_sid}
            if self._settings.twilio_messaging_service_sid
            else {"from_": self._settings.twilio_from}
        )
        try:
            message = self._client().messages.create(to=to, body=text, status_callback=status_callback, **sender)
        except (TwilioRestException, TwilioServiceException) as error:
            return answer(error)
        except (TwilioException, HTTPError, OSError) as error:
            return _no_answer(error)
        return Outcome(result=Result.SENT, provider_id=message.sid)

    def find(
        self, *, to: str, text_digest: str, since: datetime, taken: Callable[[Iterable[str]], set[str]]
    ) -> str | None:
        """The SID of a message to that number with that text, made since the attempt and not `taken` by another delivery.

        The list lags behind what Twilio has accepted: None proves nothing.

        Raises:
            LookupError: Twilio did not answer.
        """
        try:
            listed = self._client().messages.list(to=to, limit=_LOOKED_AT)
        except (TwilioException, HTTPError, OSError) as error:
            raise LookupError(f"Twilio's list cannot be asked: {type(error).__name__}: {error}") from error
        sids = [
            message.sid
            for message in listed
            if message.date_created
            and message.date_created >= since - _SKEW
            and digest(message.body or "") == text_digest
        ]
        others = taken(sids)
        return next((sid for sid in sids if sid not in others), None)

    def _client(self) -> Client:
        """A client of this thread's own: the SDK's HTTP client keeps its last answer in itself, where threads would mix them up."""
        if not hasattr(self._local, "client"):
            settings = self._settings
            client = Client(
                settings.twilio_account_sid,
                settings.twilio_auth_token,
                http_client=_Http(settings),
            )
            client.api.base_url = settings.twilio_api_base
            self._local.client = client
        return self._local.client


class _Http(HttpClient):
    """How the SDK reaches Twilio: by urllib3, as `requests` on top of it takes longer than all the rest of a call; nothing is logged.

    Proxies and certificates are those of the environment, as `requests` reads them, asked for once.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(log, False, settings.twilio_timeout)
        bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or certifi.where()
        proxy = select_proxy(settings.twilio_api_base, get_environ_proxies(settings.twilio_api_base))
        if proxy:
            name, password = get_auth_from_url(proxy)
            identity = make_headers(proxy_basic_auth=f"{name}:{password}") if name else {}
            self._pool: PoolManager = ProxyManager(proxy, proxy_headers=identity, ca_certs=bundle)
        else:
            self._pool = PoolManager(ca_certs=bundle)

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        answer = self._pool.request(
            method.upper(),
            f"{uri}?{urlencode(params, doseq=True)}" if params else uri,
            body=urlencode(data, doseq=True) if data else None,
            headers={**(headers or {}), **(make_headers(basic_auth=":".join(auth)) if auth else {})},
            timeout=timeout or self.timeout,
            retries=False,
            redirect=allow_redirects,
        )
        return Response(answer.status, answer.data.decode("utf-8", "replace"), answer.headers)


def digest(text: str) -> str:
    """What is kept of a text in order to find it again."""
    return hashlib.sha256(text.encode()).hexdigest()


def answer(error: TwilioRestException | TwilioServiceException) -> Outcome:
    """What a refusal of Twilio's, in its own form or as a problem document, means by the table of its errors, else by its HTTP status."""
    words = error.msg if isinstance(error, TwilioRestException) else error.detail or error.title
    text = f"{error.code or error.status}: {words}"[:500]
    known = meaning(error.code)
    if known is not None:
        return Outcome(result=_RESULTS[known], error=text)
    if error.status == 429:
        return Outcome(result=Result.NOT_NOW, error=text)
    # After a 5xx it may have failed before or after it took the message.
    return Outcome(result=Result.UNSURE if error.status >= 500 else Result.REFUSED, error=text)


def _no_answer(error: Exception) -> Outcome:
    """Only a connection that never came about is sure not to have carried the message."""
    cause = getattr(error, "original_error", error)  # what a proxy that cannot be reached is told with
    unconnected = isinstance(cause, NewConnectionError | ConnectTimeoutError)
    return Outcome(
        result=Result.NOT_NOW if unconnected else Result.UNSURE, error=f"{type(error).__name__}: {error}"[:500]
    )
