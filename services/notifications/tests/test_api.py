"""The HTTP API as callers rely on it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from services.notifications.tests.driver import NOON, Practice, account, cancellation, client, session


def test_settings_show_their_defaults(practice: Practice) -> None:
    body = practice.call("GET", "/v1/settings").get_json()

    assert body["kinds"]["reminder_24h"] == {"email": True, "sms": True}
    assert body["kinds"]["confirmation"] == {"email": True, "sms": False}
    assert body["kinds"]["deposit_paid"] == {"email": True}
    assert body["quiet_hours"] is None
    assert body["sms"] == {"enabled": True, "calendars": {}, "services": {}, "quota": 50}
    assert (body["sender_name"], body["reply_to"], body["version"]) == (None, None, 0)


def test_put_replaces_all_settings(practice: Practice) -> None:
    changed = {
        "kinds": {"reminder_24h": {"email": True, "sms": False}},
        "quiet_hours": {"start": "21:00", "end": "08:00"},
        "sms": {"enabled": True, "calendars": {"cal_1": False}, "services": {"svc_1": True}, "quota": 7},
        "sender_name": "Sommer",
        "reply_to": "desk@praxis.example",
    }
    first = practice.call("PUT", "/v1/settings", changed)
    assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
    shown = practice.call("GET", "/v1/settings").get_json()
    assert {name: shown[name] for name in changed if name != "kinds"} == {
        name: value for name, value in changed.items() if name != "kinds"
    }
    assert shown["kinds"]["reminder_24h"] == {"email": True, "sms": False}

    practice.call("PUT", "/v1/settings", {"sms": {"quota": 3}})

    shown = practice.call("GET", "/v1/settings").get_json()
    assert shown["quiet_hours"] is None
    assert shown["kinds"]["reminder_24h"] == {"email": True, "sms": True}
    assert shown["sms"] == {"enabled": True, "calendars": {}, "services": {}, "quota": 3}


def test_settings_that_have_changed_meanwhile_are_not_replaced(practice: Practice) -> None:
    practice.call("PUT", "/v1/settings", {})
    answer = practice.call("PUT", "/v1/settings", {}, If_Match='"0"')

    assert (answer.status_code, answer.get_json()["code"]) == (412, "stale")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kinds": {"birthday": {"email": True}}}, "/kinds/birthday"),
        ({"kinds": {"deposit_paid": {"sms": True}}}, "/kinds/deposit_paid/sms"),
        ({"kinds": {"reminder_2h": {"fax": True}}}, "/kinds/reminder_2h/fax"),
        ({"kinds": {"reminder_2h": {"sms": "yes"}}}, "/kinds/reminder_2h/sms"),
        ({"kinds": {"reminder_2h": True}}, "/kinds/reminder_2h"),
        ({"quiet_hours": {"start": "25:00", "end": "08:00"}}, "/quiet_hours/start"),
        ({"quiet_hours": {"start": "21:00"}}, "/quiet_hours/end"),
        ({"sms": {"quota": -1}}, "/sms/quota"),
        ({"sms": {"quota": "5"}}, "/sms/quota"),
        ({"sms": {"calendars": {"svc_1": True}}}, "/sms/calendars/svc_1"),
        ({"sms": {"enabled": "yes"}}, "/sms/enabled"),
        ({"sender_name": "a\r\nBcc: b@example.com"}, "/sender_name"),
        ({"reply_to": "nobody"}, "/reply_to"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_settings_that_are_none_are_refused_by_their_field(practice: Practice, body: object, pointer: str) -> None:
    answer = practice.call("PUT", "/v1/settings", body)

    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_mail_bears_the_account_s_name_and_reply_address(practice: Practice) -> None:
    practice.call("PUT", "/v1/settings", {"sender_name": "Sommer & Co", "reply_to": "desk@praxis.example"})
    practice.hear("session.created", session())
    practice.work()

    [mail] = practice.mails()
    assert (
        mail["From"] == '"Sommer & Co" <bookings@timeblu.example>'
        or mail["From"].addresses[0].display_name == "Sommer & Co"
    )
    assert mail["Reply-To"] == "desk@praxis.example"


def test_deliveries_are_listed_searched_and_paged(practice: Practice) -> None:
    for number in range(5):
        practice.hear("client.created", client(id=f"cli_x{number}", email=f"ada{number}@example.com"))
        practice.hear("session.created", session(id=f"ses_{number}", client_id=f"cli_x{number}"))
    practice.work()

    page = practice.call("GET", "/v1/deliveries?limit=2").get_json()
    seen = [row["to"] for row in page["data"]]
    while page["next_cursor"]:
        page = practice.call("GET", f"/v1/deliveries?limit=2&cursor={page['next_cursor']}").get_json()
        seen += [row["to"] for row in page["data"]]
    assert seen == [f"ada{number}@example.com" for number in (4, 3, 2, 1, 0)]
    assert [row["to"] for row in practice.deliveries("q=ada3@")] == ["ada3@example.com"]
    assert [row["session_id"] for row in practice.deliveries("session_id=ses_2")] == ["ses_2"]
    assert practice.deliveries("status=failed,unknown") == []
    row = practice.deliveries("session_id=ses_2")[0]
    assert {"id", "kind", "channel", "to", "status", "attempts", "sent_at", "error", "provider_id"} <= set(row)
    assert (row["attempts"], row["sent_at"], row["error"]) == (1, "2026-03-02T12:00:00Z", None)


def test_what_changed_since_is_followed(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    later = NOON + timedelta(hours=1)
    since = later.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert practice.deliveries(f"updated_since={since}") == []
    assert practice.call("GET", f"/v1/reminders?updated_since={since}").get_json()["data"] == []
    practice.pass_time(hours=1)
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[cancellation()]))
    practice.work()
    assert [row["kind"] for row in practice.deliveries(f"updated_since={since}")] == ["cancelled"]
    changed = practice.call("GET", f"/v1/reminders?updated_since={since}").get_json()["data"]
    assert {row["status"] for row in changed} == {"cancelled"}


def test_deliveries_are_exported_as_csv(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    answer = practice.call("GET", "/v1/deliveries/export?session_id=ses_1")

    assert answer.mimetype == "text/csv"
    [row] = list(csv.DictReader(io.StringIO(answer.text)))
    assert (row["kind"], row["to"], row["status"]) == ("confirmation", "ada@example.com", "sent")


def test_a_delivery_is_sent_again_to_the_address_of_today(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.hear("client.updated", client(2, email="winter@example.com"))
    [first] = practice.deliveries()
    again = [practice.call("POST", f"/v1/deliveries/{first['id']}/resend", Idempotency_Key="k") for _ in range(2)]
    practice.work()

    assert [answer.status_code for answer in again] == [201, 201]
    assert again[1].headers["Idempotent-Replayed"] == "true"
    assert practice.subjects("winter@example.com") == ["Confirmed: Coaching on Monday, 9 March 2026"]
    assert len(practice.mails()) == 2


def test_a_delivery_that_is_not_as_its_caller_saw_it_is_not_sent_again(practice: Practice) -> None:
    practice.hear("session.created", session())
    [queued] = practice.deliveries()
    practice.work()
    path = f"/v1/deliveries/{queued['id']}"
    sent = practice.call("GET", path)
    assert sent.headers["ETag"] == f'"{queued["version"] + 1}"'

    stale = practice.call("POST", f"{path}/resend", If_Match=f'"{queued["version"]}"')
    fresh = practice.call("POST", f"{path}/resend", If_Match=sent.headers["ETag"])

    assert (stale.status_code, fresh.status_code) == (412, 201)


def test_what_is_no_longer_so_is_not_sent_again(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.work()
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[]))
    answer = practice.call("POST", f"/v1/deliveries/{practice.deliveries()[0]['id']}/resend")

    assert (answer.status_code, answer.get_json()["code"]) == (409, "invalid_transition")


def test_what_is_sent_again_is_looked_at_once_more_when_quiet_hours_let_it_go(practice: Practice) -> None:
    practice.hear("session.created", session())
    practice.pass_time(days=6, hours=1)
    [text] = practice.deliveries("channel=sms")
    practice.call("PUT", "/v1/settings", {"quiet_hours": {"start": "12:00", "end": "20:00"}})
    assert practice.call("POST", f"/v1/deliveries/{text['id']}/resend").status_code == 201
    practice.work()
    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[cancellation()]))
    practice.pass_time(hours=6)

    assert len(practice.texts()) == 1


def test_what_is_sent_again_at_night_goes_out_in_the_morning_however_soon_it_would_be_too_late(
    practice: Practice,
) -> None:
    practice.hear("session.created", session())
    practice.pass_time(days=6, hours=1)
    [text] = practice.deliveries("channel=sms")
    practice.call("PUT", "/v1/settings", {"quiet_hours": {"start": "21:00", "end": "08:00"}})
    practice.pass_time(hours=8)
    again = practice.call("POST", f"/v1/deliveries/{text['id']}/resend").get_json()
    practice.work()
    held = practice.call("GET", f"/v1/deliveries/{again['id']}").get_json()
    practice.pass_time(hours=10)

    assert (held["status"], held["due_at"]) == ("queued", "2026-03-09T07:00:00Z")
    assert len(practice.texts()) == 2


def test_reminders_are_paged(practice: Practice) -> None:
    practice.hear("session.created", session())
    page = practice.call("GET", "/v1/reminders?session_id=ses_1&limit=2").get_json()
    rest = practice.call("GET", f"/v1/reminders?session_id=ses_1&limit=2&cursor={page['next_cursor']}").get_json()

    assert [len(page["data"]), len(rest["data"]), rest["next_cursor"]] == [2, 1, None]
    assert len({row["id"] for row in page["data"] + rest["data"]}) == 3


def test_another_account_sees_nothing_of_it(practice: Practice) -> None:
    practice.hear("account.created", account(id="acc_two", account_id="acc_two"))
    practice.hear("session.created", session())
    practice.work()
    own = practice.deliveries()[0]["id"]

    def stranger(method: str, path: str) -> object:
        return practice.call(method, path, account_id="acc_two")

    assert stranger("GET", "/v1/reminders?session_id=ses_1").get_json()["data"] == []  # type: ignore[attr-defined]
    assert stranger("GET", "/v1/deliveries").get_json()["data"] == []  # type: ignore[attr-defined]
    assert stranger("GET", f"/v1/deliveries/{own}").status_code == 404  # type: ignore[attr-defined]
    assert stranger("POST", f"/v1/deliveries/{own}/resend").status_code == 404  # type: ignore[attr-defined]
    assert stranger("GET", "/v1/settings").get_json()["version"] == 0  # type: ignore[attr-defined]


def test_an_account_not_heard_of_yet_is_asked_to_come_again(practice: Practice) -> None:
    for path in ("/v1/settings", "/v1/reminders", "/v1/deliveries"):
        answer = practice.call("GET", path, account_id="acc_new")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/settings", "sessions:read"),
        ("PUT", "/v1/settings", "notifications:read"),
        ("GET", "/v1/deliveries", "payments:read"),
        ("POST", "/v1/deliveries/dlv_1/resend", "notifications:read"),
    ],
)
def test_every_path_asks_for_its_scope(practice: Practice, method: str, path: str, scope: str) -> None:
    assert practice.call(method, path, {} if method == "PUT" else None, scope=scope).status_code == 403


def test_reminders_are_ended_by_one_click_and_by_nothing_less(practice: Practice) -> None:
    practice.hear("session.created", session(), at=NOON - timedelta(days=2))
    practice.pass_time(days=6)
    [mail] = practice.mails()
    path = str(mail["List-Unsubscribe"]).strip("<>").removeprefix(f"{practice.url}/notifications")
    browser = practice.app.test_client()

    page = browser.get(path)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert 'method="post"' in page.text
    assert practice.reminders()["reminder_2h", "email"] == ("planned", None)

    for _ in range(2):
        answer = browser.post(path, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert practice.reminders()["reminder_2h", "email"] == ("skipped", "opted_out")
    assert [data["id"] for type_, data in practice.published() if type_ == "notification.opted_out"] == ["cli_1"]

    practice.hear("session.cancelled", session(2, status="cancelled", cancellations=[]))
    practice.hear("session.created", session(id="ses_2"))
    practice.work()
    assert practice.subjects()[-1].startswith("Confirmed:"), "unsubscribing ends reminders only"


def test_a_wish_counts_for_the_client_into_whom_its_own_is_merged(practice: Practice) -> None:
    practice.hear("session.created", session(), at=NOON - timedelta(days=2))
    practice.pass_time(days=6)
    [mail] = practice.mails()
    path = str(mail["List-Unsubscribe"]).strip("<>").removeprefix(f"{practice.url}/notifications")
    practice.app.test_client().post(path, data={"List-Unsubscribe": "One-Click"})
    # The clients service has merged the two before it heard of that wish.
    practice.hear("client.created", client(id="cli_2", email="ada.w@example.com"))
    practice.hear("client.merged", client(2, merged_into="cli_2"))

    assert practice.reminders()["reminder_2h", "email"] == ("skipped", "opted_out")
    practice.hear(
        "client.updated", client(2, id="cli_2", email="ada.w@example.com", contact={"email": False, "sms": True})
    )
    practice.hear(
        "client.updated", client(3, id="cli_2", email="ada.w@example.com", contact={"email": True, "sms": True})
    )
    assert practice.reminders()["reminder_2h", "email"][1] != "opted_out"


@pytest.mark.parametrize("merged_on", [False, True])
def test_a_wish_that_the_client_s_new_record_repeated_before_the_merge_came_leaves_the_word_to_it(
    practice: Practice, merged_on: bool
) -> None:
    practice.hear("session.created", session(), at=NOON - timedelta(days=2))
    practice.pass_time(days=6)
    [mail] = practice.mails()
    path = str(mail["List-Unsubscribe"]).strip("<>").removeprefix(f"{practice.url}/notifications")
    practice.app.test_client().post(path, data={"List-Unsubscribe": "One-Click"})
    refused = {"email": False, "sms": True}
    stays = client(2, id="cli_3" if merged_on else "cli_2", email="ada.w@example.com")
    practice.hear("client.updated", stays | {"contact": refused})
    if merged_on:
        practice.hear("client.merged", client(2, id="cli_2", email=None, merged_into="cli_3"))
    practice.hear("client.merged", client(2, merged_into="cli_2"))
    assert practice.reminders()["reminder_2h", "email"] == ("skipped", "opted_out")

    practice.hear("client.updated", stays | {"version": 3})

    assert practice.reminders()["reminder_2h", "email"][1] != "opted_out"
    assert practice.rows("wishes") == []


def test_a_forged_unsubscribe_link_leads_nowhere(practice: Practice) -> None:
    for token in ("x", "eyJhIjoiYiJ9.c2lnbmF0dXJl"):
        assert practice.app.test_client().get(f"/v1/unsubscribe/{token}").status_code == 404
        assert practice.app.test_client().post(f"/v1/unsubscribe/{token}").status_code == 404
