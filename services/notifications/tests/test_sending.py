"""Workers against a real mail server and Twilio's API, each failing in every way: sent once, or known to be unsure."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import requests
from services.notifications.tests.conftest import MakePractice
from services.notifications.tests.driver import NOON, Practice, account, client, session

from chassis.inbox import event_of
from chassis.store import StoreDown
from notifications.domain.kinds import Channel
from notifications.domain.outcomes import Outcome
from notifications.gateways.mail import Mailer
from notifications.gateways.texts import Texter
from notifications.operations.dispatching import dispatch
from notifications.operations.pacing import ProviderPace
from notifications.operations.sending import email_worker, sms_worker
from support.waiting import wait_until

TO_NOBODY_YET = {"kinds": {"reminder_24h": {"email": False, "sms": True}, "reminder_2h": {"email": False}}}


def confirm(practice: Practice) -> None:
    """One email that is due now."""
    practice.hear("session.created", session())
    practice.work()


def text(practice: Practice, phone: str | None = None) -> None:
    """One text message that is due now."""
    practice.call("PUT", "/v1/settings", TO_NOBODY_YET)
    if phone:
        practice.hear("client.updated", client(2, phone=phone))
    practice.hear("session.created", session(), at=NOON - timedelta(days=2))
    practice.pass_time(days=6)


def until_it_is(practice: Practice, status: str) -> None:
    """Wait for Twilio's receipts of the one text."""
    seen: list[str] = []

    def fared() -> bool:
        seen[:] = [row["status"] for row in practice.deliveries()]
        return seen == [status]

    wait_until(fared, what=f"the receipt; {seen}", deadline=30)


# --- email ---


def test_mail_that_is_refused_for_now_is_sent_a_little_later_once(practice: Practice) -> None:
    practice.fault("smtp", "rate_limit", 2)
    confirm(practice)
    assert practice.fared() == [("confirmation", "email", "queued")]
    assert str(practice.deliveries()[0]["error"]).startswith("451")

    practice.pass_time(seconds=2)
    practice.pass_time(seconds=4)

    assert practice.fared() == [("confirmation", "email", "sent")]
    assert practice.deliveries()[0]["attempts"] == 3
    assert len(practice.mails()) == 1


def test_mail_that_is_refused_for_good_has_failed_and_says_why(practice: Practice) -> None:
    practice.fault("smtp", "error_500")
    confirm(practice)
    practice.pass_time(hours=2)

    assert practice.fared() == [("confirmation", "email", "failed")]
    assert str(practice.deliveries()[0]["error"]).startswith("554")
    [(_, told)] = practice.published("notification.")
    assert (told["kind"], told["status"], told["session_id"]) == ("confirmation", "failed", "ses_1")
    assert practice.mails() == []


@pytest.mark.parametrize(("fault", "arrived"), [("drop_after_processing", 1), ("timeout", 0)])
def test_mail_whose_answer_was_lost_is_unknown_and_not_repeated(practice: Practice, fault: str, arrived: int) -> None:
    practice.fault("smtp", fault)
    confirm(practice)
    practice.lease_clock.moment = datetime.now(UTC) + timedelta(hours=1)
    practice.pass_time(hours=2)

    assert practice.fared() == [("confirmation", "email", "unknown")]
    assert len(practice.mails()) == arrived


def test_an_address_that_takes_no_mail_is_told_to_the_clients_service(practice: Practice) -> None:
    practice.hear("client.updated", client(2, email="nobody@bounce.example"))
    confirm(practice)

    assert practice.fared() == [("confirmation", "email", "failed")]
    [bounce] = [data for type_, data in practice.published() if type_ == "notification.bounced"]
    assert (bounce["id"], bounce["channel"]) == ("cli_1", "email")
    [failure] = [data for type_, data in practice.published() if type_ == "notification.failed"]
    assert "nobody@" not in failure["error"]


