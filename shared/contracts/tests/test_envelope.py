"""An event survives the wire whole, and what is no event says so instead of crashing whoever receives it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Envelope, MalformedEvent, format_time, parse_time

_WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)
_ENVELOPES = st.builds(
    Envelope,
    id=_WORDS,
    source=_WORDS,
    type=_WORDS,
    subject=_WORDS,
    time=st.datetimes(timezones=st.just(UTC)),
    dataschema=st.integers(0, 2**31),
    account_id=_WORDS,
    sequence=st.integers(0, 2**63 - 1),
    traceparent=st.none() | _WORDS,
    body=st.binary(),
)


def envelope(body: bytes = b"{}") -> Envelope:
    return Envelope(
        id="0198",
        source="/timeblu/scheduling",
        type="session.created",
        subject="ses_1",
        time=datetime(2026, 12, 1, 9, tzinfo=UTC),
        dataschema=1,
        account_id="acc_demo",
        sequence=7,
        traceparent=None,
        body=body,
    )


@given(_ENVELOPES)
def test_an_envelope_survives_the_wire(sent: Envelope) -> None:
    assert Envelope.from_message(sent.headers(), sent.body) == sent


@given(_ENVELOPES)
def test_an_envelope_survives_the_other_prefix_of_the_amqp_binding(sent: Envelope) -> None:
    headers = {name.replace("cloudEvents_", "cloudEvents:", 1): value for name, value in sent.headers().items()}

    assert Envelope.from_message(headers, sent.body) == sent


def test_headers_are_the_attributes_of_cloudevents_and_our_extensions() -> None:
    assert envelope().headers() == {
        "cloudEvents_specversion": "1.0",
        "cloudEvents_id": "0198",
        "cloudEvents_source": "/timeblu/scheduling",
        "cloudEvents_type": "session.created",
        "cloudEvents_subject": "ses_1",
        "cloudEvents_time": "2026-12-01T09:00:00.000000Z",
        "cloudEvents_dataschema": "urn:timeblu:session.created:1",
        "cloudEvents_accountid": "acc_demo",
        "cloudEvents_sequence": "7",
    }


def test_other_headers_are_ignored_and_the_sent_prefix_wins() -> None:
    headers = {**envelope().headers(), "x-delivery-count": 3, "cloudEvents:id": "another"}

    assert Envelope.from_message(headers, b"{}") == envelope()


def test_a_sequence_may_come_as_a_number() -> None:
    headers: dict[str, Any] = {**envelope().headers(), "cloudEvents_sequence": 7}

    assert Envelope.from_message(headers, b"{}").sequence == 7


@pytest.mark.parametrize("version", ["1", 1])
def test_a_schema_may_come_as_its_version_alone(version: object) -> None:
    headers: dict[str, Any] = {**envelope().headers(), "cloudEvents_dataschema": version}

    assert Envelope.from_message(headers, b"{}").dataschema == 1


@pytest.mark.parametrize("offset", [None, UTC, timezone(timedelta(hours=1))], ids=str)
def test_a_time_may_come_as_a_timestamp_of_amqp(offset: tzinfo | None) -> None:
    sent = envelope()
    moment = sent.time.astimezone(offset) if offset else sent.time.replace(tzinfo=None)
    headers: dict[str, Any] = {**sent.headers(), "cloudEvents_time": moment}

    assert Envelope.from_message(headers, b"{}") == envelope()


@pytest.mark.parametrize("traceparent", [None, 5, b"\xff", {}])
def test_a_trace_context_that_cannot_be_read_is_ignored(traceparent: object) -> None:
    headers: dict[str, Any] = {**envelope().headers(), "cloudEvents_traceparent": traceparent}

    assert Envelope.from_message(headers, b"{}") == envelope()


@pytest.mark.parametrize("name", sorted(set(envelope().headers())))
def test_a_missing_attribute_is_named(name: str) -> None:
    headers = envelope().headers()
    del headers[name]

    with pytest.raises(MalformedEvent, match=name.removeprefix("cloudEvents_")):
        Envelope.from_message(headers, b"{}")


@pytest.mark.parametrize("name", sorted(set(envelope().headers())))
@pytest.mark.parametrize("value", [None, "", b"7", [], {}, 1.5, True, "nul\0", "line\nbreak", "\ud800"], ids=repr)
def test_an_attribute_of_another_form_is_refused(name: str, value: object) -> None:
    with pytest.raises(MalformedEvent, match=name.removeprefix("cloudEvents_")):
        Envelope.from_message({**envelope().headers(), name: value}, b"{}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("specversion", "0.3"),
        ("sequence", "-1"),
        ("sequence", "1_000"),
        ("sequence", "٧"),
        ("sequence", str(2**63)),
        ("sequence", "9" * 5000),
        ("dataschema", "urn:timeblu:session.created:"),
        ("dataschema", "urn:timeblu:session.created:one"),
        ("dataschema", "urn:timeblu:session.cancelled:1"),
        ("time", "2026-12-01T09:00:00"),
        ("time", "9999-12-31T23:59:59-01:00"),
    ],
)
def test_an_attribute_that_says_nothing_sensible_is_refused(name: str, value: str) -> None:
    with pytest.raises(MalformedEvent, match=name):
        Envelope.from_message({**envelope().headers(), f"cloudEvents_{name}": value}, b"{}")


def test_a_message_without_headers_is_refused() -> None:
    with pytest.raises(MalformedEvent):
        Envelope.from_message({}, b"{}")


@given(
    st.dictionaries(
        st.text(), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=6), max_size=3
    )
)
def test_a_body_is_read_as_it_was_written(data: dict[str, Any]) -> None:
    try:
        body = json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        with pytest.raises(MalformedEvent):
            envelope(json.dumps(data).encode()).decoded()
    else:
        assert envelope(body).decoded() == data


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"7", b"null", b'"text"', b"\xff\xfe", b'{"a": NaN}', b'{"a": -Infinity}', "{}".encode("utf-16"),
     b"[" * 100_000, b'{"a": ' + b"1" * 5000 + b"}"],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        envelope(body).decoded()


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_times_sort_as_text(one: datetime, other: datetime) -> None:
    assert (format_time(one) < format_time(other)) == (one < other)
    assert parse_time(format_time(one)) == one


def test_a_naive_time_is_never_sent() -> None:
    with pytest.raises(ValueError, match="no offset"):
        format_time(datetime(2026, 12, 1, 9))  # noqa: DTZ001
