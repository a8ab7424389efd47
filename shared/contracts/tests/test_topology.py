"""Every event finds its consumers' queues, every queue its dead letters, and no released queue is ever declared otherwise."""

from __future__ import annotations

import pytest

from contracts import topology
from contracts.registry import EVENT_TYPES, SERVICES

_QUEUES = {queue.name: queue for queue in topology.queues()}


def test_each_service_has_its_queues() -> None:
    assert set(_QUEUES) == {
        "scheduling.events", "clients.events", "payments.events", "notifications.events",
        "scheduling.dead", "clients.dead", "payments.dead", "notifications.dead",
        "notifications.email", "notifications.sms",
    }  # fmt: skip


@pytest.mark.parametrize("service", SERVICES)
def test_a_consumers_queue_is_bound_to_each_of_its_events_and_to_nothing_else(service: str) -> None:
    wanted = {
        event.name
        for event in EVENT_TYPES.values()
        if service in event.consumers and not event.name.endswith(".snapshot") and event.name != "delivery.due"
    }

    assert set(_QUEUES[f"{service}.events"].bindings) == wanted
    assert wanted


def test_no_queue_but_a_services_own_is_bound_to_the_exchange() -> None:
    assert not [queue.name for queue in topology.queues() if queue.bindings and not queue.name.endswith(".events")]


def test_released_queues_keep_their_arguments() -> None:
    """RabbitMQ refuses a redeclaration with others: a change here needs a queue of another name."""

    def with_dead_letters(service: str) -> dict[str, str]:
        return {
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": "timeblu.dead",
            "x-dead-letter-routing-key": f"{service}.dead",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }

    assert {name: queue.arguments for name, queue in _QUEUES.items()} == {
        **{f"{service}.events": with_dead_letters(service) for service in SERVICES},
        **{f"{service}.dead": {"x-queue-type": "quorum"} for service in SERVICES},
        "notifications.email": with_dead_letters("notifications"),
        "notifications.sms": with_dead_letters("notifications"),
    }


def test_dead_letters_end_in_a_queue_that_exists_and_has_none_of_its_own() -> None:
    for queue in topology.queues():
        if queue.dead_letters_to:
            assert _QUEUES[queue.dead_letters_to].dead_letters_to is None
