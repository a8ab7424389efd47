"""What every part of the Stripe stand-in is given to work with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import Clock
from sandbox.delivery import Deliveries
from sandbox.secrets_file import Keys
from sandbox.settings import SandboxSettings
from sandbox.store import Store, Transaction

API_VERSION = "2026-10-28.endive"
"""Of the events that are sent, and of the requests that name none."""


@dataclass(frozen=True, kw_only=True)
class World:
    settings: SandboxSettings
    keys: Keys
    store: Store
    clock: Clock
    deliveries: Deliveries

    def now(self) -> int:
        """Seconds since the epoch by the suite's clock: everything's `created`."""
        return int(self.clock.now().timestamp())


@dataclass(frozen=True, kw_only=True)
class Work:
    """One piece of work at Stripe: a request, a click on a hosted page, or something that fell due."""

    world: World
    tx: Transaction
    account: str
    """The connected account it is done on; '' is the platform."""
    now: int
    request_id: str | None = None
    idempotency_key: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)

    def later(self, seconds: float, action: str, subject: str) -> None:
        """Stripe will do `action` to `subject` when that much suite time has passed."""
        self.at(self.world.clock.now().timestamp() + seconds, action, subject)

    def at(self, moment: float, action: str, subject: str) -> None:
        self.tx.execute("INSERT OR REPLACE INTO due (at, action, subject) VALUES (?, ?, ?)", (moment, action, subject))

    def no_longer(self, action: str, subject: str) -> None:
        self.tx.execute("DELETE FROM due WHERE action = ? AND subject = ?", (action, subject))
