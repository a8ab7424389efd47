"""From a booking to a refund at Stripe: the path that everything else is a variation of."""

from __future__ import annotations

from datetime import timedelta

from services.payments.tests.practice import Practice

TIERS = [
    {"hours_before": 48, "percentage": 100},
    {"hours_before": 24, "percentage": 50},
    {"hours_before": 0, "percentage": 0},
]


def test_a_booked_session_asks_its_deposit_and_a_payment_pays_it(practice: Practice) -> None:
    session_id = practice.book()
    assert practice.standing(session_id) == ("required", 0, 2000, 0)
    practice.pay(session_id)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    assert practice.told("deposit") == ["deposit.required", "deposit.paid"]


def test_a_cancellation_with_refund_returns_what_the_policy_says(practice: Practice) -> None:
    practice.put_settings(refund_tiers=TIERS)
    session_id = practice.paid_session(hours_ahead=30)
    practice.cancel(session_id)
    assert practice.standing(session_id) == ("partially_refunded", 1000, 0, 1000)
    [refund] = practice.deposit(session_id)["refunds"]
    assert (refund["status"], refund["percentage"], refund["amount"]) == ("succeeded", 50, 1000)
    [at_stripe] = practice.refunds_at_stripe()
    assert (at_stripe["id"], at_stripe["amount"]) == (refund["stripe_refund_id"], 1000)
    assert at_stripe["metadata"]["timeblu_refund"] == refund["id"]
    assert practice.told("refund") == ["refund.pending", "refund.succeeded"]
    assert practice.told("deposit")[-2:] == ["deposit.refund_pending", "deposit.partially_refunded"]
    assert practice.violations() == {}


def test_a_cancellation_with_skip_keeps_it_all(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.cancel(session_id, "skip")
    assert practice.standing(session_id) == ("kept", 2000, 0, 0)
    [refund] = practice.deposit(session_id)["refunds"]
    assert (refund["status"], refund["reason"], refund["amount"]) == ("skipped", "provider_kept", 0)
    assert practice.refunds_at_stripe() == []


def test_the_policy_that_counts_is_the_one_that_stood_when_the_deposit_was_asked(practice: Practice) -> None:
    practice.put_settings(refund_percentage=100)
    session_id = practice.book()
    practice.put_settings(refund_percentage=0)
    practice.pay(session_id)
    practice.cancel(session_id)
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)


def test_a_refund_is_measured_at_the_moment_of_the_cancellation_however_late_it_is_heard_of(practice: Practice) -> None:
    practice.put_settings(refund_tiers=TIERS)
    session_id = practice.paid_session(hours_ahead=50)
    event = practice.cancelled(session_id)
    practice.advance(hours=49)
    practice.hear(event)
    practice.settle_down()
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)


def test_a_policy_of_nothing_keeps_the_deposit_and_says_why(practice: Practice) -> None:
    practice.put_settings(refund_percentage=0)
    session_id = practice.paid_session()
    practice.cancel(session_id)
    assert practice.standing(session_id)[0] == "kept"
    [refund] = practice.deposit(session_id)["refunds"]
    assert (refund["status"], refund["reason"], refund["percentage"]) == ("skipped", "policy", 0)


def test_the_provider_cancelling_may_have_a_percentage_of_its_own(practice: Practice) -> None:
    practice.put_settings(refund_percentage=20, provider_cancellation_percentage=100)
    by_provider, by_client = practice.paid_session(), practice.paid_session()
    practice.cancel(by_provider, by="provider")
    practice.cancel(by_client, by="client")
    assert practice.standing(by_provider) == ("refunded", 0, 0, 2000)
    assert practice.standing(by_client) == ("partially_refunded", 1600, 0, 400)


