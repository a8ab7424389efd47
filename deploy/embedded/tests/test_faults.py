"""What the outside does wrong, asked for at the sandbox of a running suite: each leads to one refund."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from deploy.embedded.tests.driver import Running

from embedded.practice import Practice


@pytest.mark.parametrize(
    "fault", ["error_500", "error_500_after_processing", "rate_limit", "timeout", "drop_after_processing"]
)
def test_a_fault_while_refunding_makes_one_refund(practice: Practice, fault: str) -> None:
    starts_at = practice.now() + timedelta(days=10)
    booked = practice.paid_session(
        service_id=practice.session_type()["id"],
        client_id=practice.client("Ada Lovelace", "ada@client.example")["id"],
        starts_at=starts_at,
    )
    practice.sandbox(
        "POST", "/faults", {"target": "stripe", "fault": fault, "count": 1, "method": "POST", "path": "/v1/refunds"}
    )
    practice.cancel(booked["id"], refund="refund")
    done = practice.wait_deposit(booked["id"], "refunded")
    assert done["deposit"]["refunded_amount"] == 2000
    assert practice.sandbox("GET", "/faults")["data"] == []  # it was met
    deposit = practice.deposit_of(booked["id"])["id"]
    made = [refund for refund in practice.refunds_at_stripe() if refund["metadata"]["timeblu_deposit"] == deposit]
    assert [refund["amount"] for refund in made] == [2000]


def test_a_drop_closes_the_connection_without_a_byte_after_the_work_was_done(shared: Running) -> None:
    practice = shared.practice()
    name = "Dropped Practice"
    practice.sandbox("POST", "/faults", {"target": "stripe", "fault": "drop_after_processing", "count": 1})
    assert _create_account(shared, practice, name) == b""
    answer = _create_account(shared, practice, "Another Practice")
    assert answer.startswith(b"HTTP/1.1 200")
    listed = practice.call("GET", "sandbox", "/stripe/v1/accounts", headers=_authorization(practice)).json()["data"]
    assert name in {account["business_profile"]["name"] for account in listed}


def _create_account(shared: Running, practice: Practice, name: str) -> bytes:
    """All bytes that come back until the connection is closed."""
    body = urlencode({"type": "standard", "country": "DE", "business_profile[name]": name})
    lines = [
        "POST /sandbox/stripe/v1/accounts HTTP/1.1", f"Host: 127.0.0.1:{shared.port}", "Connection: close",
        "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}",
        *(f"{key}: {value}" for key, value in _authorization(practice).items()), "", body,
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", shared.port), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).encode())
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


def _authorization(practice: Practice) -> dict[str, Any]:
    return {"Authorization": f"Bearer {practice.sandbox('GET', '/stripe')['secret_key']}"}
