"""One trace and one set of ids from the request to the last handler, and nothing private on the way."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import peewee
import psycopg
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from shared.chassis.tests.driver import Bench

from chassis import telemetry
from chassis.telemetry import logged, span
from support.waiting import wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
INCOMING = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """Spans of the whole process: OpenTelemetry takes one provider, once."""
    provider = TracerProvider()
    trace.set_tracer_provider(provider)
    made = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(made))
    return made


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    exporter.clear()
    return exporter


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> Iterator[list[dict[str, object]]]:
    """What the log of a process would hold; filled when the test asks `capsys`."""
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    telemetry.configure_logging("INFO", process="ledger test")
    lines: list[dict[str, object]] = []
    original = sys.stderr.write

    def write(text: str) -> int:
        lines.extend(json.loads(line) for line in text.splitlines() if line.strip())
        return original(text)

    sys.stderr.write = write  # type: ignore[method-assign]
    yield lines
    sys.stderr.write = original  # type: ignore[method-assign]
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_one_trace_from_the_request_through_outbox_and_broker_to_the_handler(
    bench: Bench, spans: InMemorySpanExporter, log_lines: list[dict[str, object]]
) -> None:
    # Before there are other threads: Python 3.11 before its last repairs can fail where two compile at once.
    http = bench.http()
    bench.relay()
    bench.consumer()

    answer = http.post(
        "/v1/entries", json={"note": "very private"}, headers={"traceparent": INCOMING, "X-Request-Id": "req-1"}
    )
    assert answer.status_code == 201
    wait_until(lambda: bench.entries() == 2, what="the event's own entry")
    ((event_id,),) = bench.rows("SELECT id FROM outbox")
    wait_until(lambda: any(line["message"] == "handled" for line in log_lines), what="the handler's line")

    names = {found.name: found for found in spans.get_finished_spans() if found.context.trace_id == int(TRACE, 16)}
    assert {"POST /v1/entries", "account.updated process"} <= set(names)
    child = names["account.updated process"].parent
    assert child is not None
    assert child.span_id == names["POST /v1/entries"].context.span_id
    answered = next(line for line in log_lines if line["message"] == "answered")
    handled = next(line for line in log_lines if line["message"] == "handled")
    assert answered["request_id"] == "req-1"
    assert answered["route"] == "/v1/entries"
    assert answered["trace_id"] == handled["trace_id"] == TRACE
    assert handled["event_id"] == event_id
    assert all({"time", "level", "logger", "message", "process"} <= set(line) for line in log_lines)
    assert "very private" not in json.dumps(log_lines)
    assert "ada@example.test" not in json.dumps(log_lines), "the event's data"


def test_the_trace_context_travels_in_the_events_headers(stored: Bench) -> None:
    stored.http().post("/v1/entries", json={"note": "x"}, headers={"traceparent": INCOMING})

    from chassis import outbox

    (envelope,) = outbox.pending(stored.service.store)
    assert envelope.headers()["cloudEvents_traceparent"].split("-")[1] == TRACE


def test_a_wrong_trace_context_is_no_error(stored: Bench) -> None:
    for wrong in ("", "00-0-0-0", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "é"):
        assert stored.http().get("/v1/entries", headers={"traceparent": wrong}).status_code == 200


def test_a_span_tells_the_kind_of_an_error_and_not_its_text(spans: InMemorySpanExporter) -> None:
    def fail() -> None:
        with span("work"):
            raise ValueError("ada@example.test")

    with pytest.raises(ValueError, match="ada"):
        fail()

    (found,) = spans.get_finished_spans()
    assert found.status.status_code is StatusCode.ERROR
    assert found.status.description == "ValueError"
    assert found.events == ()


def test_a_logged_database_error_does_not_quote_the_row(log_lines: list[dict[str, object]]) -> None:
    try:
        try:
            raise psycopg.errors.NotNullViolation(
                'null value in column "x"\nDETAIL:  Failing row contains (ada@example.test, she said\nvery private\n\nthings).'
            )
        except psycopg.Error as error:
            raise peewee.IntegrityError(*error.args) from error
    except peewee.IntegrityError:
        logging.getLogger("ledger").exception("failed")

    told = str(log_lines[-1]["exc_info"])
    assert told.count('null value in column "x"') == 2
    assert "direct cause" in told
    for private in ("ada@example.test", "very private", "things"):
        assert private not in told


def test_ids_are_on_every_line_inside_and_on_none_outside(log_lines: list[dict[str, object]]) -> None:
    log = logging.getLogger("ledger")
    with logged(request_id="r1"), logged(event_id="e1"):
        log.info("inside")
    log.info("outside")

    assert (log_lines[0]["request_id"], log_lines[0]["event_id"]) == ("r1", "e1")
    assert "request_id" not in log_lines[1]


def test_metrics_tell_what_waits_and_how_old_it_is(stored: Bench) -> None:
    stored.publish()
    stored.inbox().take([stored.message(id="evt-1", name="failing"), stored.message(id="evt-2", subject="acc_2")])
    stored.http().get("/v1/entries/ent_none")

    page = stored.app.test_client().get("/metrics").get_data(as_text=True)

    assert "outbox_unpublished 1.0" in page
    assert "outbox_oldest_age_seconds " in page
    assert 'inbox_events{status="pending"} 1.0' in page
    assert 'inbox_events{status="parked"} 0.0' in page
    assert 'events_handled_total{outcome="done",type="account.created"} 1.0' in page
    assert 'http_request_duration_seconds_count{method="GET",route="/v1/entries/<entry_id>",status="404"} 1.0' in page


def test_what_nobody_records_keeps_its_trace_all_the_same(
    monkeypatch: pytest.MonkeyPatch, log_lines: list[dict[str, object]]
) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", trace.ProxyTracerProvider)
    with span("request", traceparent=INCOMING):
        first = telemetry.traceparent()
        with span("inside"):
            second = telemetry.traceparent()
            logging.getLogger("chassis").info("here")
    with span("another"):
        other = telemetry.traceparent()
    assert first
    assert second
    assert other
    assert [text.split("-")[1] for text in (first, second)] == [TRACE, TRACE]
    assert len({INCOMING, first, second}) == 3
    assert {text.split("-")[3] for text in (first, second, other)} == {"01"}
    assert other.split("-")[1] not in {TRACE, "0" * 32}
    assert [line["trace_id"] for line in log_lines] == [TRACE]
    assert telemetry.traceparent() is None


@pytest.mark.parametrize("endpoint", [None, ""])
def test_spans_are_recorded_for_nobody_where_no_endpoint_is_named(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None
) -> None:
    chosen: list[object] = []
    monkeypatch.setattr(trace, "get_tracer_provider", trace.ProxyTracerProvider)
    monkeypatch.setattr(trace, "set_tracer_provider", chosen.append)
    telemetry.configure_tracing("ledger", endpoint)
    assert chosen == []
    telemetry.configure_tracing("ledger", "http://127.0.0.1:1")
    (provider,) = chosen
    assert isinstance(provider, TracerProvider)
    provider.shutdown()
