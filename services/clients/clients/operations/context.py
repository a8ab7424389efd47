"""What every operation is given, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.clock import Clock
from chassis.outbox import Outbox
from chassis.store import Store
from chassis.wakeups import Wakeups
from clients.gateways.holdings import Holdings
from clients.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Clients:
    store: Store
    outbox: Outbox
    clock: Clock
    settings: Settings
    wakeups: Wakeups
    holdings: Holdings
