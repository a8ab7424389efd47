"""`python -m benchmarks.subject relay` and `consume`: the real roles, each a process."""

from benchmarks.subject.service import NAME, Settings, build
from chassis.cli import main

if __name__ == "__main__":
    main(NAME, Settings.read, build)
