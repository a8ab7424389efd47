"""Writes the services' OpenAPI documents for the console, whose types are made from them, as no service runs where it is built.

python -m embedded.openapi           write what differs
python -m embedded.openapi --check   write nothing, fail with a line for each document that is out of date
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import clients.service
import clients.settings
import notifications.service
import notifications.settings
import payments.service
import payments.settings
import scheduling.service
import scheduling.settings
from chassis.app import create_app
from chassis.service import Service
from chassis.settings import read_settings
from contracts.registry import SERVICES

FOLDER = Path(__file__).parents[3] / "console" / "openapi"
"""In a checkout; an installed package has no console beside it."""

# Nothing is connected or started: what is said here is looked at, and never used.
_SETTINGS = {
    "STORE_URL": "sqlite:///:memory:",
    "BROKER_URL": "memory://",
    "AUTH_JWT_SECRET": "-" * 32,
    "SERVICE_JWT_SECRET": "-" * 32,
    "STRIPE_SECRET_KEY": "-" * 32,
    "STRIPE_WEBHOOK_SECRETS": "-" * 32,
    "SMTP_URL": "smtp://127.0.0.1",
    "MAIL_FROM": "bookings@timeblu.example",
    **{f"{name.upper()}_{url}": f"/{name}" for name in SERVICES for url in ("URL", "PUBLIC_URL")},
}


def documents() -> dict[str, dict[str, Any]]:
    """The OpenAPI document of each service by its name, as one behind an ingress gives it: its server is `/<name>`."""
    return {service.name: create_app(service).test_client().get("/openapi.json").get_json() for service in _services()}


def _services() -> list[Service]:
    def told(name: str) -> dict[str, str]:
        return {**_SETTINGS, "PUBLIC_URL": f"/{name}"}

    return [
        scheduling.service.build(read_settings(scheduling.settings.Settings.read, told("scheduling"))),
        clients.service.build(read_settings(clients.settings.Settings.read, told("clients"))),
        payments.service.build(read_settings(payments.settings.Settings.read, told("payments"))),
        notifications.service.build(read_settings(notifications.settings.Settings.read, told("notifications"))),
    ]


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """The command line; 0 when all is well, else 1 and a line for each reason."""
    parser = argparse.ArgumentParser(prog="python -m embedded.openapi", description="write the OpenAPI documents")
    parser.add_argument("--check", action="store_true", help="write nothing, fail with a line for each that differs")
    check = parser.parse_args(arguments).check
    stale = 0
    for name, document in documents().items():
        file = folder / f"{name}.json"
        text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        if check:
            stale += 1
            print(f"out of date: console/openapi/{file.name}; `make contracts` writes it", file=sys.stderr)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            print(f"wrote console/openapi/{file.name}")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
