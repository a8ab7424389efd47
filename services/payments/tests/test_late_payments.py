"""Payments that arrive when nobody expects them: while a session is cancelled, after it, twice, or in cash."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import stripe
from services.payments.tests.conftest import Open
from services.payments.tests.practice import DECLINED, SECRET, Practice, code_of

from chassis.links import Links
from contracts.envelope import parse_time
from payments.domain.charging import ChargeModel
from payments.gateways.stripe import CheckoutPage, StripeGateway

TIERS = [
    {"hours_before": 48, "percentage": 100},
    {"hours_before": 24, "percentage": 50},
    {"hours_before": 0, "percentage": 0},
]


def _paid_unnoticed(practice: Practice, **kwargs: object) -> str:
    """A session whose client has paid, which Stripe has not told us yet."""
    session_id = practice.book(**kwargs)
    practice.hold_hooks(True)
    assert practice.pay_at(practice.open_page(session_id)).status_code < 400
    return session_id


def test_unpaid_and_cancelled_the_page_is_ended_at_stripe_before_the_deposit_is_cancelled(practice: Practice) -> None:
    session_id = practice.book()
    page = practice.open_page(session_id)
    practice.hear(practice.cancelled(session_id, None))
    assert practice.standing(session_id)[0] == "required"
    practice.settle_down()
    assert practice.standing(session_id) == ("canceled", 0, 0, 0)
    assert practice.pay_at(page).status_code >= 400
    assert practice.http.get(practice.link(session_id)).status_code == 410


def test_a_payment_on_its_way_and_no_decision_stays_paid_until_the_provider_decides(practice: Practice) -> None:
    practice.put_settings(refund_tiers=TIERS)
    session_id = _paid_unnoticed(practice, hours_ahead=49)
    practice.hear(practice.cancelled(session_id, None))
    practice.settle_down()
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    practice.advance(hours=10)
    practice.hear(practice.decided(session_id, "refund"))
    practice.settle_down()
    # Measured as at the cancellation, not as at the decision.
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    practice.hold_hooks(False)
    practice.settle_down()
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    assert len(practice.refunds_at_stripe()) == 1


@pytest.mark.parametrize(("decision", "expected"), [("refund", "refunded"), ("skip", "kept")])
def test_a_payment_on_its_way_with_a_decision_follows_it(practice: Practice, decision: str, expected: str) -> None:
    session_id = _paid_unnoticed(practice)
    practice.hear(practice.cancelled(session_id, decision))
    practice.settle_down()
    practice.hold_hooks(False)
    practice.settle_down()
    assert practice.standing(session_id)[0] == expected
    assert practice.violations() == {}


def test_a_quote_given_before_the_payment_was_heard_of_promises_its_percentage(practice: Practice) -> None:
    practice.put_settings(refund_percentage=50)
    session_id = _paid_unnoticed(practice)
    quote = practice.get(f"/v1/sessions/{session_id}/refund-quote")
    assert (quote["percentage"], quote["amount"]) == (50, 0)
    practice.cancel(session_id, quote={"id": "quo_1", "percentage": quote["percentage"], "amount": quote["amount"]})
    assert practice.standing(session_id) == ("partially_refunded", 1000, 0, 1000)
    assert practice.deposit(session_id)["refunds"][0]["percentage"] == 50


def test_a_payment_after_the_slot_was_released_goes_back_whole(practice: Practice) -> None:
    practice.put_settings(refund_percentage=0)
    session_id = _paid_unnoticed(practice, source="online", status="pending")
    practice.hear(practice.cancelled(session_id, "refund", by="system", reason="deposit_unpaid"))
    practice.settle_down()
    assert practice.standing(session_id) == ("canceled", 0, 0, 0)
    [refund] = practice.deposit(session_id)["refunds"]
    assert (refund["status"], refund["amount"], refund["reason"]) == ("succeeded", 2000, "released")
    assert practice.violations() == {}


def test_unpaid_in_time_a_booked_slot_is_released_after_its_page_has_ended(practice: Practice) -> None:
    session_id = practice.book(source="online", status="pending")
    page = practice.open_page(session_id)
    practice.advance(minutes=29)
    practice.settle_down()
    assert practice.standing(session_id)[0] == "required"
    practice.advance(minutes=2)
    practice.settle_down()
    practice.advance(seconds=3)
    practice.settle_down()
    assert practice.standing(session_id)[0] == "canceled"
    assert practice.told("deposit")[-2:] == ["deposit.canceled", "deposit.released"]
    assert practice.pay_at(page).status_code >= 400


def test_until_when_a_booked_slot_waits_is_told_once_and_holds_while_its_page_is_ended(practice: Practice) -> None:
    before = practice.clock.now()
    session_id = practice.book(source="online", status="pending")
    due = parse_time(practice.deposit(session_id)["pay_by"])
    assert before <= due - timedelta(minutes=30) <= practice.clock.now()
    told = practice.told()
    practice.open_page(session_id)
    practice.advance(minutes=30)
    practice.run_jobs()
    assert (practice.deposit_row(session_id).pay_by, practice.told()) == (due, told)
    practice.settle_down()
    practice.advance(seconds=3)
    practice.settle_down()
    assert practice.deposit(session_id)["pay_by"] is None


@pytest.mark.parametrize("change", [{"status": "confirmed"}, {"source": "manual"}, {"held": 1000}])
def test_where_no_slot_will_be_released_nothing_is_told_of_a_time_to_pay(
    practice: Practice, change: dict[str, Any]
) -> None:
    session_id = practice.book(source=change.get("source", "online"), status="pending")
    if "status" in change:
        practice.hear(practice.changed(session_id, "confirmed", status="confirmed"))
    if "held" in change:
        practice.post(f"/v1/deposits/{practice.deposit(session_id)['id']}/mark-paid", amount=change["held"])
    deposit = practice.deposit(session_id)
    assert (deposit["status"], deposit["pay_by"]) == ("required", None)


def test_a_slot_whose_deposit_could_not_be_asked_has_the_time_to_pay_from_when_it_is(stranger: Practice) -> None:
    session_id = stranger.book(source="online", status="pending")
    stranger.advance(hours=5)
    stranger.settle_down()
    assert stranger.standing(session_id)[0] == "not_asked"
    stranger.connect()
    assert stranger.told("deposit") == ["deposit.not_asked", "deposit.required"]
    stranger.advance(minutes=29)
    stranger.settle_down()
    assert stranger.standing(session_id)[0] == "required"
    stranger.advance(minutes=2)
    stranger.settle_down()
    assert stranger.standing(session_id)[0] == "canceled"
    assert stranger.told("deposit")[-2:] == ["deposit.canceled", "deposit.released"]


def test_a_slot_that_the_provider_confirmed_meanwhile_is_asked_for_again(practice: Practice) -> None:
    session_id = practice.book(source="online", status="pending")
    practice.advance(minutes=31)
    practice.settle_down()
    practice.hear(practice.changed(session_id, "confirmed", status="confirmed"))
    assert practice.standing(session_id)[0] == "required"


def test_a_booking_confirmed_before_it_was_paid_is_reminded_of_and_holds_up_no_other_release(
    practice: Practice,
) -> None:
    confirmed = practice.book(source="online", status="pending", hours_ahead=500)
    practice.hear(practice.changed(confirmed, "confirmed", status="confirmed"))
    practice.advance(minutes=1)
    other = practice.book(source="online", status="pending")
    practice.advance(minutes=31)
    for _ in range(10):
        practice.run_jobs()
    assert practice.deposit_row(confirmed).release_at is None
    assert practice.standing(other)[0] == "canceled"
    practice.advance(hours=73)
    practice.settle_down()
    assert practice.told().count("deposit.due") == 1
    assert practice.standing(confirmed) == ("required", 0, 2000, 0)


def test_a_slot_for_which_a_part_is_held_is_not_released_but_its_rest_reminded_of(practice: Practice) -> None:
    practice.put_settings(refund_percentage=50)
    restored = practice.paid_session(source="online", status="pending", hours_ahead=500)
    practice.cancel(restored)
    practice.hear(practice.restored(restored, status="pending"))
    in_cash = practice.book(source="online", status="pending", hours_ahead=500)
    practice.post(f"/v1/deposits/{practice.deposit(in_cash)['id']}/mark-paid", amount=1000)
    raised = practice.paid_session(source="online", status="pending", hours_ahead=500)
    practice.hear(practice.changed(raised, terms={"amount": 3000}))
    practice.settle_down()
    expected = {
        restored: ("required", 1000, 1000, 0),
        in_cash: ("required", 1000, 1000, 0),
        raised: ("required", 2000, 1000, 0),
    }
    assert {id: practice.standing(id) for id in expected} == expected
    practice.advance(minutes=31)
    practice.settle_down()
    assert {id: practice.standing(id) for id in expected} == expected
    assert "deposit.released" not in practice.told()
    practice.advance(hours=73)
    practice.settle_down()
    assert practice.told().count("deposit.due") == 3
    practice.pay(restored)
    assert practice.standing(restored) == ("paid", 2000, 0, 0)


def test_a_page_that_waits_for_the_bank_is_not_asked_for_every_two_seconds(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = practice.book(source="online", status="pending")
    practice.open_page(session_id)
    real = StripeGateway.checkout
    asked: list[str] = []

    def waits_for_the_bank(self: StripeGateway, account: str, model: ChargeModel, page: str) -> CheckoutPage:
        asked.append(page)
        return replace(real(self, account, model, page), status="complete", payment=None, url=None)

    monkeypatch.setattr(StripeGateway, "checkout", waits_for_the_bank)
    monkeypatch.setattr(StripeGateway, "end_checkout", waits_for_the_bank)
    practice.advance(minutes=31)
    for _ in range(30):
        practice.advance(seconds=2)
        practice.run_jobs()
    assert 0 < len(asked) <= 4
    asked.clear()
    practice.advance(minutes=15)
    practice.settle_down()
    assert asked
    assert practice.standing(session_id)[0] == "required"


def test_a_paid_slot_is_not_released(practice: Practice) -> None:
    session_id = practice.paid_session(source="online", status="pending")
    practice.advance(hours=2)
    practice.settle_down()
    assert practice.standing(session_id)[0] == "paid"
    assert "deposit.released" not in practice.told()


def test_a_session_that_the_provider_made_is_only_reminded_of(practice: Practice) -> None:
    session_id = practice.book(hours_ahead=500)
    practice.advance(hours=71)
    practice.settle_down()
    assert "deposit.due" not in practice.told()
    practice.advance(hours=2)
    practice.settle_down()
    assert practice.told().count("deposit.due") == 1
    practice.advance(hours=200)
    practice.settle_down()
    assert practice.told().count("deposit.due") == 1
    assert practice.standing(session_id)[0] == "required"


def test_a_declined_card_leaves_the_page_open(practice: Practice) -> None:
    session_id = practice.book()
    page = practice.open_page(session_id)
    practice.pay_at(page, DECLINED)
    practice.settle_down()
    assert practice.standing(session_id)[0] == "required"
    assert practice.open_page(session_id) == page
    practice.pay(session_id)
    assert practice.standing(session_id)[0] == "paid"


def test_following_the_link_after_paying_shows_the_receipt_before_any_webhook(practice: Practice) -> None:
    session_id = _paid_unnoticed(practice)
    answer = practice.http.get(practice.link(session_id), headers={"Accept-Language": "de"})
    assert answer.status_code == 200
    assert "Bezahlt" in answer.text
    assert "20,00 EUR" in answer.text
    assert practice.standing(session_id)[0] == "paid"


def test_the_receipt_leads_to_the_clients_own_page_where_there_is_one(opened: Open) -> None:
    practice = opened(console_public_url="https://console.example")
    practice.introduce()
    practice.connect()
    session_id = practice.paid_session()
    answer = practice.http.get(practice.link(session_id), headers={"Accept-Language": "de"})
    token = Links(SECRET).sign("manage-link", [practice.account_id, session_id])
    assert f'<a href="https://console.example/manage/{token}">Zu Ihrem Termin</a>' in answer.text


def test_without_a_console_the_receipt_leads_nowhere(practice: Practice) -> None:
    assert "<a " not in practice.http.get(practice.link(practice.paid_session())).text


def test_cash_pays_it_ends_the_page_and_is_never_returned_by_card(practice: Practice) -> None:
    session_id = practice.book()
    page = practice.open_page(session_id)
    deposit_id = practice.deposit(session_id)["id"]
    assert practice.post(f"/v1/deposits/{deposit_id}/mark-paid")["status"] == "paid"
    assert practice.pay_at(page).status_code >= 400
    practice.cancel(session_id)
    assert practice.standing(session_id) == ("kept", 2000, 0, 0)
    [refund] = practice.deposit(session_id)["refunds"]
    assert (refund["status"], refund["reason"]) == ("skipped", "paid_in_cash")
    assert practice.call("POST", f"/v1/deposits/{deposit_id}/mark-paid", json={}).status_code == 409
    assert practice.violations() == {}


def test_cash_cannot_be_noted_once_the_card_has_paid(practice: Practice) -> None:
    session_id = _paid_unnoticed(practice)
    answer = practice.call("POST", f"/v1/deposits/{practice.deposit(session_id)['id']}/mark-paid", json={})
    assert (answer.status_code, code_of(answer)) == (409, "invalid_transition")
    assert practice.standing(session_id)[0] == "paid"


def test_a_price_that_changes_ends_the_page_first_and_the_next_one_asks_the_new_amount(practice: Practice) -> None:
    session_id = practice.book()
    page = practice.open_page(session_id)
    practice.hear(practice.changed(session_id, terms={"amount": 3000}))
    assert practice.deposit(session_id)["amount"] == 2000
    practice.settle_down()
    assert practice.standing(session_id) == ("required", 0, 3000, 0)
    assert practice.pay_at(page).status_code >= 400
    practice.pay(session_id)
    assert practice.standing(session_id) == ("paid", 3000, 0, 0)


def test_a_payment_of_the_amount_that_stood_when_its_page_was_opened_is_held_whole(practice: Practice) -> None:
    session_id = _paid_unnoticed(practice)
    practice.hear(practice.changed(session_id, terms={"amount": 500}))
    practice.settle_down()
    # The page proved to be paid when it was to be ended: as one paid just before the change, it stays as it is.
    status, held, due, _ = practice.standing(session_id)
    assert (status, due) == ("paid", 0)
    assert held == 2000
    assert practice.deposit(session_id)["amount"] == 500


def test_a_type_that_asks_no_deposit_any_more_cancels_it_and_may_ask_it_again(practice: Practice) -> None:
    session_id = practice.book()
    terms = practice.sessions[session_id]["deposit"]
    practice.hear(practice.changed(session_id, deposit=None))
    practice.settle_down()
    assert practice.standing(session_id)[0] == "canceled"
    practice.hear(practice.changed(session_id, deposit=terms))
    assert practice.standing(session_id)[0] == "required"


def test_restored_before_it_was_paid_it_is_asked_again(practice: Practice) -> None:
    session_id = practice.book()
    practice.cancel(session_id, None)
    assert practice.standing(session_id)[0] == "canceled"
    practice.restore(session_id)
    assert practice.standing(session_id) == ("required", 0, 2000, 0)
    practice.pay(session_id)
    assert practice.standing(session_id)[0] == "paid"


def test_a_second_payment_goes_back_whole_and_leaves_the_deposit_as_it_is(practice: Practice) -> None:
    session_id = practice.book()
    page = practice.open_page(session_id)
    # The row of the first page is lost to us, as after a restored backup: Stripe still takes money there.
    store = practice.service.store
    with store.transaction():
        store.execute("UPDATE checkouts SET state = 'failed'")
    practice.pay(session_id)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    assert practice.pay_at(page).status_code < 400
    practice.settle_down()
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    [refund] = practice.deposit(session_id)["refunds"]
    assert (refund["status"], refund["amount"], refund["reason"]) == ("succeeded", 2000, "paid_twice")
    practice.cancel(session_id)
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    assert practice.violations() == {}


def test_less_than_stripe_takes_shows_a_page_and_no_error(practice: Practice) -> None:
    session_id = practice.book(amount=20)  # below what Stripe takes
    answer = practice.http.get(practice.link(session_id), headers={"Accept": "text/html"})
    assert answer.status_code == 410
    assert "Not payable online" in answer.text


def test_stripe_in_trouble_shows_a_person_a_page_and_a_program_a_problem(practice: Practice) -> None:
    session_id = practice.book()
    practice.fault("rate_limit", 2, method="POST", path="/v1/checkout/sessions")
    page = practice.http.get(practice.link(session_id), headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert "Retry-After" in page.headers
    assert code_of(practice.http.get(practice.link(session_id))) == "unavailable"
    practice.pay(session_id)
    assert practice.standing(session_id)[0] == "paid"


@pytest.mark.parametrize("fault", ["error_500", "error_500_after_processing", "drop_after_processing"])
def test_a_page_whose_making_went_wrong_is_made_by_the_next_who_follows_the_link(
    practice: Practice, fault: str
) -> None:
    session_id = practice.book()
    practice.fault(fault, 1, method="POST", path="/v1/checkout/sessions")
    # A server error says nothing of the page: Stripe is asked, and where it has one, that is shown at once.
    made = fault == "error_500_after_processing"
    assert practice.http.get(practice.link(session_id)).status_code == (303 if made else 503)
    practice.pay(session_id)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    assert practice.pages_at_stripe() == ["complete"]
    assert practice.violations() == {}


def test_a_page_that_we_never_heard_of_is_ended_before_the_deposit_is_cancelled(practice: Practice) -> None:
    session_id = practice.book()
    practice.fault("drop_after_processing", 1, method="POST", path="/v1/checkout/sessions")
    assert practice.http.get(practice.link(session_id)).status_code == 503
    practice.cancel(session_id, None)
    assert practice.standing(session_id)[0] == "canceled"
    assert practice.pages_at_stripe() == ["expired"]


def test_a_client_renamed_between_two_tries_still_gets_the_page(practice: Practice) -> None:
    session_id = practice.book()
    practice.fault("drop_after_processing", 1, method="POST", path="/v1/checkout/sessions")
    assert practice.http.get(practice.link(session_id)).status_code == 503
    practice.hear(practice.client_told(version=2, email="new@example.com"))
    practice.pay(session_id)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    assert practice.pages_at_stripe() == ["complete"]


def test_a_payment_whose_webhook_was_lost_is_seen_when_its_page_has_ended(practice: Practice) -> None:
    session_id = _paid_unnoticed(practice)
    practice.settle_down()
    assert practice.standing(session_id)[0] == "required"
    practice.advance(hours=24)
    practice.settle_down()
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    assert practice.told("deposit") == ["deposit.required", "deposit.paid"]


@pytest.mark.parametrize("ends", ["paid", "refused"])
def test_what_the_bank_said_of_a_page_is_found_out_though_its_webhook_was_lost(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    session_id = practice.book()
    page = practice.open_page(session_id)
    real, bank = StripeGateway.checkout, {"says": "processing"}

    def by_bank(self: StripeGateway, account: str, model: ChargeModel, id: str) -> CheckoutPage:
        seen = real(self, account, model, id)
        if bank["says"] == "paid":
            return seen
        return replace(seen, status="complete", payment=None, refused=bank["says"] == "refused", url=None)

    monkeypatch.setattr(StripeGateway, "checkout", by_bank)
    if ends == "paid":
        practice.pay_at(page)
        practice.settle_down()
    assert practice.http.get(practice.link(session_id)).status_code == 200
    practice.advance(days=2)
    practice.settle_down()
    assert practice.standing(session_id) == ("required", 0, 2000, 0)
    # The bank has decided, and what tells of that is lost.
    bank["says"] = ends
    practice.advance(days=1)
    practice.settle_down()
    if ends == "refused":
        monkeypatch.undo()
        practice.pay(session_id)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    assert practice.violations() == {}


def test_a_session_cancelled_while_the_bank_is_at_it_is_concluded_once_that_has_refused(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = practice.book()
    practice.open_page(session_id)
    real = StripeGateway.checkout
    refused = False

    def by_bank(self: StripeGateway, account: str, model: ChargeModel, id: str) -> CheckoutPage:
        return replace(real(self, account, model, id), status="complete", payment=None, refused=refused, url=None)

    monkeypatch.setattr(StripeGateway, "checkout", by_bank)
    monkeypatch.setattr(StripeGateway, "end_checkout", by_bank)
    practice.http.get(practice.link(session_id))
    practice.cancel(session_id, None)
    assert practice.standing(session_id)[0] == "required"
    refused = True
    practice.advance(hours=1)
    practice.settle_down()
    assert practice.standing(session_id) == ("canceled", 0, 0, 0)


@pytest.mark.parametrize(
    ("status", "intent", "refused"),
    [
        ("open", "requires_payment_method", False),
        ("complete", "processing", False),
        ("complete", "requires_action", False),
        ("complete", "requires_payment_method", True),
        ("complete", "canceled", True),
    ],
)
def test_a_page_that_is_done_and_whose_payment_needs_another_way_was_refused(
    status: str, intent: str, refused: bool
) -> None:
    session = stripe.checkout.Session.construct_from(
        {
            "id": "cs_1",
            "status": status,
            "payment_status": "unpaid",
            "url": None,
            "expires_at": 1,
            "metadata": {},
            "payment_intent": {"id": "pi_1", "object": "payment_intent", "status": intent, "latest_charge": None},
        },
        "sk_test",
    )
    seen = StripeGateway._page(session)
    assert (seen.payment, seen.refused) == (None, refused)
