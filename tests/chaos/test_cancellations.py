"""A thousand cancellations while anything may die: nothing is lost, and each is refunded once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.backing import Broker, Postgres
from support.storm import (
    Storm,
    cancel_surely,
    expect_each_refunded_once,
    expect_faults_make_no_second_refund,
    paid_sessions,
)
from support.suite import Deployment

VICTIMS = [
    (service, role) for service in ("scheduling", "payments") for role in ("api", "relay", "consume", "jobs")
] + [("notifications", "consume"), ("notifications", "work-email"), ("clients", "consume")]


@pytest.mark.chaos
def test_a_thousand_cancellations_under_kills_and_restarts(
    new_deployment: Callable[[], Deployment], own_broker: Broker, own_postgres: Postgres
) -> None:
    storm_of(new_deployment(), own_broker, own_postgres, sessions=1000, every=4.0)


@pytest.mark.integration
def test_some_cancellations_under_kills_and_restarts(
    new_deployment: Callable[[], Deployment], own_broker: Broker, own_postgres: Postgres
) -> None:
    storm_of(new_deployment(), own_broker, own_postgres, sessions=40, every=0.6)


def storm_of(deployment: Deployment, broker: Broker, postgres: Postgres, *, sessions: int, every: float) -> None:
    practice = deployment.new_practice()
    ids = paid_sessions(practice, sessions)
    blows = [broker.restart, postgres.restart]
    with (
        Storm(deployment=deployment, victims=VICTIMS, blows=blows, every=every) as storm,
        ThreadPoolExecutor(4) as pool,
    ):
        list(pool.map(lambda one: cancel_surely(practice, one), ids))
    expect_each_refunded_once(deployment, practice, ids)
    assert storm.kills


@pytest.mark.chaos
def test_every_fault_of_stripe_in_every_third_call(new_deployment: Callable[[], Deployment]) -> None:
    deployment = new_deployment()
    for fault in ("error_500", "error_500_after_processing", "rate_limit", "timeout", "drop_after_processing"):
        expect_faults_make_no_second_refund(deployment, deployment.new_practice(), fault, sessions=30)
