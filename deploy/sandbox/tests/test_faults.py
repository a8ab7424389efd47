"""Faults happen as often as asked, to the requests asked for, and look like the real thing."""

import socket
import time
from urllib.parse import urlsplit

import pytest
import requests
import stripe
from deploy.sandbox.tests.driver import Running


def test_a_fault_is_counted_down_and_gone(running: Running) -> None:
    running.fault("stripe", "error_500", 2)
    for left in (1, 0):
        with pytest.raises(stripe.APIError):
            running.stripe.v1.balance.retrieve()
        planned = running.get("/faults")["data"]
        assert sum(each["count"] for each in planned) == left
    assert running.stripe.v1.balance.retrieve().object == "balance"


def test_a_count_of_nothing_clears_and_a_new_count_replaces(running: Running) -> None:
    running.fault("stripe", "error_500", 5)
    running.fault("stripe", "error_500", 3)
    assert [each["count"] for each in running.get("/faults")["data"]] == [3]
    running.fault("stripe", "error_500", 0)
    assert running.get("/faults")["data"] == []
    assert running.stripe.v1.balance.retrieve().object == "balance"


def test_a_fault_can_be_meant_for_one_path(running: Running) -> None:
    running.fault("stripe", "rate_limit", 1, path="/v1/refunds", method="POST")
    account = running.connected()
    intent = running.paid(account)
    with pytest.raises(stripe.RateLimitError):
        running.refund(account, intent)


def test_a_dropped_connection_gives_not_one_byte(running: Running) -> None:
    """Looked at on the socket, as an HTTP client hides the difference."""
    running.fault("stripe", "drop_after_processing")
    address = urlsplit(running.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as connection:
        connection.sendall(
            f"GET /sandbox/stripe/v1/balance HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {running.sandbox.keys.stripe_secret_key}\r\n\r\n".encode()
        )
        assert connection.recv(1000) == b""


def test_a_timeout_does_nothing_and_gives_no_answer(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    running.fault("stripe", "timeout")
    began = time.monotonic()
    with pytest.raises(stripe.APIConnectionError):
        running.refund(account, intent, key="once")
    assert time.monotonic() - began >= 0.3
    assert running.refunds(account, intent) == []
    assert running.refund(account, intent, key="once").status == "succeeded"


def test_the_dashboard_and_the_hosted_pages_know_no_faults(running: Running) -> None:
    session = running.checkout(running.connected())
    running.fault("stripe", "error_500", 3)
    running.get("/stripe")
    running.get("/stripe/refunds")
    assert running.pay(session).status_code == 303
    assert running.get("/faults")["data"][0]["count"] == 3


@pytest.mark.parametrize(
    "body",
    [
        {"target": "moon", "fault": "error_500"},
        {"target": "stripe", "fault": "rain"},
        {"target": "stripe", "fault": "error_500", "count": -1},
        {"target": "stripe", "fault": "error_500", "count": "2"},
        [],
    ],
)
def test_a_fault_that_does_not_exist_is_refused(running: Running, body: object) -> None:
    assert requests.post(f"{running.url}/faults", json=body, timeout=10).status_code == 422


def test_reset_forgets_what_passed_through_and_keeps_accounts(running: Running) -> None:
    account = running.connected()
    intent = running.paid(account)
    running.refund(account, intent)
    running.fault("smtp", "error_500", 3)

    running.post("/reset")

    assert running.get("/stripe/refunds")["data"] == []
    assert running.get("/faults")["data"] == []
    running.paid(account)
    running.post("/reset", everything=True)
    with pytest.raises(stripe.PermissionError):
        running.checkout(account)
