"""HTTP as API.md promises it to everybody: problem documents, versions, pages, limits, and no answer that tells the inside."""

from __future__ import annotations

import json
import logging
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from shared.chassis.tests.driver import Bench
from werkzeug.test import TestResponse

from chassis.app import create_app
from chassis.http_server import HttpServer
from chassis.store import StoreDown
from chassis.web import Blueprint, requires

ENTRIES = "/v1/entries"


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer, checked for what each must have."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    document: dict[str, Any] = json.loads(answer.get_data())
    assert document["code"] == code
    assert document["status"] == status
    assert document["type"].endswith(code)
    assert document["title"]
    assert document["detail"]
    assert "Traceback" not in answer.get_data(as_text=True)
    assert answer.headers["X-Request-Id"]
    return document


# --- problem documents ----------------------------------------------------------------------------------------------


def test_400_what_is_no_json(plain: Bench) -> None:
    for body in (
        b"{",
        b"\xff",
        b'{"note": NaN}',
        b'{"note": Infinity}',
        b'{"a":' * 100_000,
        b"nope",
        b'{"note": "a\x00"}',
    ):
        problem(plain.http().post(ENTRIES, data=body, content_type="application/json"), 400, "invalid_json")


def test_401_without_a_token(plain: Bench) -> None:
    answer = plain.app.test_client().get(ENTRIES)

    problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_403_without_the_scope(plain: Bench) -> None:
    problem(plain.http(scope="payments:read").post(ENTRIES, json={"note": "x"}), 403, "forbidden")
    problem(plain.http(scope="").get(ENTRIES), 403, "forbidden")
    problem(plain.http(scope="payments:read payments:write").get("/v1/ops/inbox"), 403, "forbidden")
    assert plain.http(scope="payments:write").get(ENTRIES).status_code == 200, "any one of several scopes will do"


def test_404_what_does_not_exist_here_or_is_somebody_elses(stored: Bench) -> None:
    made = stored.http().post(ENTRIES, json={"note": "mine"}).json or {}

    problem(stored.http().get("/v1/nothing"), 404, "not_found")
    problem(stored.http().get(f"{ENTRIES}/ent_unknown"), 404, "not_found")
    problem(stored.http().get(f"{ENTRIES}/a%00b"), 404, "not_found")
    problem(stored.http(account_id="acc_two").get(f"{ENTRIES}/{made['id']}"), 404, "not_found")
    problem(stored.http(account_id="acc_two").patch(f"{ENTRIES}/{made['id']}", json={}), 404, "not_found")


def test_405_names_what_is_allowed(plain: Bench) -> None:
    answer = plain.http().delete(ENTRIES)

    problem(answer, 405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_409_carries_its_code_and_what_else_there_is_to_tell(plain: Bench) -> None:
    document = problem(plain.http().get(f"{ENTRIES}/problem/conflict"), 409, "slot_taken")

    assert document["conflicts"] == [{"kind": "session"}]


def test_413_a_body_that_is_too_large(plain: Bench) -> None:
    problem(plain.http().post(ENTRIES, json={"note": "x" * 1_000_001}), 413, "too_large")


def test_415_a_body_that_is_not_json(plain: Bench) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""):
        answer = plain.http().post(ENTRIES, data=b'{"note": "x"}', content_type=content_type)
        problem(answer, 415, "unsupported_media_type")
    merge = plain.http().post(ENTRIES, data=b'{"note": "x"}', content_type="application/merge-patch+json")
    assert merge.status_code == 201


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/note"}),
        (None, {""}),
        ([], {""}),
        ("text", {""}),
        ({"note": 1, "colour": "red"}, {"/note", "/colour"}),
        ({"note": "x", "lines": [{"text": "a"}, {"count": 1}, {"text": 2, "a/b~c": 0}]}, {"/lines/1/text", "/lines/2/text", "/lines/2/a~1b~0c"}),
        ({"note": "x", "lines": 7}, {"/lines"}),
        ({"note": "x", "amount": 2**63}, {"/amount"}),
        ({"note": "x", "amount": 10**30}, {"/amount"}),
        ({"note": "x", "anything": {"deep": [{"er": -(2**63) - 1}]}}, {"/anything/deep/0/er"}),
        ({"note": "a\0b", "lines": [{"text": "\ud800"}]}, {"/note", "/lines/0/text"}),
        ({"note": "x", "anything": {"a\0": 1, "b": {"\udfff": 1}}}, {"/anything", "/anything/b"}),
    ],
)  # fmt: skip
def test_422_names_each_bad_field_by_its_pointer(stored: Bench, body: object, pointers: set[str]) -> None:
    document = problem(
        stored.http().post(ENTRIES, data=json.dumps(body), content_type="application/json"), 422, "invalid"
    )

    assert {error["pointer"] for error in document["errors"]} == pointers
    assert all(error["detail"] for error in document["errors"])


