"""What the signed texts that one service makes and another reads are signed for; `chassis.links` signs and reads them."""

from __future__ import annotations

# The client's own link for a session, by scheduling: the account's id and the session's.
MANAGE = "manage-link"
# The secret part of a payment link, drawn by scheduling.
PAYMENT = "payment-link"
# What a cancellation would return, by payments.
REFUND_QUOTE = "refund-quote"
