"""Settings every service shares, from the environment in, typed out; a wrong one stops the start and is named."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from environs import Env, EnvError
from marshmallow import validate

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "debug", "info", "warning", "error")
_AT_LEAST_ONE = validate.Range(min=1)
S = TypeVar("S", bound="ServiceSettings")


class WrongSettings(Exception):
    """The environment lacks a setting or holds a wrong one; the text names each."""


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """What every service is told. Addresses end without a slash; the environment variable is the name in capitals."""

    store_url: str
    """sqlite:////absolute/path.db or postgresql://user:password@host:port/name"""
    broker_url: str
    """amqp://user:password@host:port/vhost, or memory:// for the embedded suite"""
    public_url: str
    """The address under which the outside reaches this service"""
    service_jwt_secret: str
    """Signs calls between services and links; the same in every service"""
    auth_jwt_secret: str | None = None
    """Verifies callers' tokens (HS256); this or auth_jwks_url"""
    auth_jwks_url: str | None = None
    """Verifies callers' tokens with the keys published there"""
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    """The API's listener; in other roles that of health and metrics"""
    http_threads: int = 16
    store_pool_size: int = 20
    """Connections to the store that one process may open: threads plus a few"""
    log_level: str = "INFO"
    otlp_endpoint: str | None = None
    """OTEL_EXPORTER_OTLP_ENDPOINT: where spans go; none are exported without"""
    scheduling_url: str | None = None
    clients_url: str | None = None
    payments_url: str | None = None
    notifications_url: str | None = None
    scheduling_public_url: str | None = None
    payments_public_url: str | None = None
    notifications_public_url: str | None = None
    console_public_url: str | None = None
    """Where the console answers: people are led to its pages; without, to what the services show themselves"""
    outbox_retention_days: int = 7
    """How long published events can be replayed"""
    inbox_retention_days: int = 30
    """How long the ids of handled events are remembered; longer than any replay"""
    inbox_attempts: int = 8
    """How often a failing handler is tried before its event is parked"""
    consumer_batch: int = 100
    """Events taken in one transaction at most"""
    consumer_niceness: int = 0
    """How far the consumer gives way to other processes where processor time is short: 0, not at all, to 19"""


def chassis_settings(env: Env, *, niceness: int = 0) -> dict[str, Any]:
    """The fields of ServiceSettings, read from `env`; `niceness` is the consumer's, unless that says otherwise."""
    return {
        "store_url": env.str("STORE_URL"),
        "broker_url": env.str("BROKER_URL"),
        "public_url": _address(env, "PUBLIC_URL", required=True),
        "service_jwt_secret": env.str("SERVICE_JWT_SECRET", validate=validate.Length(min=32)),
        "auth_jwt_secret": env.str("AUTH_JWT_SECRET", None) or None,
        "auth_jwks_url": env.str("AUTH_JWKS_URL", None) or None,
        "http_host": env.str("HTTP_HOST", "127.0.0.1"),
        "http_port": env.int("HTTP_PORT", 8000, validate=validate.Range(0, 65535)),
        "http_threads": env.int("HTTP_THREADS", 16, validate=_AT_LEAST_ONE),
        "store_pool_size": env.int("STORE_POOL_SIZE", 20, validate=_AT_LEAST_ONE),
        # Without a value where it is wrong: all that is wrong is told together.
        "log_level": (env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(_LOG_LEVELS)) or "INFO").upper(),
        "otlp_endpoint": env.str("OTEL_EXPORTER_OTLP_ENDPOINT", None) or None,
        **{
            f"{service}_url": _address(env, f"{service.upper()}_URL")
            for service in ("scheduling", "clients", "payments", "notifications")
        },
        **{
            f"{service}_public_url": _address(env, f"{service.upper()}_PUBLIC_URL")
            for service in ("scheduling", "payments", "notifications")
        },
        "console_public_url": _console(env) or None,
        "outbox_retention_days": env.int("OUTBOX_RETENTION_DAYS", 7, validate=_AT_LEAST_ONE),
        "inbox_retention_days": env.int("INBOX_RETENTION_DAYS", 30, validate=_AT_LEAST_ONE),
        "inbox_attempts": env.int("INBOX_ATTEMPTS", 8, validate=_AT_LEAST_ONE),
        "consumer_batch": env.int("CONSUMER_BATCH", 100, validate=validate.Range(1, 1000)),
        "consumer_niceness": env.int("CONSUMER_NICENESS", niceness, validate=validate.Range(0, 19)),
    }


class _Given(Env):
    """Reads what it is given, where environs itself knows the process's environment alone."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        # Eager validation would stop at the first one that is wrong; an operator wants to hear of all.
        super().__init__(eager=False)
        self._given = environment

    def _get_value(self, env_key: str, default: Any) -> Any:
        return self._given.get(env_key, default)


def read_settings(read: Callable[[Env], S], environment: Mapping[str, str] = os.environ) -> S:
    """What `read` makes of the environment.

    Raises:
        WrongSettings: a variable is missing or wrong; all such are named in one line.
    """
    env = _Given(environment)
    try:
        settings = read(env)
        env.seal()
    except EnvError as error:
        raise WrongSettings(_one_line(error)) from None
    if not (settings.auth_jwt_secret or settings.auth_jwks_url):
        raise WrongSettings("AUTH_JWT_SECRET or AUTH_JWKS_URL is needed")
    if settings.store_url.partition(":")[0] not in {"sqlite", "postgresql", "postgres"}:
        raise WrongSettings("STORE_URL must begin with sqlite: or postgresql:")
    if settings.broker_url.partition(":")[0] not in {"amqp", "amqps", "memory"}:
        raise WrongSettings("BROKER_URL must begin with amqp:, amqps: or memory:")
    if settings.inbox_retention_days <= settings.outbox_retention_days:
        raise WrongSettings("INBOX_RETENTION_DAYS must be more than OUTBOX_RETENTION_DAYS: ids outlive replay")
    if settings.auth_jwks_url and settings.auth_jwks_url.partition(":")[0] not in {"http", "https"}:
        raise WrongSettings("AUTH_JWKS_URL must begin with http: or https:")
    return settings


def _one_line(error: EnvError) -> str:
    messages = getattr(error, "error_messages", None)
    if not messages:
        return str(error)
    return "; ".join(f"{name}: {' '.join(texts)}" for name, texts in messages.items())


def _console(env: Env) -> str:
    # Browsers are sent there, so that a slip is told at the start.
    value = env.str("CONSOLE_PUBLIC_URL", "", validate=validate.Regexp(r"$|https?://[^\s/]"))
    return (value or "").rstrip("/")


def _address(env: Env, name: str, *, required: bool = False) -> str | None:
    value = env.str(name) if required else env.str(name, None)
    return value.rstrip("/") if value else None
