"""How many text messages an account has sent in its month."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.store import Store


def take(store: Store, wanted: Sequence[tuple[str, str, int]]) -> list[bool]:
    """For each account, month (`2026-12`) and quota count one more, unless that would be more than the quota; returns whether it was counted.

    Whoever counts for several accounts names them in their order, so that no two wait for each other.
    """
    found = store.execute_each(
        """INSERT INTO sms_usage (account_id, month, used) SELECT %s, %s, 1 WHERE 0 < %s
           ON CONFLICT (account_id, month) DO UPDATE SET used = sms_usage.used + 1 WHERE sms_usage.used < %s RETURNING used""",
        [(account_id, month, quota, quota) for account_id, month, quota in wanted],
    )
    return [bool(counted) for counted in found]


def give_back(store: Store, account_id: str, month: str) -> None:
    """Count one less: it was not sent."""
    store.execute(
        "UPDATE sms_usage SET used = used - 1 WHERE account_id = %s AND month = %s AND used > 0", (account_id, month)
    )
