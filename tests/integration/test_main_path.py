"""The main job across all four services on real parts: a deposit is asked, paid, and refunded when the session is cancelled."""

from __future__ import annotations

import contextlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.registry import SERVICES
from embedded.practice import Practice, Refused, wait_for
from support.suite import Deployment

pytestmark = pytest.mark.integration


def an_address() -> str:
    return f"ada.{uuid.uuid4().hex[:10]}@client.example"


def in_hours(hours: float) -> datetime:
    return (datetime.now(UTC) + timedelta(hours=hours)).replace(second=0, microsecond=0)


def paid(practice: Practice, *, hours: float = 240, email: str | None = None) -> Any:
    service = practice.session_type()
    client = practice.client("Ada Lovelace", email or an_address())
    return practice.paid_session(service_id=service["id"], client_id=client["id"], starts_at=in_hours(hours))


def test_a_cancelled_session_is_refunded_by_the_policy_and_everybody_is_told(practice: Practice) -> None:
    email = an_address()
    service = practice.session_type(percent=25, price=8000)
    client = practice.client("Ada Lovelace", email)
    booked = practice.book(
        service_id=service["id"], client_id=client["id"], starts_at=in_hours(36), notes="Bring a pen"
    )
    assert booked["status"] == "confirmed"
    assert booked["deposit"]["amount"] == 2000
    required = practice.wait_deposit(booked["id"], "required")
    confirmation = practice.wait_mail(email, required["payment_url"])
    assert "Bring a pen" in confirmation["text"]

    assert practice.pay(required["payment_url"]).status_code == 303
    session = practice.wait_deposit(booked["id"], "paid")
    assert session["deposit"]["held_amount"] == 2000
    practice.wait_mail(email, "20.00")

    cancelled = practice.cancel(booked["id"], refund="refund", reason="ill")
    assert (cancelled["status"], cancelled["deposit"]["status"]) == ("cancelled", "refund_pending")
    session = practice.wait_deposit(booked["id"], "partially_refunded")
    assert session["deposit"]["refunded_amount"] == 1000  # 36 hours before: the tier of 24 hours, 50 %
    refund_mail = practice.wait_mail(email, "has refunded €10.00")
    assert "5–10 business days" in refund_mail["text"]
    deposit = practice.deposit_of(booked["id"])
    assert [(r["status"], r["amount"], r["percentage"]) for r in deposit["refunds"]] == [("succeeded", 1000, 50)]
    at_stripe = [r for r in practice.refunds_at_stripe() if r["id"] == deposit["refunds"][0]["stripe_refund_id"]]
    assert [(r["amount"], r["status"]) for r in at_stripe] == [(1000, "succeeded")]


def test_skipping_the_refund_keeps_the_deposit(practice: Practice) -> None:
    session = paid(practice)
    practice.cancel(session["id"], refund="skip")
    kept = practice.wait_deposit(session["id"], "kept")
    assert (kept["deposit"]["held_amount"], kept["deposit"]["refunded_amount"]) == (2000, 0)


def test_a_paid_deposit_needs_a_decision(practice: Practice) -> None:
    session = paid(practice)
    with pytest.raises(Refused) as refused:
        practice.cancel(session["id"])
    assert (refused.value.status, refused.value.problem["code"]) == (409, "refund_decision_required")


def test_a_restored_session_is_back_at_its_status_and_asks_again_for_what_was_refunded(practice: Practice) -> None:
    session = paid(practice, hours=240)
    practice.cancel(session["id"], refund="refund")
    practice.wait_deposit(session["id"], "refunded")
    restored = practice.restore(session["id"])
    assert restored["status"] == "confirmed"
    again = practice.wait_deposit(session["id"], "required")
    assert (again["deposit"]["held_amount"], again["deposit"]["due_amount"]) == (0, 2000)
    assert practice.pay(again["payment_url"]).status_code == 303
    practice.wait_deposit(session["id"], "paid")
    practice.cancel(session["id"], refund="refund")
    practice.wait_deposit(session["id"], "refunded")
    deposit = practice.deposit_of(session["id"])
    assert [r["amount"] for r in deposit["refunds"] if r["status"] == "succeeded"] == [2000, 2000]


def test_a_restore_whose_slot_was_taken_is_a_conflict(practice: Practice) -> None:
    service = practice.session_type(percent=None)
    client = practice.client("Ada Lovelace", an_address())
    first = practice.book(service_id=service["id"], client_id=client["id"], starts_at=in_hours(240))
    practice.cancel(first["id"])
    practice.book(service_id=service["id"], client_id=client["id"], starts_at=in_hours(240))
    with pytest.raises(Refused) as refused:
        practice.restore(first["id"])
    assert (refused.value.status, refused.value.problem["code"]) == (409, "slot_taken")
    assert refused.value.problem["conflicts"]
    assert refused.value.problem["alternatives"]


