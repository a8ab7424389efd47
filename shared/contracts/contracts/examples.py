"""Valid data for every event type, so that tests and documents need not invent it and cannot fall behind."""

from __future__ import annotations

from typing import Any

from contracts.json_schema import event_schema
from contracts.registry import event_type


def example(name: str) -> dict[str, Any]:
    """Data of the event type `name` as JSON has it: the same each time, nothing left out or null at any depth.

    Raises:
        LookupError: there is no such event type.
    """
    found: dict[str, Any] = _example(event_schema(event_type(name)))
    return found


def _example(schema: dict[str, Any]) -> Any:
    type_ = schema["type"][0] if isinstance(schema["type"], list) else schema["type"]
    if "enum" in schema:
        return schema["enum"][0]
    if "properties" in schema:
        return {name: _example(inner) for name, inner in schema["properties"].items()}
    by_format = {"date-time": "2026-12-01T09:00:00Z", "iso-4217": "EUR"}
    if "format" in schema:
        return by_format[schema["format"]]
    if type_ == "object":
        return {"key": _example(schema["additionalProperties"])}
    if type_ == "array":
        return [_example(schema["items"]), _example(schema["items"])]
    return {"string": "text", "integer": max(schema.get("minimum", 0), 10), "boolean": True}[type_]
