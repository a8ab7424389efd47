"""The AsyncAPI document is well-formed, tells what really happens on the bus, and names no place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft7Validator

from contracts import asyncapi, topology
from contracts.envelope import Envelope
from contracts.examples import example
from contracts.registry import EVENT_TYPES, SERVICES, consumed_by, published_by

_DOCUMENT = asyncapi.document()
_OPERATIONS: dict[str, Any] = _DOCUMENT["operations"]
_CHANNELS: dict[str, Any] = _DOCUMENT["channels"]


def _resolve(reference: str) -> Any:
    found: Any = _DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _names(operation: dict[str, Any]) -> set[str]:
    return {reference["$ref"].rpartition("/")[2] for reference in operation["messages"]}


def test_it_has_the_parts_that_the_specification_requires() -> None:
    """AsyncAPI 3.0.0: the root object, and what each kind of object must and may hold."""
    assert _DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= _DOCUMENT["info"].keys()
    assert _DOCUMENT.keys() <= {
        "asyncapi",
        "id",
        "info",
        "servers",
        "defaultContentType",
        "channels",
        "operations",
        "components",
    }
    assert all({"host", "protocol"} <= server.keys() for server in _DOCUMENT["servers"].values())
    for channel in _CHANNELS.values():
        own = {name for name in channel if not name.startswith("x-")}
        assert own <= {"address", "messages", "title", "summary", "description", "servers", "parameters", "bindings"}
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel.get("parameters", {}))
    for operation in _OPERATIONS.values():
        assert operation["action"] in {"send", "receive"}
        assert operation.keys() <= {"action", "channel", "messages", "title", "summary", "description", "bindings"}
    for keys in (_DOCUMENT["components"]["messages"], _DOCUMENT["components"]["schemas"]):
        assert all(re.fullmatch(r"[a-zA-Z0-9.\-_]+", key) for key in keys)


def test_every_reference_leads_somewhere() -> None:
    references = list(_references(_DOCUMENT))

    assert len(references) > len(EVENT_TYPES)
    assert all(_resolve(reference) for reference in references)


def test_an_operations_messages_are_of_its_channel() -> None:
    for operation in _OPERATIONS.values():
        channel = operation["channel"]["$ref"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


def test_bindings_are_those_of_amqp_0_3_0() -> None:
    for name, channel in _CHANNELS.items():
        binding = channel["bindings"]["amqp"]
        kind = "exchange" if name == topology.EXCHANGE else "queue"
        assert binding == {
            "is": "routingKey" if kind == "exchange" else "queue",
            kind: binding[kind],
            "bindingVersion": "0.3.0",
        }
        assert binding[kind]["name"] == name
        assert binding[kind]["durable"] is True


def test_channels_are_the_exchange_and_every_queue() -> None:
    assert set(_CHANNELS) == {topology.EXCHANGE, *(queue.name for queue in topology.queues())}
    for queue in topology.queues():
        assert _CHANNELS[queue.name]["x-arguments"] == queue.arguments
        assert _CHANNELS[queue.name]["x-bindings"] == list(queue.bindings)


def test_every_event_is_described_once_and_can_be_sent() -> None:
    sent = [name for operation in _OPERATIONS.values() if operation["action"] == "send" for name in _names(operation)]

    assert set(_DOCUMENT["components"]["messages"]) == set(EVENT_TYPES) == set(sent)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_sends_what_it_publishes_and_receives_what_it_consumes(service: str) -> None:
    own = {name: operation for name, operation in _OPERATIONS.items() if name.startswith(f"{service}.")}
    sent = {name for operation in own.values() if operation["action"] == "send" for name in _names(operation)}
    received = _names(own[f"{service}.receive.{service}.events"])

    assert sent == {event.name for event in published_by(service)}
    assert received >= {event.name for event in consumed_by(service)}
    assert received == {e.name for e in EVENT_TYPES.values() if service in e.consumers and e.name != "delivery.due"}


def test_work_for_a_sender_goes_through_its_channels_queue_alone() -> None:
    at = {name for name, channel in _CHANNELS.items() if "delivery.due" in channel.get("messages", {})}

    assert at == {"notifications.email", "notifications.sms"}


def test_a_snapshot_never_goes_through_the_exchange() -> None:
    assert not [name for name in _CHANNELS[topology.EXCHANGE]["messages"] if name.endswith(".snapshot")]
    assert _names(_OPERATIONS["scheduling.send.notifications.events"]) == {
        "account.snapshot", "service.snapshot", "session.snapshot",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_a_real_message_agrees_with_its_description(name: str) -> None:
    message = _DOCUMENT["components"]["messages"][name]
    headers = Envelope(
        id="0198", source="/timeblu/scheduling", type=name, subject="ses_1", time=datetime(2026, 12, 1, tzinfo=UTC), dataschema=1,
        account_id="acc_demo", sequence=1, traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", body=b"{}",
    ).headers()  # fmt: skip
    described = _DOCUMENT["components"]["schemas"]["CloudEventHeaders"]["properties"]

    _validator(message["headers"]).validate(headers)
    assert set(headers) == set(described)
    _validator(message["payload"]).validate(example(name))
    assert not _validator(message["headers"]).is_valid({**headers, "cloudEvents_type": "another.type"})
    assert not _validator(message["payload"]).is_valid({})


def test_it_names_no_host_of_anybody() -> None:
    assert _DOCUMENT["servers"]["broker"]["host"] == "{broker}"
    assert not re.search(r"localhost|\d+\.\d+\.\d+\.\d+", json.dumps(_DOCUMENT))


def _validator(schema: dict[str, Any]) -> Draft7Validator:
    """AsyncAPI's own schemas are a superset of JSON Schema draft 7."""
    return Draft7Validator({**schema, "components": _DOCUMENT["components"]} if "$ref" not in schema else {
        "allOf": [schema], "components": _DOCUMENT["components"],
    })  # fmt: skip
