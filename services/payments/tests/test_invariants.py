"""Each invariant tells what breaks it, on both stores, and nothing else."""

from __future__ import annotations

import pytest
from services.payments.tests.practice import Practice

_NO_GUARD = {
    "sqlite": "DROP TRIGGER ledger_is_never_overdrawn",
    "postgresql": "DROP TRIGGER ledger_is_never_overdrawn ON ledger",
}
_TAKEN_TWICE = """
    INSERT INTO ledger SELECT 'led_twice', account_id, deposit_id, payment_id, NULL, 'dispute', era, 'held', 'disputed', amount + 1,
        currency, at, recorded_at FROM ledger WHERE kind = 'charge'"""


@pytest.mark.parametrize(
    ("name", "breaking", "table"),
    [
        ("payments_are_whole_in_the_ledger", "UPDATE payments SET amount = amount + 1", "payments"),
        ("no_purse_is_overdrawn", _TAKEN_TWICE, "payments"),
        ("deposits_show_what_the_ledger_holds", "UPDATE deposits SET held_amount = held_amount + 1", "deposits"),
        ("deposits_show_what_the_ledger_holds", "UPDATE deposits SET refunded_amount = 0", "deposits"),
        ("deposits_show_what_the_ledger_holds", "UPDATE deposits SET era = era + 1", "deposits"),
        ("refunds_never_exceed_payments", "UPDATE payments SET amount = 1", "payments"),
        ("refund_entries_match_refunds", "UPDATE refund_parts SET status = 'pending'", "refund_parts"),
        ("a_pending_refund_has_a_next_attempt", "UPDATE refund_parts SET status = 'planned'", "refunds"),
        ("a_pending_refund_has_a_next_attempt", "UPDATE refunds SET status = 'pending'", "refunds"),
        ("a_pending_deposit_has_a_pending_refund", "UPDATE deposits SET status = 'refund_pending'", "deposits"),
    ],
)
def test_what_breaks_an_invariant_is_told_by_its_id(
    on_both_stores: Practice, name: str, breaking: str, table: str
) -> None:
    practice = on_both_stores
    practice.put_settings(refund_percentage=50)
    practice.cancel(practice.paid_session())
    assert practice.violations() == {}
    store = practice.service.store
    with store.transaction():
        if breaking is _TAKEN_TWICE:
            store.execute(_NO_GUARD["sqlite" if store.on_sqlite else "postgresql"])
        store.execute(breaking)
        [[broken]] = store.execute(f"SELECT id FROM {table}")
    assert practice.violations()[name] == [broken]
