"""The command line of the payments service."""

from __future__ import annotations

from chassis.cli import main
from payments.command import RECONCILE
from payments.service import NAME, build
from payments.settings import Settings

if __name__ == "__main__":
    main(NAME, Settings.read, build, commands={"reconcile": RECONCILE})
