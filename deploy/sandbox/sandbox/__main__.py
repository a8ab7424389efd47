"""The command line: `python -m sandbox` serves it alone, set by environment variables (`settings.py` names them)."""

import logging
import signal
import sys
import threading
from types import FrameType

from cheroot.wsgi import Server
from pythonjsonlogger.json import JsonFormatter

from sandbox.app import create_sandbox
from sandbox.settings import WrongSetting, from_environment

log = logging.getLogger("sandbox")


def main() -> int:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    try:
        settings, listen = from_environment()
    except WrongSetting as error:
        log.critical("%s", error)
        return 2
    sandbox = create_sandbox(settings)
    server = Server((listen.host, listen.port), sandbox.wsgi, numthreads=listen.threads, server_name="sandbox")
    server.shutdown_timeout = 5

    def end(_signal: int, _frame: FrameType | None) -> None:
        # Not on this thread: it is the one that serves, and stopping waits for it.
        threading.Thread(target=server.stop, name="sandbox-stop").start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    sandbox.start()
    log.info("ready", extra={"url": settings.public_url, "smtp_port": sandbox.smtp_port})
    try:
        server.start()
    finally:
        sandbox.stop()
    log.info("ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