def test_a_quote_in_the_cancellation_is_refunded_exactly(practice: Practice) -> None:
    practice.put_settings(refund_tiers=TIERS)
    session_id = practice.paid_session(hours_ahead=48.1)
    quote = practice.get(f"/v1/sessions/{session_id}/refund-quote")
    assert (quote["percentage"], quote["amount"]) == (100, 2000)
    practice.advance(minutes=10)
    practice.cancel(session_id, quote={"id": "quo_1", "percentage": quote["percentage"], "amount": quote["amount"]})
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)


def test_refunded_then_restored_is_required_again_and_a_second_cycle_returns_the_second_payment(
    practice: Practice,
) -> None:
    session_id = practice.paid_session()
    practice.cancel(session_id)
    practice.restore(session_id)
    assert practice.standing(session_id) == ("required", 0, 2000, 0)
    practice.pay(session_id)
    practice.cancel(session_id)
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    assert sum(refund["amount"] for refund in practice.refunds_at_stripe()) == 4000
    assert practice.violations() == {}


def test_after_a_part_went_back_a_restore_asks_for_what_is_missing_and_a_full_refund_follows_both_payments(
    practice: Practice,
) -> None:
    practice.put_settings(refund_percentage=50, provider_cancellation_percentage=50)
    session_id = practice.paid_session()
    practice.cancel(session_id)
    practice.restore(session_id)
    assert practice.standing(session_id) == ("required", 1000, 1000, 0)
    practice.pay(session_id)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    practice.cancel(session_id, quote={"id": "quo_1", "percentage": 100, "amount": 2000})
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)
    refund = practice.deposit(session_id)["refunds"][0]
    assert len(refund["stripe_refund_ids"]) == 2
    assert practice.violations() == {}


def test_kept_then_restored_counts_as_paid_and_can_be_refunded_later(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.cancel(session_id, "skip")
    practice.restore(session_id)
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    practice.cancel(session_id, "refund")
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)


def test_a_session_that_is_over_returns_nothing(practice: Practice) -> None:
    session_id = practice.paid_session(hours_ahead=1)
    practice.advance(hours=2)
    practice.cancel(session_id)
    assert practice.standing(session_id)[0] == "kept"


def test_what_is_told_holds_the_whole_state(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.cancel(session_id)
    deposit, told = practice.deposit(session_id), practice.last_told("refund.succeeded")
    assert told["deposit"] == {name: deposit[name] for name in told["deposit"]}
    assert told["cancellation_id"] == practice.sessions[session_id]["cancellations"][0]["id"]


def test_a_cancellation_reaches_stripe_within_a_tenth_of_a_second(practice: Practice) -> None:
    from time import monotonic

    spans = []
    for session_id in [practice.paid_session() for _ in range(5)]:
        started = monotonic()
        practice.hear(practice.cancelled(session_id))
        practice.jobs["refunds"].run()
        spans.append(timedelta(seconds=monotonic() - started))
    assert len(practice.refunds_at_stripe()) == 5
    assert sorted(spans)[2] < timedelta(milliseconds=500)  # slack for a loaded machine; `make bench` measures it


def test_the_journey_of_a_session_tells_of_its_deposit_and_its_refunds(on_both_stores: Practice) -> None:
    practice = on_both_stores
    session_id, other = practice.paid_session(), practice.book()
    practice.cancel(session_id)
    deposit = practice.deposit(session_id)
    [refund] = deposit["refunds"]

    assert practice.call("GET", f"/v1/ops/journey?subject={session_id}").status_code == 403
    journey = practice.call("GET", f"/v1/ops/journey?subject={session_id}", scope="ops").json
    assert journey is not None
    assert journey["subjects"] == [session_id, deposit["id"], refund["id"]]
    assert [step["type"] for step in journey["data"] if step["role"] == "handled"] == [
        "session.created",
        "session.cancelled",
    ]
    told = {step["type"]: step["subject"] for step in journey["data"] if step["role"] == "published"}
    assert (told["deposit.paid"], told["refund.succeeded"]) == (deposit["id"], refund["id"])
    assert other not in str(journey)
