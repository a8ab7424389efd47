"""Signed texts that travel in links: payment links, refund quotes, a client's own link."""

from __future__ import annotations

import secrets
from typing import Any

from itsdangerous import BadData, URLSafeSerializer


class BadLink(Exception):
    """The text was not signed by us for this purpose."""


class Links:
    """Signs with `secret`, apart by purpose: a text signed for one is no good for another."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._serializers: dict[str, URLSafeSerializer] = {}

    def sign(self, purpose: str, payload: Any) -> str:
        """`payload` (JSON) as a signed text that fits into a URL."""
        return str(self._serializer(purpose).dumps(payload))

    def read(self, purpose: str, text: str) -> Any:
        """What was signed.

        Raises:
            BadLink: it was not signed here, or for another purpose.
        """
        try:
            return self._serializer(purpose).loads(text)
        except BadData as error:
            raise BadLink(str(error)) from None

    def draw(self, purpose: str) -> str:
        """A random text that nobody can guess and that tells by itself that we drew it."""
        return self.sign(purpose, secrets.token_urlsafe(16))

    def genuine(self, purpose: str, text: str) -> bool:
        """Whether `text` was drawn or signed here for `purpose`."""
        try:
            self.read(purpose, text)
        except BadLink:
            return False
        return True

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        # Kept: deriving the key costs more than signing with it.
        if purpose not in self._serializers:
            self._serializers[purpose] = URLSafeSerializer(self._secret, salt=purpose)
        return self._serializers[purpose]
