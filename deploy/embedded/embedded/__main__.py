"""`make run`: the embedded suite in the foreground."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from chassis import telemetry
from chassis.auth import SCOPES, issue
from embedded.provision import ACCOUNT, provision_demo
from embedded.suite import Suite

log = logging.getLogger(__name__)
_TOKEN_SECONDS = 24 * 60 * 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    asked = parser.parse_args()
    telemetry.configure_logging(os.environ.get("LOG_LEVEL", "INFO").upper(), process="embedded")
    telemetry.configure_tracing("timeblu", os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        suite = Suite(data_dir=asked.data_dir, host=asked.host, port=asked.port)
    except OSError as error:
        print(f"timeblu: {asked.host}:{asked.port}: {error.strerror or error}", file=sys.stderr)
        return 1
    suite.start()
    try:
        if os.environ.get("DEMO", "1") != "0":
            provision_demo(suite.addresses.inside, suite.secrets.auth_jwt_secret)
        _announce(suite, asked.port, asked.data_dir)
        stopping.wait()
    except RuntimeError as error:
        print(f"timeblu: {error}", file=sys.stderr)
        return 1
    finally:
        log.info("stopping")
        suite.stop()
    return 0


def _announce(suite: Suite, port: int, data_dir: Path) -> None:
    where = suite.addresses.outside
    token = issue(suite.secrets.auth_jwt_secret, account_id=ACCOUNT, scope=" ".join(SCOPES), ttl=_TOKEN_SECONDS)
    print(f"ready {where}", flush=True)
    print(
        f"token {token}\n\nTo try it, in another terminal:\n"
        f"  TOKEN=$(make -s token ACCOUNT={ACCOUNT} DATA_DIR={data_dir})\n"
        f'  curl -H "Authorization: Bearer $TOKEN" {where}/scheduling/v1/account\n'
        f"  make demo PORT={port} DATA_DIR={data_dir}     # books, pays, cancels and refunds, and tells each hop\n",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
