"""Texts: accepted or refused as Twilio does, walked from queued to delivered, told to their callbacks, and texts back."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from sandbox.clock import Clock
from sandbox.delivery import Deliveries, Delivery, Outgoing, enqueue
from sandbox.secrets_file import Keys
from sandbox.settings import SandboxSettings
from sandbox.store import Store, Transaction
from sandbox.twilio.errors import refused

Message = dict[str, Any]

STATUS = "twilio-status"
INBOUND = "twilio-inbound"
API_VERSION = "2010-04-01"
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
SENDER = re.compile(r"\+[1-9]\d{6,14}|[A-Za-z0-9 ]{1,11}|\d{5,6}")
POOL_NUMBER = "+15005550006"
"""Sends for every messaging service, and takes texts back."""
LONGEST_BODY = 1600
STEP_SECONDS = 0.05
MAGIC_TO = {
    "+15005550001": (21211, "Invalid 'To' Phone Number: +15005550001"),
    "+15005550002": (21612, "The message From/To pair violates a routing rule: cannot route to +15005550002"),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region of +15005550003"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}
MAGIC_FROM = {
    "+15005550001": (
        21212,
        "The 'From' number +15005550001 is not a valid phone number, shortcode, or alphanumeric sender ID.",
    ),
    "+15005550007": (
        21606,
        "The 'From' phone number provided (+15005550007) is not a valid message-capable number for this account",
    ),
    "+15005550008": (21611, "This 'From' number has exceeded the maximum number of queued messages"),
}
"""https://www.twilio.com/docs/iam/test-credentials"""
UNREACHABLE = "+15005550030"
"""The sandbox's own: accepted, then `undelivered` with 30003."""
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
NEXT_STATUS = {"queued": "sent", "sent": "delivered"}
GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_TWICE = frozenset("^{}\\[~]|€\f")


