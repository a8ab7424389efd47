"""What answers outside the services speaks as they do."""

from __future__ import annotations

import pytest

from embedded.front import create_front


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("POST", "/", 405, "method_not_allowed")],
)
def test_what_is_refused_is_a_problem_document(method: str, path: str, status: int, code: str) -> None:
    answer = create_front(lambda: True).test_client().open(path, method=method)
    problem = answer.get_json()
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem.keys() >= {"type", "title", "detail"}


def test_while_nothing_is_there_yet_everything_is_asked_to_come_again() -> None:
    front = create_front(lambda: False).test_client()
    answer = front.get("/scheduling/v1/sessions")
    assert (answer.status_code, answer.get_json()["code"], answer.headers["Retry-After"]) == (503, "unavailable", "1")
    assert front.get("/healthz").status_code == 200
    assert front.get("/readyz").status_code == 503
