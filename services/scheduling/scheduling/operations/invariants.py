"""What must always hold of scheduling's data, asked of the data itself."""

from __future__ import annotations

from collections.abc import Callable

from chassis.service import Invariant
from scheduling.operations.context import Scheduling

_MANY = 100
_NOW = "{now}"

# Each finds the ids of what breaks it; {now} is the present moment.
_QUERIES = {
    # Core meets padded on one calendar; only what was sanctioned may. Holds that have ended were deleted by who came after them.
    "no_slot_is_taken_twice": """
        SELECT DISTINCT a.owner_id FROM claims a JOIN claims b
            ON b.calendar_id = a.calendar_id AND b.kind = 'padded' AND a.kind = 'core' AND b.owner_id <> a.owner_id
            AND a.starts_at < b.ends_at AND a.ends_at > b.starts_at
        WHERE NOT EXISTS (SELECT 1 FROM sanctions s WHERE (s.session_id = a.owner_id AND s.other_id = b.owner_id)
                          OR (s.session_id = b.owner_id AND s.other_id = a.owner_id))""",
    "live_sessions_claim_their_time": """
        SELECT s.id FROM sessions s
            LEFT JOIN claims c ON c.owner_id = s.id AND c.kind = 'core'
            LEFT JOIN claims p ON p.owner_id = s.id AND p.kind = 'padded'
        WHERE s.status <> 'cancelled' AND (c.owner_id IS NULL OR p.owner_id IS NULL
            OR c.calendar_id <> s.calendar_id OR p.calendar_id <> s.calendar_id
            OR c.starts_at <> s.starts_at OR c.ends_at <> s.ends_at
            OR p.starts_at > s.starts_at OR p.ends_at < s.ends_at)""",
    "claims_have_a_live_owner": """
        SELECT c.owner_id FROM claims c LEFT JOIN sessions s ON s.id = c.owner_id AND s.status <> 'cancelled'
        WHERE c.owner_type = 'session' AND s.id IS NULL""",
    "live_holds_claim_their_time": """
        SELECT h.id FROM holds h
            LEFT JOIN claims c ON c.owner_id = h.id AND c.kind = 'core'
            LEFT JOIN claims p ON p.owner_id = h.id AND p.kind = 'padded'
        WHERE h.ended_at IS NULL AND h.expires_at > {now} AND (c.owner_id IS NULL OR p.owner_id IS NULL
            OR c.calendar_id <> h.calendar_id OR p.calendar_id <> h.calendar_id OR c.starts_at <> h.starts_at
            OR c.expires_at <> h.expires_at OR p.expires_at <> h.expires_at
            OR p.starts_at > h.starts_at OR p.ends_at < c.ends_at)""",
    "claims_of_holds_have_a_hold": """
        SELECT c.owner_id FROM claims c LEFT JOIN holds h ON h.id = c.owner_id AND h.ended_at IS NULL
        WHERE c.owner_type = 'hold' AND (h.id IS NULL OR c.expires_at IS NULL)""",
    "a_hold_was_booked_once": """
        SELECT h.id FROM holds h LEFT JOIN sessions s ON s.id = h.session_id
        WHERE h.session_id IS NOT NULL AND (s.id IS NULL OR s.account_id <> h.account_id)""",
    "events_claim_their_time": """
        SELECT e.id FROM blocked_times e LEFT JOIN claims c ON c.owner_id = e.id AND c.kind = 'padded'
        WHERE e.retired_at IS NULL AND (c.owner_id IS NULL OR c.calendar_id <> e.calendar_id
            OR c.starts_at <> e.starts_at OR c.ends_at <> e.ends_at)""",
    "claims_of_events_have_one": """
        SELECT c.owner_id FROM claims c LEFT JOIN blocked_times e ON e.id = c.owner_id AND e.retired_at IS NULL
        WHERE c.owner_type = 'event' AND (e.id IS NULL OR c.kind <> 'padded')""",
    "every_version_of_an_event_is_in_the_history": """
        SELECT e.id FROM blocked_times e LEFT JOIN blocked_time_history h ON h.blocked_time_id = e.id
        GROUP BY e.id, e.version HAVING count(h.version) <> e.version OR max(h.version) <> e.version""",
    "what_a_series_made_is_of_it": """
        SELECT o.series_id FROM occurrences o
            LEFT JOIN sessions s ON s.id = o.member_id AND s.series_id = o.series_id
            LEFT JOIN blocked_times e ON e.id = o.member_id AND e.series_id = o.series_id
        WHERE o.member_id IS NOT NULL AND s.id IS NULL AND e.id IS NULL""",
    "whatever_is_of_a_series_is_an_occurrence": """
        SELECT s.id FROM sessions s LEFT JOIN occurrences o ON o.member_id = s.id
        WHERE s.series_id IS NOT NULL AND (o.series_id IS NULL OR o.series_id <> s.series_id)""",
    "every_version_is_in_the_history": """
        SELECT s.id FROM sessions s LEFT JOIN session_history h ON h.session_id = s.id
        GROUP BY s.id, s.version HAVING count(h.version) <> s.version OR max(h.version) <> s.version""",
    "every_version_has_one_event": """
        SELECT subject FROM outbox WHERE type LIKE 'session.%%' AND type <> 'session.snapshot'
        GROUP BY subject, sequence HAVING count(*) > 1""",
    "the_cancelled_have_one_standing_cancellation": """
        SELECT s.id FROM sessions s
            LEFT JOIN cancellations c ON c.session_id = s.id AND c.restored_at IS NULL
        WHERE (s.status = 'cancelled') <> (c.id IS NOT NULL)""",
    "every_account_has_a_default_calendar": """
        SELECT a.id FROM accounts a LEFT JOIN calendars c ON c.account_id = a.id AND c.is_default AND c.retired_at IS NULL
        WHERE c.id IS NULL""",
    "sessions_stay_within_their_account": """
        SELECT s.id FROM sessions s JOIN session_types t ON t.id = s.service_id JOIN calendars c ON c.id = s.calendar_id
        WHERE t.account_id <> s.account_id OR c.account_id <> s.account_id""",
}


def invariants(context: Scheduling) -> list[Invariant]:
    """All of them; a query returns at most a hundred ids."""
    return [Invariant(name=name, query=_asking(context, sql)) for name, sql in _QUERIES.items()]


def _asking(context: Scheduling, sql: str) -> Callable[[], list[str]]:
    def ask() -> list[str]:
        now = [context.clock.now()] * sql.count(_NOW)
        with context.store.reading():
            return [row[0] for row in context.store.execute(f"{sql.replace(_NOW, '%s')} LIMIT %s", (*now, _MANY))]

    return ask
