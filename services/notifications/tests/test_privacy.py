"""What is private stays private, and what is to be forgotten is."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from services.notifications.tests.driver import NOON, Practice, account, client, deposit, refund, session, terms

from chassis import outbox
from chassis.inbox import Message, inbox_of
from contracts.envelope import Envelope

PRIVATE = "a word that nobody but the provider may read"
PERSONAL = ("ada@example.com", "+491701234567", "Ada Winter", "Bring the letter.")


def everything(practice: Practice, *, but: tuple[str, ...] = ()) -> str:
    """The text of every row of the service's own tables."""
    store = practice.service.store
    with store.reading():
        tables = [table for table in store.database.get_tables() if table not in but]
    return "\n".join(str(practice.rows(table)) for table in tables)


def test_private_notes_are_kept_sent_and_logged_nowhere_even_if_somebody_sends_them(
    practice: Practice, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    practice.hear("session.created", session(id="ses_0"))
    envelope = Envelope(
        id="evt-1",
        source="scheduling",
        type="session.created",
        subject="ses_1",
        time=NOON,
        dataschema=1,
        account_id="acc_one",
        sequence=1,
        traceparent=None,
        body=outbox.encode("session.created", session()).replace("{", f'{{"session_notes":"{PRIVATE}",', 1).encode(),
    )
    inbox_of(practice.service).take([Message(headers=envelope.headers(), body=envelope.body)])
    practice.pass_time(minutes=1)

    assert len(practice.mails()) == 2
    assert PRIVATE not in everything(practice)
    assert PRIVATE not in "".join(str(mail) for mail in practice.mails())
    assert PRIVATE not in caplog.text


def test_addresses_are_in_no_log_line_and_no_event(practice: Practice, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    practice.hear("session.created", session())
    practice.hear("session.created", session(id="ses_2"), at=NOON - timedelta(days=2))
    practice.fault("smtp", "error_500")
    practice.pass_time(days=6)

    logged = "\n".join(
        record.getMessage() + str(record.__dict__)
        for record in caplog.records
        if record.name.startswith(("chassis", "notifications"))
    )
    published = str(practice.published())
    for word in PERSONAL:
        assert word not in logged
        assert word not in published


def test_an_erased_client_is_forgotten_here_and_the_clients_service_is_told(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.pass_time(days=6)
    practice.hear("session.completed", session(2, status="completed"))
    practice.hear(
        "client.erasure_requested", {"id": "cli_1", "account_id": "acc_one", "version": 2, "requested_at": NOON}
    )

    kept = everything(practice)
    assert [word for word in PERSONAL if word in kept] == []
    [told] = [data for type_, data in practice.published() if type_ == "notifications.client_erased"]
    assert told["service"] == "notifications"
    assert {name: told["blanked"][name] for name in ("clients", "sessions", "deliveries")} == {
        "clients": 1,
        "sessions": 1,
        "deliveries": 3,
    }
    # What comes late does not bring the client back.
    practice.hear("client.updated", client(9))
    practice.hear("session.updated", session(3, status="completed"))
    kept = everything(practice, but=("inbox", "outbox"))
    assert [word for word in PERSONAL if word in kept] == []


@pytest.mark.parametrize("late", [False, True])
def test_of_an_erased_client_s_money_neither_words_nor_links_stay_or_come_later(practice: Practice, late: bool) -> None:
    words = "Ada was ill"
    money = [
        ("deposit.required", deposit()),
        ("refund.failed", refund(2, status="failed", reason=words, failure="expired_or_canceled_card")),
    ]
    erased = ("client.erasure_requested", {"id": "cli_1", "account_id": "acc_one", "version": 2, "requested_at": NOON})
    practice.hear("session.created", session(deposit=terms()))
    for type_, data in [erased, *money] if late else [*money, erased]:
        practice.hear(type_, data)

    assert [(row["reason"], row["failure"]) for row in practice.rows("refunds")] == [(None, "expired_or_canceled_card")]
    assert [row["payment_url"] for row in practice.rows("deposits")] == [None]


def test_what_waits_for_an_erased_client_is_not_sent(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.hear(
        "client.erasure_requested", {"id": "cli_1", "account_id": "acc_one", "version": 2, "requested_at": NOON}
    )
    practice.work()
    practice.pass_time(days=6)

    assert practice.mails() == []
    assert practice.texts() == []


def test_a_client_erased_before_it_was_heard_of_is_not_taken_in(practice: Practice) -> None:
    practice.hear(
        "client.erasure_requested", {"id": "cli_7", "account_id": "acc_one", "version": 2, "requested_at": NOON}
    )
    practice.hear("client.created", client(id="cli_7"))

    [row] = [row for row in practice.rows("clients") if row["id"] == "cli_7"]
    assert (row["name"], row["email"]) == ("", None)


def test_erasing_a_client_takes_those_merged_into_it_along_and_leaves_others_alone(practice: Practice) -> None:
    practice.hear("client.created", client(id="cli_2", email="two@example.com", name="Bo"))
    practice.hear("client.merged", client(2, id="cli_2", email="two@example.com", name="Bo", merged_into="cli_1"))
    practice.hear("client.created", client(id="cli_3", email="three@example.com", name="Cy"))
    practice.hear("account.created", account(id="acc_two", account_id="acc_two"))
    practice.hear(
        "client.erasure_requested", {"id": "cli_1", "account_id": "acc_one", "version": 3, "requested_at": NOON}
    )

    assert {row["id"]: row["email"] for row in practice.rows("clients")} == {
        "cli_1": None,
        "cli_2": None,
        "cli_3": "three@example.com",
    }


def test_addresses_leave_the_log_after_a_while(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    [job] = [job for job in practice.service.jobs() if job.name == "retention"]
    practice.clock.moment += timedelta(days=179)
    assert job.run() == 0

    practice.clock.moment += timedelta(days=2)

    assert job.run() == 1
    assert practice.deliveries()[0]["to"] is None
