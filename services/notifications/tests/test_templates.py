"""An account's own templates: refused where they cannot be right, used where they are, and looked at before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from services.notifications.tests.driver import Practice, account, client, session

from notifications.domain.kinds import Channel, Kind
from notifications.domain.preferences import channels
from notifications.domain.template_check import faults
from notifications.domain.templates import Source, shipped
from notifications.domain.wording import LANGUAGES, Wording, locale_for
from notifications.store.models import Template

CONFIRMATION = "/v1/templates/confirmation/email/en"
OWN = {
    "subject": "See you: {{ service_name }}",
    "text": "Dear {{ client_name }}, {{ when }}",
    "html": "{{ parts.heading('See you') }}<p>Dear {{ client_name }}</p>",
}
ENGLISH = Wording(locale=locale_for("en"), timezone="Europe/Berlin")


def refused(practice: Practice, path: str, body: Any) -> dict[str, str]:
    answer = practice.call("PUT", path, body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid"), answer.text
    return {error["pointer"]: error["detail"] for error in answer.get_json()["errors"]}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", list(Kind))
def test_what_comes_with_the_service_passes_its_own_check(kind: Kind, language: str) -> None:
    for channel in channels(kind):
        assert (
            faults(kind, channel, shipped(kind, language), Wording(locale=locale_for(language), timezone="UTC")) == {}
        )


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("{{ session_notes }}", "There is no variable `session_notes`"),
        ("{% if private_notes %}x{% endif %}", "There is no variable `private_notes`"),
        ("{{ client_name.__class__.__mro__ }}", "`.__mro__` does not exist"),
        ("{{ client_name.missing }}", "`.missing` does not exist"),
        ("{{ 'a' * 1000000000 }}", "`Mul` cannot be used"),
        ("{{ 10 ** 10 ** 10 }}", "`Pow` cannot be used"),
        ("{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}", "A loop goes over"),
        ("{% for a in occurrences %}{% for b in occurrences %}x{% endfor %}{% endfor %}", "A loop goes over"),
        ("{% for parts, x in links %}x{% endfor %}", "`parts` is something else already"),
        ("{% set x = 'a' %}{{ x }}", "`Assign` cannot be used"),
        ("{% macro m() %}{{ m() }}{% endmacro %}", "`Macro` cannot be used"),
        ("{% include 'layout' %}", "`Include` cannot be used"),
        ("{{ client_name.upper() }}", "Only our parts can be called"),
        ("{{ client_name | tojson }}", "There is no filter `tojson`"),
        ("{{ client_name", "Not a template"),
        ("{{ notes + 1 }}", "It cannot be rendered"),
        ("   ", "This is empty"),
        ("x" * 20_001, "Longer than 20000"),
        ("{{ " + " or ".join(["notes"] * 500) + " }}", "Too deeply nested"),
        ("{{ " + "(" * 3000 + "notes" + ")" * 3000 + " }}", "Too deeply nested"),
        ("{{notes}}" * 2100, "This template is too large"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_right_or_could_keep_a_worker_busy_is_none(text: str, detail: str) -> None:
    wrong = faults(Kind.CONFIRMATION, Channel.EMAIL, Source(subject="s", text=text, html="h"), ENGLISH)

    assert next(iter(wrong.values()))[0].startswith(detail)


def test_each_bad_field_is_named(practice: Practice) -> None:
    wrong = refused(
        practice, CONFIRMATION, {"subject": "{{ nothing }}", "text": "{% if %}", "html": "{{ parts.banner('x') }}"}
    )

    assert wrong["/subject"].startswith("There is no variable `nothing`")
    assert wrong["/text"].startswith("Not a template")
    assert wrong["/html"].startswith("There is no part `banner`")
    assert set(refused(practice, CONFIRMATION, {"text": "x"})) == {"/subject", "/html"}
    assert set(refused(practice, CONFIRMATION, OWN | {"colour": "x"})) == {"/colour"}
    assert set(refused(practice, CONFIRMATION, OWN | {"subject": "{{ notes }}"})) == {"/subject"}
    assert set(refused(practice, "/v1/templates/reminder_24h/sms/de", OWN)) == {"/subject", "/html"}
    assert set(refused(practice, "/v1/templates/reminder_24h/sms/de", {"text": "ä" * 1700})) == {"/text"}
    assert practice.rows("templates") == []


@pytest.mark.parametrize(
    "path",
    [
        "party/email/en",
        "confirmation/pigeon/en",
        "disputed/sms/en",
        "confirmation/email/xx",
        "confirmation/email/de-Latn-AT",
    ],
)
def test_there_are_templates_for_messages_that_exist_alone(practice: Practice, path: str) -> None:
    for method, body in (("GET", None), ("PUT", OWN), ("DELETE", None)):
        assert practice.call(method, f"/v1/templates/{path}", body).status_code == 404


def test_the_account_s_own_words_are_used_in_the_clients_language_and_ours_in_others(practice: Practice) -> None:
    assert practice.call("PUT", CONFIRMATION, OWN).status_code == 200
    practice.hear("client.created", client(id="cli_de", email="de@example.com", locale="de-AT"))
    practice.hear("session.created", session())
    practice.hear("session.created", session(id="ses_2", client_id="cli_de"))
    practice.work()

    assert practice.subjects("ada@example.com") == ["See you: Coaching"]
    assert practice.subjects("de@example.com")[0].startswith("Bestätigt")
    [own] = practice.mails("ada@example.com")
    html = own.get_body(("html",))
    assert html is not None
    assert "Dear Ada Winter" in html.get_content()


def test_own_words_in_a_country_s_or_another_language_come_with_its_dates(practice: Practice) -> None:
    french = {"subject": "{{ service_name }}, {{ date }}", "text": "{{ when }}", "html": "<p>{{ when }}</p>"}
    for locale, words in (("fr", french), ("de-at", OWN | {"subject": "Servus: {{ date }}"})):
        assert practice.call("PUT", f"/v1/templates/confirmation/email/{locale}", words).status_code == 200
    for number, locale in enumerate(("fr-CH", "de-AT", "de", "it")):
        practice.hear("client.created", client(id=f"cli_{locale}", email=f"{locale}@example.com", locale=locale))
        practice.hear("session.created", session(id=f"ses_{number}", client_id=f"cli_{locale}"))
    practice.work()

    assert practice.subjects("fr-CH@example.com") == ["Coaching, lundi, 9 mars 2026"]
    assert practice.subjects("de-AT@example.com") == ["Servus: Montag, 9. März 2026"]
    assert practice.subjects("de@example.com")[0].startswith("Bestätigt")
    assert practice.subjects("it@example.com")[0].startswith("Confirmed")


def test_a_text_to_the_client_is_in_the_account_s_words(practice: Practice) -> None:
    practice.call(
        "PUT", "/v1/templates/reminder_24h/sms/en", {"text": "{{ service_name }}\n{{ time }}, {{ provider_name }}"}
    )
    practice.hear("session.created", session())
    practice.pass_time(days=6)

    assert [text["body"] for text in practice.texts()] == ["Coaching 13:00, Praxis Sommer"]


def test_a_template_can_be_taken_back_and_its_version_only_grows(practice: Practice) -> None:
    first = practice.call("PUT", CONFIRMATION, OWN)
    assert (first.get_json()["own"], first.get_json()["version"], first.headers["ETag"]) == (True, 1, '"1"')
    assert practice.call("PUT", CONFIRMATION, OWN, If_Match='"0"').status_code == 412
    assert practice.call("DELETE", CONFIRMATION, If_Match='"7"').status_code == 412
    assert practice.call("DELETE", CONFIRMATION, If_Match='"1"').status_code == 204
    assert practice.call("DELETE", CONFIRMATION).status_code == 404
    shown = practice.call("GET", CONFIRMATION).get_json()
    assert (shown["own"], shown["version"]) == (False, 2)
    assert shown["subject"] == shipped(Kind.CONFIRMATION, "en").subject
    assert practice.call("PUT", CONFIRMATION, OWN, If_Match='"2"').get_json()["version"] == 3
    assert practice.call("GET", "/v1/templates/confirmation/email/fr").status_code == 404


def test_of_those_who_change_the_same_version_one_succeeds(practice: Practice) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda _: practice.call("PUT", CONFIRMATION, OWN, If_Match='"0"').status_code, range(6))
        )

    assert sorted(answers) == [200, 412, 412, 412, 412, 412]


def test_every_template_is_listed_once_page_by_page(practice: Practice) -> None:
    practice.call("PUT", CONFIRMATION, OWN)
    practice.call("PUT", "/v1/templates/confirmation/email/fr", OWN)
    seen: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = practice.call("GET", f"/v1/templates?limit=20{cursor and '&cursor=' + cursor}").get_json()
        seen += page["data"]
        cursor = page["next_cursor"]

    keys = [(each["kind"], each["channel"], each["locale"]) for each in seen]
    expected = {
        (kind.value, channel.value, language) for kind in Kind for channel in channels(kind) for language in LANGUAGES
    }
    assert set(keys) == expected | {("confirmation", "email", "fr")}
    assert len(keys) == len(set(keys))
    assert {key for key, each in zip(keys, seen, strict=True) if each["own"]} == {
        ("confirmation", "email", "en"), ("confirmation", "email", "fr"),
    }  # fmt: skip
    assert "client_name" in page["variables"]
    assert "session_notes" not in page["variables"]


def test_another_account_s_words_are_its_own(practice: Practice) -> None:
    practice.hear("account.created", account(id="acc_two", account_id="acc_two"))
    practice.call("PUT", CONFIRMATION, OWN)

    assert practice.call("GET", CONFIRMATION, account_id="acc_two").get_json()["own"] is False
    assert practice.call("DELETE", CONFIRMATION, account_id="acc_two").status_code == 404
    assert practice.call("GET", CONFIRMATION).get_json()["own"] is True


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/templates", "sessions:read"),
        ("PUT", CONFIRMATION, "notifications:read"),
        ("DELETE", CONFIRMATION, "notifications:read"),
        ("POST", "/v1/templates/preview", "clients:read"),
    ],
)
def test_templates_ask_for_their_scope(practice: Practice, method: str, path: str, scope: str) -> None:
    assert practice.call(method, path, OWN, scope=scope).status_code == 403


def test_a_preview_shows_what_is_given_or_what_is_in_use_and_saves_nothing(practice: Practice) -> None:
    asked = {"kind": "confirmation", "channel": "email", "locale": "de-AT"}

    def preview(**body: Any) -> Any:
        answer = practice.call("POST", "/v1/templates/preview", body)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    assert "Dienstag, 1. Dezember 2026" in preview(**asked)["text"]
    given = preview(**asked, **OWN)
    assert given["subject"] == "See you: Coaching"
    assert given["html"].startswith("<!doctype html>")
    assert practice.rows("templates") == []
    text = preview(kind="reminder_24h", channel="sms", locale="en-GB", text="{{ client_name }} – {{ time }}")
    assert (text["text"], text["encoding"], text["segments"]) == ("Ada Winter – 10:00", "UCS-2", 1)
    assert practice.mails() == []


def test_a_text_may_hold_the_link_that_ends_reminders_by_email(practice: Practice) -> None:
    practice.call("PUT", "/v1/templates/reminder_24h/sms/en", {"text": "{{ time }} {{ unsubscribe_url }}"})
    practice.hear("session.created", session())
    practice.pass_time(days=6)

    [text] = practice.texts()
    link = text["body"].partition(" ")[2]
    assert "/v1/unsubscribe/" in link
    assert practice.app.test_client().get(f"/v1/unsubscribe/{link.rpartition('/')[2]}").status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "party", "channel": "email", "locale": "en"}, "/kind"),
        ({"kind": "disputed", "channel": "sms", "locale": "en"}, "/channel"),
        ({"kind": "disputed", "channel": "email", "locale": "e"}, "/locale"),
        ({"kind": "disputed", "channel": "email"}, "/locale"),
        ({"kind": "disputed", "channel": "email", "locale": "en", **OWN, "text": "{{ x }}"}, "/text"),
    ],
)
def test_a_preview_of_nothing_is_refused_by_its_field(practice: Practice, body: Any, pointer: str) -> None:
    answer = practice.call("POST", "/v1/templates/preview", body)

    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_template_that_is_no_longer_right_does_not_keep_a_message_from_being_sent(practice: Practice) -> None:
    practice.call("PUT", CONFIRMATION, OWN)
    with practice.service.store.transaction():  # as an older release may have taken it
        Template.update(text="{{ gone }}").execute()
    practice.hear("session.created", session())
    practice.work()

    assert practice.subjects() == ["Confirmed: Coaching on Monday, 9 March 2026"]
    assert practice.fared() == [("confirmation", "email", "sent")]
