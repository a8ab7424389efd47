"""`make bench`, or `python -m benchmarks [names]`: measure, print, and keep the table of a whole run in README.md."""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from pathlib import Path

NAMES = (
    "throughput", "latency", "path", "refunds", "reconciling", "booking", "calendars", "clients", "sending", "claiming", "memory", "readiness", "console",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--trial", action="store_true", help="a tenth of everything, to see that it runs")
    asked = parser.parse_args()
    wrong = set(asked.names) - set(NAMES)
    if wrong:
        parser.error(f"{', '.join(sorted(wrong))}: not one of {', '.join(NAMES)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # where the servers for tests are started
    failed = _run(tuple(name for name in NAMES if name in asked.names or not asked.names), trial=asked.trial)
    return 1 if failed else 0


def _run(names: tuple[str, ...], *, trial: bool) -> list[str]:
    """Measure these parts; which of them failed. A part that does takes none of the others' figures with it."""
    from importlib import import_module

    from benchmarks import report
    from benchmarks.ground import ground

    began, before = time.monotonic(), report.load()
    sections: list[report.Section] = []
    failed: list[str] = []
    with ground(0.1 if trial else 1) as found:
        for name in names:
            report.say(f"{name} …")
            try:
                measured = import_module(f"benchmarks.{name}").measure(found)
            except Exception:
                traceback.print_exc()
                failed.append(name)
                continue
            finally:
                # What a part leaves would be cleaned up by the server while the next is measured.
                found.postgres.drop_databases()
            sections += measured
            for section in measured:
                print(report.plain(section), flush=True)
        servers = found.servers()
    circumstances = report.machine(servers, (before, report.load()), (time.monotonic() - began) / 60)
    if failed:
        circumstances += f" **Not measured, as it failed: {', '.join(failed)}.**"
    print(f"\n{circumstances}")
    if names == NAMES and not trial:
        report.keep(sections, circumstances)
    return failed


if __name__ == "__main__":
    sys.exit(main())
