"""Events in: what each type means to this service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chassis.inbox import Event, Handler
from clients.domain.record import Change
from clients.operations import accounts, consent, erasure, replicas
from clients.operations.context import Clients
from contracts.registry import consumed_by

_CONSENT = {
    "notification.bounced": Change.BOUNCED,
    "notification.opted_out": Change.OPTED_OUT,
    "notification.opted_in": Change.OPTED_IN,
}


def handlers(context: Clients) -> dict[str, Handler]:
    """A function for each type that this service consumes, snapshots included."""
    by_subject: dict[str, Callable[[Clients, dict[str, Any]], None]] = {
        "account": accounts.learn,
        "session": replicas.learn_session,
        "deposit": replicas.learn_deposit,
    }

    def learns(learn: Callable[[Clients, dict[str, Any]], None]) -> Handler:
        return lambda event: learn(context, event.data)

    def hears(change: Change) -> Handler:
        return lambda event: consent.hear(context, change, event.account_id, event.data)

    def answered(event: Event) -> None:
        erasure.answered(context, event.account_id, event.data, at=event.time)

    found: dict[str, Handler] = {f"{subject}.snapshot": learns(learn) for subject, learn in by_subject.items()}
    for type_ in (event.name for event in consumed_by("clients")):
        if type_ in _CONSENT:
            found[type_] = hears(_CONSENT[type_])
        elif type_.endswith(".client_erased"):
            found[type_] = answered
        else:
            found[type_] = learns(by_subject[type_.partition(".")[0]])
    return found
