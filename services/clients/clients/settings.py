"""The service's settings, read from the environment."""

from __future__ import annotations

from dataclasses import dataclass

from environs import Env

from chassis.settings import ServiceSettings, chassis_settings


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """Nothing beyond what every service is told."""

    @classmethod
    def read(cls, env: Env) -> Settings:
        """The settings of the environment."""
        return cls(**chassis_settings(env))
