"""Several records of one person become one, and what was theirs follows."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from services.clients.tests.driver import Caller, Suite


def merge(caller: Caller, stays: dict[str, Any], *others: dict[str, Any], **headers: str) -> Any:
    return caller.post(f"/v1/clients/{stays['id']}/merge", {"from": [other["id"] for other in others]}, **headers)


def test_the_old_id_answers_with_the_one_who_stays(provider: Caller) -> None:
    stays, old = provider.made(name="Anna", email="anna@example.com"), provider.made(name="Ana", phone="+4915123456789")
    merged = merge(provider, stays, old)
    assert merged.status_code == 200
    by_old_id = provider.get(f"/v1/clients/{old['id']}")
    assert by_old_id.json == merged.json
    assert (merged.json["id"], merged.json["name"], merged.json["phone"]) == (stays["id"], "Anna", "+4915123456789")
    assert provider.found() == ["Anna"]
    assert provider.patch(f"/v1/clients/{old['id']}", {"name": "Anna M."}).json["id"] == stays["id"]


def test_what_the_one_who_stays_lacks_is_taken_over_and_nothing_is_lost(provider: Caller) -> None:
    stays = provider.made(name="Anna", notes="likes tea", tags=["VIP"])
    old = provider.made(
        name="Ana",
        email="anna@example.com",
        birth_date="1990-05-01",
        address="A 1",
        notes="left-handed",
        tags=["new", "VIP"],
    )
    merged = merge(provider, stays, old).json
    assert (merged["email"], merged["birth_date"], merged["address"]) == ("anna@example.com", "1990-05-01", "A 1")
    assert (merged["notes"], merged["tags"]) == ("likes tea\n\nleft-handed", ["VIP", "new"])
    assert provider.post("/v1/clients", {"name": "x", "email": "anna@example.com"}).json["existing_ids"] == [
        stays["id"]
    ]
    assert provider.found("q=anna%40example") == ["Anna"]


def test_an_opt_out_of_any_of_them_holds_with_its_history(suite: Suite, provider: Caller) -> None:
    stays, old = provider.made(name="Anna"), provider.made(name="Ana", contact={"sms": False})
    suite.hear("notification.opted_out", opt_out(old, at=datetime(2026, 3, 1, tzinfo=UTC)))
    merged = merge(provider, stays, old).json
    assert merged["contact"] == {"email": False, "sms": False}
    assert {(line["channel"], line["change"], line["source"]) for line in merged["contact_history"]} == {
        ("sms", "set", "provider"),
        ("email", "opted_out", "unsubscribe link"),
        ("email", "set", "merge by provider"),
        ("sms", "set", "merge by provider"),
    }


def test_an_opt_out_of_the_old_id_that_is_heard_later_reaches_the_one_who_stays(suite: Suite, provider: Caller) -> None:
    stays, old = provider.made(name="Anna"), provider.made(name="Ana")
    merge(provider, stays, old)
    suite.hear("notification.opted_out", opt_out(old, at=suite.clock.now()))
    assert provider.get(f"/v1/clients/{stays['id']}").json["contact"]["email"] is False
    type_, data = suite.told()[-1]
    assert (type_, data["id"], data["contact"]["email"]) == ("client.updated", stays["id"], False)


def opt_out(client: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    return {
        "id": client["id"], "account_id": "acc_one", "version": int(at.timestamp() * 1000), "channel": "email",
        "allowed": False, "source": "unsubscribe link", "at": at,
    }  # fmt: skip


def test_others_are_told_of_the_one_who_stays_and_of_the_ones_who_go(suite: Suite, provider: Caller) -> None:
    stays, old = provider.made(name="Anna"), provider.made(name="Ana", email="ana@example.com")
    merge(provider, stays, old)
    (updated, merged) = suite.told()[-2:]
    assert (updated[0], updated[1]["id"], updated[1]["email"]) == ("client.updated", stays["id"], "ana@example.com")
    assert (merged[0], merged[1]["id"], merged[1]["merged_into"]) == ("client.merged", old["id"], stays["id"])


def test_the_timeline_has_the_sessions_of_both_before_and_after_they_follow(
    suite: Suite, provider: Caller, session_data: Any, deposit_data: Any
) -> None:
    stays, old = provider.made(name="Anna"), provider.made(name="Ana")
    suite.hear("session.created", session_data("ses_1", old["id"]))
    suite.hear("deposit.paid", deposit_data("dep_1", "ses_1", old["id"]))
    merge(provider, stays, old)
    before = provider.get(f"/v1/clients/{stays['id']}/timeline").json
    suite.hear("session.updated", session_data("ses_1", stays["id"], version=2))
    suite.hear("deposit.changed", deposit_data("dep_1", "ses_1", stays["id"], version=2))
    assert provider.get(f"/v1/clients/{old['id']}/timeline").json == before
    assert before["total"] == 1
    assert before["years"][0]["deposits"] == [{"currency": "EUR", "held_amount": 2000, "refunded_amount": 0}]


def test_one_who_was_merged_answers_for_those_merged_before(provider: Caller) -> None:
    first, second, third = (provider.made(name=name) for name in ("A", "B", "C"))
    merge(provider, second, first)
    merge(provider, third, second)
    assert provider.get(f"/v1/clients/{first['id']}").json["id"] == third["id"]


@pytest.mark.parametrize("gone", ["deleted", "merged"])
def test_who_is_gone_cannot_be_merged(provider: Caller, gone: str) -> None:
    stays, other = provider.made(name="Anna"), provider.made(name="Ana")
    if gone == "deleted":
        provider.delete(f"/v1/clients/{other['id']}")
    else:
        merge(provider, stays, other)
    answer = merge(provider, stays, other)
    assert (answer.status_code, answer.json["code"]) == (409, "invalid_transition")


def test_a_merge_of_an_unknown_one_or_another_accounts_or_oneself_changes_nothing(
    provider: Caller, stranger: Caller
) -> None:
    stays, old, theirs = provider.made(name="Anna"), provider.made(name="Ana"), stranger.made(name="Theirs")
    for wrong in (theirs, {"id": "cli_none"}, stays):
        answer = merge(provider, stays, old, wrong)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/from/1")
    assert merge(provider, theirs, old).status_code == 404
    assert merge(provider, stays, old, If_Match='"7"').status_code == 412
    assert provider.get(f"/v1/clients/{stays['id']}").json["version"] == 1
    assert len(provider.found()) == 2


@pytest.mark.parametrize("body", [{}, {"from": []}, {"from": "cli_1"}, {"from": [1]}, {"from": ["x"], "into": "y"}])
def test_a_merge_without_others_is_refused(provider: Caller, body: dict[str, Any]) -> None:
    assert provider.post(f"/v1/clients/{provider.made(name='Anna')['id']}/merge", body).status_code == 422


def test_two_who_are_merged_into_each_other_at_once_end_as_one(provider: Caller) -> None:
    for _ in range(5):
        one, two = provider.made(name="One"), provider.made(name="Two")
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda pair: merge(provider, *pair).status_code, [(one, two), (two, one)]))
        assert 200 in answers
        assert {answer for answer in answers if answer != 200} <= {409, 422}
        ids = {provider.get(f"/v1/clients/{each['id']}").json["id"] for each in (one, two)}
        assert len(ids) == 1


def test_a_list_of_changes_says_who_answers_for_whom(provider: Caller) -> None:
    stays, old = provider.made(name="Anna"), provider.made(name="Ana")
    merge(provider, stays, old)
    changed = provider.get("/v1/clients?updated_since=2020-01-01T00:00:00Z").json["data"]
    assert {client["id"]: client["merged_into"] for client in changed} == {stays["id"]: None, old["id"]: stays["id"]}
