"""The whole path, on the suite as it is deployed: from the answer to a cancellation to the refund at Stripe's stand-in."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.ground import Ground
from benchmarks.report import Row, Section, percentile
from contracts.registry import SERVICES
from embedded.practice import Practice
from support.storm import paid_sessions
from support.suite import Deployment
from support.waiting import wait_until

_CANCELLATIONS = 100
_WARM_UP = 5
_LOOK_SECONDS = 0.002
_REST_SECONDS = 0.05
_TARGET_MS = 100.0


def measure(ground: Ground) -> list[Section]:
    """One cancellation at a time, the next one when the session shows the refund of the last."""
    deployment = deployed(ground)
    practice = deployment.new_practice()
    sessions = paid_sessions(practice, ground.some(_CANCELLATIONS) + _WARM_UP)
    deployment.wait_drained()
    took = [_cancel(practice, session) for session in sessions][_WARM_UP:]
    broken = deployment.violations()
    assert not broken, broken
    end(deployment)
    answered, refunded, shown = (list(column) for column in zip(*took, strict=True))
    return [
        Section(
            title="The whole path: cancel, compute, refund",
            how=(
                "The four services in their eighteen processes, and the sandbox, all on this machine; a cancellation at a time. From the answer to the "
                "cancellation until the refund stands at the sandbox, asked every 2 ms, which costs the machine its share."
            ),
            rows=[
                Row(what="request → answer of the cancellation", values=answered, unit="ms"),
                Row(
                    what=f"**answer → refund at the sandbox, {len(took)} cancellations**",
                    values=refunded,
                    unit="ms",
                    target=f"< {_TARGET_MS:.0f} ms",
                    met=Row(what="", values=refunded, unit="").median < _TARGET_MS,
                ),
                Row(what="the same, 99th percentile", values=[percentile(refunded, 99)], unit="ms"),
                Row(what="answer → the session shows it refunded", values=shown, unit="ms"),
            ],
        )
    ]


def deployed(ground: Ground) -> Deployment:
    """Every role of every service, and the sandbox, on a broker and databases of their own; ready."""
    return Deployment(
        processes=ground.processes,
        broker_url=ground.broker.vhost(),
        store_urls={service: ground.postgres.database() for service in SERVICES},
        more={"LOG_LEVEL": "INFO"},
    ).start()


def end(deployment: Deployment) -> None:
    """Ask every role to end, and wait for it."""
    for role in deployment.roles.values():
        if role.alive():
            role.process.terminate()
    for role in deployment.roles.values():
        role.process.wait(timeout=30)


def _cancel(practice: Practice, session_id: str) -> tuple[float, float, float]:
    """Milliseconds: the request, from its answer to the refund, from its answer to the session that shows it."""
    before = _newest(practice)
    time.sleep(_REST_SECONDS)
    began = time.perf_counter()
    practice.cancel(session_id, refund="refund")
    answered = time.perf_counter()
    wait_until(lambda: _newest(practice) != before, interval=_LOOK_SECONDS, what="the refund at the sandbox")
    refunded = time.perf_counter()
    practice.wait_deposit(session_id, "refunded", "partially_refunded")
    shown = time.perf_counter()
    return (answered - began) * 1000, (refunded - answered) * 1000, (shown - answered) * 1000


def _newest(practice: Practice) -> Any:
    """The id of the newest refund at the sandbox, None while there is none."""
    found = practice.sandbox("GET", "/stripe/refunds", params={"limit": 1})["data"]
    return found[0]["id"] if found else None