def test_422_numbers_that_are_too_long_even_to_be_read(plain: Bench) -> None:
    for number in ("1" * 5000, "-" + "9" * 40, "1e999"):
        body = f'{{"note": "x", "anything": [{number}]}}'
        document = problem(plain.http().post(ENTRIES, data=body, content_type="application/json"), 422, "invalid")
        assert document["errors"][0]["pointer"] == "/anything/0"


def test_text_that_only_looks_like_an_escape_is_text(plain: Bench) -> None:
    answer = plain.http().post(ENTRIES, json={"note": "\\u0000 and \\ud800"})

    assert answer.status_code == 201
    assert (answer.json or {})["note"] == "\\u0000 and \\ud800"


def test_of_a_field_given_twice_the_last_one_counts(plain: Bench) -> None:
    answer = plain.http().post(ENTRIES, data=b'{"note": "a", "note": "b"}', content_type="application/json")

    assert (answer.json or {})["note"] == "b"


def test_429_and_503_say_when_to_come_back(plain: Bench) -> None:
    for name, status, code, seconds in (
        ("too_many", 429, "rate_limited", "7"),
        ("unavailable", 503, "unavailable", "3"),
    ):
        answer = plain.http().get(f"{ENTRIES}/problem/{name}")
        problem(answer, status, code)
        assert answer.headers["Retry-After"] == seconds


def test_503_when_the_store_is_down(stored: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object, **__: object) -> None:
        raise StoreDown("server closed the connection; password=hunter2")

    monkeypatch.setattr(stored.service.store, "reading", down)
    answer = stored.http().get(ENTRIES)

    problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert "hunter2" not in answer.get_data(as_text=True)


def test_500_tells_nothing_of_the_inside(plain: Bench, caplog: pytest.LogCaptureFixture) -> None:
    answer = plain.http().get(f"{ENTRIES}/problem/bug", headers={"X-Request-Id": "req-1"})

    document = problem(answer, 500, "internal")
    assert "req-1" in document["detail"]
    assert "secret detail" not in answer.get_data(as_text=True)
    assert "secret detail" in caplog.text, "the log tells it"


def test_a_mistake_in_sql_is_a_500_and_not_a_503(stored: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    right = stored.service.store.execute
    monkeypatch.setattr(stored.service.store, "execute", lambda *_: right("SELECT nope FROM entries"))
    problem(stored.http().get(ENTRIES), 500, "internal")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
            lambda inner: st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["note", "amount", "lines", "ratio", "anything", "text"]) | st.text(), inner, max_size=5),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    )
)  # fmt: skip
def test_no_body_whatever_is_a_500(stored_once: Bench, body: bytes) -> None:
    answer = stored_once.http().post(ENTRIES, data=body, content_type="application/json")

    assert answer.status_code in {201, 400, 422}, answer.get_data(as_text=True)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["cursor", "limit", "note", "updated_since", "x"]), value=st.text(max_size=30))
def test_no_query_whatever_is_a_500(stored_once: Bench, name: str, value: str) -> None:
    for path in (ENTRIES, "/v1/ops/inbox", "/v1/ops/dead"):
        answer = stored_once.http().get(path, query_string={name: value})
        assert answer.status_code in {200, 422}, answer.get_data(as_text=True)


# --- request ids, logs ----------------------------------------------------------------------------------------------


def test_a_request_id_is_taken_over_or_made(plain: Bench) -> None:
    caller = plain.http()

    assert caller.get(ENTRIES, headers={"X-Request-Id": "abc-1.2_3"}).headers["X-Request-Id"] == "abc-1.2_3"
    made = caller.get(ENTRIES, headers={"X-Request-Id": "an id with blanks"}).headers["X-Request-Id"]
    assert made != "an id with blanks"
    assert made != caller.get(ENTRIES).headers["X-Request-Id"]


def test_the_log_tells_the_route_and_neither_bodies_nor_queries(plain: Bench, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="chassis"):
        made = plain.http().post(ENTRIES, json={"note": "very private"}).json or {}
        plain.http().get(f"{ENTRIES}/{made['id']}?", headers={"X-Request-Id": "req-1"})
        plain.http().get(ENTRIES, query_string={"note": "also private"})
        plain.http().post(ENTRIES, json={"note": 1, "secret": "private too"})

    everything = "\n".join(str(record.__dict__) for record in caplog.records)
    assert "private" not in everything
    assert "/v1/entries/<entry_id>" in everything
    assert made["id"] not in everything


