"""Prints a token for local use: `make -s token ACCOUNT=acc_demo SCOPE="sessions:read"`."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from chassis.auth import SCOPES, issue
from embedded import secrets_file
from embedded.secrets_file import Damaged

_ACCOUNT = re.compile(r"acc_[A-Za-z0-9_]{1,60}")
_GOOD_FOR = 24 * 60 * 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded.token", description=__doc__)
    parser.add_argument("--account", default="acc_demo")
    parser.add_argument("--scope", default=" ".join(SCOPES), help="space-separated; all of them by default")
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--env-file", type=Path, help="take the secret from here: the compose suite's .env")
    asked = parser.parse_args()
    unknown = set(asked.scope.split()) - set(SCOPES)
    if unknown:
        print(f"token: there is no scope {' '.join(sorted(unknown))}; there are {' '.join(SCOPES)}", file=sys.stderr)
        return 2
    if not _ACCOUNT.fullmatch(asked.account):
        print(f"token: {asked.account!r} is no account's id: acc_ and up to 60 letters, digits, _", file=sys.stderr)
        return 2
    try:
        secret = _from_env_file(asked.env_file) if asked.env_file else secrets_file.load(asked.data_dir).auth_jwt_secret
    except FileNotFoundError as missing:
        print(f"token: {missing.filename} is not there yet: start the suite first", file=sys.stderr)
        return 1
    except Damaged as error:
        print(f"token: {error}", file=sys.stderr)
        return 1
    print(issue(secret, account_id=asked.account, scope=asked.scope, ttl=_GOOD_FOR))
    return 0


def _from_env_file(path: Path) -> str:
    for line in path.read_text().splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "AUTH_JWT_SECRET":
            return value.strip().strip("'\"")
    raise FileNotFoundError(2, "no AUTH_JWT_SECRET", str(path))


if __name__ == "__main__":
    sys.exit(main())
