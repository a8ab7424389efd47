"""Onboarding at Stripe, and the deposits that wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from services.payments.tests.conftest import Open, open_practice
from services.payments.tests.practice import Practice, code_of, until

from payments.domain.charging import Dashboard
from payments.gateways.stripe import AccountState, StripeGateway
from payments.operations import connect
from payments.operations.connect import look_at_account
from payments.service import context_of
from payments.store.models import Connection


def _accounts_at_stripe(practice: Practice) -> list[dict[str, Any]]:
    answer = requests.get(
        f"{practice.sandbox_url}/stripe/v1/accounts",
        auth=(practice.sandbox.keys.stripe_secret_key, ""),
        timeout=10,
    )
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_before_anything_it_is_not_connected(stranger: Practice) -> None:
    seen = stranger.get("/v1/connect")
    assert (seen["status"], seen["charges_enabled"], seen["payouts_enabled"]) == ("not_connected", False, False)


def test_onboarding_can_be_left_and_resumed_with_one_account(stranger: Practice) -> None:
    first = stranger.post("/v1/connect")
    assert first["status"] == "onboarding"
    assert first["requirements"]["currently_due"]
    second = stranger.post("/v1/connect")
    assert second["onboarding_url"] != first["onboarding_url"]
    assert len(_accounts_at_stripe(stranger)) == 1
    requests.post(second["onboarding_url"], timeout=10)
    stranger.settle_down()
    seen = stranger.get("/v1/connect")
    assert (seen["status"], seen["charges_enabled"], seen["payouts_enabled"]) == ("active", True, True)
    assert seen["requirements"]["currently_due"] == []
    assert seen["capabilities"] == {"card_payments": "active", "transfers": "active"}


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({}, "/v1/connect/done"),
        ({"console_public_url": "https://console.example"}, "https://console.example/setup/payments"),
        (
            {"console_public_url": "https://console.example", "connect_return_url": "https://other.example/back"},
            "https://other.example/back",
        ),
    ],
)
def test_onboarding_leads_back_to_the_console_where_there_is_one_and_nothing_else_is_said(
    opened: Open, settings: dict[str, str], place: str
) -> None:
    practice = opened(**settings)
    practice.introduce()
    url = practice.post("/v1/connect")["onboarding_url"]
    back = requests.post(url, timeout=10, allow_redirects=False).headers["Location"]
    assert back.removeprefix(practice.service.settings.public_url) == place


def test_the_account_has_an_express_dashboard_and_the_platform_bears_its_losses(stranger: Practice) -> None:
    stranger.post("/v1/connect")
    [account] = _accounts_at_stripe(stranger)
    assert account["controller"]["stripe_dashboard"] == {"type": "express"}
    assert account["controller"]["losses"] == {"payments": "application"}
    assert account["controller"]["fees"] == {"payer": "application"}
    assert account["metadata"] == {"timeblu_account": stranger.account_id}
    assert account["country"] == "DE"


def test_with_the_full_dashboard_stripe_bears_losses_and_the_provider_the_fees(opened: Open) -> None:
    practice = opened(connect_dashboard=Dashboard.FULL)
    practice.introduce()
    assert practice.post("/v1/connect")["dashboard"] == "full"
    [account] = _accounts_at_stripe(practice)
    assert account["controller"]["stripe_dashboard"] == {"type": "full"}
    assert account["controller"]["losses"] == {"payments": "stripe"}
    assert account["controller"]["fees"] == {"payer": "account"}


def test_a_version_that_is_not_the_present_one_starts_nothing(stranger: Practice) -> None:
    def start(version: int) -> Any:
        return stranger.call("POST", "/v1/connect", json={}, headers={"If-Match": f'"{version}"'})

    assert (start(7).status_code, code_of(start(7))) == (412, "stale")
    assert _accounts_at_stripe(stranger) == []
    assert start(0).status_code == 200
    assert code_of(start(0)) == "stale"
    assert start(stranger.get("/v1/connect")["version"]).status_code == 200
    operation = stranger.http.get("/openapi.json").get_json()["paths"]["/v1/connect"]["post"]
    assert [each["name"] for each in operation["parameters"] if each["in"] == "header"].count("If-Match") == 1
    assert "412" in operation["responses"]


def test_a_link_that_has_ended_leads_to_a_fresh_one(stranger: Practice) -> None:
    from payments.operations.connect import _RESUME

    stranger.post("/v1/connect")
    signed = (
        __import__("chassis.links")
        .links.Links(stranger.service.settings.service_jwt_secret)
        .sign(_RESUME, stranger.account_id)
    )
    answer = stranger.http.get(f"/v1/connect/resume/{signed}")
    assert answer.status_code == 303
    assert requests.post(answer.headers["Location"], timeout=10).status_code < 400
    assert stranger.http.get("/v1/connect/resume/forged").status_code == 404


def test_opened_ten_times_at_once_there_is_one_account(stranger: Practice) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: stranger.call("POST", "/v1/connect", json={}).status_code, range(10)))
    assert set(answers) == {200}
    assert len(_accounts_at_stripe(stranger)) == 1


@pytest.mark.parametrize("fault", ["error_500", "error_500_after_processing", "drop_after_processing", "rate_limit"])
def test_stripe_in_trouble_is_503_and_the_next_try_goes_on(stranger: Practice, fault: str) -> None:
    stranger.fault(fault, 1, method="POST", path="/v1/accounts")
    answer = stranger.call("POST", "/v1/connect", json={})
    assert (answer.status_code, code_of(answer)) == (503, "unavailable")
    assert "Retry-After" in answer.headers
    assert stranger.post("/v1/connect")["status"] == "onboarding"
    assert len(_accounts_at_stripe(stranger)) == 1


def test_an_account_made_without_our_hearing_of_it_is_found_when_stripe_has_forgotten_the_key(
    stranger: Practice,
) -> None:
    stranger.fault("drop_after_processing", 1, method="POST", path="/v1/accounts")
    assert stranger.call("POST", "/v1/connect", json={}).status_code == 503
    stranger.advance(hours=25)
    assert stranger.post("/v1/connect")["stripe_account_id"] == _accounts_at_stripe(stranger)[0]["id"]
    assert len(_accounts_at_stripe(stranger)) == 1


def test_an_email_changed_between_two_tries_is_no_obstacle(stranger: Practice) -> None:
    stranger.fault("drop_after_processing", 1, method="POST", path="/v1/accounts")
    stranger.fault("error_500", 1, method="GET", path="/v1/accounts")
    assert stranger.call("POST", "/v1/connect", json={}).status_code == 503
    stranger.hear(stranger.account_told(version=2, email="new@example.com"))
    assert stranger.call("POST", "/v1/connect", json={}).status_code == 503  # Stripe cannot be asked
    stranger.post("/v1/connect")
    assert len(_accounts_at_stripe(stranger)) == 1


def test_another_country_wanted_after_an_unsure_answer_gets_its_own_account(stranger: Practice) -> None:
    stranger.fault("drop_after_processing", 1, method="POST", path="/v1/accounts")
    assert stranger.call("POST", "/v1/connect", json={"country": "FR"}).status_code == 503
    assert stranger.post("/v1/connect", country="AT")["country"] == "AT"
    assert stranger.post("/v1/connect")["country"] == "AT"


def test_another_country_after_the_account_was_made_is_a_conflict(stranger: Practice) -> None:
    stranger.post("/v1/connect", country="AT")
    assert stranger.get("/v1/connect")["country"] == "AT"
    answer = stranger.call("POST", "/v1/connect", json={"country": "FR"})
    assert (answer.status_code, code_of(answer)) == (409, "invalid_transition")


@pytest.mark.parametrize("body", [{"country": "Germany"}, {"country": 3}, {"nothing": 1}])
def test_a_wrong_body_is_422(stranger: Practice, body: dict[str, Any]) -> None:
    assert stranger.call("POST", "/v1/connect", json=body).status_code == 422


def test_a_country_that_stripe_does_not_do_is_422_and_another_may_follow(stranger: Practice) -> None:
    answer = stranger.call("POST", "/v1/connect", json={"country": "KP"})
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"] == "/country"
    assert stranger.post("/v1/connect", country="DE")["status"] == "onboarding"


def test_below_max_connecting_is_plan_required(stranger: Practice) -> None:
    stranger.hear(stranger.account_told(plan="pro", version=2))
    answer = stranger.call("POST", "/v1/connect", json={})
    assert (answer.status_code, code_of(answer)) == (409, "plan_required")


def test_an_account_not_heard_of_yet_is_503(stranger: Practice) -> None:
    for path in ("/v1/connect", "/v1/settings", "/v1/deposits"):
        answer = stranger.call("GET", path, account="acc_unheard")
        assert (answer.status_code, code_of(answer)) == (503, "unavailable")
        assert "Retry-After" in answer.headers


def test_no_deposit_is_asked_before_stripe_can_charge_and_all_are_once_it_can(stranger: Practice) -> None:
    early = stranger.book()
    assert stranger.deposit(early)["reason"] == "not_connected"
    stranger.post("/v1/connect")
    later = stranger.book()
    assert (stranger.deposit(later)["status"], stranger.deposit(later)["reason"]) == ("not_asked", "charges_disabled")
    assert stranger.http.get(stranger.link(later)).status_code == 410
    stranger.connect()
    assert stranger.standing(early) == ("required", 0, 2000, 0)
    assert stranger.standing(later) == ("required", 0, 2000, 0)
    stranger.pay(later)
    assert stranger.standing(later)[0] == "paid"


def test_a_session_cancelled_meanwhile_is_not_asked(stranger: Practice) -> None:
    session_id = stranger.book()
    stranger.cancel(session_id, None)
    stranger.connect()
    assert stranger.deposit(session_id)["status"] == "not_asked"
    stranger.restore(session_id)
    assert stranger.deposit(session_id)["status"] == "required"


def test_fallen_below_max_meanwhile_none_is_asked(stranger: Practice) -> None:
    session_id = stranger.book()
    stranger.post("/v1/connect")
    stranger.hear(stranger.account_told(plan="pro", version=2))
    answer = stranger.call("POST", "/v1/connect", json={})
    assert answer.status_code == 409
    stranger.hear(stranger.account_told(plan="max", version=3))
    url = stranger.post("/v1/connect")["onboarding_url"]
    stranger.hear(stranger.account_told(plan="pro", version=4))
    requests.post(url, timeout=10)
    stranger.settle_down()
    assert stranger.get("/v1/connect")["charges_enabled"]
    assert (stranger.deposit(session_id)["status"], stranger.deposit(session_id)["reason"]) == ("not_asked", "plan")


def test_a_deposit_that_the_plan_does_not_include_is_not_asked(practice: Practice) -> None:
    session_id, event = practice.booked()
    event.data["deposit"] |= {"status": "not_asked", "reason": "plan", "due_amount": 0}
    practice.hear(event)
    assert (practice.deposit(session_id)["status"], practice.deposit(session_id)["reason"]) == ("not_asked", "plan")
    assert practice.told("deposit") == ["deposit.not_asked"]


def test_when_the_deposit_of_an_occurrence_is_asked_is_schedulings_to_say(practice: Practice) -> None:
    session_id = practice.book(source="series", series_id="srs_1", hours_ahead=24 * 20)
    assert practice.standing(session_id) == ("required", 0, 2000, 0)


def test_an_older_answer_of_stripe_does_not_undo_a_newer_one(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, account = context_of(practice.service), practice.get("/v1/connect")["stripe_account_id"]
    newer = context.stripe().account(account)
    asked: list[str] = []

    def answer(self: StripeGateway, account: str) -> AccountState:
        asked.append(account)
        if len(asked) > 1:
            return newer
        # While this answer is on its way, another process asks and keeps a newer one.
        look_at_account(context, account)
        return replace(newer, charges_enabled=False)

    monkeypatch.setattr(StripeGateway, "account", answer)
    look_at_account(context, account)
    assert practice.get("/v1/connect")["charges_enabled"]


# --- what is booked while Stripe lets the account charge --------------------------------------------------------------


@pytest.fixture
def on_postgresql(postgres_url: str, tmp_path: Path) -> Iterator[Practice]:
    """A stranger on the store on which several units of work may be open at once, onboarding not finished."""
    with open_practice(postgres_url, tmp_path) as practice:
        practice.introduce()
        practice.post("/v1/connect")
        yield practice


def _enabled_at_stripe(practice: Practice) -> str:
    """The account, which Stripe lets charge from now on without our having heard of it."""
    practice.hold_hooks(True)
    requests.post(practice.post("/v1/connect")["onboarding_url"], timeout=10)
    return str(practice.get("/v1/connect")["stripe_account_id"])


def _waits_or_is_done(practice: Practice, thread: threading.Thread) -> None:
    """Until the other thread has ended, or waits for a lock."""

    def seen() -> bool:
        store = practice.service.store
        with store.reading():
            store.execute("SELECT 1 FROM pg_stat_clear_snapshot()")
            waiting = store.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        return bool(waiting) or not thread.is_alive()

    until(seen, "the other unit of work to wait or to end")


def test_a_deposit_made_while_the_account_may_charge_at_last_is_asked(on_postgresql: Practice) -> None:
    practice, account = on_postgresql, _enabled_at_stripe(on_postgresql)
    session_id, event = practice.booked()
    looking = threading.Thread(target=look_at_account, args=(context_of(practice.service), account))
    with practice.service.store.transaction():
        # The consumer has taken the event in and is about to commit.
        practice.service.handlers()[event.type](event)
        looking.start()
        _waits_or_is_done(practice, looking)
    looking.join(timeout=20)
    assert practice.get("/v1/connect")["charges_enabled"]
    assert practice.standing(session_id)[0] == "required"


def test_a_deposit_made_while_that_is_being_committed_is_asked(on_postgresql: Practice) -> None:
    practice, account = on_postgresql, _enabled_at_stripe(on_postgresql)
    session_id, event = practice.booked()
    taking = threading.Thread(target=practice.hear, args=(event,))
    connection = Connection.update(charges_enabled=True).where(Connection.stripe_account == account)
    with practice.service.store.transaction():
        connection.execute()
        taking.start()
        _waits_or_is_done(practice, taking)
    taking.join(timeout=20)
    assert practice.standing(session_id)[0] == "required"


def test_news_of_a_session_and_of_its_account_at_once_do_not_wait_for_each_other(on_postgresql: Practice) -> None:
    practice = on_postgresql
    sessions = [practice.book() for _ in range(3)]
    account = _enabled_at_stripe(practice)
    looking = threading.Thread(target=look_at_account, args=(context_of(practice.service), account))
    began = time.monotonic()
    with practice.service.store.transaction():
        for session_id in reversed(sessions):
            event = practice.changed(session_id, notes="Bring a pen")
            practice.service.handlers()[event.type](event)
            if not looking.ident:
                looking.start()
                _waits_or_is_done(practice, looking)
    looking.join(timeout=20)
    assert time.monotonic() - began < 1, "a deadlock is found after a second"
    assert {practice.standing(session_id)[0] for session_id in sessions} == {"required"}


def test_what_was_left_when_a_process_died_is_asked_when_the_account_is_looked_at_next(
    stranger: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = stranger.book()
    account = _enabled_at_stripe(stranger)
    monkeypatch.setattr(connect, "settle", _dies)
    with pytest.raises(RuntimeError):
        look_at_account(context_of(stranger.service), account)
    monkeypatch.undo()
    assert stranger.standing(session_id)[0] == "not_asked"
    stranger.hold_hooks(False)
    stranger.settle_down()
    assert stranger.standing(session_id)[0] == "required"


def _dies(*_: object) -> None:
    raise RuntimeError("the process ends here")
