"""A person is forgotten by the whole suite: afterwards no file of it, no line of its log and no answer of its APIs names them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from deploy.embedded.tests.driver import Running

from contracts.registry import SERVICES
from embedded.practice import Practice
from support.waiting import wait_until

NAME, PHONE = "Quirina Xylander", "+4915155512399"


def test_after_an_erasure_nothing_of_the_suite_names_the_person(suite: Running) -> None:
    suite.start()
    practice = suite.new_practice()
    email = f"quirina.{uuid.uuid4().hex[:8]}@client.example"
    ids = lead_a_life(practice, email)
    texts = [NAME, "Xylander", "xylander", email, PHONE, PHONE[3:], "left-handed", "Rosenweg"]
    wait_drained(suite)
    assert {name.partition(".")[0] for name, _ in in_files(suite, texts)} >= set(SERVICES)
    assert in_answers(practice, ids, texts)

    path = f"/v1/clients/{ids['client_id']}"
    asked = practice.call("POST", "clients", f"{path}/erase", json={})
    assert asked.status_code == 202, asked.text
    receipt = wait_until(
        lambda: (found := practice.get("clients", f"{path}/erasure"))["status"] == "completed" and found,
        what="every service has answered",
    )
    assert set(receipt["blanked"]) == set(SERVICES)
    assert all(sum(counts.values()) for counts in receipt["blanked"].values())
    assert {kept["service"] for kept in receipt["kept"]} == set(SERVICES)
    assert all(kept["why"] for kept in receipt["kept"])
    wait_drained(suite)
    assert list(in_files(suite, texts)) == []
    assert in_answers(practice, ids, texts) == []
    assert practice.session(ids["session_id"])["client"]["name"] == "Deleted client"

    # What is published again, told anew, or read from the files by a new start, names nobody either.
    ops = suite.practice("acc_ops")
    for service in SERVICES:
        ops.post(service, "/v1/ops/outbox/replay", {"since": "2020-01-01T00:00:00Z"})
        ops.post(service, "/v1/ops/resync", {"to": "notifications" if service != "notifications" else "clients"})
    wait_drained(suite)
    suite.restart()
    wait_drained(suite)
    assert list(in_files(suite, texts)) == []
    assert in_answers(practice, ids, texts) == []
    for service in SERVICES:
        broken = [each for each in ops.get(service, "/v1/ops/invariants")["data"] if each["violations"]]
        assert broken == []


def lead_a_life(practice: Practice, email: str) -> dict[str, str]:
    """A client is recorded, changed, merged, imported again, booked, paid for, reminded, refunded, and comes once."""
    service = practice.session_type()
    client = practice.client(
        NAME,
        email,
        phone=PHONE,
        notes=f"{NAME} is left-handed",
        address="Rosenweg 1",
        tags=["Xylander"],
        birth_date="1990-05-01",
    )
    double = practice.post("clients", "/v1/clients", {"name": NAME, "phone": PHONE}, Idempotency_Key="made once")
    practice.post("clients", f"/v1/clients/{client['id']}/merge", {"from": [double["id"]]}, Idempotency_Key="merged")
    practice.post("clients", "/v1/clients/import", [{"name": NAME, "email": email}], Idempotency_Key="imported")
    starts = practice.now().replace(minute=0, second=0, microsecond=0)
    cancelled = practice.paid_session(
        service_id=service["id"], client_id=client["id"], starts_at=starts + timedelta(days=20), notes=f"for {NAME}"
    )
    practice.wait_mail(email, "20.00")
    practice.cancel(cancelled["id"], refund="refund", reason=f"{NAME} is ill")
    practice.wait_deposit(cancelled["id"], "refunded")
    practice.wait_mail(email, "has refunded")
    kept = practice.book(service_id=service["id"], client_id=client["id"], starts_at=starts + timedelta(days=3))
    practice.advance(days=4)
    practice.post("scheduling", f"/v1/sessions/{kept['id']}/complete")
    practice.call("GET", "clients", "/v1/clients", params={"q": "Xylander"}).raise_for_status()
    sent = practice.get("notifications", "/v1/deliveries", session_id=kept["id"])["data"]
    assert {"confirmation", "reminder_24h", "reminder_2h"} <= {delivery["kind"] for delivery in sent}
    deposit = practice.deposit_of(cancelled["id"])
    return {
        "client_id": client["id"], "session_id": cancelled["id"], "deposit_id": deposit["id"], "service_id": service["id"],
        "account_id": practice.account_id,
    }  # fmt: skip


def wait_drained(suite: Running) -> None:
    """Until every event is published and handled."""
    ops = suite.practice("acc_ops")

    def drained() -> bool:
        return all(
            ops.get(service, "/v1/ops/outbox")["unpublished"] == 0
            and not [
                each for each in ops.get(service, "/v1/ops/inbox", limit=200)["data"] if each["status"] != "parked"
            ]
            for service in SERVICES
        )

    wait_until(drained, interval=0.1, what="every event to be published and handled", ignoring=(Exception,))


def in_files(suite: Running, texts: list[str]) -> Iterator[tuple[str, str]]:
    """Files of the suite that hold one of these, as text or as hexadecimal; what the sandbox keeps is the outside's: mailboxes, Stripe."""
    needles = [form.encode() for text in texts for form in (text, text.encode().hex())]
    outside = suite.data_dir / "sandbox"
    for path in sorted([*suite.data_dir.rglob("*"), *suite.logs.rglob("*")]):
        if path.is_file() and outside not in path.parents:
            content = path.read_bytes()
            yield from ((path.name, needle.decode()) for needle in needles if needle in content)


def in_answers(practice: Practice, ids: Mapping[str, str], texts: list[str]) -> list[str]:
    """Every GET of every service that answers something with one of these."""
    found = []
    for service in SERVICES:
        for path, query in asked_of(service, practice.get(service, "/openapi.json"), ids):
            answer = practice.call("GET", service, path, params=query)
            assert answer.status_code < 500 or answer.status_code == 503, f"{service} {path}: {answer.text}"
            found += [f"{service} {path}: {text}" for text in texts if text in answer.text]
    return found


def asked_of(service: str, document: dict[str, Any], ids: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each GET of an OpenAPI document with the ids that its path asks for, and with `updated_since` where a list takes that."""
    for path, operations in document["paths"].items():
        if "get" not in operations:
            continue
        filled, parameters = path, [*operations.get("parameters", []), *operations["get"].get("parameters", [])]
        for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
            filled = filled.replace(f"{{{name}}}", ids.get(name, "unknown"))
        filled = "/v1/" + filled.partition("/v1/")[2]
        yield filled, {}
        if any(parameter.get("name") == "updated_since" for parameter in parameters):
            yield filled, {"updated_since": "2020-01-01T00:00:00Z", "limit": "200"}
        if any(parameter.get("name") == "session_id" for parameter in parameters):
            yield filled, {"session_id": ids["session_id"]}
