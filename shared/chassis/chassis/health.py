"""What a service tells about itself: its metrics, and what it is made of."""

from __future__ import annotations

from contextlib import suppress
from importlib import metadata
from typing import Any

from peewee import PeeweeException
from prometheus_client import generate_latest

from chassis import inbox, outbox
from chassis.service import Service
from chassis.store import StoreDown
from chassis.telemetry import Metrics
from contracts.registry import consumed_by, published_by


def render_metrics(service: Service) -> bytes:
    """The service's metrics in Prometheus' text form, gauges of the store read now."""
    # What is not known now keeps its last value; /readyz says that the store is down.
    with suppress(StoreDown, PeeweeException):
        refresh_gauges(service)
    return generate_latest(service.metrics.registry)


def refresh_gauges(service: Service) -> None:
    """Read what the store alone knows: how much is unpublished, and what the inbox keeps."""
    metrics: Metrics = service.metrics
    with service.store.reading():
        unpublished, age = outbox.backlog(service.store, service.clock.now())
    metrics.outbox_unpublished.set(unpublished)
    metrics.outbox_oldest_seconds.set(age)
    kept = inbox.counts(service.store)
    for status in inbox.InboxStatus:
        if status is not inbox.InboxStatus.DONE:
            metrics.inbox_waiting.labels(status.value).set(kept.get(status.value, 0))


def meta(service: Service) -> dict[str, Any]:
    """Build, API version, schema revision, events by version, and the time zone data's version."""
    return {
        "service": service.name,
        "build": _build(service.name),
        "api_version": "v1",
        "schema_revision": service.store.revision(),
        "events": {
            "produced": {event.name: event.version for event in published_by(service.name)},
            "consumed": {event.name: event.version for event in consumed_by(service.name)},
        },
        "tzdata": metadata.version("tzdata"),
    }


def _build(service: str) -> str:
    """The installed package's version; where the source is run as it stands there is none."""
    try:
        return metadata.version(f"timeblu-{service}")
    except metadata.PackageNotFoundError:
        return "source"
