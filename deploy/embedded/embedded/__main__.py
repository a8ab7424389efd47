"""`make run`: the embedded suite in the foreground."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import signal
import sys
import threading
import zoneinfo
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedded.suite import Suite

log = logging.getLogger(__name__)
_TOKEN_SECONDS = 24 * 60 * 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded", description=__doc__)
    parser.add_argument("--port", type=_port, default=8000, help="0 chooses a free one")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on, this machine's own by default")
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    asked = parser.parse_args()
    signals = _Signals()
    # What is written is for its owner alone: the stores hold names, addresses and notes of clients.
    os.umask(0o077)
    return _run(asked, signals)


class _Signals:
    """SIGTERM and SIGINT: the first one asks the suite to end, a second one ends the process at once, which loses nothing either."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.begun = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._received)

    def _received(self, number: int, _: FrameType | None) -> None:
        if not self.begun:
            os._exit(0)
        self.stopping.set()
        signal.signal(number, signal.SIG_DFL)


def _run(asked: argparse.Namespace, signals: _Signals) -> int:
    # Imported here: it takes a second, in which a signal ends the process at once.
    from chassis import telemetry
    from embedded.console import console_directory
    from embedded.provision import CannotProvision, provision_demo
    from embedded.secrets_file import Damaged
    from embedded.suite import CannotStart, Suite

    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    if level not in logging.getLevelNamesMapping():
        print(f"timeblu: LOG_LEVEL: there is no level {level}", file=sys.stderr)
        return 1
    # The pinned time zone data, as in every service's own process.
    zoneinfo.reset_tzpath(to=())
    telemetry.configure_logging(level, process="embedded")
    telemetry.configure_tracing("timeblu", os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # the sandbox's mail server tells every line it is sent
    signals.begun, stopping, code = True, signals.stopping, 0
    # Callers' tokens are somebody else's then: there is none by which the account could be made.
    foreign_tokens = bool(os.environ.get("AUTH_JWKS_URL"))
    suite = Suite(
        data_dir=asked.data_dir, host=asked.host, port=asked.port, stopping=stopping, console=console_directory()
    )
    try:
        suite.start()
        if os.environ.get("DEMO", "1") != "0" and not foreign_tokens and not stopping.is_set():
            provision_demo(
                suite.data_dir,
                suite.addresses.inside,
                suite.secrets.auth_jwt_secret,
                connect=not os.environ.get("STRIPE_SECRET_KEY"),
            )
        if not stopping.is_set():
            _announce(suite, asked.data_dir, ours=not foreign_tokens)
            suite.build_console()
            stopping.wait()
        log.info("stopping")
    except (CannotStart, CannotProvision, Damaged) as error:
        if not stopping.is_set():
            print(f"timeblu: {error}", file=sys.stderr)
            code = 1
    except Exception:
        log.exception("the suite cannot go on")
        code = 1
    if not suite.stop():
        log.warning("not everything was through in time; it is made good at the next start")
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)
    return code


def _announce(suite: Suite, data_dir: Path, *, ours: bool) -> None:
    from chassis.auth import SCOPES, issue
    from embedded.provision import ACCOUNT

    where, place = suite.addresses.outside, shlex.quote(str(data_dir))
    if not ours:
        print(f"ready {where}", flush=True)
        return
    token = issue(suite.secrets.auth_jwt_secret, account_id=ACCOUNT, scope=" ".join(SCOPES), ttl=_TOKEN_SECONDS)
    # At once, as whoever waits for its first line reads the others then.
    print(
        f"ready {where}\ntoken {token}\n\nTo try it, in another terminal:\n"
        f"  TOKEN=$(make -s token ACCOUNT={ACCOUNT} DATA_DIR={place})\n"
        f'  curl -H "Authorization: Bearer $TOKEN" {where}/scheduling/v1/account\n'
        f"  make demo PORT={suite.port} DATA_DIR={place}     # books, pays, cancels and refunds, and tells each hop\n",
        flush=True,
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
