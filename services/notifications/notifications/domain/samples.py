"""What a template is shown with before it is saved, or to look at: sessions that between them have and lack everything that a message may tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

from notifications.domain.kinds import REMINDERS, TOLD_TOGETHER, Kind
from notifications.domain.templates import Variables
from notifications.domain.wording import Wording

_STARTS_AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
_LENGTH, _WEEK = timedelta(hours=1), timedelta(days=7)
_LINK = "https://book.example"
_OUTCOMES = ("refund", "keep", "unpaid", "undecided", "")
_REASONS = {Kind.DEPOSIT_NOT_ASKED: ("not_connected", "charges_disabled", "…")}


def shown(kind: Kind, wording: Wording, provider_name: str) -> Variables:
    """The variables of a message of this kind with all there is to say: what a preview shows."""
    moments = (_STARTS_AT, _STARTS_AT + _LENGTH)
    return Variables(
        client_name="Ada Winter",
        provider_name=provider_name,
        service_name="Coaching",
        when=wording.span(*moments),
        date=wording.date(_STARTS_AT),
        short_date=wording.short_date(_STARTS_AT),
        time=wording.time(_STARTS_AT),
        timezone=wording.zone(_STARTS_AT),
        notes="Second floor, on the left.",
        client_message="I may be five minutes late.",
        price=wording.money(8000, "EUR"),
        deposit=wording.money(2000, "EUR"),
        due=wording.money(2000, "EUR"),
        held=wording.money(2000, "EUR"),
        refund=wording.money(1000, "EUR"),
        payment_url=f"{_LINK}/pay/sample",
        manage_url=f"{_LINK}/manage/sample",
        unsubscribe_url=f"{_LINK}/unsubscribe/sample" if kind in REMINDERS else "",
        reason=_REASONS.get(kind, ("…",))[0],
        outcome="refund",
        occurrences=(),
        links=(),
        payments=(),
    )


@cache
def all_of(kind: Kind, wording: Wording) -> tuple[Variables, ...]:
    """Every sort of message of this kind: with everything, with nothing that may be lacking, of several sessions, of each outcome and reason."""
    full = shown(kind, wording, "Praxis Sommer")
    bare = replace(
        full,
        notes="", client_message="", price="", deposit="", due="", held="", refund="", payment_url="", manage_url="",
        unsubscribe_url="", reason="", outcome="",
    )  # fmt: skip
    return (
        full,
        bare,
        *((_several(full, wording),) if kind in TOLD_TOGETHER else ()),
        *(replace(full, outcome=outcome) for outcome in _OUTCOMES),
        *(replace(full, reason=reason) for reason in _REASONS.get(kind, ())),
    )


def _several(one: Variables, wording: Wording) -> Variables:
    moments = [_STARTS_AT, _STARTS_AT + _WEEK]
    spans = tuple(wording.span(moment, moment + _LENGTH) for moment in moments)
    return replace(
        one,
        manage_url="",
        occurrences=spans,
        links=tuple((span, f"{_LINK}/manage/sample-{number}") for number, span in enumerate(spans, 1)),
        payments=((wording.date(_STARTS_AT), one.due, one.payment_url),),
    )
