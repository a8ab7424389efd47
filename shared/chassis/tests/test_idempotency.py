"""Idempotency-Key: one effect and one answer, whoever asks how often and whatever dies in the middle."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import requests
from shared.chassis.tests.driver import Bench, Environment, together
from werkzeug.test import TestResponse

from chassis import auth, idempotency
from chassis.processes import housekeeping
from support.processes import Processes
from support.waiting import wait_until

ENTRIES = "/v1/entries"
LEDGER = "shared.chassis.tests.ledger"


def post(
    bench: Bench, body: dict[str, Any], key: str = "key-1", account_id: str = "acc_one", **more: Any
) -> TestResponse:
    return bench.http(account_id=account_id, **more).post(ENTRIES, json=body, headers={"Idempotency-Key": key})


def replayed(answer: TestResponse) -> bool:
    return answer.headers.get("Idempotent-Replayed") == "true"


def test_the_same_key_fifty_times_at_once_has_one_effect_and_one_answer(stored: Bench) -> None:
    answers = together(50, lambda _: post(stored, {"note": "once"}))

    assert [answer.status_code for answer in answers] == [201] * 50
    assert len({answer.get_data() for answer in answers}) == 1
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    assert Counter(replayed(answer) for answer in answers) == {True: 49, False: 1}
    assert stored.entries() == 1
    assert stored.unpublished() == 1


def test_a_large_answer_is_given_again_with_its_etag(stored: Bench) -> None:
    first, again = (post(stored, {"note": "x" * 70_000}) for _ in range(2))
    assert replayed(again)
    assert first.get_data() == again.get_data()
    assert first.headers.get("ETag") == again.headers.get("ETag")


@pytest.mark.integration
def test_the_same_key_at_once_in_several_processes(
    processes: Processes, environment: Environment, suite: Bench
) -> None:
    apis = [processes.start(LEDGER, "api", environment=environment) for _ in range(2)]
    token = auth.issue(environment["AUTH_JWT_SECRET"], account_id="acc_one", scope="payments:write")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "key-1"}

    answers = together(
        20, lambda n: requests.post(f"{apis[n % 2].url}{ENTRIES}", json={"note": "x"}, headers=headers, timeout=30)
    )

    assert [answer.status_code for answer in answers] == [201] * 20
    assert len({answer.text for answer in answers}) == 1
    assert suite.entries() == 1


def test_white_space_and_the_order_of_fields_do_not_make_another_request(stored: Bench) -> None:
    first = post(stored, {"note": "x", "amount": 1})
    second = stored.http().post(
        ENTRIES,
        data=b'{ "amount" : 1,\n "note":"\\u0078" }',
        content_type="application/json",
        headers={"Idempotency-Key": "key-1"},
    )

    assert replayed(second)
    assert second.get_data() == first.get_data()
    assert second.content_type == first.content_type


@pytest.mark.parametrize(
    "change",
    [{"body": {"note": "y"}}, {"body": {"note": "x", "amount": 1.0, "lines": []}}, {"scope": "payments:write"}],
    ids=["another note", "more fields", "fewer scopes"],
)
def test_the_same_key_for_another_request_is_refused(stored: Bench, change: dict[str, Any]) -> None:
    post(stored, {"note": "x"})

    answer = post(stored, **{"body": {"note": "x"}, **change})

    assert answer.status_code == 422
    assert (answer.json or {})["code"] == "idempotency_key_reused"
    assert stored.entries() == 1


def test_a_refusal_frees_the_key_and_leaves_nothing(stored: Bench) -> None:
    refused = post(stored, {"note": "refuse"})
    assert refused.status_code == 409
    assert stored.entries() == stored.unpublished() == 0

    assert post(stored, {"note": "x", "amount": "many"}).status_code == 422
    assert not replayed(post(stored, {"note": "x"}))
    assert replayed(post(stored, {"note": "x"}))


def test_keys_of_several_accounts_are_apart(stored: Bench) -> None:
    first, second = post(stored, {"note": "x"}), post(stored, {"note": "x"}, account_id="acc_two")

    assert not replayed(second)
    assert (first.json or {})["id"] != (second.json or {})["id"]


def test_a_key_is_forgotten_after_a_day(stored: Bench) -> None:
    post(stored, {"note": "x"})
    stored.clock.jump_to(stored.clock.now() + timedelta(hours=23, minutes=59))
    assert replayed(post(stored, {"note": "x"}))
    assert idempotency.delete_expired(stored.service.store, stored.clock) == 0

    stored.clock.jump_to(stored.clock.now() + timedelta(minutes=2))

    assert not replayed(post(stored, {"note": "another day, another request"}))
    stored.clock.jump_to(stored.clock.now() + timedelta(hours=25))
    (tidy,) = housekeeping(stored.service)
    assert tidy.run() == 1
    assert stored.rows("SELECT * FROM idempotency_keys") == []


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_key_that_is_none(stored: Bench, key: str) -> None:
    assert post(stored, {"note": "x"}, key=key).status_code == 422


def test_the_answer_commits_with_the_effect(stored: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    right = stored.service.store.execute

    def break_at_the_answer(sql: str, parameters: Any = ()) -> Any:
        if sql.startswith("UPDATE idempotency_keys"):
            raise ZeroDivisionError
        return right(sql, parameters)

    monkeypatch.setattr(stored.service.store, "execute", break_at_the_answer)
    assert post(stored, {"note": "x"}).status_code == 500
    monkeypatch.undo()

    assert stored.entries() == stored.unpublished() == 0
    assert not replayed(post(stored, {"note": "x"}))


def test_one_still_in_flight_is_waited_for(stored: Bench) -> None:
    first, second = _two_at_once(stored)

    assert not replayed(first)
    assert replayed(second)
    assert stored.entries() == 1


def test_one_in_flight_for_too_long_is_a_conflict_that_says_when_to_come_back(
    stored: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "_PATIENCE_SECONDS", 0.3)
    first = threading.Thread(target=post, args=(stored, {"note": "wait"}))
    first.start()
    wait_until(lambda: bool(_keys(stored)), what="the first to be under way")

    answer = post(stored, {"note": "wait"})
    stored.ledger.gate.set()
    first.join()

    assert answer.status_code == 409
    assert (answer.json or {})["code"] == "idempotency_in_flight"
    assert answer.headers["Retry-After"] == "1"
    assert replayed(post(stored, {"note": "wait"}))


@pytest.mark.integration
def test_one_in_flight_in_another_process_is_a_conflict_after_five_seconds(suite: Bench) -> None:
    with psycopg.connect(suite.service.settings.store_url) as other:
        other.execute(
            "INSERT INTO idempotency_keys (account_id, key, fingerprint, created_at) VALUES ('acc_one', 'key-1', '', now())"
        )
        began = time.monotonic()
        answer = post(suite, {"note": "x"})
        took = time.monotonic() - began
        other.rollback()

    assert answer.status_code == 409
    assert (answer.json or {})["code"] == "idempotency_in_flight"
    assert 4.5 < took < 8
    assert post(suite, {"note": "x"}).status_code == 201, "the other one is gone"


@pytest.mark.integration
def test_a_crash_in_the_middle_leaves_nothing(processes: Processes, environment: Environment, suite: Bench) -> None:
    api = processes.start(LEDGER, "api", environment=environment)
    token = auth.issue(environment["AUTH_JWT_SECRET"], account_id="acc_one", scope="payments:write")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "key-1"}

    with pytest.raises(requests.ConnectionError):
        requests.post(f"{api.url}{ENTRIES}", json={"note": "crash"}, headers=headers, timeout=30)
    wait_until(lambda: not api.alive(), what="the process to be dead")

    assert suite.rows("SELECT * FROM idempotency_keys") == []
    assert suite.entries() == 0
    assert not replayed(post(suite, {"note": "x"}))


def _keys(bench: Bench) -> set[tuple[str, str]]:
    keys: idempotency.KeysInUse = bench.app.extensions["timeblu_keys"]
    return keys._names


def _two_at_once(bench: Bench) -> list[TestResponse]:
    """Two requests of one key; the first is held up until it is under way."""

    def release() -> None:
        wait_until(lambda: bool(_keys(bench)), what="the first to be under way")
        bench.ledger.gate.set()

    releasing = threading.Thread(target=release)
    releasing.start()
    answers = together(2, lambda _: post(bench, {"note": "wait"}))
    releasing.join()
    return sorted(answers, key=replayed)
