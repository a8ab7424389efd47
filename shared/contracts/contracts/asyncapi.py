"""The bus as an AsyncAPI 3.0 document: what travels where, who sends it, who receives it. Tools draw pages and code from it."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema

from contracts import registry, topology
from contracts.envelope import CONTENT_TYPE, SPEC_VERSION, schema_name
from contracts.json_schema import JsonSchema, object_schema, title
from contracts.registry import EventType

# Of the document, not of an event: raised by hand when the bus itself changes (exchange, queues, envelope).
VERSION = "1.0.0"
_BINDING = "0.3.0"
_HEADERS = "CloudEventHeaders"

_EXCHANGE = {"name": topology.EXCHANGE, "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"}
_ATTRIBUTES: dict[str, JsonSchema] = {
    "specversion": {"type": "string", "const": SPEC_VERSION},
    "id": {"type": "string", "minLength": 1, "description": "UUIDv7; the same in every delivery of this event."},
    "source": {"type": "string", "minLength": 1, "description": "The service that published it."},
    "type": {"type": "string", "minLength": 1, "description": "The event type, which is also the routing key."},
    "subject": {"type": "string", "minLength": 1, "description": "The id of what the event is about."},
    "time": {"type": "string", "format": "date-time", "description": "When it happened, in UTC."},
    "dataschema": {
        "type": "string",
        "pattern": "^urn:timeblu:.+:[0-9]+$",
        "description": "The $id of its data's JSON Schema.",
    },
    "accountid": {"type": "string", "minLength": 1, "description": "The account that the subject belongs to."},
    "sequence": {
        "type": "string",
        "pattern": "^[0-9]+$",
        "description": "The subject's version: a replica keeps the highest number that it has seen.",
    },
    "traceparent": {"type": "string", "description": "W3C trace context; absent where nothing was traced."},
}


def document() -> dict[str, Any]:
    """The whole document; equal registries give equal documents."""
    events = list(registry.EVENT_TYPES.values())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Timeblu events",
            "version": VERSION,
            "description": (
                "CloudEvents 1.0 in binary mode over AMQP 0-9-1. Every event carries its subject's whole public state and a version; "
                "it may arrive repeatedly and in any order. Unknown fields are to be ignored: a version may gain optional ones."
            ),
            "license": {"name": "MIT"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "broker": {
                "host": "{broker}",
                "protocol": "amqp",
                "protocolVersion": "0-9-1",
                "description": "RabbitMQ 3.10 or later.",
                "variables": {
                    "broker": {
                        "description": "Host and port of the installation's broker.",
                        "examples": ["rabbitmq:5672"],
                    }
                },
            }
        },
        "channels": {
            topology.EXCHANGE: _exchange([event for event in events if not _direct(event)]),
            **{queue.name: _queue(queue, _arriving(queue.name)) for queue in topology.queues()},
        },
        "operations": {name: operation for service in registry.SERVICES for name, operation in _operations(service)},
        "components": {
            "messages": {event.name: _message(event) for event in events},
            "schemas": {_HEADERS: _headers(), **_data_schemas(events)},
        },
    }


def _direct(event: EventType) -> bool:
    """Whether it goes to a queue by name instead of through the exchange."""
    return event.snapshot or event.publisher in event.consumers


def _arriving(queue: str) -> list[EventType]:
    """What may be found in a queue."""
    for service in registry.SERVICES:
        if queue == topology.events_queue(service):
            return [
                event
                for event in registry.EVENT_TYPES.values()
                if service in event.consumers and (event.snapshot or not _direct(event))
            ]
    if queue in map(topology.sender_queue, topology.SENDER_CHANNELS):
        return [event for event in registry.EVENT_TYPES.values() if _direct(event) and not event.snapshot]
    return []


def _exchange(events: list[EventType]) -> dict[str, Any]:
    return {
        "address": "{type}",
        "title": "The exchange of all events",
        "description": "The routing key is the event type. Whoever wants to subscribe binds a queue of its own.",
        "parameters": {"type": {"description": "The event type.", "enum": [event.name for event in events]}},
        "messages": _references(events),
        "bindings": {"amqp": {"is": "routingKey", "exchange": _EXCHANGE, "bindingVersion": _BINDING}},
    }


def _queue(queue: topology.Queue, events: list[EventType]) -> dict[str, Any]:
    about = "Bound to the exchange by the names of its events." if queue.bindings else "Reached by its name."
    if queue.name.endswith(".dead"):
        about = f"Dead letters, by way of {topology.DEAD_LETTER_EXCHANGE}: the last net, for a person to look at."
    return {
        "address": queue.name,
        "description": about,
        **({"messages": _references(events)} if events else {}),
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": {"name": queue.name, "durable": True, "exclusive": False, "autoDelete": False, "vhost": "/"},
                "bindingVersion": _BINDING,
            }
        },
        "x-arguments": queue.arguments,
        "x-bindings": list(queue.bindings),
    }


def _references(events: list[EventType]) -> dict[str, Any]:
    return {event.name: {"$ref": f"#/components/messages/{event.name}"} for event in events}


def _operations(service: str) -> list[tuple[str, dict[str, Any]]]:
    published = registry.published_by(service)
    # A snapshot goes to the queue of whoever asked for it; work for a sender to its channel's.
    direct = [
        (
            f"{service}.send.{queue.name}",
            queue.name,
            [event for event in _arriving(queue.name) if event in published and _direct(event)],
        )
        for queue in topology.queues()
    ]
    sends = [(f"{service}.publish", topology.EXCHANGE, [event for event in published if not _direct(event)]), *direct]
    receives = [
        (f"{service}.receive.{queue.name}", queue.name, _arriving(queue.name))
        for queue in topology.queues()
        if queue.name.startswith(f"{service}.")
    ]
    return [
        *((name, _operation("send", channel, events)) for name, channel, events in sends if events),
        *((name, _operation("receive", channel, events)) for name, channel, events in receives if events),
    ]


def _operation(action: str, channel: str, events: list[EventType]) -> dict[str, Any]:
    binding: dict[str, Any] = {"deliveryMode": 2} if action == "send" else {"ack": True}
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{event.name}"} for event in events],
        "bindings": {"amqp": {**binding, "bindingVersion": _BINDING}},
    }


def _message(event: EventType) -> dict[str, Any]:
    own = {
        "cloudEvents_type": {"const": event.name},
        "cloudEvents_dataschema": {"const": schema_name(event.name, event.version)},
    }
    return {
        "name": event.name,
        "title": event.name,
        "summary": event.summary,
        "contentType": CONTENT_TYPE,
        "headers": {"allOf": [{"$ref": f"#/components/schemas/{_HEADERS}"}, {"type": "object", "properties": own}]},
        "payload": {"$ref": f"#/components/schemas/{title(event.schema)}"},
        "bindings": {"amqp": {"messageType": event.name, "bindingVersion": _BINDING}},
    }


def _headers() -> JsonSchema:
    return {
        "title": "CloudEvents attributes",
        "description": "Application properties. `cloudEvents_` is what is sent; `cloudEvents:` is understood as well.",
        "type": "object",
        "properties": {f"cloudEvents_{name}": schema for name, schema in _ATTRIBUTES.items()},
        "required": [f"cloudEvents_{name}" for name in _ATTRIBUTES if name != "traceparent"],
    }


def _data_schemas(events: list[EventType]) -> dict[str, JsonSchema]:
    found: dict[str, JsonSchema] = {}

    def reference(schema: Schema) -> JsonSchema:
        name = title(type(schema))
        if name not in found:
            found[name] = {}  # its place, before what it holds
            found[name] = object_schema(schema, reference)
        return {"$ref": f"#/components/schemas/{name}"}

    for event in events:
        reference(event.schema())
    return found
