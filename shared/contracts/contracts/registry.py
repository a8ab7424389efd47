"""Every event type: its version, its data, who publishes it and who consumes it. What is not listed here does not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, fields

from contracts import schemas
from contracts.sessions import DepositStatus, RefundStatus

SERVICES = ("scheduling", "clients", "payments", "notifications")


@dataclass(frozen=True, kw_only=True)
class EventType:
    """`snapshot` events carry present state to one service's queue alone and trigger no action.

    `upgrades` maps each earlier version to what makes its data that of the next one: events of a version that is no
    longer published are still in queues and outboxes.
    """

    name: str
    version: int
    schema: type[Schema]
    publisher: str
    consumers: tuple[str, ...]
    summary: str
    upgrades: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = field(default_factory=dict, compare=False)

    @property
    def snapshot(self) -> bool:
        return self.name.endswith(".snapshot")


def _family(
    subject: str, schema: type[Schema], publisher: str, consumers: tuple[str, ...], events: dict[str, str]
) -> list[EventType]:
    return [
        EventType(
            name=f"{subject}.{event}",
            version=1,
            schema=schema,
            publisher=publisher,
            consumers=consumers,
            summary=summary,
        )
        for event, summary in events.items()
    ]


def _snapshot(subject: str, schema: type[Schema], publisher: str, consumers: tuple[str, ...]) -> list[EventType]:
    return _family(
        subject, schema, publisher, consumers, {"snapshot": "The present state, sent on request to one service alone."}
    )


_EVERYBODY_ELSE = ("clients", "payments", "notifications")
_EVENTS = [
    *_family(
        "account",
        schemas.AccountData,
        "scheduling",
        _EVERYBODY_ELSE,
        {"created": "An account was provisioned.", "updated": "An account's plan or settings changed."},
    ),
    *_snapshot("account", schemas.AccountData, "scheduling", _EVERYBODY_ELSE),
    *_family(
        "service",
        schemas.ServiceData,
        "scheduling",
        ("notifications",),
        {
            "created": "A session type was made.",
            "updated": "A session type changed.",
            "retired": "A session type is offered no more.",
        },
    ),
    *_snapshot("service", schemas.ServiceData, "scheduling", ("notifications",)),
    *_family(
        "session",
        schemas.SessionData,
        "scheduling",
        _EVERYBODY_ELSE,
        {
            "created": "A session was booked.",
            "confirmed": "A pending session was confirmed.",
            "updated": "Something of a session changed: its notes, price, deposit or cancellation's decision.",
            "rescheduled": "A session moved or changed its length or calendar.",
            "cancelled": "A session was cancelled.",
            "restored": "A cancelled session stands again.",
            "completed": "A session took place.",
            "no_show": "The client did not come.",
        },
    ),
    *_snapshot("session", schemas.SessionData, "scheduling", _EVERYBODY_ELSE),
    *_family(
        "client",
        schemas.ClientData,
        "clients",
        ("scheduling", "payments", "notifications"),
        {
            "created": "A client was recorded.",
            "updated": "A client's record changed.",
            "deleted": "A client was hidden; this can be undone.",
            "restored": "A deleted client is back.",
            "merged": "A client was merged into another.",
        },
    ),
    *_snapshot("client", schemas.ClientData, "clients", ("scheduling", "payments", "notifications")),
    *_family(
        "client",
        schemas.ErasureRequestedData,
        "clients",
        ("scheduling", "payments", "notifications"),
        {"erasure_requested": "A client is to be forgotten by every service."},
    ),
    *(
        EventType(
            name=f"{service}.client_erased",
            version=1,
            schema=schemas.ErasedData,
            publisher=service,
            consumers=("clients",),
            summary=f"{service} has blanked what it held of a client.",
        )
        for service in ("scheduling", "payments", "notifications")
    ),
    *_family(
        "deposit",
        schemas.DepositData,
        "payments",
        ("scheduling", "clients", "notifications"),
        {
            **{status.value: f"A deposit became {status.value}." for status in DepositStatus},
            "changed": "A deposit's amount or refunds changed while its status stayed.",
            "due": "A deposit is still unpaid: a reminder is in order.",
            "released": "A deposit was not paid in time and its Checkout page is ended: the slot may go.",
        },
    ),
    *_snapshot("deposit", schemas.DepositData, "payments", ("scheduling", "clients", "notifications")),
    *_family(
        "refund",
        schemas.RefundData,
        "payments",
        ("scheduling", "notifications"),
        {status.value: f"A refund became {status.value}." for status in RefundStatus},
    ),
    *_family(
        "notification",
        schemas.NotificationData,
        "notifications",
        (),
        {"sent": "A message was handed to its provider.", "failed": "A message could not be sent."},
    ),
    *_family(
        "notification",
        schemas.ContactChangeData,
        "notifications",
        ("clients",),
        {
            "bounced": "A client's address does not take mail.",
            "opted_out": "A client wants no more messages on a channel.",
            "opted_in": "A client wants messages on a channel again.",
        },
    ),
    EventType(
        name="delivery.due",
        version=1,
        schema=schemas.DeliveryDueData,
        publisher="notifications",
        consumers=("notifications",),
        summary="Work for a sender, on its channel's own queue.",
    ),
]

EVENT_TYPES: dict[str, EventType] = {event.name: event for event in _EVENTS}


def event_type(name: str) -> EventType:
    """The registered type.

    Raises:
        LookupError: there is none of this name.
    """
    try:
        return EVENT_TYPES[name]
    except KeyError:
        raise LookupError(f"no event type {name!r} is registered") from None


def consumed_by(service: str) -> list[EventType]:
    """What `service` subscribes to on the exchange, snapshots left out: those come to its queue directly."""
    return [e for e in _EVENTS if service in e.consumers and not e.snapshot and e.publisher != service]


def published_by(service: str) -> list[EventType]:
    """What `service` publishes."""
    return [e for e in _EVENTS if e.publisher == service]


class NewerVersion(ValueError):
    """An event of a version that this release does not know yet: keep it until an upgrade."""


def read(name: str, version: int, data: dict[str, Any]) -> dict[str, Any]:
    """What came in as `version` of `name`, in the form of the version registered here; unknown fields are dropped.

    Raises:
        LookupError: there is no such event type.
        NewerVersion: its sender is ahead of this release.
        ValidationError: it is not what that version promises.
    """
    event = event_type(name)
    if version > event.version:
        raise NewerVersion(f"{name} of version {version}; this release knows {event.version}")
    for earlier in range(version, event.version):
        data = event.upgrades[earlier](data)
    loaded: dict[str, Any] = lenient_schema(name).load(data)
    return loaded


@cache
def strict_schema(name: str) -> Schema:
    """To check what goes out: an unknown field is an error."""
    return event_type(name).schema(unknown=RAISE)


@cache
def lenient_schema(name: str) -> Schema:
    """To read what comes in: an unknown field is dropped, in nested objects too."""
    schema = event_type(name).schema(unknown=EXCLUDE)
    _exclude_unknown(schema)
    return schema


def _exclude_unknown(schema: Schema) -> None:
    for found in schema.fields.values():
        inner = found.inner if isinstance(found, fields.List) else found
        if isinstance(inner, fields.Nested):
            inner.unknown = EXCLUDE
            _exclude_unknown(inner.schema)
