"""What must always hold of reminders and deliveries."""

from __future__ import annotations

from collections.abc import Callable

from notifications.operations.context import Notifications
from notifications.store import deliveries, reminders


def invariants(context: Notifications) -> dict[str, Callable[[], list[str]]]:
    """By name: a query for the ids of what breaks it."""
    store = context.store

    def read(query: Callable[..., list[str]]) -> Callable[[], list[str]]:
        def run() -> list[str]:
            with store.reading():
                return query(store)

        return run

    return {
        "no reminder is planned for a cancelled session or another start": read(reminders.planned_for_cancelled),
        "every session has its reminders": read(reminders.incomplete),
        "a reminder is planned only while its delivery is open": read(deliveries.disagreeing_with_reminders),
        "a reminder goes out in one delivery": read(deliveries.sent_twice),
        "an open delivery is due or held by somebody": read(deliveries.without_outcome),
    }
