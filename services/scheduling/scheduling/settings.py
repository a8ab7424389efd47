"""What the environment tells scheduling; a missing or wrong variable stops the start."""

from __future__ import annotations

from dataclasses import dataclass

from environs import Env
from marshmallow import validate

from chassis.settings import ServiceSettings, chassis_settings


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """All of ServiceSettings; of its addresses two are needed here: CLIENTS_URL, by which clients are made and found, and
    PAYMENTS_PUBLIC_URL, where payment links lead."""

    clients_url: str
    payments_public_url: str
    public_requests_per_minute: int = 60
    """How many requests to booking pages one address may make a minute"""
    trusted_proxies: int = 0
    """How many proxies of our own stand before the API: as many entries of X-Forwarded-For, from its end, are believed"""
    series_ask_days: int = 14
    """How many days before its start the deposit of a session in a series is asked"""

    @classmethod
    def read(cls, env: Env) -> Settings:
        """The settings of this process."""
        return cls(
            # What is heard here is shown; what is told from here is acted upon elsewhere, and goes first.
            **chassis_settings(env, niceness=5)
            | {
                "clients_url": _address(env, "CLIENTS_URL"),
                "payments_public_url": _address(env, "PAYMENTS_PUBLIC_URL"),
                "public_requests_per_minute": env.int("PUBLIC_REQUESTS_PER_MINUTE", 60, validate=validate.Range(min=1)),
                "trusted_proxies": env.int("TRUSTED_PROXIES", 0, validate=validate.Range(min=0)),
                "series_ask_days": env.int("SERIES_ASK_DAYS", 14, validate=validate.Range(min=0, max=366)),
            }
        )


def _address(env: Env, name: str) -> str:
    # One that is missing reads as None here; all such are named together once everything was read.
    value: str | None = env.str(name)
    return (value or "").rstrip("/")
