"""The OpenAPI document is what the service does: schemathesis asks all that it tells of, rightly and wrongly."""

from __future__ import annotations

import re
import shutil
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from services.scheduling.tests.driver import ALL_SCOPES, SECRET, World, at, build_world

from chassis.auth import issue
from chassis.ids import new_id
from support.conformance import Known, ask, document_of, operations_of


def test_the_document_is_what_the_service_does(tmp_path: Path, subtests: pytest.Subtests) -> None:
    furnished = tmp_path / "furnished.sqlite3"
    world = build_world(f"sqlite:///{furnished}")
    document = document_of(world.http.application)
    known = _furnish(world, document)
    world.close()
    fruitless = []
    operations = list(operations_of(document))
    for number, operation in enumerate(operations):
        with subtests.test(operation.label):
            # Each operation changes a world of its own, so that none depends on what another left.
            copy = shutil.copy(furnished, tmp_path / f"{number}.sqlite3")
            world = build_world(f"sqlite:///{copy}")
            try:
                statuses, failures = ask(world.http.application, document, operation, known, _tokens())
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
    document = document_of(light_world.http.application)
    for path, operations in document["paths"].items():
        for method in [name for name, told in operations.items() if "requestBody" in told]:
            answer = light_world.http.open(
                path.replace("{", "").replace("}", ""), method=method, data=body, headers=headers
            )
            assert answer.status_code == status, f"{method} {path}: {answer.text}"
            assert str(int(status)) in operations[method]["responses"], f"{method} {path}"
            assert answer.mimetype == "application/problem+json"


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


def _tokens() -> st.SearchStrategy[str | None]:
    """Mostly what opens all of acc_a; else another account's, one of too few scopes, and none."""
    all_of_a, all_of_b, few = (
        issue(SECRET, account_id=account, scope=scope)
        for account, scope in (("acc_a", ALL_SCOPES), ("acc_b", ALL_SCOPES), ("acc_a", "clients:read"))
    )
    return st.sampled_from([*[all_of_a] * 9, all_of_b, few, None])
