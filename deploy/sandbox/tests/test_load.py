"""The sandbox bears what the chaos suite asks of it: many at once, and no refund lost or made twice."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from deploy.sandbox.tests.driver import Running, wait_until


def test_fifty_threads_refund_at_once(running: Running) -> None:
    account = running.connected()
    intents = [running.paid(account, 2000) for _ in range(10)]

    def refund(number: int) -> str:
        return running.refund(account, intents[number % 10], key=f"key-{number}", amount=100).id

    with ThreadPoolExecutor(50) as pool:
        made = list(pool.map(refund, range(150)))

    assert len(set(made)) == 150
    assert [len(running.refunds(account, intent)) for intent in intents] == [10] * 10  # the page's default
    wait_until(running.sandbox.idle, "every webhook delivered")
    assert len({event.data.object["id"] for event in running.events("refund.created")}) == 150


def test_many_at_once_never_refund_more_than_was_paid(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account, 2000)

    def refund(number: int) -> int:
        return requests.post(
            f"{running.url}/stripe/v1/refunds",
            data={"payment_intent": intent, "amount": 300},
            auth=(running.sandbox.keys.stripe_secret_key, ""),
            headers={"Stripe-Account": account, "Idempotency-Key": f"key-{number}"},
            timeout=30,
        ).status_code

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(refund, range(20)))

    assert (answers.count(200), answers.count(400)) == (6, 14)


@pytest.mark.chaos  # alone on the machine, as a rate is measured
@pytest.mark.parametrize("seconds", [2.0])
def test_a_hundred_refunds_a_second(running: Running, seconds: float) -> None:
    """Asked for is 100 a second beside everything else; measured here with the client on the same two cores."""
    account = running.connected()
    intents = [running.paid(account, 50_000) for _ in range(4)]
    key = running.sandbox.keys.stripe_secret_key
    running.post("/stripe/hooks", hold=True)  # the receiver of this test is not what is measured

    def hammer(intent: str) -> int:
        session, done, end = requests.Session(), 0, time.monotonic() + seconds
        session.headers.update({"Stripe-Account": account, "Authorization": f"Bearer {key}"})
        while time.monotonic() < end:
            data = {"payment_intent": intent, "amount": 1}
            assert session.post(f"{running.url}/stripe/v1/refunds", data=data, timeout=60).status_code == 200
            done += 1
        return done

    with ThreadPoolExecutor(4) as pool:
        rate = sum(pool.map(hammer, intents)) / seconds

    assert rate >= 100
