"""The OpenAPI document is what the service does: schemathesis asks all that it tells of, rightly and wrongly."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias

import pytest
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
from services.scheduling.tests.driver import ALL_SCOPES, SECRET, World, at, build_world

from chassis.auth import issue
from chassis.ids import new_id

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Case: TypeAlias = AnyCase[Any]

EXAMPLES = 20
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# What hits something, by the name of the parameter or field that asks for it, or by a path up to its parameter.
Known = dict[str, list[Any]]


def test_the_document_is_what_the_service_does(tmp_path: Path, subtests: pytest.Subtests) -> None:
    furnished = tmp_path / "furnished.sqlite3"
    world = build_world(f"sqlite:///{furnished}")
    document = _document(world)
    known = _furnish(world, document)
    world.close()
    fruitless = []
    operations = list(_operations(document))
    for number, operation in enumerate(operations):
        with subtests.test(operation.label):
            # Each operation changes a world of its own, so that none depends on what another left.
            copy = shutil.copy(furnished, tmp_path / f"{number}.sqlite3")
            world = build_world(f"sqlite:///{copy}")
            try:
                statuses, failures = _ask(world, operation, _cases(operation, known, _required(document, operation)))
            finally:
                world.close()
            if not any(status < HTTPStatus.BAD_REQUEST for status in statuses):
                fruitless.append(f"{operation.label}: {sorted(statuses)}")
            assert not failures, "\n".join(failures)
    # Refusals alone would prove little: for what is new here, _furnish has to know something that hits.
    assert len(fruitless) <= len(operations) // 10, fruitless


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{", "application/json", HTTPStatus.BAD_REQUEST),
        (b"{}", "text/plain", HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
        (b" " * 1_000_001, "application/json", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_as_the_document_tells(
    light_world: World, body: bytes, media_type: str, status: HTTPStatus
) -> None:
    headers = {"Authorization": f"Bearer {light_world.a.token}", "Content-Type": media_type}
    document = _document(light_world)
    for path, operations in document["paths"].items():
        for method in [name for name, told in operations.items() if "requestBody" in told]:
            answer = light_world.http.open(
                path.replace("{", "").replace("}", ""), method=method, data=body, headers=headers
            )
            assert answer.status_code == status, f"{method} {path}: {answer.text}"
            assert str(int(status)) in operations[method]["responses"], f"{method} {path}"
            assert answer.mimetype == "application/problem+json"


def _document(world: World) -> dict[str, Any]:
    """The service's own, but for `default`, which would excuse whatever is told nowhere, and for the ingress's prefix."""
    document: dict[str, Any] = world.http.get("/openapi.json").get_json()
    del document["servers"]
    for path in document["paths"].values():
        for method in path.keys() - {"parameters"}:
            del path[method]["responses"]["default"]
    return document


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    generation = GenerationConfig(with_security_parameters=False)
    config = Config(seed=1, projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
    for found in openapi.from_dict(document, config=config).get_all_operations():
        if isinstance(found, Err):
            raise found.err()
        yield found.ok()


def _required(document: dict[str, Any], operation: Operation) -> set[str]:
    """The fields that the operation's JSON body cannot do without."""
    told = document["paths"][operation.path][operation.method]
    content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return set(document["components"]["schemas"].get(name, {}).get("required", []))


def _furnish(world: World, document: dict[str, Any]) -> Known:
    """Something of everything in acc_a, and how to hit it."""
    visitor = world.open_page()
    service = world.session_type(online=True, deposit={"type": "percent", "percent": 25})
    world.a.post("/calendars", {"name": "Second"})
    clients = [world.new_client() for _ in range(2)]

    def book(start: str, **fields: Any) -> str:
        body = {"service_id": service, "client_id": clients[0], "starts_at": at(start)} | fields
        return str(world.a.post("/sessions", body)["id"])

    links = []
    for start in ("12-01 09:00", "12-01 10:00", "12-01 11:00"):
        ((_, _, told),) = world.events(book(start, status="pending"))
        links.append(told["manage_url"])
        cancelled = book(f"12-03 {start[6:]}")
        world.a.post(f"/sessions/{cancelled}/cancel", {"refund": "skip"})
        book(f"11-27 {start[6:]}")
    booked = [visitor.book(service, start) for start in ("12-02 09:00", "12-02 10:00", "12-02 11:00")]
    hold = {"service_id": service, "ttl_seconds": 86_400}
    holds = [world.a.post("/holds", hold | {"starts_at": at(start)}) for start in ("12-04 09:00", "12-04 10:00")]
    waiting = world.a.get(f"/sessions/{booked[0]['id']}")
    for _ in range(3):
        world.tell("deposit.paid", world.deposit_told(waiting | {"id": new_id("ses")}, 1, "paid"))
    weekly = {"starts_at": at("12-08 12:00"), "ends_at": at("12-08 13:00"), "title": "Lunch"}
    for _ in range(3):
        world.a.post("/events", weekly)
        world.a.post("/series", {"kind": "event", "template": weekly, "rrule": "FREQ=WEEKLY;COUNT=3"})
    feeds = [calendar["feed_url"].rpartition("=")[2] for calendar in world.a.get("/calendars")["data"]]
    times = [at(f"12-07 {hour:02}:00") for hour in range(9, 16)]
    known: Known = {
        "account_id": ["acc_a", "acc_new"],
        "username": ["anna"],
        "token": [link.rpartition("/")[2] for link in (*links, *(session["manage_url"] for session in booked))]
        + 3 * feeds,
        "client_id": clients,
        "hold_id": [hold["id"] for hold in holds],
        "starts_at": times,
        "ends_at": [at("12-07 17:00")],
        "rrule": ["FREQ=WEEKLY;COUNT=2"],
        "kind": ["event"],
        "title": ["Lunch"],
        "at": times,
        "from": [at("12-07 00:00")],
        "to": [at("12-08 00:00")],
        "timezone": ["Europe/Berlin", "Australia/Lord_Howe"],
        "currency": ["EUR"],
        "email": ["ada@client.example"],
        "country": ["DE"],
        "If-Match": ['"1"', '"2"', "*"],
        "Idempotency-Key": ["once"],
    }
    for path in document["paths"]:
        listed = re.match(r"/v1(?P<list>[^{]+)/\{(?P<name>\w+)\}", path)
        if listed and "get" in document["paths"].get(f"/v1{listed['list']}", {}):
            found = [row["id"] for row in world.a.get(listed["list"])["data"]]
            known[listed[0]] = known[listed["name"]] = found
    return known


def _ask(world: World, operation: Operation, cases: st.SearchStrategy[Case]) -> tuple[set[int], list[str]]:
    """The statuses that were answered, and what of the answers is not as the document tells."""
    statuses: set[int] = set()
    failures: list[str] = []

    # Failures are gathered rather than raised: to ask again would find the world changed.
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, token=_tokens())
    def ask(case: Case, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = case.call(headers=headers, app=world.http.application)
        statuses.add(response.status_code)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            failures.append(str(group))

    ask()
    return statuses, failures


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


def _tokens() -> st.SearchStrategy[str | None]:
    """Mostly what opens all of acc_a; else another account's, one of too few scopes, and none."""
    all_of_a, all_of_b, few = (
        issue(SECRET, account_id=account, scope=scope)
        for account, scope in (("acc_a", ALL_SCOPES), ("acc_b", ALL_SCOPES), ("acc_a", "clients:read"))
    )
    return st.sampled_from([*[all_of_a] * 9, all_of_b, few, None])
