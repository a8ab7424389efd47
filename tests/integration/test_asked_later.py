"""A deposit that could not be asked when its session was booked: once Stripe is connected the client gets the link, and the time to pay by it."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from embedded.practice import Practice, wait_for
from support.single import Single

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Single]:
    single = Single(directory=tmp_path_factory.mktemp("embedded"))
    yield single.start()
    single.stop()


@pytest.fixture
def stranger(suite: Single) -> Practice:
    """A provider who is not connected to Stripe, open at all hours, with a booking page."""
    made = suite.practice(f"acc_{secrets.token_hex(6)}")
    made.provision()
    made.open_all_day()
    page = {"booking": {"enabled": True, "auto_confirm": "manual"}}
    assert made.call("PATCH", "scheduling", "/v1/account", json=page).status_code == 200
    return made


def an_address() -> str:
    return f"ada.{uuid.uuid4().hex[:10]}@client.example"


def in_days(practice: Practice, days: float) -> str:
    return (practice.now() + timedelta(days=days)).replace(minute=0, second=0, microsecond=0).isoformat()


def booked_online(practice: Practice, email: str) -> Any:
    """A slot that a client booked at the page while no deposit could be asked, and was told of."""
    service = practice.session_type(online=True)
    answer = requests.post(
        f"{practice.services['scheduling']}/v1/booking/{practice.account_id.removeprefix('acc_')}/sessions",
        json={
            "service_id": service["id"],
            "starts_at": in_days(practice, 10),
            "timezone": "Europe/Berlin",
            "client": {"name": "Ada Lovelace", "email": email},
        },
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    practice.wait_deposit(answer.json()["id"], "not_asked")
    practice.wait_mail(email, "awaiting confirmation")
    return answer.json()


def links_told(practice: Practice, email: str, url: str) -> list[str]:
    """The kinds of the messages that gave the client this link, oldest first."""
    sent = practice.get("notifications", "/v1/deliveries", status="sent", limit=200)["data"]
    kinds = [each["kind"] for each in reversed(sent) if each["to"] == email]
    mails = list(reversed(practice.mails(email)))
    return [kind for kind, mail in zip(kinds, mails, strict=True) if url in mail["text"]]


def test_a_client_who_booked_before_stripe_was_connected_gets_the_link_and_half_an_hour(stranger: Practice) -> None:
    email = an_address()
    booked = booked_online(stranger, email)
    stranger.advance(hours=5)
    assert stranger.session(booked["id"])["status"] == "pending"
    stranger.connect_stripe()
    url = stranger.wait_deposit(booked["id"], "required")["payment_url"]
    stranger.wait_mail(email, url)

    stranger.advance(minutes=29)
    assert stranger.session(booked["id"])["status"] == "pending"
    stranger.advance(minutes=2)
    wait_for(lambda: stranger.session(booked["id"])["status"] == "cancelled", "the slot is released")
    stranger.wait_mail(email, "Released")
    assert links_told(stranger, email, url) == ["deposit_due"]


def test_a_client_who_pays_by_the_link_that_came_later_keeps_the_slot(stranger: Practice) -> None:
    email = an_address()
    booked = booked_online(stranger, email)
    stranger.connect_stripe()
    url = stranger.wait_deposit(booked["id"], "required")["payment_url"]
    stranger.wait_mail(email, url)
    assert stranger.pay(url).status_code == 303
    stranger.wait_deposit(booked["id"], "paid")
    stranger.advance(hours=2)
    assert stranger.session(booked["id"])["status"] == "pending"


def test_a_session_that_the_provider_made_is_told_of_with_the_link_and_reminded_of_after_three_days(
    stranger: Practice,
) -> None:
    email = an_address()
    client, service = stranger.client("Ada Lovelace", email), stranger.session_type()
    booked = stranger.post(
        "scheduling",
        "/v1/sessions",
        {"service_id": service["id"], "client_id": client["id"], "starts_at": in_days(stranger, 10)},
    )
    stranger.wait_mail(email, "Confirmed")
    stranger.connect_stripe()
    url = stranger.wait_deposit(booked["id"], "required")["payment_url"]
    stranger.wait_mail(email, url)
    assert links_told(stranger, email, url) == ["deposit_due"]
    stranger.advance(hours=73)
    wait_for(lambda: len(links_told(stranger, email, url)) == 2, "the reminder of the deposit")


def test_another_session_type_that_asks_a_deposit_is_told_with_its_link(stranger: Practice) -> None:
    email = an_address()
    stranger.connect_stripe()
    client, free, asking = (
        stranger.client("Ada Lovelace", email),
        stranger.session_type(percent=None),
        stranger.session_type(),
    )
    booked = stranger.post(
        "scheduling",
        "/v1/sessions",
        {"service_id": free["id"], "client_id": client["id"], "starts_at": in_days(stranger, 10)},
    )
    stranger.wait_mail(email, "Confirmed")
    changed = stranger.call("PATCH", "scheduling", f"/v1/sessions/{booked['id']}", json={"service_id": asking["id"]})
    assert changed.status_code == 200, changed.text
    url = stranger.wait_deposit(booked["id"], "required")["payment_url"]
    stranger.wait_mail(email, url)
    stranger.advance(minutes=10)
    assert links_told(stranger, email, url) == ["deposit_due"]
