"""What the sandbox must be told: from the environment when it runs alone, from its embedder otherwise."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class WrongSetting(Exception):
    """Stops the start; its text names the variable and what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class SandboxSettings:
    """Secrets left empty are made at the first start and kept in `data_dir`, readable by their owner alone."""

    data_dir: Path
    """Where everything it knows is kept: one SQLite file and one file of secrets."""
    public_url: str
    """Where a browser and the SDKs reach the sandbox, without a slash at the end: `http://127.0.0.1:8000/sandbox`."""
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 0
    """0 takes a free port at the first start and the same one again after a restart, if it is still free."""
    stripe_webhook_urls: list[str] = field(default_factory=list)
    """Told every event, the platform's and the connected accounts' (these carry `account`)."""
    stripe_secret_key: str = ""
    stripe_webhook_secret: str = ""
    twilio_account_sid: str = ""
    twilio_auth_token: str = ""
    twilio_inbound_url: str = ""
    """Where texts of clients go (`POST /sms`); empty: they are kept and told to nobody."""
    rewrites: Mapping[str, str] = field(default_factory=dict)
    """Address prefixes as the world knows them → as they are reached from here (containers). Signatures keep the former."""
    refund_settles_after: float = 5.0
    """Seconds of suite time that a refund to card 4000000000007726 stays pending."""
    refund_fails_after: float = 2.0
    """Seconds of suite time after which a refund to card 4000000000005126 turns out to have failed."""
    refunds_wait_for_money: bool = True
    """Whether a refund that the balance does not cover waits, as for most accounts; else it is refused."""
    refundable_for: float | None = None
    """Seconds of suite time after which a charge is too old to be refunded; never unless given."""
    timeout_seconds: float = 5.0
    """How long the fault `timeout` does nothing."""


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Where the stand-alone server listens."""

    host: str
    port: int
    threads: int


def from_environment(environment: Mapping[str, str] = os.environ) -> tuple[SandboxSettings, ServerSettings]:
    """Reads the variables named below; raises `WrongSetting` with one line that names the one that is wrong.

    `STRIPE_WEBHOOK_URLS` is separated by commas; `SANDBOX_REWRITES` is `outside=inside`, separated by commas.
    """
    port = _number(environment, "PORT", 8090)
    settings = SandboxSettings(
        data_dir=Path(environment.get("DATA_DIR", ".data/sandbox")),
        public_url=_url(environment, "SANDBOX_PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/"),
        smtp_host=environment.get("SMTP_HOST", "127.0.0.1"),
        smtp_port=_number(environment, "SMTP_PORT", 0),
        stripe_webhook_urls=_words(environment, "STRIPE_WEBHOOK_URLS"),
        stripe_secret_key=environment.get("STRIPE_SECRET_KEY", ""),
        stripe_webhook_secret=environment.get("STRIPE_WEBHOOK_SECRET", ""),
        twilio_account_sid=environment.get("TWILIO_ACCOUNT_SID", ""),
        twilio_auth_token=environment.get("TWILIO_AUTH_TOKEN", ""),
        twilio_inbound_url=_url(environment, "TWILIO_INBOUND_URL", ""),
        rewrites=_pairs(environment, "SANDBOX_REWRITES"),
    )
    server = ServerSettings(
        host=environment.get("HOST", "127.0.0.1"), port=port, threads=_number(environment, "THREADS", 16)
    )
    return settings, server


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    value = environment.get(name, "")
    if value and not value.isdecimal():
        raise WrongSetting(f"{name} must be a whole number, not {value!r}")
    return int(value) if value else default


def _url(environment: Mapping[str, str], name: str, default: str) -> str:
    value = environment.get(name, "") or default
    if value and not value.startswith(("http://", "https://")):
        raise WrongSetting(f"{name} must be an http(s) address, not {value!r}")
    return value


def _words(environment: Mapping[str, str], name: str) -> list[str]:
    return [word for part in environment.get(name, "").split(",") if (word := part.strip())]


def _pairs(environment: Mapping[str, str], name: str) -> dict[str, str]:
    pairs = {}
    for word in _words(environment, name):
        outside, separator, inside = word.partition("=")
        if not separator:
            raise WrongSetting(f"{name} must be outside=inside, not {word!r}")
        pairs[outside] = inside
    return pairs
