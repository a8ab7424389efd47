"""The HTTP API: forms, errors, versions, isolation by account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from services.payments.tests.practice import SECRET, Practice, code_of

from chassis.links import Links
from contracts.fields import rfc3339

TIERS = [
    {"hours_before": 48, "percentage": 100},
    {"hours_before": 24, "percentage": 50},
    {"hours_before": 0, "percentage": 0},
]
OTHER = "acc_other"


def test_settings_put_without_a_body_are_400_and_stay(practice: Practice) -> None:
    practice.put_settings(refund_percentage=30)
    for body in (b"", b" \n"):
        answer = practice.call("PUT", "/v1/settings", data=body, content_type="application/json")
        assert (answer.status_code, code_of(answer)) == (400, "invalid_json")
    assert practice.call("PUT", "/v1/settings").status_code == 400
    assert practice.get("/v1/settings")["refund_percentage"] == 30


def test_settings_begin_with_everything_back(stranger: Practice) -> None:
    assert stranger.get("/v1/settings") == {
        "version": 0,
        "refund_percentage": 100,
        "refund_tiers": None,
        "provider_cancellation_percentage": None,
        "deposit_due_hours": 72,
    }


def test_put_replaces_all_settings(stranger: Practice) -> None:
    first = stranger.put_settings(refund_tiers=TIERS[::-1], provider_cancellation_percentage=90, deposit_due_hours=24)
    assert first["refund_tiers"] == TIERS
    assert first["refund_percentage"] is None
    second = stranger.put_settings(refund_percentage=30)
    assert second == {
        "version": 2,
        "refund_percentage": 30,
        "refund_tiers": None,
        "provider_cancellation_percentage": None,
        "deposit_due_hours": 72,
    }
    assert stranger.get("/v1/settings") == second


@pytest.mark.parametrize(
    "body",
    [
        {"refund_percentage": 50, "refund_tiers": TIERS},
        {"refund_percentage": 101},
        {"refund_percentage": -1},
        {"refund_percentage": 50.5},
        {"refund_percentage": "50"},
        {"refund_percentage": True},
        {"refund_tiers": []},
        {"refund_tiers": [TIERS[0], TIERS[0]]},
        {"refund_tiers": [{"hours_before": 48, "percentage": 10}, {"hours_before": 24, "percentage": 20}]},
        {"refund_tiers": [{"hours_before": -1, "percentage": 10}]},
        {"refund_tiers": [{"hours_before": 1}]},
        {"refund_tiers": [{"hours_before": 1, "percentage": 1, "more": 1}]},
        {"provider_cancellation_percentage": 200},
        {"deposit_due_hours": 0},
        {"unknown": 1},
    ],
)
def test_settings_that_make_no_sense_are_422_and_change_nothing(stranger: Practice, body: dict[str, Any]) -> None:
    answer = stranger.call("PUT", "/v1/settings", json=body)
    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert stranger.get("/v1/settings")["version"] == 0


def test_a_stale_version_is_412(stranger: Practice) -> None:
    stranger.put_settings(refund_percentage=30)
    answer = stranger.call("PUT", "/v1/settings", json={"refund_percentage": 40}, headers={"If-Match": '"0"'})
    assert (answer.status_code, code_of(answer)) == (412, "stale")
    answer = stranger.call("PUT", "/v1/settings", json={"refund_percentage": 40}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')


def test_simulate_tells_what_would_come_back_and_keeps_nothing(stranger: Practice) -> None:
    answer = stranger.post(
        "/v1/settings/simulate", refund_tiers=TIERS, provider_cancellation_percentage=100, amount=2001
    )
    assert answer["currency"] == "EUR"
    assert [(row["hours_before"], row["percentage"], row["amount"]) for row in answer["data"]] == [
        (168, 100, 2001),
        (72, 100, 2001),
        (48, 100, 2001),
        (24, 50, 1000),
        (12, 0, 0),
        (1, 0, 0),
    ]
    assert {row["provider_amount"] for row in answer["data"]} == {2001}
    assert stranger.get("/v1/settings")["version"] == 0
    assert stranger.call("POST", "/v1/settings/simulate", json={"refund_percentage": 3}).status_code == 422


def test_a_quote_says_what_comes_back_and_when_it_becomes_less(practice: Practice) -> None:
    practice.put_settings(refund_tiers=TIERS)
    session_id = practice.paid_session(hours_ahead=72)
    quote = practice.get(f"/v1/sessions/{session_id}/refund-quote")
    assert (quote["percentage"], quote["amount"], quote["currency"], quote["tier"]) == (100, 2000, "EUR", TIERS[0])
    assert [(change["percentage"], change["amount"]) for change in quote["changes"]] == [(50, 1000), (0, 0)]
    promise = Links(SECRET).read("refund-quote", quote["quote_id"])
    assert (promise["account_id"], promise["session_id"], promise["amount"]) == (practice.account_id, session_id, 2000)
    assert promise["expires_at"] == quote["expires_at"]


def test_a_quote_for_another_moment_cannot_be_executed(practice: Practice) -> None:
    practice.put_settings(refund_tiers=TIERS)
    session_id = practice.paid_session(hours_ahead=72)
    at = rfc3339(practice.clock.now() + timedelta(hours=40))
    quote = practice.get(f"/v1/sessions/{session_id}/refund-quote", at=at)
    assert (quote["percentage"], quote["amount"], quote["quote_id"]) == (50, 1000, None)
    assert practice.call("GET", f"/v1/sessions/{session_id}/refund-quote?at=2026-12-01T09:00:00").status_code == 422


def test_a_quote_asked_for_the_client_leaves_the_providers_own_percentage_aside(practice: Practice) -> None:
    practice.put_settings(refund_percentage=10, provider_cancellation_percentage=100)
    session_id = practice.paid_session()
    assert practice.get(f"/v1/sessions/{session_id}/refund-quote")["amount"] == 2000
    assert practice.get(f"/v1/sessions/{session_id}/refund-quote", by="client")["amount"] == 200


def test_a_client_is_quoted_by_their_link_what_comes_back_to_clients(practice: Practice) -> None:
    practice.put_settings(refund_percentage=10, provider_cancellation_percentage=100)
    session_id = practice.paid_session()
    token = Links(SECRET).sign("manage-link", [practice.account_id, session_id])
    answer = practice.http.get(f"/v1/manage/{token}/refund-quote")
    quote = answer.get_json()
    assert (quote["percentage"], quote["amount"], quote["currency"]) == (10, 200, "EUR")
    assert Links(SECRET).read("refund-quote", quote["quote_id"])["session_id"] == session_id
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")


def test_only_a_link_for_that_very_session_is_quoted_anything(practice: Practice) -> None:
    practice.hear(practice.account_told(account_id=OTHER))
    session_id = practice.paid_session()
    links = Links(SECRET)
    for token in (
        "x",
        links.sign("payment-link", [practice.account_id, session_id]),
        links.sign("manage-link", [OTHER, session_id]),
        links.sign("manage-link", session_id),
        Links("another secret that is as long as ours").sign("manage-link", [practice.account_id, session_id]),
    ):
        answer = practice.http.get(f"/v1/manage/{token}/refund-quote")
        assert (answer.status_code, code_of(answer)) == (404, "not_found"), token


def test_a_session_without_a_deposit_has_no_quote(practice: Practice) -> None:
    session_id = practice.book(deposit=False)
    assert practice.call("GET", f"/v1/sessions/{session_id}/refund-quote").status_code == 404
    assert practice.deposit(session_id) is None


def test_refunds_by_hand_add_up_to_what_was_paid_at_most(practice: Practice) -> None:
    session_id = practice.paid_session()
    deposit_id = practice.deposit(session_id)["id"]
    refund = practice.post(f"/v1/deposits/{deposit_id}/refunds", 201, amount=500, reason="goodwill")
    assert (refund["status"], refund["amount"], refund["reason"]) == ("pending", 500, "goodwill")
    answer = practice.call("POST", f"/v1/deposits/{deposit_id}/refunds", json={"amount": 1501})
    assert (answer.status_code, code_of(answer), answer.get_json()["left"]) == (409, "refund_exceeds_paid", 1500)
    practice.settle_down()
    assert practice.standing(session_id) == ("partially_refunded", 1500, 0, 500)
    practice.post(f"/v1/deposits/{deposit_id}/refunds", 201, percentage=75)
    practice.settle_down()
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    answer = practice.call("POST", f"/v1/deposits/{deposit_id}/refunds", json={"amount": 1})
    assert (answer.status_code, code_of(answer)) == (409, "refund_exceeds_paid")
    assert practice.violations() == {}


def test_refunded_by_hand_then_cancelled_returns_the_rest_of_the_policy(practice: Practice) -> None:
    practice.put_settings(refund_percentage=50)
    session_id = practice.paid_session()
    practice.post(f"/v1/deposits/{practice.deposit(session_id)['id']}/refunds", 201, amount=300)
    practice.cancel(session_id)
    assert practice.standing(session_id) == ("partially_refunded", 1000, 0, 1000)
    assert sorted(refund["amount"] for refund in practice.refunds_at_stripe()) == [300, 700]


def test_refunded_by_hand_beyond_the_policy_a_cancellation_returns_nothing_more(practice: Practice) -> None:
    practice.put_settings(refund_percentage=50)
    session_id = practice.paid_session()
    practice.post(f"/v1/deposits/{practice.deposit(session_id)['id']}/refunds", 201, amount=1200)
    practice.settle_down()
    practice.cancel(session_id)
    assert practice.standing(session_id) == ("partially_refunded", 800, 0, 1200)
    assert practice.deposit(session_id)["refunds"][0]["reason"] == "already_refunded"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"amount": 0},
        {"amount": 5, "percentage": 5},
        {"percentage": 0},
        {"percentage": 101},
        {"amount": "5"},
        {"sum": 5},
    ],
)
def test_a_refund_by_hand_that_makes_no_sense_is_422(practice: Practice, body: dict[str, Any]) -> None:
    session_id = practice.paid_session()
    answer = practice.call("POST", f"/v1/deposits/{practice.deposit(session_id)['id']}/refunds", json=body)
    assert (answer.status_code, code_of(answer)) == (422, "invalid")


def test_an_amount_that_no_card_takes_in_this_currency_is_422(practice: Practice) -> None:
    deposit = practice.deposit(practice.paid_session(amount=5000, currency="KWD"))
    answer = practice.call("POST", f"/v1/deposits/{deposit['id']}/refunds", json={"amount": 1005})
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"] == "/amount"
    practice.post(f"/v1/deposits/{deposit['id']}/refunds", 201, amount=1010)


def test_the_same_idempotency_key_refunds_once(practice: Practice) -> None:
    session_id = practice.paid_session()
    path = f"/v1/deposits/{practice.deposit(session_id)['id']}/refunds"
    answers = [practice.call("POST", path, json={"amount": 100}, headers={"Idempotency-Key": "k1"}) for _ in range(3)]
    assert {answer.get_json()["id"] for answer in answers} == {answers[0].get_json()["id"]}
    practice.settle_down()
    assert practice.standing(session_id)[3] == 100


def test_nothing_failed_means_nothing_to_retry(practice: Practice) -> None:
    session_id = practice.paid_session()
    answer = practice.call("POST", f"/v1/deposits/{practice.deposit(session_id)['id']}/retry-refund")
    assert (answer.status_code, code_of(answer)) == (409, "invalid_transition")


def test_a_stale_deposit_is_412(practice: Practice) -> None:
    session_id = practice.paid_session()
    deposit = practice.deposit(session_id)
    path = f"/v1/deposits/{deposit['id']}/refunds"
    stale = practice.call("POST", path, json={"amount": 1}, headers={"If-Match": f'"{deposit["version"] - 1}"'})
    assert stale.status_code == 412
    assert practice.call("GET", f"/v1/deposits/{deposit['id']}").headers["ETag"] == f'"{deposit["version"]}"'


def test_deposits_are_listed_newest_first_in_pages(practice: Practice) -> None:
    sessions = [practice.book() for _ in range(5)]
    first = practice.get("/v1/deposits", limit=2)
    second = practice.get("/v1/deposits", limit=2, cursor=first["next_cursor"])
    third = practice.get("/v1/deposits", limit=2, cursor=second["next_cursor"])
    seen = [deposit["session_id"] for page in (first, second, third) for deposit in page["data"]]
    assert seen == sessions[::-1]
    assert third["next_cursor"] is None
    assert practice.get("/v1/deposits", status="paid,kept")["data"] == []
    assert practice.call("GET", "/v1/deposits?status=strange").status_code == 422
    assert practice.call("GET", "/v1/deposits?cursor=x").status_code == 422


def test_another_accounts_ids_do_not_exist(practice: Practice) -> None:
    practice.hear(practice.account_told(account_id=OTHER))
    session_id = practice.paid_session()
    deposit_id = practice.deposit(session_id)["id"]
    for method, path, body in (
        ("GET", f"/v1/deposits/{deposit_id}", None),
        ("GET", f"/v1/sessions/{session_id}/refund-quote", None),
        ("POST", f"/v1/deposits/{deposit_id}/refunds", {"amount": 1}),
        ("POST", f"/v1/deposits/{deposit_id}/retry-refund", {}),
        ("POST", f"/v1/deposits/{deposit_id}/mark-paid", {}),
        ("GET", "/v1/deposits/dep_unknown", None),
    ):
        answer = practice.call(method, path, json=body, account=OTHER)
        assert (answer.status_code, code_of(answer)) == (404, "not_found"), path
    answer = practice.call("GET", f"/v1/deposits?session_id={session_id}", account=OTHER)
    assert answer.get_json()["data"] == []
    assert practice.call("GET", "/v1/connect", account=OTHER).get_json()["status"] == "not_connected"
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/settings"),
        ("POST", "/v1/connect"),
        ("POST", "/v1/deposits/dep_1/refunds"),
        ("POST", "/v1/deposits/dep_1/retry-refund"),
        ("POST", "/v1/deposits/dep_1/mark-paid"),
    ],
)
def test_writing_needs_the_scope_for_it(stranger: Practice, method: str, path: str) -> None:
    assert stranger.call(method, path, json={}, scope="payments:read").status_code == 403
    assert stranger.http.open(path, method=method, json={}).status_code == 401


def test_a_link_that_we_never_drew_is_404_and_one_whose_deposit_is_not_here_yet_503(practice: Practice) -> None:
    assert practice.http.get("/v1/pay/forged").status_code == 404
    answer = practice.http.get("/v1/pay/" + Links(SECRET).draw("payment-link"))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_pages_leak_neither_the_link_nor_the_client(practice: Practice) -> None:
    session_id = practice.paid_session()
    answer = practice.http.get(practice.link(session_id))
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "ada@example.com" not in answer.text
    assert "Ada" not in answer.text


def test_the_openapi_document_tells_every_route(stranger: Practice) -> None:
    answer = stranger.http.get("/openapi.json")
    assert answer.status_code == 200
    paths = set(answer.get_json()["paths"])
    assert {
        "/v1/connect",
        "/v1/settings",
        "/v1/settings/simulate",
        "/v1/deposits",
        "/v1/deposits/{deposit_id}",
        "/v1/deposits/{deposit_id}/refunds",
        "/v1/deposits/{deposit_id}/retry-refund",
        "/v1/deposits/{deposit_id}/mark-paid",
        "/v1/sessions/{session_id}/refund-quote",
        "/v1/pay/{secret}",
        "/v1/manage/{token}/refund-quote",
        "/v1/webhooks/stripe",
    } <= paths
