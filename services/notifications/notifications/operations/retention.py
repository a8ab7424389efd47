"""What is kept has an end: addresses leave the delivery log after a while."""

from __future__ import annotations

from datetime import timedelta

from notifications.operations.context import Notifications
from notifications.store import deliveries

_AT_ONCE = 500


def forget_addresses(context: Notifications) -> int:
    """Blank a portion of the addresses that are older than the settings keep them; returns how many."""
    now = context.now()

    def blank() -> int:
        with context.store.transaction():
            return deliveries.forget_addresses(
                now, now - timedelta(days=context.settings.address_retention_days), _AT_ONCE
            )

    return context.store.run(blank)
