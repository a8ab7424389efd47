"""What must always hold of payments' data, asked of the data itself."""

from __future__ import annotations

from collections.abc import Callable

from chassis.service import Invariant
from payments.operations.context import Payments

_MANY = 100
_PURSE = "sum(CASE '{purse}' WHEN given_to THEN amount WHEN taken_from THEN -amount ELSE 0 END)"
_HELD = "CASE 'held' WHEN l.given_to THEN l.amount WHEN l.taken_from THEN -l.amount ELSE 0 END"

# Each finds the ids of what breaks it.
_QUERIES = {
    "payments_are_whole_in_the_ledger": """
        SELECT p.id FROM payments p LEFT JOIN ledger l ON l.payment_id = p.id AND l.kind = 'charge'
        GROUP BY p.id, p.amount HAVING coalesce(sum(l.amount), 0) <> p.amount""",
    "no_purse_is_overdrawn": f"""
        SELECT payment_id FROM ledger GROUP BY payment_id
        HAVING {" OR ".join(f"{_PURSE.format(purse=purse)} < 0" for purse in ("held", "surplus", "disputed"))}""",
    # What went back counts from the last restore.
    "deposits_show_what_the_ledger_holds": f"""
        SELECT d.id FROM deposits d LEFT JOIN ledger l ON l.deposit_id = d.id
        GROUP BY d.id, d.held_amount, d.refunded_amount
        HAVING coalesce(sum({_HELD}), 0) <> d.held_amount
            OR coalesce(sum(CASE WHEN l.era = d.era AND l.kind IN ('refund', 'refund_failed') THEN -({_HELD}) ELSE 0 END), 0) <> d.refunded_amount""",
    "refunds_never_exceed_payments": """
        SELECT p.id FROM payments p JOIN refund_parts r ON r.payment_id = p.id AND r.status NOT IN ('failed', 'canceled')
        GROUP BY p.id, p.amount HAVING sum(r.amount) > p.amount""",
    "one_refund_a_deposit_and_cancellation": """
        SELECT cancellation_id FROM refunds WHERE cancellation_id IS NOT NULL
        GROUP BY deposit_id, cancellation_id HAVING count(*) > 1""",
    # A part that succeeded has taken its amount out of the ledger exactly once.
    "refund_entries_match_refunds": """
        SELECT r.id FROM refund_parts r LEFT JOIN ledger l ON l.refund_part_id = r.id
        GROUP BY r.id, r.status, r.amount
        HAVING coalesce(sum(CASE l.kind WHEN 'refund' THEN l.amount WHEN 'refund_failed' THEN -l.amount END), 0)
            <> CASE r.status WHEN 'succeeded' THEN r.amount ELSE 0 END""",
    "a_pending_refund_has_a_next_attempt": """
        SELECT refund_id FROM refund_parts WHERE status IN ('planned', 'pending', 'requires_action') AND next_attempt_at IS NULL
        UNION SELECT id FROM refunds WHERE status IN ('pending', 'requires_action') AND NOT EXISTS
            (SELECT 1 FROM refund_parts r WHERE r.refund_id = refunds.id AND r.status IN ('planned', 'pending', 'requires_action'))""",
    "a_pending_deposit_has_a_pending_refund": """
        SELECT id FROM deposits WHERE status = 'refund_pending' AND NOT EXISTS
            (SELECT 1 FROM refunds r WHERE r.deposit_id = deposits.id AND r.status IN ('pending', 'requires_action'))""",
    # Of what the last comparison found; it asks Stripe nothing itself.
    "stripe_tells_the_same": "SELECT id FROM differences WHERE settled_at IS NULL",
}


def invariants(context: Payments) -> list[Invariant]:
    """All of them; a query returns at most a hundred ids."""
    return [Invariant(name=name, query=_asking(context, sql)) for name, sql in _QUERIES.items()]


def _asking(context: Payments, sql: str) -> Callable[[], list[str]]:
    def ask() -> list[str]:
        with context.store.reading():
            return [row[0] for row in context.store.execute(f"{sql} LIMIT %s", (_MANY,))]

    return ask
