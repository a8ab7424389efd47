"""The length of a text message, by itself and as Twilio counts it."""

from __future__ import annotations

import pytest
from services.notifications.tests.driver import Practice, session

from notifications.domain.segments import Encoding, length


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 0),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("äöüß" * 40, "GSM-7", 160, 1),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("€" * 153, "GSM-7", 306, 3),  # an escaped letter is not cut in two: 76 fit into a part of 153
        ("–" + "a" * 69, "UCS-2", 70, 1),
        ("–" + "a" * 70, "UCS-2", 71, 2),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 67, "UCS-2", 134, 3),  # neither is a surrogate pair: 33 fit into a part of 67
    ],
)
def test_texts_are_counted_as_networks_do(text: str, encoding: str, units: int, segments: int) -> None:
    found = length(text)

    assert (found.encoding, found.units, found.segments) == (Encoding(encoding), units, segments)


def test_the_log_says_of_how_many_parts_a_text_was(practice: Practice) -> None:
    practice.call("PUT", "/v1/templates/reminder_24h/sms/en", {"text": "{{ service_name }} – " + "a" * 100})
    practice.hear("session.created", session())
    practice.pass_time(days=6)

    [text] = practice.texts()
    [row] = practice.deliveries("kind=reminder_24h&channel=sms")
    assert row["segments"] == int(text["num_segments"]) == 2
