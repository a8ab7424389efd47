"""The mail server, by SMTP (RFC 5321): a connection a thread, kept open, and a clear answer to "was it taken?"."""

from __future__ import annotations

import re
import smtplib
import ssl
import threading
import time
from collections.abc import Callable

from notifications.domain.outcomes import Outcome, Result
from notifications.settings import Settings, smtp_server

_LINE_THAT_BEGINS_WITH_A_DOT = re.compile(rb"^\.", re.MULTILINE)
_BAD_ADDRESS = {550, 551, 553}
# Servers close what idles; most wait minutes, none that we know less than this.
_IDLE_SECONDS = 20.0


class Mailer:
    """Sends through the server of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._server = smtp_server(settings.smtp_url)
        self._timeout = settings.smtp_timeout
        self._local = threading.local()

    def send(self, message: bytes, *, sender: str, to: str, begin: Callable[[], bool]) -> Outcome:
        """Send one message of CRLF lines to one recipient.

        `begin` is called right before the message itself goes out: it commits the attempt, and says whether it still stands. What
        goes wrong before it is sure not to have been sent; what is lost after it is unsure.
        """
        try:
            connection = self._introduce(sender, to)
        except _Refused as refused:
            return refused.outcome
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Outcome(result=Result.NOT_NOW, error=f"{type(error).__name__}: {error}")
        except UnicodeError:
            return Outcome(
                result=Result.REFUSED,
                error="the address has letters that this mail server does not take",
                bad_address=True,
            )
        begun = False
        try:
            begun = begin()
        finally:
            if not begun:
                self._drop()  # what was said on it so far is not to be the beginning of the next email
        if not begun:
            return Outcome(result=Result.NOT_NOW, error="overtaken by another worker")
        try:
            code, answer = connection.docmd("DATA")
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Outcome(result=Result.NOT_NOW, error=f"{type(error).__name__}: {error}")
        if code != 354:
            self._drop()
            return _refusal(code, answer)
        try:
            connection.send(_LINE_THAT_BEGINS_WITH_A_DOT.sub(b"..", message).rstrip(b"\r\n") + b"\r\n.\r\n")
            code, answer = connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Outcome(result=Result.UNSURE, error=f"no answer to DATA: {type(error).__name__}: {error}")
        self._local.used_at = time.monotonic()
        if code != 250:
            if code == 421:
                self._drop()
            return _refusal(code, answer)
        return Outcome(result=Result.SENT)

    def close(self) -> None:
        """End this thread's connection."""
        self._drop()

    def _introduce(self, sender: str, to: str) -> smtplib.SMTP:
        """A connection on which sender and recipient were accepted."""
        connection: smtplib.SMTP | None = getattr(self._local, "connection", None)
        if connection is not None:
            try:
                if time.monotonic() - self._local.used_at > _IDLE_SECONDS:
                    raise smtplib.SMTPServerDisconnected("idle")
                return self._envelope(connection, sender, to)
            except (OSError, smtplib.SMTPServerDisconnected):
                # It was closed while it idled; nothing was said on it.
                self._drop()
        connection = self._local.connection = self._connect()
        self._local.used_at = time.monotonic()
        return self._envelope(connection, sender, to)

    def _envelope(self, connection: smtplib.SMTP, sender: str, to: str) -> smtplib.SMTP:
        code, answer = connection.mail(sender)
        about_recipient = code == 250
        if about_recipient:
            code, answer = connection.rcpt(to)
            if code in (250, 251):
                return connection
        if code == 421:
            self._drop()
        else:
            connection.rset()
        raise _Refused(_refusal(code, answer, about_recipient=about_recipient))

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.security == "smtps":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=self._timeout, context=ssl.create_default_context()
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
            if server.security == "smtp+starttls":
                connection.starttls(context=ssl.create_default_context())
        connection.ehlo_or_helo_if_needed()
        if server.username and server.password:
            connection.login(server.username, server.password)
        return connection

    def _drop(self) -> None:
        connection: smtplib.SMTP | None = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            connection.close()


class _Refused(Exception):
    """The server did not take the sender or the recipient."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


def _refusal(code: int, answer: bytes, *, about_recipient: bool = False) -> Outcome:
    """4xx may be taken later, 5xx never will (RFC 5321, 4.2.1); anything else is no answer of that protocol, and passes."""
    final = 500 <= code < 600
    return Outcome(
        result=Result.REFUSED if final else Result.NOT_NOW,
        error=f"{code} {answer.decode('utf-8', 'replace')}"[:500],
        bad_address=about_recipient and code in _BAD_ADDRESS,
    )
