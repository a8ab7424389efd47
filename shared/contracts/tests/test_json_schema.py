"""The JSON Schemas say what marshmallow checks, no more and no less, so that a subscriber elsewhere judges as we do."""

from __future__ import annotations

import copy
import re
from datetime import UTC
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from marshmallow import Schema, fields, validate

from contracts.compatibility import committed
from contracts.envelope import format_time
from contracts.examples import example
from contracts.json_schema import event_schema, inline
from contracts.money import CURRENCIES
from contracts.registry import EVENT_TYPES, lenient_schema, strict_schema

FORMATS = FormatChecker()


@FORMATS.checks("date-time")
def _is_time(value: object) -> bool:
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    return not isinstance(value, str) or re.fullmatch(pattern, value) is not None


@FORMATS.checks("iso-4217")
def _is_currency(value: object) -> bool:
    return not isinstance(value, str) or value in CURRENCIES


# One event for each kind of data.
_KINDS = sorted({event.schema: event.name for event in EVENT_TYPES.values()}.values())
_WRONG: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "x", "EUR", "2026-12-01T09:00:00Z", 0, 1, -1, 50, 101, 10**12, 0.5, True, [], {}]
)


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(event_schema(EVENT_TYPES[name]), format_checker=FORMATS)


@cache
def _instances(name: str) -> st.SearchStrategy[Any]:
    return instances(event_schema(EVENT_TYPES[name]))


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_each_schema_is_one_and_names_itself_as_dataschema_does(name: str) -> None:
    document = event_schema(EVENT_TYPES[name])

    Draft202012Validator.check_schema(document)
    assert document["$id"] == f"urn:timeblu:{name}:1"
    assert document["title"] == name
    assert document["description"]
    assert "$ref" not in str(document)


@pytest.mark.parametrize("name", _KINDS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_what_the_json_schema_allows_is_loaded_and_dumped_again(name: str, data: st.DataObject) -> None:
    sent = data.draw(_instances(name))

    loaded = strict_schema(name).load(sent)
    dumped = strict_schema(name).dump(loaded)

    _validator(name).validate(dumped)
    assert strict_schema(name).load(dumped) == loaded


@pytest.mark.parametrize("name", _KINDS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_both_judge_a_damaged_event_alike(name: str, data: st.DataObject) -> None:
    damaged = copy.deepcopy(example(name))
    container, key = data.draw(st.sampled_from(list(_places(damaged))))
    if data.draw(st.booleans()):
        container[key] = data.draw(_WRONG)
    else:
        del container[key]

    assert bool(lenient_schema(name).validate(damaged)) == bool(list(_validator(name).iter_errors(damaged)))


@pytest.mark.parametrize("name", _KINDS)
def test_a_field_that_is_added_later_does_not_make_an_event_invalid(name: str) -> None:
    assert _validator(name).is_valid({**example(name), "added_later": 1})


def test_a_field_of_an_unknown_kind_stops_the_generation() -> None:
    class Strange(Schema):
        at = fields.TimeDelta()

    with pytest.raises(TypeError, match="at: no JSON Schema is known for TimeDelta"):
        inline(Strange())


def test_a_rule_of_an_unknown_kind_stops_the_generation() -> None:
    class Strange(Schema):
        name = fields.String(validate=validate.ContainsOnly("ab"))

    with pytest.raises(TypeError, match="ContainsOnly"):
        inline(Strange())


def test_what_is_committed_is_a_schema_an_event_type() -> None:
    assert {f"{event.name}.v{event.version}.json" for event in EVENT_TYPES.values()} <= set(committed())


def _places(value: Any) -> Any:
    """Every (container, key) within a JSON value."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def instances(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Anything that `schema` allows; optional fields are there or not."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([st.none() if type_ == "null" else _of_type(type_, schema) for type_ in types])


def _of_type(type_: str, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from([value for value in schema["enum"] if value is not None])
    match type_, schema.get("format"):
        case "string", "date-time":
            return st.datetimes(timezones=st.just(UTC)).map(format_time)
        case "string", "iso-4217":
            return st.sampled_from(sorted(CURRENCIES))
        case "string", None:
            return st.text(min_size=schema.get("minLength", 0), max_size=20)
        case "integer", None:
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "boolean", None:
            return st.booleans()
        case "array", None:
            return st.lists(instances(schema["items"]), max_size=3)
    if "properties" not in schema:
        return st.dictionaries(st.text(max_size=8), instances(schema["additionalProperties"]), max_size=3)
    fields = {name: instances(inner) for name, inner in schema["properties"].items()}
    optional = {name: fields.pop(name) for name in list(fields) if name not in schema["required"]}
    return st.fixed_dictionaries(fields, optional=optional)
