"""An account's templates: those that came with the service, its own in their place, and how they look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from babel import Locale

from chassis.problems import Conflict, Invalid, NotFound, Stale
from notifications.domain import samples, template_check
from notifications.domain.kinds import Channel, Kind
from notifications.domain.preferences import channels
from notifications.domain.segments import Length, length
from notifications.domain.templates import Rendered, Source, render_email, render_sms, shipped
from notifications.domain.wording import LANGUAGES, Wording, tag, template_locale
from notifications.operations.context import Notifications
from notifications.operations.preferences import require_account
from notifications.store import replicas, templates
from notifications.store.models import Account, Template

MOST_OWN = 500
"""How many templates of its own an account may have."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A template as an account has it: its own, or the one that came with the service (`version` 0)."""

    kind: Kind
    channel: Channel
    locale: str
    own: bool
    source: Source
    version: int = 0
    updated_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind.value, self.channel.value, self.locale


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A message as it would look: an email, or a text and its length."""

    email: Rendered | None = None
    text: str = ""
    length: Length | None = None


def place(kind: str, channel: str, locale: str) -> tuple[Kind, Channel, Locale]:
    """What the names of a template stand for. Raises NotFound where there is no such message or locale."""
    known = template_locale(locale)
    if kind not in set(Kind) or known is None:
        raise NotFound
    if channel not in channels(Kind(kind)):
        raise NotFound(f"{kind} is not sent by {channel}")
    return Kind(kind), Channel(channel), known


def list_templates(context: Notifications, account_id: str) -> list[Shown]:
    """All of the account's templates, by kind, channel and locale."""
    with context.store.reading():
        require_account(context, account_id)
        own = [_shown(row) for row in templates.of_account(account_id)]
    taken = {template.key for template in own}
    rest = [template for template in _all_shipped() if template.key not in taken]
    return sorted([*own, *rest], key=lambda template: template.key)


def get_template(context: Notifications, account_id: str, kind: Kind, channel: Channel, locale: Locale) -> Shown:
    """One of them. Raises NotFound where nothing is written in that locale."""
    with context.store.reading():
        require_account(context, account_id)
        row = templates.find(account_id, kind, channel, [tag(locale)])
        version = templates.version(account_id, kind, channel, tag(locale))
    if row is not None:
        return _shown(row)
    if tag(locale) not in LANGUAGES:
        raise NotFound
    return Shown(
        kind=kind, channel=channel, locale=tag(locale), own=False, source=shipped(kind, tag(locale)), version=version
    )


def replace_template(
    context: Notifications,
    account_id: str,
    kind: Kind,
    channel: Channel,
    locale: Locale,
    source: Source,
    seen: int | None,
) -> Shown:
    """Put the account's own version in place; messages rendered from now on use it.

    Raises:
        Invalid: it cannot be rendered; a variable does not exist.
        Stale: it has changed since version `seen`.
        Conflict: the account has too many of its own.
        Unavailable: the account has not been heard of.
    """
    _check(kind, channel, locale, source)
    with context.store.transaction():
        version = _next_version(context, account_id, (kind, channel, tag(locale)), seen)
        if len(templates.of_account(account_id)) >= MOST_OWN and not templates.find(
            account_id, kind, channel, [tag(locale)]
        ):
            raise Conflict(f"an account has {MOST_OWN} templates of its own at most", code="invalid_transition")
        texts = (source.subject, source.sms or source.text, source.html)
        _write(context, (account_id, kind, channel, tag(locale)), version, texts, removed=False)
    return get_template(context, account_id, kind, channel, locale)


def remove_template(
    context: Notifications, account_id: str, kind: Kind, channel: Channel, locale: Locale, seen: int | None
) -> None:
    """Take the account's own version away; the one that came with the service is used again.

    Raises:
        NotFound: the account has none of its own there.
        Stale: it has changed since version `seen`.
    """
    with context.store.transaction():
        version = _next_version(context, account_id, (kind, channel, tag(locale)), seen)
        if templates.find(account_id, kind, channel, [tag(locale)]) is None:
            raise NotFound("the account has no version of its own here")
        _write(context, (account_id, kind, channel, tag(locale)), version, ("", "", ""), removed=True)


def preview(
    context: Notifications, account_id: str, kind: Kind, channel: Channel, locale: Locale, source: Source | None
) -> Preview:
    """How a message would look, by `source`, or else by the account's present template. Raises as `replace_template` and `get_template`."""
    with context.store.reading():
        require_account(context, account_id)
        account = replicas.account(account_id)
        assert account is not None
        if source is None:
            locale, source = template_for(account.id, kind, channel, locale)
    _check(kind, channel, locale, source)
    return _previewed(kind, channel, source, Wording(locale=locale, timezone=account.timezone), account)


def template_for(account_id: str, kind: Kind, channel: Channel, locale: Locale) -> tuple[Locale, Source]:
    """What a message to somebody of this locale is made of, and in which locale: the account's own in it or in its language, else what came
    with the service, in English where it has nothing in that language."""
    own = templates.find(account_id, kind, channel, [tag(locale), str(locale.language)])
    if own is not None:
        return locale, _source(own)
    if locale.language not in LANGUAGES:
        return template_for(account_id, kind, channel, Locale(LANGUAGES[0]))
    return locale, shipped(kind, str(locale.language))


def _previewed(kind: Kind, channel: Channel, source: Source, wording: Wording, account: Account) -> Preview:
    variables = samples.shown(kind, wording, account.name)
    if channel is Channel.EMAIL:
        return Preview(email=render_email(source, variables, wording.language))
    text = render_sms(source, variables)
    return Preview(text=text, length=length(text))


def _check(kind: Kind, channel: Channel, locale: Locale, source: Source) -> None:
    wrong = template_check.faults(kind, channel, source, Wording(locale=locale, timezone="UTC"))
    if wrong:
        raise Invalid(
            errors=[
                {"pointer": "" if field == "_schema" else f"/{field}", "detail": detail}
                for field, details in wrong.items()
                for detail in details
            ]
        )


def _next_version(context: Notifications, account_id: str, key: tuple[Kind, Channel, str], seen: int | None) -> int:
    """The version that a change makes, the account's row being locked. Raises Stale."""
    require_account(context, account_id)
    context.store.execute(f"SELECT 1 FROM accounts WHERE id = %s {context.store.for_update}", (account_id,))
    version = templates.version(account_id, *key)
    if seen is not None and seen != version:
        raise Stale
    return version + 1


def _write(
    context: Notifications,
    key: tuple[str, Kind, Channel, str],
    version: int,
    texts: tuple[str, str, str],
    *,
    removed: bool,
) -> None:
    account_id, kind, channel, locale = key
    templates.replace(
        context.store,
        (account_id, kind.value, channel.value, locale),
        version=version,
        texts=texts,
        removed=removed,
        now=context.now(),
    )


def _all_shipped() -> Iterable[Shown]:
    return (
        Shown(kind=kind, channel=channel, locale=language, own=False, source=shipped(kind, language))
        for kind in Kind
        for channel in channels(kind)
        for language in LANGUAGES
    )


def _shown(row: Template) -> Shown:
    return Shown(
        kind=Kind(row.kind),
        channel=Channel(row.channel),
        locale=row.locale,
        own=True,
        source=_source(row),
        version=row.version,
        updated_at=row.updated_at,
    )


def _source(row: Template) -> Source:
    if row.channel == Channel.SMS:
        return Source(sms=row.text)
    return Source(subject=row.subject, text=row.text, html=row.html)
