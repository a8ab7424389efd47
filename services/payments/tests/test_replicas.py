"""Clients that are merged and forgotten, and services that are filled anew."""

from __future__ import annotations

from typing import Any

import pytest
from services.payments.tests.practice import Practice

from chassis.inbox import Event
from payments.operations import replicas
from payments.operations import settle as settling
from payments.operations.context import Payments
from payments.store.models import Client, Deposit, Session, Webhook


def _client(practice: Practice, client_id: str = "cli_1") -> Client:
    with practice.service.store.reading():
        found: Client = Client.get_by_id(client_id)
        return found


def _erase(practice: Practice, client_id: str = "cli_1", version: int = 5) -> Event:
    data = {
        "id": client_id,
        "account_id": practice.account_id,
        "version": version,
        "requested_at": practice.clock.now(),
    }
    return practice.event("client.erasure_requested", data)


def test_forgetting_blanks_the_person_keeps_the_money_and_says_so(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hear(_erase(practice))
    client = _client(practice)
    assert (client.name, client.email) == ("", None)
    told = practice.last_told("payments.client_erased")
    assert (told["id"], told["service"], told["blanked"]["clients"]) == ("cli_1", "payments", 1)
    assert "bookkeeping" in told["kept"][0]["why"]
    practice.cancel(session_id)
    assert practice.standing(session_id)[0] == "refunded"


def test_forgetting_blanks_what_stripe_told_of_the_client_on_the_platform_too(practice: Practice) -> None:
    with practice.service.store.transaction():
        for id, account_id in (("evt_theirs", practice.account_id), ("evt_platform", None)):
            Webhook.create(
                id=id,
                account_id=account_id,
                type="checkout.session.completed",
                body='{"customer_email": "ada@example.com"}',
                state="failed",
                tries=12,
                received_at=practice.clock.now(),
            )
    practice.hear(_erase(practice))
    with practice.service.store.reading():
        bodies = {each.id: each.body for each in Webhook.select().where(Webhook.id.startswith("evt_"))}
    assert (bodies["evt_theirs"], bodies["evt_platform"]) == (None, None)
    assert practice.last_told("payments.client_erased")["blanked"]["webhooks"] == 2


def test_what_comes_late_of_a_forgotten_client_does_not_bring_it_back(practice: Practice) -> None:
    practice.hear(_erase(practice), _erase(practice, "cli_never_heard_of"))
    practice.hear(practice.client_told(version=9), practice.client_told("cli_never_heard_of"))
    assert _client(practice).email is None
    assert _client(practice, "cli_never_heard_of").name == ""


def test_a_merged_clients_deposits_follow_and_are_told(practice: Practice) -> None:
    practice.hear(practice.client_told("cli_2"))
    session_id = practice.paid_session()
    practice.hear(practice.client_told("cli_1", version=2, merged_into="cli_2"))
    assert practice.deposit(session_id)["client_id"] == "cli_2"
    assert practice.told("deposit")[-1] == "deposit.changed"
    # What scheduling still says of the old id changes nothing.
    practice.hear(practice.changed(session_id))
    assert practice.deposit(session_id)["client_id"] == "cli_2"


def test_forgetting_covers_everybody_who_was_merged_into_the_client(practice: Practice) -> None:
    practice.hear(practice.client_told("cli_2"), practice.client_told("cli_1", version=2, merged_into="cli_2"))
    practice.hear(_erase(practice, "cli_2"))
    assert _client(practice, "cli_1").email is None


def test_snapshots_fill_replicas_and_trigger_nothing(practice: Practice) -> None:
    session_id, event = practice.booked()
    practice.hear(practice.event("session.snapshot", event.data))
    assert practice.deposit(session_id) is None
    assert practice.told("deposit") == []
    practice.hear(event)
    assert practice.standing(session_id)[0] == "required"


def test_a_snapshot_that_overtakes_a_cancellation_does_not_swallow_it(practice: Practice) -> None:
    session_id = practice.paid_session()
    cancelled = practice.cancelled(session_id)
    practice.changed(session_id, notes="newer")
    practice.hear(practice.event("session.snapshot", practice.sessions[session_id]))
    practice.settle_down()
    assert practice.standing(session_id)[0] == "paid"
    practice.hear(cancelled)
    practice.settle_down()
    assert practice.standing(session_id)[0] == "refunded"


def _mirrored(practice: Practice, session_id: str) -> Event:
    """The event by which scheduling shows how the deposit stands."""
    shown = ("id", "status", "reason", "amount", "held_amount", "due_amount", "refunded_amount", "currency")
    deposit = practice.deposit(session_id)
    return practice.changed(session_id, terms={name: deposit[name] for name in shown})


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sessions whose deposits are settled by an event, as often as they are."""
    found: list[str] = []

    def settle(context: Payments, account_id: str, session_id: str, *, seen: Deposit | None) -> Deposit | None:
        found.append(session_id)
        return settling.settle(context, account_id, session_id, seen=seen)

    monkeypatch.setattr(replicas, "settle", settle)
    return found


def test_an_event_that_only_shows_what_payments_told_settles_nothing(practice: Practice, settled: list[str]) -> None:
    session_id = practice.paid_session()
    assert settled == [session_id]
    practice.hear(_mirrored(practice, session_id), practice.changed(session_id, notes="of no interest here"))
    assert settled == [session_id]
    cancelled = practice.cancelled(session_id)
    practice.hear(cancelled)
    assert settled == [session_id] * 2
    practice.settle_down()
    mirrored = _mirrored(practice, session_id)
    practice.hear(mirrored)
    assert settled == [session_id] * 2
    with practice.service.store.reading():
        assert Session.get_by_id(session_id).version == mirrored.data["version"]
    assert practice.standing(session_id) == ("refunded", 0, 0, 2000)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"terms": {"amount": 1000}}, {"amount": 1000}),
        ({"terms": {"currency": "USD"}}, {"currency": "USD"}),
        (
            {"payment_url": "http://payments.test/v1/pay/another"},
            {"payment_url": "http://payments.test/v1/pay/another"},
        ),
        ({"client_id": "cli_2"}, {"client_id": "cli_2"}),
        ({"status": "cancelled"}, {"status": "canceled"}),
        ({"deposit": None}, {"status": "canceled"}),
    ],
)
def test_whatever_a_deposit_follows_settles_it_also_when_scheduling_knows_of_it(
    practice: Practice, changes: dict[str, Any], shown: dict[str, Any]
) -> None:
    practice.hear(practice.client_told("cli_2"))
    session_id = practice.book()
    practice.hear(_mirrored(practice, session_id))
    practice.hear(practice.changed(session_id, **changes))
    assert practice.deposit(session_id).items() >= shown.items()


def test_what_a_snapshot_told_is_settled_by_the_next_event_though_that_tells_the_same(practice: Practice) -> None:
    session_id = practice.paid_session()
    practice.hear(_mirrored(practice, session_id))
    cancelled = practice.cancelled(session_id)
    for version in (1, 0):
        told = {**cancelled.data, "version": cancelled.data["version"] + version}
        practice.hear(practice.event("session.snapshot" if version else "session.cancelled", told))
        practice.settle_down()
        assert practice.standing(session_id)[0] == ("paid" if version else "refunded")


def test_an_older_event_after_a_newer_one_that_was_settled_changes_nothing(
    practice: Practice, settled: list[str]
) -> None:
    session_id = practice.paid_session()
    practice.hear(_mirrored(practice, session_id))
    older = practice.changed(session_id, terms={"amount": 5000})
    practice.hear(practice.changed(session_id, terms={"amount": 2000}), older)
    assert practice.deposit(session_id)["amount"] == 2000
    assert settled == [session_id]


def test_a_session_whose_deposit_was_here_before_is_not_asked_twice(practice: Practice) -> None:
    session_id, event = practice.booked()
    event.data["deposit"] |= {"id": "dep_of_a_lost_store", "status": "paid"}
    practice.hear(event)
    assert practice.deposit(session_id) is None


def test_the_present_state_is_told_a_deposit_at_a_time(practice: Practice) -> None:
    sessions = {practice.book() for _ in range(3)}
    snapshots = list(practice.service.snapshots("scheduling"))
    assert {snapshot.data["session_id"] for snapshot in snapshots} == sessions
    assert {snapshot.type for snapshot in snapshots} == {"deposit.snapshot"}


def test_every_event_that_payments_subscribes_to_has_a_handler(practice: Practice) -> None:
    from contracts.registry import EVENT_TYPES

    wanted = {name for name, event in EVENT_TYPES.items() if "payments" in event.consumers}
    assert set(practice.service.handlers()) == wanted


def test_no_event_of_ours_holds_a_name_or_an_address(practice: Practice) -> None:
    from chassis import outbox

    session_id = practice.paid_session()
    practice.cancel(session_id)
    bodies = b"".join(envelope.body for envelope in outbox.pending(practice.service.store))
    assert b"Ada" not in bodies
    assert b"ada@example.com" not in bodies


def test_what_people_wrote_as_reasons_is_not_kept_or_told(practice: Practice) -> None:
    from chassis import outbox

    session_id = practice.paid_session()
    practice.post(f"/v1/deposits/{practice.deposit(session_id)['id']}/refunds", 201, amount=100, reason="Ada is ill")
    practice.settle_down()
    practice.cancel(session_id, reason="Ada told me a secret")
    bodies = b"".join(envelope.body for envelope in outbox.pending(practice.service.store))
    assert b"secret" not in bodies
    practice.hear(_erase(practice))
    assert {refund["reason"] for refund in practice.deposit(session_id)["refunds"]} == {None}
