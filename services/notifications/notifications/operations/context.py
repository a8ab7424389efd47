"""What every operation is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from chassis.clock import Clock, SystemClock
from chassis.links import Links
from chassis.outbox import Outbox
from chassis.store import Store
from chassis.wakeups import Wakeups
from notifications.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Notifications:
    """`clock` is the suite's, which may jump; leases go by `real_clock`, as what they wait for happens in real time."""

    settings: Settings
    clock: Clock
    store: Store
    outbox: Outbox
    wakeups: Wakeups
    real_clock: Clock = field(default_factory=SystemClock)

    @cached_property
    def links(self) -> Links:
        return Links(self.settings.service_jwt_secret)

    def now(self) -> datetime:
        return self.clock.now()
