"""Mail by smtplib, as the notifications service sends it, and what the mailbox shows of it."""

import smtplib
from email.message import EmailMessage

import pytest
import requests
from deploy.sandbox.tests.driver import Running, Serve


def _mail(to: str = "mia@example.com", subject: str = "Termin bestätigt: 9 Uhr – Grüße") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Praxis Schön <anna@example.com>"
    message["To"] = f"Mia <{to}>"
    message["Subject"] = subject
    message["Reply-To"] = "anna@example.com"
    message.set_content("Hallo Mia,\n\nbis morgen!\n")
    message.add_alternative("<p>Hallo Mia, <b>bis morgen!</b></p>", subtype="html")
    message.add_attachment("BEGIN:VCALENDAR\nEND:VCALENDAR\n", subtype="calendar", filename="termin.ics")
    return message


def _send(running: Running, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", running.sandbox.smtp_port, timeout=10) as connection:
        connection.send_message(message)


def test_a_mail_is_shown_decoded(running: Running) -> None:
    _send(running, _mail())
    [mail] = running.get("/mail", to="MIA@example.com")["data"]
    assert mail["from"] == "Praxis Schön <anna@example.com>"
    assert mail["to"] == "mia@example.com"
    assert mail["subject"] == "Termin bestätigt: 9 Uhr – Grüße"
    assert "bis morgen!" in mail["text"]
    assert mail["html"].startswith("<p>Hallo Mia")
    assert "Content-Type: multipart" in mail["raw"]
    assert [(each["filename"], each["content_type"]) for each in mail["attachments"]] == [
        ("termin.ics", "text/calendar")
    ]
    assert "VCALENDAR" in mail["attachments"][0]["text"]
    assert running.get(f"/mail/{mail['id']}") == mail
    page = requests.get(f"{running.url}/mail/{mail['id']}/view", timeout=10).text
    assert "Termin bestätigt" in page
    assert "<b>bis morgen" not in page, "foreign HTML lives in the frame alone"


def test_mails_are_listed_newest_first_and_by_receiver(running: Running) -> None:
    for number in range(3):
        _send(running, _mail(subject=f"Mail {number}"))
    _send(running, _mail(to="other@example.com", subject="Another"))
    everything = running.get("/mail")["data"]
    assert [mail["subject"] for mail in everything] == ["Another", "Mail 2", "Mail 1", "Mail 0"]
    assert [mail["subject"] for mail in running.get("/mail", to="mia@example.com", limit=2)["data"]] == [
        "Mail 2",
        "Mail 1",
    ]
    assert [mail["subject"] for mail in running.get("/mail", limit=1, offset=3)["data"]] == ["Mail 0"]
    assert running.get("/mail", to="nobody@example.com")["data"] == []


def test_every_mail_is_listed_however_many_there_are_and_decoded_once(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1100):
        running.sandbox.mailbox.keep("anna@example.com", ["mia@example.com"], b"Subject: %d\r\n\r\nHello" % number)
    listed = running.get("/mail")["data"]
    assert [mail["subject"] for mail in listed] == [str(number) for number in reversed(range(1100))]
    monkeypatch.setattr("sandbox.mailbox.message_from_bytes", lambda *_args, **_options: pytest.fail("decoded again"))
    assert running.get("/mail")["data"] == listed
    assert running.get("/mail", to="mia@example.com")["data"] == listed
    running.post("/reset")
    assert running.get("/mail")["data"] == []


def test_mail_outlives_a_restart(serve: Serve) -> None:
    with serve() as first:
        _send(first, _mail())
    with serve() as second:
        assert len(second.get("/mail")["data"]) == 1


def test_a_client_may_log_in(running: Running) -> None:
    with smtplib.SMTP("127.0.0.1", running.sandbox.smtp_port, timeout=10) as connection:
        connection.login("anybody", "anything")
        connection.send_message(_mail())
    assert len(running.get("/mail")["data"]) == 1


def test_an_unknown_mailbox_bounces_at_once(running: Running) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        _send(running, _mail(to="gone@bounce.example"))
    assert refused.value.recipients["gone@bounce.example"][0] == 550
    assert running.get("/mail")["data"] == []


@pytest.mark.parametrize(
    ("fault", "code", "kept"), [("error_500", 554, 0), ("rate_limit", 451, 0), ("error_500_after_processing", 554, 1)]
)
def test_refusals_after_data(running: Running, fault: str, code: int, kept: int) -> None:
    running.fault("smtp", fault)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        _send(running, _mail())
    assert refused.value.smtp_code == code
    assert len(running.get("/mail")["data"]) == kept
    _send(running, _mail())
    assert len(running.get("/mail")["data"]) == kept + 1


@pytest.mark.parametrize(("fault", "kept"), [("drop_after_processing", 1), ("timeout", 0)])
def test_a_connection_lost_after_data(running: Running, fault: str, kept: int) -> None:
    running.fault("smtp", fault)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        _send(running, _mail())
    assert len(running.get("/mail")["data"]) == kept


def test_the_page_over_it_all_shows_what_there_is(running: Running) -> None:
    _send(running, _mail())
    running.twilio.messages.create(to="+491701234567", from_="+15005550006", body="Bis morgen")
    account = running.connected()
    running.refund(account, running.paid(account), amount=700)
    page = requests.get(running.url, timeout=10).text
    link = f"mail/{running.get('/mail')['data'][0]['id']}/view"
    assert link in page
    assert requests.get(f"{running.url}/{link}", timeout=10).status_code == 200
    for shown in ("Termin bestätigt", "Bis morgen", "€7.00"):
        assert shown in page
