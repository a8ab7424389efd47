"""Whatever could break somebody who runs another release is refused, each with a line that says what."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts import compatibility
from contracts.compatibility import Documents, breaks
from contracts.registry import EVENT_TYPES

_NOW = compatibility.registered()
_SESSION = "session.cancelled.v1.json"
Change = Callable[[dict[str, Any]], object]


def changed(change: Change, name: str = _SESSION) -> Documents:
    documents = copy.deepcopy(_NOW)
    change(documents[name])
    return documents


def drop(container: dict[str, Any], field: str) -> None:
    del container["properties"][field]
    if field in container["required"]:
        container["required"].remove(field)


def cancellation(schema: dict[str, Any]) -> dict[str, Any]:
    items: dict[str, Any] = schema["properties"]["cancellations"]["items"]
    return items


def test_what_is_committed_is_what_is_registered() -> None:
    assert breaks(compatibility.committed(), _NOW) == []
    assert breaks(_NOW, _NOW) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda s: drop(s, "notes"), "notes: the field was removed"),
        (lambda s: drop(cancellation(s), "refund"), "cancellations[].refund: the field was removed"),
        (lambda s: drop(cancellation(s)["properties"]["quote"], "amount"), "cancellations[].quote.amount: the field was removed"),
        (lambda s: s["required"].remove("notes"), "notes: it was always there and is optional now"),
        (lambda s: s["properties"]["notes"].update(type="integer"), 'notes: type changed from "string" to "integer"'),
        (lambda s: s["properties"]["notes"].update(type=["string", "null"]), 'notes: type changed from "string" to ["string", "null"]'),
        (lambda s: s["properties"]["series_id"].update(type="string"), 'series_id: type changed from ["string", "null"] to "string"'),
        (lambda s: s["properties"]["starts_at"].pop("format"), 'starts_at: format changed from "date-time" to null'),
        (lambda s: s["properties"]["starts_at"].update(format="date"), 'starts_at: format changed from "date-time" to "date"'),
        (lambda s: s["properties"]["duration_minutes"].update(minimum=5), "duration_minutes: minimum changed from 1 to 5"),
        (lambda s: s["properties"]["client_id"].pop("minLength"), "client_id: minLength changed from 1 to null"),
        (lambda s: s["properties"]["notes"].update(pattern="^a"), 'notes: pattern changed from null to "^a"'),
        (lambda s: s["properties"]["notes"].update(enum=["a"]), "notes: whether it is one of fixed values changed"),
        (lambda s: s["properties"]["status"].pop("enum"), "status: whether it is one of fixed values changed"),
        (
            lambda s: s["properties"]["status"]["enum"].remove("no_show"),
            'status: the value "no_show" was taken out, events with it are still on their way',
        ),
        (
            lambda s: s["properties"]["status"]["enum"].append("waitlisted"),
            'status: the value "waitlisted" was added, which consumers of this version refuse',
        ),
        (
            lambda s: cancellation(s)["properties"]["by"]["enum"].append("stripe"),
            'cancellations[].by: the value "stripe" was added, which consumers of this version refuse',
        ),
        (lambda s: s["properties"]["cancellations"].pop("items"), "cancellations: what its items are changed"),
        (lambda s: s.update(additionalProperties=False), "the data: which other fields it may have changed"),
        (lambda s: s.update({"x-publisher": "payments"}), "the publisher changed from scheduling to payments"),
    ],
)  # fmt: skip
def test_a_change_that_breaks_somebody_is_refused(change: Change, line: str) -> None:
    assert breaks(_NOW, changed(change)) == [f"{_SESSION}: {line}"]


def test_a_new_field_must_be_optional() -> None:
    def add(schema: dict[str, Any]) -> None:
        schema["properties"]["room"] = {"type": "string"}
        schema["required"].append("room")

    assert breaks(_NOW, changed(add)) == [f"{_SESSION}: room: a new field must be optional"]


def test_an_optional_field_stays_optional_and_keeps_its_default() -> None:
    name = "service.created.v1.json"

    def terms(schema: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = schema["properties"]["deposit"]
        return found

    assert breaks(_NOW, changed(lambda s: terms(s)["required"].append("percent"), name)) == [
        f"{name}: deposit.percent: it was optional and is required now"
    ]
    assert breaks(_NOW, changed(lambda s: terms(s)["properties"]["percent"].update(default=25), name)) == [
        f"{name}: deposit.percent: default changed from null to 25"
    ]


def test_values_of_a_map_keep_their_form() -> None:
    name = "payments.client_erased.v1.json"

    def to_text(schema: dict[str, Any]) -> None:
        schema["properties"]["blanked"]["additionalProperties"] = {"type": "string", "minimum": 0}

    assert breaks(_NOW, changed(to_text, name)) == [f'{name}: blanked.*: type changed from "integer" to "string"']


def test_a_removed_event_type_is_refused() -> None:
    now = {name: document for name, document in _NOW.items() if name != _SESSION}

    assert breaks(_NOW, now) == [f"{_SESSION}: the event type is published and was removed"]


def test_a_new_version_leaves_the_old_ones_schema_in_place() -> None:
    second = copy.deepcopy(_NOW[_SESSION])
    drop(second, "notes")
    now = {**_NOW, "session.cancelled.v2.json": second}

    assert breaks(_NOW, now) == []
    del now[_SESSION]
    assert breaks(_NOW, now) == [f"{_SESSION}: this version is published, its schema must stay"]


def test_a_new_version_keeps_its_publisher() -> None:
    second = {**_NOW[_SESSION], "x-publisher": "payments"}

    assert breaks(_NOW, {**_NOW, "session.cancelled.v2.json": second}) == [
        "session.cancelled.v2.json: the publisher changed from scheduling to payments"
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["properties"].update(room={"type": ["string", "null"], "default": None}),
        lambda s: cancellation(s)["properties"].update(note={"type": "string", "default": ""}),
        lambda s: s["x-consumers"].append("billing"),
        lambda s: s.update(title="other words", description="other words"),
        lambda s: s["properties"]["notes"].update(description="other words"),
    ],
)
def test_a_change_that_breaks_nobody_is_allowed(change: Change) -> None:
    assert breaks(_NOW, changed(change)) == []


def test_a_new_event_type_is_allowed() -> None:
    assert breaks(_NOW, {**_NOW, "session.waitlisted.v1.json": _NOW[_SESSION]}) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda d: d["channels"].pop("payments.dead"),
            "payments.dead: the exchange or queue is published and was removed",
        ),
        (
            lambda d: d["channels"].pop("timeblu.events"),
            "timeblu.events: the exchange or queue is published and was removed",
        ),
        (
            lambda d: d["channels"]["payments.events"]["x-arguments"].update({"x-delivery-limit": 3}),
            "payments.events: a queue's arguments can never change, a redeclaration is refused",
        ),
        (
            lambda d: d["channels"]["timeblu.events"]["bindings"]["amqp"]["exchange"].update(type="fanout"),
            "timeblu.events: how the exchange or queue is declared can never change, a redeclaration is refused",
        ),
    ],
)
def test_a_released_queue_is_never_declared_otherwise(change: Change, line: str) -> None:
    assert breaks(_NOW, changed(change, compatibility.ASYNCAPI)) == [line]


def test_more_queues_and_bindings_are_allowed() -> None:
    def grow(document: dict[str, Any]) -> None:
        document["channels"]["billing.events"] = copy.deepcopy(document["channels"]["payments.events"])
        document["channels"]["payments.events"]["x-bindings"].append("service.created")

    assert breaks(_NOW, changed(grow, compatibility.ASYNCAPI)) == []


def _git(folder: Path, *arguments: str) -> None:
    identity = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.com",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "tag.gpgsign=false",
    ]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose only commit published one schema, the folder of contracts within it."""
    folder = tmp_path / "shared" / "contracts"
    (folder / "schemas").mkdir(parents=True)
    (folder / "schemas" / _SESSION).write_text(json.dumps(_NOW[_SESSION]))
    (folder / "asyncapi.json").write_text(json.dumps(_NOW["asyncapi.json"]))
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-q", "-m", "publish")
    return folder


