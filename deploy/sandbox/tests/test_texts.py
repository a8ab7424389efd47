"""Texts through the real Twilio SDK, their callbacks and what comes back."""

from urllib.parse import parse_qsl

import pytest
import requests
from deploy.sandbox.tests.driver import Received, Running, wait_until
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

SENDER = "+15005550006"
CLIENT = "+491701234567"


def _form(received: Received) -> dict[str, str]:
    return dict(parse_qsl(received.body.decode(), keep_blank_values=True))


def _signed(running: Running, received: Received) -> bool:
    validator = RequestValidator(running.sandbox.keys.twilio_auth_token)
    signature = received.headers["X-Twilio-Signature"]
    return bool(validator.validate(running.receiver.url + received.path, _form(received), signature))


def test_a_text_walks_to_delivered_and_each_step_is_called_back_signed(running: Running) -> None:
    callback = f"{running.receiver.url}/sms?delivery=del_1"
    message = running.twilio.messages.create(
        to=CLIENT, from_=SENDER, body="Bis morgen, 9 Uhr", status_callback=callback
    )
    assert (message.status, message.direction, message.date_sent) == ("queued", "outbound-api", None)
    assert str(message.sid).startswith("SM")

    received = wait_until(lambda: running.receiver.requests if len(running.receiver.requests) == 2 else None)

    assert [_form(each)["MessageStatus"] for each in received] == ["sent", "delivered"]
    assert {_form(each)["MessageSid"] for each in received} == {message.sid}
    assert all(_signed(running, each) for each in received)
    assert received[0].path == "/sms?delivery=del_1"
    fetched = running.twilio.messages(str(message.sid)).fetch()
    assert fetched.status == "delivered"
    assert fetched.date_sent is not None
    [shown] = running.get("/sms")["data"]
    assert (shown["to"], shown["body"], shown["num_segments"]) == (CLIENT, "Bis morgen, 9 Uhr", "1")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"to": "+15005550004"}, 21610),
        ({"to": "+15005550001"}, 21211),
        ({"to": "tomorrow"}, 21211),
        ({"to": "+15005550009"}, 21614),
        ({"from_": "+15005550007"}, 21606),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"status_callback": "nowhere"}, 21609),
    ],
)
def test_what_twilio_refuses_is_refused(running: Running, message: dict[str, str], code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        running.twilio.messages.create(**({"to": CLIENT, "from_": SENDER, "body": "Hello"} | message))
    assert (refused.value.status, refused.value.code) == (400, code)
    assert running.get("/sms")["data"] == []


def test_stop_opts_out_until_start(running: Running) -> None:
    running.post("/sms", **{"from": CLIENT, "to": SENDER, "body": " Stop "})
    with pytest.raises(TwilioRestException) as refused:
        running.twilio.messages.create(to=CLIENT, from_=SENDER, body="Hello")
    assert refused.value.code == 21610
    running.post("/sms", **{"from": CLIENT, "to": SENDER, "body": "START"})
    assert running.twilio.messages.create(to=CLIENT, from_=SENDER, body="Hello").status == "queued"


def test_a_text_back_is_told_signed(running: Running) -> None:
    sent = running.post("/sms", **{"from": CLIENT, "to": SENDER, "body": "Können wir verschieben?"})
    assert sent["direction"] == "inbound"
    [received] = wait_until(lambda: list(running.receiver.requests))
    assert received.path == "/notifications/v1/webhooks/twilio"
    form = _form(received)
    assert (form["From"], form["To"], form["Body"]) == (CLIENT, SENDER, "Können wir verschieben?")
    assert (form["MessageSid"], form["SmsStatus"]) == (sent["sid"], "received")
    assert _signed(running, received)


def test_texts_are_listed_by_receiver_and_page(running: Running) -> None:
    for number in range(5):
        running.twilio.messages.create(to=CLIENT, from_=SENDER, body=f"Text {number}")
    running.twilio.messages.create(to="+491700000000", from_=SENDER, body="Another")
    found = running.twilio.messages.list(to=CLIENT, page_size=2)
    assert [message.body for message in found] == [f"Text {number}" for number in (4, 3, 2, 1, 0)]
    now = running.sandbox.clock.now()
    assert len(running.twilio.messages.list(to=CLIENT, date_sent_after=now.replace(year=now.year - 1))) == 5
    assert running.twilio.messages.list(to=CLIENT, date_sent_after=now.replace(year=now.year + 1)) == []
    assert len(running.twilio.messages.list(to=CLIENT, date_sent=now.date())) == 5


def test_a_text_back_may_come_in_twilios_own_form(running: Running) -> None:
    form = {"From": CLIENT, "To": SENDER, "Body": "STOP"}
    answer = requests.post(f"{running.url}/sms", data=form, timeout=60)
    assert (answer.status_code, answer.json()["from"], answer.json()["direction"]) == (201, CLIENT, "inbound")
    with pytest.raises(TwilioRestException):
        running.twilio.messages.create(to=CLIENT, from_=SENDER, body="Hello")


def test_a_messaging_service_sends_too(running: Running) -> None:
    service = "MG" + "0" * 32
    message = running.twilio.messages.create(to=CLIENT, messaging_service_sid=service, body="Hello")
    assert (message.messaging_service_sid, message.from_) == (service, SENDER)


def test_an_unreachable_phone_is_undelivered(running: Running) -> None:
    callback = f"{running.receiver.url}/sms"
    running.twilio.messages.create(to="+15005550030", from_=SENDER, body="Hello", status_callback=callback)
    received = wait_until(lambda: running.receiver.requests if len(running.receiver.requests) == 2 else None)
    assert [_form(each)["MessageStatus"] for each in received] == ["sent", "undelivered"]
    assert _form(received[1])["ErrorCode"] == "30003"


def test_a_callback_that_fails_is_repeated_and_stops_nothing(running: Running) -> None:
    running.receiver.answers.extend([500])
    message = running.twilio.messages.create(
        to=CLIENT, from_=SENDER, body="Hello", status_callback=f"{running.receiver.url}/sms"
    )
    received = wait_until(lambda: running.receiver.requests if len(running.receiver.requests) == 3 else None)
    assert sorted(_form(each)["MessageStatus"] for each in received) == ["delivered", "sent", "sent"]
    assert running.twilio.messages(str(message.sid)).fetch().status == "delivered"


def test_a_stranger_is_not_let_in(running: Running) -> None:
    stranger = Client(running.sandbox.keys.twilio_account_sid, "wrong")
    stranger.api.base_url = f"{running.url}/twilio"
    with pytest.raises(TwilioRestException) as refused:
        stranger.messages.create(to=CLIENT, from_=SENDER, body="Hello")
    assert (refused.value.status, refused.value.code) == (401, 20003)
    with pytest.raises(TwilioRestException) as unknown:
        running.twilio.messages("SM" + "0" * 32).fetch()
    assert (unknown.value.status, unknown.value.code) == (404, 20404)


@pytest.mark.parametrize(
    ("fault", "status", "kept"),
    [("rate_limit", 429, 0), ("error_500", 500, 0), ("error_500_after_processing", 500, 1)],
)
def test_faults_of_twilio(running: Running, fault: str, status: int, kept: int) -> None:
    running.fault("twilio", fault)
    with pytest.raises(TwilioRestException) as failed:
        running.twilio.messages.create(to=CLIENT, from_=SENDER, body="Hello")
    assert failed.value.status == status
    assert len(running.twilio.messages.list(to=CLIENT)) == kept


@pytest.mark.parametrize(("fault", "kept"), [("drop_after_processing", 1), ("timeout", 0)])
def test_lost_answers_of_twilio(running: Running, fault: str, kept: int) -> None:
    running.fault("twilio", fault)
    with pytest.raises(requests.ConnectionError):
        running.twilio.messages.create(to=CLIENT, from_=SENDER, body="Hello")
    assert len(running.twilio.messages.list(to=CLIENT)) == kept


def test_the_keys_are_shown(running: Running) -> None:
    shown = running.get("/twilio")
    assert shown["account_sid"] == running.sandbox.keys.twilio_account_sid
    assert shown["auth_token"] == running.sandbox.keys.twilio_auth_token
