"""The service's settings, read from the environment."""

from __future__ import annotations

from dataclasses import dataclass

from environs import Env

from chassis.settings import ServiceSettings, chassis_settings


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """All of ServiceSettings; where the other services are is needed here, as they are asked what they hold about a person."""

    scheduling_url: str
    payments_url: str
    notifications_url: str

    @classmethod
    def read(cls, env: Env) -> Settings:
        """The settings of the environment."""
        peers = {f"{name}_url": _address(env, name) for name in ("scheduling", "payments", "notifications")}
        return cls(**(chassis_settings(env) | peers))


def _address(env: Env, name: str) -> str:
    # One that is missing reads as None here; all such are named together once everything was read.
    value: str | None = env.str(f"{name.upper()}_URL")
    return (value or "").rstrip("/")
