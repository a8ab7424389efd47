"""A mail server that delivers nothing and shows everything: what was sent is kept on disk and read back decoded."""

import asyncio
import json
import secrets
import socket
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from sandbox.faults import Fault, Faults, Target
from sandbox.store import Store

BOUNCES = "@bounce.example"
"""Recipients there are unknown to the world: refused with 550, as a mailbox that no longer exists is."""
LARGEST = 25 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """What has arrived. `id`s are the sandbox's own; a message for three people is one message."""

    store: Store

    def keep(self, sender: str, recipients: list[str], raw: bytes) -> str:
        id_ = "mail_" + secrets.token_hex(12)
        with self.store.write() as tx:
            seq = tx.execute(
                "INSERT INTO mail (id, received, sender, recipients, raw) VALUES (?, ?, ?, ?, ?)",
                (id_, time.time(), sender, ", ".join(recipients), raw),
            ).lastrowid
            for recipient in {address.lower() for address in recipients}:
                tx.execute("INSERT INTO mail_recipient (address, seq) VALUES (?, ?)", (recipient, seq))
        return id_

    def listed(self, *, to: str = "", limit: int = 200, offset: int = 0) -> list[dict[str, Any]]:
        """Newest first; `to` is one address, as the envelope had it (case aside)."""
        if not to:
            return self._shown("ORDER BY seq DESC LIMIT ? OFFSET ?", limit, offset)
        return self._shown(
            "JOIN mail_recipient USING (seq) WHERE address = ? ORDER BY seq DESC LIMIT ? OFFSET ?",
            to.lower(), limit, offset,
        )  # fmt: skip

    def find(self, id_: str) -> dict[str, Any] | None:
        return next(iter(self._shown("WHERE id = ?", id_)), None)

    def _shown(self, which: str, *values: Any) -> list[dict[str, Any]]:
        """Decoding takes ten milliseconds a mail, and tests look again and again: what was decoded is kept."""
        sql = f"SELECT mail.*, mail_shown.body AS shown FROM mail LEFT JOIN mail_shown USING (seq) {which}"
        with self.store.read() as view:
            rows = view.execute(sql, values).fetchall()
        decoded = {row["seq"]: shown(dict(row)) for row in rows if row["shown"] is None}
        if decoded:
            with self.store.write() as tx:
                for seq, mail in decoded.items():
                    tx.execute("INSERT OR REPLACE INTO mail_shown (seq, body) VALUES (?, ?)", (seq, json.dumps(mail)))
        return [decoded[row["seq"]] if row["shown"] is None else json.loads(row["shown"]) for row in rows]


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """`to` holds the envelope's addresses, `from` and `subject` the decoded headers, `raw` the message as it came."""
    message = message_from_bytes(row["raw"], policy=policy.default)
    assert isinstance(message, EmailMessage)  # the default policy makes these
    return {
        "id": row["id"],
        "from": str(message["From"] or row["sender"]),
        "to": row["recipients"],
        "subject": str(message["Subject"] or ""),
        "text": _part(message, "plain"),
        "html": _part(message, "html"),
        "headers": {name: str(value) for name, value in message.items()},
        "attachments": [_attachment(part) for part in message.iter_attachments()],
        "envelope_from": row["sender"],
        "received_at": row["received"],
        "raw": row["raw"].decode("utf-8", "replace"),
    }


def _part(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body(preferencelist=(kind,))
    return _text(part) if part is not None else None


def _attachment(part: Any) -> dict[str, Any]:
    return {
        "filename": part.get_filename(),
        "content_type": part.get_content_type(),
        "text": _text(part) if part.get_content_maintype() == "text" else None,
    }


def _text(part: Any) -> str:
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # a charset nobody knows
        return bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace")


class Receiver:
    """aiosmtpd's handler: refuses, spoils or keeps what a client sends."""

    def __init__(self, mailbox: Mailbox, faults: Faults, timeout_seconds: float) -> None:
        self._mailbox = mailbox
        self._faults = faults
        self._timeout_seconds = timeout_seconds

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        found = [mail for _, mail in getaddresses([address])]
        if address.lower().endswith(BOUNCES) or not found or "@" not in found[0]:
            return f"550 5.1.1 <{address}>: Recipient address rejected: User unknown"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        loop = asyncio.get_running_loop()
        fault = await loop.run_in_executor(None, self._faults.take, Target.SMTP)
        if fault is Fault.ERROR_500:
            return "554 5.3.0 Transaction failed (sandbox fault)"
        if fault is Fault.RATE_LIMIT:
            return "451 4.7.1 Too many messages, try again later (sandbox fault)"
        if fault is Fault.TIMEOUT:
            await asyncio.sleep(self._timeout_seconds)
            return _drop(server)
        raw = envelope.original_content or b""
        id_ = await loop.run_in_executor(None, self._mailbox.keep, envelope.mail_from or "", envelope.rcpt_tos, raw)
        if fault is Fault.ERROR_500_AFTER_PROCESSING:
            return "554 5.3.0 Transaction failed (sandbox fault)"
        if fault is Fault.DROP_AFTER_PROCESSING:
            return _drop(server)
        return f"250 2.0.0 OK queued as {id_}"


def _drop(server: SMTP) -> str:
    """Closes the connection at once; the reply that is returned reaches nobody."""
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()
    return "421 4.3.2 gone"


def _anybody(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    """AUTH is taken where a client wants it, with any name and password."""
    return AuthResult(success=True)


class SmtpServer:
    """The listener on a thread of its own."""

    def __init__(self, *, host: str, port: int, store: Store, receiver: Receiver) -> None:
        self._host = host
        self._wanted = port
        self._store = store
        self._receiver = receiver
        self._controller: Controller | None = None
        self.port = port

    def start(self) -> None:
        """Takes the port asked for; asked for none, the one it had last time, or a free one."""
        kept = int(self._store.get_meta("smtp_port", "0"))
        for port in [self._wanted] if self._wanted else [kept, 0]:
            try:
                self._listen(port or _free_port(self._host))
            except OSError:
                if self._wanted or port == 0:
                    raise
                continue
            break
        self._store.set_meta("smtp_port", str(self.port))

    def _listen(self, port: int) -> None:
        controller = Controller(
            self._receiver,
            hostname=self._host,
            port=port,
            ready_timeout=10.0,
            data_size_limit=LARGEST,
            authenticator=_anybody,
            auth_require_tls=False,
            enable_SMTPUTF8=True,
            ident="Timeblu sandbox",
        )
        controller.start()
        self._controller, self.port = controller, port

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
