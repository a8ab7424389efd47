"""The settings of notifications: what the environment must say."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from environs import Env
from marshmallow import ValidationError, validate

from chassis.settings import ServiceSettings, chassis_settings

_SMTP_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True, kw_only=True)
class SmtpServer:
    """A mail server as its address names it; `security` is `smtp` (none), `smtp+starttls`, or `smtps` (from the first byte)."""

    security: str
    host: str
    port: int
    username: str | None
    password: str | None


def smtp_server(url: str) -> SmtpServer:
    """The mail server at this address. Raises ValueError where it is none."""
    parts = urlsplit(url)
    if parts.scheme not in _SMTP_PORTS or not parts.hostname:
        raise ValueError("must be smtp://, smtp+starttls:// or smtps:// and a host")
    return SmtpServer(
        security=parts.scheme,
        host=parts.hostname,
        port=parts.port or _SMTP_PORTS[parts.scheme],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def _smtp(url: str) -> None:
    try:
        smtp_server(url)
    except ValueError as error:
        raise ValidationError(str(error)) from None


_rate = validate.Range(min=0, max=100_000)


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """The environment variable is the name in capitals."""

    smtp_url: str
    """The mail server that takes our mail: smtp+starttls://user:password@host:587, smtps://user:password@host:465 or, unencrypted, smtp://host:25"""
    smtp_timeout: float = 30.0
    """Seconds to wait for an answer; one to the end of DATA that does not come leaves the email `unknown`"""
    email_per_second: float = 0.0
    """How many emails a second the mail server takes, over all workers; 0: as many as they can send"""
    mail_webhook_secret: str | None = None
    """The password of those who post reports of mail that bounced; without it there is no such webhook"""
    mail_from: str
    """The address that mail comes from; accounts add their name and reply address"""
    twilio_account_sid: str | None = None
    """Without it no text messages are sent: SMS reminders are skipped as turned off"""
    twilio_auth_token: str | None = None
    """Signs requests to Twilio, and Twilio's to us"""
    twilio_from: str | None = None
    """The sender: a number in E.164 or an alphanumeric name; this or twilio_messaging_service_sid"""
    twilio_messaging_service_sid: str | None = None
    twilio_api_base: str = "https://api.twilio.com"
    """Where Twilio's API is; another address for the sandbox"""
    twilio_timeout: float = 10.0
    """Seconds to wait for Twilio's answer"""
    sms_per_second: float = 0.0
    """How many texts a second Twilio takes, over all workers; 0: as many as they can send"""
    account_messages_per_second: float = 50.0
    """How many messages a second one account sends by each channel, so that its burst does not hold up others; 0: no limit"""
    send_lease_seconds: float = 120.0
    """How long a worker may take over one message before another looks into it; longer than the time-outs above together"""
    address_retention_days: int = 180
    """How long the delivery log shows addresses"""

    @property
    def sms_possible(self) -> bool:
        return self.twilio_account_sid is not None

    @classmethod
    def read(cls, env: Env) -> Settings:
        """The settings of the environment; a missing or wrong one is named by the error."""
        return cls(
            **chassis_settings(env),
            smtp_url=env.str("SMTP_URL", validate=_smtp),
            smtp_timeout=env.float("SMTP_TIMEOUT", 30.0),
            email_per_second=env.float("EMAIL_PER_SECOND", 0.0, validate=_rate),
            mail_webhook_secret=env.str("MAIL_WEBHOOK_SECRET", None) or None,
            mail_from=env.str("MAIL_FROM", validate=validate.Email()),
            twilio_account_sid=env.str("TWILIO_ACCOUNT_SID", None) or None,
            twilio_auth_token=env.str("TWILIO_AUTH_TOKEN", None) or None,
            twilio_from=env.str("TWILIO_FROM", None) or None,
            twilio_messaging_service_sid=env.str("TWILIO_MESSAGING_SERVICE_SID", None) or None,
            twilio_api_base=env.str("TWILIO_API_BASE", "https://api.twilio.com").rstrip("/"),
            twilio_timeout=env.float("TWILIO_TIMEOUT", 10.0),
            sms_per_second=env.float("SMS_PER_SECOND", 0.0, validate=_rate),
            account_messages_per_second=env.float("ACCOUNT_MESSAGES_PER_SECOND", 50.0, validate=_rate),
            send_lease_seconds=env.float("SEND_LEASE_SECONDS", 120.0, validate=validate.Range(min=1)),
            address_retention_days=env.int("ADDRESS_RETENTION_DAYS", 180),
        )
