"""Messages as Jinja2 templates: one file a kind and language, in sections `[subject]`, `[text]`, `[html]` and `[sms]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from notifications.domain.kinds import Kind

_SECTION = re.compile(r"^\[(subject|text|html|sms)\]\n", re.MULTILINE)
PARTS = ("heading", "session", "occurrences", "links", "quote", "button", "link", "small")
"""The pieces of HTML that templates are put together from, `templates/parts.html`."""
_COMPILED_AT_ONCE = 1000
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, kw_only=True)
class Variables:
    """Everything that a template may use; all text is as the reader should see it, empty where there is nothing to say.

    Private notes are not among it: they never reach this service.
    """

    client_name: str
    provider_name: str
    service_name: str
    when: str
    """Date and time from start to end."""
    date: str
    short_date: str
    time: str
    timezone: str
    notes: str
    client_message: str
    price: str
    deposit: str
    """The amount that the deposit was asked at."""
    due: str
    """What of it is still to be paid; empty where nothing is."""
    held: str
    """What of it was paid and not returned; empty where nothing was."""
    refund: str
    payment_url: str
    """The payment link while something is due."""
    manage_url: str
    unsubscribe_url: str
    reason: str
    """Why a session was cancelled, a deposit not asked, or a refund failed."""
    outcome: str
    """What becomes of a cancelled session's deposit: `refund`, `keep`, `unpaid`, `undecided`, or empty where there is none."""
    occurrences: tuple[str, ...]
    """The moments of several sessions; empty for a single one."""
    links: tuple[tuple[str, str], ...]
    """The same with the client's own link of each."""
    payments: tuple[tuple[str, str, str], ...]
    """What is due of several sessions: the date, the amount, the link."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A message's templates; what a channel does not use is empty."""

    subject: str = ""
    text: str = ""
    html: str = ""
    sms: str = ""


@dataclass(frozen=True, kw_only=True)
class Rendered:
    subject: str
    text: str
    html: str


def render_email(source: Source, variables: Variables, language: str) -> Rendered:
    """Subject on one line, text, and a whole HTML page that says in which language it is.

    Raises:
        jinja2.TemplateError: a variable is unknown, or the template is none.
    """
    values = _values(variables)
    body = _compiled(source.html, html=True).render(values)
    subject = " ".join(_compiled(source.subject).render(values).split())
    return Rendered(
        subject=subject,
        text=_tidy(_compiled(source.text).render(values)),
        html=_html().get_template("layout").render(values, subject=subject, body=Markup(body), language=language),
    )


def render_sms(source: Source, variables: Variables) -> str:
    """The text of a message on one line. Raises as above."""
    return " ".join(_compiled(source.sms).render(_values(variables)).split())


def render_page(name: str, language: str, **values: Any) -> str:
    """A page of ours for a browser."""
    return _html().from_string(_read(f"{name}.html")).render(values, language=language).strip() + "\n"


@cache
def shipped(kind: Kind, language: str) -> Source:
    """The templates that come with the service."""
    return parse(_read(f"{language}/{kind}.txt"))


def parse(document: str) -> Source:
    """The sections of a template file."""
    parts = _SECTION.split(document)[1:]
    return Source(**{name: text.strip("\n") for name, text in zip(parts[::2], parts[1::2], strict=True)})


@lru_cache(_COMPILED_AT_ONCE)
def _compiled(text: str, *, html: bool = False) -> Template:
    """A template ready to be rendered: compiling it takes longer than that."""
    return (_html() if html else _text()).from_string(text)


@cache
def _text() -> Environment:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def _html() -> Environment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader({name: _read(f"{name}.html") for name in ("layout", "parts")}),
    )
    environment.globals["parts"] = environment.get_template("parts").module
    return environment


def _read(name: str) -> str:
    return files("notifications").joinpath("templates", name).read_text(encoding="utf-8")


def _values(variables: Variables) -> Mapping[str, Any]:
    return {field.name: getattr(variables, field.name) for field in fields(variables)}


def _tidy(text: str) -> str:
    return _BLANK_LINES.sub("\n\n", text.strip()) + "\n"