class Messages:
    def __init__(
        self, *, settings: SandboxSettings, keys: Keys, store: Store, clock: Clock, deliveries: Deliveries
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._store = store
        self._clock = clock
        self._deliveries = deliveries
        deliveries.register(STATUS, self._prepare_status)
        deliveries.register(INBOUND, self._prepare_inbound)

    def send(self, form: dict[str, str]) -> Message:
        """`To`, `From` or `MessagingServiceSid`, `Body`, `StatusCallback` → the Message, queued. Raises `TwilioError`."""
        to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
        service, callback = form.get("MessagingServiceSid", ""), form.get("StatusCallback", "")
        _check(to, sender, service, body)
        if callback and urlsplit(callback).scheme not in ("http", "https"):
            raise refused(21609, f"The 'StatusCallback' URL {callback} is not a valid URL.")
        with self._store.write() as tx:
            if tx.execute("SELECT 1 FROM opt_out WHERE number = ?", (to,)).fetchone():
                raise refused(*MAGIC_TO["+15005550004"])
            message = self._new(
                to=to, sender=sender or POOL_NUMBER, body=body, direction="outbound-api", status="queued"
            )
            message["messaging_service_sid"] = service or None
            _insert(tx, message, self._clock.now().timestamp(), callback)
            self._walk(tx, message["sid"], callback, "sent")
        return message

    def receive(self, *, sender: str, to: str, body: str) -> Message:
        """A text of a client: told to the inbound address; STOP and START move Twilio's own opt-out list as well."""
        message = self._new(to=to or POOL_NUMBER, sender=sender, body=body, direction="inbound", status="received")
        word = body.strip().upper()
        with self._store.write() as tx:
            _insert(tx, message, self._clock.now().timestamp(), "")
            if word in STOP_WORDS:
                tx.execute("INSERT OR IGNORE INTO opt_out (number) VALUES (?)", (sender,))
            elif word in START_WORDS:
                tx.execute("DELETE FROM opt_out WHERE number = ?", (sender,))
            if self._settings.twilio_inbound_url:
                enqueue(tx, channel=INBOUND, url="", secret="", subject=message["sid"], payload="")
                tx.after_commit(self._deliveries.wake)
        return message

    def _new(self, *, to: str, sender: str, body: str, direction: str, status: str) -> Message:
        sid = "SM" + secrets.token_hex(16)
        account, now = self._keys.twilio_account_sid, written(self._clock.now())
        uri = f"/{API_VERSION}/Accounts/{account}/Messages/{sid}"
        return {
            "account_sid": account,
            "api_version": API_VERSION,
            "body": body,
            "date_created": now,
            "date_sent": now if direction == "inbound" else None,
            "date_updated": now,
            "direction": direction,
            "error_code": None,
            "error_message": None,
            "from": sender,
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": str(segments(body)),
            "price": None,
            "price_unit": "USD",
            "sid": sid,
            "status": status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": to,
            "uri": f"{uri}.json",
        }

    def _walk(self, tx: Transaction, sid: str, callback: str, status: str) -> None:
        enqueue(tx, channel=STATUS, url=callback, secret="", subject=sid, payload=status, wait=STEP_SECONDS)
        tx.after_commit(self._deliveries.wake)

    def _prepare_status(self, delivery: Delivery) -> Outgoing | None:
        """The first attempt moves the message on and queues the step after it, whether or not somebody listens."""
        if delivery.attempts == 0:
            self._move(delivery.subject, delivery.payload, delivery.url)
        message = self.find(delivery.subject)
        if message is None or not delivery.url:
            return None
        status = "undelivered" if delivery.payload == "delivered" and message["error_code"] else delivery.payload
        params = {
            "AccountSid": message["account_sid"],
            "ApiVersion": API_VERSION,
            "From": message["from"],
            "MessageSid": message["sid"],
            "MessageStatus": status,
            "SmsSid": message["sid"],
            "SmsStatus": status,
            "To": message["to"],
        }
        if message["messaging_service_sid"]:
            params["MessagingServiceSid"] = message["messaging_service_sid"]
        if message["error_code"] and status == "undelivered":
            params["ErrorCode"] = str(message["error_code"])
        return self._signed(delivery.url, params)

    def _move(self, sid: str, status: str, callback: str) -> None:
        with self._store.write() as tx:
            message = _find(tx, sid)
            if message is None or NEXT_STATUS.get(message["status"]) != status:
                return
            now = written(self._clock.now())
            message |= {"status": status, "date_updated": now}
            if status == "sent":
                message["date_sent"] = now
            if status == "delivered" and message["to"] == UNREACHABLE:
                message |= {
                    "status": "undelivered",
                    "error_code": 30003,
                    "error_message": "Unreachable destination handset",
                }
            tx.execute("UPDATE sms SET body = ? WHERE sid = ?", (json.dumps(message), sid))
            if following := NEXT_STATUS.get(message["status"]):
                self._walk(tx, sid, callback, following)

    def _prepare_inbound(self, delivery: Delivery) -> Outgoing | None:
        message, url = self.find(delivery.subject), self._settings.twilio_inbound_url
        if message is None or not url:
            return None
        return self._signed(
            url,
            {
                "AccountSid": message["account_sid"],
                "ApiVersion": API_VERSION,
                "Body": message["body"],
                "From": message["from"],
                "MessageSid": message["sid"],
                "NumMedia": "0",
                "NumSegments": message["num_segments"],
                "SmsMessageSid": message["sid"],
                "SmsSid": message["sid"],
                "SmsStatus": "received",
                "To": message["to"],
                "ToCountry": "US",
            },
        )

    def _signed(self, url: str, params: dict[str, str]) -> Outgoing:
        return Outgoing(
            url=url,
            body=urlencode(params).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
                "User-Agent": "TwilioProxy/1.1",
                "X-Twilio-Signature": signature(self._keys.twilio_auth_token, url, params),
                "I-Twilio-Idempotency-Token": secrets.token_hex(16),
            },
        )

    def find(self, sid: str) -> Message | None:
        with self._store.read() as view:
            return _find(view, sid)

    def listed(
        self,
        *,
        to: str | None = None,
        sender: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> list[Message]:
        """Newest first; `since` inclusive and `until` exclusive, seconds since the epoch."""
        conditions, values = ["1"], list[Any]()
        for condition, value in (
            ("to_number = ?", to), ("from_number = ?", sender), ("created >= ?", since), ("created < ?", until),
        ):  # fmt: skip
            if value is not None:
                conditions.append(condition)
                values.append(value)
        with self._store.read() as view:
            rows = view.execute(
                f"SELECT body FROM sms WHERE {' AND '.join(conditions)} ORDER BY seq DESC LIMIT ? OFFSET ?",
                (*values, limit, offset),
            ).fetchall()
        return [json.loads(row["body"]) for row in rows]

    def delete(self, sid: str) -> bool:
        with self._store.write() as tx:
            return tx.execute("DELETE FROM sms WHERE sid = ?", (sid,)).rowcount > 0


def _check(to: str, sender: str, service: str, body: str) -> None:
    if not to:
        raise refused(21604, "A 'To' phone number is required.")
    if not sender and not service:
        raise refused(21603, "A 'From' phone number is required.")
    if to in MAGIC_TO and to != "+15005550004":
        raise refused(*MAGIC_TO[to])
    if not NUMBER.fullmatch(to):
        raise refused(21211, f"Invalid 'To' Phone Number: {to}")
    if sender in MAGIC_FROM:
        raise refused(*MAGIC_FROM[sender])
    if sender and not SENDER.fullmatch(sender):
        raise refused(
            21212, f"The 'From' number {sender} is not a valid phone number, shortcode, or alphanumeric sender ID."
        )
    if service and not re.fullmatch("MG[0-9a-f]{32}", service):
        raise refused(21701, f"The Messaging Service {service} does not exist.")
    if not body:
        raise refused(21602, "Message body is required.")
    if len(body) > LONGEST_BODY:
        raise refused(21617, "The concatenated message body exceeds the 1600 character limit")
    if to == sender:
        raise refused(21266, "'To' and 'From' number cannot be the same")
    if to in MAGIC_TO:
        raise refused(*MAGIC_TO[to])


def _insert(tx: Transaction, message: Message, now: float, callback: str) -> None:
    tx.execute(
        "INSERT INTO sms (sid, to_number, from_number, created, status_callback, body) VALUES (?, ?, ?, ?, ?, ?)",
        (message["sid"], message["to"], message["from"], now, callback, json.dumps(message)),
    )


def _find(view: Transaction, sid: str) -> Message | None:
    row = view.execute("SELECT body FROM sms WHERE sid = ?", (sid,)).fetchone()
    return json.loads(row["body"]) if row else None


def signature(token: str, url: str, params: dict[str, str]) -> str:
    """https://www.twilio.com/docs/usage/security#validating-requests"""
    text = url + "".join(f"{name}{params[name]}" for name in sorted(params))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def written(moment: datetime) -> str:
    """RFC 2822, as Twilio writes dates: `Tue, 24 Nov 2026 10:00:00 +0000`."""
    return format_datetime(moment.astimezone(UTC))


def segments(body: str) -> int:
    """How many SMS it takes: 160 characters of GSM-7 (153 when split), 70 UTF-16 units otherwise (67)."""
    if all(character in GSM_7 or character in GSM_7_TWICE for character in body):
        units, alone, split = sum(2 if character in GSM_7_TWICE else 1 for character in body), 160, 153
    else:
        units, alone, split = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if units <= alone else -(-units // split)
