"""Records over HTTP: made, read, changed, with every refusal that the API names."""

from typing import Any

import pytest
from services.clients.tests.driver import Caller, Suite

ANNA: dict[str, Any] = {
    "name": "Anna Müller",
    "email": "Anna@Example.com",
    "phone": "0151 23456789",
    "birth_date": "1980-02-29",
    "address": "Hauptstraße 1\n10115 Berlin",
    "tags": ["VIP", "morning"],
    "notes": "afraid of dogs",
    "locale": "de-DE",
    "timezone": "Europe/Zurich",
    "contact": {"sms": False},
}


def test_a_client_is_shown_as_it_was_made(provider: Caller) -> None:
    made = provider.made(**ANNA)
    shown = provider.get(f"/v1/clients/{made['id']}")
    assert shown.status_code == 200
    assert shown.headers["ETag"] == '"1"'
    assert made.pop("possible_duplicates") == []
    assert shown.json == made
    assert made["id"].startswith("cli_")
    assert made["account_id"] == "acc_one"
    assert {name: made[name] for name in ANNA} == ANNA | {
        "email": "Anna@example.com",
        "phone": "+4915123456789",
        "contact": {"email": True, "sms": False},
    }
    assert made["version"] == 1
    assert made["email_bounced_at"] is None
    assert made["deleted_at"] is None
    assert [(line["channel"], line["allowed"], line["source"]) for line in made["contact_history"]] == [
        ("sms", False, "provider")
    ]


def test_only_the_name_is_needed(provider: Caller) -> None:
    made = provider.made(name="Anna")
    assert made["contact"] == {"email": True, "sms": True}
    assert made["tags"] == []
    assert [made[name] for name in ("email", "phone", "birth_date", "address", "notes", "locale", "timezone")] == [
        None
    ] * 7


def test_blank_fields_of_a_form_are_as_if_not_given(provider: Caller) -> None:
    made = provider.made(name=" Anna ", email=" ", phone="", notes="", birth_date="")
    assert made["name"] == "Anna"
    assert [made["email"], made["phone"], made["notes"], made["birth_date"]] == [None] * 4


def test_a_number_typed_as_at_home_is_completed_by_the_accounts_country(suite: Suite) -> None:
    suite.account("acc_fr", country="FR")
    assert suite.caller("acc_fr").made(name="Anne", phone="06 12 34 56 78")["phone"] == "+33612345678"


def test_a_change_touches_what_it_names_alone(provider: Caller) -> None:
    made = provider.made(**ANNA)
    answer = provider.patch(
        f"/v1/clients/{made['id']}", {"phone": None, "tags": ["evening"], "contact": {"email": False}}
    )
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"2"'
    changed = answer.json
    assert (changed["phone"], changed["tags"], changed["contact"]) == (
        None,
        ["evening"],
        {"email": False, "sms": False},
    )
    untouched = ("name", "email", "birth_date", "address", "notes", "locale", "timezone", "created_at")
    assert {name: changed[name] for name in untouched} == {name: made[name] for name in untouched}
    assert provider.get(f"/v1/clients/{made['id']}").json == changed


def test_null_takes_off_what_need_not_be_there(provider: Caller) -> None:
    made = provider.made(**ANNA)
    optional = dict.fromkeys(("email", "phone", "birth_date", "address", "tags", "notes", "locale", "timezone"))
    changed = provider.patch(f"/v1/clients/{made['id']}", optional).json
    assert {name: changed[name] for name in optional} == optional | {"tags": []}
    assert provider.patch(f"/v1/clients/{made['id']}", {"name": None}).status_code == 422


def test_a_change_to_what_it_was_is_no_new_version(suite: Suite, provider: Caller) -> None:
    made = provider.made(**ANNA)
    answer = provider.patch(f"/v1/clients/{made['id']}", {**ANNA, "email": "ANNA@example.com"[0:1] + "nna@example.com"})
    assert answer.json["version"] == 1
    assert [type_ for type_, _ in suite.told()] == ["client.created"]


