"""How long each role of each service takes from its start until it says that it is ready."""

from __future__ import annotations

import time

from benchmarks.ground import Ground
from benchmarks.report import Row, Section
from contracts.registry import SERVICES
from support.processes import Role
from support.suite import Deployment
from support.waiting import wait_until

_ROUNDS = 3
_LOOK_SECONDS = 0.01
_TARGET_SECONDS = 2.0


def measure(ground: Ground) -> list[Section]:
    """Each alone on the machine, as far as it is ours: started, waited for, ended."""
    deployment = Deployment(
        processes=ground.processes,
        broker_url=ground.broker.vhost(),
        store_urls={service: ground.postgres.database() for service in SERVICES},
    )
    kinds = [(service, role) for service in SERVICES for role in deployment.roles_of(service)]
    for service in SERVICES:
        ground.processes.run(service, "migrate", environment=deployment.environment(service))
    took: dict[tuple[str, str], list[float]] = {kind: [] for kind in kinds}
    for _ in range(_ROUNDS if ground.share == 1 else 1):
        for kind in kinds:
            took[kind].append(_start(deployment, *kind))
    rows = [
        Row(
            what=f"{service} {role.replace('work-', 'work, ')}",
            values=seconds,
            unit="s",
            target=f"< {_TARGET_SECONDS:.0f} s",
            met=Row(what="", values=seconds, unit="").median < _TARGET_SECONDS,
        )
        for (service, role), seconds in took.items()
    ]
    return [
        Section(
            title="Readiness",
            how="From the start of the process until `/readyz` answers 200, asked every 10 ms; stores migrated, broker and database running.",
            rows=rows,
        )
    ]


def _start(deployment: Deployment, service: str, role: str) -> float:
    began = time.perf_counter()
    started: Role = deployment.start_role(service, role, wait=False)
    wait_until(started.ready, deadline=60, interval=_LOOK_SECONDS, what=f"{service} {role} to be ready")
    took = time.perf_counter() - began
    started.terminate()
    return took
