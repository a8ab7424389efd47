"""An account's settings, read and replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.problems import Stale, Unavailable
from notifications.domain.preferences import Preferences, from_json
from notifications.operations.context import Notifications
from notifications.operations.reminding import REPLAN
from notifications.store import replicas
from notifications.store.models import Preference


def settings_of(context: Notifications, account_id: str) -> dict[str, Any]:
    """The account's settings, with their version; 0 where none were ever set.

    Raises:
        Unavailable: the account has not been heard of.
    """
    with context.store.reading():
        require_account(context, account_id)
        row = replicas.preferences(account_id)
        return _shown(from_json(row.data if row else {}), row.version if row else 0)


def replace_settings(
    context: Notifications, account_id: str, document: Mapping[str, Any], seen: int | None
) -> dict[str, Any]:
    """Replace all settings; sessions to come are planned anew by them within a minute, and nothing is sent at once.

    Raises:
        Stale: they have changed since version `seen`.
        Unavailable: the account has not been heard of.
    """
    preferences = from_json(document)
    now = context.now()
    with context.store.transaction():
        require_account(context, account_id)
        # The account's lock keeps sessions from being planned by settings that are being replaced.
        context.store.execute(f"SELECT 1 FROM accounts WHERE id = %s {context.store.for_update}", (account_id,))
        row = replicas.preferences(account_id)
        version = row.version if row else 0
        if seen is not None and seen != version:
            raise Stale
        Preference.insert(
            account_id=account_id, version=version + 1, data=preferences.as_json(), updated_at=now
        ).on_conflict(
            conflict_target=[Preference.account_id],
            update={
                Preference.version: version + 1,
                Preference.data: preferences.as_json(),
                Preference.updated_at: now,
            },
        ).execute()
        replicas.request_replan(context.store, account_id, now)
        context.wakeups.after_commit(REPLAN)
    return _shown(preferences, version + 1)


def require_account(context: Notifications, account_id: str) -> None:
    """Raises Unavailable where the account has not been heard of yet."""
    if replicas.account(account_id) is None:
        raise Unavailable("this account has not been heard of here yet")


def _shown(preferences: Preferences, version: int) -> dict[str, Any]:
    return {**preferences.as_json(), "version": version}
