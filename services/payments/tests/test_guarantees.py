"""What the database itself holds, and what many at once may not break, on both stores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import peewee
import pytest
import requests
from services.payments.tests.practice import Practice

from chassis.ids import new_id
from payments.operations import refunding
from payments.store.models import Deposit, LedgerEntry, Payment, Refund, RefundPart


@pytest.fixture
def practice(on_both_stores: Practice) -> Practice:
    return on_both_stores


def _payment(practice: Practice, session_id: str) -> Payment:
    found: Payment = Payment.get(Payment.deposit_id == practice.deposit_row(session_id).id)
    return found


def _entry(payment: Payment, **changes: Any) -> dict[str, Any]:
    return {
        "id": new_id("led"),
        "account_id": payment.account_id,
        "deposit_id": payment.deposit_id,
        "payment_id": payment.id,
        "kind": "refund",
        "era": 0,
        "taken_from": "held",
        "given_to": "client",
        "amount": payment.amount,
        "currency": payment.currency,
        "at": payment.received_at,
        "recorded_at": payment.received_at,
        **changes,
    }


def test_the_main_path_and_a_restore(practice: Practice) -> None:
    practice.put_settings(refund_percentage=50)
    session_id = practice.paid_session()
    practice.cancel(session_id)
    practice.restore(session_id)
    assert practice.standing(session_id) == ("required", 1000, 1000, 0)
    practice.pay(session_id)
    practice.cancel(session_id, "skip")
    assert practice.standing(session_id) == ("kept", 2000, 0, 0)
    assert practice.violations() == {}


def test_the_ledger_gives_out_no_more_than_came_in(practice: Practice) -> None:
    session_id = practice.paid_session()
    store = practice.service.store
    with store.transaction():
        LedgerEntry.create(**_entry(_payment(practice, session_id), amount=1500))
    with pytest.raises(peewee.IntegrityError), store.transaction():
        LedgerEntry.create(**_entry(_payment(practice, session_id), amount=501))


@pytest.mark.parametrize("change", ["UPDATE ledger SET amount = 1", "DELETE FROM ledger"])
def test_the_ledger_is_never_edited(practice: Practice, change: str) -> None:
    practice.paid_session()
    with pytest.raises(peewee.IntegrityError), practice.service.store.transaction():
        practice.service.store.execute(change)


def test_refunds_planned_never_exceed_the_payment(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hear(practice.cancelled(session_id))
    with practice.service.store.reading():
        [part] = list(RefundPart.select())
    values = {**part.__data__, "id": new_id("rpt"), "amount": 1}
    with pytest.raises(peewee.IntegrityError), practice.service.store.transaction():
        RefundPart.create(**values)
    with pytest.raises(peewee.IntegrityError), practice.service.store.transaction():
        RefundPart.update(amount=2001).where(RefundPart.id == part.id).execute()


def test_one_refund_a_deposit_and_cancellation(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.cancel(session_id)
    with practice.service.store.reading():
        [refund] = list(Refund.select())
    with pytest.raises(peewee.IntegrityError), practice.service.store.transaction():
        Refund.create(**{**refund.__data__, "id": new_id("ref"), "cause": "another"})


def test_a_refund_is_told_before_the_deposit_that_it_tells_of(practice: Practice) -> None:
    session_id = practice.paid_session()
    before = len(practice.told())
    practice.cancel(session_id)
    assert practice.told()[before:] == [
        "refund.pending",
        "deposit.refund_pending",
        "refund.succeeded",
        "deposit.refunded",
    ]


def test_one_deposit_a_session(practice: Practice) -> None:
    row = practice.deposit_row(practice.book())
    with pytest.raises(peewee.IntegrityError), practice.service.store.transaction():
        Deposit.create(**{**row.__data__, "id": new_id("dep"), "secret": None})


def test_a_link_opened_twenty_times_at_once_makes_one_page(practice: Practice) -> None:
    session_id = practice.book()
    with ThreadPoolExecutor(20) as pool:
        pages = list(
            pool.map(lambda _: practice.http.application.test_client().get(practice.link(session_id)), range(20))
        )
    assert {page.status_code for page in pages} == {303}
    assert len({page.headers["Location"] for page in pages}) == 1
    with practice.service.store.reading():
        assert practice.service.store.execute("SELECT count(*) FROM checkouts")[0][0] == 1


def test_the_same_cancellation_heard_by_many_at_once_is_refunded_once(practice: Practice) -> None:
    sessions = [practice.paid_session() for _ in range(3)]
    events = [practice.cancelled(session_id) for session_id in sessions]
    again = [
        practice.event("session.updated", practice.sessions[session_id]) for session_id in sessions for _ in range(3)
    ]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(practice.hear, [*events, *again]))
    practice.settle_down()
    assert {practice.standing(session_id) for session_id in sessions} == {("refunded", 0, 0, 2000)}
    assert [refund["amount"] for refund in practice.refunds_at_stripe()] == [2000] * 3
    assert practice.violations() == {}


def test_two_processes_that_run_the_job_share_the_refunds(practice: Practice) -> None:
    sessions = [practice.paid_session() for _ in range(4)]
    practice.hear(*(practice.cancelled(session_id) for session_id in sessions))
    jobs = [next(job for job in practice.service.jobs() if job.name == "refunds") for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(lambda job: job.run(), jobs))
    assert sum(taken) == 4
    practice.settle_down()
    assert [refund["amount"] for refund in practice.refunds_at_stripe()] == [2000] * 4


def test_refunds_by_hand_at_once_never_add_up_to_more_than_was_paid(practice: Practice) -> None:
    session_id = practice.paid_session()
    path = f"/v1/deposits/{practice.deposit(session_id)['id']}/refunds"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: practice.call("POST", path, json={"amount": 600}).status_code, range(8)))
    assert sorted(answers) == [201] * 3 + [409] * 5
    practice.settle_down()
    assert practice.standing(session_id) == ("partially_refunded", 200, 0, 1800)
    assert practice.violations() == {}


def test_cancel_and_restore_at_once_end_in_one_consistent_state(practice: Practice) -> None:
    session_id = practice.paid_session()
    events = [practice.cancelled(session_id, "skip"), practice.restored(session_id)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(practice.hear, events))
    practice.settle_down()
    assert practice.standing(session_id) == ("paid", 2000, 0, 0)
    assert practice.violations() == {}


def test_a_payment_and_a_cancellation_at_once(practice: Practice) -> None:
    session_id = practice.book()
    page = practice.open_page(session_id)
    event = practice.cancelled(session_id, "refund")
    with ThreadPoolExecutor(2) as pool:
        paid = pool.submit(requests.post, page, data={"number": "4242424242424242"}, allow_redirects=False, timeout=10)
        pool.submit(practice.hear, event).result()
        was_paid = paid.result().status_code < 400
    practice.settle_down()
    status, held, due, _ = practice.standing(session_id)
    assert (held, due) == (0, 0)
    assert status == ("refunded" if was_paid else "canceled")
    assert practice.violations() == {}


def test_a_lease_keeps_others_away_until_it_is_over(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hear(practice.cancelled(session_id))
    crew = getattr(practice.service.jobs()[0].run, "__self__", None)
    assert isinstance(crew, refunding.RefundCrew)
    assert len(refunding.claim(crew._context, 8)) == 1
    assert refunding.claim(crew._context, 8) == []
    practice.advance(seconds=46)
    [again] = refunding.claim(crew._context, 8)
    assert again.ask_first
