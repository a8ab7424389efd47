"""The journey of a subject: what was published and handled of it, and nothing of what it says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from shared.chassis.tests.driver import Bench

from chassis import outbox
from chassis.erasing import blank_traffic
from chassis.journey import MOST
from contracts.fields import rfc3339


def steps_of(bench: Bench, subject: str) -> list[dict[str, Any]]:
    answer = bench.http(scope="ops").get("/v1/ops/journey", query_string={"subject": subject})
    assert answer.status_code == 200, answer.text
    return list((answer.json or {})["data"])


def asked(bench: Bench, query: Any) -> dict[str, Any]:
    return bench.http(scope="ops").get("/v1/ops/journey", query_string=query).json or {}


def test_it_tells_what_was_published_and_handled_in_order_and_no_bodies(stored: Bench) -> None:
    published = stored.publish(name="a secret name")
    happened = stored.clock.now()
    stored.clock.offset += timedelta(seconds=1)
    with stored.service.store.transaction():
        outbox.mark_published(stored.service.store, [published], stored.clock.now())
    stored.inbox().take([stored.message(id="evt-other", subject="acc_other")])
    stored.clock.offset += timedelta(seconds=1)
    stored.inbox().take([stored.message(id="evt-one", name="a secret name", type="account.updated")])

    made, handled = steps_of(stored, "acc_one")
    published_at, at = made.pop("published_at"), made.pop("at")
    assert at <= rfc3339(happened) < published_at
    assert made == {
        "id": published,
        "type": "account.created",
        "subject": "acc_one",
        "sequence": 1,
        "role": "published",
        "service": "payments",
        "handler": None,
        "status": "published",
        "attempts": 0,
        "error": None,
    }
    assert handled.pop("at") > published_at
    assert handled == {
        "id": "evt-one",
        "type": "account.updated",
        "subject": "acc_one",
        "sequence": None,
        "role": "handled",
        "service": "payments",
        "published_at": None,
        "handler": "account.updated",
        "status": "done",
        "attempts": 0,
        "error": None,
    }


def test_what_is_held_up_says_why(stored: Bench) -> None:
    unsent = stored.publish()
    with stored.service.store.transaction():
        outbox.mark_failed(stored.service.store, unsent, "no queue wanted it", stored.clock.now())
    stored.clock.offset += timedelta(seconds=1)
    stored.inbox().take([stored.message(name="failing")])

    assert [(step["status"], step["attempts"], step["error"]) for step in steps_of(stored, "acc_one")] == [
        ("unpublished", 1, "no queue wanted it"),
        ("pending", 1, "Refused: the name says so"),
    ]


def test_several_subjects_are_asked_for_at_once_and_what_concerns_them_is_found(plain: Bench) -> None:
    for subject in ("acc_whole", "acc_whole_too", "acc_two", "acc_three"):
        plain.publish(subject=subject)

    assert asked(plain, {"subject": "acc_whole"})["subjects"] == ["acc_whole", "acc_whole_too"]
    for query in (
        {"subject": "acc_whole,acc_two"},
        [("subject", "acc_whole"), ("subject", "acc_two"), ("subject", "acc_whole")],
    ):
        answer = asked(plain, query)
        assert answer["subjects"] == ["acc_whole", "acc_two", "acc_whole_too"]
        assert [step["subject"] for step in answer["data"]] == ["acc_whole", "acc_whole_too", "acc_two"]


def test_of_very_many_steps_the_newest_are_told(plain: Bench) -> None:
    with plain.service.store.transaction():
        for number in range(MOST + 1):
            plain.publish_inside(type="account.created" if number else "account.snapshot")
    whole = asked(plain, {"subject": "acc_one"})
    assert (len(whole["data"]), whole["truncated"]) == (MOST, True)
    assert "account.snapshot" not in {step["type"] for step in whole["data"]}
    plain.publish(subject="acc_two")
    assert asked(plain, {"subject": "acc_two"})["truncated"] is False


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"subject": ""},
        {"subject": ","},
        {"subject": ",".join(["acc_one"] * 51)},
        {"subject": "a" * 201},
        {"subject": "acc_one", "more": "1"},
    ],
)
def test_a_question_that_is_none_is_422(plain: Bench, query: dict[str, str]) -> None:
    answer = plain.http(scope="ops").get("/v1/ops/journey", query_string=query)
    assert (answer.status_code, (answer.json or {})["code"]) == (422, "invalid")
    assert (answer.json or {})["errors"]


def test_it_is_for_operators_alone(plain: Bench) -> None:
    caller = plain.http(scope="payments:read payments:write")
    assert caller.get("/v1/ops/journey", query_string={"subject": "acc_one"}).status_code == 403


def test_the_rows_are_found_through_indexes(stored: Bench) -> None:
    store = stored.service.store
    for table in ("outbox", "inbox"):
        with store.transaction():
            if store.on_postgresql:
                # However few rows there are.
                store.execute("SET LOCAL enable_seqscan = off")
            explain = "EXPLAIN" if store.on_postgresql else "EXPLAIN QUERY PLAN"
            plan = store.execute(f"{explain} SELECT * FROM {table} WHERE subject IN (%s, %s)", ("acc_one", "acc_two"))
        assert f"{table}_subject" in str(plan)


def test_an_erasure_leaves_nothing_of_why_an_event_was_given_up(stored: Bench) -> None:
    stored.inbox().take([stored.message(id="evt-one", name="failing")])
    stored.inbox().take([stored.message(id="evt-two", subject="acc_two", name="failing")])
    for id_ in ("evt-one", "evt-two"):
        stored.http(scope="ops").post(f"/v1/ops/inbox/{id_}/discard")

    for blanked in (1, 0):
        with stored.service.store.transaction():
            assert blank_traffic(stored.service.store, subjects=["acc_one"])["inbox"] == blanked
    [step] = steps_of(stored, "acc_one")
    assert (step["status"], step["error"]) == ("discarded", "(erased)")
    [other] = steps_of(stored, "acc_two")
    assert other["error"] == "Refused: the name says so"
