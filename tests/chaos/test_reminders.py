"""Reminders that fall due while anything may die and mail server and Twilio fail in each way: each goes out once, at its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from contracts.registry import SERVICES
from support.backing import Broker, Postgres
from support.crowd import Crowd, expect_each_reminded_once, fault_everything
from support.processes import Processes
from support.storm import Storm
from support.suite import Deployment
from support.waiting import wait_until

VICTIMS = [
    ("notifications", role) for role in ("jobs", "jobs#2", "relay", "consume", "work-email", "work-email#2", "work-sms")
]
_AT_ONCE = 12
"""What a worker of 8 at once may have begun when it is killed, half as many again as it calls: each may end as `unknown`."""
# Short, so that what a killed worker leaves behind is taken up within the test.
_PATIENCE = {
    "SMTP_TIMEOUT": "3",
    "TWILIO_TIMEOUT": "3",
    "SEND_LEASE_SECONDS": "20",
    "ACCOUNT_MESSAGES_PER_SECOND": "400",
}


@pytest.fixture
def notifying(own_broker: Broker, own_postgres: Postgres, processes: Processes) -> Iterator[Callable[[], Deployment]]:
    """Starts every role of notifications, some of them twice, and the sandbox; on servers that the test may end."""

    def start() -> Deployment:
        deployment = Deployment(
            processes=processes,
            broker_url=own_broker.vhost(),
            store_urls={service: own_postgres.database() for service in SERVICES},
            more=_PATIENCE,
        ).start("notifications")
        for role in ("jobs", "work-email"):
            deployment.start_role("notifications", role, 2)
        return deployment

    yield start
    processes.end()
    own_broker.drop_vhosts()
    own_postgres.drop_databases()


@pytest.mark.chaos
def test_five_thousand_reminders_under_kills_restarts_and_faults(
    notifying: Callable[[], Deployment], own_broker: Broker, own_postgres: Postgres
) -> None:
    """3,056 sessions, of which 2,500 are reminded of, by email and by SMS."""
    storm_of(
        notifying(),
        [own_broker.restart, own_postgres.restart],
        sessions=3056,
        ahead=240,
        window=60,
        every=3.0,
        faults=20,
    )


@pytest.mark.integration
def test_some_reminders_under_kills_restarts_and_faults(
    notifying: Callable[[], Deployment], own_broker: Broker, own_postgres: Postgres
) -> None:
    storm_of(
        notifying(), [own_broker.restart, own_postgres.restart], sessions=55, ahead=14, window=6, every=0.8, faults=2
    )


def storm_of(
    deployment: Deployment,
    blows: list[Callable[[], None]],
    *,
    sessions: int,
    ahead: float,
    window: float,
    every: float,
    faults: int,
) -> None:
    """`ahead` seconds for the events to arrive, `window` seconds in which all falls due."""
    crowd = Crowd(
        deployment=deployment,
        size=sessions,
        first_due=datetime.now(UTC) + timedelta(seconds=ahead),
        window=timedelta(seconds=window),
    )
    crowd.arrive()
    crowd.change_their_minds()
    wait_until(crowd.settled, deadline=ahead, interval=1, what="all to be known before the first is due")
    faulty = fault_everything(deployment, faults)
    with Storm(deployment=deployment, victims=VICTIMS, blows=blows, every=every) as storm:
        wait_until(
            lambda: datetime.now(UTC) > crowd.first_due + crowd.window / 2,
            deadline=ahead + window,
            what="half the time",
        )
        crowd.deliver_all_again()
        wait_until(lambda: datetime.now(UTC) > crowd.first_due + crowd.window, deadline=window, what="all to be due")
    crowd.deliver_all_again()
    rows = crowd.wait_ended()
    deaths = sum(count for role, count in storm.kills.items() if "work" in role) + 2
    expect_each_reminded_once(crowd, rows, faults=faulty, cut_off=_AT_ONCE * deaths)
    assert storm.kills
