"""The page behind the unsubscribe link."""

from __future__ import annotations

from notifications.domain.templates import render_page
from notifications.domain.wording import locale_for


def unsubscribe_page(provider_name: str, locale: str | None) -> str:
    """A page with a button that ends reminders."""
    return render_page("unsubscribe", locale_for(locale).language, provider_name=provider_name, done=False)


def unsubscribed_page(provider_name: str, locale: str | None) -> str:
    """The page that says that they have ended."""
    return render_page("unsubscribe", locale_for(locale).language, provider_name=provider_name, done=True)
