"""A client is forgotten: here at once, elsewhere as each service answers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from services.clients.tests.driver import Caller, Suite

OTHERS = ("scheduling", "payments", "notifications")
PRIVATE = ("Annabelle", "annabelle@example.com", "15123456789", "Rosenweg", "left-handed", "rare-tag", "1990-05-01")


@pytest.fixture
def annabelle(provider: Caller) -> dict[str, Any]:
    answer = provider.post(
        "/v1/clients",
        {
            "name": "Annabelle", "email": "annabelle@example.com", "phone": "+4915123456789", "address": "Rosenweg 1",
            "notes": "left-handed", "tags": ["rare-tag"], "birth_date": "1990-05-01",
        },
        Idempotency_Key="made once",
    )  # fmt: skip
    assert answer.status_code == 201
    body: dict[str, Any] = answer.json
    return body


def answer_of(service: str, client_id: str, **others: Any) -> dict[str, Any]:
    return {
        "id": client_id, "account_id": "acc_one", "version": 9, "service": service, "blanked": {"sessions": 2},
        "kept": [{"what": "times", "why": "books"}], **others,
    }  # fmt: skip


def dump(suite: Suite) -> str:
    store = suite.service.store
    with store.reading():
        tables = [name for name in store.database.get_tables() if not name.endswith("_migrations")]
        return "\n".join(repr(row) for table in tables for row in store.execute(f'SELECT * FROM "{table}"'))


def test_an_erasure_is_complete_once_every_service_has_answered(
    suite: Suite, provider: Caller, annabelle: dict[str, Any]
) -> None:
    path = f"/v1/clients/{annabelle['id']}"
    answer = provider.post(f"{path}/erase")
    assert (answer.status_code, answer.json["status"]) == (202, "running")
    assert answer.json["waiting_for"] == list(OTHERS)
    assert answer.json["blanked"]["clients"]["clients"] == 1
    type_, data = suite.told()[-1]
    assert (type_, data["id"]) == ("client.erasure_requested", annabelle["id"])
    for service in OTHERS:
        assert provider.get(f"{path}/erasure").json["status"] == "running"
        suite.hear(f"{service}.client_erased", answer_of(service, annabelle["id"]))
    receipt = provider.get(f"{path}/erasure").json
    assert (receipt["status"], receipt["waiting_for"]) == ("completed", [])
    assert receipt["completed_at"] is not None
    assert receipt["blanked"]["payments"] == {"sessions": 2}
    assert {"service": "payments", "what": "times", "why": "books"} in receipt["kept"]
    assert all(kept["why"] for kept in receipt["kept"])


def test_an_answer_that_comes_twice_or_from_all_at_once_completes_it_once(
    suite: Suite, provider: Caller, annabelle: dict[str, Any]
) -> None:
    provider.post(f"/v1/clients/{annabelle['id']}/erase")
    with ThreadPoolExecutor(6) as pool:
        list(
            pool.map(
                lambda service: suite.hear(f"{service}.client_erased", answer_of(service, annabelle["id"])), OTHERS * 2
            )
        )
    assert provider.get(f"/v1/clients/{annabelle['id']}/erasure").json["status"] == "completed"


def test_nothing_that_is_kept_names_the_person_any_more(
    suite: Suite, provider: Caller, annabelle: dict[str, Any]
) -> None:
    provider.patch(f"/v1/clients/{annabelle['id']}", {"address": "Rosenweg 2"})
    assert all(text in dump(suite) for text in PRIVATE)
    provider.post(f"/v1/clients/{annabelle['id']}/erase")
    kept = dump(suite)
    assert [text for text in PRIVATE if text in kept] == []
    # What others have not heard yet they hear without a name: that there is somebody, and that they are to be forgotten.
    assert [(type_, data.get("name")) for type_, data in suite.told()] == [
        ("client.created", ""),
        ("client.updated", ""),
        ("client.erasure_requested", None),
    ]


def test_the_file_itself_names_nobody(suite: Suite, provider: Caller, annabelle: dict[str, Any]) -> None:
    store = suite.service.store
    if store.on_postgresql:
        pytest.skip("PostgreSQL keeps old pages until its vacuum: the README says so")
    provider.post(f"/v1/clients/{annabelle['id']}/erase")
    path = store.url.removeprefix("sqlite:///")
    for name in (path, f"{path}-wal"):
        content = Path(name).read_bytes().lower()
        assert [text for text in PRIVATE if text.lower().encode() in content] == []


def test_not_even_the_pairs_of_their_letters_are_left_in_the_file(suite: Suite, provider: Caller) -> None:
    store = suite.service.store
    if store.on_postgresql:
        pytest.skip("PostgreSQL keeps old pages until its vacuum: the README says so")
    path = store.url.removeprefix("sqlite:///")
    # A term of the index is written without what it shares with the one before.
    pair = "ՔԶ".casefold().encode().hex()[2:].encode()
    client = provider.made(name="ՔԶ")
    provider.made(name="Somebody else")

    def holds() -> bool:
        return any(pair in Path(name).read_bytes() for name in (path, f"{path}-wal"))

    assert holds()
    provider.post(f"/v1/clients/{client['id']}/erase")
    assert not holds()
    assert provider.found("q=so") == ["Somebody else"]


@pytest.mark.parametrize("dry_run", ["false", "true"])
def test_what_waits_in_a_file_of_theirs_is_taken_out_and_the_others_go_on(
    suite: Suite, provider: Caller, annabelle: dict[str, Any], dry_run: str
) -> None:
    others = [{"name": f"Client {number}", "email": f"c{number}@example.com"} for number in range(600)]
    rows = [
        {"name": "Annabelle", "email": "Annabelle@example.com", "address": "Rosenweg 1"}, *others,
        {"name": "Annabelle", "phone": "0151 23456789", "notes": "left-handed"}, {"name": "Annabelle", "email": "another@example.com"},
    ]  # fmt: skip
    answer = provider.upload(f"/v1/clients/import?dry_run={dry_run}", json.dumps(rows), "application/json")
    assert answer.status_code == 202
    [job] = [job for job in suite.service.jobs() if job.name == "imports"]
    job.run()  # of the two parts the first, which knows her by her email
    receipt = provider.post(f"/v1/clients/{annabelle['id']}/erase").json
    assert receipt["blanked"]["clients"]["import_rows"] == 1
    kept = dump(suite)
    assert [
        text for text in ("annabelle@example.com", "15123456789", "23456789", "left-handed", "Rosenweg") if text in kept
    ] == []
    while job.run():
        pass
    report = provider.get(answer.headers["Location"].removeprefix("http://127.0.0.1:8000/clients")).json
    assert (report["status"], report["created"], report["failed"]) == ("completed", 601, 1)
    assert report["rows"][-2]["errors"][0]["code"] == "erased"
    assert [
        client
        for client in provider.get("/v1/clients?q=annabelle").json["data"]
        if client["email"] != "another@example.com"
    ] == []


def test_an_erasure_while_their_file_is_taken_in_leaves_nothing_of_them(
    suite: Suite, provider: Caller, annabelle: dict[str, Any]
) -> None:
    rows = [{"name": "Annabelle", "email": "annabelle@example.com", "address": "Rosenweg"}] * 1200
    provider.upload("/v1/clients/import", json.dumps(rows), "application/json")
    [job] = [job for job in suite.service.jobs() if job.name == "imports"]
    with ThreadPoolExecutor(3) as pool:
        works = [pool.submit(job.run) for _ in range(2)]
        assert pool.submit(provider.post, f"/v1/clients/{annabelle['id']}/erase").result().status_code == 202
        for work in works:
            work.result()
    while job.run():
        pass
    assert [text for text in PRIVATE if text in dump(suite)] == []


def test_one_who_is_forgotten_is_nowhere_but_in_the_receipt(provider: Caller, annabelle: dict[str, Any]) -> None:
    path = f"/v1/clients/{annabelle['id']}"
    provider.post(f"{path}/erase")
    assert provider.found() == []
    for answer in (
        provider.get(path), provider.patch(path, {"name": "x"}), provider.delete(path), provider.post(f"{path}/restore"),
        provider.get(f"{path}/timeline"),
    ):  # fmt: skip
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    again = provider.post(f"{path}/erase")
    assert (again.status_code, again.json["code"]) == (409, "invalid_transition")
    changed = provider.get("/v1/clients?updated_since=2020-01-01T00:00:00Z").json["data"]
    assert [(client["name"], client["erased_at"] is not None) for client in changed] == [("", True)]
    assert provider.made(name="Annabelle", email="annabelle@example.com")["id"] != annabelle["id"]


def test_everybody_who_was_merged_is_forgotten_too(suite: Suite, provider: Caller, annabelle: dict[str, Any]) -> None:
    stays = provider.made(name="Stays")
    provider.post(f"/v1/clients/{stays['id']}/merge", {"from": [annabelle["id"]]})
    assert provider.post(f"/v1/clients/{annabelle['id']}/erase").status_code == 202
    assert [text for text in PRIVATE if text in dump(suite)] == []
    asked = {data["id"] for type_, data in suite.told() if type_ == "client.erasure_requested"}
    assert asked == {stays["id"], annabelle["id"]}
    for service in OTHERS:
        suite.hear(f"{service}.client_erased", answer_of(service, stays["id"]))
    receipt = provider.get(f"/v1/clients/{stays['id']}/erasure").json
    assert (receipt["status"], receipt["waiting_for"]) == ("running", list(OTHERS))
    for service in OTHERS:
        suite.hear(f"{service}.client_erased", answer_of(service, annabelle["id"]))
    receipt = provider.get(f"/v1/clients/{annabelle['id']}/erasure").json
    assert (receipt["client_id"], receipt["status"]) == (stays["id"], "completed")
    assert receipt["blanked"]["payments"] == {"sessions": 4}


def test_live_sessions_to_come_stand_in_the_way(
    suite: Suite, provider: Caller, annabelle: dict[str, Any], session_data: Any
) -> None:
    path = f"/v1/clients/{annabelle['id']}"
    suite.hear(
        "session.created", session_data("ses_1", annabelle["id"], starts_at=suite.clock.now() + timedelta(days=1))
    )
    answer = provider.post(f"{path}/erase")
    assert (answer.status_code, answer.json["code"]) == (409, "client_has_sessions")
    assert answer.json["session_ids"] == ["ses_1"]
    assert provider.get(path).json["name"] == "Annabelle"
    suite.hear(
        "session.cancelled",
        session_data(
            "ses_1", annabelle["id"], version=2, status="cancelled", starts_at=suite.clock.now() + timedelta(days=1)
        ),
    )
    assert provider.post(f"{path}/erase").status_code == 202


def test_a_deleted_client_can_be_forgotten(provider: Caller, annabelle: dict[str, Any]) -> None:
    provider.delete(f"/v1/clients/{annabelle['id']}")
    assert provider.post(f"/v1/clients/{annabelle['id']}/erase").status_code == 202


def test_what_waits_in_the_inbox_is_blanked(suite: Suite, provider: Caller, annabelle: dict[str, Any]) -> None:
    store = suite.service.store
    with store.transaction():
        for event_id, type_, body in (
            ("e1", "session.created", f'{{"client_id":"{annabelle["id"]}","notes":"for Annabelle","starts_at":"x"}}'),
            ("raw_1", None, b"\xff Annabelle".hex()),
            ("raw_2", None, b"\xff somebody else".hex()),
        ):
            store.execute(
                "INSERT INTO inbox (event_id, handler, status, type, body, received_at) VALUES (%s, 'x', 'parked', %s, %s, %s)",
                (event_id, type_, body, suite.clock.now()),
            )
    provider.post(f"/v1/clients/{annabelle['id']}/erase")
    with store.reading():
        kept = dict(store.execute("SELECT event_id, body FROM inbox WHERE status = 'parked'"))
    assert kept["e1"] == f'{{"client_id":"{annabelle["id"]}","notes":"","starts_at":"x"}}'
    assert set(kept) == {"e1", "raw_2"}


def test_erasing_is_by_account_scope_and_version(
    suite: Suite, provider: Caller, stranger: Caller, annabelle: dict[str, Any]
) -> None:
    path = f"/v1/clients/{annabelle['id']}"
    assert stranger.post(f"{path}/erase").status_code == 404
    assert provider.get(f"{path}/erasure").status_code == 404
    assert suite.caller("acc_one", scope="clients:read").post(f"{path}/erase").status_code == 403
    assert provider.post(f"{path}/erase", If_Match='"8"').status_code == 412
    assert provider.post(f"{path}/erase", {"why": "x"}).status_code == 422
    assert provider.get(path).json["name"] == "Annabelle"
