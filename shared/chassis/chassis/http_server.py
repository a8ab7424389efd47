"""Serves WSGI applications, in the embedded suite and in containers alike, and ends without cutting an answer off."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import suppress
from typing import Any

from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.wsgi import Server

log = logging.getLogger(__name__)


class _Request(HTTPRequest):
    def simple_response(self, status: str, msg: str = "") -> None:
        """Refuse as a problem document (RFC 9457) what does not even reach the application: a malformed or endless request."""
        number, _, title = status.partition(" ")
        code = title.lower().replace(" ", "_")
        document = json.dumps(
            {
                "type": f"https://timeblu.dev/problems/{code}",
                "title": title,
                "status": int(number),
                "detail": msg or title,
                "code": code,
            }
        ).encode()
        self.close_connection = True
        head = [
            f"{self.server.protocol} {status}",
            "Content-Type: application/problem+json",
            f"Content-Length: {len(document)}",
            "Connection: close",
        ]
        with suppress(OSError):  # whoever asked may be gone
            self.conn.wfile.write("\r\n".join([*head, "", ""]).encode() + document)

    def respond(self) -> None:
        """Answer, and leave nothing of a chunked body behind: its last line would hold a thread as the beginning of another request."""
        super().respond()
        if self.chunked_read and not self.close_connection:
            if self.rfile.closed:
                for _ in self.rfile.read_trailer_lines():
                    pass
            else:
                self.close_connection = True


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request
    heard = False
    """Whether it was waited for its first word"""


class _QuietServer(Server):
    """Says what is wrong in our log, not on the bare stderr."""

    ConnectionClass = _Connection

    def process_conn(self, conn: _Connection) -> None:
        """Hand it to a thread once it has something to say: browsers open connections ahead, and cheroot has a thread wait for each."""
        if conn.heard:
            super().process_conn(conn)
        else:
            conn.heard = True
            self._connections.put(conn)  # type: ignore[attr-defined]  # its stubs leave it out

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        log.log(level, msg.strip(), exc_info=traceback)


class HttpServer:
    """`app` at `host`:`port` (0 chooses a free one), `threads` requests at once, on a thread of its own.

    A stop gives requests at hand `patience` seconds before it closes their connections.
    """

    def __init__(self, app: Any, *, host: str, port: int, threads: int, patience: float = 20) -> None:
        self._server = _QuietServer(
            (host, port),
            app,
            numthreads=threads,
            request_queue_size=1024,
            timeout=30,
            shutdown_timeout=patience,  # type: ignore[arg-type]
        )
        # A burst of connections is answered in turn, not refused.
        self._server.nodelay = True
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.bind_addr[1])

    def start(self) -> None:
        """Listen; raises OSError where the address is taken."""
        self._server.prepare()
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests, finish those at hand, close."""
        self._server.stop()
        self._thread.join(timeout=25)

    def _serve(self) -> None:
        with suppress(KeyboardInterrupt):  # cheroot's own word for the end
            self._server.serve()
