"""A thousand cancellations while anything may die: nothing is lost, and each is refunded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

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


# Two relays and two consumers side by side, so that events overtake each other, and whatever makes refunds killed again and again.
TWICE = [("scheduling", "relay"), ("payments", "consume")]
MAKING_REFUNDS = [
    ("scheduling", "relay#2"),
    ("payments", "consume"),
    ("payments", "consume#2"),
    ("payments", "jobs"),
    ("payments", "api"),
]


@pytest.mark.chaos
def test_a_thousand_cancellations_under_kills_and_restarts(
    new_deployment: Callable[[], Deployment], own_broker: Broker, own_postgres: Postgres
) -> None:
    blows = [own_broker.restart, own_postgres.restart]
    cancel_in_a_storm(new_deployment(), VICTIMS, sessions=1000, every=4.0, blows=blows)


@pytest.mark.chaos
def test_five_hundred_cancellations_under_kills_faults_repeats_and_disorder(
    new_deployment: Callable[[], Deployment],
) -> None:
    deployment = new_deployment()
    for service, role in TWICE:
        deployment.start_role(service, role, 2)
    cancel_in_a_storm(deployment, MAKING_REFUNDS, sessions=500, every=2.0, foul=True)


@pytest.mark.integration
def test_some_cancellations_under_kills_restarts_faults_repeats_and_disorder(
    new_deployment: Callable[[], Deployment], own_broker: Broker, own_postgres: Postgres
) -> None:
    blows = [own_broker.restart, own_postgres.restart]
    cancel_in_a_storm(new_deployment(), VICTIMS, sessions=40, every=0.6, blows=blows, foul=True)


def cancel_in_a_storm(
    deployment: Deployment,
    victims: list[tuple[str, str]],
    *,
    sessions: int,
    every: float,
    blows: Sequence[Callable[[], None]] = (),
    foul: bool = False,
) -> None:
    """`foul`: Stripe fails at random meanwhile, its webhooks come twice and in disorder, and events are told again."""
    practice = deployment.new_practice()
    ids = paid_sessions(practice, sessions)
    weather = Weather(practice=practice, sessions=ids, every=every)
    with (
        weather if foul else nullcontext(),
        Storm(deployment=deployment, victims=victims, blows=list(blows), every=every) as storm,
        ThreadPoolExecutor(4) as pool,
    ):
        list(pool.map(lambda one: cancel_surely(practice, one), ids))
    expect_each_refunded_once(deployment, practice, ids)
    assert storm.kills
    assert not foul or (weather.faults and weather.told_again)


@pytest.mark.chaos
def test_every_fault_of_stripe_in_every_third_call(new_deployment: Callable[[], Deployment]) -> None:
    deployment = new_deployment()
    for fault in STRIPE_FAULTS:
        expect_faults_make_no_second_refund(deployment, deployment.new_practice(), fault, sessions=30)