def test_a_restore_waits_while_the_refund_is_under_way(practice: Practice) -> None:
    session = paid(practice)
    practice.sandbox("POST", "/faults", {"target": "stripe", "fault": "rate_limit", "count": 3})
    practice.cancel(session["id"], refund="refund")
    with pytest.raises(Refused) as refused:
        practice.restore(session["id"])
    assert (refused.value.status, refused.value.problem["code"]) == (409, "refund_in_progress")
    practice.wait_deposit(session["id"], "refunded")
    assert practice.restore(session["id"])["status"] == "confirmed"


@pytest.mark.parametrize("decision", ["refund", None])
def test_a_session_cancelled_while_its_payment_is_on_its_way(practice: Practice, decision: str | None) -> None:
    service = practice.session_type()
    client = practice.client("Ada Lovelace", an_address())
    booked = practice.book(service_id=service["id"], client_id=client["id"], starts_at=in_hours(240))
    required = practice.wait_deposit(booked["id"], "required")
    practice.sandbox("POST", "/stripe/hooks", {"hold": True})
    try:
        assert practice.pay(required["payment_url"]).status_code == 303
        practice.cancel(booked["id"], **({"refund": decision} if decision else {}))
    finally:
        practice.sandbox("POST", "/stripe/hooks", {"hold": False})
    if decision is None:
        shown = practice.wait_deposit(booked["id"], "paid")
        assert shown["cancellation"]["refund"] is None
        practice.cancel(booked["id"], refund="refund")
    practice.wait_deposit(booked["id"], "refunded")
    assert [r["amount"] for r in practice.deposit_of(booked["id"])["refunds"] if r["status"] == "succeeded"] == [2000]


def test_a_quote_is_what_comes_back(practice: Practice) -> None:
    session = paid(practice, hours=36)
    quote = practice.get("payments", f"/v1/sessions/{session['id']}/refund-quote")
    assert (quote["percentage"], quote["amount"]) == (50, 1000)
    practice.set_refund_policy(refund_percentage=0)
    practice.cancel(session["id"], refund_quote_id=quote["quote_id"])
    done = practice.wait_deposit(session["id"], "partially_refunded")
    assert done["deposit"]["refunded_amount"] == 1000


def test_another_accounts_ids_are_unknown_in_every_path(deployment: Deployment, practice: Practice) -> None:
    session = paid(practice)
    deposit = practice.deposit_of(session["id"])
    stranger = deployment.new_practice()
    ids = {
        "session_id": session["id"], "id": session["id"], "service_id": session["service_id"], "calendar_id": session["calendar_id"],
        "client_id": session["client_id"], "deposit_id": deposit["id"],
    }  # fmt: skip
    own = {
        "services": "service_id",
        "calendars": "calendar_id",
        "clients": "client_id",
        "deposits": "deposit_id",
        "sessions": "session_id",
    }
    tried = 0
    for service in SERVICES:
        document = stranger.get(service, "/openapi.json")
        for path, operations in document["paths"].items():
            resource = path.split("/")[2] if path.count("/") > 1 else ""
            if "{" not in path or resource not in own or path.startswith("/v1/ops"):
                continue
            filled = "/".join(ids[own[resource]] if part.startswith("{") else part for part in path.split("/"))
            for method in sorted({"get", "patch", "put", "post", "delete"} & set(operations)):
                body = None if method in {"get", "delete"} else _a_valid_body(path)
                answer = stranger.call(method.upper(), service, filled, json=body)
                assert answer.status_code == 404, f"{method} {service}{path}: {answer.status_code} {answer.text}"
                tried += 1
    assert tried > 25
    assert practice.session(session["id"])["version"] == practice.session(session["id"])["version"]


def _a_valid_body(path: str) -> dict[str, Any]:
    later = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    bodies: dict[str, dict[str, Any]] = {
        "reschedule": {"starts_at": later},
        "duplicate": {"starts_at": later},
        "refunds": {"percentage": 50, "reason": "x"},
        "merge": {"from": ["cli_unknown"]},
    }
    return bodies.get(path.rsplit("/", 1)[-1], {})


