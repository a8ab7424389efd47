"""Refuses a change to a published version that could break whoever runs another release.

    python -m contracts.compatibility [--base REF]

Within a version everything stays compatible both ways. An old consumer must read what a new producer sends, because services
are deployed one at a time; a new consumer must read what an old producer sent, because events stay in queues for hours and in
outboxes for a week. What passes both ways is little, which makes the rule short: **what is there stays exactly as it is, and
what is new is optional.** So refused are a removed field, a new or newly required one, one no longer always there, any change of
type, format, limits, null or default, and a value added to an enum as well as one taken out (incoming data is validated: an
old consumer would park an event with a status that it does not know, rightly, as it could not act on it). Refused, too: an
event type or version that goes, another publisher, a queue that goes or whose arguments change (RabbitMQ refuses to declare
it anew). Allowed: an optional field, an event type, a consumer, a new version of a type (with a way up from the old one,
`EventType.upgrades`), and other words in titles and descriptions.

What is published is what is committed under `schemas/`, as that is at hand in a release's archive as well. Where git is at
hand the same files of `--base` are asked too, by default those of the newest release (a `v*` tag), so that nobody gets past by
deleting a file and generating it anew.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts import asyncapi
from contracts.json_schema import event_schema
from contracts.registry import EVENT_TYPES

FOLDER = Path(__file__).resolve().parent.parent
SCHEMAS = "schemas"
ASYNCAPI = "asyncapi.json"
_FOR_HUMANS = {"title", "description", "$comment", "x-consumers"}
_WALKED = {"properties", "required", "items", "additionalProperties", "enum"}

# By file name: `session.created.v1.json` → its JSON Schema; `asyncapi.json` → the document of the bus.
Documents = dict[str, dict[str, Any]]


def registered() -> Documents:
    """What the registry says now."""
    return {
        **{f"{event.name}.v{event.version}.json": event_schema(event) for event in EVENT_TYPES.values()},
        ASYNCAPI: asyncapi.document(),
    }


def committed(folder: Path = FOLDER) -> Documents:
    """What the working tree holds."""
    files = [*sorted((folder / SCHEMAS).glob("*.json")), folder / ASYNCAPI]
    return {file.name: json.loads(file.read_text()) for file in files if file.exists()}


def present(folder: Path = FOLDER) -> Documents:
    """What the registry says now, with the committed schemas of the earlier versions of its types, which stay."""

    def is_earlier(name: str) -> bool:
        event = EVENT_TYPES.get(type_of(name))
        return event is not None and int(name.removesuffix(".json").rpartition(".v")[2]) < event.version

    return {name: document for name, document in committed(folder).items() if is_earlier(name)} | registered()


def at(ref: str, folder: Path = FOLDER) -> Documents:
    """What git holds at `ref`; nothing where these files were not there yet.

    Raises:
        OSError: git is not there.
        subprocess.CalledProcessError: this is no repository, or it does not know `ref`.
    """
    paths = [SCHEMAS, ASYNCAPI]
    there = _git(folder, "ls-tree", "--name-only", ref, *paths).decode().split()
    if not there:
        return {}
    with tarfile.open(fileobj=io.BytesIO(_git(folder, "archive", "--format=tar", ref, *there))) as archive:
        return {
            Path(member.name).name: json.load(file)
            for member in archive.getmembers()
            if member.name.endswith(".json") and (file := archive.extractfile(member))
        }


def newest_release(folder: Path = FOLDER) -> str | None:
    """The newest `v*` tag that led here, None before the first; errors as for `at`."""
    tags = _git(folder, "tag", "--merged", "HEAD", "--sort=-version:refname", "--list", "v*").decode().split()
    return tags[0] if tags else None


def type_of(name: str) -> str:
    """The event type that a schema file is named after."""
    return name.removesuffix(".json").rpartition(".v")[0]


def breaks(published: Documents, now: Documents) -> list[str]:
    """A line for each change from `published` to `now` that breaks somebody; `now` is as `present` tells it."""
    lines = list(_bus(published.get(ASYNCAPI, {}), now.get(ASYNCAPI, {})))
    types = {type_of(name) for name in now if name != ASYNCAPI}
    for name, old in published.items():
        if name == ASYNCAPI:
            continue
        if name in now:
            lines += [f"{name}: {line}" for line in _schema(old, now[name])]
        elif type_of(name) in types:
            lines.append(f"{name}: this version is published, its schema must stay")
        else:
            lines.append(f"{name}: the event type is published and was removed")
        for later in now:
            if later not in published and later != ASYNCAPI and type_of(later) == type_of(name):
                lines += [f"{later}: {line}" for line in _publisher(old, now[later])]
    return lines


def _schema(old: dict[str, Any], new: dict[str, Any], where: str = "") -> Iterator[str]:
    at = where or "the data"
    for key in sorted((old.keys() | new.keys()) - _FOR_HUMANS - _WALKED):
        if key == "x-publisher":
            yield from _publisher(old, new)
        elif old.get(key) != new.get(key):
            yield f"{at}: {key} changed from {json.dumps(old.get(key))} to {json.dumps(new.get(key))}"
    yield from _enum(old, new, at)
    yield from _fields(old, new, where)
    if ("items" in old) != ("items" in new):
        yield f"{at}: what its items are changed"
    elif "items" in old:
        yield from _schema(old["items"], new["items"], f"{where}[]")
    values = old.get("additionalProperties"), new.get("additionalProperties")
    if isinstance(values[0], dict) and isinstance(values[1], dict):
        yield from _schema(values[0], values[1], f"{where}.*")
    elif values[0] != values[1]:
        yield f"{at}: which other fields it may have changed"


def _publisher(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    if old["x-publisher"] != new["x-publisher"]:
        yield f"the publisher changed from {old['x-publisher']} to {new['x-publisher']}"


def _enum(old: dict[str, Any], new: dict[str, Any], at: str) -> Iterator[str]:
    if ("enum" in old) != ("enum" in new):
        yield f"{at}: whether it is one of fixed values changed"
        return
    before, after = old.get("enum", []), new.get("enum", [])
    for value in before:
        if value not in after:
            yield f"{at}: the value {json.dumps(value)} was taken out, events with it are still on their way"
    for value in after:
        if value not in before:
            yield f"{at}: the value {json.dumps(value)} was added, which consumers of this version refuse"


def _fields(old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    always = set(old.get("required", [])), set(new.get("required", []))
    for name in before.keys() | after.keys():
        path = f"{where}.{name}".lstrip(".")
        if name not in after:
            yield f"{path}: the field was removed"
        elif name not in before:
            if name in always[1]:
                yield f"{path}: a new field must be optional"
        else:
            if name in always[0] - always[1]:
                yield f"{path}: it was always there and is optional now"
            if name in always[1] - always[0]:
                yield f"{path}: it was optional and is required now"
            yield from _schema(before[name], after[name], path)


def _bus(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for name, channel in old.get("channels", {}).items():
        kept = new.get("channels", {}).get(name)
        if kept is None:
            yield f"{name}: the exchange or queue is published and was removed"
        elif kept.get("x-arguments") != channel.get("x-arguments"):
            yield f"{name}: a queue's arguments can never change, a redeclaration is refused"
        elif kept["bindings"] != channel["bindings"]:
            yield f"{name}: how the exchange or queue is declared can never change, a redeclaration is refused"


def _git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True).stdout


def main(arguments: list[str] | None = None) -> int:
    """Compare what the registry says with what is published; 0 when nobody breaks, else 1 and a line for each change."""
    parser = argparse.ArgumentParser(
        prog="python -m contracts.compatibility", description="refuse incompatible changes"
    )
    parser.add_argument("--base", help="a git reference whose schemas are published (the newest v* tag)")
    base = parser.parse_args(arguments).base
    now = present()
    lines = breaks(committed(), now)
    try:
        reference = base or newest_release()
        lines += breaks(at(reference), now) if reference else []
    except (OSError, subprocess.CalledProcessError) as error:
        if base:
            print(f"{base} cannot be read: {getattr(error, 'stderr', b'').decode().strip() or error}", file=sys.stderr)
            return 2
        print("no git here: compared with the committed files alone", file=sys.stderr)
    for line in dict.fromkeys(lines):
        print(f"incompatible: {line}", file=sys.stderr)
    if lines:
        print(
            "A published version stays as it is: add an optional field, or register a new version (README.md).",
            file=sys.stderr,
        )
    return 1 if lines else 0


if __name__ == "__main__":
    raise SystemExit(main())