def test_mail_waits_for_a_server_that_is_down_and_is_given_up_when_too_late(
    make_practice: MakePractice, sqlite_url: str
) -> None:
    practice = make_practice(sqlite_url, smtp_url="smtp://127.0.0.1:1")
    practice.hear("account.created", account())
    practice.hear("client.created", client())
    confirm(practice)
    for _ in range(3):
        practice.pass_time(minutes=10)
    assert practice.fared() == [("confirmation", "email", "queued")]
    assert practice.deliveries()[0]["attempts"] == 4

    practice.pass_time(hours=24)

    assert practice.fared() == [("confirmation", "email", "failed")]
    assert "ConnectionRefusedError" in str(practice.deliveries()[0]["error"])


def test_one_connection_carries_many_mails_and_is_made_anew_when_the_server_has_closed_it(practice: Practice) -> None:
    mailer = Mailer(practice.context.settings)
    for number in range(3):
        outcome = mailer.send(
            b"Subject: hello\r\n\r\n.a line that begins with a dot\r\n..two\r\n",
            sender="bookings@timeblu.example",
            to=f"ada{number}@example.com",
            begin=lambda: True,
        )
        assert outcome.result == "sent", outcome
        if number == 1:
            mailer._local.connection.sock.close()  # as a server that is restarted does

    mails = practice.mails()
    assert len(mails) == 3
    assert mails[0].get_content() == ".a line that begins with a dot\r\n..two\r\n"


def test_an_attempt_that_could_not_be_committed_leaves_nothing_of_its_email_on_the_connection(
    practice: Practice,
) -> None:
    mailer = Mailer(practice.context.settings)

    def store_is_down() -> bool:
        raise StoreDown

    for begin in (store_is_down, lambda: False, lambda: True):
        with suppress(StoreDown):
            outcome = mailer.send(
                b"Subject: hello\r\n\r\nhello\r\n", sender="a@b.example", to="c@d.example", begin=begin
            )
    assert outcome.result == "sent", outcome


class DyingMailer(Mailer):
    """A worker that is killed right after its attempt was committed, before or after the message went out."""

    after = False

    def send(self, message: bytes, **how: object) -> Outcome:
        if self.after:
            super().send(message, **how)  # type: ignore[arg-type]
        else:
            how["begin"]()  # type: ignore[operator]
        raise SystemExit


@pytest.mark.parametrize("after", [False, True])
def test_mail_whose_worker_died_while_sending_is_unknown_and_not_repeated(practice: Practice, after: bool) -> None:
    practice.hear("session.created", session())
    [due] = practice.on_the_queues()
    mailer = DyingMailer(practice.context.settings)
    mailer.after = after
    with pytest.raises(SystemExit):
        email_worker(practice.context, mailer, ProviderPace(practice.context, Channel.EMAIL, 0)).run(event_of(due))
    practice.work()
    assert practice.fared() == [("confirmation", "email", "queued")]

    practice.lease_clock.moment += timedelta(minutes=3)
    practice.work()

    assert practice.fared() == [("confirmation", "email", "unknown")]
    assert len(practice.mails()) == after


def test_mail_whose_worker_died_before_the_attempt_is_sent_by_another(practice: Practice) -> None:
    practice.hear("session.created", session())
    [due] = practice.on_the_queues()
    with pytest.raises(SystemExit):
        email_worker(
            practice.context, _Killed(practice.context.settings), ProviderPace(practice.context, Channel.EMAIL, 0)
        ).run(event_of(due))

    practice.lease_clock.moment = datetime.now(UTC) + timedelta(minutes=10)
    practice.work()

    assert practice.fared() == [("confirmation", "email", "sent")]


class _Killed(Mailer):
    def send(self, message: bytes, **how: object) -> Outcome:
        raise SystemExit


def test_a_message_of_the_queue_that_comes_twice_is_sent_once(practice: Practice) -> None:
    practice.hear("session.created", session())
    [due] = practice.on_the_queues()
    for _ in range(3):
        practice.send(due)

    assert len(practice.mails()) == 1


# --- texts ---


def test_a_text_is_sent_and_its_receipts_are_followed(practice: Practice) -> None:
    text(practice)
    [row] = practice.deliveries()
    assert (row["status"], row["to"]) in {("sent", "+491701234567"), ("delivered", "+491701234567")}

    until_it_is(practice, "delivered")
    assert practice.reminders()["reminder_24h", "sms"] == ("sent", None)


