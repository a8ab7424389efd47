"""The few pages that a client or provider may see here, in English and German: a receipt, and why there is nothing to pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from flask import Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from contracts.money import decimals
from payments.operations.checkouts import LinkView

_LANGUAGES = ("en", "de")
_GERMAN_MARKS = str.maketrans(",.", ".,")
_MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
}

_TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "en": {
        "paid": ("Paid. Thank you!", "Your deposit has been received. You can keep this page as your receipt."),
        "processing": ("Your payment is on its way", "Your bank has not confirmed it yet. You do not need to do anything."),
        "disputed": ("Taken back by your bank", "This payment was disputed, and your bank has taken it back. Please ask your provider how to go on."),
        "cancelled": ("Nothing to pay", "This appointment was cancelled, so no deposit is due."),
        "released": ("Nothing to pay any more", "The time to pay is over, or the deposit is not wanted any more. Please book again or ask your provider."),
        "not_asked": ("Not payable online just now", "Your provider cannot take this payment online at the moment. Please ask them."),
        "unknown": ("This link leads nowhere", "Please check that you have copied the whole address from your message."),
        "unavailable": ("One moment, please", "This page is not ready just now. Please try again in a minute."),
        "onboarding_left": ("Back from Stripe", "You can close this page. Your account shows as soon as Stripe is done with it."),
    },
    "de": {
        "paid": ("Bezahlt. Vielen Dank!", "Ihre Anzahlung ist eingegangen. Sie können diese Seite als Beleg aufbewahren."),
        "processing": ("Ihre Zahlung ist unterwegs", "Ihre Bank hat sie noch nicht bestätigt. Sie müssen nichts weiter tun."),
        "disputed": ("Von Ihrer Bank zurückgeholt", "Dieser Zahlung wurde widersprochen, und Ihre Bank hat sie zurückgeholt. Bitte fragen Sie Ihren Anbieter, wie es weitergeht."),
        "cancelled": ("Nichts zu zahlen", "Dieser Termin wurde abgesagt, es ist keine Anzahlung fällig."),
        "released": ("Nichts mehr zu zahlen", "Die Zeit zum Bezahlen ist vorbei, oder die Anzahlung wird nicht mehr verlangt. Bitte buchen Sie neu oder fragen Sie nach."),
        "not_asked": ("Zurzeit nicht online zahlbar", "Ihr Anbieter kann diese Zahlung gerade nicht online annehmen. Bitte fragen Sie dort nach."),
        "unknown": ("Dieser Link führt nirgendwohin", "Bitte prüfen Sie, ob Sie die ganze Adresse aus Ihrer Nachricht übernommen haben."),
        "unavailable": ("Einen Moment bitte", "Diese Seite ist gerade nicht bereit. Bitte versuchen Sie es in einer Minute noch einmal."),
        "onboarding_left": ("Zurück von Stripe", "Sie können diese Seite schließen. Ihr Konto erscheint, sobald Stripe damit fertig ist."),
    },
}  # fmt: skip
_NAMES = {
    "en": {
        "with": "With",
        "what": "For",
        "when": "Appointment",
        "held": "Deposit paid",
        "refunded": "Returned",
        "amount": "Deposit",
        "manage": "To your appointment",
    },
    "de": {
        "with": "Bei",
        "what": "Für",
        "when": "Termin",
        "held": "Angezahlt",
        "refunded": "Zurückerstattet",
        "amount": "Anzahlung",
        "manage": "Zu Ihrem Termin",
    },
}


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a page tells of a deposit, in the reader's language."""

    rows: list[tuple[str, str]]
    link: tuple[str, str] | None
    """Where it goes on, and how that is called"""


def said(view: LinkView) -> Said:
    """The deposit in words: with whom, for what, when, how much."""
    language = _language()
    names = _NAMES[language]
    when = _moment(view.starts_at.astimezone(ZoneInfo(view.timezone)), language)
    rows = [(names["with"], view.provider), (names["what"], view.service), (names["when"], when)]
    if view.held or view.refunded:
        rows.append((names["held"], _money(view.held + view.refunded, view.currency, language)))
    else:
        rows.append((names["amount"], _money(view.amount, view.currency, language)))
    if view.refunded:
        rows.append((names["refunded"], _money(view.refunded, view.currency, language)))
    return Said(rows=rows, link=(view.manage_url, names["manage"]) if view.manage_url else None)


def render(name: str, *, status: int = 200, view: Said | None = None) -> Response:
    """The page of this name, in the language that the reader's browser asks for."""
    language = _language()
    title, text = _TEXTS[language][name]
    page = _template().render(language=language, title=title, text=text, good=name == "paid", view=view)
    answer = Response(page, status=status, mimetype="text/html")
    answer.headers["Content-Language"] = language
    answer.headers["Vary"] = "Accept-Language"
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return answer


def _language() -> str:
    return request.accept_languages.best_match(_LANGUAGES, default="en") or "en"


def _money(amount: int, currency: str, language: str) -> str:
    places = decimals(currency)
    number = f"{amount // 10**places:,}" + (f".{amount % 10**places:0{places}}" if places else "")
    return f"{number.translate(_GERMAN_MARKS) if language == 'de' else number} {currency}"


def _moment(moment: datetime, language: str) -> str:
    month = _MONTHS[language][moment.month - 1]
    day = f"{moment.day}. {month}" if language == "de" else f"{moment.day} {month}"
    return f"{day} {moment.year}, {moment:%H:%M} ({moment.tzname()})"


@cache
def _template() -> Template:
    environment = Environment(loader=PackageLoader("payments"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html")
