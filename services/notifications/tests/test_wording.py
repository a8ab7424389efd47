"""Every message in every language: complete, escaped, readable by machines."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from html.parser import HTMLParser

import pytest
from icalendar import Calendar

from contracts.schemas import AccountData, ClientData, DepositData, RefundData, ServiceData, SessionData
from notifications.domain.invitations import Appointment, document
from notifications.domain.kinds import TERMS, TOLD_TOGETHER, Audience, Invitation, Kind
from notifications.domain.letters import BadAddress, Letter
from notifications.domain.templates import Source, Variables, render_email, render_sms, shipped
from notifications.domain.wording import LANGUAGES, Wording, locale_for

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
FULL = Variables(
    client_name="Ada <b>Winter</b>",
    provider_name="Praxis Sommer & Söhne",
    service_name="Coaching",
    when="Tuesday, 1 December 2026, 13:00–14:00",
    date="Tuesday, 1 December 2026",
    short_date="01/12/2026",
    time="13:00",
    timezone="Central European Standard Time",
    notes="Bring the letter.\nAnd the key.",
    client_message="I may be late.",
    price="€80.00",
    deposit="€20.00",
    due="€20.00",
    held="€20.00",
    refund="€10.00",
    payment_url="https://pay.example/?a=1&b=2",
    manage_url="https://manage.example/t",
    unsubscribe_url="https://unsubscribe.example/t",
    reason="ill",
    outcome="refund",
    occurrences=(),
    links=(),
    payments=(),
)
SEVERAL = replace(
    FULL,
    occurrences=("Tuesday, 1 December 2026, 13:00–14:00", "Tuesday, 8 December 2026, 13:00–14:00"),
    links=(
        ("Tuesday, 1 December 2026, 13:00–14:00", "https://manage.example/1?a=1&b=2"),
        ("Tuesday, 8 December 2026, 13:00–14:00", "https://manage.example/2?a=1&b=2"),
    ),
    payments=(("Tuesday, 1 December 2026", "€20.00", "https://pay.example/1?a=1&b=2"),),
    manage_url="",
)
_ALWAYS = {
    "client_name", "provider_name", "service_name", "when", "date", "short_date", "time", "occurrences", "links", "payments",
}  # fmt: skip
BARE = Variables(
    **{name: value if name in _ALWAYS else "" for name, value in asdict(FULL).items()}  # type: ignore[arg-type]
)
every_kind = pytest.mark.parametrize("kind", list(Kind))
every_language = pytest.mark.parametrize("language", LANGUAGES)


class _Tags(HTMLParser):
    """Collects what is open and what was never opened."""

    VOID = frozenset({"meta", "br", "img", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.stray: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.stray.append(tag)


@every_kind
@every_language
@pytest.mark.parametrize(
    "variables",
    [FULL, BARE, SEVERAL, *(replace(FULL, outcome=outcome) for outcome in ("keep", "unpaid", "undecided", ""))],
    ids=["full", "bare", "several", "keep", "unpaid", "undecided", "nothing"],
)
def test_every_email_renders_and_parses(kind: Kind, language: str, variables: Variables) -> None:
    content = render_email(shipped(kind, language), variables, language)
    letter = Letter(
        key=f"ses_1:{kind}:email",
        sender="bookings@timeblu.example",
        sender_name="Praxis Sommer & Söhne",
        reply_to="sommer@praxis.example",
        to="ada@example.com",
        to_name="Ada Winter",
        content=content,
        language=language,
    )
    parsed = message_from_bytes(letter.as_bytes(NOON), policy=policy.default)

    assert parsed.defects == []
    assert parsed["Subject"] == content.subject
    assert "\n\n\n" not in content.text
    assert "{{" not in content.subject + content.text + content.html
    assert f'<html lang="{language}">' in content.html
    assert "<b>Winter</b>" not in content.html
    tags = _Tags()
    tags.feed(content.html)
    assert (tags.open, tags.stray) == ([], [])


@every_language
@pytest.mark.parametrize("kind", TOLD_TOGETHER)
def test_of_several_sessions_none_is_told_more_often_than_another(kind: Kind, language: str) -> None:
    content = render_email(shipped(kind, language), SEVERAL, language)

    for body in (content.text, content.html):
        assert len({body.count(moment) for moment in SEVERAL.occurrences}) == 1


@every_language
@pytest.mark.parametrize("kind", [kind for kind in Kind if TERMS[kind].audience is Audience.CLIENT])
def test_every_text_to_a_client_renders_on_one_line(kind: Kind, language: str) -> None:
    for variables in (FULL, BARE, SEVERAL):
        text = render_sms(shipped(kind, language), variables)
        assert text
        assert "\n" not in text
        assert "<b>" in text or "Ada" not in text


@every_language
def test_every_kind_has_its_templates_in_every_language(language: str) -> None:
    for kind in Kind:
        source = shipped(kind, language)
        assert source.subject
        assert source.text
        assert source.html
        assert bool(source.sms) == (TERMS[kind].audience is Audience.CLIENT)


def test_a_template_can_neither_use_what_does_not_exist_nor_reach_into_python() -> None:
    for text in ("{{ session_notes }}", "{{ client_name.__class__.__mro__ }}", "{{ client_name.missing }}"):
        with pytest.raises(Exception, match=r"undefined|unsafe|has no attribute"):
            render_sms(Source(sms=text), FULL)


def test_private_notes_have_no_way_into_this_service() -> None:
    arriving = {
        name
        for schema in (AccountData, ClientData, DepositData, RefundData, ServiceData, SessionData)
        for name in schema().fields
    }
    assert not {
        name for name in arriving if "session_notes" in name or name in {"private_notes", "birth_date", "address"}
    }
    assert "notes" not in ClientData().fields


@pytest.mark.parametrize(
    ("wishes", "language", "date", "time"),
    [
        (("de-AT", "en"), "de", "Dienstag, 1. Dezember 2026", "13:00"),
        (("en_GB",), "en", "Tuesday, 1 December 2026", "13:00"),
        (("en-US",), "en", "Tuesday, December 1, 2026", "1:00 PM"),
        ((None, "de"), "de", "Dienstag, 1. Dezember 2026", "13:00"),
        (("fr", "de"), "en", "Tuesday, December 1, 2026", "1:00 PM"),
        (("no locale at all", "de"), "de", "Dienstag, 1. Dezember 2026", "13:00"),
    ],
)
def test_dates_and_times_are_those_of_the_reader(
    wishes: tuple[str | None, ...], language: str, date: str, time: str
) -> None:
    wording = Wording(locale=locale_for(*wishes), timezone="Europe/Berlin")

    assert (wording.language, wording.date(NOON), wording.time(NOON)) == (language, date, time)


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "shown"),
    [
        (2000, "EUR", "de", "20,00 €"),
        (2000, "EUR", "en", "€20.00"),
        (2000, "JPY", "en", "¥2,000"),
        (1500, "ISK", "en", "ISK 1,500"),
        (1500, "KWD", "en", "KWD 1.500"),
        (1234, "IQD", "en", "IQD 1.234"),
        (123456789, "CHF", "de", "1.234.567,89 CHF"),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount: int, currency: str, locale: str, shown: str) -> None:
    assert Wording(locale=locale_for(locale), timezone="UTC").money(amount, currency) == shown


def test_a_session_past_midnight_names_both_days() -> None:
    wording = Wording(locale=locale_for("en-GB"), timezone="Europe/Berlin")

    assert wording.span(NOON + timedelta(hours=10), NOON + timedelta(hours=12)) == (
        "Tuesday, 1 December 2026, 23:00–Wednesday, 2 December 2026, 01:00"
    )


def test_an_invitation_says_who_when_and_in_which_version() -> None:
    appointment = Appointment(
        session_id="ses_1",
        version=7,
        status="pending",
        starts_at=NOON + timedelta(microseconds=5),
        ends_at=NOON + timedelta(hours=1),
        summary="Coaching, with; signs",
        description="One\nTwo",
        organizer=('Praxis "Sommer"\r\nX-EVIL:1', "sommer@praxis.example"),
        attendee=("Ada", "ada@example.com"),
    )
    calendar = Calendar.from_ical(document(Invitation.REQUEST, [appointment], NOON))
    [event] = calendar.walk("VEVENT")

    assert calendar["METHOD"] == "REQUEST"
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == ("ses_1@timeblu", 7, "TENTATIVE")
    assert (event["SUMMARY"], event["DESCRIPTION"]) == ("Coaching, with; signs", "One\nTwo")
    assert event.decoded("DTSTART") == NOON
    assert "X-EVIL" not in event


def test_a_letter_can_be_left_by_one_click_and_keeps_its_message_id() -> None:
    letter = Letter(
        key="ses_1:reminder_24h:email",
        sender="bookings@timeblu.example",
        sender_name="Praxis\r\nBcc: everybody@example.com",
        reply_to=None,
        to="ada@bücher.example",
        to_name="Ada",
        content=render_email(shipped(Kind.REMINDER_24H, "en"), FULL, "en"),
        language="en",
        unsubscribe_url="https://unsubscribe.example/t",
    )
    first, second = (message_from_bytes(letter.as_bytes(moment), policy=policy.default) for moment in (NOON, NOON))

    assert first["Message-ID"] == second["Message-ID"]
    assert first["List-Unsubscribe"] == "<https://unsubscribe.example/t>"
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert first["Bcc"] is None
    assert first["To"] == "Ada <ada@xn--bcher-kva.example>"


@pytest.mark.parametrize("to", ["", "ada", "ada@", "@example.com", "a b@example.com\r\nBcc: x@example.com"])
def test_an_address_that_is_none_is_known_as_such(to: str) -> None:
    letter = Letter(
        key="k", sender="a@b.example", sender_name="", reply_to=None, to=to, to_name="", content=render_email(shipped(Kind.PENDING, "en"), FULL, "en"), language="en"
    )  # fmt: skip
    with pytest.raises(BadAddress):
        letter.as_bytes(NOON)
