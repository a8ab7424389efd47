"""Webhooks: at least once, held back, repeated, reordered, through failing receivers and restarts."""

import time

import pytest
import stripe
from deploy.sandbox.tests.driver import Running, Serve, wait_until

from sandbox.delivery import Deliveries


def test_a_webhook_is_repeated_until_it_is_taken(running: Running) -> None:
    account = running.connected()
    running.event("account.updated")
    wait_until(running.sandbox.idle)
    before = len(running.receiver.requests)
    running.receiver.answers.extend([500, 503])
    running.stripe.v1.accounts.update(account, {"email": "new@example.com"})

    wait_until(lambda: len(running.receiver.requests) == before + 3, "the third attempt")

    bodies = {each.body for each in running.receiver.requests[before:]}
    assert len(bodies) == 1
    wait_until(running.sandbox.idle)
    assert running.get("/stripe/hooks")["waiting"] == 0


def test_a_webhook_that_falls_due_between_two_looks_goes_out_at_once(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = running.connected()
    wait_until(running.sandbox.idle)
    look = Deliveries._pick

    def slow_look(deliveries: Deliveries) -> bool:
        found = look(deliveries)
        time.sleep(0.3)  # as on a busy machine: the next attempt, half a second on, falls due within the second look
        return found

    monkeypatch.setattr(Deliveries, "_pick", slow_look)
    running.receiver.answers.append(500)
    began = time.monotonic()
    running.stripe.v1.accounts.update(account, {"email": "new@example.com"})
    wait_until(running.sandbox.idle)
    assert time.monotonic() - began < 25  # half a minute where it is missed


def test_webhooks_are_held_back_and_let_go(running: Running) -> None:
    account = running.connected()
    wait_until(running.sandbox.idle)
    before = len(running.receiver.requests)
    assert running.post("/stripe/hooks", hold=True)["hold"] is True

    running.paid(account)

    waiting = running.get("/stripe/hooks")["waiting"]
    assert waiting >= 4
    assert running.sandbox.idle(), "what is held back does not stop the clock"
    assert len(running.receiver.requests) == before
    running.post("/stripe/hooks", hold=False)
    wait_until(lambda: len(running.receiver.requests) == before + waiting)


def test_webhooks_outlive_a_restart(serve: Serve) -> None:
    with serve() as first:
        account = first.connected()
        wait_until(first.sandbox.idle)
        first.post("/stripe/hooks", hold=True)
        intent = first.paid(account)
    with serve() as second:
        assert not second.events("checkout.session.completed")
        second.post("/stripe/hooks", hold=False)
        assert second.event("checkout.session.completed").data.object["payment_intent"] == intent


def test_webhooks_are_repeated_and_reordered_on_demand(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account, 5000)
    wait_until(running.sandbox.idle)
    running.post("/stripe/hooks", repeat=2, shuffle=True)

    made = [running.refund(account, intent, amount=100 + number).id for number in range(20)]

    def all_told() -> list[str] | None:
        told = [event.data.object["id"] for event in running.events("refund.created")]
        return told if len(told) >= 40 else None

    told = wait_until(all_told)
    assert sorted(told) == sorted(made * 2)
    assert told != sorted(told, key=made.index)
    running.post("/stripe/hooks", repeat=1, shuffle=False)


def test_a_forged_webhook_is_noticed(running: Running) -> None:
    running.connected()
    running.event("account.updated")
    received = running.receiver.requests[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(
            received.body + b" ", received.headers["Stripe-Signature"], running.webhook_secret
        )


def test_an_event_names_the_request_that_caused_it(running: Running) -> None:
    account = running.connected()
    running.refund(account, running.paid(account), key="once")
    request = running.event("refund.created").request
    assert request is not None
    assert request.idempotency_key == "once"
    assert str(request.id).startswith("req_")


def test_a_receiver_that_is_gone_does_not_stop_the_clock(running: Running) -> None:
    running.receiver.answers.extend([500] * 100)
    running.connected()
    wait_until(running.sandbox.idle, "giving it up for now")
    assert running.get("/stripe/hooks")["waiting"] >= 1
    running.receiver.answers.clear()
