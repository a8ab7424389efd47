"""Events in: what scheduling does about each."""

from __future__ import annotations

from chassis.inbox import Asking, Event, Handler
from contracts.registry import EVENT_TYPES
from scheduling.operations.client_replicas import take_over
from scheduling.operations.context import Scheduling
from scheduling.operations.deposit_news import (
    asked_of_deposit,
    asked_of_refund,
    follow_deposit,
    follow_refund,
    release,
)
from scheduling.operations.erase import erase_client


def handlers(context: Scheduling) -> dict[str, Handler]:
    """One function for each event type that scheduling consumes, snapshots included."""

    def client_changed(event: Event) -> None:
        take_over(context, event.account_id, event.data)

    def erasure_requested(event: Event) -> None:
        erase_client(context, event.account_id, event.subject, event.sequence)

    def deposit_changed(event: Event) -> None:
        follow_deposit(context, event.account_id, event.data)

    def deposit_released(event: Event) -> None:
        release(context, event.account_id, event.data)

    def refund_changed(event: Event) -> None:
        follow_refund(context, event.account_id, event.data)

    by_family: dict[str, Handler] = {
        "client": client_changed,
        "deposit": Asking(deposit_changed, lambda event: asked_of_deposit(context, event.account_id, event.data)),
        "refund": Asking(refund_changed, lambda event: asked_of_refund(context, event.account_id, event.data)),
    }
    by_name = {"client.erasure_requested": erasure_requested, "deposit.released": deposit_released}
    consumed = [name for name, event in EVENT_TYPES.items() if "scheduling" in event.consumers]
    return {name: by_name.get(name) or by_family[name.partition(".")[0]] for name in consumed}
