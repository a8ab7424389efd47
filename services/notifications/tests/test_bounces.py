"""Mail that comes back later: read from the report, shown in the log, and told to the clients service where the address is bad."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest
from services.notifications.tests.conftest import MakePractice
from services.notifications.tests.driver import Practice, account, client, session

from notifications.domain.bounces import read

SECRET = "the mail server's password"
FIELDS = """Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ada@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 <ada@example.com>: no such user
"""


def report(message_id: str, *, action: str = "failed", status: str = "5.1.1", headers_only: bool = False) -> bytes:
    """A delivery status notification as Postfix and others write it."""
    back = f"Message-ID: {message_id}\r\nSubject: Confirmed\r\n\r\n" + ("" if headers_only else "text\r\n")
    kind = "text/rfc822-headers" if headers_only else "message/rfc822"
    parts = [
        ("text/plain", "Your message could not be delivered.\r\n"),
        ("message/delivery-status", FIELDS.format(action=action, status=status).replace("\n", "\r\n")),
        (kind, back),
    ]
    body = "".join(f"--b\r\nContent-Type: {type_}\r\n\r\n{text}\r\n" for type_, text in parts)
    head = (
        "From: MAILER-DAEMON@mx.example\r\nTo: bookings@timeblu.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    )
    return f"{head}{body}--b--\r\n".encode()


@pytest.fixture
def bounced(make_practice: MakePractice, store_url: str) -> Practice:
    """A practice whose client was sent a confirmation."""
    made = make_practice(store_url, mail_webhook_secret=SECRET)
    made.hear("account.created", account())
    made.hear("client.created", client())
    made.hear("session.created", session())
    made.work()
    return made


def post(practice: Practice, body: bytes, password: str = SECRET) -> int:
    encoded = base64.b64encode(f"mta:{password}".encode()).decode()
    answer = practice.app.test_client().post(
        "/v1/webhooks/mail", data=body, content_type="message/rfc822", headers={"Authorization": f"Basic {encoded}"}
    )
    return answer.status_code


@pytest.mark.parametrize("headers_only", [False, True])
def test_a_bounce_is_shown_and_told_once_however_often_it_is_reported(bounced: Practice, headers_only: bool) -> None:
    [sent] = bounced.deliveries()
    for _ in range(2):
        assert post(bounced, report(sent["provider_id"], headers_only=headers_only)) == 204

    [row] = bounced.deliveries()
    assert row["status"] == "undelivered"
    assert row["error"].startswith("5.1.1 smtp; 550")
    assert "ada@" not in row["error"]
    [(_, told)] = bounced.published("notification.bounced")
    assert (told["id"], told["channel"], told["source"]) == ("cli_1", "email", "bounced")
    assert [data["status"] for _, data in bounced.published("notification.failed")] == ["undelivered"]


def test_a_bounce_of_an_address_that_the_client_has_left_says_nothing_against_the_new_one(bounced: Practice) -> None:
    [sent] = bounced.deliveries()
    bounced.hear("client.updated", client(2, email="new@example.com"))
    assert post(bounced, report(sent["provider_id"])) == 204

    assert [row["status"] for row in bounced.deliveries()] == ["undelivered"]
    assert bounced.published("notification.bounced") == []


@pytest.mark.parametrize("status", ["5.2.2", "5.7.1"])
def test_a_full_mailbox_or_a_refused_text_says_nothing_against_the_address(bounced: Practice, status: str) -> None:
    post(bounced, report(bounced.deliveries()[0]["provider_id"], status=status))

    assert bounced.fared() == [("confirmation", "email", "undelivered")]
    assert bounced.published("notification.bounced") == []


@pytest.mark.parametrize(
    ("action", "status"), [("delayed", "4.4.1"), ("delivered", "2.0.0"), ("failed", "4.4.7"), ("relayed", "2.0.0")]
)
def test_what_is_no_failure_for_good_changes_nothing(bounced: Practice, action: str, status: str) -> None:
    assert post(bounced, report(bounced.deliveries()[0]["provider_id"], action=action, status=status)) == 204
    assert bounced.fared() == [("confirmation", "email", "sent")]


def test_who_lacks_the_password_is_refused(bounced: Practice) -> None:
    body = report(bounced.deliveries()[0]["provider_id"])
    assert post(bounced, body, "another") == 401
    assert post(bounced, body, "pässword") == 401
    assert bounced.app.test_client().post("/v1/webhooks/mail", data=body).status_code == 401
    assert bounced.fared() == [("confirmation", "email", "sent")]


def test_without_a_password_there_is_no_such_webhook(practice: Practice) -> None:
    assert post(practice, report("<x@y>")) == 404


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"Subject: hi\r\n\r\nhello", report("<unknown@timeblu.example>"), report("x")]
)
def test_whatever_else_arrives_in_that_mailbox_is_passed_over(bounced: Practice, body: bytes) -> None:
    assert post(bounced, body) == 204
    assert bounced.fared() == [("confirmation", "email", "sent")]


def test_a_report_may_quote_a_message_that_has_parts() -> None:
    letter = EmailMessage()
    letter["Message-ID"] = "<a@timeblu.example>"
    letter.set_content("text")
    letter.add_alternative("<p>text</p>", subtype="html")
    body = report("<ignored@x>").replace(
        b"Message-ID: <ignored@x>\r\nSubject: Confirmed\r\n\r\ntext\r\n", letter.as_bytes().replace(b"\n", b"\r\n")
    )
    found = read(body)

    assert found is not None
    assert (found.message_id, found.bad_address) == ("<a@timeblu.example>", True)
