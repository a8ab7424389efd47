"""The suite's secrets: made at the first start, kept in the data directory, readable by their owner alone."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

_NAME = "secrets.json"
_LEAST = 32


class Damaged(Exception):
    """The file of secrets is there, and cannot be read; the text says which."""


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What signs callers' tokens, and calls between services and links."""

    auth_jwt_secret: str
    service_jwt_secret: str


def load(data_dir: Path) -> Secrets:
    """The secrets of a suite that has been started.

    Raises:
        FileNotFoundError: it has not.
        Damaged: the file is not what was written.
    """
    path = data_dir / _NAME
    try:
        found = Secrets(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise Damaged(f"{path} is damaged: put it back from a backup, or start on another DATA_DIR") from error
    if not all(isinstance(secret, str) and len(secret) >= _LEAST for secret in asdict(found).values()):
        raise Damaged(f"{path} holds a secret of less than {_LEAST} characters")
    return found


def load_or_make(data_dir: Path) -> Secrets:
    """The secrets in `data_dir`, made now where there are none; called by one process at a time."""
    try:
        return load(data_dir)
    except FileNotFoundError:
        made = Secrets(auth_jwt_secret=secrets.token_hex(32), service_jwt_secret=secrets.token_hex(32))
    # Written aside and moved into place: a crash leaves no half file, and no other user can read it in between.
    temporary = data_dir / f"{_NAME}.new"
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(made), file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(data_dir / _NAME)
    return made
