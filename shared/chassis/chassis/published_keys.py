"""The keys by which an identity provider signs (a JWKS, RFC 7517): remembered, followed when they change, kept while it is down."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import jwt

log = logging.getLogger(__name__)

_REMEMBERED_SECONDS = 300.0
_FETCH_SECONDS = 3.0
_TRY_AGAIN_SECONDS = 10.0
# Anybody can make up the id of a key: so many looks that did not find one, in so many seconds.
_LOOKS_IN_VAIN, _IN_SECONDS = 5, 5.0


class UnknownKey(Exception):
    """No key of this id is published."""


class KeysUnavailable(Exception):
    """The keys cannot be fetched, and this one was not seen before."""


@dataclass(frozen=True, kw_only=True)
class _Known:
    keys: Mapping[str | None, jwt.PyJWK]
    good_until: float
    failed: bool = False


class PublishedKeys:
    """The keys at `url`. A new one is known with its first token, a withdrawn one is forgotten within five minutes."""

    def __init__(self, url: str) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=_FETCH_SECONDS)
        self._known = _Known(keys={}, good_until=time.monotonic())
        self._fetching = threading.Lock()
        self._in_vain: deque[float] = deque(maxlen=_LOOKS_IN_VAIN)

    def find(self, key_id: str | None) -> jwt.PyJWK:
        """The key that a token names.

        Raises:
            UnknownKey: it is not published.
            KeysUnavailable: nobody can tell just now.
        """
        known = self._known
        if key_id in known.keys:
            if time.monotonic() >= known.good_until:
                known = self._look(known, wait=False)
        elif self._may_look():
            known = self._look(known, wait=True)
            if key_id not in known.keys:
                self._in_vain.append(time.monotonic())
        if key_id in known.keys:
            return known.keys[key_id]
        raise KeysUnavailable if known.failed else UnknownKey

    def _may_look(self) -> bool:
        looks = self._in_vain
        return len(looks) < _LOOKS_IN_VAIN or time.monotonic() - looks[0] > _IN_SECONDS

    def _look(self, known: _Known, *, wait: bool) -> _Known:
        """What is published now; who has to wait for somebody else's look takes what that one saw."""
        if not self._fetching.acquire(blocking=wait):
            return known
        try:
            if self._known is known:
                self._known = self._fetch(known)
            return self._known
        finally:
            self._fetching.release()

    def _fetch(self, known: _Known) -> _Known:
        try:
            keys = {key.key_id: key for key in self._client.get_signing_keys()}
        except (jwt.PyJWTError, ValueError, OSError) as error:
            log.warning("the keys that verify tokens cannot be fetched: %s", error)
            return _Known(keys=known.keys, good_until=time.monotonic() + _TRY_AGAIN_SECONDS, failed=True)
        return _Known(keys=keys, good_until=time.monotonic() + _REMEMBERED_SECONDS)
