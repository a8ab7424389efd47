"""JSON Schemas of the events' data, so that a subscriber in any language can check what it gets.

Written for the few kinds of field that `contracts.schemas` uses: one that is not known here stops the generation, instead of
leaving a rule out in silence. The schemas are open (no `additionalProperties: false`), as fields may be added to a version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import Schema, fields, missing, validate

from contracts.envelope import schema_name
from contracts.fields import Currency, Flag, UtcTime, Whole
from contracts.registry import EventType

DIALECT = "https://json-schema.org/draft/2020-12/schema"
JsonSchema = dict[str, Any]
# How an object within an object is shown: whole, or as a reference.
Nesting = Callable[[Schema], JsonSchema]


def event_schema(event: EventType) -> JsonSchema:
    """The self-contained document of one event type's data; who publishes it and who consumes it stand beside."""
    body = object_schema(event.schema(), inline)
    about = " ".join(filter(None, [event.summary, body.get("description")]))
    head = {
        "$schema": DIALECT,
        "$id": schema_name(event.name, event.version),
        "title": event.name,
        "description": about,
        "x-publisher": event.publisher,
        "x-consumers": list(event.consumers),
    }
    return head | {keyword: value for keyword, value in body.items() if keyword not in head}


def inline(schema: Schema) -> JsonSchema:
    """A nested object, shown whole where it stands."""
    return object_schema(schema, inline)


def object_schema(schema: Schema, nesting: Nesting) -> JsonSchema:
    """A marshmallow schema as a JSON Schema; its docstring is the description."""
    found: JsonSchema = {"title": title(type(schema))}
    if documentation := type(schema).__doc__:
        found["description"] = " ".join(documentation.split())
    found["type"] = "object"
    found["properties"] = {name: _field(field, nesting) for name, field in schema.fields.items()}
    found["required"] = [name for name, field in schema.fields.items() if field.required]
    return found


def title(schema: type[Schema]) -> str:
    """What a schema's object is called in documents: `SessionData` is a `Session`."""
    return schema.__name__.removesuffix("Data")


def _field(field: fields.Field[Any], nesting: Nesting) -> JsonSchema:
    found = _form(field, nesting)
    for validator in field.validators:
        found |= _rule(validator)
    if field.allow_none:
        found = _or_null(found)
    if description := field.metadata.get("description"):
        # What stands beside a $ref is not read by all, what wraps it is.
        found = ({"allOf": [found]} if "$ref" in found else found) | {"description": description}
    if field.load_default is not missing:
        found["default"] = field.load_default
    return found


def _form(field: fields.Field[Any], nesting: Nesting) -> JsonSchema:
    match field:
        case fields.Nested() if type(field) is fields.Nested and not field.many:
            return nesting(field.schema)
        case fields.List():
            return {"type": "array", "items": _field(field.inner, nesting)}
        case fields.Dict() if field.value_field is not None:
            return {"type": "object", "additionalProperties": _field(field.value_field, nesting)}
        case UtcTime():
            return {"type": "string", "format": "date-time"}
        case Currency():
            # The list of codes is ISO's to change: it is a format, not a promise of this version.
            return {"type": "string", "format": "iso-4217", "pattern": "^[A-Z]{3}$"}
        case Flag():
            return {"type": "boolean"}
        case Whole():
            return {"type": "integer"}
        case fields.String() if type(field) is fields.String:
            return {"type": "string"}
    raise TypeError(f"{field.name}: no JSON Schema is known for {type(field).__name__}")


def _rule(validator: Any) -> JsonSchema:
    match validator:
        case validate.OneOf() if type(validator) is validate.OneOf:
            return {"enum": list(validator.choices)}
        case validate.Range(min_inclusive=True, max_inclusive=True):
            limits = {"minimum": validator.min, "maximum": validator.max}
        case validate.Length(equal=None):
            limits = {"minLength": validator.min, "maxLength": validator.max}
        case _:
            raise TypeError(f"no JSON Schema is known for {validator!r}")
    return {name: limit for name, limit in limits.items() if limit is not None}


def _or_null(schema: JsonSchema) -> JsonSchema:
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    nullable = schema | {"type": [schema["type"], "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable
