"""A service as any other, but for what its one handler does: two rows an event."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from environs import Env

from benchmarks.peers.effect import FIRST_ROW, SECOND_ROW, first_row, second_row
from chassis.clock import SystemClock
from chassis.inbox import Event
from chassis.service import Service, parts
from chassis.settings import ServiceSettings, chassis_settings

# It stands in notifications' place, the only one that consumes `service.updated`: one queue, as the peers have.
NAME = "notifications"
TYPE = "service.updated"


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """Nothing of its own."""

    @classmethod
    def read(cls, env: Env) -> Settings:
        return cls(**chassis_settings(env))


def build(settings: Settings) -> Service:
    clock = SystemClock()
    store, wakeups, outbox = parts(NAME, settings, clock)

    def service_updated(event: Event) -> None:
        store.execute(FIRST_ROW, first_row(event.id, event.data))
        store.execute(SECOND_ROW, second_row(event.id, event.data))

    return Service(
        name=NAME,
        settings=settings,
        clock=clock,
        store=store,
        wakeups=wakeups,
        outbox=outbox,
        migrations=Path(__file__).parent / "migrations",
        handlers=lambda: {TYPE: service_updated},
        jobs=list,
        blueprints=list,
        snapshots=lambda to: iter(()),
        invariants=list,
    )
