"""Asks a service all that its OpenAPI document tells of, rightly and wrongly, by schemathesis: whether it does what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case as AnyCase
from schemathesis import Config, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Err
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Case: TypeAlias = AnyCase[Any]
Known = dict[str, list[Any]]
"""What hits something, by the name of the parameter or field that asks for it, or by a path up to its parameter."""

EXAMPLES = 20
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def document_of(app: Flask) -> dict[str, Any]:
    """The service's own, but for `default`, which would excuse whatever is told nowhere, and for the ingress's prefix."""
    document: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    del document["servers"]
    for path in document["paths"].values():
        for method in path.keys() - {"parameters"}:
            del path[method]["responses"]["default"]
    return document


def operations_of(document: dict[str, Any]) -> Iterator[Operation]:
    """Everything that can be asked."""
    generation = GenerationConfig(with_security_parameters=False)
    config = Config(seed=1, projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
    for found in openapi.from_dict(document, config=config).get_all_operations():
        if isinstance(found, Err):
            raise found.err()
        yield found.ok()


def ask(
    app: Flask, document: dict[str, Any], operation: Operation, known: Known, tokens: st.SearchStrategy[str | None]
) -> tuple[set[int], list[str]]:
    """Ask one operation; the statuses that were answered, and what of the answers is not as the document tells."""
    statuses: set[int] = set()
    failures: list[str] = []
    cases = _cases(operation, known, _required(document, operation))

    # Failures are gathered rather than raised: to ask again would find the world changed.
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, token=tokens)
    def once(case: Case, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = case.call(headers=headers, app=app)
        statuses.add(response.status_code)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            failures.append(str(group))

    once()
    return statuses, failures


def _required(document: dict[str, Any], operation: Operation) -> set[str]:
    """The fields that the operation's JSON body cannot do without."""
    told = document["paths"][operation.path][operation.method]
    content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return set(document["components"]["schemas"].get(name, {}).get("required", []))


@st.composite
def _cases(draw: st.DrawFn, operation: Operation, known: Known, required: set[str]) -> Case:
    """Requests of which half should be taken, the others keep to the document or do not."""
    hopeful = draw(st.booleans())
    modes = [operation.as_strategy(generation_mode=GenerationMode.POSITIVE)]
    if not hopeful and (operation.body or operation.query):
        modes.append(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    case: Case = draw(st.one_of(modes))

    def filled(value: Any) -> Any:
        """With what is known in place of what was made up."""
        if isinstance(value, list):
            return [filled(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            name: draw(st.sampled_from(known[name]))
            if known.get(name) and (hopeful or draw(st.booleans()))
            else filled(inner)
            for name, inner in value.items()
        }

    case.headers.update(filled(dict(case.headers)))
    case.query = filled(case.query)
    case.body = filled(case.body)
    if hopeful and isinstance(case.body, dict) and draw(st.booleans()):
        case.body = {name: value for name, value in case.body.items() if name in required or name in known}
    for name in case.path_parameters:
        ids = known.get(operation.path.partition(f"{{{name}}}")[0] + f"{{{name}}}") or known.get(name)
        if ids and (hopeful or draw(st.booleans())):
            case.path_parameters[name] = draw(st.sampled_from(ids))
    return case