def test_a_text_that_does_not_arrive_is_shown_as_undelivered(practice: Practice) -> None:
    text(practice, "+15005550030")

    until_it_is(practice, "undelivered")
    assert str(practice.deliveries()[0]["error"]).startswith("30003")
    assert practice.reminders()["reminder_24h", "sms"] == ("failed", None)


def test_a_text_that_is_refused_for_now_is_sent_a_little_later_once(practice: Practice) -> None:
    practice.fault("twilio", "rate_limit")
    text(practice)
    assert practice.fared() == [("reminder_24h", "sms", "queued")]

    practice.pass_time(seconds=2)

    assert len(practice.texts()) == 1
    assert practice.fared()[0][2] in {"sent", "delivered"}
    assert practice.rows("sms_usage")[0]["used"] == 1


@pytest.mark.parametrize("fault", ["error_500_after_processing", "drop_after_processing"])
def test_a_text_whose_answer_was_lost_is_found_in_twilio_s_list(practice: Practice, fault: str) -> None:
    practice.fault("twilio", fault)
    text(practice)

    assert practice.fared()[0][2] in {"sent", "delivered"}
    assert practice.deliveries()[0]["provider_id"] == practice.texts()[0]["sid"]
    assert len(practice.texts()) == 1


@pytest.mark.parametrize("fault", ["error_500", "timeout"])
def test_a_text_that_twilio_s_list_does_not_show_is_unknown_and_not_repeated(practice: Practice, fault: str) -> None:
    practice.fault("twilio", fault)
    text(practice)
    practice.lease_clock.moment = datetime.now(UTC) + timedelta(hours=1)
    practice.pass_time(hours=1)

    assert practice.fared() == [("reminder_24h", "sms", "unknown")]
    assert practice.reminders()["reminder_24h", "sms"] == ("unknown", None)
    assert practice.texts() == []


class DyingTexter(Texter):
    """A worker that is killed right after Twilio took its text."""

    def send(self, **how: object) -> Outcome:
        super().send(**how)  # type: ignore[arg-type]
        raise SystemExit


def test_a_text_whose_worker_died_is_settled_by_asking_twilio(practice: Practice) -> None:
    practice.call("PUT", "/v1/settings", TO_NOBODY_YET)
    practice.hear("session.created", session(), at=NOON - timedelta(days=2))
    practice.clock.moment += timedelta(days=6)
    dispatch(practice.context)
    [due] = practice.on_the_queues()
    # Its receipts lead nowhere, so that the list alone can tell.
    object.__setattr__(practice.context.settings, "public_url", "http://127.0.0.1:1")
    with pytest.raises(SystemExit):
        sms_worker(
            practice.context, DyingTexter(practice.context.settings), ProviderPace(practice.context, Channel.SMS, 0)
        ).run(event_of(due))

    practice.lease_clock.moment += timedelta(minutes=3)
    practice.work()

    assert practice.fared() == [("reminder_24h", "sms", "sent")]
    assert len(practice.texts()) == 1


def test_a_receipt_settles_a_text_that_was_unsure(practice: Practice) -> None:
    practice.fault("twilio", "error_500_after_processing")
    practice.fault("twilio", "error_500")  # the list does not answer either
    text(practice)

    until_it_is(practice, "delivered")


@pytest.mark.parametrize("phone", ["+15005550001", "+15005550009"])
def test_a_number_that_is_none_has_failed(practice: Practice, phone: str) -> None:
    text(practice, phone)

    assert practice.fared() == [("reminder_24h", "sms", "failed")]
    assert phone not in str(practice.deliveries()[0]["error"])
    assert practice.rows("sms_usage")[0]["used"] == 0


def test_a_number_that_has_opted_out_is_remembered_and_told(practice: Practice) -> None:
    practice.hear("client.updated", client(2, phone="+15005550004"))
    practice.hear("session.created", session(id="ses_2", starts_at=NOON + timedelta(days=20)))
    text(practice)

    assert practice.reminders()["reminder_24h", "sms"] == ("skipped", "opted_out")
    assert practice.reminders("ses_2")["reminder_24h", "sms"] == ("skipped", "opted_out")
    [told] = [data for type_, data in practice.published() if type_ == "notification.opted_out"]
    assert (told["id"], told["channel"], told["allowed"]) == ("cli_1", "sms", False)


