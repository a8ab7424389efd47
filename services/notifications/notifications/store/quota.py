"""How many text messages an account has sent in its month."""

from __future__ import annotations

from chassis.store import Store


def take(store: Store, account_id: str, month: str, quota: int) -> bool:
    """Count one more in `month` (`2026-12`), unless that would be more than `quota`; returns whether it was counted."""
    if quota < 1:
        return False
    rows = store.execute(
        """INSERT INTO sms_usage (account_id, month, used) VALUES (%s, %s, 1)
           ON CONFLICT (account_id, month) DO UPDATE SET used = sms_usage.used + 1 WHERE sms_usage.used < %s RETURNING used""",
        (account_id, month, quota),
    )
    return bool(rows)


def give_back(store: Store, account_id: str, month: str) -> None:
    """Count one less: it was not sent."""
    store.execute(
        "UPDATE sms_usage SET used = used - 1 WHERE account_id = %s AND month = %s AND used > 0", (account_id, month)
    )
