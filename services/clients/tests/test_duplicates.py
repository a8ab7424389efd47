"""The same email again, the same phone again, and clients who are found instead of made."""

from services.clients.tests.driver import Caller, Suite


def test_the_same_email_again_is_a_conflict_that_names_the_client(provider: Caller) -> None:
    anna = provider.made(name="Anna", email="anna@example.com")
    answer = provider.post("/v1/clients", {"name": "Other", "email": "ANNA@example.com"})
    assert (answer.status_code, answer.json["code"]) == (409, "duplicate")
    assert answer.json["existing_ids"] == [anna["id"]]


def test_the_same_email_may_be_allowed_on_purpose(provider: Caller) -> None:
    mother = provider.made(name="Mother", email="family@example.com")
    child = provider.made(name="Child", email="family@example.com", allow_duplicate=True)
    answer = provider.post("/v1/clients", {"name": "Another", "email": "family@example.com"})
    assert answer.json["existing_ids"] == [mother["id"], child["id"]]


def test_another_account_may_have_the_same_email(provider: Caller, stranger: Caller) -> None:
    provider.made(name="Anna", email="anna@example.com")
    stranger.made(name="Anna", email="anna@example.com")
    assert (provider.found(), stranger.found()) == (["Anna"], ["Anna"])


def test_clients_without_an_email_are_no_duplicates(provider: Caller) -> None:
    provider.made(name="Anna")
    provider.made(name="Anna")
    assert provider.found() == ["Anna", "Anna"]


def test_the_same_phone_is_told_and_no_error(provider: Caller) -> None:
    anna = provider.made(name="Anna", phone="0151 23456789")
    assert anna["possible_duplicates"] == []
    assert provider.made(name="Partner", phone="+49 151 23456789")["possible_duplicates"] == [anna["id"]]


def test_a_deleted_client_stands_in_nobodys_way(provider: Caller) -> None:
    anna = provider.made(name="Anna", email="anna@example.com", phone="0151 23456789")
    provider.delete(f"/v1/clients/{anna['id']}")
    assert (
        provider.made(name="Anna again", email="anna@example.com", phone="0151 23456789")["possible_duplicates"] == []
    )


def test_an_email_that_was_given_up_is_free(provider: Caller) -> None:
    anna = provider.made(name="Anna", email="anna@example.com")
    provider.patch(f"/v1/clients/{anna['id']}", {"email": None})
    provider.made(name="Other", email="anna@example.com")


def test_changing_to_an_email_that_is_taken_is_a_conflict_unless_allowed(provider: Caller) -> None:
    anna = provider.made(name="Anna", email="anna@example.com")
    bert = provider.made(name="Bert", email="bert@example.com")
    path = f"/v1/clients/{bert['id']}"
    answer = provider.patch(path, {"email": "Anna@example.com"})
    assert (answer.status_code, answer.json["code"], answer.json["existing_ids"]) == (409, "duplicate", [anna["id"]])
    assert provider.get(path).json["email"] == "bert@example.com"
    assert provider.patch(path, {"email": "anna@example.com", "allow_duplicate": True}).status_code == 200


def test_a_duplicate_that_gets_an_email_of_its_own_is_guarded_again(provider: Caller) -> None:
    provider.made(name="Mother", email="family@example.com")
    child = provider.made(name="Child", email="family@example.com", allow_duplicate=True)
    provider.patch(f"/v1/clients/{child['id']}", {"email": "child@example.com"})
    assert provider.post("/v1/clients", {"name": "Other", "email": "child@example.com"}).status_code == 409


def test_a_client_made_on_the_spot_is_the_existing_one_as_it_stands(suite: Suite, provider: Caller) -> None:
    anna = provider.made(name="Anna Müller", email="anna@example.com")
    booking = suite.caller("acc_one", "clients:write", "service:scheduling")
    answer = booking.post(
        "/v1/clients?reuse=true", {"name": "anna m", "email": "Anna@example.com", "phone": "0151 23456789"}
    )
    assert answer.status_code == 200
    assert (answer.json["id"], answer.json["name"], answer.json["phone"]) == (anna["id"], "Anna Müller", None)
    assert answer.headers["ETag"] == '"1"'
    assert [type_ for type_, _ in suite.told()] == ["client.created"]


def test_a_client_made_on_the_spot_who_is_new_is_made(suite: Suite, provider: Caller) -> None:
    booking = suite.caller("acc_one", "clients:write", "service:scheduling")
    assert booking.post("/v1/clients?reuse=true", {"name": "Anna", "email": "anna@example.com"}).status_code == 201
    assert booking.post("/v1/clients?reuse=true", {"name": "Bert"}).status_code == 201
    assert provider.found() == ["Bert", "Anna"]


def test_a_kept_answer_of_a_reuse_is_given_again(suite: Suite, provider: Caller) -> None:
    provider.made(name="Anna", email="anna@example.com")
    booking = suite.caller("acc_one", "clients:write", "service:scheduling")
    first, again = (
        booking.post("/v1/clients?reuse=true", {"name": "A", "email": "anna@example.com"}, Idempotency_Key="booking-1")
        for _ in range(2)
    )
    assert (again.status_code, again.json, again.headers["Idempotent-Replayed"]) == (200, first.json, "true")
