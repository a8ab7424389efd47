"""The command line of the ledger."""

from __future__ import annotations

from environs import Env
from shared.chassis.tests.ledger.service import NAME, build

from chassis.cli import main
from chassis.settings import ServiceSettings, chassis_settings


def _read(env: Env) -> ServiceSettings:
    return ServiceSettings(**chassis_settings(env))


if __name__ == "__main__":
    main(NAME, _read, build)
