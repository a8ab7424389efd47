"""What is refused before any store is asked, so on one store alone: bad fields and parameters, missing scopes, unknown accounts."""

import base64
from typing import Any

import pytest
from services.clients.tests.driver import Caller, Suite


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """SQLite for these."""
    return sqlite_url


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"email": "anna"}, "/email"),
        ({"phone": "12"}, "/phone"),
        ({"birth_date": "yesterday"}, "/birth_date"),
        ({"tags": "VIP"}, "/tags"),
        ({"tags": [""]}, "/tags/0"),
        ({"locale": "not a locale"}, "/locale"),
        ({"timezone": "Mars/Base"}, "/timezone"),
        ({"contact": {"fax": True}}, "/contact/fax"),
        ({"contact": None}, "/contact"),
        ({"contact": {"sms": "no"}}, "/contact/sms"),
        ({"allow_duplicate": "yes"}, "/allow_duplicate"),
        ({"unknown": 1}, "/unknown"),
        ({"id": "cli_mine"}, "/id"),
    ],
)
def test_a_bad_field_is_named(provider: Caller, wrong: dict[str, Any], pointer: str) -> None:
    made = provider.made(name="Before")
    for answer in (
        provider.post("/v1/clients", {"name": "Anna", **wrong}),
        provider.patch(f"/v1/clients/{made['id']}", wrong),
    ):
        assert answer.status_code == 422
        assert answer.json["code"] == "invalid"
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert provider.found() == ["Before"]


def test_every_bad_address_is_named_at_once(provider: Caller) -> None:
    answer = provider.post("/v1/clients", {"name": "Anna", "email": "x", "phone": "y"})
    assert [error["pointer"] for error in answer.json["errors"]] == ["/email", "/phone"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", ""),
        ("GET", "/cli_1"),
        ("PATCH", "/cli_1"),
        ("DELETE", "/cli_1"),
        ("POST", "/cli_1/restore"),
        ("GET", "/cli_1/timeline"),
    ],
)
def test_an_account_that_is_not_known_yet_is_told_to_come_back(suite: Suite, method: str, path: str) -> None:
    body = {"name": "Anna"} if method in {"POST", "PATCH"} and not path.endswith("restore") else None
    answer = suite.caller("acc_new").call(method, f"/v1/clients{path}", body)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_reading_and_writing_need_their_scopes(suite: Suite, provider: Caller) -> None:
    made = provider.made(name="Anna")
    reader, other = suite.caller("acc_one", "clients:read"), suite.caller("acc_one", "sessions:write ops")
    assert reader.get(f"/v1/clients/{made['id']}").status_code == 200
    refused = [
        reader.post("/v1/clients", {"name": "B"}),
        reader.patch(f"/v1/clients/{made['id']}", {"name": "B"}),
        reader.delete(f"/v1/clients/{made['id']}"),
        reader.post(f"/v1/clients/{made['id']}/restore"),
        other.get("/v1/clients"),
        suite.caller("acc_one", "clients:write").get("/v1/clients"),
    ]
    assert [(answer.status_code, answer.json["code"]) for answer in refused] == [(403, "forbidden")] * len(refused)


def test_half_a_character_and_a_null_are_refused_and_not_an_error_of_ours(provider: Caller) -> None:
    for text in (r"\ud800", r"a\u0000b"):
        assert provider.post("/v1/clients", f'{{"name": "Anna", "notes": "{text}"}}').status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=nonsense",
        "cursor=W10",
        "updated_since=2026-01-01",
        "updated_since=2026-01-01T00:00:00",
        "page=2",
        "updated_since=2026-01-01T00:00:00Z&cursor=WyJ4IiwieSJd",
    ],
)
def test_a_bad_parameter_is_named(provider: Caller, query: str) -> None:
    answer = provider.get(f"/v1/clients?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert answer.json["errors"]


@pytest.mark.parametrize("values", ['["\\u0000"]', '["\\ud800"]', "[7]", '["cli_x"]', '[["a"]]', '{"a": 1}'])
def test_a_forged_cursor_is_refused_and_not_an_error_of_ours(provider: Caller, values: str) -> None:
    cursor = base64.urlsafe_b64encode(values.encode()).decode().rstrip("=")
    answer = provider.get(f"/v1/clients?cursor={cursor}")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/cursor")
