"""Events in: what each that payments subscribes to means here."""

from __future__ import annotations

from collections.abc import Mapping

from chassis.inbox import Asking, Event, Handler
from payments.operations import erasure, replicas
from payments.operations.context import Payments

_SESSION_EVENTS = ("created", "confirmed", "updated", "rescheduled", "cancelled", "restored", "completed", "no_show")
_CLIENT_EVENTS = ("created", "updated", "deleted", "restored", "merged")


def handlers(context: Payments) -> Mapping[str, Handler]:
    """A function for each event type; snapshots fill the replicas and trigger nothing."""

    def account(event: Event) -> None:
        replicas.remember_account(context, event.data)

    def client(event: Event) -> None:
        replicas.remember_client(context, event.data, acting=not event.snapshot)

    def session(event: Event) -> None:
        replicas.remember_session(context, event.data, acting=not event.snapshot)

    session_asking = Asking(session, lambda event: replicas.asked_to_remember(event.data))

    def erasure_requested(event: Event) -> None:
        erasure.erase_client(context, event.account_id, event.data["id"], event.sequence)

    return {
        "account.created": account,
        "account.updated": account,
        "account.snapshot": account,
        **{f"client.{name}": client for name in (*_CLIENT_EVENTS, "snapshot")},
        "client.erasure_requested": erasure_requested,
        **{f"session.{name}": session_asking for name in (*_SESSION_EVENTS, "snapshot")},
    }
