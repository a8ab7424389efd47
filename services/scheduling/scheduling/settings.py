"""What the environment tells scheduling; a missing or wrong variable stops the start."""

from __future__ import annotations

from dataclasses import dataclass

from environs import Env

from chassis.settings import ServiceSettings, chassis_settings


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """All of ServiceSettings; of its addresses two are needed here: CLIENTS_URL, by which clients are made and found, and
    PAYMENTS_PUBLIC_URL, where payment links lead."""

    clients_url: str
    payments_public_url: str

    @classmethod
    def read(cls, env: Env) -> Settings:
        """The settings of this process."""
        return cls(
            **chassis_settings(env)
            | {
                "clients_url": _address(env, "CLIENTS_URL"),
                "payments_public_url": _address(env, "PAYMENTS_PUBLIC_URL"),
            }
        )


def _address(env: Env, name: str) -> str:
    # One that is missing reads as None here; all such are named together once everything was read.
    value: str | None = env.str(name)
    return (value or "").rstrip("/")
