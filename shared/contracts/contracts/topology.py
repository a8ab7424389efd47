"""Exchanges, queues and bindings as plain values: whoever starts first declares them all, and they never change once released."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from contracts.registry import SERVICES, consumed_by

EXCHANGE = "timeblu.events"
DEAD_LETTER_EXCHANGE = "timeblu.dead"
SENDER_CHANNELS = ("email", "sms")


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A durable quorum queue, the routing keys that bind it to the exchange, and where its dead letters go.

    Arguments are part of a queue's identity (a redeclaration with others is refused), so what operators tune, such as the
    delivery limit, is a policy. At-least-once dead lettering needs `reject-publish`.
    """

    name: str
    bindings: tuple[str, ...] = ()
    dead_letters_to: str | None = None
    arguments: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        arguments: dict[str, Any] = {"x-queue-type": "quorum"}
        if self.dead_letters_to:
            arguments |= {
                "x-dead-letter-exchange": DEAD_LETTER_EXCHANGE,
                "x-dead-letter-routing-key": self.dead_letters_to,
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
            }
        object.__setattr__(self, "arguments", arguments)


def events_queue(service: str) -> str:
    """The queue on which `service` receives events."""
    return f"{service}.events"


def dead_queue(service: str) -> str:
    """The queue that gathers the dead letters of `service`."""
    return f"{service}.dead"


def sender_queue(channel: str) -> str:
    """The queue of deliveries due on `channel`, so that each channel's workers scale alone."""
    return f"notifications.{channel}"


def queues() -> list[Queue]:
    """Every queue of the system."""
    return [
        *(
            Queue(
                name=events_queue(service),
                bindings=tuple(event.name for event in consumed_by(service)),
                dead_letters_to=dead_queue(service),
            )
            for service in SERVICES
        ),
        *(Queue(name=dead_queue(service)) for service in SERVICES),
        *(
            Queue(name=sender_queue(channel), dead_letters_to=dead_queue("notifications"))
            for channel in SENDER_CHANNELS
        ),
    ]
