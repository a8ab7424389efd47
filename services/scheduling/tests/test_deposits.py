"""Deposits on sessions: asked by the type's terms, told by payments in any order, decided about when a session is cancelled."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from services.scheduling.tests.driver import World, at
from services.scheduling.tests.test_booking import booking

from scheduling.operations import deposit_news

QUARTER = {"type": "percent", "percent": 25}


def book(world: World, starts_at: str = "12-01 10:00", **fields: Any) -> dict[str, Any]:
    type_ = world.session_type(deposit=QUARTER)
    session: dict[str, Any] = world.a.post("/sessions", booking(world, at(starts_at), service_id=type_, **fields))
    return session


def paid(world: World) -> dict[str, Any]:
    session = book(world)
    world.tell("deposit.required", world.deposit_told(session, 1, "required"))
    world.tell("deposit.paid", world.deposit_told(session, 2, "paid"))
    return shown(world, session)


def shown(world: World, session: dict[str, Any]) -> dict[str, Any]:
    now: dict[str, Any] = world.a.get(f"/sessions/{session['id']}")
    return now


def refund(
    world: World, session: dict[str, Any], version: int, status: str, deposit_status: str, **fields: Any
) -> dict[str, Any]:
    cancellation = world.events(session["id"])[-1][2]["cancellations"][-1]["id"]
    deposit = world.deposit_told(session, version, deposit_status, **fields)
    return {
        "id": f"ref_{cancellation}",
        "account_id": "acc_a",
        "version": version,
        "deposit_id": deposit["id"],
        "session_id": session["id"],
        "client_id": session["client_id"],
        "cancellation_id": cancellation,
        "status": status,
        "pending_reason": None,
        "amount": 1000,
        "currency": "EUR",
        "percentage": 50,
        "reason": None,
        "failure": None,
        "deposit": deposit,
    }


def quote(world: World, session: dict[str, Any], **fields: Any) -> str:
    payload = {
        "id": "quo_1",
        "account_id": "acc_a",
        "session_id": session["id"],
        "percentage": 50,
        "amount": 1000,
        "currency": "EUR",
        "expires_at": (world.clock.now() + timedelta(minutes=15)).isoformat(),
    } | fields
    return world.links.sign("refund-quote", payload)


def test_a_session_of_a_type_with_a_deposit_asks_for_it_and_has_a_payment_link(world: World) -> None:
    session = book(world)
    assert session["deposit"] == {
        "id": None,
        "status": "required",
        "reason": None,
        "amount": 2000,
        "held_amount": 0,
        "due_amount": 2000,
        "refunded_amount": 0,
        "currency": "EUR",
    }
    prefix, _, secret = session["payment_url"].rpartition("/")
    assert prefix == "http://pay.example/v1/pay"
    assert world.links.genuine("payment-link", secret)
    ((_, _, data),) = world.events(session["id"])
    assert (data["payment_url"], data["deposit"]) == (session["payment_url"], session["deposit"])


def test_below_the_plan_max_it_is_not_asked_and_says_why(light_world: World) -> None:
    type_ = light_world.session_type(deposit=QUARTER)
    light_world.provision("acc_a", username="anna", plan="pro")
    session = light_world.a.post("/sessions", booking(light_world, at("12-01 10:00"), service_id=type_))
    assert (session["deposit"]["status"], session["deposit"]["reason"], session["deposit"]["due_amount"]) == (
        "not_asked",
        "plan",
        0,
    )
    assert session["payment_url"] is None


def test_a_share_of_the_sessions_own_price_is_asked(light_world: World) -> None:
    session = book(light_world, price={"amount": 10000, "currency": "EUR"})
    assert session["deposit"]["amount"] == 2500
    assert book(light_world, "12-01 12:00", price=None)["deposit"] is None


def test_what_payments_tells_is_taken_over_with_a_version_each(world: World) -> None:
    session = paid(world)
    assert (session["deposit"]["status"], session["deposit"]["held_amount"], session["payment_url"]) == (
        "paid",
        2000,
        None,
    )
    assert [(type_, sequence) for type_, sequence, _ in world.events(session["id"])] == [
        ("session.created", 1),
        ("session.updated", 2),
        ("session.updated", 3),
    ]
    created, required, now = world.a.get(f"/sessions/{session['id']}/history")["data"]
    before, after = now["changes"]["deposit"]
    assert (before["status"], before["due_amount"], after["status"], after["held_amount"]) == (
        "required",
        2000,
        "paid",
        2000,
    )
    # That payments has answered is a version as well.
    assert [value["id"] for value in required["changes"]["deposit"]] == [None, before["id"]]
    assert (created["changes"], now["actor"]) == ({}, "system")
    assert world.broken_invariants() == {}


def test_every_order_and_repetition_ends_the_same(light_world: World) -> None:
    facts = [("deposit.required", 1, "required"), ("deposit.due", 2, "required"), ("deposit.paid", 3, "paid")]
    ends = set()
    for hour, order in enumerate(itertools.permutations(facts)):
        session = book(light_world, f"12-{hour + 1:02} 10:00", allow_outside_hours=True, override_reason="test")
        for type_, version, status in [*order, *order]:
            light_world.tell(type_, light_world.deposit_told(session, version, status))
        now = shown(light_world, session)["deposit"]
        ends.add(str(now | {"id": None}))
        versions = [sequence for _, sequence, _ in light_world.events(session["id"])]
        assert versions == list(range(1, len(versions) + 1))
    assert len(ends) == 1
    assert light_world.kept() == []


def test_news_that_changes_nothing_makes_no_version(light_world: World) -> None:
    session = book(light_world)
    light_world.tell("deposit.required", light_world.deposit_told(session, 1, "required"))
    light_world.tell("deposit.due", light_world.deposit_told(session, 2, "required"))
    assert shown(light_world, session)["version"] == 2


def test_news_of_an_unknown_session_waits_for_it(light_world: World) -> None:
    session = book(light_world)
    ghost = light_world.deposit_told(session, 1, "required", session_id="ses_later")
    light_world.tell("deposit.required", ghost)
    assert light_world.kept() == [("deposit.required", "waiting")]
    light_world.tell("deposit.required", light_world.deposit_told(session, 1, "paid"), account_id="acc_b")
    assert shown(light_world, session)["deposit"]["id"] is None


def test_a_paid_deposit_needs_a_decision(world: World) -> None:
    session = paid(world)
    path = f"/sessions/{session['id']}/cancel"
    world.a.refused(409, "refund_decision_required", "POST", path, {})
    assert shown(world, session) == session
    cancelled = world.a.post(path, {"refund": "refund"})
    assert (cancelled["status"], cancelled["deposit"]["status"]) == ("cancelled", "refund_pending")
    assert cancelled["cancellation"]["refund"] == "refund"
    assert cancelled["version"] == session["version"] + 1
    event = world.events(session["id"])[-1]
    assert (event[0], event[2]["deposit"]["status"], event[2]["cancellations"][0]["refund"]) == (
        "session.cancelled",
        "refund_pending",
        "refund",
    )
    world.a.refused(409, "refund_in_progress", "POST", f"/sessions/{session['id']}/restore")


def test_with_skip_the_deposit_waits_for_payments_to_keep_it(world: World) -> None:
    session = paid(world)
    cancelled = world.a.post(f"/sessions/{session['id']}/cancel", {"refund": "skip"})
    assert (cancelled["deposit"]["status"], cancelled["cancellation"]["refund"]) == ("paid", "skip")
    world.tell("deposit.kept", world.deposit_told(session, 3, "kept", reason="provider_kept"))
    assert (shown(world, session)["deposit"]["status"], shown(world, session)["deposit"]["reason"]) == ("kept", None)
    restored = world.a.post(f"/sessions/{session['id']}/restore")
    assert restored["status"] == "confirmed"
    # What was kept counts as paid again: cancelling needs a decision, whether payments has told that or not.
    world.a.refused(409, "refund_decision_required", "POST", f"/sessions/{session['id']}/cancel", {})


def test_the_refunds_answer_opens_the_way_to_a_restore(world: World) -> None:
    session = paid(world)
    world.a.post(f"/sessions/{session['id']}/cancel", {"refund": "refund"})
    # What payments said before it heard of the cancellation opens nothing.
    world.tell("deposit.changed", world.deposit_told(session, 3, "paid", held_amount=1999))
    assert shown(world, session)["deposit"]["status"] == "refund_pending"
    world.tell("refund.pending", refund(world, session, 4, "pending", "refund_pending"))
    world.a.refused(409, "refund_in_progress", "POST", f"/sessions/{session['id']}/restore")
    done = refund(world, session, 5, "succeeded", "partially_refunded", held_amount=1000, refunded_amount=1000)
    world.tell("refund.succeeded", done)
    now = shown(world, session)["deposit"]
    assert (now["status"], now["refunded_amount"]) == ("partially_refunded", 1000)
    assert world.a.post(f"/sessions/{session['id']}/restore")["status"] == "confirmed"
    assert world.broken_invariants() == {}


def test_an_answer_that_leaves_the_deposit_as_it_was_is_shown_and_opens_the_way_to_a_restore(world: World) -> None:
    session = paid(world)
    # More has gone back by the dashboard than the policy gives: what payments then answers is no news of the deposit.
    back = {"held_amount": 700, "refunded_amount": 1300}
    world.tell("deposit.changed", world.deposit_told(session, 3, "partially_refunded", **back))
    world.a.post(f"/sessions/{session['id']}/cancel", {"refund": "refund"})
    assert shown(world, session)["deposit"]["status"] == "refund_pending"
    answer = refund(world, session, 3, "skipped", "partially_refunded", **back)
    world.tell("refund.skipped", answer)
    assert shown(world, session)["deposit"]["status"] == "partially_refunded"
    version = shown(world, session)["version"]
    world.tell("refund.skipped", answer)
    world.tell("deposit.changed", world.deposit_told(session, 3, "partially_refunded", **back))
    assert shown(world, session)["version"] == version
    world.a.post(f"/sessions/{session['id']}/restore")
    assert world.broken_invariants() == {}


def test_an_answer_to_an_earlier_cancellation_does_not_hide_that_the_present_one_awaits_its_own(
    light_world: World,
) -> None:
    session = paid(light_world)
    back = {"held_amount": 700, "refunded_amount": 1300}
    light_world.tell("deposit.changed", light_world.deposit_told(session, 3, "partially_refunded", **back))
    light_world.a.post(f"/sessions/{session['id']}/cancel", {"refund": "skip"})
    answer = refund(light_world, session, 3, "skipped", "partially_refunded", **back)
    light_world.a.post(f"/sessions/{session['id']}/restore")
    light_world.a.post(f"/sessions/{session['id']}/cancel", {"refund": "refund"})
    light_world.tell("refund.skipped", answer)
    assert shown(light_world, session)["deposit"]["status"] == "refund_pending"
    light_world.tell("refund.skipped", refund(light_world, session, 3, "skipped", "partially_refunded", **back))
    assert shown(light_world, session)["deposit"]["status"] == "partially_refunded"


def test_what_a_refund_told_of_the_deposit_is_not_looked_at_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = paid(world)
    world.a.post(f"/sessions/{session['id']}/cancel", {"refund": "refund"})
    looked: list[str] = []
    look = deposit_news._session

    def noted(account_id: str, session_id: str) -> Any:
        looked.append(session_id)
        return look(account_id, session_id)

    monkeypatch.setattr(deposit_news, "_session", noted)
    world.tell_at_once(
        ("refund.pending", refund(world, session, 3, "pending", "refund_pending")),
        ("deposit.refund_pending", world.deposit_told(session, 3, "refund_pending")),
    )
    assert len(looked) == 1
    # A newer one is news in the same batch, too, and so is what an earlier one failed to tell.
    done = refund(world, session, 4, "succeeded", "refunded", held_amount=0, refunded_amount=2000)
    world.tell_at_once(
        ("refund.succeeded", done),
        ("deposit.changed", world.deposit_told(session, 5, "refunded", held_amount=0, refunded_amount=1999)),
        ("deposit.refunded", world.deposit_told(session, 4, "refunded", held_amount=0, refunded_amount=2000)),
    )
    assert len(looked) == 3
    assert shown(world, session)["deposit"]["refunded_amount"] == 1999
    assert world.broken_invariants() == {}


def test_a_refund_by_hand_from_before_opens_no_way_to_a_restore(light_world: World) -> None:
    session = paid(light_world)
    by_hand = {"held_amount": 1500, "refunded_amount": 500}
    light_world.a.post(f"/sessions/{session['id']}/cancel", {"refund": "refund"})
    light_world.tell(
        "deposit.partially_refunded", light_world.deposit_told(session, 3, "partially_refunded", **by_hand)
    )
    light_world.a.refused(409, "refund_in_progress", "POST", f"/sessions/{session['id']}/restore")
    # The end may be told before the beginning.
    done = light_world.deposit_told(session, 5, "partially_refunded", held_amount=1000, refunded_amount=1000)
    light_world.tell("deposit.partially_refunded", done)
    light_world.a.refused(409, "refund_in_progress", "POST", f"/sessions/{session['id']}/restore")
    light_world.tell("refund.pending", refund(light_world, session, 4, "pending", "refund_pending"))
    assert light_world.a.post(f"/sessions/{session['id']}/restore")["status"] == "confirmed"


def test_what_a_refund_by_hand_leaves_needs_a_decision_while_it_is_under_way(light_world: World) -> None:
    session = paid(light_world)
    light_world.tell("deposit.refund_pending", light_world.deposit_told(session, 3, "refund_pending"))
    path = f"/sessions/{session['id']}/cancel"
    light_world.a.refused(409, "refund_decision_required", "POST", path, {})
    assert light_world.a.post(path, {"refund": "refund"})["deposit"]["status"] == "refund_pending"


def test_a_payment_on_its_way_when_it_was_cancelled_lets_the_provider_decide_later(world: World) -> None:
    session = book(world)
    path = f"/sessions/{session['id']}/cancel"
    world.a.post(path, {"reason": "ill"})
    world.a.refused(409, "invalid_transition", "POST", path, {"refund": "refund"})
    world.tell("deposit.paid", world.deposit_told(session, 2, "paid"))
    assert shown(world, session)["deposit"]["status"] == "paid"
    world.a.refused(409, "refund_decision_required", "POST", path, {})
    decided = world.a.post(path, {"refund": "refund"})
    assert (decided["deposit"]["status"], decided["cancellation"]["refund"]) == ("refund_pending", "refund")
    assert decided["cancellation"]["reason"] == "ill"
    type_, _, data = world.events(session["id"])[-1]
    assert (type_, len(data["cancellations"]), data["cancellations"][0]["refund"]) == ("session.updated", 1, "refund")
    world.a.refused(409, "invalid_transition", "POST", path, {"refund": "skip"})
    assert world.broken_invariants() == {}


def test_a_decision_sent_beforehand_holds_when_the_payment_proves_to_have_been_made(world: World) -> None:
    session = book(world)
    world.a.post(f"/sessions/{session['id']}/cancel", {"refund": "refund"})
    assert shown(world, session)["deposit"]["status"] == "required"
    world.tell("deposit.paid", world.deposit_told(session, 2, "paid"))
    assert shown(world, session)["deposit"]["status"] == "refund_pending"
    world.a.refused(409, "refund_in_progress", "POST", f"/sessions/{session['id']}/restore")


def test_a_dispute_that_is_won_after_the_refund_was_skipped_is_paid_again(light_world: World) -> None:
    session = paid(light_world)
    light_world.tell("deposit.disputed", light_world.deposit_told(session, 3, "disputed", held_amount=2000))
    light_world.a.post(f"/sessions/{session['id']}/cancel", {"refund": "refund"})
    assert shown(light_world, session)["deposit"]["status"] == "disputed"
    light_world.tell("refund.skipped", refund(light_world, session, 4, "skipped", "disputed"))
    light_world.tell("deposit.paid", light_world.deposit_told(session, 5, "paid"))
    assert shown(light_world, session)["deposit"]["status"] == "paid"


def test_a_quote_is_a_decision_and_told_with_it(world: World) -> None:
    session = paid(world)
    cancelled = world.a.post(f"/sessions/{session['id']}/cancel", {"refund_quote_id": quote(world, session)})
    assert cancelled["cancellation"]["refund"] == "refund"
    (told,) = world.events(session["id"])[-1][2]["cancellations"]
    assert told["quote"] == {"id": "quo_1", "percentage": 50, "amount": 1000}


def test_quotes_end_and_belong_to_one_session(light_world: World) -> None:
    session = paid(light_world)
    path = f"/sessions/{session['id']}/cancel"
    good = quote(light_world, session)
    for bad in (
        quote(light_world, session, session_id="ses_other"),
        quote(light_world, session, account_id="acc_b"),
        good + "x",
        "nonsense",
        light_world.links.sign("payment-link", "x"),
        light_world.links.sign("refund-quote", ["x"]),
    ):
        problem = light_world.a.refused(422, "invalid", "POST", path, {"refund_quote_id": bad})
        assert problem["errors"][0]["pointer"] == "/refund_quote_id"
    light_world.a.refused(422, "invalid", "POST", path, {"refund_quote_id": good, "refund": "skip"})
    light_world.clock.advance(minutes=15)
    light_world.a.refused(409, "quote_expired", "POST", path, {"refund_quote_id": good})
    assert shown(light_world, session)["status"] == "confirmed"


@pytest.mark.parametrize("status", ["pending", "confirmed"])
def test_a_deposit_released_unpaid_gives_the_slot_back(world: World, status: str) -> None:
    session = book(world, status=status)
    released = world.deposit_told(session, 2, "canceled", due_amount=0)
    world.tell("deposit.required", world.deposit_told(session, 1, "required"))
    world.tell("deposit.released", released)
    now = shown(world, session)
    assert (now["status"], now["deposit"]["status"], now["payment_url"]) == ("cancelled", "canceled", None)
    assert (now["cancellation"]["by"], now["cancellation"]["reason"]) == ("system", "deposit_unpaid")
    assert world.events(session["id"])[-1][:2] == ("session.cancelled", 3)
    assert len(world.events(session["id"])) == 3
    world.a.post("/sessions", booking(world, at("12-01 10:00")))
    assert world.broken_invariants() == {}


def test_a_release_that_lost_against_the_payment_releases_nothing(light_world: World) -> None:
    session = book(light_world)
    light_world.tell("deposit.paid", light_world.deposit_told(session, 3, "paid"))
    light_world.tell("deposit.released", light_world.deposit_told(session, 2, "canceled"))
    assert shown(light_world, session)["status"] == "confirmed"


def test_a_release_is_carried_out_even_when_later_news_came_first(light_world: World) -> None:
    session = book(light_world)
    light_world.tell("deposit.changed", light_world.deposit_told(session, 3, "canceled"))
    light_world.tell("deposit.released", light_world.deposit_told(session, 2, "canceled"))
    assert shown(light_world, session)["status"] == "cancelled"


def test_another_price_asks_anew_while_nothing_was_paid(light_world: World) -> None:
    session = book(light_world)
    light_world.tell("deposit.required", light_world.deposit_told(session, 1, "required"))
    changed = light_world.a.patch(f"/sessions/{session['id']}", {"price": {"amount": 16000}})
    assert (changed["deposit"]["amount"], changed["deposit"]["due_amount"]) == (4000, 4000)
    # An answer that was under way before payments heard of it does not bring the old amount back.
    light_world.tell("deposit.due", light_world.deposit_told(session, 2, "required"))
    assert shown(light_world, session)["deposit"]["amount"] == 4000
    assert shown(light_world, session)["payment_url"] == session["payment_url"]


def test_another_price_leaves_what_was_paid_alone(light_world: World) -> None:
    session = paid(light_world)
    changed = light_world.a.patch(f"/sessions/{session['id']}", {"price": {"amount": 16000}})
    assert (changed["price"]["amount"], changed["deposit"]) == (16000, session["deposit"])


def test_another_type_brings_or_takes_the_deposit(light_world: World) -> None:
    session = book(light_world)
    plain = light_world.session_type()
    assert light_world.a.patch(f"/sessions/{session['id']}", {"service_id": plain})["deposit"] is None
    again = light_world.a.patch(f"/sessions/{session['id']}", {"service_id": session["service_id"]})
    assert (again["deposit"]["amount"], again["payment_url"]) == (2000, session["payment_url"])


def test_a_deposit_that_is_gone_comes_back_only_with_money(light_world: World) -> None:
    session = book(light_world)
    light_world.a.patch(f"/sessions/{session['id']}", {"service_id": light_world.session_type()})
    light_world.tell("deposit.canceled", light_world.deposit_told(session, 2, "canceled"))
    assert shown(light_world, session)["deposit"] is None
    light_world.tell("deposit.paid", light_world.deposit_told(session, 3, "paid"))
    assert shown(light_world, session)["deposit"]["status"] == "paid"


def test_a_duplicate_asks_its_own_deposit(light_world: World) -> None:
    session = paid(light_world)
    copy = light_world.a.post(f"/sessions/{session['id']}/duplicate", {"starts_at": at("12-08 10:00")})
    assert (copy["deposit"]["status"], copy["deposit"]["id"]) == ("required", None)
    assert copy["payment_url"] != light_world.events(session["id"])[0][2]["payment_url"]


def test_a_deposit_snapshot_fills_in_and_cancels_nothing(light_world: World) -> None:
    session = book(light_world)
    light_world.tell("deposit.snapshot", light_world.deposit_told(session, 4, "canceled"))
    now = shown(light_world, session)
    assert (now["status"], now["deposit"]["status"]) == ("confirmed", "canceled")


@pytest.mark.parametrize("answered", ["before", "after"])
def test_a_price_that_is_lowered_while_cancelled_is_what_a_restore_asks_of(light_world: World, answered: str) -> None:
    world = light_world
    session, path = cancelled_unpaid(world)
    told = world.deposit_told(session, 2, "canceled")
    if answered == "before":
        world.tell("deposit.canceled", told)
    world.a.patch(path, {"price": {"amount": 1000, "currency": "EUR"}})
    if answered == "after":
        world.tell("deposit.canceled", told)
    assert world.a.post(f"{path}/restore")["deposit"]["amount"] == 250


@pytest.mark.parametrize("answered", ["before", "after"])
def test_a_price_that_leaves_nothing_to_ask_while_cancelled_takes_the_deposit(
    light_world: World, answered: str
) -> None:
    world = light_world
    session, path = cancelled_unpaid(world)
    told = world.deposit_told(session, 2, "canceled")
    if answered == "before":
        world.tell("deposit.canceled", told)
    assert world.a.patch(path, {"price": {"amount": 0, "currency": "EUR"}})["deposit"] is None
    if answered == "after":
        world.tell("deposit.canceled", told)
    restored = world.a.post(f"{path}/restore")
    assert (restored["deposit"], restored["payment_url"]) == (None, None)
    assert world.events(session["id"])[-1][2]["deposit"] is None


def test_a_price_that_asks_something_again_while_cancelled_brings_the_deposit_back(light_world: World) -> None:
    world = light_world
    session, path = cancelled_unpaid(world)
    world.tell("deposit.canceled", world.deposit_told(session, 2, "canceled"))
    world.a.patch(path, {"price": {"amount": 0, "currency": "EUR"}})
    changed = world.a.patch(path, {"price": {"amount": 4000, "currency": "EUR"}})
    assert (changed["deposit"]["status"], changed["deposit"]["due_amount"]) == ("canceled", 0)
    world.a.post(f"{path}/restore")
    world.tell("deposit.required", world.deposit_told(session, 3, "required", amount=1000, due_amount=1000))
    now = shown(world, session)
    assert (now["deposit"]["status"], now["deposit"]["amount"]) == ("required", 1000)
    assert now["payment_url"] == session["payment_url"]


def cancelled_unpaid(world: World) -> tuple[dict[str, Any], str]:
    """A session whose deposit of a quarter was not paid when it was cancelled, and its path."""
    session = book(world)
    path = f"/sessions/{session['id']}"
    world.tell("deposit.required", world.deposit_told(session, 1, "required"))
    world.a.post(f"{path}/cancel")
    return session, path


def test_the_journey_of_a_session_tells_its_events_and_its_deposits_to_operators_alone(world: World) -> None:
    booked = book(world, notes="a private matter")
    told = world.deposit_told(booked, 1, "paid")
    world.tell("deposit.paid", told)

    where = f"/ops/journey?subject={booked['id']},{told['id']}"
    world.caller("acc_a", "sessions:read sessions:write").refused(403, "forbidden", "GET", where)
    journey = world.caller("acc_operator", "ops").get(where)
    assert [(step["role"], step["type"], step["sequence"]) for step in journey["data"]] == [
        ("published", "session.created", 1),
        ("handled", "deposit.paid", None),
        ("published", "session.updated", 2),
    ]
    assert "private" not in str(journey)