def test_stop_ends_texts_to_the_number_on_every_account_and_start_allows_them_again(practice: Practice) -> None:
    practice.hear("account.created", account(id="acc_two", account_id="acc_two"))
    practice.hear("client.created", client(id="cli_9", account_id="acc_two"))
    practice.hear("session.created", session())
    for word, allowed in (("Stop ", "skipped"), ("UNSTOP", "planned")):
        body = {"from": "+491701234567", "to": "+15005550006", "body": word}
        requests.post(f"{practice.url}/sandbox/sms", json=body, timeout=5).raise_for_status()
        wait_until(partial(_planned_as, practice, allowed), what=word, deadline=30)

    told = [(type_, data["id"]) for type_, data in practice.published("notification.opted")]
    assert sorted(told) == [
        ("notification.opted_in", "cli_1"),
        ("notification.opted_in", "cli_9"),
        ("notification.opted_out", "cli_1"),
        ("notification.opted_out", "cli_9"),
    ]


def _planned_as(practice: Practice, status: str) -> bool:
    return practice.reminders()["reminder_24h", "sms"][0] == status


def test_start_plans_the_texts_again_of_who_came_to_a_stopped_number_later(practice: Practice) -> None:
    other = "+491709999999"
    body = {"from": other, "to": "+15005550006"}
    requests.post(f"{practice.url}/sandbox/sms", json={**body, "body": "STOP"}, timeout=5).raise_for_status()
    wait_until(lambda: practice.rows("stopped_numbers") != [], what="STOP", deadline=30)
    practice.hear("client.updated", client(2, phone=other))
    practice.hear("session.created", session())
    assert practice.reminders()["reminder_24h", "sms"] == ("skipped", "opted_out")

    requests.post(f"{practice.url}/sandbox/sms", json={**body, "body": "START"}, timeout=5).raise_for_status()
    wait_until(partial(_planned_as, practice, "planned"), what="START", deadline=30)


def test_the_clients_service_has_the_word_again_once_it_has_repeated_a_wish(practice: Practice) -> None:
    practice.hear("session.created", session())
    body = {"from": "+491701234567", "to": "+15005550006", "body": "STOP"}
    requests.post(f"{practice.url}/sandbox/sms", json=body, timeout=5).raise_for_status()
    wait_until(lambda: practice.rows("wishes") != [], what="STOP", deadline=30)

    # An event from before the wish does not undo it; the one that repeats it takes its place.
    practice.hear("client.updated", client(2))
    assert practice.reminders()["reminder_24h", "sms"] == ("skipped", "opted_out")
    practice.hear("client.updated", client(3, contact={"email": True, "sms": False}))
    assert practice.rows("wishes") == []
    assert practice.reminders()["reminder_24h", "sms"] == ("skipped", "opted_out")


def test_what_twilio_did_not_sign_is_refused(practice: Practice) -> None:
    answer = practice.app.test_client().post(
        "/v1/webhooks/twilio",
        data={"From": "+491701234567", "Body": "STOP"},
        headers={"X-Twilio-Signature": "bm90IHR3aWxpbw=="},
    )

    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_signature")
    assert practice.rows("wishes") == []


def test_the_journey_of_a_session_tells_of_its_messages_and_of_no_address(practice: Practice) -> None:
    for id_ in ("ses_1", "ses_2"):
        practice.hear("session.created", session(id=id_))
    practice.work()
    [delivery] = practice.deliveries("session_id=ses_1")

    assert practice.call("GET", "/v1/ops/journey?subject=ses_1").status_code == 403
    journey = practice.call("GET", "/v1/ops/journey?subject=ses_1", scope="ops").json
    assert journey is not None
    assert journey["subjects"] == ["ses_1", delivery["id"]]
    assert [(step["role"], step["type"], step["subject"]) for step in journey["data"]] == [
        ("handled", "session.created", "ses_1"),
        ("published", "delivery.due", delivery["id"]),
        ("published", "notification.sent", delivery["id"]),
    ]
    assert delivery["to"] not in str(journey)
