"""Bodies too large for memory: taken in block by block, onto disk, before anything else is asked of them."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from typing import IO

from flask import Request

from chassis.problems import BadRequest, TooLarge

_BLOCK = 1 << 16
_IN_MEMORY = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A body that lies in `file` (nameless, gone when closed); `digest` is its SHA-256, `size` its bytes."""

    file: IO[bytes]
    digest: str
    size: int


def take(request: Request, largest: int) -> Upload:
    """The body of `request`, of `largest` bytes at most.

    Raises:
        TooLarge, BadRequest.
    """
    # One more, as Werkzeug cuts a body of unknown length off at the limit without a word.
    request.max_content_length = largest + 1
    if (request.content_length or 0) > largest:
        raise TooLarge
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the request's end closes it
    digest, size = hashlib.sha256(), 0
    try:
        while block := request.stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
            if size > largest:
                raise TooLarge
            file.write(block)
    except (ValueError, OSError) as error:
        file.close()
        raise BadRequest(f"the body cannot be read: {error}") from None
    file.seek(0)
    return Upload(file=file, digest=digest.hexdigest(), size=size)
