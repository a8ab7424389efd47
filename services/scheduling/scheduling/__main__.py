"""The command line: `python -m scheduling api`, `relay`, `consume`, `jobs`, `migrate`, `inbox`."""

from chassis.cli import main
from scheduling.service import build
from scheduling.settings import Settings

if __name__ == "__main__":
    main("scheduling", Settings.read, build)
