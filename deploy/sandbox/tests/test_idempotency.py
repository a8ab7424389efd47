"""Stripe's own rules of idempotency keys, seen by the real SDK."""

import threading
from typing import Any

import pytest
import requests
import stripe
from deploy.sandbox.tests.driver import Running, Serve


def _raw(running: Running, account: str, intent: str, key: str, **form: Any) -> requests.Response:
    return requests.post(
        f"{running.url}/stripe/v1/refunds",
        data={"payment_intent": intent, **form},
        auth=(running.sandbox.keys.stripe_secret_key, ""),
        headers={"Idempotency-Key": key, "Stripe-Account": account},
        timeout=20,
    )


def test_the_same_key_and_parameters_replay_the_first_answer(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)

    first = _raw(running, account, intent, "once", amount=500)
    again = _raw(running, account, intent, "once", amount=500)

    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first.headers
    assert first.headers["Original-Request"] == first.headers["Request-Id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
    assert len(running.refunds(account, intent)) == 1


def test_the_same_key_with_other_parameters_is_an_error(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    running.refund(account, intent, key="once", amount=500)
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        running.refund(account, intent, key="once", amount=600)
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        running.stripe.v1.checkout.sessions.expire(
            "cs_test_x", {}, {"stripe_account": account, "idempotency_key": "once"}
        )


def test_a_key_belongs_to_its_account(running: Running) -> None:
    one, other = running.connected(), running.connected()
    first = running.refund(one, running.paid(one), key="once")
    second = running.refund(other, running.paid(other), key="once")
    assert first.id != second.id


def test_what_fails_validation_is_not_remembered(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    for wrong in ({"amount": "many"}, {"reason": "rain"}, {"surprise": "yes"}):
        assert _raw(running, account, intent, "once", **wrong).status_code == 400
    assert running.refund(account, intent, key="once").status == "succeeded"


def test_what_fails_in_execution_is_remembered(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    running.refund(account, intent)
    first = _raw(running, account, intent, "late")
    again = _raw(running, account, intent, "late")
    assert first.json()["error"]["code"] == "charge_already_refunded"
    assert (again.status_code, again.json()) == (400, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(("fault", "refunds"), [("error_500", 0), ("error_500_after_processing", 1)])
def test_a_500_is_remembered_with_its_key(running: Running, fault: str, refunds: int) -> None:
    account = running.connected()
    intent = running.paid(account)
    running.fault("stripe", fault)

    for replayed in (None, "true", "true"):
        with pytest.raises(stripe.APIError) as failed:
            running.refund(account, intent, key="once")
        assert failed.value.http_status == 500
        assert failed.value.headers is not None
        assert failed.value.headers.get("Idempotent-Replayed") == replayed
        assert failed.value.headers["Stripe-Should-Retry"] == "false"
    assert len(running.refunds(account, intent)) == refunds
    if not refunds:
        assert running.refund(account, intent, key="another").status == "succeeded"


def test_a_rate_limit_is_not_remembered(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    running.fault("stripe", "rate_limit", 2)
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError) as limited:
            running.refund(account, intent, key="once")
        assert limited.value.http_status == 429
    assert running.refund(account, intent, key="once").status == "succeeded"


def test_an_answer_that_was_lost_can_be_asked_for_again_by_its_key(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    running.fault("stripe", "drop_after_processing")

    with pytest.raises(stripe.APIConnectionError):
        running.refund(account, intent, key="once", amount=700)

    [made] = running.refunds(account, intent)
    assert running.refund(account, intent, key="once", amount=700).id == made.id


def test_the_sdks_own_retries_find_what_was_done(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    running.fault("stripe", "drop_after_processing")
    refund = running.stripe.v1.refunds.create(
        {"payment_intent": intent}, {"stripe_account": account, "max_network_retries": 2}
    )
    assert [each.id for each in running.refunds(account, intent)] == [refund.id]


def test_fifty_requests_with_one_key_make_one_refund(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    answers: list[requests.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(_raw(running, account, intent, "once", amount=100)))
        for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 50
    assert {answer.status_code for answer in answers} <= {200, 409}
    for refused in (answer for answer in answers if answer.status_code == 409):
        assert refused.json()["error"]["code"] == "idempotency_key_in_use"
        assert refused.headers["Stripe-Should-Retry"] == "true"
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 1
    assert len(running.refunds(account, intent)) == 1


def test_a_key_is_forgotten_after_24_hours_of_the_suite(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    first = running.refund(account, intent, key="once", amount=100)
    running.post("/clock", advance_seconds=23 * 3600)
    assert running.refund(account, intent, key="once", amount=100).id == first.id
    running.post("/clock", advance_seconds=3601)
    assert running.refund(account, intent, key="once", amount=100).id != first.id


def test_keys_survive_a_restart(serve: Serve) -> None:
    with serve() as first:
        account = first.connected()
        intent = first.paid(account)
        made = first.refund(account, intent, key="once")
    with serve() as second:
        assert second.refund(account, intent, key="once").id == made.id
