"""The registry is the table of the design: who publishes, who consumes, what crosses the wire and what never does."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields

from contracts.examples import example
from contracts.registry import (
    EVENT_TYPES,
    EventType,
    NewerVersion,
    consumed_by,
    event_type,
    lenient_schema,
    published_by,
    read,
    strict_schema,
)
from contracts.sessions import DepositStatus, RefundStatus, SessionStatus

_ALL = sorted(EVENT_TYPES)
# DESIGN.md, "What it is": rows of the table.
_PUBLISHES = {
    "scheduling": {"account", "service", "session"},
    "clients": {"client"},
    "payments": {"deposit", "refund"},
    "notifications": {"notification"},
}
_CONSUMES = {
    "scheduling": {"client", "deposit", "refund"},
    "clients": {"account", "session", "deposit", "notification", "scheduling", "payments", "notifications"},
    "payments": {"account", "client", "session"},
    "notifications": {"account", "client", "service", "session", "deposit", "refund"},
}


def _family(event: EventType) -> str:
    return event.name.partition(".")[0]


@pytest.mark.parametrize("service", _PUBLISHES)
def test_each_service_publishes_its_row_of_the_design(service: str) -> None:
    own = {"client_erased"} if service != "clients" else set()
    internal = {"delivery"} if service == "notifications" else set()

    assert {_family(event) for event in published_by(service)} == _PUBLISHES[service] | internal | (
        {service} if own else set()
    )


@pytest.mark.parametrize("service", _CONSUMES)
def test_each_service_consumes_its_row_of_the_design(service: str) -> None:
    assert {_family(event) for event in consumed_by(service)} == _CONSUMES[service]


@pytest.mark.parametrize("service", _CONSUMES)
def test_who_consumes_a_family_consumes_all_of_it(service: str) -> None:
    consumed = {event.name for event in consumed_by(service)}
    # Bounces and opt-outs are all that clients wants of notifications.
    unwanted = {"notification.sent", "notification.failed"}

    for event in EVENT_TYPES.values():
        if _family(event) in _CONSUMES[service] and not event.snapshot and event.name not in unwanted:
            assert event.name in consumed


def test_every_service_answers_an_erasure() -> None:
    others = {"scheduling", "payments", "notifications"}

    assert set(event_type("client.erasure_requested").consumers) == others
    for service in others:
        assert event_type(f"{service}.client_erased").publisher == service
        assert event_type(f"{service}.client_erased").consumers == ("clients",)


def test_a_snapshot_goes_to_those_that_follow_its_subject() -> None:
    for event in EVENT_TYPES.values():
        if event.snapshot:
            followed = {e.consumers for e in EVENT_TYPES.values() if _family(e) == _family(event) and not e.snapshot}
            assert followed == {event.consumers}
            assert event not in consumed_by(event.consumers[0])


def test_the_events_of_the_main_path_exist() -> None:
    actions = "created confirmed updated rescheduled cancelled restored completed no_show"

    assert {f"session.{action}" for action in actions.split()} <= set(EVENT_TYPES)
    assert {f"deposit.{status}" for status in DepositStatus} <= set(EVENT_TYPES)
    assert {f"refund.{status}" for status in RefundStatus} <= set(EVENT_TYPES)


def test_states_are_those_of_the_http_api() -> None:
    assert set(SessionStatus) == set("pending confirmed cancelled completed no_show".split())
    assert set(DepositStatus) == set(
        "not_asked required paid refund_pending refunded partially_refunded kept refund_failed canceled disputed".split()
    )
    assert set(RefundStatus) == set("pending succeeded failed canceled skipped requires_action".split())


def test_nothing_private_has_a_field() -> None:
    private = {"session_notes", "private_notes", "birth_date", "address", "tags"}

    for name in _ALL:
        for path in _paths(strict_schema(name)):
            assert path.rpartition(".")[2] not in private
    assert "notes" not in event_type("client.created").schema().fields


def test_a_sessions_event_carries_nothing_of_the_client_but_the_id() -> None:
    about = {
        path
        for path in _paths(strict_schema("session.created"))
        if "client" in path or "email" in path or "phone" in path
    }

    assert about == {"client_id", "client_message"}


@pytest.mark.parametrize("name", _ALL)
def test_an_event_of_an_unknown_field_at_any_depth_is_read_without_it(name: str) -> None:
    data = example(name)
    newer = copy.deepcopy(data)
    for found in _objects(event_type(name).schema(), newer):
        found["added_later"] = {"by": ["a", "newer", "producer"]}

    assert lenient_schema(name).load(newer) == strict_schema(name).load(data)


@pytest.mark.parametrize("name", _ALL)
def test_an_unknown_field_at_any_depth_is_refused_when_sending(name: str) -> None:
    for place in range(len(list(_objects(event_type(name).schema(), example(name))))):
        data = example(name)
        list(_objects(event_type(name).schema(), data))[place]["session_notes"] = "private"
        with pytest.raises(ValidationError, match="Unknown field"):
            strict_schema(name).load(data)


@pytest.mark.parametrize("name", _ALL)
def test_only_an_optional_field_may_be_missing(name: str) -> None:
    for field_name, field in event_type(name).schema().fields.items():
        data = example(name)
        del data[field_name]
        assert (field_name in lenient_schema(name).validate(data)) == field.required


def test_a_field_that_an_older_producer_did_not_know_gets_its_default() -> None:
    """The only optional ones so far; whoever adds a field to a version relies on this."""
    data = {**example("service.created"), "deposit": {"type": "percent", "percent": 25}}

    assert read("service.created", 1, data)["deposit"] == {"type": "percent", "percent": 25, "amount": None}


def test_the_two_readings_do_not_disturb_each_other() -> None:
    lenient_schema("refund.succeeded")
    data = {**example("refund.succeeded")}
    data["deposit"] = {**data["deposit"], "added_later": 1}

    assert lenient_schema("refund.succeeded").load(data)
    with pytest.raises(ValidationError, match="Unknown field"):
        strict_schema("refund.succeeded").load(data)


def test_an_event_of_a_newer_version_is_kept_for_an_upgrade() -> None:
    with pytest.raises(NewerVersion, match="version 2"):
        read("session.created", 2, example("session.created"))


def test_an_event_of_an_older_version_is_brought_up_to_the_present_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Renamed(Schema):
        name = fields.String(required=True)

    event = EventType(
        name="thing.made", version=3, schema=Renamed, publisher="clients", consumers=(), summary="A thing was made.",
        upgrades={1: lambda data: {"label": data["title"]}, 2: lambda data: {"name": data["label"]}},
    )  # fmt: skip
    monkeypatch.setitem(EVENT_TYPES, event.name, event)

    assert read("thing.made", 1, {"title": "a"}) == {"name": "a"}
    assert read("thing.made", 2, {"label": "b"}) == {"name": "b"}
    assert read("thing.made", 3, {"name": "c", "new": 1}) == {"name": "c"}


@pytest.mark.parametrize("name", _ALL)
def test_every_earlier_version_has_a_way_up(name: str) -> None:
    event = event_type(name)

    assert set(event.upgrades) == set(range(1, event.version))


def test_what_is_not_registered_does_not_exist() -> None:
    with pytest.raises(LookupError, match=r"session\.exploded"):
        event_type("session.exploded")


def _paths(schema: Schema, prefix: str = "") -> Iterator[str]:
    for name, field in schema.fields.items():
        yield prefix + name
        if inner := _nested(field):
            yield from _paths(inner, f"{prefix}{name}.")


def _objects(schema: Schema, data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The object itself and every one within it that has a schema."""
    yield data
    for name, field in schema.fields.items():
        if inner := _nested(field):
            values = data[name] if isinstance(data[name], list) else [data[name]]
            for value in filter(None, values):
                yield from _objects(inner, value)


def _nested(field: fields.Field[Any]) -> Schema | None:
    inner = field.inner if isinstance(field, fields.List) else field
    return inner.schema if isinstance(inner, fields.Nested) else None
