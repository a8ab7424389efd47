"""The suite's secrets: made at the first start, kept in the data directory, readable by their owner alone."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

_NAME = "secrets.json"


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What signs callers' tokens, and calls between services and links."""

    auth_jwt_secret: str
    service_jwt_secret: str


def load(data_dir: Path) -> Secrets:
    """The secrets of a suite that has been started.

    Raises:
        FileNotFoundError: it has not.
    """
    return Secrets(**json.loads((data_dir / _NAME).read_text()))


def load_or_make(data_dir: Path) -> Secrets:
    """The secrets in `data_dir`, made now where there are none."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return load(data_dir)
    except FileNotFoundError:
        made = Secrets(auth_jwt_secret=secrets.token_hex(32), service_jwt_secret=secrets.token_hex(32))
    # Written aside and moved into place: a crash leaves no half file, and no other user can read it in between.
    temporary = data_dir / f"{_NAME}.{os.getpid()}"
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(made), file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(data_dir / _NAME)
    return made
