"""What was measured, as rows of one table that is printed and kept in README.md."""

from __future__ import annotations

import math
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

README = Path(__file__).parent / "README.md"
_BEGIN, _END = "<!-- what follows is written by `make bench` -->", "<!-- end of what `make bench` writes -->"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One quantity: its values of several rounds, what it stands beside, and what it is to reach."""

    what: str
    values: Sequence[float]
    unit: str
    beside: str = ""
    target: str = ""
    met: bool | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def cells(self) -> list[str]:
        lowest, highest = min(self.values), max(self.values)
        spread = f"{number(lowest)}–{number(highest)}" if len(self.values) > 1 else ""
        verdict = {None: "", True: "reached", False: "**missed**"}[self.met]
        return [self.what, f"{number(self.median)} {self.unit}", spread, self.beside, self.target, verdict]


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows that belong together, and how they were taken."""

    title: str
    how: str
    rows: Sequence[Row]


_HEAD = ["", "median", "min–max", "beside", "to reach", ""]


def number(value: float) -> str:
    """Three digits that matter, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` in a hundred do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def ratio(mine: float, other: float, name: str, *, places: int = 1) -> str:
    """How many times another's figure this one is."""
    return f"{mine / other:.{places}f} × {name}" if other else ""


def markdown(sections: Sequence[Section], circumstances: str) -> str:
    """The table as README.md holds it."""
    lines = [circumstances, ""]
    for section in sections:
        lines += [f"### {section.title}", "", section.how, ""]
        lines += ["| " + " | ".join(_HEAD) + " |", "|---|---:|---:|---|---|---|"]
        lines += ["| " + " | ".join(row.cells()) + " |" for row in section.rows]
        lines += [""]
    return "\n".join(lines)


def plain(section: Section) -> str:
    """One section for the terminal."""
    cells = [_HEAD, *(row.cells() for row in section.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    lines = [
        "  ".join(
            cell.rjust(width) if column in (1, 2) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join([f"\n{section.title}", *(f"  {line.rstrip()}" for line in lines)]).replace("**", "")


def keep(sections: Sequence[Section], circumstances: str) -> None:
    """Put the table into README.md, in place of the one before."""
    text = README.read_text()
    before, after = text.partition(_BEGIN)[0], text.partition(_END)[2]
    README.write_text(f"{before}{_BEGIN}\n\n{markdown(sections, circumstances)}\n{_END}{after}")


def say(text: str) -> None:
    """How far the run has come, on standard error."""
    print(f"{datetime.now():%H:%M:%S} {text} (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)  # noqa: DTZ005


def load() -> str:
    """How busy the machine is, by itself and others."""
    return "/".join(f"{value:.1f}" for value in os.getloadavg())


def machine(servers: str, loads: tuple[str, str], minutes: float) -> str:
    """When and on what the run took place."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {minutes:.0f} minutes; {os.cpu_count()} cores ({_processor()}), {memory:.0f} GB, "
        f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}, {servers}. "
        f"Load over 1/5/15 minutes {loads[0]} before the run, {loads[1]} after it."
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
