"""A thousand cancellations while anything may die: nothing is lost, and each is refunded once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.backing import Broker, Postgres
from support.storm import (
    STRIPE_FAULTS,
    Storm,
    Weather,
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
    for fault in STRIPE_FAULTS:
        expect_faults_make_no_second_refund(deployment, deployment.new_practice(), fault, sessions=30)


@pytest.mark.chaos
def test_five_hundred_cancellations_under_faults_kills_repeats_and_disorder(
    new_deployment: Callable[[], Deployment],
) -> None:
    mixture_of(new_deployment(), sessions=500, every=2.0)


@pytest.mark.integration
def test_some_cancellations_under_faults_kills_repeats_and_disorder(new_deployment: Callable[[], Deployment]) -> None:
    mixture_of(new_deployment(), sessions=20, every=0.5)


def mixture_of(deployment: Deployment, *, sessions: int, every: float) -> None:
    """Two relays and two consumers side by side, so that events overtake each other, and whatever makes refunds killed again and again."""
    practice = deployment.new_practice()
    ids = paid_sessions(practice, sessions)
    deployment.start_role("scheduling", "relay", 2)
    deployment.start_role("payments", "consume", 2)
    victims = [
        ("scheduling", "relay#2"),
        ("payments", "consume"),
        ("payments", "consume#2"),
        ("payments", "jobs"),
        ("payments", "api"),
    ]
    with (
        Weather(practice=practice, sessions=ids, every=every) as weather,
        Storm(deployment=deployment, victims=victims, every=every) as storm,
        ThreadPoolExecutor(4) as pool,
    ):
        list(pool.map(lambda one: cancel_surely(practice, one), ids))
    expect_each_refunded_once(deployment, practice, ids)
    assert storm.kills
    assert weather.faults