def test_unknown_methods_do_not_swell_the_metrics(plain: Bench) -> None:
    for number in range(5):
        plain.app.test_client().open(ENTRIES, method=f"MADEUP{number}")

    assert "MADEUP" not in plain.app.test_client().get("/metrics").get_data(as_text=True)


# --- versions -------------------------------------------------------------------------------------------------------


def test_a_single_resource_has_its_version_as_etag_and_if_match_is_honoured(stored: Bench) -> None:
    caller = stored.http()
    made = caller.post(ENTRIES, json={"note": "one"})
    path = f"{ENTRIES}/{(made.json or {})['id']}"
    assert made.headers["ETag"] == '"1"'

    changed = caller.patch(path, json={"note": "two"}, headers={"If-Match": '"1"'})
    assert changed.headers["ETag"] == '"2"'
    for stale in ('"1"', 'W/"1"', '"abc"', '""', '"9999999999999999999999"'):
        problem(caller.patch(path, json={"note": "three"}, headers={"If-Match": stale}), 412, "stale")
    problem(caller.patch(path, json={"note": "three"}, headers={"If-Match": "2"}), 422, "invalid")
    assert caller.patch(path, json={"note": "three"}, headers={"If-Match": "*"}).status_code == 200
    assert caller.patch(path, json={}).headers["ETag"] == '"4"', "a merge patch may be empty"
    assert (caller.get(path).json or {})["note"] == "three"
    assert "ETag" not in caller.get(ENTRIES).headers


# --- pages ----------------------------------------------------------------------------------------------------------


def test_pages_are_complete_and_stable_while_rows_are_added(stored: Bench) -> None:
    caller = stored.http()
    before = [(caller.post(ENTRIES, json={"note": str(number)}).json or {})["id"] for number in range(7)]
    stored.http(account_id="acc_two").post(ENTRIES, json={"note": "not yours"})

    seen: list[str] = []
    cursor = None
    while True:
        page = caller.get(ENTRIES, query_string={"limit": 3} | ({"cursor": cursor} if cursor else {})).json or {}
        seen += [row["id"] for row in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        if len(seen) == 3:
            before.append((caller.post(ENTRIES, json={"note": "late"}).json or {})["id"])

    assert seen == before


def test_a_cursor_that_this_list_did_not_give_is_refused(stored: Bench) -> None:
    caller = stored.http()
    for number in range(3):
        caller.post(ENTRIES, json={"note": str(number)})
    stored.inbox().take([stored.message(id=f"evt-{number}", name="failing") for number in range(3)])
    cursor = (caller.get(ENTRIES, query_string={"limit": 1}).json or {})["next_cursor"]
    other = (caller.get("/v1/ops/inbox", query_string={"limit": 1}).json or {})["next_cursor"]
    assert caller.get(ENTRIES, query_string={"cursor": cursor}).status_code == 200

    for forged in (
        cursor[:-1],
        f"x{cursor}",
        other,
        "",
        "W10",
        "WzEsMl0",
        "WyJhIiwiYiJd",
        "null",
        "é",
        cursor.split(".")[0],
    ):
        document = problem(caller.get(ENTRIES, query_string={"cursor": forged or " "}), 422, "invalid")
        assert document["errors"][0]["pointer"] == "/cursor"


def test_limits_and_unknown_parameters(plain: Bench) -> None:
    caller = plain.http()

    for limit in ("0", "201", "-1", "many", "1.5", "9" * 30):
        document = problem(caller.get(ENTRIES, query_string={"limit": limit}), 422, "invalid")
        assert document["errors"][0]["pointer"] == "/limit"
    assert (
        problem(caller.get(ENTRIES, query_string={"colour": "red"}), 422, "invalid")["errors"][0]["pointer"]
        == "/colour"
    )
    problem(caller.get(f"{ENTRIES}?note=a%00b"), 422, "invalid")
    problem(caller.get(ENTRIES, query_string={"updated_since": "2026-01-01T00:00:00"}), 422, "invalid")


# --- what describes the service -------------------------------------------------------------------------------------


def test_the_openapi_document_holds_together(plain: Bench) -> None:
    document = plain.app.test_client().get("/openapi.json").json or {}

    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)  # OpenAPI 3.1's schemas are JSON Schema's
    referred = set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)))
    assert referred, "something is referred to"
    for reference in referred:
        found = document
        for step in reference.split("/"):
            found = found[step]
    for path, operations in document["paths"].items():
        declared = {p["name"] for p in operations.get("parameters", []) if p["in"] == "path"}
        for operation in (value for name, value in operations.items() if name != "parameters"):
            own = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert declared | own == set(re.findall(r"{(\w+)}", path))
            assert operation["responses"]


