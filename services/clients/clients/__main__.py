"""The command line of the clients service."""

from __future__ import annotations

from chassis.cli import main
from clients.service import NAME, build
from clients.settings import Settings

if __name__ == "__main__":
    main(NAME, Settings.read, build)
