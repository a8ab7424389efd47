"""What is committed is what the registry says; nothing published is overwritten, and a difference has a line."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from contracts import compatibility, generate
from contracts.registry import EVENT_TYPES

_SESSION = "session.cancelled.v1.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with everything as it is to be."""
    assert generate.main([], tmp_path) == 0
    return tmp_path


def rewrite(folder: Path, name: str, **change: Any) -> None:
    file = folder / "schemas" / name
    file.write_text(json.dumps(json.loads(file.read_text()) | change))


def test_the_committed_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


def test_it_writes_a_schema_an_event_the_bus_and_the_table(folder: Path) -> None:
    assert {file.name for file in (folder / "schemas").iterdir()} == {
        f"{e.name}.v{e.version}.json" for e in EVENT_TYPES.values()
    }
    assert json.loads((folder / "asyncapi.json").read_text())["asyncapi"] == "3.0.0"
    assert len([line for line in (folder / "EVENTS.md").read_text().splitlines() if line.startswith("| `")]) == len(
        EVENT_TYPES
    )
    assert generate.main(["--check"], folder) == 0


def test_it_writes_only_what_differs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(folder, _SESSION, description="old words")
    capsys.readouterr()

    assert generate.main([], folder) == 0
    assert capsys.readouterr().out == f"wrote schemas/{_SESSION}\n"
    assert generate.main(["--check"], folder) == 0


def test_a_check_names_each_difference_and_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(folder, _SESSION, description="old words")
    (folder / "EVENTS.md").unlink()
    before = (folder / "schemas" / _SESSION).read_text()

    assert generate.main(["--check"], folder) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f'out of date: schemas/{_SESSION}: /description should be "A session was cancelled.')
    assert lines[1] == "out of date: EVENTS.md is missing"
    assert (folder / "schemas" / _SESSION).read_text() == before


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_published_version_is_not_overwritten_by_one_that_breaks_it(
    folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    published = json.loads((folder / "schemas" / _SESSION).read_text())
    properties = copy.deepcopy(published["properties"]) | {"room": {"type": "string"}}
    rewrite(folder, _SESSION, properties=properties)
    before = (folder / "schemas" / _SESSION).read_text()

    assert generate.main(arguments, folder) == 1
    assert f"incompatible: {_SESSION}: room: the field was removed" in capsys.readouterr().err
    assert (folder / "schemas" / _SESSION).read_text() == before


@pytest.mark.parametrize("name", ["session.renamed.v1.json", "session.cancelled.v2.json"])
def test_what_left_the_registry_stays_published(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    gone = folder / "schemas" / name
    gone.write_text((folder / "schemas" / _SESSION).read_text())

    for arguments in ([], ["--check"]):
        assert generate.main(arguments, folder) == 1
        assert f"incompatible: {name}: " in capsys.readouterr().err
    assert gone.exists()


def test_what_no_release_holds_may_be_rewritten_on_demand(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compatibility, "newest_release", lambda: None)
    rewrite(folder, _SESSION, required=[])
    (folder / "schemas" / "session.renamed.v1.json").write_text((folder / "schemas" / _SESSION).read_text())

    assert generate.main([], folder) == 1
    assert generate.main(["--unreleased"], folder) == 0
    assert generate.main(["--check"], folder) == 0
    assert not (folder / "schemas" / "session.renamed.v1.json").exists()


def test_what_a_release_holds_is_never_rewritten(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    released = {_SESSION: {**compatibility.registered()[_SESSION], "required": []}}
    monkeypatch.setattr(compatibility, "newest_release", lambda: "v1.0.0")
    monkeypatch.setattr(compatibility, "at", lambda _tag: released)

    assert generate.main(["--unreleased"], folder) == 1
    assert f"incompatible: {_SESSION}: account_id: it was optional and is required now" in capsys.readouterr().err


def test_a_schema_of_an_earlier_version_stays(folder: Path) -> None:
    earlier = folder / "schemas" / "session.cancelled.v0.json"
    earlier.write_text((folder / "schemas" / _SESSION).read_text())

    assert generate.main([], folder) == 0
    assert earlier.exists()
