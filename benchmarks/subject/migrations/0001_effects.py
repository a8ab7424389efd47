"""The same two tables that the peers write to."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.effect import EFFECTS


def up(migrator: Any, db: Any) -> None:
    for statement in EFFECTS:
        db.execute_sql(statement)
