"""Events of other services: replicas keep the newest, repeated and reordered ones change nothing."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from services.clients.tests.driver import Caller, Suite

from chassis.inbox import entries
from contracts.registry import EVENT_TYPES, consumed_by

Make = Callable[..., dict[str, Any]]


def news(
    client_id: str, version: int, channel: str, allowed: bool, at: datetime, source: str = "client"
) -> dict[str, Any]:
    return {
        "id": client_id, "account_id": "acc_one", "version": version, "channel": channel, "allowed": allowed, "source": source, "at": at,
    }  # fmt: skip


def test_every_event_that_this_service_consumes_has_a_handler(suite: Suite) -> None:
    snapshots = {event.name for event in EVENT_TYPES.values() if event.snapshot and "clients" in event.consumers}
    assert set(suite.service.handlers()) == {event.name for event in consumed_by("clients")} | snapshots


def test_an_opt_out_reaches_the_record_its_history_and_the_other_services(suite: Suite, provider: Caller) -> None:
    anna = provider.made(name="Anna", phone="0151 23456789")
    at = suite.clock.now()
    suite.hear("notification.opted_out", news(anna["id"], 1, "sms", False, at, "stop"))
    shown = provider.get(f"/v1/clients/{anna['id']}").json
    assert (shown["contact"], shown["version"]) == ({"email": True, "sms": False}, 2)
    line = shown["contact_history"][-1]
    assert (line["channel"], line["change"], line["allowed"], line["source"]) == ("sms", "opted_out", False, "stop")
    assert datetime.fromisoformat(line["at"]) == at
    type_, data = suite.told()[-1]
    assert (type_, data["contact"], data["version"]) == ("client.updated", {"email": True, "sms": False}, 2)


def test_wishes_end_in_the_latest_one_in_whatever_order_they_come(suite: Suite, provider: Caller) -> None:
    now = suite.clock.now()
    for order in itertools.permutations(range(3)):
        client = provider.made(name=f"Client {order}")
        told = [
            ("notification.opted_out", news(client["id"], 1, "sms", False, now)),
            ("notification.opted_in", news(client["id"], 2, "sms", True, now + timedelta(seconds=1))),
            ("notification.opted_out", news(client["id"], 3, "sms", False, now + timedelta(seconds=2))),
        ]
        for index in (*order, *order):
            suite.hear(*told[index])
        shown = provider.get(f"/v1/clients/{client['id']}").json
        assert shown["contact"]["sms"] is False
        history = [line["change"] for line in shown["contact_history"]]
        assert history.count("opted_in") <= 1
        assert history.count("opted_out") <= 2


def test_a_bounce_is_shown_until_the_address_changes(suite: Suite, provider: Caller) -> None:
    anna = provider.made(name="Anna", email="wrong@example.com")
    path = f"/v1/clients/{anna['id']}"
    at = suite.clock.now()
    suite.hear("notification.bounced", news(anna["id"], 1, "email", True, at, "smtp 550"))
    bounced = provider.get(path).json
    assert datetime.fromisoformat(bounced["email_bounced_at"]) == at
    assert bounced["contact"]["email"] is True
    assert provider.patch(path, {"email": "right@example.com"}).json["email_bounced_at"] is None


def test_a_late_bounce_of_an_address_that_was_replaced_says_nothing_about_the_new_one(
    suite: Suite, provider: Caller
) -> None:
    anna = provider.made(name="Anna", email="wrong@example.com")
    before = suite.clock.now()
    suite.pass_time(minutes=1)
    provider.patch(f"/v1/clients/{anna['id']}", {"email": "right@example.com"})
    suite.hear("notification.bounced", news(anna["id"], 1, "email", True, before))
    assert provider.get(f"/v1/clients/{anna['id']}").json["email_bounced_at"] is None


def test_a_bounce_does_not_outdate_an_older_wish(suite: Suite, provider: Caller) -> None:
    anna = provider.made(name="Anna", email="anna@example.com")
    now = suite.clock.now()
    suite.hear("notification.bounced", news(anna["id"], 2, "email", True, now))
    suite.hear("notification.opted_out", news(anna["id"], 1, "email", False, now))
    assert provider.get(f"/v1/clients/{anna['id']}").json["contact"]["email"] is False


@pytest.mark.parametrize("client_id", ["cli_unknown", "of another account"])
def test_news_of_nobody_here_is_passed_over(suite: Suite, provider: Caller, stranger: Caller, client_id: str) -> None:
    theirs = stranger.made(name="Theirs")
    id_ = theirs["id"] if client_id == "of another account" else client_id
    suite.hear("notification.opted_out", news(id_, 1, "email", False, suite.clock.now()))
    assert stranger.get(f"/v1/clients/{theirs['id']}").json["contact"]["email"] is True
    assert [entry.status for entry in entries(suite.service.store, status="parked", after=None, limit=10)] == []


def test_the_timeline_counts_by_year_of_the_accounts_timezone(
    suite: Suite, provider: Caller, session_data: Make, deposit_data: Make
) -> None:
    anna = provider.made(name="Anna")["id"]
    new_year = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)  # 2026 in Berlin already
    suite.hear("session.created", session_data("ses_1", anna, starts_at=new_year, status="no_show"))
    suite.hear(
        "session.created", session_data("ses_2", anna, starts_at=new_year - timedelta(hours=1), status="completed")
    )
    suite.hear("session.created", session_data("ses_3", anna, starts_at=suite.clock.now() + timedelta(days=400)))
    suite.hear("session.created", session_data("ses_4", provider.made(name="Bert")["id"]))
    suite.hear("deposit.paid", deposit_data("dep_1", "ses_1", anna))
    shown = provider.get(f"/v1/clients/{anna}/timeline").json
    by_year = {year["year"]: year for year in shown["years"]}
    assert (by_year[2026]["total"], by_year[2026]["no_shows"], by_year[2026]["counts"]["no_show"]) == (1, 1, 1)
    assert by_year[2026]["deposits"] == [{"currency": "EUR", "held_amount": 2000, "refunded_amount": 0}]
    assert [session["id"] for session in by_year[2025]["sessions"]] == ["ses_2"]
    assert (shown["next"]["id"], shown["last"]["id"], shown["total"], shown["no_shows"]) == ("ses_3", "ses_2", 3, 1)


def test_replicas_end_the_same_in_any_order_and_however_often_events_come(
    suite: Suite, provider: Caller, session_data: Make, deposit_data: Make
) -> None:
    seen = []
    for run, order in enumerate(itertools.permutations(range(4))):
        client, session, deposit = f"cli_{run}", f"ses_{run}", f"dep_{run}"
        events = [
            ("session.created", session_data(session, client, version=1)),
            ("session.cancelled", session_data(session, client, version=2, status="cancelled")),
            ("deposit.paid", deposit_data(deposit, session, client, version=2)),
            (
                "deposit.refunded",
                deposit_data(
                    deposit, session, client, version=4, status="refunded", held_amount=0, refunded_amount=2000
                ),
            ),
        ]
        for index in (*order, *order):
            suite.hear(*events[index])
        with suite.service.store.reading():
            seen.append(
                suite.service.store.execute(
                    """SELECT s.version, s.status, d.version, d.status, d.held_amount, d.refunded_amount
                       FROM sessions s JOIN deposits d ON d.session_id = s.id WHERE s.id = %s""",
                    (session,),
                )
            )
    assert seen == [[(2, "cancelled", 4, "refunded", 0, 2000)]] * len(seen)


def test_the_same_event_again_is_handled_once(suite: Suite, provider: Caller) -> None:
    anna = provider.made(name="Anna")["id"]
    data = news(anna, 1, "sms", False, suite.clock.now())
    for _ in range(2):
        suite.hear("notification.opted_out", data, event_id="0190-one")
    assert provider.get(f"/v1/clients/{anna}").json["version"] == 2


def test_snapshots_fill_emptied_replicas(suite: Suite, provider: Caller, session_data: Make) -> None:
    suite.hear("session.snapshot", session_data("ses_1", "cli_1", version=7))
    suite.hear("session.created", session_data("ses_1", "cli_1", version=1, status="pending"))
    with suite.service.store.reading():
        assert suite.service.store.execute("SELECT version, status FROM sessions") == [(7, "confirmed")]


def test_resync_tells_the_present_state_of_every_client_hidden_ones_too(
    suite: Suite, provider: Caller, stranger: Caller
) -> None:
    anna, bert, carla = (
        provider.made(name="Anna"),
        provider.made(name="Bert", notes="secret"),
        stranger.made(name="Carla"),
    )
    provider.delete(f"/v1/clients/{anna['id']}")
    snapshots = list(suite.service.snapshots("notifications"))
    assert {(s.type, s.subject, s.account_id, s.sequence, s.data["deleted"]) for s in snapshots} == {
        ("client.snapshot", anna["id"], "acc_one", 2, True),
        ("client.snapshot", bert["id"], "acc_one", 1, False),
        ("client.snapshot", carla["id"], "acc_two", 1, False),
    }
    assert "secret" not in str(snapshots)


def test_an_answer_to_an_erasure_is_kept_once(suite: Suite) -> None:
    answer = {
        "id": "cli_1", "account_id": "acc_one", "version": 1, "service": "payments", "blanked": {"deposits": 2},
        "kept": [{"what": "refunds", "why": "bookkeeping"}],
    }  # fmt: skip
    for _ in range(2):
        suite.hear("payments.client_erased", answer)
    with suite.service.store.reading():
        assert suite.service.store.execute("SELECT client_id, service, blanked FROM erasure_answers") == [
            ("cli_1", "payments", '{"deposits":2}')
        ]


def test_invariants_hold_after_use_and_name_what_breaks_them(suite: Suite, provider: Caller) -> None:
    anna = provider.made(name="Anna", email="anna@example.com", phone="0151 23456789", tags=["VIP"])
    provider.made(name="Child", email="anna@example.com", allow_duplicate=True)
    assert [(invariant.name, invariant.query()) for invariant in suite.service.invariants() if invariant.query()] == []
    with suite.service.store.transaction():
        suite.service.store.execute("UPDATE clients SET name = 'Hanna', email_key = NULL WHERE id = %s", (anna["id"],))
        suite.service.store.execute("UPDATE client_tags SET account_id = 'acc_two'")
    broken = {invariant.name: invariant.query() for invariant in suite.service.invariants() if invariant.query()}
    assert set(broken) == {
        "an email has its key, and neither comes alone",
        "every client is found by what it shows",
        "tags and consent belong to a client of the same account",
    }
    assert set(itertools.chain(*broken.values())) == {anna["id"]}


def test_the_operations_api_resyncs_one_service_and_shows_the_invariants(suite: Suite, provider: Caller) -> None:
    anna = provider.made(name="Anna", notes="secret")
    operator = suite.caller("acc_operator", "ops")
    assert operator.post("/v1/ops/resync", {"to": "scheduling"}).status_code in {200, 202}
    told = suite.told()
    assert [(type_, data["id"]) for type_, data in told] == [
        ("client.created", anna["id"]),
        ("client.snapshot", anna["id"]),
    ]
    assert "secret" not in str(told)
    checked = operator.get("/v1/ops/invariants").json["data"]
    assert [entry["violations"] for entry in checked] == [0] * len(suite.service.invariants())


def test_the_journey_of_a_client_tells_its_events_to_operators_alone(suite: Suite, provider: Caller) -> None:
    anna = provider.made(name="Anna")
    suite.hear("notification.bounced", news(anna["id"], 1, "email", False, suite.clock.now()))

    assert provider.get(f"/v1/ops/journey?subject={anna['id']}").status_code == 403
    journey = suite.caller("acc_operator", "ops").get(f"/v1/ops/journey?subject={anna['id']}").json
    assert {(step["role"], step["type"]) for step in journey["data"]} == {
        ("published", "client.created"),
        ("handled", "notification.bounced"),
        ("published", "client.updated"),
    }
    assert "Anna" not in str(journey)
