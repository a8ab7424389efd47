"""What Twilio's errors mean, from the table to what becomes of a message."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException, TwilioServiceException

from notifications.domain.outcomes import Result
from notifications.domain.twilio_errors import ERRORS, Meaning
from notifications.gateways.texts import answer


@pytest.mark.parametrize(
    ("status", "code", "result"),
    [
        (400, 21211, Result.REFUSED),
        (400, 21610, Result.OPTED_OUT),
        (429, 20429, Result.NOT_NOW),
        (400, 21611, Result.NOT_NOW),
        (401, 20003, Result.NOT_NOW),
        (429, 99999, Result.NOT_NOW),
        (400, 99999, Result.REFUSED),
        (404, None, Result.REFUSED),
        (500, 20500, Result.UNSURE),
        (503, None, Result.UNSURE),
    ],
)
def test_an_error_is_final_passing_or_unsure(status: int, code: int | None, result: Result) -> None:
    for error in (
        TwilioRestException(status, "/Messages.json", msg="no", code=code),
        TwilioServiceException("about:blank", "no", status, code),
    ):
        assert (answer(error).result, answer(error).error) == (result, f"{code or status}: no")


def test_one_error_means_that_the_recipient_has_opted_out_and_each_row_says_what_it_is() -> None:
    assert [code for code, error in ERRORS.items() if error.meaning is Meaning.OPTED_OUT] == [21610]
    assert all(error.code == code and error.says for code, error in ERRORS.items())
