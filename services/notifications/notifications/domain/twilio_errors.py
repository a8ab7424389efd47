"""What Twilio's errors mean for a text message: which are final, and which say that it may be tried again.

The codes and their meanings are those of Twilio's dictionary, https://www.twilio.com/docs/api/errors; each has a page of its own
there (`…/errors/21610`). Twilio adds codes and splits them (its changelog of 10 July 2024), so what is not in this table is
judged by the HTTP status alone: 429 may be tried again, 5xx is unsure, any other refusal is final.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Meaning(StrEnum):
    FINAL = "final"
    """About this message, number or sender: the same request fails again."""
    NOT_NOW = "not_now"
    """About the moment, or about our account at Twilio, which its operator mends: worth another attempt until too late."""
    OPTED_OUT = "opted_out"
    """The recipient said STOP."""


@dataclass(frozen=True, kw_only=True)
class TwilioError:
    code: int
    says: str
    meaning: Meaning


def _table(*rows: tuple[int, str, Meaning]) -> dict[int, TwilioError]:
    return {code: TwilioError(code=code, says=says, meaning=meaning) for code, says, meaning in rows}


ERRORS = _table(
    # Answers to the request.
    (20003, "authentication failed: keys are wrong, or being changed", Meaning.NOT_NOW),
    (20005, "our account is not active", Meaning.NOT_NOW),
    (20429, "too many requests", Meaning.NOT_NOW),
    (21211, "the recipient's number is none", Meaning.FINAL),
    (21212, "the sender's number is none", Meaning.FINAL),
    (21265, "the recipient's number is a short code", Meaning.FINAL),
    (21266, "sender and recipient are the same number", Meaning.FINAL),
    (21408, "texts to this region are not enabled", Meaning.FINAL),
    (21602, "the text is empty", Meaning.FINAL),
    (21603, "the sender is missing", Meaning.FINAL),
    (21604, "the recipient is missing", Meaning.FINAL),
    (21606, "the sender's number is not ours, or cannot text", Meaning.FINAL),
    (21608, "a trial account texts verified numbers only", Meaning.FINAL),
    (21610, "the recipient has unsubscribed", Meaning.OPTED_OUT),
    (21611, "the sender's queue is full", Meaning.NOT_NOW),
    (21612, "there is no route from this sender to this number", Meaning.FINAL),
    (21614, "the recipient's number is not a mobile one", Meaning.FINAL),
    (21617, "the text is longer than 1600 characters", Meaning.FINAL),
    (21635, "the recipient's number is a landline", Meaning.FINAL),
    (21701, "there is no such messaging service", Meaning.FINAL),
    (21703, "the messaging service has no sender to use", Meaning.FINAL),
    (30022, "the sender's carrier limit per second is exceeded", Meaning.NOT_NOW),
    # Told by a status callback, after the message was taken, or as an answer.
    (30001, "the queue has overflowed", Meaning.NOT_NOW),
    (30002, "our account is suspended", Meaning.FINAL),
    (30003, "the handset cannot be reached", Meaning.FINAL),
    (30004, "the recipient blocks the message", Meaning.FINAL),
    (30005, "the handset is unknown", Meaning.FINAL),
    (30006, "a landline, or a carrier that cannot be reached", Meaning.FINAL),
    (30007, "filtered by the carrier or by Twilio", Meaning.FINAL),
    (30008, "the carrier gives no reason", Meaning.FINAL),
    (30034, "the sender's number is not registered for US carriers", Meaning.FINAL),
)


def meaning(code: int | None) -> Meaning | None:
    """What the error says; None where the table does not know it."""
    known = ERRORS.get(code) if code is not None else None
    return known.meaning if known else None