def test_the_openapi_document_tells_what_callers_rely_on(plain: Bench) -> None:
    document = plain.app.test_client().get("/openapi.json").json or {}

    assert document["openapi"] == "3.1.0"
    post = document["paths"][ENTRIES]["post"]
    patch = document["paths"][f"{ENTRIES}/{{entry_id}}"]["patch"]
    assert post["security"] == [{"bearer": ["payments:write"]}]
    assert set(post["responses"]) == set("201 400 401 403 409 413 415 422 503 default".split())
    assert [parameter["name"] for parameter in post["parameters"]] == ["Idempotency-Key"]
    assert "If-Match" in [parameter["name"] for parameter in patch["parameters"]]
    assert set(patch["responses"]) >= {"404", "409", "412"}
    public = document["paths"][f"{ENTRIES}/problem/{{name}}"]["get"]["responses"]
    assert "429" in public
    assert not {"401", "403", "409", "412"} & set(public)
    for response in document["components"]["responses"].values():
        assert set(response["content"]) == {"application/problem+json"}
    assert set(post["responses"]["201"]["content"]) == {"application/json"}
    assert document["paths"][f"{ENTRIES}/problem/{{name}}"]["get"]["security"] == []
    body = patch["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert "required" not in document["components"]["schemas"][body]
    assert document["components"]["schemas"]["NewEntry"]["required"] == ["note"]


def test_the_docs_page_needs_no_script(plain: Bench) -> None:
    page = plain.app.test_client().get("/docs")

    assert page.mimetype == "text/html"
    assert "/v1/entries/{entry_id}" in page.get_data(as_text=True)
    assert "<script" not in page.get_data(as_text=True)


def test_alive_ready_and_described(stored: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = stored.app.test_client()

    assert caller.get("/healthz").json == {"status": "alive"}
    assert caller.get("/readyz").status_code == 200
    meta = caller.get("/meta").json or {}
    assert meta["schema_revision"] == "0001_initial"
    assert meta["tzdata"]
    assert meta["events"]["produced"]["deposit.paid"] == 1
    monkeypatch.setattr(stored.service.store, "answers", lambda: False)
    answer = caller.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"


def test_a_route_must_say_who_may_use_it(plain: Bench) -> None:
    forgetful = Blueprint("forgetful", __name__)

    @forgetful.get("/v1/open")
    def view() -> str:
        return "to everybody"

    with pytest.raises(TypeError, match="/v1/open"):
        create_app(replace(plain.service, blueprints=lambda: [forgetful]))


def test_a_post_must_take_an_idempotency_key(plain: Bench) -> None:
    forgetful = Blueprint("forgetful", __name__)

    @forgetful.post("/v1/often")
    @requires("ops")
    def view() -> str:
        return "again and again"

    with pytest.raises(TypeError, match="/v1/often"):
        create_app(replace(plain.service, blueprints=lambda: [forgetful]))


# --- over a real socket ---------------------------------------------------------------------------------------------


@pytest.fixture
def served(plain: Bench) -> Iterator[tuple[str, int, str]]:
    """The ledger on a real socket: host, port, and a token."""
    server = HttpServer(plain.app, host="127.0.0.1", port=0, threads=2)
    server.start()
    yield "127.0.0.1", server.port, str(plain.http().environ_base["HTTP_AUTHORIZATION"])
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 5, "nothing held a thread"


def test_a_body_of_unknown_length_is_limited_too(served: tuple[str, int, str]) -> None:
    host, port, token = served
    headers = {"Authorization": token, "Content-Type": "application/json"}
    url = f"http://{host}:{port}{ENTRIES}"
    large = [b'{"note": "', *[b"x" * 50_000] * 21, b'"}']

    with requests.Session() as session:
        for _ in range(3):
            pieces = iter([b'{"note"', b': "in pieces"}'])
            assert session.post(url, data=pieces, headers=headers, timeout=10).status_code == 201
        answer = session.post(url, data=iter(large), headers=headers, timeout=10)
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"
        assert session.get(url, headers=headers, timeout=10).status_code == 200


def test_connections_that_say_nothing_hold_up_nobody(served: tuple[str, int, str]) -> None:
    host, port, token = served
    silent = [socket.create_connection((host, port), timeout=10) for _ in range(20)]
    try:
        headers = {"Authorization": token}
        for _ in range(3):
            assert requests.get(f"http://{host}:{port}{ENTRIES}", headers=headers, timeout=10).status_code == 200
        silent[0].sendall(f"GET {ENTRIES} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())
        assert silent[0].recv(65536).startswith(b"HTTP/1.1 200")
    finally:
        for connection in silent:
            connection.close()


@pytest.mark.parametrize(
    "sent",
    [b"zz\r\nabc\r\n0\r\n\r\n", b"5\r\nabc", b"-5\r\nabc\r\n0\r\n\r\n", b"", b"3\r\nabcdef\r\n0\r\n\r\n"],
    ids=["no size", "cut off", "negative", "nothing", "longer than said"],
)
def test_chunks_that_are_none_are_the_callers_mistake(served: tuple[str, int, str], sent: bytes) -> None:
    host, port, token = served
    head = f"POST {ENTRIES} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(head.encode() + sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    status = int(answer.split(b" ", 2)[1])
    assert status in {400, 422}, answer


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/2.0\r\n\r\n", 505, "http_version_not_supported"),
    ],
)
def test_what_is_no_http_is_refused_by_a_problem_document_too(
    served: tuple[str, int, str], sent: bytes, status: int, code: str
) -> None:
    with socket.create_connection(served[:2], timeout=10) as connection:
        connection.sendall(sent)
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")

    assert int(head.split(b" ", 2)[1]) == status
    assert b"Content-Type: application/problem+json" in head
    document = json.loads(body)
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"].endswith(code)
    assert document["title"]
    assert document["detail"]


# --- operations -----------------------------------------------------------------------------------------------------


def test_operators_see_and_mend_what_is_kept(stored: Bench) -> None:
    stored.inbox().take([stored.message(id=f"evt-{number}", name="failing") for number in range(3)])
    operator = stored.http(scope="ops")

    listed = operator.get("/v1/ops/inbox", query_string={"status": "pending", "limit": 2}).json or {}
    rest = operator.get("/v1/ops/inbox", query_string={"cursor": listed["next_cursor"]}).json or {}
    assert [entry["event_id"] for entry in listed["data"] + rest["data"]] == ["evt-0", "evt-1", "evt-2"]
    assert "body" not in listed["data"][0], "bodies may be private"
    assert (operator.post("/v1/ops/inbox/evt-0/retry").json or {})["attempts"] == 0
    assert (operator.post("/v1/ops/inbox/evt-1/discard").json or {})["status"] == "discarded"
    problem(operator.post("/v1/ops/inbox/evt-1/discard"), 409, "invalid_transition")
    problem(operator.post("/v1/ops/inbox/evt-2/retry", json={"at": "once"}), 422, "invalid")
    problem(operator.post("/v1/ops/inbox/evt-2/retry", data="{", content_type="application/json"), 400, "invalid_json")
    problem(operator.post("/v1/ops/inbox/evt-none/retry"), 404, "not_found")
    assert (operator.get("/v1/ops/dead").json or {}) == {"data": [], "next_cursor": None}


def test_operators_see_the_outbox_replay_it_and_ask_for_invariants(stored: Bench) -> None:
    operator = stored.http(scope="ops")
    stored.publish()

    assert (operator.get("/v1/ops/outbox").json or {})["unpublished"] == 1
    problem(operator.post("/v1/ops/outbox/replay", json={}), 422, "invalid")
    assert operator.post("/v1/ops/outbox/replay", json={"subject": "acc_one"}).json == {"events": 0}, (
        "it is unpublished"
    )
    assert operator.get("/v1/ops/invariants").json == {
        "data": [{"name": "an event has one entry", "violations": 0, "ids": []}]
    }
    for _ in range(2):
        with stored.service.store.transaction():
            stored.ledger.enter("acc_one", "evt-twice", "acc_one", "twice")
    assert (operator.get("/v1/ops/invariants").json or {})["data"][0]["ids"] == ["evt-twice"]


def test_resync_sends_the_present_state_to_one_queue_alone(stored: Bench) -> None:
    operator = stored.http(scope="ops")
    stored.inbox().take([stored.message(subject=f"acc_{number}") for number in range(3)])

    assert operator.post("/v1/ops/resync", json={"to": "notifications"}).json == {"events": 3}
    rows = stored.rows("SELECT queue, type, subject FROM outbox ORDER BY subject")
    assert rows == [("notifications.events", "account.snapshot", f"acc_{number}") for number in range(3)]
    problem(operator.post("/v1/ops/resync", json={"to": "nobody"}), 422, "invalid")
    problem(operator.post("/v1/ops/resync", json={"to": "payments"}), 422, "invalid")
