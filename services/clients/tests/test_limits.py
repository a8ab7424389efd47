"""The plan's limit of clients, through every door and under concurrency."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from services.clients.tests.driver import Caller, Suite


@pytest.fixture
def beginner(suite: Suite) -> Caller:
    """Somebody on plan free with 19 of 20 clients."""
    suite.account("acc_free", plan="free")
    caller = suite.caller("acc_free")
    for number in range(19):
        caller.made(name=f"Client {number}", email=f"client{number}@example.com")
    return caller


def test_the_client_past_the_limit_is_refused(beginner: Caller) -> None:
    beginner.made(name="The twentieth")
    answer = beginner.post("/v1/clients", {"name": "The twenty-first"})
    assert (answer.status_code, answer.json["code"]) == (409, "plan_limit_reached")
    assert len(beginner.found("limit=200")) == 20


def test_one_who_is_there_already_is_found_at_the_limit(beginner: Caller) -> None:
    beginner.made(name="The twentieth")
    assert beginner.post("/v1/clients?reuse=true", {"name": "x", "email": "client3@example.com"}).status_code == 200


def test_fifty_at_once_at_nineteen_of_twenty_end_at_twenty(beginner: Caller) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: beginner.post("/v1/clients", {"name": f"New {number}"}), range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"plan_limit_reached"}
    assert len(beginner.found("limit=200")) == 20


def test_deleting_makes_room_and_restoring_needs_it(beginner: Caller) -> None:
    last = beginner.made(name="The twentieth")
    beginner.delete(f"/v1/clients/{last['id']}")
    beginner.made(name="Instead")
    answer = beginner.post(f"/v1/clients/{last['id']}/restore")
    assert (answer.status_code, answer.json["code"]) == (409, "plan_limit_reached")


def test_a_higher_plan_lifts_the_limit_and_a_lower_one_loses_nobody(suite: Suite, beginner: Caller) -> None:
    suite.account("acc_free", plan="pro", version=2)
    beginner.made(name="The twentieth")
    beginner.made(name="The twenty-first")
    suite.account("acc_free", plan="free", version=3)
    assert len(beginner.found("limit=200")) == 21
    assert beginner.post("/v1/clients", {"name": "No more"}).json["code"] == "plan_limit_reached"


def test_an_older_event_of_the_account_changes_nothing(suite: Suite, beginner: Caller) -> None:
    suite.account("acc_free", plan="max", version=3)
    suite.account("acc_free", plan="free", version=2)
    for number in range(2):
        beginner.made(name=f"More {number}")


def test_twenty_bookings_at_once_of_one_email_give_one_client(suite: Suite, provider: Caller) -> None:
    booking = suite.caller("acc_one", "clients:write", "service:scheduling")
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(
                lambda number: booking.post("/v1/clients?reuse=true", {"name": f"A{number}", "email": "a@example.com"}),
                range(20),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json["id"] for answer in answers}) == 1
    assert [type_ for type_, _ in suite.told()] == ["client.created"]


def test_the_same_email_typed_twenty_times_at_once_is_one_client_and_nineteen_conflicts(provider: Caller) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(
                lambda number: provider.post("/v1/clients", {"name": f"A{number}", "email": "a@example.com"}), range(20)
            )
        )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19


def test_two_who_change_to_one_email_at_once_end_as_one_change_and_one_conflict(provider: Caller) -> None:
    paths = [f"/v1/clients/{provider.made(name=name)['id']}" for name in ("Anna", "Bert")]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda path: provider.patch(path, {"email": "one@example.com"}), paths))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def test_the_same_key_fifty_times_at_once_makes_one_client(provider: Caller) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(
            pool.map(lambda _: provider.post("/v1/clients", {"name": "Anna"}, Idempotency_Key="once"), range(50))
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert provider.found() == ["Anna"]
