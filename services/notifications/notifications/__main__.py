"""The command line of notifications: api, relay, consume, jobs, work, migrate, inbox."""

from __future__ import annotations

from chassis.cli import main
from notifications.service import build
from notifications.settings import Settings

if __name__ == "__main__":
    main("notifications", Settings.read, build)