def test_what_git_holds_is_read_even_where_the_tree_has_lost_it(repository: Path) -> None:
    (repository / "schemas" / _SESSION).unlink()

    assert compatibility.at("HEAD", repository) == {name: _NOW[name] for name in (_SESSION, "asyncapi.json")}
    assert _SESSION not in compatibility.committed(repository)


def test_the_newest_release_is_the_highest_version_that_led_here(repository: Path) -> None:
    assert compatibility.newest_release(repository) is None
    for tag in ("v0.9.0", "v0.10.0", "demo"):
        _git(repository, "tag", tag)
    assert compatibility.newest_release(repository) == "v0.10.0"


def test_a_reference_from_before_the_contracts_published_nothing(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "commit", "-q", "--allow-empty", "-m", "nothing yet")

    assert compatibility.at("HEAD", tmp_path) == {}


def test_an_unknown_base_is_an_error_not_a_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert compatibility.main(["--base", "no-such-reference"]) == 2
    assert "no-such-reference cannot be read" in capsys.readouterr().err


def test_the_present_contracts_pass() -> None:
    assert compatibility.main([]) == 0


def test_an_incompatible_change_fails_with_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = changed(lambda s: drop(s, "notes"))
    monkeypatch.setattr(compatibility, "registered", lambda: now)

    assert compatibility.main([]) == 1
    assert f"incompatible: {_SESSION}: notes: the field was removed" in capsys.readouterr().err


def test_an_event_type_that_left_the_registry_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        compatibility,
        "EVENT_TYPES",
        {name: event for name, event in EVENT_TYPES.items() if name != "session.cancelled"},
    )

    assert compatibility.main([]) == 1
    assert f"incompatible: {_SESSION}: the event type is published and was removed" in capsys.readouterr().err