def test_a_change_by_somebody_who_saw_an_older_version_is_refused(provider: Caller) -> None:
    made = provider.made(name="Anna")
    path = f"/v1/clients/{made['id']}"
    assert provider.patch(path, {"name": "Anne"}, If_Match='"1"').status_code == 200
    for answer in (provider.patch(path, {"name": "Hanna"}, If_Match='"1"'), provider.delete(path, If_Match='"1"')):
        assert (answer.status_code, answer.json["code"]) == (412, "stale")
    assert provider.get(path).json["name"] == "Anne"


def test_events_tell_the_public_state_and_grow_by_one(suite: Suite, provider: Caller) -> None:
    made = provider.made(**ANNA)
    path = f"/v1/clients/{made['id']}"
    provider.patch(path, {"name": "Anna Meier"})
    provider.delete(path)
    provider.post(f"{path}/restore")
    told = suite.told()
    assert [(type_, data["version"], data["deleted"]) for type_, data in told] == [
        ("client.created", 1, False),
        ("client.updated", 2, False),
        ("client.deleted", 3, True),
        ("client.restored", 4, False),
    ]
    assert told[-1][1] == {
        "id": made["id"],
        "account_id": "acc_one",
        "version": 4,
        "name": "Anna Meier",
        "email": "Anna@example.com",
        "phone": "+4915123456789",
        "locale": "de-DE",
        "timezone": "Europe/Zurich",
        "contact": {"email": True, "sms": False},
        "deleted": False,
        "merged_into": None,
        "created_at": made["created_at"],
    }


def test_private_fields_are_in_no_event(suite: Suite, provider: Caller) -> None:
    made = provider.made(**ANNA)
    provider.patch(f"/v1/clients/{made['id']}", {"notes": "afraid of cats"})
    text = str(suite.told())
    assert [secret for secret in ("afraid", "Hauptstraße", "1980-", "VIP") if secret in text] == []


def test_private_notes_are_seen_and_written_with_their_scope_alone(suite: Suite, provider: Caller) -> None:
    made = provider.made(**ANNA)
    path = f"/v1/clients/{made['id']}"
    assistant = suite.caller("acc_one", "clients:read clients:write")
    assert "notes" not in assistant.get(path).json
    assert "notes" not in assistant.get("/v1/clients").json["data"][0]
    assert "notes" not in assistant.patch(path, {"name": "Anna M."}).json
    for answer in (assistant.patch(path, {"notes": "x"}), assistant.post("/v1/clients", {"name": "B", "notes": "x"})):
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert provider.get(path).json["notes"] == "afraid of dogs"
    assert "afraid" not in assistant.post("/v1/clients?reuse=true", {"name": "A", "email": "anna@example.com"}).text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/restore"),
        ("GET", "/timeline"),
    ],
)
def test_another_accounts_client_is_not_there(provider: Caller, stranger: Caller, method: str, path: str) -> None:
    made = provider.made(name="Anna")
    body = {"name": "Mine"} if method == "PATCH" else None
    for id_ in (made["id"], "cli_unknown"):
        answer = stranger.call(method, f"/v1/clients/{id_}{path}", body)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert stranger.found() == []
    assert provider.found() == ["Anna"]


def test_the_same_key_makes_one_client(provider: Caller) -> None:
    first = provider.post("/v1/clients", {"name": "Anna"}, Idempotency_Key="k1")
    again = provider.post("/v1/clients", {"name": "Anna"}, Idempotency_Key="k1")
    other = provider.post("/v1/clients", {"name": "Anne"}, Idempotency_Key="k1")
    assert (again.status_code, again.json, again.headers["Idempotent-Replayed"]) == (201, first.json, "true")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert provider.found() == ["Anna"]


def test_a_refused_key_may_be_used_again(provider: Caller) -> None:
    assert provider.post("/v1/clients", {"name": "Anna", "email": "x"}, Idempotency_Key="k1").status_code == 422
    assert provider.post("/v1/clients", {"name": "Anna"}, Idempotency_Key="k1").status_code == 201
