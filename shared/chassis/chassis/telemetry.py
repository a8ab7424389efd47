"""Logs in JSON, traces by OpenTelemetry and metrics by Prometheus, alike in every service and free of private data."""

from __future__ import annotations

import logging
import random
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from pythonjsonlogger.json import JsonFormatter

_propagator = TraceContextTextMapPropagator()
# Up to the next exception of the chain, or the end.
_QUOTED = re.compile(
    r"^(?:DETAIL|CONTEXT): .*?(?=\n\n(?:The above exception|During handling of)|\Z)", re.MULTILINE | re.DOTALL
)
_fields: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default={})  # noqa: B039 - never changed in place


class _ContextFilter(logging.Filter):
    """Adds the ids of what is being done to each line."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in _fields.get().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            record.trace_id = trace.format_trace_id(span.trace_id)
        return True


class _Formatter(JsonFormatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """A traceback without what PostgreSQL quotes of the row, which may go on over many lines."""
        return _QUOTED.sub("", logging.Formatter.formatException(self, ei))


def configure_logging(level: str, *, process: str) -> None:
    """JSON lines on stderr from every logger of the process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Formatter(
            "{asctime}{levelname}{name}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            static_fields={"process": process},
        )
    )
    handler.addFilter(_ContextFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for chatty in ("pika", "amqp", "kombu", "urllib3", "stripe", "twilio", "cheroot", "peewee"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def configure_tracing(service: str, endpoint: str | None) -> None:
    """Record spans and send them to `endpoint` (OTLP over HTTP) where one is given; elsewhere traces are passed on, and nothing is recorded."""
    if not endpoint or _records():
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service, "service.namespace": "timeblu"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)


def _records() -> bool:
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


@contextmanager
def logged(**fields: str) -> Iterator[None]:
    """Every line logged inside carries these ids."""
    token = _fields.set({**_fields.get(), **fields})
    try:
        yield
    finally:
        _fields.reset(token)


@contextmanager
def span(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, traceparent: str | None = None, **attributes: str
) -> Iterator[None]:
    """A span, a child of `traceparent` (W3C) where one is given."""
    parent: Context | None = _propagator.extract({"traceparent": traceparent}) if traceparent else None
    if not _records():
        with trace.use_span(_passed_on(parent), record_exception=False, set_status_on_exception=False):
            yield
        return
    tracer = _tracer(trace.get_tracer_provider())
    with tracer.start_as_current_span(
        name, context=parent, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except Exception as error:
            # Its kind alone: its text may hold what is private.
            current.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
            raise


def _passed_on(parent: Context | None) -> trace.Span:
    """A span of the same trace, or of a new one, that nobody records: a seventh of an event's time less."""
    above = trace.get_current_span(parent).get_span_context()
    return trace.NonRecordingSpan(
        trace.SpanContext(
            trace_id=above.trace_id if above.is_valid else random.getrandbits(128),
            span_id=random.getrandbits(64),
            is_remote=False,
            trace_flags=above.trace_flags if above.is_valid else trace.TraceFlags(trace.TraceFlags.SAMPLED),
            trace_state=above.trace_state,
        )
    )


@cache
def _tracer(provider: trace.TracerProvider) -> trace.Tracer:
    """Asked for once: making one costs a fifth of a small event's time (benchmarks/README.md)."""
    return provider.get_tracer("timeblu")


def traceparent() -> str | None:
    """The present trace context in W3C form, to go along with what is sent."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def following(traceparent: str | None) -> Iterator[None]:
    """What is published inside belongs to that trace, whose span has ended."""
    token = attach(_propagator.extract({"traceparent": traceparent} if traceparent else {}))
    try:
        yield
    finally:
        detach(token)


class Metrics:
    """One service's metrics, in a registry of its own, so that the embedded suite can hold four."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        seconds = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
        self.http_seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer",
            ["method", "route", "status"],
            registry=self.registry,
            buckets=seconds,
        )
        self.handler_seconds = Histogram(
            "event_handler_duration_seconds",
            "Time in an event's handler",
            ["type"],
            registry=self.registry,
            buckets=seconds,
        )
        self.events_handled = Counter(
            "events_handled_total",
            "Events by outcome: done, repeated, failed, waiting, parked",
            ["type", "outcome"],
            registry=self.registry,
        )
        self.events_lag = Gauge(
            "inbox_lag_seconds", "Age of the event handled last, when it was handled", registry=self.registry
        )
        self.published = Counter("outbox_published_total", "Events confirmed by the broker", registry=self.registry)
        self.unroutable = Counter(
            "outbox_unroutable_total", "Events no queue took although a consumer is registered", registry=self.registry
        )
        self.outbox_unpublished = Gauge(
            "outbox_unpublished", "Events not yet confirmed by the broker", registry=self.registry
        )
        self.outbox_oldest_seconds = Gauge(
            "outbox_oldest_age_seconds", "Age of the oldest of them", registry=self.registry
        )
        self.inbox_waiting = Gauge(
            "inbox_events", "Events in the inbox that are not done", ["status"], registry=self.registry
        )
        self.job_seconds = Histogram(
            "job_duration_seconds", "Time of one run of a job", ["job"], registry=self.registry, buckets=seconds
        )
