"""Writes what others read of the contracts: a JSON Schema an event, the AsyncAPI document, and the table of events.

python -m contracts.generate                write them; refused where a published version would break
python -m contracts.generate --unreleased   rewrite even then, as long as no release (a v* tag) holds that version
python -m contracts.generate --check        write nothing, fail with a line for each difference
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts import compatibility
from contracts.compatibility import ASYNCAPI, FOLDER, SCHEMAS, Documents
from contracts.registry import EVENT_TYPES, SERVICES

EVENTS = "EVENTS.md"


def files(documents: Documents) -> dict[str, str]:
    """What is to be written, by path within the folder of contracts."""
    found = {
        name if name == ASYNCAPI else f"{SCHEMAS}/{name}": json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        for name, content in documents.items()
    }
    return found | {EVENTS: events_page()}


def events_page() -> str:
    """The table of all events, in Markdown."""
    lines = [
        "# Events",
        "",
        "Generated from the registry by `make contracts`; do not edit. `●` publishes, `○` consumes.",
        "",
        f"| event | version | {' | '.join(SERVICES)} | data | what it tells |",
        f"|---|---|{'---|' * len(SERVICES)}---|---|",
    ]
    for event in EVENT_TYPES.values():
        roles = [
            ("●" if service == event.publisher else "") + ("○" if service in event.consumers else "")
            for service in SERVICES
        ]
        name = f"{event.name}.v{event.version}.json"
        lines.append(
            f"| `{event.name}` | {event.version} | {' | '.join(roles)} | "
            f"[{event.schema.__name__}]({SCHEMAS}/{name}) | {event.summary} |"
        )
    return "\n".join(lines) + "\n"


def differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """A line for each place in which two JSON documents differ; places are JSON pointers."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            path = f"{where}/{key}"
            if key not in old:
                yield f"{path} is missing"
            elif key not in new:
                yield f"{path} is no longer there"
            else:
                yield from differences(old[key], new[key], path)
    elif old != new:
        yield f"{where} should be {json.dumps(new, ensure_ascii=False):.120}"


def check(folder: Path, documents: Documents) -> list[str]:
    """A line for each difference between what is committed in `folder` and what the registry says."""
    lines = []
    for path, text in files(documents).items():
        file = folder / path
        if not file.exists():
            lines.append(f"{path} is missing")
        elif file.read_text() != text:
            details = [] if path == EVENTS else list(differences(json.loads(file.read_text()), json.loads(text)))
            lines += [f"{path}: {detail}" for detail in details] or [f"{path} differs"]
    return lines


def write(folder: Path, documents: Documents) -> list[str]:
    """Write what differs; returns the paths written. A file of an earlier version stays."""
    written = []
    for path, text in files(documents).items():
        file = folder / path
        if not file.exists() or file.read_text() != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            written.append(path)
    return written


def _released() -> Documents:
    """What a release holds: its versions are never rewritten."""
    try:
        tag = compatibility.newest_release()
        return compatibility.at(tag) if tag else {}
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit("--unreleased asks git which versions are released, and there is none") from None


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """The command line; 0 when all is well, else 1 and a line for each reason."""
    parser = argparse.ArgumentParser(prog="python -m contracts.generate", description="write schemas and documents")
    parser.add_argument("--check", action="store_true", help="write nothing, fail with a line for each difference")
    parser.add_argument("--unreleased", action="store_true", help="rewrite versions that no release holds yet")
    options = parser.parse_args(arguments)
    documents, present = compatibility.registered(), compatibility.present(folder)
    published = compatibility.committed(folder)
    breaking = compatibility.breaks(_released() if options.unreleased else published, present)
    for line in breaking:
        print(f"incompatible: {line}", file=sys.stderr)
    if options.check:
        stale = check(folder, documents)
        for line in stale:
            print(f"out of date: {line}", file=sys.stderr)
        if stale and not breaking:
            print("`make contracts` writes it.", file=sys.stderr)
        return 1 if breaking or stale else 0
    if breaking:
        print(
            "Nothing was written: a published version stays as it is. Register a new one (README.md).", file=sys.stderr
        )
        return 1
    for path in write(folder, documents):
        print(f"wrote {path}")
    for name in published.keys() - present.keys():
        (folder / SCHEMAS / name).unlink()
        print(f"removed {SCHEMAS}/{name}, which no release holds")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
