"""Events in: one function per kind of subject, no rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chassis.inbox import Event, Handler
from contracts.registry import EVENT_TYPES
from notifications.operations.context import Notifications
from notifications.operations.erasing import erase_client
from notifications.operations.replicating import (
    take_account,
    take_client,
    take_deposit,
    take_refund,
    take_service,
    take_session,
)

# Every event of a subject carries its whole state, so the same is done with each; the facts of sessions, deposits and refunds
# are told apart by the event's type where they are announced.
_BY_SUBJECT: dict[str, Callable[[Notifications, Event], None]] = {
    "account": take_account,
    "service": take_service,
    "client": take_client,
    "session": take_session,
    "deposit": take_deposit,
    "refund": take_refund,
}
_BY_TYPE: dict[str, Callable[[Notifications, Event], None]] = {"client.erasure_requested": erase_client}


def handlers(context: Notifications) -> Mapping[str, Handler]:
    """The handler of every event type that notifications consumes, snapshots included."""
    return {
        name: _bound(context, _BY_TYPE.get(name) or _BY_SUBJECT[name.partition(".")[0]])
        for name, event_type in EVENT_TYPES.items()
        if "notifications" in event_type.consumers and event_type.publisher != "notifications"
    }


def _bound(context: Notifications, operation: Callable[[Notifications, Event], None]) -> Handler:
    return lambda event: operation(context, event)
