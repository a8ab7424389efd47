"""What every operation is given to work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chassis.clock import Clock
from chassis.links import Links
from chassis.outbox import Outbox
from chassis.store import Store
from chassis.wakeups import Wakeups
from payments.settings import Settings

if TYPE_CHECKING:
    from payments.gateways.stripe import StripeGateway

# What is woken after a commit that leaves work for it.
REFUNDS, CHECKOUTS, WEBHOOKS = "payments-refunds", "payments-checkouts", "payments-webhooks"


@dataclass(frozen=True, kw_only=True)
class Payments:
    """The parts of the service. `stripe` makes the gateway when it is first asked for: a consumer never needs it."""

    store: Store
    outbox: Outbox
    wakeups: Wakeups
    clock: Clock
    settings: Settings
    links: Links
    stripe: Callable[[], StripeGateway]

    def now(self) -> datetime:
        return self.clock.now()
