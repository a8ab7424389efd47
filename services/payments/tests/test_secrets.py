"""No key, no card, no payment link and no address of a client is in any line of log, whatever goes wrong."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import time
from collections.abc import Iterator

import pytest
import stripe
from services.payments.tests.practice import DECLINED, VISA, Practice

from chassis import telemetry


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a process of the service writes as its log, at the most talkative level."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with contextlib.redirect_stderr(io.StringIO()) as stream:
        telemetry.configure_logging("DEBUG", process="payments test")
        own = root.handlers[0]
        root.handlers[:] = [*handlers, own]
        yield stream
    root.removeHandler(own)
    root.setLevel(level)


def test_keys_cards_links_and_addresses_are_in_no_line(practice: Practice, written: io.StringIO) -> None:
    session_id = practice.book()
    page = practice.open_page(session_id)
    practice.pay_at(page, DECLINED)
    practice.pay_at(page, VISA)
    practice.settle_down()
    practice.fault("error_500", 1, method="POST", path="/v1/refunds")
    practice.fault("drop_after_processing", 1, method="POST", path="/v1/refunds")
    practice.cancel(session_id)
    assert practice.standing(session_id)[0] == "refunded"
    secret = practice.sandbox.keys.stripe_webhook_secret
    for signature in ("", "t=1,v1=forged", _signed(b"{}", secret, age=600), _signed(b"{}", secret)):
        answer = practice.http.post("/v1/webhooks/stripe", data=b"{}", headers={"Stripe-Signature": signature})
        assert answer.status_code == 400
    practice.http.get(practice.link(session_id))
    said = [json.loads(line) for line in written.getvalue().splitlines() if line.startswith("{")]
    # The sandbox, which runs in the same process here, is not ours to judge.
    logged = "\n".join(str(line) for line in said if not line["logger"].startswith("sandbox"))
    logged += repr(practice.service.settings)
    assert "bad signature" in logged
    assert "is unsure" in logged
    link = practice.link(session_id).rpartition("/")[2]
    for what in (
        practice.sandbox.keys.stripe_secret_key,
        secret,
        VISA,
        DECLINED,
        link,
        "ada@example.com",
        "Ada Client",
    ):
        assert what not in logged


def _signed(body: bytes, secret: str, *, age: int = 0) -> str:
    at = int(time.time()) - age
    signature = stripe.WebhookSignature._compute_signature(f"{at}.{body.decode()}", secret)
    return f"t={at},v1={signature}"
