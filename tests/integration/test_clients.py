"""A client across all four services: merged, shown what is held, and forgotten, also by a service that was down."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pika
import psycopg
import pytest

from contracts import topology
from contracts.registry import SERVICES
from embedded.practice import Practice
from support.suite import Deployment
from support.waiting import wait_until

pytestmark = pytest.mark.integration


def in_hours(hours: float) -> datetime:
    return (datetime.now(UTC) + timedelta(hours=hours)).replace(second=0, microsecond=0)


def unique(name: str) -> str:
    return f"{name}{uuid.uuid4().hex[:10]}"


def held(practice: Practice, client_id: str) -> Any:
    return practice.get("clients", f"/v1/clients/{client_id}/data-export")


def test_sessions_and_deposits_follow_a_merge_and_what_is_booked_meanwhile_too(practice: Practice) -> None:
    service = practice.session_type()
    old = practice.client(unique("Old"), f"{unique('old')}@client.example")
    stays = practice.client(unique("Stays"), f"{unique('stays')}@client.example")
    paid = practice.paid_session(service_id=service["id"], client_id=old["id"], starts_at=in_hours(240))

    def book(number: int) -> str:
        booked = practice.book(service_id=service["id"], client_id=old["id"], starts_at=in_hours(300 + 2 * number))
        return str(booked["id"])

    with ThreadPoolExecutor(4) as pool:
        booked = [pool.submit(book, number) for number in range(8)]
        merged = practice.post("clients", f"/v1/clients/{stays['id']}/merge", {"from": [old["id"]]})
        ids = {each.result() for each in booked} | {paid["id"]}
    assert merged["id"] == stays["id"]

    def all_here() -> bool:
        found = practice.get("scheduling", "/v1/sessions", client_id=stays["id"], limit=200)["data"]
        by_name = {session["client"]["name"] for session in found}
        return {session["id"] for session in found} == ids and by_name == {stays["name"]}

    wait_until(all_here, what="all sessions are the client's who stays")
    wait_until(
        lambda: (
            {row["client_id"] for row in held(practice, stays["id"])["services"]["scheduling"]["sessions"]}
            == {stays["id"]}
        ),
        what="no session is the old client's any more",
    )
    years = practice.get("clients", f"/v1/clients/{old['id']}/timeline")
    assert years["total"] == len(ids)
    practice.cancel(paid["id"], refund="refund")
    practice.wait_deposit(paid["id"], "refunded")
    practice.wait_mail(stays["email"], "has refunded")


def test_what_every_service_holds_is_told_to_the_person_and_to_nobody_else(
    deployment: Deployment, practice: Practice
) -> None:
    email = f"{unique('ada')}@client.example"
    client = practice.client("Ada Lovelace", email, notes="private of the provider")
    service = practice.session_type()
    session = practice.paid_session(service_id=service["id"], client_id=client["id"], starts_at=in_hours(240))
    practice.wait_mail(email, "20.00")
    path = f"/v1/clients/{client['id']}/data-export"
    found = wait_until(
        lambda: (
            (answer := held(practice, client["id"])) and answer["services"]["notifications"]["deliveries"] and answer
        ),
        what="the deliveries are there",
    )
    assert found["records"][0]["notes"] == "private of the provider"
    assert [
        row["email"]
        for name in ("scheduling", "payments", "notifications")
        for row in found["services"][name]["clients"]
    ] == [email] * 3
    assert [row["id"] for row in found["services"]["scheduling"]["sessions"]] == [session["id"]]
    assert [row["held_amount"] for row in found["services"]["payments"]["deposits"]] == [2000]
    assert email in {row["address"] for row in found["services"]["notifications"]["deliveries"]}
    narrow = practice.call("GET", "clients", path, scope="clients:read").json()
    assert "notes" not in narrow["records"][0]
    assert "session_notes" not in narrow["services"]["scheduling"]["sessions"][0]
    stranger = deployment.practice("acc_stranger")
    stranger.provision()
    stranger.client("Somebody")
    assert stranger.call("GET", "clients", path).status_code == 404
    for name in ("scheduling", "payments", "notifications"):
        answer = stranger.call("GET", name, f"/v1/held/{client['id']}")
        assert (answer.status_code, [row for rows in answer.json()["data"].values() for row in rows]) == (200, [])
        assert practice.call("GET", name, f"/v1/held/{client['id']}", scope="clients:read").status_code == 403


def test_an_erasure_is_completed_by_a_service_that_was_down_and_nothing_names_the_person_afterwards(
    deployment: Deployment, practice: Practice
) -> None:
    name, email, phone = unique("Annabelle"), f"{unique('annabelle')}@client.example", "+4915155512345"
    client = practice.client(name, email, phone=phone, notes=f"{name} is left-handed")
    service = practice.session_type()
    session = practice.paid_session(
        service_id=service["id"], client_id=client["id"], starts_at=in_hours(240), notes=f"for {name}"
    )
    practice.wait_mail(email, "20.00")
    practice.cancel(session["id"], refund="refund", reason=f"{name} is ill")
    practice.wait_deposit(session["id"], "refunded")
    practice.wait_mail(email, "has refunded")
    deployment.wait_drained()
    assert traces(deployment, (name, email, phone))

    roles = [role for service_, role in deployment.roles if service_ == "notifications" and role != "api"]
    for role in roles:
        deployment.kill("notifications", role)
    path = f"/v1/clients/{client['id']}"
    wait_until(
        lambda: practice.call("POST", "clients", f"{path}/erase", json={}).status_code == 202, what="the erasure begins"
    )

    def receipt() -> Any:
        return practice.get("clients", f"{path}/erasure")

    wait_until(lambda: receipt()["waiting_for"] == ["notifications"], what="all but one have answered")
    assert receipt()["status"] == "running"
    for role in roles:
        deployment.restart("notifications", role)
    wait_until(lambda: receipt()["status"] == "completed", what="the erasure is complete")

    finished = receipt()
    assert set(finished["blanked"]) == set(SERVICES)
    assert {kept["service"] for kept in finished["kept"]} == set(SERVICES)
    deployment.wait_drained()
    assert traces(deployment, (name, email, phone)) == []
    answers = [
        practice.call("GET", "scheduling", f"/v1/sessions/{session['id']}").text,
        practice.call("GET", "scheduling", f"/v1/sessions/{session['id']}/history").text,
        practice.call("GET", "scheduling", "/v1/sessions").text,
        practice.call("GET", "clients", "/v1/clients?updated_since=2020-01-01T00:00:00Z").text,
        practice.call("GET", "payments", f"/v1/deposits?session_id={session['id']}").text,
        practice.call("GET", "notifications", f"/v1/deliveries?session_id={session['id']}").text,
        *(
            practice.call("GET", service_, f"/v1/held/{client['id']}").text
            for service_ in SERVICES
            if service_ != "clients"
        ),
    ]
    assert [text for text in (name, email, phone) for answer in answers if text in answer] == []
    assert "Deleted client" in answers[0]
    assert deployment.violations() == {}


def traces(deployment: Deployment, texts: tuple[str, ...]) -> list[str]:
    """Where any of `texts` is found: tables of every store, logs of our processes, messages in every queue."""
    found = []
    for service, url in deployment.store_urls.items():
        with psycopg.connect(url) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                rows = connection.execute(f'SELECT t::text FROM "{table}" t').fetchall()
                found += [f"{service}.{table}: {row}" for (row,) in rows if _any(row, texts)]
    for log in Path(deployment.processes.directory).glob("*.log"):
        if not log.name.startswith("sandbox"):
            found += [
                f"{log.name}: {line[:300]}"
                for line in log.read_text(errors="replace").splitlines()
                if _any(line, texts)
            ]
    for queue in [
        queue for service in SERVICES for queue in (topology.events_queue(service), topology.dead_queue(service))
    ]:
        found += [f"{queue}: {body[:300]}" for body in _messages(deployment.broker_url, queue) if _any(body, texts)]
    return found


def _any(text: str, texts: tuple[str, ...]) -> bool:
    return any(each in text for each in texts)


def _messages(broker_url: str, queue: str) -> list[str]:
    connection = pika.BlockingConnection(pika.URLParameters(broker_url))
    try:
        channel = connection.channel()
        bodies: list[str] = []
        while True:
            method, _, body = channel.basic_get(queue)
            if method is None or body is None:
                return bodies
            bodies.append(body.decode(errors="replace"))
    finally:
        connection.close()  # what was not acknowledged goes back