def test_another_accounts_ids_are_not_valid_in_a_body(deployment: Deployment, practice: Practice) -> None:
    service = practice.session_type(percent=None)
    client = practice.client("Ada Lovelace", an_address())
    stranger = deployment.new_practice()
    own_service = stranger.session_type(percent=None)
    own_client = stranger.client("Grace Hopper", an_address())
    for body in (
        {"service_id": service["id"], "client_id": own_client["id"]},
        {"service_id": own_service["id"], "client_id": client["id"]},
    ):
        with pytest.raises(Refused) as refused:
            stranger.book(starts_at=in_hours(240), **body)
        assert (refused.value.status, refused.value.problem["code"]) == (422, "invalid")


def test_private_notes_leave_in_no_event_log_or_mail(deployment: Deployment, practice: Practice) -> None:
    secret = f"private-{uuid.uuid4().hex}"
    email = an_address()
    service = practice.session_type()
    client = practice.client("Ada Lovelace", email, notes=secret)
    booked = practice.book(
        service_id=service["id"], client_id=client["id"], starts_at=in_hours(240), session_notes=secret
    )
    session = practice.wait_deposit(booked["id"], "required")
    practice.pay(session["payment_url"])
    practice.wait_deposit(booked["id"], "paid")
    practice.cancel(booked["id"], refund="refund")
    practice.wait_deposit(booked["id"], "refunded")
    practice.wait_mail(email, "20.00")
    assert practice.session(booked["id"])["session_notes"] == secret
    narrow = practice.call("GET", "scheduling", f"/v1/sessions/{booked['id']}", scope="sessions:read")
    assert secret not in narrow.text
    assert all(secret not in str(mail) for mail in practice.mails(email))
    for log in deployment.processes.directory.glob("*.log"):
        assert secret not in log.read_text(errors="replace"), log
    for service_name in SERVICES:
        for body in _event_bodies(deployment, service_name):
            assert secret not in body


def _event_bodies(deployment: Deployment, service: str) -> list[str]:
    import psycopg

    with psycopg.connect(deployment.store_urls[service]) as connection:
        rows = connection.execute("SELECT body FROM outbox UNION ALL SELECT body FROM inbox WHERE body IS NOT NULL")
        return [row[0] for row in rows]


def test_one_cancel_is_one_trace_across_the_services(deployment: Deployment, practice: Practice) -> None:
    session = paid(practice)
    trace_id = uuid.uuid4().hex
    answer = practice.call(
        "POST", "scheduling", f"/v1/sessions/{session['id']}/cancel", json={"refund": "refund"},
        headers={"traceparent": f"00-{trace_id}-{uuid.uuid4().hex[:16]}-01"},
    )  # fmt: skip
    assert answer.status_code == 200
    practice.wait_deposit(session["id"], "refunded")

    def seen() -> set[str] | None:
        names = {
            log.name.split("-")[1]
            for log in deployment.processes.directory.glob("*.log")
            if trace_id in log.read_text(errors="replace")
        }
        return names if names >= set(SERVICES) else None

    wait_for(seen, "every service has logged under the trace of the request")


def test_resync_fills_an_emptied_notifications_store_and_sends_nothing(
    deployment: Deployment, practice: Practice
) -> None:
    import psycopg

    email = an_address()
    service = practice.session_type(percent=None)
    client = practice.client("Ada Lovelace", email)
    sessions = [
        practice.book(service_id=service["id"], client_id=client["id"], starts_at=in_hours(100 + 2 * n))["id"]
        for n in range(3)
    ]
    wait_for(lambda: len(practice.mails(email)) == 3, "three confirmations")
    deployment.wait_drained()

    def reminders() -> list[Any]:
        found = [practice.get("notifications", "/v1/reminders", session_id=one)["data"] for one in sessions]
        return [[(r["kind"], r["channel"], r["due_at"], r["status"], r["reason"]) for r in rows] for rows in found]

    before = reminders()
    assert all(len(rows) == 3 for rows in before)
    with psycopg.connect(deployment.store_urls["notifications"], autocommit=True) as connection:
        tables = [
            row[0]
            for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            if not row[0].endswith("_migrations")
        ]
        connection.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
    mails = len(practice.sandbox("GET", "/mail")["data"])
    for peer in ("scheduling", "clients", "payments"):
        practice.post(peer, "/v1/ops/resync", {"to": "notifications"})

    def filled_again() -> bool:
        # The account may not have come yet.
        with contextlib.suppress(Refused):
            return reminders() == before
        return False

    wait_for(filled_again, "the same reminders as before")
    deployment.wait_drained()
    assert reminders() == before
    assert len(practice.sandbox("GET", "/mail")["data"]) == mails


def test_invariants_hold_after_all_of_this(deployment: Deployment) -> None:
    deployment.wait_drained()
    assert deployment.violations() == {}
