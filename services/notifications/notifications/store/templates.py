"""Accounts' own versions of the templates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chassis import rows
from chassis.store import Store
from notifications.store.models import Template


def of_account(account_id: str) -> list[Template]:
    """All that are in use."""
    return list(Template.select().where((Template.account_id == account_id) & (Template.removed == False)))  # noqa: E712


def find(account_id: str, kind: str, channel: str, locales: Sequence[str]) -> Template | None:
    """The account's own version in these locales, that of a country before that of its language."""
    own = rows.every(Template, account_id=account_id, kind=str(kind), channel=str(channel), removed=False)
    # A country's, such as de-AT, has the longer name.
    return max((row for row in own if row.locale in locales), key=lambda row: len(row.locale), default=None)


def version(account_id: str, kind: str, channel: str, locale: str) -> int:
    """The version of the account's own template, removed or not; 0 where there never was one."""
    row = Template.get_or_none(
        (Template.account_id == account_id)
        & (Template.kind == kind)
        & (Template.channel == channel)
        & (Template.locale == locale)
    )
    return 0 if row is None else int(row.version)


def replace(
    store: Store,
    key: tuple[str, str, str, str],
    *,
    version: int,
    texts: tuple[str, str, str],
    removed: bool,
    now: datetime,
) -> None:
    """Write the template of `key` (account, kind, channel, locale); `texts` are subject, text and HTML."""
    store.execute(
        """INSERT INTO templates (account_id, kind, channel, locale, version, subject, text, html, removed, updated_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
           ON CONFLICT (account_id, kind, channel, locale) DO UPDATE SET version = excluded.version, subject = excluded.subject,
           text = excluded.text, html = excluded.html, removed = excluded.removed, updated_at = excluded.updated_at""",
        (*key, version, *texts, removed, now),
    )
