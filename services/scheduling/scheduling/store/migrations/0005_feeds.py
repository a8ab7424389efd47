"""The secret of each calendar's feed; what makes the feed's link one that nobody can guess."""

from __future__ import annotations

import secrets
from typing import Any


def up(migrator: Any, db: Any) -> None:
    # Without one a calendar has no link until it is renewed.
    db.execute_sql("ALTER TABLE calendars ADD COLUMN feed_token TEXT NOT NULL DEFAULT ''")
    for (id,) in db.execute_sql("SELECT id FROM calendars").fetchall():
        db.execute_sql(
            f"UPDATE calendars SET feed_token = {db.param} WHERE id = {db.param}", (secrets.token_urlsafe(24), id)
        )
