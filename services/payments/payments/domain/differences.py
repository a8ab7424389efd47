"""In what our books and Stripe's may differ, and what a person can do about each."""

from __future__ import annotations

from enum import StrEnum


class DifferenceKind(StrEnum):
    PAYMENT_UNKNOWN = "payment_unknown"
    PAYMENT_MISSING = "payment_missing"
    PAYMENT_DIFFERS = "payment_differs"
    REFUND_UNKNOWN = "refund_unknown"
    REFUND_MISSING = "refund_missing"
    REFUND_DIFFERS = "refund_differs"
    REFUND_TWICE = "refund_twice"
    DISPUTE_DIFFERS = "dispute_differs"
    ACCOUNT_UNREACHABLE = "account_unreachable"


_WHAT_TO_DO = {
    DifferenceKind.PAYMENT_UNKNOWN: "Stripe took a payment that names a deposit of ours, and no page of ours belongs to it: find out who made it, "
    "and refund it in Stripe's dashboard if it was not meant.",
    DifferenceKind.PAYMENT_MISSING: "We hold a payment that Stripe does not know: check that the key and the account are the ones with which it "
    "was taken; refund nothing of it before that is clear.",
    DifferenceKind.PAYMENT_DIFFERS: "Stripe took another amount or currency than we noted: compare both in Stripe's dashboard, and correct what the "
    "client is owed by a refund there.",
    DifferenceKind.REFUND_UNKNOWN: "Stripe refunded what we cannot take in, as more would have left than we hold: look at the payment in Stripe's dashboard.",
    DifferenceKind.REFUND_MISSING: "We hold a refund for made that Stripe does not know: check that the key and the account are the ones with which it "
    "was made, and refund it in Stripe's dashboard if the client never got it.",
    DifferenceKind.REFUND_DIFFERS: "Stripe's refund has another amount, or an end that cannot follow from ours: Stripe's is what the client got; settle the "
    "rest with the client.",
    DifferenceKind.REFUND_TWICE: "One refund of ours is there twice: cancel the later one in Stripe's dashboard while it is pending, else ask the client.",
    DifferenceKind.DISPUTE_DIFFERS: "Stripe tells another state of a dispute than we hold: answer it in Stripe's dashboard.",
    DifferenceKind.ACCOUNT_UNREACHABLE: "Stripe does not let us see this account: the provider has to connect it again; until then its refunds have to be "
    "made in Stripe's dashboard.",
}
_REPAIRED = "Nothing: Stripe's state was taken in."


def what_to_do(kind: DifferenceKind, *, repaired: bool) -> str:
    """The next step, for an operator."""
    return _REPAIRED if repaired else _WHAT_TO_DO[kind]
