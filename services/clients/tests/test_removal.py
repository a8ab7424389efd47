"""Deleting hides, restoring brings back, for 30 days."""

from services.clients.tests.driver import Caller, Suite


def test_a_deleted_client_is_hidden_and_can_be_looked_at(provider: Caller) -> None:
    anna = provider.made(name="Anna")
    path = f"/v1/clients/{anna['id']}"
    answer = provider.delete(path)
    assert (answer.status_code, answer.text) == (204, "")
    assert provider.found() == []
    assert provider.found("q=anna") == []
    shown = provider.get(path)
    assert shown.status_code == 200
    assert shown.json["deleted_at"] is not None


def test_a_deleted_client_cannot_be_changed_or_deleted_again(provider: Caller) -> None:
    path = f"/v1/clients/{provider.made(name='Anna')['id']}"
    provider.delete(path)
    for answer in (provider.delete(path), provider.patch(path, {"name": "Anne"})):
        assert (answer.status_code, answer.json["code"]) == (409, "invalid_transition")


def test_a_restored_client_is_as_before(provider: Caller) -> None:
    anna = provider.made(name="Anna", email="anna@example.com", tags=["VIP"])
    path = f"/v1/clients/{anna['id']}"
    provider.delete(path)
    answer = provider.post(f"{path}/restore")
    assert (answer.status_code, answer.json["deleted_at"], answer.json["version"]) == (200, None, 3)
    assert provider.found("tag=vip") == ["Anna"]
    assert provider.post("/v1/clients", {"name": "x", "email": "anna@example.com"}).json["code"] == "duplicate"


def test_a_client_who_was_not_deleted_cannot_be_restored(provider: Caller) -> None:
    answer = provider.post(f"/v1/clients/{provider.made(name='Anna')['id']}/restore")
    assert (answer.status_code, answer.json["code"]) == (409, "invalid_transition")


def test_a_deletion_can_be_undone_on_its_thirtieth_day(suite: Suite, provider: Caller) -> None:
    path = f"/v1/clients/{provider.made(name='Anna')['id']}"
    provider.delete(path)
    suite.pass_time(days=30, minutes=-1)
    assert provider.post(f"{path}/restore").status_code == 200


def test_a_deletion_cannot_be_undone_after_thirty_days(suite: Suite, provider: Caller) -> None:
    path = f"/v1/clients/{provider.made(name='Anna')['id']}"
    provider.delete(path)
    suite.pass_time(days=30, minutes=1)
    answer = provider.post(f"{path}/restore")
    assert (answer.status_code, answer.json["code"]) == (409, "undo_expired")
    assert provider.found() == []


def test_restoring_to_an_email_that_was_taken_meanwhile_is_a_conflict_unless_allowed(provider: Caller) -> None:
    path = f"/v1/clients/{provider.made(name='Anna', email='anna@example.com')['id']}"
    provider.delete(path)
    other = provider.made(name="Other", email="anna@example.com")
    answer = provider.post(f"{path}/restore")
    assert (answer.status_code, answer.json["code"], answer.json["existing_ids"]) == (409, "duplicate", [other["id"]])
    assert provider.post(f"{path}/restore", {"allow_duplicate": True}).status_code == 200
